"""A delay that is planted in a replay is named as the cause of a missed promise; hours by stage, team and tier; nothing left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions.decide import decide_actions
from insights_assets.actions.deliver import deliver, ticket_rows
from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.desk import DeskDestination
from insights_assets.actions.finish import Inputs, Known
from insights_assets.actions.inbox import Answer, take
from insights_assets.actions.loop_promise import WHOLE, judge_loop, promise_words, summary_rows
from insights_assets.actions.loop_stamps import loop_stamps
from insights_assets.actions.loop_time import Stamps, hours_by_stage, loop_hours, loop_rows, stamps_of
from insights_assets.actions.messages import messages_of
from insights_assets.actions.people_tables import LOOP_SUMMARY
from insights_assets.actions.tables import LOOP_TIME
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS, complaint_records
from insights_assets_tests.hands import Hands

WALL = datetime(2027, 3, 1, 8, tzinfo=UTC)  # a replay: the house works months after the shop's days
BILLING = replace(
    LAMPS, insight_id="INS-b1", topic="billing_confusion", owner="finance", tier=2, title="Unclear charges: across the shop", scope={}, cause={},
    cause_status="not_localised", recommended_step="",
)  # fmt: skip


@pytest.fixture
def clock() -> Hands:
    return Hands(WALL)


@pytest.fixture
def operations(tmp_path: Path, clock: Hands) -> Iterator[Operations]:
    found = open_operations(tmp_path / "operations.db", clock=clock)
    found.migrate()
    yield found
    found.close()


def a_run(given: Inputs, operations: Operations, clock: Hands, home: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One run of the stage through its own functions: decide, deliver, and the tickets as their table holds them."""
    known = {row["action_id"]: Known.from_row(row) for row in rows}
    made = {row["action_id"]: row["created_at"] for row in rows}
    drafts: dict[str, list[Any]] = {}
    decided = decide_actions(replace(given, known=known, known_drafts=drafts), operations)
    for draft in decided.drafts:
        drafts.setdefault(draft["action_id"], []).append(draft)
    deliver(operations, {"desk": DeskDestination(Desk(home / "desk"))}, messages_of(decided.actions, decided.drafts, given.shop), "run")
    actions = [{**row, "created_at": made.get(row["action_id"], clock.now)} for row in decided.actions]
    return ticket_rows(actions, operations.outbox.all(), operations.approvals.all())


def test_a_two_day_approval_is_named_as_the_cause_of_a_missed_promise(
    inputs: Callable[..., Inputs], operations: Operations, clock: Hands, shop: Shop, tmp_path: Path
) -> None:
    evidence = {"INS-7f3a": complaint_records(), "INS-b1": complaint_records(10, topic="billing_confusion", prefix="B")}
    given = inputs(issues=[LAMPS, BILLING], evidence=evidence)
    rows = a_run(given, operations, clock, tmp_path, [])
    macro = next(row for row in rows if row["kind"] == "macro")

    def stamps() -> list[Stamps]:
        return loop_stamps(
            rows, {issue.insight_id: issue for issue in given.issues}, evidence, operations.verdicts.history(), shop,
            approvals=operations.approvals.all(), reported=operations.answers.stamps(),
        )  # fmt: skip

    assert loop_hours(next(s for s in stamps() if s.action_id == macro["action_id"])) is None, "a draft on the desk has not arrived"
    clock.now = WALL + timedelta(hours=48)
    for n, row in enumerate(row for row in rows if row["state"] == "awaiting_approval"):
        answer = Answer(f"e{n}", "approve", row["action_id"], "sue", "console", clock.now)
        assert take(operations, shop, answer, home=tmp_path, as_of=AS_OF).is_taken
    clock.now = WALL + timedelta(hours=49)
    rows = a_run(given, operations, clock, tmp_path, rows)

    found = judge_loop(stamps(), shop.policy.loop, clock.now)
    assert (found.counted, found.late, found.slowest_stage) == (7, 2, "approve")
    assert {late.stamps.kind for late in found.late_actions} == {"macro", "article"}, "what waited for nobody was in time"
    late = found.late_actions[0]
    assert (late.stage, late.stage_hours, late.hours) == ("approve", 48.0, 79.0)
    assert late.words(72, shop.zone) == "79 h where 72 h are promised: approval took 48 h of them, from Mon 1 Mar, 09:00 to Wed 3 Mar, 09:00"
    assert "2 of the last 7 actions were late" in promise_words(found, shop.policy.loop)

    stored = [dict(row) for row in loop_rows(stamps())]
    assert set(stored[0]) == set(LOOP_TIME.column_names)
    assert judge_loop(stamps_of(stored, {row["action_id"]: row["state"] for row in rows}, {row.action_id for row in operations.approvals.all()}), shop.policy.loop, clock.now) == found, "the table says the same"
    summary = {(row["grouping"], row["name"], row["stage"]): row for row in summary_rows(stamps(), shop.policy.loop)}
    assert set(next(iter(summary.values()))) == set(LOOP_SUMMARY.column_names)
    assert summary["team", "support", "approve"]["p90_hours"] == 48.0 and summary["team", "support", WHOLE]["late_count"] == 2
    assert ("team", "quality", "approve") not in summary and summary["team", "quality", WHOLE]["late_count"] == 0
    assert summary["tier", "1", WHOLE]["action_count"] == 3 and summary["all", "all", "detect"]["clock"] == "shop"


def test_what_still_waits_past_the_promise_is_late_already(inputs: Callable[..., Inputs], operations: Operations, clock: Hands, shop: Shop, tmp_path: Path) -> None:
    evidence = {"INS-b1": complaint_records(10, topic="billing_confusion", prefix="B")}
    given = inputs(issues=[BILLING], evidence=evidence)
    rows = a_run(given, operations, clock, tmp_path, [])
    stamped = loop_stamps(rows, {"INS-b1": BILLING}, evidence, [], shop, approvals=operations.approvals.all())
    early = judge_loop(stamped, shop.policy.loop, WALL + timedelta(hours=40))
    assert (early.counted, early.late) == (2, 0), "31 h to detection and 40 h of waiting are no breach yet"
    found = judge_loop(stamped, shop.policy.loop, WALL + timedelta(hours=60))
    assert (found.counted, found.late) == (4, 2)
    assert {late.words(72) for late in found.late_actions} == {"91 h so far where 72 h are promised: approval has taken 60 h of them, since Mon 1 Mar, 08:00"}
    assert judge_loop(stamped, shop.policy.loop).late == 0, "without a clock only what has arrived is counted"
    operations.approvals.decide(found.late_actions[0].stamps.action_id, False, by="sue")
    rows = a_run(given, operations, clock, tmp_path, rows)
    after = judge_loop(loop_stamps(rows, {"INS-b1": BILLING}, evidence, [], shop, approvals=operations.approvals.all()), shop.policy.loop, WALL + timedelta(hours=60))
    assert after.late == 1, "what a person stopped is on its way no more"


EVENT = datetime(2026, 11, 17, 16, tzinfo=UTC)
STAGES = {"event": -100, "arrival": -99, "detect": -70, "label": 0, "decide": 1, "approve": 30, "route": 30.5, "acknowledge": 31, "start": 40, "fix": 80}


def test_every_stage_follows_the_one_before_on_its_own_clock() -> None:
    at = {stage: (EVENT if hours < 0 else WALL) + timedelta(hours=hours) for stage, hours in STAGES.items()}
    stamp = Stamps("A", "I", "macro", "support", 2, at, needs_approval=True)
    hours = {row["stage"]: row["hours"] for row in loop_rows([stamp])}
    assert hours == {"event": None, "arrival": 1.0, "detect": 29.0, "label": None, "decide": 1.0, "approve": 29.0, "route": 0.5, "acknowledge": 0.5, "start": 9.0, "fix": 40.0}
    assert hours_by_stage(stamp) == {"arrival": 1.0, "detect": 29.0, "approve": 29.0, "route": 0.5}
    assert loop_hours(stamp) == 59.5 == sum(hours_by_stage(stamp).values()), "work after the arrival is not the promise's"
    drafted = replace(stamp, at={**at, "route": WALL + timedelta(hours=2)})
    assert hours_by_stage(drafted) == {"arrival": 1.0, "detect": 29.0, "route": 1.0, "approve": 28.0}, "a draft waits on the desk"
    assert loop_hours(drafted) == 59.0


def test_tickets_report_acknowledge_start_and_fix_and_a_close_that_judged_it_wrong_is_no_fix(operations: Operations, clock: Hands, shop: Shop) -> None:
    row = {"action_id": "ACT-1", "insight_id": LAMPS.insight_id, "kind": "defect_ticket", "owner": "quality", "tier": 1, "created_at": WALL,
           "delivered_at": WALL, "decided_day": AS_OF, "state": "delivered"}  # fmt: skip
    for hours, stage in ((1, "acknowledge"), (2, "start"), (9, "close")):
        operations.answers.stamp("ACT-1", stage, WALL + timedelta(hours=hours), by="dev", through="jira")

    def stamped() -> dict[str, datetime]:
        reported = operations.answers.stamps()
        return dict(loop_stamps([row], {LAMPS.insight_id: LAMPS}, {}, operations.verdicts.history(), shop, reported=reported)[0].at)

    assert {stage: moment - WALL for stage, moment in stamped().items() if moment > WALL} == {
        "acknowledge": timedelta(hours=1), "start": timedelta(hours=2), "fix": timedelta(hours=9),
    }  # fmt: skip
    operations.verdicts.give(LAMPS.insight_id, "dismissed", by="ana", reason="a test batch")
    assert "fix" not in stamped()
