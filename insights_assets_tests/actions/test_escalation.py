"""A ticket nobody answers goes up, step by step and once a step; an answer stops it; nights are quiet but for what cannot wait (R97)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions.escalation import due_steps, may_be_due, unanswered, without_owner
from insights_assets.actions.model import Issue
from insights_assets.resources.operations.models import TicketStamp
from insights_assets.shop import Shop
from insights_assets.tables import table
from insights_assets_tests.actions.conftest import LAMPS
from insights_assets_tests.actions.loops import NOON, Loop

LAMP = replace(LAMPS, scope={"sku": "GL-100"}, cause={})


@pytest.fixture
def loop(shop: Shop, tmp_path: Path) -> Iterator[Loop]:
    """All teams in Slack, so that nights are quiet."""
    owners = {team: replace(owner, alert_destination=f"slack:#{team}") for team, owner in shop.owners.items()}
    made = Loop(replace(shop, owners=owners), tmp_path)
    yield made
    made.operations.close()


def steps(loop: Loop) -> list[tuple[int, str]]:
    return [(row.step, row.team) for row in loop.operations.escalations.all()]


@pytest.mark.parametrize(("tier", "hours"), [(1, 4), (2, 24), (3, 72)])
def test_a_ticket_goes_up_when_the_hours_of_its_tier_are_over(loop: Loop, tier: int, hours: int) -> None:
    loop.run([replace(LAMP, tier=tier)])
    loop.later(hours=hours, minutes=-1)
    loop.tell()
    assert steps(loop) == []
    loop.later(minutes=1)
    loop.tell()
    assert steps(loop) == [(1, "product")], "quality escalates to product"
    (told,) = loop.calls("unanswered")
    assert told.destination == "slack:#product" and told.at == NOON + timedelta(hours=hours)
    assert f"Quality did not answer within {hours} h" in told.body and f"tickets/{LAMP.insight_id}.md" in told.body
    loop.tell()
    loop.run([replace(LAMP, tier=tier)])
    assert len(loop.calls("unanswered")) == 1, "once a step"


def test_then_its_next_team_and_no_further(loop: Loop) -> None:
    loop.run([LAMP])
    for _ in range(20):
        loop.later(hours=4)
        loop.tell()
    assert steps(loop) == [(1, "product"), (2, "marketing")], "two steps by policy"
    assert [call.destination for call in loop.calls("unanswered")] == ["slack:#product", "slack:#marketing"]
    entries = [row for row in loop.operations.audit.rows() if row.action == "escalate"]
    assert [row.details["team"] for row in sorted(entries, key=lambda row: row.sequence)] == ["product", "marketing"]


def test_a_team_that_was_asked_already_is_not_asked_again(loop: Loop) -> None:
    """web -> product -> marketing -> product would go round for ever."""
    policy = replace(loop.shop.policy, escalation=replace(loop.shop.policy.escalation, steps=5))
    loop.shop = replace(loop.shop, policy=policy)
    loop.run([replace(LAMP, topic="app_or_site_problem", owner="web")])
    for _ in range(30):
        loop.later(hours=4)
        loop.tell()
    assert [team for _, team in steps(loop)] == ["product", "marketing"]


def answer_verdict(loop: Loop) -> None:
    loop.operations.verdicts.give(LAMP.insight_id, "confirmed", by="ana")


def answer_snooze(loop: Loop) -> None:
    loop.operations.verdicts.snooze(LAMP.insight_id, NOON.date() + timedelta(days=9), by="ana")


def answer_stamp(stage: str) -> Callable[[Loop], None]:
    def press(loop: Loop) -> None:
        ticket = next(known.action for known in loop.known.values() if known.action.kind == "defect_ticket")
        with loop.operations.writing() as session:
            session.add(TicketStamp(action_id=ticket.action_id, stage=stage, at=loop.now, by="quality.lead@shop.example", through="jira"))

    return press


@pytest.mark.parametrize("answer", [answer_verdict, answer_snooze, *map(answer_stamp, ("acknowledge", "start", "fix", "close"))])
def test_an_answer_stops_the_timer(loop: Loop, answer: Callable[[Loop], None]) -> None:
    loop.run([LAMP])
    loop.later(hours=3)
    answer(loop)
    for _ in range(5):
        loop.later(hours=4)
        loop.tell()
    assert steps(loop) == []


def test_an_approval_answers_an_escalation_and_expiry_does_not(loop: Loop) -> None:
    danger = replace(LAMP, topic="safety", tier=2, owner="quality")
    loop.run([danger])
    (approval,) = loop.operations.approvals.waiting()
    loop.later(hours=25)
    loop.tell()
    assert steps(loop) == [(1, "product")], "the hours of tier 2, and it waits for nobody's morning"
    loop.operations.approvals.decide(approval.action_id, True, by="quality.lead@shop.example")
    for _ in range(10):
        loop.later(hours=12)
        loop.tell()
    assert steps(loop) == [(1, "product")]


def test_an_issue_that_is_over_waits_for_nobody(loop: Loop) -> None:
    loop.run([LAMP])
    loop.later(hours=3)
    loop.run([replace(LAMP, state="resolved")])
    loop.later(hours=9)
    loop.tell()
    assert steps(loop) == []


def test_at_night_only_what_cannot_wait_goes_up(loop: Loop) -> None:
    loop.now = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    loop.run([replace(LAMP, insight_id="INS-one"), replace(LAMP, insight_id="INS-two", tier=2, scope={"sku": "GL-200"})])
    loop.now = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # 21:30 in Berlin; both are due
    loop.tell()
    assert [row.insight_id for row in loop.operations.escalations.all()] == ["INS-one"]
    loop.now = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
    loop.tell()
    raised = {(row.insight_id, row.step): row.raised_at for row in loop.operations.escalations.all()}
    assert raised["INS-two", 1] == datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


def test_a_hundred_unanswered_tickets_are_one_message_a_team(loop: Loop) -> None:
    loop.run([replace(LAMP, insight_id=f"INS-{n:03d}", scope={"sku": f"S-{n}"}) for n in range(100)])
    loop.later(hours=4)
    loop.tell()
    (told,) = loop.calls("unanswered")
    assert "100 tickets nobody answered" in told.body and "and 90 more" in told.body and len(loop.operations.escalations.all()) == 100


def test_an_issue_waits_for_one_answer_not_for_one_each() -> None:
    rows: list[dict[str, Any]] = [
        {"action_id": f"ACT-{kind}", "insight_id": "INS-1", "kind": kind, "tier": 1, "owner": "quality", "state": "planned", "topic": "safety"}
        for kind in ("defect_ticket", "notification", "escalation", "promo_hold")
    ]
    arrived = {str(row["action_id"]): NOON for row in rows}
    assert [ticket.kind for ticket in unanswered(rows, arrived)] == ["escalation"]
    assert [ticket.kind for ticket in unanswered(rows, {k: v for k, v in arrived.items() if k != "ACT-escalation"})] == ["defect_ticket"]
    assert unanswered(rows, {}) == [], "what did not arrive cannot be answered"


def test_the_timers_follow_from_stamps_alone(shop: Shop) -> None:
    (ticket,) = unanswered([{"action_id": "A", "insight_id": "I", "kind": "defect_ticket", "tier": 1, "owner": "quality", "state": "planned"}], {"A": NOON})
    late = NOON + timedelta(days=30)
    first, again = due_steps([ticket], {}, [], shop, late), due_steps([ticket], {}, [], shop, late)
    assert first == again and [(step.step, step.team, step.due_at) for step in first] == [(1, "product", NOON + timedelta(hours=4))]


def test_the_sensor_sees_what_is_due_without_the_lake(loop: Loop) -> None:
    loop.run([LAMP])
    from insights_assets.resources.operations.sending_tables import OutboxRow

    with loop.operations.writing() as session:
        for row in session.query(OutboxRow):
            row.owner, row.tier = "quality", 1
    assert may_be_due(loop.operations, loop.shop) == []
    loop.later(hours=4)
    assert [(step.step, step.team) for step in may_be_due(loop.operations, loop.shop)] == [(1, "product")]
    loop.tell()
    assert may_be_due(loop.operations, loop.shop) == []


def test_the_sensors_run_key_names_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from insights_assets.actions import escalation, sensors
    from insights_assets.resources.operations import open_operations
    from insights_assets.settings import Settings

    settings = Settings(home=tmp_path, customer_key_secret="test")
    assert sensors.evaluate(settings) == ("no run of this home yet", None)
    operations = open_operations(settings.operations_target)
    operations.migrate()
    operations.close()
    assert sensors.evaluate(settings)[1] is None
    step = escalation.Step("ACT-1", 1, "INS-1", "product", "", NOON)
    monkeypatch.setattr(escalation, "may_be_due", lambda *_: [step])
    reason, key = sensors.evaluate(settings)
    assert reason == "1 ticket nobody answered in time" and key == sensors.evaluate(settings)[1]
    monkeypatch.setattr(escalation, "may_be_due", lambda *_: [replace(step, step=2)])
    assert sensors.evaluate(settings)[1] != key
    assert {table(name).name for job in sensors.JOBS for name in job.tables or ()} == {"notices", "action_tickets", "deliveries"}


@pytest.mark.parametrize(
    ("changes", "acted", "late"),
    [
        ({}, {"INS-7f3a"}, []),
        ({"owner": ""}, {"INS-7f3a"}, ["INS-7f3a"]),
        ({"owner": "nobody"}, {"INS-7f3a"}, ["INS-7f3a"]),
        ({}, set(), ["INS-7f3a"]),
        ({"detected_at": NOON - timedelta(hours=23), "owner": ""}, set(), []),
        ({"state": "resolved", "owner": ""}, set(), []),
        ({"verdict": "dismissed"}, set(), []),
    ],
)
def test_an_insight_that_is_nobodys_after_a_day_is_found(
    shop: Shop, issue: Callable[..., Issue], changes: dict[str, Any], acted: set[str], late: list[str]
) -> None:
    assert without_owner([issue(**changes)], acted, shop, NOON) == late
