"""Assets of the stage: who may read what, the audit log, retention's receipts, and the publication that pins what people may see."""

import json
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from insights_assets.canonical.tables import QUARANTINE
from insights_assets.governance.access import access_rows
from insights_assets.governance.maintenance import maintain
from insights_assets.governance.retention import leave_receipts, run_retention, vacuum_unpublished
from insights_assets.governance.tables import ACCESS_MATRIX, AUDIT_LOG, MAINTENANCE_RUNS, RETENTION_RUNS
from insights_assets.lake.crash import crash_here
from insights_assets.resources import previews
from insights_assets.resources.house import House
from insights_assets.resources.memo import nothing_else
from insights_assets.resources.progress import announced
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import SCHEMA_CHECK, SCHEMA_HOLDS, Check, Result, asset_spec, results, table_assets
from insights_assets.sources.tables import BRONZE, RAW, REMOVED_ROWS
from insights_assets.tables import all_tables

_KEPT = (*RAW.values(), *BRONZE.values(), REMOVED_ROWS, QUARANTINE)


@table_assets(ACCESS_MATRIX, memo=nothing_else)
def access_matrix(step: Step) -> None:
    """The three roles against every column of every table."""
    rows = access_rows(all_tables())
    step.write(ACCESS_MATRIX, pd.DataFrame(rows, columns=ACCESS_MATRIX.column_names))
    step.note(ACCESS_MATRIX, tables=len(all_tables()), raw_columns=sum(row["role"] == "raw" and row["tier"] == "raw" for row in rows))


@table_assets(AUDIT_LOG, checks=(Check("audit_chain_holds", AUDIT_LOG, "Every entry follows from the one before it; none was edited, deleted or cut off."),))
def audit_log(step: Step) -> None:
    """New entries of the audit log; the original lies in the operational database, where its chain is checked."""
    new = step.operations.audit.count() - step.lake.row_count(AUDIT_LOG)
    rows = list(reversed(step.operations.audit.rows(limit=new))) if new > 0 else []
    if rows:
        kept = [
            {"sequence": row.sequence, "at": row.at, "actor": row.actor, "action": row.action, "subject": row.subject, "details": json.dumps(row.details, sort_keys=True), "row_hash": row.row_hash}
            for row in rows
        ]
        step.write(AUDIT_LOG, pd.DataFrame(kept, columns=AUDIT_LOG.column_names))
    chain = step.operations.audit.verify_chain()
    step.check("audit_chain_holds", chain.holds, rows=chain.rows, reason=chain.reason)


class Retention(dg.Config):
    """Nothing is removed unless `apply` is set."""

    apply: bool = False
    asked_by: str = "dagster"
    kept_published_days: int = 30


@dg.multi_asset(
    name="governance__retention_runs", specs=[asset_spec(RETENTION_RUNS, _KEPT, "1", "Receipts of retention.", False)],
    check_specs=[dg.AssetCheckSpec(SCHEMA_CHECK, asset=dg.AssetKey(RETENTION_RUNS.key_path), blocking=True, description=SCHEMA_HOLDS)],
)  # fmt: skip
def retention_runs(context: dg.AssetExecutionContext, house: House, config: Retention) -> Iterator[Result]:
    step = house.step(reads=_KEPT, writes=(RETENTION_RUNS,), run_id=context.run.run_id, log=context.log)
    with announced("governance__retention_runs"):
        found = run_retention(step, apply=config.apply, by=config.asked_by)
        if not config.apply:
            leave_receipts(step, found, is_applied=False, by=config.asked_by)
        gone = vacuum_unpublished(step, all_tables(), config.kept_published_days) if config.apply else 0
    step.note(RETENTION_RUNS, applied=config.apply, rows_expired=sum(expired.row_count for expired in found), files_deleted=gone)
    yield from results(step, (RETENTION_RUNS,), ())


class Maintenance(dg.Config):
    """Versions published in so many days stay readable."""

    kept_published_days: int = 30


@dg.multi_asset(
    name="governance__maintenance_runs", specs=[asset_spec(MAINTENANCE_RUNS, (), "1", "Receipts of maintenance: small files merged, files deleted that no published version needs.", False)],
    check_specs=[dg.AssetCheckSpec(SCHEMA_CHECK, asset=dg.AssetKey(MAINTENANCE_RUNS.key_path), blocking=True, description=SCHEMA_HOLDS)],
)  # fmt: skip
def maintenance_runs(context: dg.AssetExecutionContext, house: House, config: Maintenance) -> Iterator[Result]:
    step = house.step(reads=(), writes=(MAINTENANCE_RUNS,), run_id=context.run.run_id, log=context.log)
    with announced("governance__maintenance_runs"):
        found = maintain(step, all_tables(), config.kept_published_days)
        rows = [done.row(step) for done in found if done.did_something]
        if rows:
            step.write(MAINTENANCE_RUNS, pd.DataFrame(rows, columns=MAINTENANCE_RUNS.column_names))
    step.note(
        MAINTENANCE_RUNS, tables_looked_at=len(found), tables_compacted=sum(done.files_before != done.files_after for done in found),
        files_merged=sum(done.files_before - done.files_after for done in found), files_deleted=sum(done.files_deleted for done in found), tables_analyzed=sum(done.is_analyzed for done in found),
    )  # fmt: skip
    yield from results(step, (MAINTENANCE_RUNS,), ())


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
            crash_here(step.settings.crash_at, "governance.publication:before")
            step.operations.record_publication(step.run_id, step.as_of, versions)
            crash_here(step.settings.crash_at, "governance.publication:after")
    console = previews.link(step.settings.console_url)
    yield dg.MaterializeResult(metadata={"console": console, "tables_pinned": len(versions), "changed": changed, "as_of": step.as_of.isoformat()})


ASSETS = [access_matrix, audit_log, retention_runs, maintenance_runs, publication]
