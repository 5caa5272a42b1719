"""Alert precision by owner and detector with n, interval and unknown share; a ticket closed without a verdict is asked about once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions.deliver import deliver
from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.desk import DeskDestination
from insights_assets.actions.messages import messages_of
from insights_assets.actions.people_tables import ALERT_PRECISION
from insights_assets.actions.precision import note_asked, precision_rows, precision_words, question_text, standings, tickets_to_ask
from insights_assets.actions.questions import ask_for_verdicts
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.models import Verdict
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, NOW


def insight(number: int, owner: str = "quality", detector: str = "rate_scan", state: str = "resolved", seen: date = AS_OF - timedelta(days=30)) -> dict[str, Any]:
    return {"insight_id": f"INS-{number}", "owner": owner, "detector": detector, "state": state, "last_seen_day": seen}


def ticket(number: int, kind: str = "defect_ticket") -> dict[str, Any]:
    return {"action_id": f"ACT-{number}-{kind}", "insight_id": f"INS-{number}", "kind": kind, "owner": "quality", "title": f"Issue {number}"}


def verdict(number: int, said: str) -> tuple[str, Verdict]:
    return f"INS-{number}", Verdict(insight_id=f"INS-{number}", verdict=said, reason=None, duplicate_of=None, given_by="ana", given_at=NOW, given_through="console")


def states(shop: Shop, operations: Operations, insights: list[dict[str, Any]], tickets: list[dict[str, Any]], verdicts: dict[str, Verdict], *, now: datetime = NOW) -> dict[str, str]:
    found = standings(insights, tickets, verdicts, operations.answers.stamps(), shop.policy.answers, as_of=AS_OF, now=now)
    return {standing.insight_id: standing.state for standing in found}


def test_silence_waits_its_days_and_then_counts_as_unknown(shop: Shop, operations: Operations) -> None:
    insights = [insight(1), insight(2, seen=AS_OF - timedelta(days=6)), insight(3, state="active"), insight(4, state="active"), insight(5)]
    operations.answers.stamp("ACT-4-defect_ticket", "close", NOW, by="dev", through="jira")
    tickets = [ticket(n) for n in range(1, 5)]
    assert states(shop, operations, insights, tickets, {}) == {"INS-1": "unknown", "INS-2": "waiting", "INS-3": "open", "INS-4": "waiting"}, "nobody was told of 5"
    week = NOW + timedelta(days=7)
    assert states(shop, operations, insights, tickets, {}, now=week)["INS-4"] == "unknown", "closed there, though it still runs here"
    assert states(shop, operations, insights, tickets, dict([verdict(4, "confirmed")]), now=week)["INS-4"] == "confirmed"


def test_precision_by_owner_and_detector_has_n_interval_and_unknown_share(shop: Shop, operations: Operations) -> None:
    insights = [insight(n, "quality" if n < 12 else "support", "rate_scan" if n % 2 else "cusum") for n in range(24)]
    given = dict([verdict(n, "confirmed" if n % 4 else "dismissed") for n in range(20)] + [verdict(20, "duplicate")])
    found = standings(insights, [ticket(n) for n in range(24)], given, {}, shop.policy.answers, as_of=AS_OF, now=NOW)
    rows = {(row["grouping"], row["name"]): row for row in precision_rows(found, shop.policy.acceptance)}
    assert set(rows["all", "all"]) == set(ALERT_PRECISION.column_names)
    whole = rows["all", "all"]
    assert (whole["confirmed_count"], whole["judged_count"], whole["precision"], whole["answer"]) == (15, 20, 0.75, "pass")
    assert (whole["precision_low"], whole["precision_high"]) == (0.5313, 0.8881), "Wilson"
    assert (whole["unknown_count"], whole["unknown_share"], whole["duplicate_count"]) == (3, 0.1304, 1)
    assert (rows["owner", "quality"]["judged_count"], rows["owner", "quality"]["answer"]) == (12, "too_few")
    assert (rows["detector", "rate_scan"]["precision"], rows["detector", "cusum"]["precision"]) == (1.0, 0.5)
    assert sum(row["insight_count"] for (grouping, _), row in rows.items() if grouping == "owner") == 24
    assert precision_words(whole) == "15 of 20 judged were right (75 %, 95 % interval 53 to 89 %); 3 ended without an answer"
    assert precision_words(precision_rows([], shop.policy.acceptance)[0]) == "nobody has judged one yet"


def test_a_closed_ticket_is_asked_about_once(operations: Operations) -> None:
    tickets = [ticket(1), ticket(1, "notification"), ticket(2), ticket(3)]
    assert tickets_to_ask(tickets, operations.answers.stamps(), {}) == []
    for hours, action_id in ((2, "ACT-1-defect_ticket"), (1, "ACT-1-notification"), (3, "ACT-2-defect_ticket")):
        operations.answers.stamp(action_id, "close", NOW + timedelta(hours=hours), by="dev", through="jira")
    judged = dict([verdict(2, "dismissed")])
    (question,) = tickets_to_ask(tickets, operations.answers.stamps(), judged)
    assert (question.action_id, question.insight_id, question.closed_by) == ("ACT-1-notification", "INS-1", "dev"), "the first that was closed"
    assert "insights verdict INS-1 confirmed" in question_text(question.insight_id)
    assert note_asked(operations, question)
    assert tickets_to_ask(tickets, operations.answers.stamps(), judged) == []
    assert not note_asked(operations, question)


def test_a_question_that_was_not_wanted_in_the_end_was_not_asked(operations: Operations) -> None:
    operations.answers.stamp("ACT-1-defect_ticket", "close", NOW, by="dev", through="jira")
    (question,) = tickets_to_ask([ticket(1)], operations.answers.stamps(), {})
    with pytest.raises(RuntimeError), operations.writing():
        note_asked(operations, question)
        raise RuntimeError("died before the outbox had it")
    assert len(tickets_to_ask([ticket(1)], operations.answers.stamps(), {})) == 1


def test_the_question_goes_beneath_the_ticket_once_and_only_with_its_note(operations: Operations, tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path / "desk")
    destinations = {"desk": DeskDestination(desk)}
    action = {
        "action_id": "ACT-1", "insight_id": "INS-1", "kind": "defect_ticket", "tier": 1, "owner": "quality", "destination": "desk", "state": "planned",
        "idempotency_key": "a" * 64, "topic": "product_quality", "title": "It fails", "body": "# It fails\n", "due_at": None,
    }  # fmt: skip
    made = messages_of([action], [], shop)
    deliver(operations, destinations, made, "run-1")
    assert ask_for_verdicts(operations, [action], made, destinations) == [], "it is not closed"
    operations.answers.stamp("ACT-1", "close", NOW, by="dev", through="jira")
    with monkeypatch.context() as broken, pytest.raises(RuntimeError, match="died"):
        broken.setattr("insights_assets.actions.questions.want", _dies)
        ask_for_verdicts(operations, [action], made, destinations)
    assert "asked" not in operations.answers.stamps()["ACT-1"], "asked and wanted together or not at all"
    for run in ("run-2", "run-3"):
        questions = ask_for_verdicts(operations, [action], made, destinations)
        deliver(operations, destinations, [*made, *questions], run)
    assert [row.idempotency_key.partition(":")[2] for row in operations.outbox.deliveries()] == ["", "verdict"], "once"
    assert "Was it right?" in (desk.root / "tickets" / "INS-1-verdict.md").read_text()
    operations.verdicts.give("INS-1", "confirmed", by="ana")
    assert len(ask_for_verdicts(operations, [action], made, destinations)) == 1, "what was asked stays as it is"


def _dies(*_: Any) -> None:
    raise RuntimeError("died before the outbox had it")
