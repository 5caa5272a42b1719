"""Heavy steps as jobs on a lake in Unity Catalog, both through the stand-in: tables by name on both sides, messages, receipts and the word on a volume.

Dagster reaches the volume by the Files API alone, as from outside a workspace; the tasks see it as a folder, as on a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from insights_assets.canonical import assets as canonical
from insights_assets.labels import assets as labels
from insights_assets.lake.holding import HOLDER
from insights_assets.lake.lake import Lake
from insights_assets.lake.unity import UnityLake
from insights_assets.resources import job_files, job_outcome, table_assets
from insights_assets.resources.job_gate import NAME
from insights_assets.sources import assets as sources
from insights_assets.tables import all_tables
from insights_assets_tests.contract.databricks_workspace import workspace_in
from insights_assets_tests.contract.feedback_run import environment, failure_of, house, instance_of, write_landing
from insights_assets_tests.contract.sail_catalog import OF_THE_ENGINE as CATALOG
from insights_assets_tests.contract.sail_catalog import Catalog

pytestmark = pytest.mark.slow
STAGES = ("sources", "canonical", "labels")
GRAPH = [
    *sources.ASSETS, canonical.products, canonical.sessions, canonical.orders, canonical.shipments, canonical.feedback, labels.relabel_plan, labels.feedback_labels,
    labels.labelled_feedback,
]
HEAVY = {"canonical__sessions", "canonical__orders", "canonical__shipments", "canonical__feedback", "labels__labelled_feedback"}


def run(home: Path) -> dg.ExecuteInProcessResult:
    with instance_of(home) as instance:
        result = dg.materialize(GRAPH, resources={"house": house(home)}, instance=instance, raise_on_error=False)
    assert result.success, failure_of(result)
    return result


def rows(lake: Lake) -> dict[str, Any]:
    return {str(spec): sorted(lake.read_arrow(spec).select(spec.stable_columns).to_pylist(), key=str) for spec in all_tables() if spec.stage in STAGES and lake.exists(spec)}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[SimpleNamespace]:
    """One shop: on a folder in this process, and in the catalog with its heavy steps as jobs, twice."""
    folder = tmp_path_factory.mktemp("catalog_jobs")
    for name in ("here", "named"):
        write_landing(folder / name / "landing")
    with environment():
        run(folder / "here")
    with workspace_in(folder / "workspace", "serverless", DATABRICKS_CATALOG=CATALOG) as server, pytest.MonkeyPatch.context() as patch:
        catalog = Catalog(CATALOG, str(folder / "tables"), str(server.volume.root))
        server.jobs.platform |= catalog.variable()
        catalog.bootstrap(spark, [*(spec for spec in all_tables() if spec.stage in STAGES), HOLDER])
        catalog.install(patch.setattr)
        patch.setattr(job_files, "_is_away", lambda lake: True)
        patch.setattr(job_outcome, "read_receipt", lambda *_: None)
        first = run(folder / "named")
        submitted = server.count("/runs/submit")
        run(folder / "named")
        named = rows(UnityLake(CATALOG, lambda: spark))
        yield SimpleNamespace(folder=folder, server=server, catalog=catalog, first=first, submitted=submitted, named=named, here=rows(Lake(folder / "here" / "lake", lambda: spark)))
    for spec in all_tables():
        if spec.stage in STAGES:
            spark.sql(f"DROP TABLE IF EXISTS `{CATALOG}`.`{spec.stage}`.`{spec.name}`")


def test_rows_in_the_catalog_are_those_of_the_folder(both: SimpleNamespace) -> None:
    mine = {name: found for name, found in both.named.items() if found}
    theirs = {name: found for name, found in both.here.items() if found}
    assert mine.keys() == theirs.keys() and len(mine) >= 15 and {"canonical.feedback", "labels.labelled_feedback"} <= mine.keys()
    assert [name for name in theirs if mine[name] != theirs[name]] == []


def test_one_job_run_did_it_by_name_and_a_second_run_launches_none(both: SimpleNamespace) -> None:
    job = both.server.runs[1000]
    assert both.submitted == both.server.count("/runs/submit") == 1 and job.result == "SUCCESS"
    assert {task.key for task in job.tasks} == HEAVY | {NAME} and set(table_assets.HEAVY) >= HEAVY
    asked = [" ".join(task.settings["python_wheel_task"]["parameters"]) for task in job.tasks if task.key != NAME]
    assert all(f'"lake": "unity:{CATALOG}"' in words for words in asked), "no task is told a folder"
    assert not (both.folder / "named" / "lake").exists() or not list((both.folder / "named" / "lake").rglob("*.parquet"))


def test_reports_came_over_the_volume(both: SimpleNamespace) -> None:
    made = {event.asset_key.to_user_string() for event in both.first.get_asset_materialization_events() if "Databricks Job Run ID" in event.step_materialization_data.materialization.metadata}
    assert {"canonical/feedback", "labels/labelled_feedback"} <= made
    puts = [call.path for call in both.server.calls if call.method == "PUT" and call.path.endswith(f"{NAME}.json")]
    assert len(puts) == 1 and puts[0].startswith(f"/api/2.0/fs/files{both.catalog.volume('scratch')}/_jobs/"), "the word went to the volume"
    assert not list((both.server.volume.root / "insights_pipes").rglob("*.json")), "messages are taken away again"
    assert not [path for path in (both.catalog.volume("scratch") / "_scratch").rglob("*") if path.is_file()], "and so are the frames of tasks"
