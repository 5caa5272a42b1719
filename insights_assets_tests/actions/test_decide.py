"""One run: plan, hold, ask, draft, render; a second run over the same facts changes nothing; commands act at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from insights_assets.actions import commands
from insights_assets.actions.decide import decide_actions
from insights_assets.actions.deliver import deliver, delivery_rows, digests, ticket_rows
from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.desk import DeskDestination
from insights_assets.actions.finish import Decided, Inputs, Known
from insights_assets.actions.hold_costs import hold_rows
from insights_assets.actions.holds import desired_state
from insights_assets.actions.inbox import Outcome, take_here
from insights_assets.actions.loop_stamps import loop_stamps
from insights_assets.actions.messages import messages_of
from insights_assets.actions.repeated import RepeatedIssue
from insights_assets.actions.tables import (
    ACTION_TICKETS,
    DELIVERIES,
    LOOP_TIME,
    MACROS,
    PLANNED_ACTIONS,
    PROMO_HOLDS,
    TABLES,
)
from insights_assets.resources.operations import Operations
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS, complaint_records

BILLING = replace(
    LAMPS, insight_id="INS-b1", topic="billing_confusion", owner="finance", tier=2, title="Unclear charges: across the shop",
    scope={}, cause={}, cause_status="not_localised", recommended_step="",
)  # fmt: skip
ASKED = RepeatedIssue("REP-00aa11bb", "usability_confusion", "TH-1", "how to change the bulb", 25, 20,
                      tuple(complaint_records(10, topic="usability_confusion", prefix="U")))  # fmt: skip


def again(inputs: Inputs, decided: Decided) -> Inputs:
    """The inputs of the next run, which finds what the first one stored."""
    drafts: dict[str, list[dict[str, Any]]] = {}
    for draft in decided.drafts:
        drafts.setdefault(draft["action_id"], []).append(draft)
    return replace(
        inputs, known={row["action_id"]: Known.from_row(row) for row in decided.actions}, known_drafts=drafts
    )


def everything(inputs: Callable[..., Inputs], **changes: Any) -> Inputs:
    evidence = {"INS-7f3a": complaint_records(), "INS-b1": complaint_records(10, topic="billing_confusion", prefix="B")}
    return inputs(**{"issues": [LAMPS, BILLING], "evidence": evidence, "repeated": [ASKED], **changes})


def states(decided: Decided) -> dict[tuple[str, str], str]:
    return {(row["insight_id"], row["kind"]): row["state"] for row in decided.actions}


def test_one_run_decides_everything(inputs: Callable[..., Inputs], operations: Operations) -> None:
    decided = decide_actions(everything(inputs), operations)
    assert states(decided) == {
        ("INS-7f3a", "defect_ticket"): "planned", ("INS-7f3a", "notification"): "planned", ("INS-7f3a", "promo_hold"): "planned",
        ("INS-b1", "defect_ticket"): "planned", ("INS-b1", "notification"): "planned",
        ("INS-b1", "macro"): "awaiting_approval", ("INS-b1", "article"): "awaiting_approval",
        ("REP-00aa11bb", "macro"): "awaiting_approval", ("REP-00aa11bb", "article"): "awaiting_approval",
    }  # fmt: skip
    (hold,) = decided.holds
    assert (hold.state, hold.skus, hold.expires_on) == ("active", ["GL-100"], date(2026, 11, 30))
    ticket = next(row for row in decided.actions if (row["insight_id"], row["kind"]) == ("INS-7f3a", "defect_ticket"))
    assert f"Undo: `insights hold release {hold.hold_id}`." in ticket["body"]
    assert "Product management told" in ticket["body"]
    assert {approval.kind for approval in decided.approvals} == {"macro", "article"}
    assert {draft["language"] for draft in decided.drafts if draft["insight_id"] == "INS-b1"} == {"en", "de", "fr"}
    assert all(row["owner"] and row["destination"] and row["body"] for row in decided.actions)


def test_a_second_run_changes_nothing(inputs: Callable[..., Inputs], operations: Operations) -> None:
    given = everything(inputs)
    first = decide_actions(given, operations)
    second = decide_actions(again(given, first), operations)
    assert second.actions == first.actions
    assert second.drafts == first.drafts
    assert [h.as_dict() for h in second.holds] == [h.as_dict() for h in first.holds]
    assert [a.as_dict() for a in second.approvals] == [a.as_dict() for a in first.approvals]


def test_a_run_that_died_after_the_database_is_made_good(inputs: Callable[..., Inputs], operations: Operations) -> None:
    given = everything(inputs)
    first = decide_actions(given, operations)
    repeated = decide_actions(given, operations)  # the lake never got the rows of the first
    assert repeated.actions == first.actions
    assert len(operations.holds.all()) == 1


def test_the_order_of_issues_changes_nothing(inputs: Callable[..., Inputs], operations: Operations) -> None:
    given = everything(inputs)
    first = decide_actions(given, operations)
    assert decide_actions(replace(given, issues=[BILLING, LAMPS]), operations).actions == first.actions


def test_an_issue_keeps_its_due_day_and_policy_on_later_days(
    inputs: Callable[..., Inputs], operations: Operations
) -> None:
    given = everything(inputs)
    first = decide_actions(given, operations)
    later = decide_actions(replace(again(given, first), as_of=date(2026, 11, 25)), operations)
    key = lambda d: {row["action_id"]: (row["due_at"], row["decided_day"], row["policy_sha256"]) for row in d.actions}  # noqa: E731
    assert key(later) == key(first)


def test_provisional_issues_propose_their_hold(inputs: Callable[..., Inputs], operations: Operations) -> None:
    given = inputs(
        issues=[replace(LAMPS, provisional=True)], provisional_reasons={"damaged_on_arrival": "12 of 30 reviewed"}
    )
    decided = decide_actions(given, operations)
    assert states(decided)[("INS-7f3a", "promo_hold")] == "proposed"
    assert decided.holds[0].state == "proposed" and desired_state(decided.holds).count(b"\n") == 1
    ticket = next(row for row in decided.actions if row["kind"] == "defect_ticket")
    assert "12 of 30 reviewed" in ticket["body"] and ticket["is_provisional"]
    later = decide_actions(replace(again(given, decided), issues=[LAMPS]), operations)
    assert states(later)[("INS-7f3a", "promo_hold")] == "planned" and later.holds[0].state == "active"


def test_a_verdict_closes_the_hold_and_shows_on_the_ticket(
    inputs: Callable[..., Inputs], operations: Operations
) -> None:
    given = inputs()
    first = decide_actions(given, operations)
    operations.verdicts.give("INS-7f3a", "dismissed", by="ana", reason="a test batch")
    second = decide_actions(again(given, first), operations)
    assert second.holds[0].state == "released"
    assert states(second)[("INS-7f3a", "promo_hold")] == "ended"
    ticket = next(row for row in second.actions if row["kind"] == "defect_ticket")
    assert "dismissed by ana (a test batch)." in ticket["body"]


def test_what_was_approved_stays_what_it_was(inputs: Callable[..., Inputs], operations: Operations) -> None:
    given = everything(inputs)
    first = decide_actions(given, operations)
    article = next(row for row in first.actions if row["kind"] == "article" and row["insight_id"] == "INS-b1")
    assert take_here(operations, inputs().shop, "approve", article["action_id"], by="sue", through="command").is_taken
    other = {**given.evidence, "INS-b1": complaint_records(4, topic="billing_confusion", prefix="Z")}
    second = decide_actions(replace(again(given, first), evidence=other, repeated=[]), operations)
    before = {d["draft_id"]: d["text"] for d in first.drafts if d["action_id"] == article["action_id"]}
    after = {d["draft_id"]: (d["text"], d["state"]) for d in second.drafts if d["action_id"] == article["action_id"]}
    assert after == {key: (text, "approved") for key, text in before.items()}
    assert states(second)[("REP-00aa11bb", "macro")] == "awaiting_approval", (
        "a question nobody asks any more keeps its drafts"
    )


def test_an_ended_hold_does_not_count_against_the_cap(inputs: Callable[..., Inputs], operations: Operations) -> None:
    other = replace(LAMPS, insight_id="INS-other", risk_per_day_p10=1.0, scope={"sku": "GL-200"})
    shares = {"GL-100": 0.08, "GL-200": 0.07}
    first = decide_actions(inputs(revenue_share=shares), operations)
    operations.holds.release(first.holds[0].hold_id, by="mia", reason="fixed")
    evidence = {"INS-7f3a": complaint_records(), "INS-other": complaint_records(10, sku="GL-200", prefix="Q")}
    given = again(inputs(issues=[LAMPS, other], evidence=evidence, revenue_share=shares), first)
    second = decide_actions(given, operations)
    assert {hold.insight_id: hold.state for hold in second.holds} == {"INS-7f3a": "released", "INS-other": "active"}


def run(inputs: Inputs, operations: Operations, desk: Desk, run_id: str = "run-1") -> tuple[Decided, int]:
    decided = decide_actions(inputs, operations)
    written = deliver(operations, {"desk": DeskDestination(desk)}, messages_of(decided.actions, decided.drafts, inputs.shop), run_id).arrived
    written += desk.put("holds.csv", desired_state(operations.holds.all()))
    return decided, written


def test_every_action_reaches_the_desk_once(
    inputs: Callable[..., Inputs], operations: Operations, tmp_path: Path
) -> None:
    desk = Desk(tmp_path / "desk")
    decided, written = run(everything(inputs), operations, desk)
    paths = {p.relative_to(desk.root).as_posix() for p in desk.root.rglob("*") if p.is_file()}
    assert {
        "tickets/INS-7f3a.md",
        "alerts/INS-7f3a.md",
        "holds/INS-7f3a.md",
        "macros/INS-b1-de.md",
        "holds.csv",
    } <= paths
    assert written == len(paths)
    draft = (desk.root / "macros/INS-b1-en.md").read_text()
    assert "*Macro draft* in English, waits for Support, due " in draft and "*Decide* `insights approve ACT-" in draft
    assert draft.index("in English") < draft.index("\n---\n") < draft.index("*Decide*"), "what it is, its words, how to decide"
    _, second = run(again(everything(inputs), decided), operations, desk, "run-2")
    assert second == 0 and len(operations.outbox.deliveries()) == written - 1
    tickets = {row["action_id"]: row for row in ticket_rows(decided.actions, operations.outbox.all(), [])}
    ticket = next(row for row in tickets.values() if (row["insight_id"], row["kind"]) == ("INS-7f3a", "defect_ticket"))
    assert (ticket["state"], ticket["external_id"], ticket["proof_sha256"]) == (
        "delivered",
        "tickets/INS-7f3a.md",
        None,
    )
    assert set(ticket) | {"run_id", "created_at"} == set(ACTION_TICKETS.column_names)
    macro = next(row for row in tickets.values() if row["kind"] == "macro" and row["insight_id"] == "INS-b1")
    assert macro["state"] == "awaiting_approval" and macro["delivered_at"] is not None


def test_rows_fit_their_tables(
    inputs: Callable[..., Inputs], operations: Operations, tmp_path: Path, shop: Shop
) -> None:
    from insights_assets.actions.loop_time import loop_rows

    given = everything(inputs)
    decided, _ = run(given, operations, Desk(tmp_path / "desk"))
    assert set(decided.actions[0]) | {"run_id", "created_at"} == set(PLANNED_ACTIONS.column_names)
    assert set(PROMO_HOLDS.column_names) <= set(hold_rows(decided.holds, {}, shop, AS_OF)[0])
    assert set(decided.drafts[0]) - {"kind"} == set(MACROS.column_names)
    assert set(DELIVERIES.column_names) <= set(delivery_rows(operations.outbox.deliveries())[0])
    tickets = ticket_rows(decided.actions, operations.outbox.all(), [])
    stamped = loop_stamps(tickets, {"INS-7f3a": LAMPS}, given.evidence, [], shop)
    assert {s.is_replayed for s in stamped} == {True}, "seen on the 18th, decided on the 23rd"
    assert set(loop_rows(stamped)[0]) == set(LOOP_TIME.column_names)
    assert len({str(spec) for spec in TABLES}) == len(TABLES)


def test_a_digest_lists_what_the_budget_pushed_back(shop: Shop) -> None:
    rows = [
        {
            "state": "digest",
            "tier": 2,
            "insight_id": "INS-1",
            "title": "Late [x](http://evil.example)",
            "owner": "support",
        }
    ]
    (path, page), = digests(rows, shop).items()  # fmt: skip
    assert path == "alerts/digest-support.md" and b"http://" not in page and b"Tier 2" in page


# -- commands ----------------------------------------------------------------------------------------------------------


def held_skus(home: Path) -> list[str]:
    return [row["sku"] for row in csv.DictReader(io.StringIO((home / "desk/holds.csv").read_text()))]


def test_a_release_empties_the_desired_state_at_once(
    inputs: Callable[..., Inputs], operations: Operations, tmp_path: Path, shop: Shop
) -> None:
    run(inputs(), operations, Desk(tmp_path / "desk"))
    assert held_skus(tmp_path) == ["GL-100"]
    (hold,) = commands.list_holds(operations)


    def act(what: str, hold_id: str, by: str) -> Outcome:
        return take_here(operations, shop, what, hold_id, by=by, through="command", home=tmp_path, as_of=AS_OF)

    asked = act("extend", hold["hold_id"], "mia")
    assert asked.is_taken and "a second person confirms it" in asked.said
    assert not act("extend", hold["hold_id"], "Mia").is_taken
    assert operations.holds.all()[0].expires_on == date(2026, 11, 30), "asking moves nothing"
    assert act("extend", hold["hold_id"], "tom").said.endswith("is extended until Mon 7 Dec: asked by mia, confirmed by tom")
    assert operations.holds.all()[0].expires_on == date(2026, 12, 7)
    assert act("release", hold["hold_id"], "mia").is_taken
    assert held_skus(tmp_path) == []
    assert "is released" in act("extend", hold["hold_id"], "mia").said
    assert "there is no hold" in act("release", "H-0", "mia").said
    assert [(row.action, row.actor) for row in operations.audit.rows()][::-1] == [
        ("hold_extend", "mia"), ("refused", "Mia"), ("hold_extend", "tom"), ("hold_release", "mia"), ("refused", "mia"), ("refused", "mia"),
    ]  # fmt: skip


def test_a_person_may_place_a_proposed_hold(
    inputs: Callable[..., Inputs], operations: Operations, tmp_path: Path, shop: Shop
) -> None:
    run(inputs(revenue_share=None), operations, Desk(tmp_path / "desk"))
    (hold,) = commands.list_holds(operations)
    assert hold["state"] == "proposed" and held_skus(tmp_path) == []
    assert take_here(operations, shop, "place", hold["hold_id"], by="mia", through="command", home=tmp_path, as_of=AS_OF).is_taken
    assert held_skus(tmp_path) == ["GL-100"]
