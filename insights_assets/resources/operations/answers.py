"""What people answered where they work: one-shot tokens of buttons, answers that were taken once, stamps of stages.

Belongs here: writing and reading those tables, and what makes a token good. Does not belong here: who may answer (`actions/roles.py`)
and what an answer does (`actions/inbox.py`). Of a token only its hash is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.resources.operations.models import ApprovalToken, InboundAnswer, TicketStamp

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations

TOKEN_BYTES = 32
#: Stages a destination reports, in their order; `asked` says that a closed ticket was asked for its verdict.
STAGES = ("acknowledge", "start", "fix", "close", "asked")


class Answers:
    """Tokens, answers and stamps."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    # -- tokens -----------------------------------------------------------------------------------------------------

    def issue_token(self, act: str, subject: str, *, expires_at: datetime) -> str:
        """A right to do one act to one subject, once, until then. Tokens that ran out are swept away."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._operations.clock()
        with self._operations.writing() as session:
            session.execute(delete(ApprovalToken).where(ApprovalToken.expires_at <= now, ApprovalToken.subject == subject, ApprovalToken.used_at.is_(None)))
            session.add(ApprovalToken(token_sha256=_hash(token), act=act, subject=subject, issued_at=now, expires_at=expires_at, used_at=None, used_by=None))
        return token

    def redeem(self, token: str, act: str, subject: str, *, by: str) -> None:
        """Use a token up, in the transaction of the act it stands for. Raises RefusedJudgement for one that is no good."""
        now = self._operations.clock()
        with self._operations.writing() as session:
            row = session.get(ApprovalToken, _hash(token)) if token else None
            if row is None:
                raise RefusedJudgement("this button is not known any more; open the action in the console")
            if (row.act, row.subject) != (act, subject):
                raise RefusedJudgement("this button belongs to something else; open the action in the console")
            if row.used_at is not None:
                raise RefusedJudgement(f"this button was used already, by {row.used_by}; it works once")
            if row.expires_at <= now:
                raise RefusedJudgement("this button's time is over; a person can ask again in the console")
            row.used_at, row.used_by = now, by

    # -- answers ----------------------------------------------------------------------------------------------------

    def known(self, event_id: str) -> InboundAnswer | None:
        """What became of this delivery when it came the first time."""
        with self._operations.reading() as session:
            return session.get(InboundAnswer, event_id)

    def note(self, row: InboundAnswer) -> None:
        with self._operations.writing() as session:
            session.add(row)

    def all(self) -> list[InboundAnswer]:
        with self._operations.reading() as session:
            return list(session.scalars(select(InboundAnswer).order_by(InboundAnswer.taken_at, InboundAnswer.event_id)))

    # -- stamps -----------------------------------------------------------------------------------------------------

    def stamp(self, action_id: str, stage: str, at: datetime, *, by: str, through: str) -> bool:
        """Note that an action reached a stage; the first time counts. Gives whether it was the first."""
        if stage not in STAGES:
            raise RefusedJudgement(f"{stage!r} is not a stage; use one of {', '.join(STAGES)}")
        with self._operations.writing() as session:
            if session.get(TicketStamp, (action_id, stage)) is not None:
                return False
            session.add(TicketStamp(action_id=action_id, stage=stage, at=at, by=by, through=through))
        return True

    def stamps(self) -> dict[str, dict[str, TicketStamp]]:
        """action_id -> stage -> its stamp."""
        found: dict[str, dict[str, TicketStamp]] = {}
        with self._operations.reading() as session:
            for row in session.scalars(select(TicketStamp).order_by(TicketStamp.action_id, TicketStamp.stage)):
                found.setdefault(row.action_id, {})[row.stage] = row
        return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
