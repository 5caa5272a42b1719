"""What people decide: verdicts, snoozes, approvals, corrections.

Belongs here: writing and reading those tables and the rules that keep them honest (a dismissal has a reason, an
approval is decided once). Does not belong here: who may decide (that needs the shop's owners and is asked before).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from insights_assets.resources.operations.models import Approval, Correction, Snooze, Verdict

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations

VERDICTS = ("confirmed", "dismissed", "duplicate", "unknown")
APPROVAL_STATES = ("waiting", "approved", "rejected", "expired")


class RefusedJudgement(ValueError):
    """A judgement that cannot be recorded; the message says why."""


class Verdicts:
    """Whether an insight was right: the only source of alert precision. And snoozes, which judge nothing."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def give(
        self,
        insight_id: str,
        verdict: str,
        *,
        by: str,
        reason: str | None = None,
        duplicate_of: str | None = None,
        through: str = "command",
    ) -> Verdict:
        """Record a judgement. The same judgement again changes nothing; another one is added and counts from then
        on.
        """
        if verdict not in VERDICTS:
            raise RefusedJudgement(f"{verdict!r} is not a verdict; use one of {', '.join(VERDICTS)}")
        if verdict == "dismissed" and not (reason or "").strip():
            raise RefusedJudgement("a dismissal needs a reason: it is what teaches the detector")
        if (verdict == "duplicate") != bool(duplicate_of):
            raise RefusedJudgement("a duplicate names the insight it repeats, and no other verdict does")
        if duplicate_of == insight_id:
            raise RefusedJudgement(f"{insight_id} cannot be a duplicate of itself")
        with self._operations.writing() as session:
            latest = session.scalar(
                select(Verdict).where(Verdict.insight_id == insight_id).order_by(Verdict.verdict_id.desc()).limit(1)
            )
            given = (verdict, reason, duplicate_of, by)
            if latest is not None and (latest.verdict, latest.reason, latest.duplicate_of, latest.given_by) == given:
                return latest
            row = Verdict(
                insight_id=insight_id,
                verdict=verdict,
                reason=reason,
                duplicate_of=duplicate_of,
                given_by=by,
                given_at=self._operations.clock(),
                given_through=through,
            )
            session.add(row)
            session.flush()
            return row

    def latest(self) -> dict[str, Verdict]:
        """insight_id -> the verdict that counts."""
        newest = select(func.max(Verdict.verdict_id)).group_by(Verdict.insight_id)
        with self._operations.reading() as session:
            rows = session.scalars(select(Verdict).where(Verdict.verdict_id.in_(newest)).order_by(Verdict.insight_id))
            return {row.insight_id: row for row in rows}

    def history(self) -> list[Verdict]:
        """Every verdict ever given, oldest first."""
        with self._operations.reading() as session:
            return list(session.scalars(select(Verdict).order_by(Verdict.verdict_id)))

    def snooze(self, insight_id: str, until_day: date | None, *, by: str, reason: str | None = None) -> Snooze:
        """Put an insight off until a day of the shop (None wakes it). Nothing is judged by it."""
        with self._operations.writing() as session:
            row = Snooze(
                insight_id=insight_id,
                until_day=until_day,
                reason=reason,
                snoozed_by=by,
                snoozed_at=self._operations.clock(),
            )
            session.add(row)
            session.flush()
            return row

    def snoozed(self, as_of_day: date) -> dict[str, Snooze]:
        """insight_id -> the snooze that still holds on the shop's day; the named day itself is awake again."""
        newest = select(func.max(Snooze.snooze_id)).group_by(Snooze.insight_id)
        with self._operations.reading() as session:
            rows = session.scalars(select(Snooze).where(Snooze.snooze_id.in_(newest)).order_by(Snooze.insight_id))
            return {row.insight_id: row for row in rows if row.until_day is not None and row.until_day > as_of_day}


class Approvals:
    """Actions that wait for a person. Each is decided once; who, when and how long is kept."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def request(
        self, action_id: str, insight_id: str, kind: str, team: str, *, expires_at: datetime | None = None
    ) -> Approval:
        """Ask for an approval. Asking again changes nothing, whatever was decided."""
        with self._operations.writing() as session:
            known = session.get(Approval, action_id)
            if known is not None:
                return known
            row = Approval(
                action_id=action_id,
                insight_id=insight_id,
                kind=kind,
                team=team,
                state="waiting",
                requested_at=self._operations.clock(),
                expires_at=expires_at,
            )
            session.add(row)
            session.flush()
            return row

    def decide(self, action_id: str, approved: bool, *, by: str, reason: str | None = None, through: str = "command") -> Approval:
        """Approve or reject, once. An approval past its time is expired and can no longer be given."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            row = session.get(Approval, action_id)
            if row is None:
                raise RefusedJudgement(f"{action_id} does not wait for an approval")
            wanted = "approved" if approved else "rejected"
            if row.state == "waiting" and row.expires_at is not None and row.expires_at <= now:
                row.state, row.decided_at = "expired", now
            elif row.state == "waiting":
                row.state, row.decided_at, row.decided_by, row.reason, row.decided_through = wanted, now, by, reason, through
            refused = None
            if row.state != wanted or (row.decided_by, row.reason) != (by, reason):
                decided = f" by {row.decided_by}" if row.decided_by else ""
                refused = f"{action_id} is already {row.state}{decided}; it is decided once"
        if refused is not None:  # after the transaction, so that an expiry found here is kept
            raise RefusedJudgement(refused)
        return row

    def expire(self) -> list[Approval]:
        """End what waited past its time; gives those it ended. Nothing asks again by itself."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            ended = list(session.scalars(select(Approval).where(Approval.state == "waiting", Approval.expires_at <= now).order_by(Approval.action_id)))
            for row in ended:
                row.state, row.decided_at = "expired", row.expires_at
            return ended

    def ask_again(self, action_id: str, *, expires_at: datetime | None) -> Approval:
        """Let an expired approval wait anew. When it was first asked for stays in the audit log."""
        with self._operations.writing() as session:
            row = session.get(Approval, action_id)
            if row is None or row.state != "expired":
                raise RefusedJudgement(f"{action_id} is {row.state if row else 'not known'}; only an expired approval is asked again")
            row.state, row.requested_at, row.expires_at, row.decided_at = "waiting", self._operations.clock(), expires_at, None
            return row

    def get(self, action_id: str) -> Approval | None:
        with self._operations.reading() as session:
            return session.get(Approval, action_id)

    def all(self) -> list[Approval]:
        with self._operations.reading() as session:
            return list(session.scalars(select(Approval).order_by(Approval.action_id)))

    def waiting(self) -> list[Approval]:
        """What waits, longest first."""
        query = select(Approval).where(Approval.state == "waiting").order_by(Approval.requested_at, Approval.action_id)
        with self._operations.reading() as session:
            return list(session.scalars(query))


class Corrections:
    """Analysts' corrections of labels; rows are only added, the latest of a record and field counts."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def add(
        self,
        feedback_id: str,
        field: str,
        value: Any,
        *,
        by: str,
        previous_value: Any = None,
        reason: str | None = None,
        through: str = "command",
    ) -> Correction:
        """Record a correction of one field of one record's label. The same correction again changes nothing."""
        wrapped, previous = {"value": value}, None if previous_value is None else {"value": previous_value}
        with self._operations.writing() as session:
            query = select(Correction).where(Correction.feedback_id == feedback_id, Correction.field == field)
            latest = session.scalar(query.order_by(Correction.correction_id.desc()).limit(1))
            if latest is not None and latest.value == wrapped and latest.corrected_by == by:
                return latest
            row = Correction(
                feedback_id=feedback_id,
                field=field,
                value=wrapped,
                previous_value=previous,
                reason=reason,
                corrected_by=by,
                corrected_at=self._operations.clock(),
                corrected_through=through,
            )
            session.add(row)
            session.flush()
            return row

    def add_many(self, rows: list[dict[str, Any]], *, by: str, through: str) -> int:
        """Many corrections in one transaction (a spreadsheet, a review round): dicts of feedback_id, field, value and
        optionally previous_value, reason. Gives how many were new."""
        added = 0
        with self._operations.writing() as session:
            query = select(Correction).where(Correction.corrected_by == by).order_by(Correction.correction_id)
            given: dict[tuple[str, str], list[Correction]] = {}
            for one in session.scalars(query):
                given.setdefault((one.feedback_id, one.field), []).append(one)
            for row in rows:
                previous = row.get("previous_value")
                before = given.get((row["feedback_id"], row["field"]), [])
                # A person may go back to an earlier answer, but the same sheet twice, also an older one, says nothing new.
                sheet = previous.get("sheet") if isinstance(previous, dict) else None
                seen = [one for one in before if sheet is not None and ((one.previous_value or {}).get("value") or {}).get("sheet") == sheet]
                if any(one.value == {"value": row["value"]} for one in [*before[-1:], *seen]):
                    continue
                added_row = Correction(
                    feedback_id=row["feedback_id"],
                    field=row["field"],
                    value={"value": row["value"]},
                    previous_value=None if previous is None else {"value": previous},
                    reason=row.get("reason"),
                    corrected_by=by,
                    corrected_at=self._operations.clock(),
                    corrected_through=through,
                )
                session.add(added_row)
                given.setdefault((row["feedback_id"], row["field"]), []).append(added_row)
                added += 1
        return added

    def all(self) -> list[Correction]:
        """Every correction, oldest first."""
        with self._operations.reading() as session:
            return list(session.scalars(select(Correction).order_by(Correction.correction_id)))
