"""Assets of the stage: the publication that pins what people may see."""

from collections.abc import Iterator

import dagster as dg

from insights_assets.resources import previews
from insights_assets.resources.house import House
from insights_assets.resources.progress import announced
from insights_assets.tables import all_tables


def _pinned() -> list[dg.AssetKey]:
    return [dg.AssetKey(spec.key_path) for spec in all_tables()]


@dg.asset(
    key=dg.AssetKey(["governance", "publication"]), deps=_pinned(), group_name="governance", owners=["team:data-platform"], kinds={"python"},
    tags={"medallion": "gold", "visibility": "public"}, code_version="1",
    description="Pins each table to its Delta version once every blocking check has passed: export, show, trace, pages and brief read these, so nobody sees half a run.",
)
def publication(context: dg.AssetExecutionContext, house: House) -> Iterator[dg.MaterializeResult]:
    with announced("governance__publication"):
        step = house.step(reads=(), writes=(), run_id=context.run.run_id, log=context.log)
        versions = {str(spec): version for spec in all_tables() if (version := step.lake.version(spec)) is not None}
        latest = step.operations.latest_publication()
        changed = latest is None or dict(latest.table_versions) != versions
        if changed or latest.as_of_day != step.as_of:
            step.operations.record_publication(step.run_id, step.as_of, versions)
    console = previews.link(step.settings.console_url)
    yield dg.MaterializeResult(metadata={"console": console, "tables_pinned": len(versions), "changed": changed, "as_of": step.as_of.isoformat()})


ASSETS = [publication]
