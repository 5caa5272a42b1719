"""Every cell of the decision table against `golden/decision_table.md`, and R93, R94, R127, R128, R133, R146, R158 to the letter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from insights_assets.actions.decide import decide_actions
from insights_assets.actions.finish import Decided, Inputs, Known
from insights_assets.actions.model import Issue, PlannedAction
from insights_assets.actions.policy import IssueFacts
from insights_assets.actions.repeated import RepeatedIssue
from insights_assets.resources.operations import Operations
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS, complaint_records, plan_actions

GOLDEN = Path(__file__).parent / "golden" / "decision_table.md"
KINDS = {
    "ticket": "defect_ticket", "note": "notification", "hold": "promo_hold", "macro": "macro", "article": "article", "copy change": "copy_change",
    "escalation": "escalation",
}  # fmt: skip
#: Conditions as facts: (one SKU past its threshold, independent reports).
CONDITIONS = tuple(product((False, True), repeat=2))


def golden() -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """(topic, condition, owner) -> the cells of tiers 1 to 3, as the page has them."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in GOLDEN.read_text().splitlines() if line.startswith("|")]
    return {(topic, condition, owner): (one, two, three) for topic, condition, owner, one, two, three in rows[2:]}


def expected(table: dict[tuple[str, str, str], tuple[str, str, str]], topic: str, tier: int, owner: str, past: bool, independent: bool) -> dict[str, str]:
    """kind -> team of one cell; the team only where the page names it."""
    holds = ["one SKU"] * past + ["independent"] * independent + ["any"]
    cell = next(table[key][tier - 1] for condition in holds for who in (owner, "any") if (key := (topic, condition, who)) in table)
    found = {}
    for words in [] if cell == "nothing" else cell.split(", "):
        kind, _, team = words.partition(" to ")
        found[KINDS[kind]] = team.replace("owner", owner)
    return found


def an_issue(topic: str, tier: int, owner: str, past: bool, independent: bool) -> tuple[Issue, IssueFacts]:
    scope = {"sku": "GL-100"} if past else {"product_line": "glass lamps"}
    issue = replace(LAMPS, topic=topic, tier=tier, owner=owner, scope=scope, cause={}, cause_status="not_localised", lift=5.0 if past else 2.0)
    customers = 41 if independent else 1
    skus = {"GL-100": 12} if past else {}
    return issue, IssueFacts(customers, 41, (0.96,) * 41, skus, ("GL-100",))


def test_the_page_names_every_topic(shop: Shop) -> None:
    assert {topic for topic, _, _ in golden()} == set(shop.policy.topics)


@pytest.mark.parametrize("tier", [1, 2, 3])
@pytest.mark.parametrize("topic", sorted({topic for topic, _, _ in golden()}))
def test_every_cell_of_the_decision_table(shop: Shop, topic: str, tier: int) -> None:
    table = golden()
    for owner, (past, independent) in product(sorted(shop.owners), CONDITIONS):
        issue, facts = an_issue(topic, tier, owner, past, independent)
        found = {action.kind: action for action in plan_actions([issue], {issue.insight_id: facts}, shop, AS_OF)}
        wanted = expected(table, topic, tier, owner, past, independent)
        where = (topic, tier, owner, past, independent)
        assert set(found) == set(wanted), where
        assert {kind: found[kind].owner for kind, team in wanted.items() if team} == {kind: team for kind, team in wanted.items() if team}, where
        assert all(action.owner in shop.owners and action.destination and action.policy_line for action in found.values()), where
        if "defect_ticket" in found:
            assert found["defect_ticket"].owner == owner, where
        if tier == 3 and topic != "safety":
            assert not {"notification", "promo_hold", "escalation"} & set(found), "tier 3 informs only (R133)"


def test_severity_and_owner_change_what_follows_from_the_same_insight(shop: Shop) -> None:
    """R126: one insight, four different answers."""
    def kinds(tier: int, owner: str) -> set[str]:
        issue, facts = an_issue("missing_accessories", tier, owner, past=False, independent=False)
        return {action.kind for action in plan_actions([issue], {issue.insight_id: facts}, shop, AS_OF)}

    answers = [kinds(1, "quality"), kinds(2, "quality"), kinds(2, "supply_chain"), kinds(3, "quality")]
    assert len({frozenset(found) for found in answers}) == 4


# -- R93 over runs -----------------------------------------------------------------------------------------------------


def run(inputs: Inputs, operations: Operations, before: Decided | None = None) -> Decided:
    """One run of what the asset does, on what the run before stored."""
    known = {row["action_id"]: Known.from_row(row) for row in before.actions} if before else {}
    drafts: dict[str, list[dict[str, object]]] = {}
    for draft in before.drafts if before else ():
        drafts.setdefault(str(draft["action_id"]), []).append(draft)
    return decide_actions(replace(inputs, known=known, known_drafts=drafts), operations)


def of_lamp(decided: Decided) -> dict[str, dict[str, object]]:
    found = [row for row in decided.actions if row["insight_id"] == LAMPS.insight_id]
    assert len({row["kind"] for row in found}) == len(found), "one action per kind"
    return {str(row["kind"]): row for row in found}


def test_r93_one_ticket_one_note_one_hold_once_also_on_rerun_and_when_it_grows(inputs: Callable[..., Inputs], operations: Operations) -> None:
    first_issue = replace(LAMPS, tier=2, scope={"sku": "GL-100"}, cause={}, cause_status="not_localised", customers_count=10)
    given = inputs(issues=[first_issue])
    decided = run(given, operations)
    found = of_lamp(decided)
    assert {kind: (row["state"], row["owner"]) for kind, row in found.items()} == {
        "defect_ticket": ("planned", "quality"), "notification": ("planned", "product"), "promo_hold": ("planned", "marketing"),
    }  # fmt: skip
    (hold,) = decided.holds
    assert (hold.state, hold.skus, hold.expires_on) == ("active", ["GL-100"], AS_OF + timedelta(days=7)), "temporary"
    keys = {row["idempotency_key"] for row in found.values()}
    for issue, records in (
        (first_issue, complaint_records(10)),  # the same again
        (replace(first_issue, customers_count=40, lift=9.0), complaint_records(40)),  # it grew
        (replace(first_issue, tier=1, customers_count=60, lift=12.0), complaint_records(60)),  # and became Tier 1
    ):
        decided = run(replace(given, issues=[issue], evidence={issue.insight_id: records}), operations, decided)
        assert {row["idempotency_key"] for row in of_lamp(decided).values()} == keys
        assert [row.hold_id for row in decided.holds] == [hold.hold_id] and len(operations.holds.all()) == 1


def test_r94_a_repeated_question_drafts_a_macro_and_an_article_that_wait(inputs: Callable[..., Inputs], operations: Operations) -> None:
    asked = RepeatedIssue("REP-1", "usability_confusion", "TH-1", "how to change the bulb", 25, 20, tuple(complaint_records(10, topic="usability_confusion")))
    decided = run(inputs(issues=[], evidence={}, repeated=[asked]), operations)
    assert {row["kind"]: (row["state"], row["owner"]) for row in decided.actions} == {"macro": ("awaiting_approval", "support"), "article": ("awaiting_approval", "support")}
    assert {(row.kind, row.state) for row in decided.approvals} == {("macro", "waiting"), ("article", "waiting")}
    again = run(inputs(issues=[], evidence={}, repeated=[asked]), operations, decided)
    assert again.actions == decided.actions and len(operations.approvals.all()) == 2


# -- single requirements -----------------------------------------------------------------------------------------------


def only(shop: Shop, topic: str, tier: int, owner: str, *, past: bool = False, **changes: object) -> dict[str, PlannedAction]:
    issue, facts = an_issue(topic, tier, owner, past, True)
    issue = replace(issue, **changes)  # type: ignore[arg-type]
    return {action.kind: action for action in plan_actions([issue], {issue.insight_id: facts}, shop, AS_OF)}


def test_r127_minor_confusion_updates_the_help_pages_and_calls_nobody(shop: Shop) -> None:
    found = only(shop, "usability_confusion", 3, "product")
    assert set(found) == {"article"} and found["article"].state == "awaiting_approval"


def test_r128_a_serious_defect_pauses_campaigns_and_tells_quality(shop: Shop) -> None:
    for owner in ("quality", "supply_chain"):
        found = only(shop, "missing_accessories", 1, owner)
        assert found["promo_hold"].state == "planned"
        assert found["notification"].owner == "quality", "whoever owns the ticket"


def test_r132_a_growing_gap_of_help_gets_a_macro(shop: Shop) -> None:
    assert only(shop, "billing_confusion", 2, "finance")["macro"].state == "awaiting_approval"


@pytest.mark.parametrize("kind", ["defect_ticket", "notification", "promo_hold"])
def test_r146_below_its_gate_every_kind_is_proposed(shop: Shop, kind: str) -> None:
    gate = replace(shop.policy.gates[kind], topic_precision=0.99, evidence_records=8)
    strict = replace(shop, policy=replace(shop.policy, gates={**shop.policy.gates, kind: gate}))
    found = only(strict, "product_quality", 1, "quality", past=True)
    assert (found[kind].state, found[kind].state_reason) == ("proposed", "0 records at label precision 0.99, 8 are needed")
    assert all(action.state == "planned" for other, action in found.items() if other != kind)


def test_r158_nothing_leaves_the_house_unapproved(shop: Shop, inputs: Callable[..., Inputs], operations: Operations) -> None:
    """An escalation and every draft wait for a person; a hold is the bounded exception, and only inside its bounds."""
    for topic, tier in product(shop.policy.topics, (1, 2, 3)):
        for kind, action in only(shop, topic, tier, "quality", past=True).items():
            assert (action.state == "awaiting_approval") == (kind in ("escalation", "macro", "article", "copy_change")), (topic, tier, kind)
    beyond = run(inputs(revenue_share={"GL-100": 0.4}), operations)
    assert [(hold.state, hold.placed_on) for hold in beyond.holds] == [("proposed", None)], "past the cap a person decides"
