"""A card says what happens, beside what is usual, with the exact records, what was done, and what people judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions.model import Issue
from insights_assets.console.cards import Card, Judgements, make_card
from insights_assets.console.evidence import evidence_table, shown_records
from insights_assets.console.reading import TodayRows
from insights_assets.resources.operations.models import Snooze, Verdict
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop import Shop, load_shop
from insights_assets_tests.console.homes import (
    AS_OF,
    CARRIER,
    DAMAGE,
    DANGER,
    NOW,
    action,
    feedback_id,
    insight,
    insights,
    label,
    root_causes,
    voices,
)

BERLIN = ZoneInfo("Europe/Berlin")
RECORDS = {row["feedback_id"]: {**row, "label": label(row)} for row in voices()}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop(None)


def rows(**changes: Any) -> TodayRows:
    base = TodayRows(insights=insights(), root_causes=root_causes(), evidence=RECORDS, actions=[action("defect_ticket", "delivered", delivered_at=NOW)])
    return replace(base, **changes)


def card(shop: Shop, insight_id: str = DAMAGE, judged: Judgements = Judgements(), **changes: Any) -> Card:  # noqa: B008
    found = rows(**changes)
    return make_card(next(row for row in found.insights if row["insight_id"] == insight_id), found, shop, AS_OF, judged)


def verdict(name: str, **changes: Any) -> Verdict:
    base = {"insight_id": DAMAGE, "verdict": name, "reason": None, "duplicate_of": None, "given_by": "ada", "given_at": NOW, "given_through": "console"}
    return Verdict(**{**base, **changes})


def hold(state: str, **changes: Any) -> Hold:
    base = {"hold_id": "H-31", "action_id": "ACT-promo_hold", "insight_id": DAMAGE, "skus": ["A", "B"], "state": state, "expires_on": date(2026, 11, 30)}
    return Hold(**{**base, **changes})


def test_the_card_says_seen_beside_usual_money_beside_its_bound_owner_and_age(shop: Shop) -> None:
    found = card(shop)
    assert found.why.startswith("41 customers in 7 days report breakage; 7 would be usual (5.9 x")
    assert found.money == "about 1,940 USD a day at risk (at least 1,210)"
    assert (found.owner, found.since) == ("Quality", "began 6 days ago, Tue 17 Nov")
    assert found.due == "Tue 24 Nov, 12:00"
    assert found.step == "Stop batch LEJ-PB07 and inspect 20 units"
    assert found.harm.startswith("more in 4 days, on Fri 27 Nov: promotion")
    assert found.usual == 1.0


def test_comparison_rates_are_the_causes_own_and_those_outside_it(shop: Shop) -> None:
    own, other = card(shop).rates
    assert (own.is_cause, own.rate, own.observed, own.lines) == (True, 0.041, 41, 1000.0)
    assert (other.is_cause, other.rate) == (False, 0.006)
    assert card(shop, CARRIER).rates == ()


def test_no_due_time_is_made_up_where_no_action_was_opened(shop: Shop) -> None:
    assert card(shop, actions=[]).due == ""
    assert card(shop, actions=[action("notification", "delivered")]).due == ""


def test_shown_records_are_the_detectors_own_at_most_eight_at_most_two_a_customer() -> None:
    issue = Issue.from_row(next(row for row in insights() if row["insight_id"] == DAMAGE))
    shown = shown_records(issue, RECORDS, BERLIN)
    assert len(shown) == 8
    assert {record.feedback_id for record in shown} <= set(issue.evidence_ids)
    customers = [RECORDS[record.feedback_id]["customer_key"] for record in shown]
    assert max(customers.count(customer) for customer in customers) == 2
    # c-D7 wrote four of the eleven; the first two of the insight's own order stay
    assert [record.feedback_id for record in shown[:3]] == [feedback_id("E0"), feedback_id("E1"), feedback_id("D0")]


def test_a_record_that_is_not_published_is_left_out_not_made_up() -> None:
    issue = Issue.from_row(next(row for row in insights() if row["insight_id"] == DAMAGE))
    assert shown_records(issue, {}, BERLIN) == ()


def test_a_record_says_where_it_came_from_and_that_it_has_no_words(shop: Shop) -> None:
    spoken, silent = card(shop, DANGER).records
    assert spoken.heading == "review R-S0 · Mon 23 Nov, 10:30 · 1 of 5 stars"
    assert "order O-S0 · product LMP-1 · from WH-LEJ · batch LEJ-PB07" in spoken.about
    assert (silent.text, silent.has_words) == ("no words: a rating only", False)


def test_invisible_characters_do_not_reach_the_page() -> None:
    issue = Issue.from_row(insight("INS-1", "damaged_on_arrival", "t", evidence_ids=[feedback_id("D6")]))
    text = shown_records(issue, RECORDS, BERLIN)[0].text
    assert "HOSTILE7" in text
    assert not {"\u202e", "\u200b", "\u0000"} & set(text)


def test_the_full_table_has_every_record_with_the_quote_of_the_topic() -> None:
    issue = Issue.from_row(next(row for row in insights() if row["insight_id"] == DAMAGE))
    table = evidence_table(issue, [RECORDS[i] for i in issue.record_ids], BERLIN)
    assert len(table) == 41
    assert sum(row["exemplar"] for row in table) == 8
    plain_one = next(row for row in table if row["record"] == "R-D9")
    assert plain_one["quote of the topic"] == plain_one["what was said"][:40]
    assert plain_one["confidence"] == 0.93


@pytest.mark.parametrize(
    ("given", "words", "aside"),
    [
        (verdict("confirmed"), "confirmed by ada on Mon 23 Nov, 21:00", ""),
        (verdict("dismissed", reason="a test order"), "dismissed by ada on Mon 23 Nov, 21:00: a test order", "dismissed"),
        (verdict("duplicate", duplicate_of=CARRIER), f"repeats {CARRIER} by ada on Mon 23 Nov, 21:00", "duplicate"),
    ],
)
def test_a_verdict_is_said_and_silencing_ones_put_the_card_aside(shop: Shop, given: Verdict, words: str, aside: str) -> None:
    found = card(shop, judged=Judgements(verdicts={DAMAGE: given}))
    assert (found.judged, found.aside) == (words, aside)


def test_a_snooze_puts_the_card_aside_and_says_until_when(shop: Shop) -> None:
    snooze = Snooze(insight_id=DAMAGE, until_day=date(2026, 12, 1), reason="known", snoozed_by="ada", snoozed_at=NOW)
    assert card(shop, judged=Judgements(snoozes={DAMAGE: snooze})).aside == "asleep until Tue 1 Dec by ada: known"


@pytest.mark.parametrize(
    ("held", "line"),
    [
        (hold("active"), "paid promotion of 2 products held until Mon 30 Nov; undo: insights hold release H-31"),
        (hold("proposed", state_reason="provisional"), "promotion hold of 2 products proposed, not placed (provisional); place it: insights hold place H-31"),
        (hold("released", released_by="ada"), "promotion hold of 2 products released by ada"),
    ],
)
def test_what_was_done_says_a_hold_as_it_stands_now_with_its_undo(shop: Shop, held: Hold, line: str) -> None:
    done = card(shop, actions=[action("defect_ticket", "delivered", delivered_at=NOW), action("promo_hold", "planned")], judged=Judgements(holds=[held])).done
    assert done[0] == "ticket for Quality: delivered to desk, Mon 23 Nov, 21:00"
    assert done[1] == line


def test_what_waits_says_for_what(shop: Shop) -> None:
    done = card(shop, actions=[action("macro", "awaiting_approval", owner="support", state_reason="needs a person")]).done
    assert done == ("reply macro for Support: drafted, waits for approval (needs a person)",)
