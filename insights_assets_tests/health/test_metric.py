"""Telling a change from chance: sure and large turns are red, noise is green, and nothing is judged without a before."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from insights_assets.health.metric import Daily, Metric, change, daily, judge, not_available, rounded, weekly, worst

AS_OF = date(2026, 11, 22)


def days(share_of: object, n: int = 56, over: float = 50.0) -> Daily:
    """`share_of(day back)` of 50 on each of the last n days."""
    return Daily({AS_OF - timedelta(days=back): (share_of(back) * over, over) for back in range(n)})  # type: ignore[operator]


def test_a_doubled_share_is_red_and_an_equal_one_green() -> None:
    noise = random.Random(1)
    risen = change(days(lambda back: (0.10 if back < 28 else 0.05) + noise.uniform(-0.02, 0.02)), AS_OF)
    same = change(days(lambda _: 0.05 + noise.uniform(-0.02, 0.02)), AS_OF)
    assert risen is not None and same is not None
    assert judge(risen, "higher")[0] == "red"
    assert judge(risen, "lower")[0] == "green", "the other direction is good news"
    assert judge(same, "higher")[0] == "green"
    assert risen.low is not None and risen.low < risen.now < risen.high


def test_a_sure_but_tiny_change_is_green() -> None:
    found = change(days(lambda back: (0.102 if back < 28 else 0.100) + (back % 2) * 1e-5), AS_OF)
    assert found is not None and found.z is not None and found.z > 3
    assert judge(found, "higher")[0] == "green"


def test_false_reds_on_noise_are_rare() -> None:
    noise = random.Random(7)
    red = 0
    for _ in range(300):
        found = change(days(lambda _: sum(noise.random() < 0.08 for _ in range(30)) / 30, over=30), AS_OF)
        assert found is not None
        red += judge(found, "higher")[0] == "red"
    assert red <= 3, f"{red} of 300 quiet shops were called red"


def test_without_a_before_there_is_too_little_to_judge() -> None:
    found = change(days(lambda _: 0.3, n=20), AS_OF)
    assert found is not None and found.before is None
    assert judge(found, "higher") == ("too_few", None)
    assert change(Daily({}), AS_OF) is None


def test_rows_without_the_figures_are_no_days() -> None:
    series = daily([{"day": AS_OF, "n": 2, "of": 4}, {"day": AS_OF, "n": 1, "of": 4}, {"day": None, "n": 1, "of": 1}, {"day": AS_OF, "n": 5, "of": 0}], "n", "of")
    assert series.days == {AS_OF: (3.0, 8.0)}
    assert weekly(series, AS_OF) == ((AS_OF, 0.375),)


def test_what_is_missing_is_named_and_has_no_number() -> None:
    row = not_available("m", "handle_seconds in support_tickets", "s").row(sku="all")
    assert (row["state"], row["value"], row["says"]) == ("not_available", None, "not available: needs handle_seconds in support_tickets")
    assert Metric("m", "green", "s", "t", 1 / 3).row()["value"] == 0.333333
    assert rounded(float("nan")) is None


@pytest.mark.parametrize(("states", "expected"), [(["green", "red", "amber"], "red"), (["too_few", "green"], "green"), (["too_few", "not_available"], "not_available"), ([], "not_available")])
def test_a_layer_is_as_bad_as_its_worst(states: list[str], expected: str) -> None:
    assert worst(states) == expected
