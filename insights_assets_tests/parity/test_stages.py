"""The same stage bodies on Sail, on JVM Spark over Connect and on classic JVM Spark: equal rows, table by table (R15).

Sail and Connect get the same landing files, from reading them to judged series and health, and each leaves a lake of Delta tables; one
engine reads them back. The classic session, which is what a Databricks job has, does the heavy steps over what Sail left. A difference that is right to have is declared in `differences.py`. Skips only where there is no Java.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from insights_assets.anomalies.tables import ANOMALIES, TOPIC_SERIES
from insights_assets.canonical.tables import FEEDBACK, FEEDBACK_TEXT, ORDERS, QUARANTINE, SHIPMENTS, SOURCE_COMPLETENESS
from insights_assets.engine.jvm import JvmServer
from insights_assets.health.tables import BUSINESS_HEALTH
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.lake import Lake
from insights_assets.lake.spec import TableSpec
from insights_assets.resources import table_assets
from insights_assets.simulator import simulate
from insights_assets.sources.tables import BRONZE, RAW
from insights_assets.tables import all_tables
from insights_assets_tests.house import in_order
from insights_assets_tests.parity.differences import ROWS
from insights_assets_tests.parity.houses import AS_OF, STAGES, copy_before, open_house, run_stages

pytestmark = pytest.mark.slow
ENGINES = ("embedded", "connect", "classic")
for stage in STAGES:
    importlib.import_module(f"insights_assets.{stage}.assets")
HEAVY = in_order([name for name in sorted(table_assets.HEAVY) if name.partition("__")[0] in STAGES])
WRITTEN_BY_HEAVY = frozenset(spec for name in HEAVY for spec in table_assets.BODIES[name][2])
CASES = [
    *(("connect", spec) for spec in all_tables() if spec.stage in STAGES),
    *(("classic", spec) for spec in all_tables() if spec in WRITTEN_BY_HEAVY),
]


@dataclass(frozen=True)
class Engines:
    """The lakes after the same bodies ran in each, all read by one engine."""

    lakes: dict[str, Lake]

    def rows(self, engine: str, spec: TableSpec) -> list[dict[str, Any]]:
        """As the design defines equal: by key, without volatile columns."""
        table = self.lakes[engine].read_arrow(spec).sort_by([(name, "ascending") for name in spec.key])
        return [dict(row) for row in table.select(spec.stable_columns).to_pylist()]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, spark: Any, connect: Any, jvm: JvmServer) -> Iterator[Engines]:
    folder = tmp_path_factory.mktemp("engines")
    simulate(folder / "shop", days=70, records=1_000, seed=5, last_day=AS_OF)
    landing = folder / "shop" / "landing"
    (landing / "reviews" / "broken.jsonl").write_text('{"review_id": "B1"\n{"review_id": "B2", "created_at": "not a day"}\n', encoding="utf-8")
    run_stages(open_house(folder / "embedded", landing, spark, is_embedded=True))
    run_stages(open_house(folder / "connect", landing, connect, is_embedded=False))
    said = jvm.ask(do="bodies", home=str(copy_before(folder / "embedded", HEAVY, folder / "classic")), names=HEAVY)
    assert said == {"kind": "pyspark.sql.session", "store": "CommittedParquet"}, "the driver's session is classic, and its Spark has no Delta"
    yield Engines({engine: Lake(folder / engine / "lake", lambda: spark) for engine in ENGINES})


@pytest.mark.parametrize(("engine", "spec"), CASES, ids=str)
def test_rows_are_equal(engines: Engines, engine: str, spec: TableSpec) -> None:
    assert engines.lakes["embedded"].exists(spec) == engines.lakes[engine].exists(spec)
    embedded, other, declared = engines.rows("embedded", spec), engines.rows(engine, spec), ROWS.get(str(spec), {})
    assert len(embedded) == len(other)
    differing = {name for left, right in zip(embedded, other, strict=True) for name in left if left[name] != right[name]}
    first = next(({name: (left[name], right[name]) for name in differing} for left, right in zip(embedded, other, strict=True) if left != right), None)
    assert differing <= set(declared), f"not declared in differences.py: {sorted(differing - set(declared))}, first {first}"
    assert engine != "connect" or differing == set(declared), f"declared in differences.py and differing no more: {sorted(set(declared) - differing)}"


@pytest.mark.parametrize("engine", ["embedded", "connect"])
def test_bronze_and_quarantine_account_for_every_line(engines: Engines, engine: str) -> None:
    rows = {row["source"]: row for row in engines.rows(engine, SOURCE_COMPLETENESS)}
    assert all(row["unexplained_count"] == 0 for row in rows.values())
    assert rows["reviews"]["quarantined_count"] >= 2
    assert rows["reviews"]["raw_count"] == len(engines.rows(engine, RAW["reviews"])) > len(engines.rows(engine, BRONZE["reviews"])) > 100
    assert {row["reason"] for row in engines.rows(engine, QUARANTINE) if row["source"] == "reviews"}


@pytest.mark.parametrize("engine", ENGINES)
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


@pytest.mark.parametrize("engine", ["embedded", "connect"])
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
