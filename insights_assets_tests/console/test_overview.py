"""*Today*: the most urgent first, the judged and the sleeping out of the way, findings about the data apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from insights_assets.console.cards import Judgements
from insights_assets.console.overview import Today, make_today
from insights_assets.console.reading import TodayRows
from insights_assets.resources.operations.models import Publication, Verdict
from insights_assets.shop import Shop, load_shop
from insights_assets_tests.console.homes import AS_OF, CARRIER, DAMAGE, DANGER, NOW, OLD, RUN_ID, WISH, insights, series

PUBLISHED = Publication(publication_id=1, run_id=RUN_ID, as_of_day=AS_OF, created_at=NOW, table_versions={})


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop(None)


def today(shop: Shop, judged: Judgements = Judgements(), **changes: Any) -> Today:  # noqa: B008
    return make_today(replace(TodayRows(insights=insights()), **changes), shop, PUBLISHED, judged)


def dismissed(insight_id: str) -> Verdict:
    return Verdict(insight_id=insight_id, verdict="dismissed", reason="no", duplicate_of=None, given_by="ada", given_at=NOW, given_through="command")


def finding(name: str, ended: date, is_over: bool, **changes: Any) -> dict[str, Any]:
    base = {"finding_id": name, "kind": "source_silent", "source": "surveys", "started_day": ended - timedelta(days=2), "ended_day": ended}
    return {**base, "is_over": is_over, "observed_count": 0, "expected_count": 40.0, "text": name, **changes}


def test_tiers_in_order_safety_first_within_its_tier_then_by_the_low_bound(shop: Shop) -> None:
    found = today(shop)
    assert {tier: [card.insight_id for card in cards] for tier, cards in found.tiers.items()} == {1: [DANGER, DAMAGE], 2: [CARRIER], 3: [WISH]}
    assert [past.insight_id for past in found.past] == [OLD]
    assert not found.is_quiet


def test_the_header_says_whose_when_which_run_what_is_asked_and_what_it_is_worth(shop: Shop) -> None:
    header = today(shop).header
    assert (header.shop, header.as_of) == ("Hearth & Lane", "Mon 23 Nov 2026")
    assert header.published == "published Mon 23 Nov 2026, 21:00"
    assert header.question == "What is driving negative reviews on top-selling SKUs this month?"
    assert header.open == "4 open: 2 in Tier 1, 1 in Tier 2, 1 in Tier 3 · about 2,460 USD a day at risk together (at least 1,390)"
    assert "4 of the open insights" in header.provisional


def test_nothing_is_called_provisional_once_it_is_not(shop: Shop) -> None:
    assert today(shop, insights=[{**row, "provisional": False} for row in insights()]).header.provisional == ""


def test_a_dismissed_insight_is_out_of_the_way_and_out_of_the_sum(shop: Shop) -> None:
    found = today(shop, Judgements(verdicts={DAMAGE: dismissed(DAMAGE)}))
    assert [card.insight_id for card in found.aside] == [DAMAGE]
    assert [card.insight_id for card in found.tiers[1]] == [DANGER]
    assert found.header.open.startswith("3 open: 1 in Tier 1")


def test_it_is_quiet_when_everything_open_is_judged_away(shop: Shop) -> None:
    found = today(shop, Judgements(verdicts={i: dismissed(i) for i in (DAMAGE, DANGER, CARRIER, WISH)}))
    assert found.is_quiet
    assert len(found.aside) == 4
    assert found.header.open == ""


def test_money_that_is_not_known_is_not_added_as_zero(shop: Shop) -> None:
    rows = [{**row, "risk_per_day": None, "risk_per_day_p10": None} for row in insights()]
    assert today(shop, insights=rows).header.open == "4 open: 2 in Tier 1, 1 in Tier 2, 1 in Tier 3"


def test_data_findings_stand_apart_and_old_ones_are_history(shop: Shop) -> None:
    rows = [finding("old", AS_OF - timedelta(days=30), True), finding("now", AS_OF, False), finding("lately", AS_OF - timedelta(days=3), True)]
    found = today(shop, findings=rows)
    assert [(entry.text, entry.is_over) for entry in found.findings] == [("now", False), ("lately", True)]
    assert [entry.text for entry in found.old_findings] == ["old"]
    assert found.findings[0].kind == "source stopped"
    assert all("surveys" not in card.title for card in found.cards)


def test_the_smallest_excess_is_that_of_topics_without_an_incident(shop: Shop) -> None:
    _, judged = series()
    last = [row for row in judged if row["as_of_day"] == AS_OF and row["attribute"] == "all"]
    assert [entry.topic for entry in today(shop, judged_topics=last).visible] == ["shipping_delay", "sizing_issue"]


def test_an_empty_publication_is_quiet_and_complete(shop: Shop) -> None:
    found = today(shop, insights=[])
    assert found.is_quiet
    assert (found.aside, found.past, found.findings, found.visible) == ((), (), (), ())
