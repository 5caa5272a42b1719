"""The operational database keeps what people and senders decide: once, in order, and whole or not at all."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from insights_assets.resources.operations import SCHEMA_VERSION, Operations, SchemaTooNew, open_operations
from insights_assets.resources.operations.holds import RefusedHold
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.resources.operations.outbox import StaleFence
from insights_assets_tests.hands import START, Hands


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def operations(target: str, clock: Hands) -> Iterator[Operations]:
    found = open_operations(target, clock=clock)
    found.migrate()
    yield found
    found.close()


def test_migrate_is_idempotent_and_refuses_a_newer_schema(operations: Operations, target: str, tmp_path: Path) -> None:
    operations.verdicts.give("INS-1", "confirmed", by="ana")
    assert operations.migrate() == operations.migrate()
    assert set(operations.verdicts.latest()) == {"INS-1"}
    if target.startswith("sqlite"):
        assert sqlite3.connect(tmp_path / "operations.db").execute("PRAGMA journal_mode").fetchone() == ("wal",)
    operations.facts.put("schema_version", "99")
    with pytest.raises(SchemaTooNew, match="schema 99"):
        open_operations(target).migrate()


def test_an_older_database_gets_the_columns_it_lacks_and_keeps_its_rows(operations: Operations, target: str) -> None:
    operations.outbox.want([{"idempotency_key": "k", "action_id": "a", "insight_id": "i", "kind": "macro", "destination": "desk", "payload": {}}])
    with operations.engine.begin() as connection:
        for table, column in (("outbox", "not_before"), ("outbox", "lookups"), ("outbox", "sent_to"), ("holds", "extension_until"), ("approvals", "decided_through")):
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text("DROP TABLE approval_tokens"))
    operations.facts.put("schema_version", "1")
    operations.close()
    older = open_operations(target)
    assert older.migrate() == SCHEMA_VERSION
    (row,) = older.outbox.claim("worker")
    assert (row.idempotency_key, row.lookups, row.not_before) == ("k", 0, None)
    older.close()


def test_a_failed_transaction_leaves_nothing(operations: Operations) -> None:
    with pytest.raises(RuntimeError, match="stop"), operations.writing() as session:
        operations.audit.append_within(session, "ana", "read", "labels")
        raise RuntimeError("stop")
    assert operations.audit.count() == 0
    assert operations.audit.verify_chain().holds


def test_times_come_back_in_utc_and_naive_times_are_refused(operations: Operations, clock: Hands) -> None:
    clock.now = datetime.fromisoformat("2026-11-23T10:00:00+01:00")
    assert operations.verdicts.give("INS-1", "confirmed", by="ana").given_at == START
    assert operations.verdicts.latest()["INS-1"].given_at == START
    assert operations.verdicts.latest()["INS-1"].given_at.utcoffset() == timedelta(0)
    clock.now = datetime(2026, 11, 23)
    with pytest.raises(Exception, match="no time zone"):
        operations.verdicts.give("INS-2", "confirmed", by="ana")


def test_a_publication_is_recorded_once_a_run(operations: Operations, clock: Hands) -> None:
    assert operations.latest_publication() is None
    first = operations.record_publication("run-1", date(2026, 11, 22), {"b.t": 4, "a.t": 1})
    again = operations.record_publication("run-1", date(2026, 11, 23), {"a.t": 9})
    assert again.publication_id == first.publication_id
    assert again.table_versions == {"a.t": 1, "b.t": 4}
    clock.turn(days=31)
    operations.record_publication("run-2", date(2026, 12, 24), {"a.t": 2})
    latest = operations.latest_publication()
    assert latest is not None and (latest.run_id, latest.as_of_day) == ("run-2", date(2026, 12, 24))
    assert [row.run_id for row in operations.publications.recent(30)] == ["run-2"]


def test_the_latest_verdict_counts_and_repeats_add_nothing(operations: Operations) -> None:
    operations.verdicts.give("INS-1", "dismissed", by="ana", reason="a known promotion")
    operations.verdicts.give("INS-1", "dismissed", by="ana", reason="a known promotion")
    assert len(operations.verdicts.history()) == 1
    operations.verdicts.give("INS-1", "confirmed", by="ben")
    operations.verdicts.give("INS-2", "duplicate", by="ben", duplicate_of="INS-1")
    latest = operations.verdicts.latest()
    assert {key: row.verdict for key, row in latest.items()} == {"INS-1": "confirmed", "INS-2": "duplicate"}
    assert len(operations.verdicts.history()) == 3


@pytest.mark.parametrize(
    ("verdict", "extra", "message"),
    [
        ("dismissed", {}, "needs a reason"),
        ("dismissed", {"reason": "  "}, "needs a reason"),
        ("duplicate", {}, "names the insight"),
        ("confirmed", {"duplicate_of": "INS-2"}, "names the insight"),
        ("duplicate", {"duplicate_of": "INS-1"}, "of itself"),
        ("maybe", {}, "use one of confirmed"),
    ],
)
def test_a_verdict_that_says_nothing_is_refused(
    operations: Operations, verdict: str, extra: dict[str, str], message: str
) -> None:
    with pytest.raises(RefusedJudgement, match=message):
        operations.verdicts.give("INS-1", verdict, by="ana", **extra)
    assert operations.verdicts.history() == []


def test_a_snooze_ends_on_its_day_and_can_be_lifted(operations: Operations) -> None:
    operations.verdicts.snooze("INS-1", date(2026, 11, 30), by="ana")
    assert set(operations.verdicts.snoozed(date(2026, 11, 29))) == {"INS-1"}
    assert operations.verdicts.snoozed(date(2026, 11, 30)) == {}
    operations.verdicts.snooze("INS-1", None, by="ana")
    assert operations.verdicts.snoozed(date(2026, 11, 24)) == {}


def test_an_approval_is_decided_once_and_expires(operations: Operations, clock: Hands) -> None:
    approvals = operations.approvals
    approvals.request("ACT-1", "INS-1", "macro", "support", expires_at=START + timedelta(days=2))
    approvals.request("ACT-1", "INS-1", "macro", "support")
    approvals.request("ACT-2", "INS-1", "article", "support", expires_at=START + timedelta(days=2))
    clock.turn(hours=3)
    approved = approvals.decide("ACT-1", True, by="sue")
    assert (approved.state, approved.decided_at) == ("approved", START + timedelta(hours=3))
    assert approvals.decide("ACT-1", True, by="sue").decided_at == approved.decided_at
    with pytest.raises(RefusedJudgement, match="already approved by sue"):
        approvals.decide("ACT-1", False, by="tom")
    clock.turn(days=2)
    with pytest.raises(RefusedJudgement, match="already expired"):
        approvals.decide("ACT-2", True, by="sue")
    assert {row.action_id: row.state for row in approvals.all()} == {"ACT-1": "approved", "ACT-2": "expired"}
    with pytest.raises(RefusedJudgement, match="does not wait"):
        approvals.decide("ACT-9", True, by="sue")
    assert approvals.waiting() == []


def test_corrections_are_added_once(operations: Operations) -> None:
    rows = [{"feedback_id": f"F{i}", "field": "primary_topic", "value": "safety"} for i in range(3)]
    assert operations.corrections.add_many(rows, by="ana", through="spreadsheet") == 3
    assert operations.corrections.add_many(rows, by="ana", through="spreadsheet") == 0
    operations.corrections.add("F0", "primary_topic", "praise", by="ana", previous_value="safety")
    operations.corrections.add("F0", "primary_topic", "praise", by="ana")
    found = operations.corrections.all()
    assert [row.value for row in found if row.feedback_id == "F0"] == [{"value": "safety"}, {"value": "praise"}]


def wanted(key: str, body: str = "text") -> dict[str, object]:
    return {
        "idempotency_key": key, "action_id": f"ACT-{key}", "insight_id": "INS-1", "kind": "defect_ticket",
        "destination": "desk", "payload": {"body": body},
    }  # fmt: skip


def test_the_outbox_delivers_a_key_first_once(operations: Operations, clock: Hands) -> None:
    outbox = operations.outbox
    assert outbox.want([wanted("k1"), wanted("k2")]) == 2
    assert outbox.want([wanted("k1")]) == 0
    first, second = outbox.claim("w1")
    assert (first.idempotency_key, second.idempotency_key) == ("k1", "k2")
    assert outbox.claim("w2") == []
    arrived = outbox.delivered(first, external_id="tickets/INS-1.md", run_id="run-1")
    clock.turn(hours=1)
    assert outbox.want([wanted("k1", "text that changed")]) == 1
    (update,) = [row for row in outbox.claim("w1") if row.idempotency_key == "k1"]
    assert outbox.delivered(update, external_id="tickets/INS-1.md", run_id="run-2") == arrived
    assert [row.outcome for row in outbox.deliveries()] == ["created", "updated"]


def test_a_worker_whose_lease_ran_out_cannot_report(operations: Operations, clock: Hands) -> None:
    outbox = operations.outbox
    outbox.want([wanted("k1")])
    (stale,) = outbox.claim("orphan", lease_seconds=60)
    clock.turn(seconds=61)
    (fresh,) = outbox.claim("w2")
    assert fresh.fence == stale.fence + 1
    with pytest.raises(StaleFence):
        outbox.delivered(stale, external_id="x", run_id="r")
    with pytest.raises(StaleFence):
        outbox.not_sent(stale, "x", wait_seconds=1)
    outbox.dead(fresh, "no such project")
    clock.turn(days=1)
    assert outbox.claim("w2") == []
    assert outbox.deliveries() == []


def place(operations: Operations, hold_id: str = "H-1", placed_on: date | None = date(2026, 11, 23)) -> None:
    operations.holds.make(
        hold_id, f"ACT-{hold_id}", "INS-1", ["B", "A"], reason="breakage", by="policy", revenue_share=0.02,
        placed_on=placed_on, expires_on=date(2026, 11, 30),
    )  # fmt: skip


def test_a_hold_runs_out_and_is_made_once(operations: Operations) -> None:
    place(operations)
    place(operations, placed_on=None)
    (hold,) = operations.holds.all()
    assert (hold.state, hold.skus) == ("active", ["A", "B"])
    assert operations.holds.expire(date(2026, 11, 30)) == []
    assert [row.hold_id for row in operations.holds.expire(date(2026, 12, 1))] == ["H-1"]
    assert operations.holds.active() == []
    place(operations)
    assert operations.holds.active() == [], "an ended hold of the same action does not come back by itself"


def test_a_hold_is_extended_only_by_a_person_and_only_forward(operations: Operations) -> None:
    place(operations)
    with pytest.raises(RefusedHold, match="name a later day"):
        operations.holds.extend("H-1", by="mia", until=date(2026, 11, 30), reason="r")
    extended = operations.holds.extend("H-1", by="mia", until=date(2026, 12, 7), reason="parts still missing")
    assert (extended.expires_on, extended.extensions) == (date(2026, 12, 7), 1)
    released = operations.holds.release("H-1", by="mia", reason="fixed")
    assert operations.holds.release("H-1", by="tom", reason="again").released_by == released.released_by == "mia"
    for move in (
        lambda: operations.holds.extend("H-1", by="mia", until=date(2027, 1, 1), reason="r"),
        lambda: operations.holds.place("H-1", by="mia", placed_on=date(2026, 12, 1), expires_on=date(2026, 12, 8)),
        lambda: operations.holds.release("H-9", by="mia", reason="r"),
    ):
        with pytest.raises(RefusedHold):
            move()


def test_a_proposed_hold_is_placed_by_a_person(operations: Operations) -> None:
    place(operations, placed_on=None)
    assert operations.holds.active() == []
    operations.holds.place("H-1", by="mia", placed_on=date(2026, 11, 24), expires_on=date(2026, 12, 1))
    (hold,) = operations.holds.active()
    assert (hold.changed_by, hold.expires_on) == ("mia", date(2026, 12, 1))


def test_activations_and_ticks_keep_history_and_reason(operations: Operations) -> None:
    assert operations.activations.active("prompt:label_feedback") is None
    operations.activations.activate("prompt:label_feedback", "v1", by="ana", reason="first")
    operations.activations.activate("prompt:label_feedback", "v1", by="ana", reason="again")
    second = operations.activations.activate("prompt:label_feedback", "v2", by="gate", reason="beats v1")
    assert second.previous_version == "v1"
    assert [row.version for row in operations.activations.history("prompt:label_feedback")] == ["v1", "v2"]
    operations.ticks.record("drift", True, "top-three share moved 4.1 points twice", run_key="k")
    assert operations.ticks.recent("drift")[0].reason == "top-three share moved 4.1 points twice"
    assert operations.ticks.recent("other") == []
    with pytest.raises(ValueError, match="without a reason"):
        operations.ticks.record("drift", False, " ")


TAMPERING: dict[str, tuple[str, int]] = {
    "edit": ("UPDATE audit_log SET actor = 'eve' WHERE sequence = 3", 3),
    "edit details": ("UPDATE audit_log SET details = '{\"rows\": 0}' WHERE sequence = 2", 2),
    "delete": ("DELETE FROM audit_log WHERE sequence = 2", 2),
    "truncate": ("DELETE FROM audit_log WHERE sequence >= 5", 5),
    "empty": ("DELETE FROM audit_log", 1),
    "reorder": (
        "UPDATE audit_log SET sequence = CASE sequence WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE sequence IN (2, 3)", 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAMPERING)
def test_tampering_with_the_audit_log_shows(operations: Operations, kind: str) -> None:
    for number in range(5):
        operations.audit.append("ana", "read_raw", f"labels.{number}", rows=number)
    assert operations.audit.verify_chain().holds
    statement, broken_at = TAMPERING[kind]
    with operations.writing() as session:
        session.execute(text(statement))
        if kind == "reorder":
            session.execute(text("UPDATE audit_log SET sequence = -sequence WHERE sequence < 0"))
    result = operations.audit.verify_chain()
    assert not result.holds
    assert result.broken_at == broken_at, result.reason
    operations.audit.append("eve", "read_raw", "labels")
    assert not operations.audit.verify_chain().holds, "a later entry must not heal the chain"


def test_a_chain_rewritten_with_its_head_shows_against_an_anchor(operations: Operations) -> None:
    operations.audit.append("ana", "read_raw", "labels")
    anchor = operations.audit.verify_chain().head
    assert operations.audit.verify_chain(anchor).holds
    with operations.writing() as session:
        session.execute(text("DELETE FROM audit_log"))
        session.execute(text("DELETE FROM home_facts WHERE name = 'audit_head'"))
    operations.audit.append("ana", "nothing", "labels")
    assert operations.audit.verify_chain().holds
    assert not operations.audit.verify_chain(anchor).holds


def _append(path: str, actor: str) -> None:
    opened = open_operations(path)
    for number in range(20):
        opened.audit.append(actor, "read_raw", f"table-{number}")


def test_two_processes_append_one_chain(operations: Operations, target: str) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(target, f"w{n}")) for n in range(2)]
    start_all: list[Callable[[], None]] = [worker.start for worker in workers]
    for start in start_all:
        start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    result = operations.audit.verify_chain()
    assert result.holds and result.rows == 40


# -- transactions within transactions, tokens, stamps ------------------------------------------------------------------------


def test_a_transaction_within_one_is_a_part_of_it(operations: Operations) -> None:
    with operations.writing() as outer:
        operations.facts.put("kept", "1")
        with pytest.raises(RuntimeError, match="inner"), operations.writing() as inner:
            assert inner is outer
            operations.facts.put("undone", "1")
            raise RuntimeError("inner")
        assert operations.facts.get("undone") is None
        assert operations.facts.get("kept") == "1", "a look inside sees what was done so far"
        operations.audit.append("ana", "verdict", "INS-1")
    assert (operations.facts.get("kept"), operations.audit.count()) == ("1", 1)
    with pytest.raises(RuntimeError, match="outer"), operations.writing():
        operations.facts.put("gone", "1")
        operations.holds.make("H-1", "ACT-1", "INS-1", ["S"], reason="r", by="policy", revenue_share=None, placed_on=None, expires_on=None)
        raise RuntimeError("outer")
    assert operations.facts.get("gone") is None and operations.holds.all() == []
    operations.facts.put("after", "1")  # the next transaction is one of its own again
    assert operations.facts.get("after") == "1" and operations.audit.verify_chain().holds


def test_transactions_of_threads_are_their_own(operations: Operations) -> None:
    import threading

    seen: list[str | None] = []
    with operations.writing():
        operations.facts.put("mine", "1")
        other = threading.Thread(target=lambda: seen.append(operations.facts.get("mine")))
        other.start()
        other.join()
    assert seen == [None], "another thread sees nothing of what is not committed"


def test_a_token_is_good_once_for_one_thing_until_its_time(operations: Operations, clock: Hands) -> None:
    answers = operations.answers
    token = answers.issue_token("approve", "ACT-1", expires_at=START + timedelta(hours=2))
    for act, subject, said in (("reject", "ACT-1", "something else"), ("approve", "ACT-2", "something else")):
        with pytest.raises(RefusedJudgement, match=said):
            answers.redeem(token, act, subject, by="sue")
    answers.redeem(token, "approve", "ACT-1", by="sue")
    with pytest.raises(RefusedJudgement, match="used already, by sue"):
        answers.redeem(token, "approve", "ACT-1", by="tom")
    late = answers.issue_token("approve", "ACT-1", expires_at=START + timedelta(hours=2))
    clock.turn(hours=2)
    with pytest.raises(RefusedJudgement, match="time is over"):
        answers.redeem(late, "approve", "ACT-1", by="sue")
    answers.issue_token("approve", "ACT-1", expires_at=START + timedelta(hours=9))
    with pytest.raises(RefusedJudgement, match="not known"):
        answers.redeem(late, "approve", "ACT-1", by="sue")  # swept away with the next one


def test_a_stage_is_stamped_once(operations: Operations) -> None:
    assert operations.answers.stamp("ACT-1", "fix", START, by="dev", through="jira")
    assert not operations.answers.stamp("ACT-1", "fix", START + timedelta(hours=1), by="eve", through="jira")
    assert operations.answers.stamps()["ACT-1"]["fix"].at == START
    with pytest.raises(RefusedJudgement, match="is not a stage"):
        operations.answers.stamp("ACT-1", "explode", START, by="dev", through="jira")


def test_an_expired_approval_waits_again_only_when_asked(operations: Operations, clock: Hands) -> None:
    operations.approvals.request("ACT-1", "INS-1", "macro", "support", expires_at=START + timedelta(hours=2))
    with pytest.raises(RefusedJudgement, match="is waiting"):
        operations.approvals.ask_again("ACT-1", expires_at=None)
    clock.turn(hours=2)
    assert [row.action_id for row in operations.approvals.expire()] == ["ACT-1"]
    assert operations.approvals.expire() == []
    row = operations.approvals.ask_again("ACT-1", expires_at=START + timedelta(hours=9))
    assert (row.state, row.requested_at, row.decided_at) == ("waiting", START + timedelta(hours=2), None)
    with pytest.raises(RefusedJudgement, match="not known"):
        operations.approvals.ask_again("ACT-9", expires_at=None)
