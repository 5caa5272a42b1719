"""Tables of what goes out and what becomes of it: outbox, deliveries, holds, what alerts remember, tickets that went up.

Belongs here: columns, keys and indexes. Does not belong here: what may be written when (the modules beside this one).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from insights_assets.resources.operations.table_base import Base


class Escalation(Base):
    """An action nobody answered in time: to whom it went, step by step."""

    __tablename__ = "escalations"
    action_id: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    insight_id: Mapped[str] = mapped_column(index=True)
    team: Mapped[str]
    reason: Mapped[str]
    due_at: Mapped[datetime]
    raised_at: Mapped[datetime]


class OutboxRow(Base):
    """One effect to be made at a destination, once, for ever. `fence` grows with every lease.

    `sending_at` is set while a write may be there that nobody knows of, `sending_sha256` is the content it carried. `sent_to` is the
    destination that has the effect or may have it (the desk, where the one wanted is not connected).
    """

    __tablename__ = "outbox"
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    action_id: Mapped[str] = mapped_column(index=True)
    insight_id: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    destination: Mapped[str]
    payload: Mapped[dict[str, Any]]
    content_sha256: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    leased_by: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    external_id: Mapped[str | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    owner: Mapped[str | None]
    tier: Mapped[int | None]
    parent_key: Mapped[str | None]
    not_before: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    lookups: Mapped[int] = mapped_column(default=0, server_default="0")
    url: Mapped[str | None]
    sent_to: Mapped[str | None]
    sending_sha256: Mapped[str | None]


class Delivery(Base):
    """One thing that arrived somewhere: the first delivery of an action, or a later version of it."""

    __tablename__ = "deliveries"
    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    idempotency_key: Mapped[str] = mapped_column(index=True)
    action_id: Mapped[str] = mapped_column(index=True)
    insight_id: Mapped[str]
    kind: Mapped[str]
    destination: Mapped[str]
    external_id: Mapped[str]
    content_sha256: Mapped[str]
    outcome: Mapped[str]
    note: Mapped[str | None]
    run_id: Mapped[str]
    delivered_at: Mapped[datetime]


Index("deliveries_once", Delivery.idempotency_key, Delivery.content_sha256, unique=True)


class Hold(Base):
    """A temporary promotion hold: reversible, bounded in time and in share of revenue.

    `ended_on`: the shop's day. `earlier_days`: days held before the issue closed and re-opened. `daily_revenue`: what its products brought
    a day before they were held (reporting currency), which prices a hold that turns out wrong.
    """

    __tablename__ = "holds"
    hold_id: Mapped[str] = mapped_column(primary_key=True)
    action_id: Mapped[str] = mapped_column(unique=True)
    insight_id: Mapped[str] = mapped_column(index=True)
    skus: Mapped[list[str]]
    state: Mapped[str]
    reason: Mapped[str]
    state_reason: Mapped[str | None]
    revenue_share: Mapped[float | None]
    placed_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    created_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
    extensions: Mapped[int] = mapped_column(default=0)
    changed_by: Mapped[str]
    placed_by: Mapped[str | None]
    extension_asked_by: Mapped[str | None]
    extension_until: Mapped[date | None]
    ended_on: Mapped[date | None]
    earlier_days: Mapped[int] = mapped_column(default=0, server_default="0")
    daily_revenue: Mapped[float | None]


class AlertState(Base):
    """What the alert rules remember of an issue: whether it was open, when that changed lately, what was told of it and when.

    `changes`: ISO times, newest last. `told_volume`: customers of all issues of the message when it last went out.
    """

    __tablename__ = "alert_states"
    insight_id: Mapped[str] = mapped_column(primary_key=True)
    is_open: Mapped[bool]
    tier: Mapped[int]
    changes: Mapped[list[str]]
    channel: Mapped[str | None]
    told_group: Mapped[str | None]
    first_told_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    told_tier: Mapped[int | None]
    told_volume: Mapped[int | None]
    told_reopened: Mapped[int] = mapped_column(default=0, server_default="0")
    told_members: Mapped[list[str]]
