"""What retention and erasure removed stays removed: its files cannot bring it back, and raw tables refuse edits again.

Belongs here: what taking in must know of removals. Does not belong here: removing (governance alone does).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from insights_assets.lake.removal import APPEND_ONLY, is_append_only, set_append_only
from insights_assets.sources.tables import REMOVED_ROWS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.lake import Lake
    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step
    from insights_assets.sources.catalogue import Source


def removed_files(lake: Lake, source: Source) -> set[str]:
    """Hashes of files that brought payloads which were removed since."""
    if not lake.row_count(REMOVED_ROWS):
        return set()
    return set(lake.read(REMOVED_ROWS).where(f"source = '{source.name}'").select("file_sha256").distinct().toArrow().column(0).to_pylist())


def without_removed(lake: Lake, source: Source, rows: DataFrame) -> DataFrame:
    """The rows without payloads that were removed: the same words in another file are as removed as in the first."""
    if not lake.row_count(REMOVED_ROWS):
        return rows
    return rows.join(lake.read(REMOVED_ROWS).where(f"source = '{source.name}'").select("payload_sha256"), "payload_sha256", "left_anti").select(*rows.columns)


def restore_append_only(step: Step, specs: Iterable[TableSpec]) -> list[str]:
    """Tables that did not refuse edits, made to refuse them again, each with an entry in the audit log."""
    lifted = [spec for spec in specs if step.lake.exists(spec) and not is_append_only(step.lake, spec)]
    for spec in lifted:
        set_append_only(step.lake, spec, True)
        step.operations.audit.append("house", "append_only_restored", str(spec), property=APPEND_ONLY, run_id=step.run_id)
    return [str(spec) for spec in lifted]
