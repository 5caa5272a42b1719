"""The cause search: what it names, what it leaves open, and the rates beside it."""

from __future__ import annotations

import numpy as np
import pytest

from insights_assets.anomalies import causes, comparisons
from insights_assets.anomalies.causes import CauseSettings, status_of
from insights_assets.anomalies.leaves import Ledger
from insights_assets.anomalies.situations import Situation, situate
from insights_assets_tests.anomalies.stages import ledger_of, panel_of
from insights_assets_tests.anomalies.worlds import START, Plant, World, make_world

DAY = START + 105
FROM = START + 90
BATCH = Plant("damaged_on_arrival", {"warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB09", "product_line": "glass lamps"}, 88, 101, 0.25)
REGIONAL = Plant("shipping_delay", {"carrier": "Kranich", "region": "uk"}, 85, 101, 0.15)
ONE_SKU = Plant("product_quality", {"sku": "CHA-3"}, 84, 105, 0.12)
TWO = (Plant("sizing_issue", {"product_line": "knitwear"}, 86, 105, 0.06), Plant("sizing_issue", {"region": "fr", "carrier": "Velopost"}, 86, 105, 0.06))
WIDE = Plant("billing_confusion", {}, 86, 105, 0.01)
FAINT = Plant("missing_accessories", {"sku": "BED-1"}, 96, 105, 0.03)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    world = make_world(5, plants=(BATCH, REGIONAL, ONE_SKU, *TWO, WIDE, FAINT))
    return ledger_of(world, panel_of(world))


def scene(ledger: Ledger, topic: str) -> Situation:
    return situate(ledger, topic, DAY, baseline_end=START + 84)


def found(ledger: Ledger, topic: str) -> list[causes.Candidate]:
    return causes.scan(scene(ledger, topic), FROM, DAY)


def test_a_batch_is_named_with_its_product_and_brings_its_warehouse(ledger: Ledger) -> None:
    best = found(ledger, "damaged_on_arrival")[0]
    assert status_of(best) == causes.CAUSE
    assert causes.closed(scene(ledger, "damaged_on_arrival"), best.cell) == BATCH.cell
    assert best.lift > 10


def test_a_carrier_in_one_region_is_named_although_a_quarter_of_the_voices_name_no_carrier(ledger: Ledger) -> None:
    best = found(ledger, "shipping_delay")[0]
    assert best.cell == REGIONAL.cell
    assert status_of(best) == causes.CAUSE


def test_a_sku_brings_its_product_line(ledger: Ledger) -> None:
    best = found(ledger, "product_quality")[0]
    assert causes.closed(scene(ledger, "product_quality"), best.cell) == {"product_line": "chargers", "sku": "CHA-3"}


def test_two_causes_of_one_topic_are_both_named(ledger: Ledger) -> None:
    cells = [c.cell for c in found(ledger, "sizing_issue") if status_of(c, CauseSettings(share_for_cause=0.2)) == causes.CAUSE]
    assert {"product_line": "knitwear"} in cells
    assert {"region": "fr", "carrier": "Velopost"} in cells
    assert len(cells) == 2


def test_a_rise_everywhere_has_no_cause(ledger: Ledger) -> None:
    assert len(scene(ledger, "billing_confusion").people({}, FROM, DAY)) > 2 * scene(ledger, "billing_confusion").expected({}, FROM, DAY)
    assert all(status_of(c) == causes.POSSIBLE for c in found(ledger, "billing_confusion"))


def test_too_few_complaints_name_nothing_for_certain(ledger: Ledger) -> None:
    assert all(status_of(c) == causes.POSSIBLE for c in found(ledger, "missing_accessories"))
    assert status_of(None) == causes.NOT_LOCALISED


def test_a_quiet_topic_has_no_candidates(ledger: Ledger) -> None:
    assert [c for c in found(ledger, "returns_and_refunds") if c.score >= CauseSettings().certain] == []


def test_what_another_issue_explains_is_not_found_again(ledger: Ledger) -> None:
    situation = scene(ledger, "damaged_on_arrival")
    best = causes.scan(situation, FROM, DAY)[0]
    rest = causes.scan(situation, FROM, DAY, explained=[(best.cell, best.lift)])
    assert all(c.score < CauseSettings().certain for c in rest)


def test_expectation_agrees_with_what_happens_in_a_quiet_topic(ledger: Ledger) -> None:
    situation = scene(ledger, "returns_and_refunds")
    for cell in ({}, {"product_line": "ceramics"}, {"region": "de"}, {"carrier": "Velopost"}, {"channel": "storefront"}):
        expected, observed = situation.expected(cell, START + 60, DAY), len(situation.people(cell, START + 60, DAY))
        assert abs(observed - expected) < 4 * np.sqrt(expected) + 0.1 * expected, cell
        daily = situation.daily(cell, START + 60)
        assert daily[1].sum() == pytest.approx(expected, rel=0.02)
        assert daily[0].sum() == observed


def confounded() -> Ledger:
    """From day 80 on, warehouse VLC packs with a single batch and gives every parcel to one carrier of its own."""
    world: World = make_world(6, plants=(Plant("damaged_on_arrival", {"warehouse": "WH-VLC"}, 88, 101, 0.05),))
    for frame, day in ((world.shipments, "ordered"), (world.mentions, "ordered")):
        late = (frame["warehouse"] == "WH-VLC") & (frame[day] >= 60)
        frame.loc[late, "carrier"] = "Own fleet"
        frame.loc[(frame["carrier"] == "Own fleet") & (frame["warehouse"] != "WH-VLC"), "carrier"] = "Velopost"
    return ledger_of(world, panel_of(world))


def test_causes_that_cannot_be_told_apart_are_tied() -> None:
    best = causes.scan(situate(confounded(), "damaged_on_arrival", DAY, baseline_end=START + 84), FROM, DAY)[0]
    named = [best.cell, *best.alternatives]
    assert status_of(best) == causes.TIED
    assert {"warehouse": "WH-VLC"} in named and {"carrier": "Own fleet"} in named


def test_a_ticket_gets_the_rates_beside_its_cause(ledger: Ledger) -> None:
    rates = comparisons.rates(scene(ledger, "damaged_on_arrival"), BATCH.cell, FROM, DAY)
    cause = rates[0]
    assert cause.role == "cause" and cause.rate > 0.1
    outside = {rate.compared: rate for rate in rates if rate.role == "outside"}
    assert outside["packaging_batch"].text == "other packaging batches of glass lamps and WH-LEJ"
    assert outside["packaging_batch"].rate < cause.rate / 5
    assert "warehouse" not in outside
    carriers = [rate for rate in rates if rate.role == "inside" and rate.compared == "carrier"]
    assert len(carriers) == 3
    assert min(rate.p_value for rate in carriers) > 0.001  # not the carrier: much the same with all three
    assert sum(rate.lines for rate in carriers) == pytest.approx(cause.lines, rel=1e-3)


def test_parts_are_not_compared_where_most_of_the_lines_are_in_parts_too_small() -> None:
    world = make_world(4, plants=(BATCH,))
    small = np.arange(len(world.shipments)) % 5 < 3  # three of five lines go to regions of a few lines each
    world.shipments.loc[small, "region"] = [f"r{n % 900}" for n in np.flatnonzero(small)]
    ledger = ledger_of(world, panel_of(world))
    compared = {rate.compared for rate in comparisons.rates(scene(ledger, "damaged_on_arrival"), {}, FROM, DAY) if rate.role == "inside"}
    assert "region" not in compared and {"carrier", "warehouse", "product_line"} <= compared
