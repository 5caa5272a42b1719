"""The tables of the operational database. Times are UTC; days are the shop's; lists and maps are JSON.

Belongs here: columns, keys and indexes. Does not belong here: what may be written when (the modules beside this one).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from insights_assets.resources.operations.table_base import Base

#: Raised when a table changes; `Operations.migrate` brings an older database up to it.
SCHEMA_VERSION = 4


class Publication(Base):
    """One published run: which Delta version of each table people see from then on."""

    __tablename__ = "publications"
    publication_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(unique=True)
    as_of_day: Mapped[date]
    created_at: Mapped[datetime]
    table_versions: Mapped[dict[str, Any]]


class Verdict(Base):
    """A person's judgement of an insight. Rows are only added; the latest of an insight counts."""

    __tablename__ = "verdicts"
    verdict_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    insight_id: Mapped[str] = mapped_column(index=True)
    verdict: Mapped[str]
    reason: Mapped[str | None]
    duplicate_of: Mapped[str | None]
    given_by: Mapped[str]
    given_at: Mapped[datetime]
    given_through: Mapped[str]


class Snooze(Base):
    """An insight that somebody put off until a day of the shop; rows are only added, the latest counts."""

    __tablename__ = "snoozes"
    snooze_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    insight_id: Mapped[str] = mapped_column(index=True)
    until_day: Mapped[date | None]
    reason: Mapped[str | None]
    snoozed_by: Mapped[str]
    snoozed_at: Mapped[datetime]


class Approval(Base):
    """An action that waits, or waited, for a person."""

    __tablename__ = "approvals"
    action_id: Mapped[str] = mapped_column(primary_key=True)
    insight_id: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    team: Mapped[str]
    state: Mapped[str]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    decided_through: Mapped[str | None]


class ApprovalToken(Base):
    """A one-shot right to press one button; only its hash is kept."""

    __tablename__ = "approval_tokens"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None]


class InboundAnswer(Base):
    """One thing a person did at a surface (a button, a transition), taken once by the surface's own id of it."""

    __tablename__ = "inbound_answers"
    event_id: Mapped[str] = mapped_column(primary_key=True)
    through: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    person: Mapped[str]
    answered_at: Mapped[datetime]
    taken_at: Mapped[datetime]
    is_taken: Mapped[bool]
    said: Mapped[str]


class TicketStamp(Base):
    """When an action reached a stage at its destination (acknowledge, start, fix, close), once a stage."""

    __tablename__ = "ticket_stamps"
    action_id: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    through: Mapped[str]


class Correction(Base):
    """An analyst's correction of one label; the labels stage reads it at its next run. Rows are only added."""

    __tablename__ = "corrections"
    correction_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    feedback_id: Mapped[str] = mapped_column(index=True)
    field: Mapped[str]
    value: Mapped[dict[str, Any]]
    previous_value: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    corrected_by: Mapped[str]
    corrected_at: Mapped[datetime]
    corrected_through: Mapped[str]


class Activation(Base):
    """A version of a model, prompt, label set or rule that came into force; the latest of a kind is active."""

    __tablename__ = "activations"
    activation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(index=True)
    version: Mapped[str]
    previous_version: Mapped[str | None]
    reason: Mapped[str]
    activated_by: Mapped[str]
    activated_at: Mapped[datetime]


class Tick(Base):
    """One evaluation of a sensor or trigger, with a reason a person can read."""

    __tablename__ = "ticks"
    tick_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(index=True)
    fired: Mapped[bool]
    reason: Mapped[str]
    details: Mapped[dict[str, Any]]
    run_key: Mapped[str | None]
    ticked_at: Mapped[datetime]


class AuditRow(Base):
    """One entry of the audit log. `row_hash` covers the row and the hash before it."""

    __tablename__ = "audit_log"
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    row_hash: Mapped[str]


class HomeFact(Base):
    """A small fact of the home: schema version, head of the audit chain, when it was made."""

    __tablename__ = "home_facts"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    changed_at: Mapped[datetime]
