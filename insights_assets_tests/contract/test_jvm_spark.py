"""The same stage bodies on JVM Spark as on the embedded engine: the same assertions on both, and equal rows table by table (R15).

Both engines get the same landing files, from reading them to judged series and health. The JVM's lake is Parquet (see `jvm_spark.py`), so
what is compared is the transforms. A difference between the engines that is right to have is declared in DIFFERENCES, with its reason.
Skips only where there is no Java.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.anomalies.tables import ANOMALIES, TOPIC_SERIES
from insights_assets.canonical.tables import FEEDBACK, FEEDBACK_TEXT, ORDERS, QUARANTINE, SHIPMENTS, SOURCE_COMPLETENESS
from insights_assets.health.tables import BUSINESS_HEALTH
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.spec import TableSpec
from insights_assets.resources import table_assets
from insights_assets.simulator import simulate
from insights_assets.sources.tables import BRONZE, RAW
from insights_assets.tables import all_tables
from insights_assets_tests.contract.jvm_spark import ParquetLake, connect_server, java
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow
AS_OF = date(2026, 11, 22)
STAGES = ("sources", "canonical", "labels", "anomalies", "health")
#: Read no other way than those that stay; each costs the JVM a second or two.
LEFT_OUT = {f"sources__{name}" for name in ("stock", "calendar", "social", "surveys")}
#: Table -> column -> why the engines may differ there. None is known.
DIFFERENCES: dict[str, dict[str, str]] = {}
COMPARED = tuple(spec for spec in all_tables() if spec.stage in STAGES)


@dataclass(frozen=True)
class Engines:
    """Both houses after the same bodies ran in each, by the engine's name."""

    houses: dict[str, TestHouse]

    def rows(self, engine: str, spec: TableSpec) -> list[dict[str, Any]]:
        dropped = DIFFERENCES.get(str(spec), {})
        table = self.houses[engine].lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key])
        return [dict(row) for row in table.select([name for name in spec.stable_columns if name not in dropped]).to_pylist()]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[Engines]:
    if java() is None:
        pytest.skip("needs Java to run JVM Spark, and there is none on this machine")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("engines")
    simulate(folder / "shop", days=70, records=1_000, seed=5, last_day=AS_OF)
    (folder / "shop" / "landing" / "reviews" / "broken.jsonl").write_text('{"review_id": "B1"\n{"review_id": "B2", "created_at": "not a day"}\n', encoding="utf-8")
    for stage in STAGES:
        importlib.import_module(f"insights_assets.{stage}.assets")
    embedded = TestHouse(folder / "embedded", spark, as_of=AS_OF, landing=folder / "shop" / "landing")
    run(embedded)
    server = folder / "server"
    server.mkdir()
    with connect_server(server) as url:
        session = SparkSession.builder.remote(url).create()
        try:
            assert session.sql("SELECT java_method('java.lang.System', 'getProperty', 'java.vm.name') vm").toArrow().to_pylist()[0]["vm"], "this is no JVM"
            jvm = TestHouse(folder / "jvm", session, as_of=AS_OF, landing=folder / "shop" / "landing")
            jvm.lake = ParquetLake(jvm.settings.lake_path, lambda: session)
            run(jvm)
            yield Engines({"embedded": embedded, "jvm": jvm})
        finally:
            session.stop()  # before its server: a client whose server is gone waits for it for minutes


def run(house: TestHouse) -> None:
    for stage in STAGES:
        for name, (body, _, _) in list(table_assets.BODIES.items()):
            if name.partition("__")[0] == stage and name not in LEFT_OUT:
                body(house.step(name))


@pytest.mark.parametrize("spec", COMPARED, ids=str)
def test_rows_are_equal(engines: Engines, spec: TableSpec) -> None:
    assert engines.houses["embedded"].lake.exists(spec) == engines.houses["jvm"].lake.exists(spec)
    embedded, jvm = engines.rows("embedded", spec), engines.rows("jvm", spec)
    assert len(embedded) == len(jvm)
    unequal = [{name: (left[name], right[name]) for name in left if left[name] != right[name]} for left, right in zip(embedded, jvm, strict=True) if left != right]
    assert not unequal, f"{len(unequal)} of {len(embedded)} rows differ, the first in {unequal[0]}"


@pytest.mark.parametrize("engine", ["embedded", "jvm"])
def test_bronze_and_quarantine_account_for_every_line(engines: Engines, engine: str) -> None:
    rows = {row["source"]: row for row in engines.rows(engine, SOURCE_COMPLETENESS)}
    assert all(row["unexplained_count"] == 0 for row in rows.values())
    assert rows["reviews"]["quarantined_count"] >= 2
    assert rows["reviews"]["raw_count"] == len(engines.rows(engine, RAW["reviews"])) > len(engines.rows(engine, BRONZE["reviews"])) > 100
    assert {row["reason"] for row in engines.rows(engine, QUARANTINE) if row["source"] == "reviews"}


@pytest.mark.parametrize("engine", ["embedded", "jvm"])
def test_feedback_is_redacted_and_traced(engines: Engines, engine: str) -> None:
    feedback = engines.rows(engine, FEEDBACK)
    assert len({row["feedback_id"] for row in feedback}) == len(feedback) > 500
    people = {row["customer_name"] for row in engines.rows(engine, BRONZE["orders"]) if row["customer_name"]}
    original = {row["feedback_id"]: row["text"] for row in engines.rows(engine, FEEDBACK_TEXT)}
    named = [row for row in feedback if any(name in (original.get(row["feedback_id"]) or "") for name in people)]
    assert named, "some customer must name themselves for this to say anything"
    assert not [row for row in feedback if row["text"] and any(name in row["text"] for name in people)]
    assert sum(row["packaging_batch"] is not None for row in feedback) > 50
    orders = {(row["order_id"], row["sku"]) for row in engines.rows(engine, ORDERS)}
    assert all((row["order_id"], row["sku"]) in orders for row in engines.rows(engine, SHIPMENTS) if row["ordered_day"] is not None)


@pytest.mark.parametrize("engine", ["embedded", "jvm"])
def test_labels_series_and_health_say_something(engines: Engines, engine: str) -> None:
    labels = engines.rows(engine, FEEDBACK_LABELS)
    assert {row["feedback_id"] for row in labels} == {row["feedback_id"] for row in engines.rows(engine, FEEDBACK)}
    quotes = [(row["feedback_id"], topic["quote"]) for row in labels for topic in row["topics"] or () if topic["quote"]]
    texts = {row["feedback_id"]: row["text"] for row in engines.rows(engine, FEEDBACK)}
    assert quotes and all(quote in (texts[feedback_id] or quote) for feedback_id, quote in quotes)
    counted = engines.rows(engine, TOPIC_SERIES)
    assert sum(row["observed"] for row in counted if row["attribute"] == "all") > 100
    assert engines.rows(engine, ANOMALIES)
    assert {row["metric"] for row in engines.rows(engine, BUSINESS_HEALTH) if row["sku"] == "all"} >= {"negative_review_share", "refund_share", "conversion_share"}


def test_declared_differences_are_columns_that_exist() -> None:
    known = {str(spec): set(spec.column_names) for spec in COMPARED}
    assert all(set(columns) <= known[name] and all(columns.values()) for name, columns in DIFFERENCES.items())


def test_the_jvm_really_ran_it(engines: Engines) -> None:
    jvm: Path = engines.houses["jvm"].lake.root
    assert list(jvm.rglob("*.parquet")) and not list(jvm.rglob("_delta_log"))
