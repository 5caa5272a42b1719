"""The stage's bodies on a small shop whose business turns bad while every run is well (R109), and again for nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from insights_assets.health.layers import NAMES, Layer, alarms, layer_of
from insights_assets.health.report import health_lines, health_view, roi_lines
from insights_assets.health.tables import ALARMS, BUSINESS_HEALTH, LAYERS, MODEL_HEALTH, PIPELINE_HEALTH, ROI
from insights_assets.resources.runs import RunFact
from insights_assets_tests.house import NOW, PRODUCTS, TestHouse, order, review

AS_OF = date(2026, 11, 22)


class FakeRuns:
    """Runs of a home that never failed."""

    def __init__(self, *facts: RunFact) -> None:
        self.facts = list(facts)

    def latest(self, limit: int = 0) -> list[RunFact]:
        return self.facts

    def failed_steps(self, run_id: str) -> int:
        return int(run_id == "broken")

    def failed_checks(self, run_id: str) -> tuple[list[str], list[str]]:
        return [], []


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> TestHouse:
    """56 days; in the last 28 half of the reviews are bad where one in ten was. Returns in euro, with a rate."""
    made = TestHouse(tmp_path_factory.mktemp("health") / "home", spark, as_of=AS_OF)
    made.put("products", "products.jsonl", PRODUCTS)
    on = [AS_OF - timedelta(days=back) for back in range(56)]
    made.put("orders", "orders.jsonl", [order(f"O-{n}-{day}", "LMP-1", f"C{n}", day.isoformat()) for day in on for n in range(6)])
    bad = {day: 3 if day > AS_OF - timedelta(days=28) else int(day.toordinal() % 2 == 0) for day in on}
    made.put("reviews", "reviews.jsonl", [
        review(f"R-{n}-{day}", f"O-{n}-{day}", f"C{n}", day.isoformat(), rating=1 if n < bad[day] else 5, body=f"words {n} of {day} about the lamp") for day in on for n in range(6)
    ])  # fmt: skip
    made.put("returns", "returns.jsonl", [
        {"return_id": f"T-{day}", "requested_at": f"{day}T12:00:00Z", "order_id": f"O-0-{day}", "sku": "lmp-1", "reason_code": "damaged", "refund_amount": 10.0, "currency": currency}
        for day, currency in zip(on, ["EUR", "USD", "JPY", "USD"] * 14, strict=True)
    ])  # fmt: skip
    made.put("fx", "fx.jsonl", [{"day": "2026-01-01", "from_currency": "EUR", "to_currency": "USD", "rate": 2.0}])
    made.run("sources", "canonical")
    return made


def measure(house: TestHouse, run_id: str = "run-1", runs: Any = None) -> dict[str, Any]:
    """The health bodies, with runs to look at."""
    import importlib

    from insights_assets.resources import table_assets

    importlib.import_module("insights_assets.health.assets")
    done = {}
    for name in ("health__pipeline_health", "health__model_health", "health__business_and_roi", "health__layers"):
        step = house.step(name, run_id)
        step.runs = runs or FakeRuns(RunFact(run_id, "whole_loop", "running", NOW - timedelta(seconds=40), None))
        table_assets.BODIES[name][0](step)
        done[name] = step
    return done


def test_red_business_behind_a_green_pipeline_rings_once(house: TestHouse) -> None:
    done = measure(house)
    layers = {row["layer"]: row for row in house.rows(LAYERS)}
    assert (layers["technical"]["state"], layers["business"]["state"]) == ("green", "red")
    assert layers["business"]["red_metrics"] == ["negative_review_share"]
    (alarm,) = house.rows(ALARMS)
    assert alarm["kind"] == "business_red_behind_green_pipeline" and alarm["raised_day"] == AS_OF
    assert [(outcome.name, outcome.passed) for outcome in done["health__layers"].outcomes] == [("business_well_where_pipeline_is", False)]
    negative = next(row for row in house.rows(BUSINESS_HEALTH) if row["metric"] == "negative_review_share" and row["sku"] == "LMP-1")
    assert (negative["state"], negative["value"]) == ("red", 0.5)


def test_refunds_are_converted_like_orders_and_the_rest_stands_apart(house: TestHouse) -> None:
    measure(house)
    refunds = next(row for row in house.rows(BUSINESS_HEALTH) if row["metric"] == "refund_share" and row["sku"] == "all")
    # of 28 days: 7 in euro at 2.0, 14 in dollars, 7 in yen without a rate; 28 x 6 orders of 80
    assert refunds["value"] == pytest.approx((7 * 20 + 14 * 10) / (28 * 6 * 80), rel=1e-4)
    assert "14 refunds in currencies without a rate stand apart" in refunds["says"]


def test_measuring_again_changes_nothing(house: TestHouse) -> None:
    measure(house)
    specs = (PIPELINE_HEALTH, MODEL_HEALTH, BUSINESS_HEALTH, LAYERS, ALARMS, ROI)
    before = {str(spec): house.lake.version(spec) for spec in specs}
    measure(house)
    assert {str(spec): house.lake.version(spec) for spec in specs} == before


def test_a_run_with_nothing_to_do_leaves_no_row_and_a_failed_one_is_added_once(house: TestHouse) -> None:
    measure(house)
    versions = {f"{spec}": house.lake.version(spec) for spec in _worked() if house.lake.exists(spec)}
    house.operations.record_publication("run-1", AS_OF, versions)
    failed = RunFact("broken", "whole_loop", "failed", NOW - timedelta(hours=1), NOW - timedelta(hours=1))
    measure(house, "run-2", FakeRuns(RunFact("run-2", "whole_loop", "running", NOW, None), failed))
    measured = {row["measured_run_id"]: row["outcome"] for row in house.rows(PIPELINE_HEALTH)}
    assert measured == {"run-1": "succeeded", "broken": "failed"}
    tasks = next(row for row in house.rows(PIPELINE_HEALTH) if row["measured_run_id"] == "broken" and row["metric"] == "failed_task_count")
    assert (tasks["state"], tasks["value"]) == ("red", 1.0)
    version = house.lake.version(PIPELINE_HEALTH)
    measure(house, "run-3", FakeRuns(failed))
    assert house.lake.version(PIPELINE_HEALTH) == version


def _worked() -> Any:
    from insights_assets.health.assets import _WORKED

    return _WORKED


def test_a_leader_can_read_it(house: TestHouse) -> None:
    measure(house)
    view = health_view(*(house.rows(spec) for spec in (PIPELINE_HEALTH, MODEL_HEALTH, BUSINESS_HEALTH, LAYERS, ALARMS)))
    assert view is not None
    said = "\n".join(health_lines(view))
    assert said.startswith("Health as of 2026-11-22\n\nALARM  Every run and source is well, yet business is red")
    for words in ("Pipeline: well", "Business: not well", "Reviews that are negative: 50.0 % of 168 reviews are negative; 8.3 % in the 28 days before", "not available: needs first_response_at in support_tickets"):
        assert words in said, said
    returned = "\n".join(roi_lines(house.rows(ROI)))
    for words in ("Fewer refunds: not measurable yet: needs actions.effects", "504 h before (configured)", "What others report: 3.5 times, for comparison only"):
        assert words in returned, returned
    assert health_view([], [], [], [], []) is None and roi_lines([]) == []


def coloured(technical: str, business: str) -> list[Layer]:
    return [Layer("technical", technical, "t", ("run_seconds",) if technical == "red" else (), 0), Layer("model", "green", "m", (), 0), Layer("business", business, "b", ("refund_share",), 0)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("technical", "business", "kinds"), [
    ("green", "red", ["business_red_behind_green_pipeline"]), ("red", "red", ["untrusted_figures"]), ("amber", "red", []), ("green", "amber", []), ("red", "green", []),
])  # fmt: skip
def test_only_all_layers_together_ring(technical: str, business: str, kinds: list[str]) -> None:
    assert [alarm.kind for alarm in alarms(coloured(technical, business), AS_OF)] == kinds


def test_what_no_longer_holds_is_no_longer_shown_and_names_are_words(house: TestHouse) -> None:
    measure(house)
    (alarm,) = house.rows(ALARMS)
    assert "reviews that are negative: " in alarm["says"] and "_" not in alarm["says"]
    stored = [house.rows(spec) for spec in (PIPELINE_HEALTH, MODEL_HEALTH, BUSINESS_HEALTH)]
    worse = [{**row, "state": "amber"} if row["layer"] == "technical" else row for row in house.rows(LAYERS)]
    view, later = health_view(*stored, house.rows(LAYERS), [alarm]), health_view(*stored, worse, [alarm])
    assert view is not None and later is not None
    assert (len(view.alarms), later.alarms) == (1, ()), "the pipeline is not well any more, so the alarm says what is not so"


def test_every_metric_of_health_has_a_name_that_people_use(house: TestHouse) -> None:
    measure(house)
    metrics = {row["metric"] for spec in (PIPELINE_HEALTH, MODEL_HEALTH, BUSINESS_HEALTH) for row in house.rows(spec)}
    assert metrics <= set(NAMES), metrics - set(NAMES)


def test_a_red_product_makes_its_layer_amber_and_is_named() -> None:
    rows = [{"metric": "m", "sku": "all", "state": "green", "says": "fine"}, {"metric": "m", "sku": "LMP-1", "state": "red", "says": "bad"}]
    layer = layer_of("business", rows)
    assert (layer.state, layer.red) == ("amber", ()) and "LMP-1" in layer.says


def test_runs_are_read_from_dagsters_own_record() -> None:
    import dagster as dg

    from insights_assets.resources.runs import Runs

    @dg.op
    def breaks() -> None:
        raise RuntimeError("on purpose")

    @dg.job
    def loop() -> None:
        breaks()

    with dg.instance_for_test() as instance:
        ended = loop.execute_in_process(instance=instance, raise_on_error=False, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
        runs = Runs(instance)
        (fact,) = runs.latest()
        assert (fact.run_id, fact.job, fact.outcome) == (ended.run_id, "loop", "failed")
        assert isinstance(fact.started_at, datetime) and fact.ended_at is not None and fact.ended_at >= fact.started_at
        assert runs.failed_steps(ended.run_id) == 1 and runs.failed_checks(ended.run_id) == ([], [])
    assert Runs().latest() == []

