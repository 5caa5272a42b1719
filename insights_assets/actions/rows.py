"""Small tables of the stage as rows, and rows as frames of their table.

Belongs here: what the stage's assets share about reading and writing. Does not belong here: any decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from insights_assets.actions.decide import with_verdicts
from insights_assets.actions.model import Issue
from insights_assets.anomalies.tables import INSIGHTS
from insights_assets.lake.spec import TableSpec
from insights_assets.resources.step import Step

if TYPE_CHECKING:
    import pandas as pd


def rows_of(step: Step, spec: TableSpec) -> list[dict[str, Any]]:
    """A small table as dicts."""
    return [dict(row) for row in step.lake.read_arrow(spec).to_pylist()] if step.exists(spec) else []


def frame_of(spec: TableSpec, rows: list[dict[str, Any]], step: Step) -> pd.DataFrame:
    """Rows as a frame of the spec; run_id and created_at are filled where the row has none."""
    import pandas as pd

    filled = []
    for row in rows:
        made = {"run_id": step.run_id, "created_at": step.clock(), **{k: v for k, v in row.items() if v is not None}}
        filled.append({name: made.get(name) for name in spec.column_names})
    return pd.DataFrame(filled, columns=spec.column_names, dtype=object)


def issues_of(step: Step) -> list[Issue]:
    return with_verdicts((Issue.from_row(row) for row in rows_of(step, INSIGHTS)), step.operations)
