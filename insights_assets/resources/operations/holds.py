"""Promotion holds as rows: proposed, active, released, expired, each change with who and why.

Belongs here: the states of a hold and the moves between them. Does not belong here: whether a hold is warranted or fits
under the cap (`actions/holds.py`), and telling anybody (the desk, a feed).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from insights_assets.resources.operations.sending_tables import Hold

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations

HOLD_STATES = ("proposed", "active", "released", "expired")


class RefusedHold(ValueError):
    """A move that a hold in its state cannot make; the message says why and what to do."""


class Holds:
    """Holds by id. A hold is made once an action, for ever; days are the shop's."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def make(
        self,
        hold_id: str,
        action_id: str,
        insight_id: str,
        skus: list[str],
        *,
        reason: str,
        by: str,
        revenue_share: float | None,
        placed_on: date | None,
        expires_on: date | None,
        state_reason: str | None = None,
        daily_revenue: float | None = None,
    ) -> Hold:
        """Place a hold (with `placed_on`) or propose one (without). A hold of that action that exists is left as it
        is.
        """
        now = self._operations.clock()
        with self._operations.writing() as session:
            known = session.scalar(select(Hold).where(Hold.action_id == action_id))
            if known is not None:
                return known
            row = Hold(
                hold_id=hold_id,
                action_id=action_id,
                insight_id=insight_id,
                skus=sorted(skus),
                state="active" if placed_on else "proposed",
                reason=reason,
                state_reason=state_reason,
                revenue_share=revenue_share,
                placed_on=placed_on,
                expires_on=expires_on if placed_on else None,
                created_at=now,
                placed_at=now if placed_on else None,
                placed_by=by if placed_on else None,
                changed_by=by,
                daily_revenue=daily_revenue,
            )
            session.add(row)
            session.flush()
            return row

    def place(
        self,
        hold_id: str,
        *,
        by: str,
        placed_on: date,
        expires_on: date,
        skus: list[str] | None = None,
        revenue_share: float | None = None,
        daily_revenue: float | None = None,
    ) -> Hold:
        """Put a proposed hold into force, for fewer SKUs than proposed where `skus` says so."""
        with self._operations.writing() as session:
            row = self._row(session, hold_id)
            if row.state == "proposed":
                row.state, row.placed_on, row.expires_on = "active", placed_on, expires_on
                row.placed_at, row.placed_by, row.changed_by, row.state_reason = self._operations.clock(), by, by, None
                if skus is not None:
                    row.skus, row.revenue_share, row.daily_revenue = sorted(skus), revenue_share, daily_revenue
            elif row.state != "active":
                raise RefusedHold(f"{hold_id} is {row.state}; only a proposed hold can be placed")
            return row

    def place_again(
        self, hold_id: str, *, by: str, placed_on: date, expires_on: date, skus: list[str], revenue_share: float | None, daily_revenue: float | None
    ) -> Hold:
        """Put an ended hold into force once more, because its issue came back. The days it held before still count."""
        with self._operations.writing() as session:
            row = self._row(session, hold_id)
            if row.state not in ("released", "expired"):
                raise RefusedHold(f"{hold_id} is {row.state}; only an ended hold can be placed again")
            row.earlier_days = days_held(row, placed_on)
            row.state, row.placed_on, row.expires_on, row.placed_at = "active", placed_on, expires_on, self._operations.clock()
            row.placed_by, row.changed_by, row.state_reason = by, by, "its issue came back"
            row.ended_on = row.released_at = row.released_by = None
            row.skus, row.revenue_share, row.daily_revenue = sorted(skus), revenue_share, daily_revenue
            return row

    def release(self, hold_id: str, *, by: str, reason: str, on: date | None = None) -> Hold:
        """End a hold now (`on`: the shop's day). Releasing what was released or has expired changes nothing."""
        with self._operations.writing() as session:
            row = self._row(session, hold_id)
            if row.state in ("active", "proposed"):
                row.state, row.released_at, row.released_by = "released", self._operations.clock(), by
                row.ended_on = on or self._operations.clock().date()
                row.state_reason, row.changed_by = reason, by
            return row

    def ask_extension(self, hold_id: str, *, by: str, until: date) -> Hold:
        """Ask for a later end. Nothing moves until a second person confirms it with `extend`; asking anew replaces what was asked."""
        with self._operations.writing() as session:
            row = self._row(session, hold_id)
            if row.state != "active":
                raise RefusedHold(f"{hold_id} is {row.state}; only an active hold can be extended")
            if row.expires_on is not None and until <= row.expires_on:
                raise RefusedHold(f"{hold_id} runs until {row.expires_on} already; name a later day")
            row.extension_asked_by, row.extension_until = by, until
            return row

    def extend(self, hold_id: str, *, by: str, until: date, reason: str) -> Hold:
        """Move the end of an active hold. Needs a person; a hold never extends itself."""
        with self._operations.writing() as session:
            row = self._row(session, hold_id)
            if row.state != "active":
                raise RefusedHold(f"{hold_id} is {row.state}; only an active hold can be extended")
            if row.expires_on is not None and until <= row.expires_on:
                raise RefusedHold(f"{hold_id} runs until {row.expires_on} already; name a later day")
            row.expires_on, row.changed_by, row.state_reason = until, by, reason
            row.extension_asked_by = row.extension_until = None
            row.extensions += 1
            return row

    def expire(self, as_of_day: date) -> list[Hold]:
        """End the holds whose last day is before the shop's day; gives those it ended."""
        with self._operations.writing() as session:
            query = select(Hold).where(Hold.state == "active", Hold.expires_on < as_of_day).order_by(Hold.hold_id)
            ended = list(session.scalars(query))
            for row in ended:
                row.state, row.released_at, row.changed_by = "expired", self._operations.clock(), "clock"
                row.ended_on = row.expires_on
                row.state_reason = f"its last day was {row.expires_on}"
            return ended

    def all(self) -> list[Hold]:
        with self._operations.reading() as session:
            return list(session.scalars(select(Hold).order_by(Hold.hold_id)))

    def active(self) -> list[Hold]:
        with self._operations.reading() as session:
            return list(session.scalars(select(Hold).where(Hold.state == "active").order_by(Hold.hold_id)))

    def _row(self, session: Session, hold_id: str) -> Hold:
        row = session.get(Hold, hold_id)
        if row is None:
            raise RefusedHold(f"there is no hold {hold_id}; see `insights hold list`")
        return row


def days_held(hold: Hold, today: date) -> int:
    """Days on which products were off promotion, up to the shop's `today`; a day that began counts. 0 for what was only proposed."""
    if hold.placed_on is None:
        return hold.earlier_days or 0
    last = hold.expires_on if hold.expires_on is not None else today
    ended = min(hold.ended_on or today, last)
    whole = (ended - hold.placed_on).days + (1 if hold.state == "expired" else 0)
    return (hold.earlier_days or 0) + max(1, whole)
