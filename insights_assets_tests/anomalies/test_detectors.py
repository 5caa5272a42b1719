"""The rate scan day by day: what it finds, what it lets be, and that it cannot see the future."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from insights_assets.anomalies.detectors import DetectorSettings, calibration
from insights_assets.anomalies.judging import ROW, days_to_judge, known_by_day
from insights_assets.anomalies.panel import build_panel
from insights_assets.anomalies.statistics import benjamini_hochberg, signed_root, upper_tail
from insights_assets_tests.anomalies.stages import judged, panel_of, quiet_history
from insights_assets_tests.anomalies.worlds import START, Plant, World, make_world, small_tables

SPIKE = Plant("shipping_delay", {"carrier": "Kranich"}, 80, 84, 0.06)
SHIFT = Plant("sizing_issue", {"product_line": "knitwear"}, 74, 110, 0.03)
SLOW = Plant("product_quality", {}, 70, 118, 0.006)


@pytest.fixture(scope="module")
def planted() -> World:
    return make_world(11, plants=(SPIKE, SHIFT, SLOW))


@pytest.fixture(scope="module")
def rows(planted: World) -> pd.DataFrame:
    return judged(panel_of(planted))


def opened(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["state"] == "open"]


def day_of(value: object) -> int:
    return int(np.datetime64(value, "D").astype(int)) - START


def test_a_spike_opens_within_a_week_of_its_first_parcels(rows: pd.DataFrame) -> None:
    hits = opened(rows).query("topic == 'shipping_delay' and attribute == 'carrier' and value == 'Kranich'")
    assert len(hits) >= 1
    assert 82 <= day_of(hits["as_of_day"].iloc[0]) <= 91


def test_a_lasting_shift_opens_once_and_stays_open(rows: pd.DataFrame) -> None:
    mine = rows.query("topic == 'sizing_issue' and attribute == 'product_line' and value == 'knitwear'")
    assert len(opened(mine)) == 1
    start = day_of(opened(mine)["as_of_day"].iloc[0])
    later = mine[[start < day_of(d) < 112 for d in mine["as_of_day"]]]
    assert set(later["state"]) <= {"active", "watching"}


def test_a_slow_rise_is_found_on_the_whole_topic(rows: pd.DataFrame) -> None:
    hits = opened(rows).query("topic == 'product_quality' and attribute == 'all'")
    assert len(hits) == 1
    assert day_of(hits["as_of_day"].iloc[0]) <= 110


def test_clean_history_rings_less_than_once_a_week() -> None:
    """Measured over three clean histories of 13 weeks and about 470 series each."""
    alarms = [len(opened(quiet_history(seed)[2])) for seed in (40, 41, 42)]
    assert sum(alarms) / (3 * 13.1) <= 0.5, alarms


def test_a_promotion_that_doubles_orders_rings_nothing_of_its_own() -> None:
    quiet = make_world(31, days=92)
    busy = make_world(31, promotion=(85, 92))
    inside = [sum(85 <= d < 92 for d in world.shipments["ordered"]) for world in (quiet, busy)]
    assert inside[1] > 1.8 * inside[0]
    days = opened(judged(panel_of(busy)))["as_of_day"]
    assert sum(85 <= day_of(d) <= 110 for d in days) <= 1


def test_judging_knows_nothing_of_later_days(planted: World, rows: pd.DataFrame) -> None:
    """With everything after day 95 deleted, the judgements up to day 95 are the same to the last digit."""
    alone = judged(panel_of(planted, as_of=95), last=95)
    upto = rows[[day_of(d) <= 95 for d in rows["as_of_day"]]].reset_index(drop=True)
    assert len(alone) > 3000 and len(opened(alone)) >= 2
    pd.testing.assert_frame_equal(alone, upto)


def test_judging_day_by_day_from_stored_rows_equals_judging_at_once(planted: World, rows: pd.DataFrame) -> None:
    stored = rows[[day_of(d) < 78 for d in rows["as_of_day"]]]
    for day in range(78, 87):
        fresh = judged(panel_of(planted, as_of=day), first=day, last=day, stored=stored)
        stored = pd.concat([stored, fresh], ignore_index=True)
    upto = rows[[day_of(d) < 87 for d in rows["as_of_day"]]].reset_index(drop=True)
    pd.testing.assert_frame_equal(stored, upto)


def test_judging_120_days_takes_seconds_at_most(planted: World) -> None:
    panel = panel_of(planted)
    start = time.process_time()
    judged(panel, first=0)
    assert len(panel.keys) > 400
    assert time.process_time() - start < 4.0


def test_rows_have_the_columns_of_the_table(rows: pd.DataFrame) -> None:
    assert list(rows.columns) == list(ROW)
    assert not rows.duplicated(["as_of_day", "topic", "attribute", "value"]).any()


def test_no_orders_means_shares_of_records() -> None:
    world = make_world(11, plants=(SHIFT,))
    series, exposure, lags = small_tables(world)
    panel = build_panel(series, exposure[exposure["basis"] == "records"], lags.iloc[:0])
    assert set(panel.basis) == {"records"}
    hits = opened(judged(panel)).query("topic == 'sizing_issue'")
    assert {"all", "product_line"} & set(hits["attribute"])


def test_late_records_do_not_ring_when_they_arrive() -> None:
    """A channel silent for five days whose records all come at once, seen by the days they happened on."""
    world = make_world(33)
    silent = np.array([START + 90, START + 95])
    day = np.array(world.mentions["day"].to_list(), dtype="datetime64[D]").astype(int)
    held = (world.mentions["channel"] == "survey").to_numpy() & (day >= silent[0]) & (day < silent[1])
    assert held.sum() > 10
    world.mentions.loc[held, "known_day"] = np.datetime64(int(silent[1]), "D").astype(object)
    days = opened(judged(panel_of(world)))["as_of_day"]
    assert sum(90 <= day_of(d) <= 104 for d in days) == sum(90 <= day_of(d) <= 104 for d in opened(judged(panel_of(make_world(33))))["as_of_day"])


def test_signed_root_grows_with_the_count_and_shrinks_with_dispersion() -> None:
    z = signed_root(np.array([5.0, 10.0, 20.0]), np.array(5.0), np.array(0.05))
    assert z[0] < 0 < z[1] < z[2]
    assert signed_root(np.array(20.0), np.array(5.0), np.array(0.5)) < z[2]
    poisson = signed_root(np.array(20.5), np.array(5.0), np.array(1e-6))
    assert float(poisson) == pytest.approx(np.sqrt(2 * (20 * np.log(4) - 15)), rel=1e-3)
    assert float(signed_root(np.array(3.0), np.array(0.0), np.array(0.1))) == 0.0


def test_tails_and_false_discoveries() -> None:
    assert float(upper_tail(1.6448536, 1)) == pytest.approx(0.05, rel=1e-5)
    assert float(upper_tail(0.0, 3)) == 1.0
    p = np.array([0.001, 0.02, 0.04, 0.5])
    assert benjamini_hochberg(p, 0.10).tolist() == [True, True, True, False]
    assert benjamini_hochberg(p, 0.003).tolist() == [False] * 4
    assert benjamini_hochberg(np.zeros(0), 0.1).tolist() == []


def test_calibration_widens_with_heavy_tails_only() -> None:
    rng = np.random.default_rng(1)
    clean = np.ones((100, 60), dtype=bool)
    normal, heavy = rng.normal(size=(100, 60, 3)), 1.4 * rng.normal(size=(100, 60, 3))
    assert calibration(normal, clean) == pytest.approx(np.ones(3), abs=0.08)
    assert calibration(heavy, clean) == pytest.approx(np.full(3, 1.4), abs=0.1)
    assert calibration(normal[:5], clean[:5]).tolist() == [1.15] * 3
    assert calibration(5 * heavy, clean).max() <= DetectorSettings().calibration_roof


def test_days_are_judged_again_only_where_more_became_known() -> None:
    known = known_by_day({10: 5, 11: 2, 12: 0, 13: 4}, 10, 13)
    assert known == {10: 5, 11: 7, 12: 7, 13: 11}
    assert days_to_judge(known, {}, 10, 13) == [10, 11, 12, 13]
    assert days_to_judge(known, known, 10, 13) == []
    assert days_to_judge(known, {10: 5, 11: 7, 12: 7, 13: 9}, 10, 13) == [13]
    assert days_to_judge(known, {10: 5, 11: 7}, 10, 13) == [12, 13]


def test_a_small_shop_opens_on_what_chance_allows_a_small_shop() -> None:
    """One series may open on one chance in a thousand; three hundred share what chance may open in a day."""
    from insights_assets.anomalies.detectors import chance_allowed

    settings = DetectorSettings()
    assert chance_allowed(1, settings) == settings.p_most
    assert chance_allowed(40, settings) == pytest.approx(settings.false_per_day / 40)
    assert chance_allowed(340, settings) == settings.p_max
    assert all(chance_allowed(n, settings) * n <= settings.false_per_day + 1e-12 for n in range(20, 200))


def test_the_bound_of_a_running_excess_is_as_rare_as_it_says() -> None:
    """Against drawn days: 1,500 series of plain chance, each begun anew at its alarm."""
    from insights_assets.anomalies.detectors import cusum_bound, run_length

    settings = DetectorSettings()
    bounds = [cusum_bound(n, settings) for n in (1, 4, 16, 100, 10_000)]
    assert bounds == sorted(bounds) and bounds[-1] == settings.cusum_alarm
    bound, draw = cusum_bound(4, settings), np.random.default_rng(3)
    assert float(run_length(bound, settings)) == pytest.approx(4 / settings.cusum_false_per_day, rel=0.01)
    excess, days, alarms = np.zeros(1_500), 4_000, 0
    for _ in range(days):
        excess = np.maximum(0.0, excess + draw.normal(size=1_500) - settings.cusum_drift)
        rang = excess > bound
        alarms += int(rang.sum())
        excess[rang] = 0.0
    assert 1_500 * days / alarms == pytest.approx(float(run_length(bound, settings)), rel=0.15)


def test_calibration_needs_no_large_shop() -> None:
    z = np.random.default_rng(5).normal(size=(10, 56, 3))
    assert calibration(z, np.ones((10, 56), dtype=bool)) == pytest.approx(np.ones(3), abs=0.2)
    assert calibration(z[:8], np.ones((8, 56), dtype=bool)).tolist() == [1.15] * 3
