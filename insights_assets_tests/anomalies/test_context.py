"""Findings about the data, forecasts, and sentiment after policies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from insights_assets.anomalies import sentiment_shifts
from insights_assets.anomalies.data_findings import find
from insights_assets.anomalies.forecasts import ForecastRules, forecast
from insights_assets.anomalies.priority import Event
from insights_assets.anomalies.rounding import money, score, statistic
from insights_assets.anomalies.sentiment_shifts import shifts

START = 20_600


def dates(values: np.ndarray) -> list[object]:
    return [np.datetime64(int(v), "D").astype(object) for v in values]


def arrivals(seed: int, days: int = 100) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    weekday = np.array([1.2, 1.0, 1.0, 1.1, 1.0, 0.7, 0.8])
    parts = []
    for source, level in (("reviews", 130), ("surveys", 90), ("social", 25)):
        records = rng.poisson(level * weekday[np.arange(days) % 7])
        parts.append(pd.DataFrame({"source": source, "day": np.arange(days) + START, "known_day": np.arange(days) + START, "records": records, "copies": 0}))
    return pd.concat(parts, ignore_index=True)


def found(frame: pd.DataFrame, last: int = 99) -> list[tuple[str, str, int, int]]:
    frame = frame.assign(day=dates(frame["day"].to_numpy()), known_day=dates(frame["known_day"].to_numpy()))
    rows = find(frame, START, START + last)
    as_int = [int(np.datetime64(r["started_day"], "D").astype(int)) - START for r in rows]
    return [(r["kind"], r["source"], day, r["late_count"]) for r, day in zip(rows, as_int, strict=True)]


def test_ordinary_deliveries_find_nothing() -> None:
    assert sum(len(found(arrivals(seed))) for seed in range(5)) <= 1


def test_a_silent_source_is_found_and_its_late_delivery_belongs_to_it() -> None:
    frame = arrivals(1)
    held = (frame["source"] == "surveys") & frame["day"].between(START + 70, START + 73)
    total = int(frame.loc[held, "records"].sum())
    frame.loc[held, "known_day"] = START + 74
    assert found(frame) == [("source_silent", "surveys", 70, total)]
    assert found(frame, last=72) == [("source_silent", "surveys", 70, 0)]


def test_a_flood_of_copies_is_one_finding() -> None:
    frame = arrivals(2)
    flood = (frame["source"] == "social") & frame["day"].between(START + 80, START + 81)
    frame.loc[flood, "records"] += 50
    frame.loc[flood, "copies"] = 50
    assert found(frame) == [("copied_posts", "social", 80, 0)]


def test_a_spike_is_found_and_an_overdue_heap_is_called_so() -> None:
    frame = arrivals(3)
    frame.loc[(frame["source"] == "reviews") & (frame["day"] == START + 60), "records"] += 150
    assert found(frame) == [("source_spike", "reviews", 60, 0)]
    extra = pd.DataFrame({"source": "reviews", "day": [START + 50], "known_day": [START + 60], "records": [150], "copies": [0]})
    late = pd.concat([arrivals(3), extra], ignore_index=True)
    assert found(late) == [("source_late", "reviews", 60, 150)]


def test_no_source_needs_an_engine_to_be_empty() -> None:
    assert find(arrivals(1).iloc[:0], START, START + 1) == []


def test_forecasts_hold_their_interval_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(4)
    checked = inside = 0
    for level in (2.0, 6.0, 15.0):
        for _ in range(15):
            observed = rng.negative_binomial(8, 8 / (8 + level), size=30)
            result = forecast(observed, np.full(30, 1.0))
            checked, inside = checked + result.checked, inside + result.inside
            assert (result.low <= result.mean).all() and (result.mean <= result.high + 1).all()
    assert checked == 45 * 14
    assert 0.72 <= inside / checked <= 0.97


def test_a_forecast_follows_a_growing_issue() -> None:
    growing = forecast(np.round(np.linspace(2, 20, 21)), np.full(21, 1.0))
    flat = forecast(np.full(21, 11.0), np.full(21, 1.0))
    assert growing.mean[0] > 15 and growing.mean[-1] >= growing.mean[0]
    assert flat.mean[-1] == pytest.approx(11, rel=0.1)
    assert len(flat.mean) == ForecastRules().days


def sentiments(seed: int, change: dict[str, float]) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for part in ("chat", "email", "survey", "phone"):
        for day in range(60):
            n = int(rng.poisson(15))
            mean = 0.1 + (change.get(part, 0.0) if day >= 40 else 0.0) + rng.normal(0, 0.05)
            values = np.clip(rng.normal(mean, 0.5, n), -1, 1)
            rows.append({"attribute": "channel", "value": part, "day": START + day, "records": n, "total": values.sum(), "squares": (values**2).sum()})
    return pd.DataFrame(rows).assign(day=lambda f: dates(f["day"].to_numpy()))


POLICY = Event("P1", "policy", "New returns policy", START + 40, START + 400)


def test_a_policy_that_hurts_one_channel_is_found_there_only() -> None:
    rows = shifts(sentiments(1, {"email": -0.35}), [POLICY], START + 59)
    assert [row["value"] for row in rows if row["is_shift"]] == ["email"]
    hit = next(row for row in rows if row["value"] == "email")
    assert hit["change_low"] < -0.35 < hit["change_high"] or abs(hit["change"] + 0.35) < 0.12
    assert hit["change_high"] < 0 and hit["event_name"] == "New returns policy"


def test_policies_without_effect_shift_nothing() -> None:
    """Twenty histories of four parts."""
    wrong = sum(row["is_shift"] for seed in range(20) for row in shifts(sentiments(seed, {}), [POLICY], START + 59))
    assert wrong <= 4


def test_no_answer_before_fourteen_days_have_passed_or_for_other_events() -> None:
    assert shifts(sentiments(1, {}), [POLICY], START + 52) == []
    assert len(shifts(sentiments(1, {}), [POLICY], START + 53)) == 4
    assert shifts(sentiments(1, {}), [Event("L", "launch", "x", START + 40, START + 41)], START + 59) == []


def test_figures_are_rounded_as_the_design_says() -> None:
    assert (money(1.005001), score(0.123456), statistic(123456.789), statistic(0.000123456789)) == (1.01, 0.1235, 123457.0, 0.000123457)
    assert statistic(np.array([0.0, -1.23456789, np.nan]))[:2].tolist() == [0.0, -1.23457]
    assert np.isnan(statistic(np.array([np.nan]))[0])


def test_the_order_in_which_an_engine_gives_its_rows_changes_no_figure() -> None:
    daily = sentiments(3, {"email": -0.35}).assign(total=lambda rows: rows["total"] / 3.0)
    first = _sums_seen(daily)
    assert all(_sums_seen(daily.sample(frac=1, random_state=seed)) == first for seed in range(20))


def _sums_seen(daily: pd.DataFrame) -> list[float]:
    """Means as they are before they are rounded: a tie would round to either side."""
    seen: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentiment_shifts, "score", lambda value: seen.append(float(value)) or float(value))
        shifts(daily, [POLICY], START + 59)
    return seen
