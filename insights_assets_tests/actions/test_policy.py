"""The rules around the decision table: thresholds, gates, budgets, safety, due times. Its cells are in `test_decision_table.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions.model import Issue, PlannedAction, idempotency_key
from insights_assets.actions.policy import (
    IssueFacts,
    acts_on,
    decide,
    due_at,
    issue_facts,
    owner_of,
    sku_past_threshold,
    sure_records,
)
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS, UNTIL, complaint_records, plan_actions

MANY = IssueFacts(customers=41, evidence_records=41, confidences=(0.96,) * 41, affected_skus=("GL-100", "GL-200"))
ONE_SKU = replace(MANY, sku_customers={"GL-100": 12}, affected_skus=("GL-100",))

FULL = ("defect_ticket", "notification", "promo_hold")


def planned(shop: Shop, issue: Issue, facts: IssueFacts, **more: object) -> dict[str, PlannedAction]:
    actions = plan_actions([issue], {issue.insight_id: facts}, shop, AS_OF, **more)  # type: ignore[arg-type]
    return {action.kind: action for action in actions}


def test_an_issue_spread_so_thin_that_no_product_stands_for_it_holds_nothing(shop: Shop) -> None:
    assert set(planned(shop, LAMPS, replace(MANY, affected_skus=()))) == {"defect_ticket", "notification"}


def test_r93_a_sku_past_its_threshold_gets_exactly_three_things_once(shop: Shop) -> None:
    issue = replace(LAMPS, tier=2, scope={"sku": "GL-100"}, cause={}, cause_status="not_localised")
    found = planned(shop, issue, ONE_SKU)
    assert set(found) == {"defect_ticket", "notification", "promo_hold"}
    assert found["notification"].owner == "product", "product management is told"
    assert found["defect_ticket"].owner == "quality", "quality gets the ticket (R128)"
    assert all(action.state == "planned" for action in found.values())
    again = plan_actions([issue], {issue.insight_id: ONE_SKU}, shop, AS_OF, known=found.values())
    assert sorted(again, key=lambda a: a.kind) == sorted(found.values(), key=lambda a: a.kind)


@pytest.mark.parametrize(
    ("tier", "scope", "customers", "lift", "past"),
    [
        (1, {"sku": "GL-100"}, 1, 1.4, True),  # Tier 1 on one SKU
        (2, {"sku": "GL-100"}, 8, 3.0, True),
        (2, {"sku": "GL-100"}, 7, 9.0, False),
        (2, {"sku": "GL-100"}, 30, 2.9, False),
        (2, {"warehouse": "WH-LEJ"}, 8, 3.0, True),  # not named, but one SKU brings enough
        (1, {"warehouse": "WH-LEJ"}, 7, 9.0, False),
    ],
)
def test_the_threshold_of_r93(
    shop: Shop, tier: int, scope: dict[str, str], customers: int, lift: float, past: bool
) -> None:
    issue = replace(LAMPS, tier=tier, scope=scope, cause={}, lift=lift)
    facts = replace(MANY, sku_customers={"GL-100": customers})
    assert sku_past_threshold(issue, facts, shop.policy) is past


def test_the_same_insight_leads_to_other_actions_by_owner(shop: Shop) -> None:
    first = shop.policy.decisions[2]
    own = replace(first, topics=None, tiers=None, owners=frozenset({"web"}), when=None, actions=("defect_ticket",))
    policy = replace(shop.policy, decisions=(own, *shop.policy.decisions))
    assert decide(replace(LAMPS, owner="web"), MANY, policy).actions == ("defect_ticket",)
    assert decide(LAMPS, MANY, policy).actions == FULL


def test_safety_one_report_reaches_a_person_and_holds_nothing(shop: Shop) -> None:
    report = replace(
        LAMPS, topic="safety", tier=2, owner="", customers_count=1, provisional=True, lift=0.0, expected_count=0.0
    )
    one = IssueFacts(customers=1, evidence_records=1, confidences=(0.5,), affected_skus=("GL-100",))
    found = planned(shop, report, one)
    assert set(found) == {"escalation"}
    assert found["escalation"].state == "awaiting_approval", "no escalation leaves without a person (R56)"
    two = planned(shop, replace(report, tier=1, customers_count=2), replace(one, customers=2, evidence_records=2))
    assert set(two) == {"escalation", "defect_ticket", "notification", "promo_hold"}
    assert two["promo_hold"].state == "planned", "the safety path does not wait for a gate"


@pytest.mark.parametrize(
    ("changes", "facts", "reason"),
    [
        ({"provisional": True}, MANY, "too few records are reviewed yet"),
        ({}, replace(MANY, confidences=(0.96,) * 7), "7 records at label precision 0.90, 8 are needed"),
        ({}, replace(MANY, confidences=(0.89,) * 41), "0 records at label precision 0.90, 8 are needed"),
        ({}, replace(MANY, confidences=()), "0 records at label precision 0.90, 8 are needed"),
    ],
)
def test_below_its_gate_a_hold_is_proposed_and_the_rest_goes_out(
    shop: Shop, changes: dict[str, bool], facts: IssueFacts, reason: str
) -> None:
    found = planned(shop, replace(LAMPS, **changes), facts)  # type: ignore[arg-type]
    assert (found["promo_hold"].state, found["promo_hold"].state_reason) == ("proposed", reason)
    assert found["defect_ticket"].state == found["notification"].state == "planned"
    later = planned(shop, LAMPS, MANY, known=found.values())
    assert later["promo_hold"].state == "planned", "once the gate is met the proposal is taken up"


@pytest.mark.parametrize(
    ("confidences", "sure"),
    [((0.95,) * 8, 8), ((0.95,) * 8 + (0.5,) * 40, 9), ((0.89,) * 50, 0), ((0.98,) * 4 + (0.82,) * 4, 8), ((), 0)],
)
def test_unsure_records_take_nothing_from_sure_ones(confidences: tuple[float, ...], sure: int) -> None:
    assert sure_records(confidences, 0.9) == sure


def test_drafts_wait_for_a_person(shop: Shop) -> None:
    found = planned(shop, replace(LAMPS, topic="billing_confusion", owner="finance", tier=2), MANY)
    assert {kind: action.state for kind, action in found.items()} == {
        "defect_ticket": "planned", "notification": "planned",
        "macro": "awaiting_approval", "article": "awaiting_approval",
    }  # fmt: skip
    assert found["macro"].owner == "support" and found["defect_ticket"].owner == "finance"


def test_an_alert_budget_pushes_back_tier_2_but_never_tier_1_or_safety(shop: Shop) -> None:
    alerts = replace(shop.policy.alerts, new_per_channel_and_hour=100)  # the week's budget alone
    shop = replace(shop, policy=replace(shop.policy, alerts=alerts))
    issues = [
        replace(LAMPS, insight_id=f"INS-{n:02d}", tier=2, topic="price_value", owner="marketing", lift=2.0, risk_per_day_p10=float(n), scope={"product_line": f"line {n}"})
        for n in range(8)
    ]  # fmt: skip
    urgent = replace(LAMPS, insight_id="INS-90", tier=1, topic="price_value", owner="marketing")
    facts = {issue.insight_id: replace(MANY, affected_skus=(f"S-{issue.insight_id}",)) for issue in [*issues, urgent]}
    actions = plan_actions([*issues, urgent], facts, shop, AS_OF)
    told = {a.insight_id: a.state for a in actions if a.kind == "notification"}
    assert told["INS-90"] == "planned"
    assert sorted(k for k, v in told.items() if v == "planned") == ["INS-04", "INS-05", "INS-06", "INS-07", "INS-90"]
    held = next(a for a in actions if a.insight_id == "INS-00" and a.kind == "notification")
    assert held.state_reason == "Marketing had 5 alerts this week"
    # the next day the week's budget is still spent, and a tier 1 still passes
    days = {action.action_id: AS_OF for action in actions}
    later = replace(LAMPS, insight_id="INS-50", tier=2, topic="price_value", owner="marketing", lift=2.0, scope={"product_line": "line 50"})
    facts |= {"INS-50": MANY}
    after = plan_actions([later], facts, shop, date(2026, 11, 24), known=actions, decided_days=days)
    assert next(a for a in after if a.insight_id == "INS-50" and a.kind == "notification").state == "digest"
    free = plan_actions([later], facts, shop, date(2026, 11, 30), known=actions, decided_days=days)
    assert next(a for a in free if a.insight_id == "INS-50" and a.kind == "notification").state == "planned"


@pytest.mark.parametrize("change", [{"tier": 1}, {"topic": "safety", "owner": "quality"}])
def test_a_spent_budget_holds_back_neither_tier_1_nor_safety(shop: Shop, change: dict[str, object]) -> None:
    told = [PlannedAction(f"INS-{n:02d}", "notification", 2, "product", "desk", "planned") for n in range(5)]
    days = {action.action_id: AS_OF for action in told}
    second = replace(LAMPS, tier=2, scope={"sku": "GL-100"})
    held = planned(shop, second, ONE_SKU, known=told, decided_days=days)
    assert held["notification"].state == "digest"
    found = planned(shop, replace(second, **change), ONE_SKU, known=told, decided_days=days)  # type: ignore[arg-type]
    assert found["notification"].state == "planned"


def test_a_digest_entry_that_becomes_tier_1_goes_out(shop: Shop) -> None:
    held = PlannedAction("INS-7f3a", "notification", 2, "product", "desk", "digest", "Product management had 5 alerts")
    found = planned(shop, LAMPS, MANY, known=[held])
    assert found["notification"].state == "planned"


def test_a_higher_tier_adds_only_what_is_missing(shop: Shop) -> None:
    second = planned(shop, replace(LAMPS, tier=2, lift=2.0), MANY)
    assert set(second) == {"defect_ticket", "notification"}
    first = planned(shop, LAMPS, MANY, known=second.values())
    assert set(first) == set(FULL)
    assert first["defect_ticket"] == second["defect_ticket"]
    fallen = planned(shop, replace(LAMPS, tier=3), MANY, known=first.values())
    assert set(FULL) == set(fallen), "what was done stays on record"


def test_keys_are_stable_and_apart() -> None:
    assert idempotency_key("INS-7f3a", "promo_hold") == idempotency_key("INS-7f3a", "promo_hold")
    keys = {idempotency_key(f"INS-{n}", kind) for n in range(50) for kind in FULL}
    assert len(keys) == 150
    assert PlannedAction("INS-7f3a", "macro", 1, "support", "desk", "planned").action_id.startswith("ACT-")


@pytest.mark.parametrize(
    ("changes", "acts"),
    [
        ({"state": "active"}, True),
        ({"state": "resolved", "last_seen_day": date(2026, 11, 9)}, True),
        ({"state": "resolved", "last_seen_day": date(2026, 11, 8)}, False),
        ({"state": "active", "last_seen_day": date(2026, 1, 1)}, True),
        ({"verdict": "dismissed"}, False),
        ({"verdict": "duplicate"}, False),
        ({"verdict": "confirmed"}, True),
    ],
)
def test_only_open_or_late_issues_open_actions(
    shop: Shop, issue: Callable[..., Issue], changes: dict[str, object], acts: bool
) -> None:
    assert acts_on(issue(**changes), shop.policy, AS_OF) is acts
    assert bool(planned(shop, issue(**changes), MANY)) is acts


def test_a_snoozed_issue_opens_nothing(shop: Shop) -> None:
    assert planned(shop, LAMPS, MANY, snoozed=["INS-7f3a"]) == {}


def test_facts_are_counted_from_people_not_posts(shop: Shop) -> None:
    records = complaint_records(10)
    twice = [*records, replace(records[0], feedback_id="again", record_ref="R-x")]
    other = replace(records[9], feedback_id="other", sku="GL-200", customer_key="someone else")
    facts = issue_facts(replace(LAMPS, scope={}), [*twice, other], shop.policy, UNTIL)
    assert (facts.customers, facts.evidence_records) == (11, 12)
    assert facts.sku_customers == {"GL-100": 10, "GL-200": 1}
    assert facts.affected_skus == ("GL-100",), "a SKU with a tenth of the complaints is not held"
    assert facts.confidences == (0.96,) * 12
    week_later = issue_facts(LAMPS, records, shop.policy, datetime(2026, 12, 1, tzinfo=UTC))
    assert week_later.sku_customers == {}, "only the last seven days count"


def test_owner_follows_the_insight_then_the_cause(shop: Shop) -> None:
    missing = replace(LAMPS, topic="missing_accessories", owner="")
    assert owner_of(missing, shop.policy) == "quality"
    assert owner_of(replace(missing, cause={}), shop.policy) == "supply_chain"
    assert owner_of(replace(missing, owner="web"), shop.policy) == "web"


@pytest.mark.parametrize(
    ("as_of", "tier", "due"),
    [
        (date(2026, 11, 23), 1, "2026-11-24T12:00"),  # Monday -> Tuesday noon
        (date(2026, 11, 27), 1, "2026-11-28T12:00"),  # tier 1 does not wait for Monday
        (date(2026, 11, 26), 2, "2026-11-30T12:00"),  # 60 hours after Thursday's end is Sunday noon, so Monday
        (date(2026, 11, 23), 3, "2026-12-03T12:00"),
        (date(2026, 10, 24), 1, "2026-10-25T12:00"),  # the night in which clocks change
    ],
)
def test_due_times_fall_on_the_shops_noon(shop: Shop, as_of: date, tier: int, due: str) -> None:
    found = due_at(shop.policy, shop, as_of, tier).astimezone(ZoneInfo("Europe/Berlin"))
    assert found.strftime("%Y-%m-%dT%H:%M") == due
