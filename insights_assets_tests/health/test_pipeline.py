"""Technical health from plain facts: what was read, how long, what failed, and how many runs succeed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from insights_assets.health.pipeline import Intake, intake_metrics, latency_metrics, success_metric, task_metrics
from insights_assets.resources.runs import RunFact
from insights_assets.shop import load_shop

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(("set_aside", "misfits", "states"), [(5, 5, ("green", "green")), (30, 8, ("amber", "green")), (200, 200, ("red", "red"))])
def test_what_could_not_be_read_colours_the_run(set_aside: int, misfits: int, states: tuple[str, str]) -> None:
    share, mismatch = intake_metrics(Intake(1_000, set_aside, misfits))
    assert (share.state, mismatch.state) == states
    assert share.value == 1 - set_aside / 1_000 and mismatch.value == misfits


def test_nothing_new_is_well() -> None:
    assert {metric.state for metric in intake_metrics(Intake(0, 0, 0))} == {"green"}


def test_the_slowest_source_is_named_and_catalogues_may_rest() -> None:
    completeness = [
        {"source": "reviews", "last_received_day": TODAY}, {"source": "chats", "last_received_day": TODAY - timedelta(days=6)},
        {"source": "products", "last_received_day": TODAY - timedelta(days=300)}, {"source": "social", "last_received_day": None},
    ]  # fmt: skip
    seconds, lag = latency_metrics(4_000.0, completeness, TODAY)
    assert (seconds.state, lag.state, lag.value) == ("red", "red", 6.0)
    assert lag.says.startswith("chats delivered last, 6 days ago; 1 of 2 sources")
    assert [metric.state for metric in latency_metrics(None, [], TODAY)] == ["not_available", "not_available"]


def test_failed_tasks_and_tables_that_do_not_match_are_red() -> None:
    tasks, checks = task_metrics(0, ["a.b: x"], [], "succeeded")
    assert (tasks.state, checks.state) == ("green", "amber")
    assert task_metrics(0, ["labels.label_quality: label_quality_holds"], [], "succeeded")[1].state == "green", "the model layer tells it"
    tasks, checks = task_metrics(2, ["a.b: schema_matches_spec"], ["a.b: schema_matches_spec"], "failed")
    assert (tasks.state, checks.state, tasks.value) == ("red", "red", 2.0)


def runs(good: int, bad: int, job: str = "whole_loop") -> list[RunFact]:
    outcomes = ["succeeded"] * good + ["failed"] * bad
    return [RunFact(f"r{n}", job, outcome, NOW - timedelta(hours=n), NOW) for n, outcome in enumerate(outcomes)]  # type: ignore[arg-type]


def test_run_success_is_a_gate_with_too_few() -> None:
    acceptance = load_shop(None).policy.acceptance
    assert success_metric(runs(5, 0), "r0", "whole_loop", NOW, acceptance).state == "too_few"
    assert success_metric(runs(100, 1), "r0", "whole_loop", NOW, acceptance).state == "green"
    bad = success_metric(runs(90, 10), "r0", "whole_loop", NOW, acceptance)
    assert (bad.state, bad.value) == ("red", 0.9)
    beside = [*runs(20, 0), *runs(0, 20, job="brief")]
    assert success_metric(beside, "r0", "whole_loop", NOW, acceptance).state == "green", "other jobs' failures are not this job's"
    old = [RunFact(f"o{n}", "whole_loop", "failed", NOW - timedelta(days=20), NOW) for n in range(30)]
    assert success_metric([*runs(20, 0), *old], "r0", "whole_loop", NOW, acceptance).value == 1.0
