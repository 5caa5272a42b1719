"""The tables of the operational database. Times are UTC; days are the shop's; lists and maps are JSON.

Belongs here: columns, keys and indexes. Does not belong here: what may be written when (the modules beside this one).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Dialect, Index, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Raised when a table changes; `Operations.migrate` brings an older database up to it.
SCHEMA_VERSION = 4


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no offset, so it is checked on the way in and put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None else None


class Base(DeclarativeBase):
    """Common ground of the tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcTime, dict[str, Any]: JSON, list[str]: JSON}

    def as_dict(self) -> dict[str, Any]:
        """The row as plain values, in the order of the columns."""
        return {column.key: getattr(self, column.key) for column in self.__table__.columns}


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


class ModelCall(Base):
    """One request to a language model, written before it is sent and again before its reply is read. No text of it is kept here."""

    __tablename__ = "model_calls"
    call_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(index=True)
    task: Mapped[str]
    prompt_version: Mapped[str]
    cache_key: Mapped[str] = mapped_column(index=True)
    attempt: Mapped[int]
    deployment: Mapped[str]
    sent_on: Mapped[date] = mapped_column(index=True)
    sent_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    state: Mapped[str]  # sent: no reply was read; received: paid, reply not judged; judged
    outcome: Mapped[str | None]
    detail: Mapped[str | None]
    http_status: Mapped[int | None]
    request_id: Mapped[str | None]
    model_snapshot: Mapped[str | None]
    service_tier: Mapped[str | None]
    input_tokens: Mapped[int] = mapped_column(default=0)
    cached_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    reasoning_tokens: Mapped[int] = mapped_column(default=0)
    is_usage_known: Mapped[bool] = mapped_column(default=False)
    estimated_tokens: Mapped[int] = mapped_column(default=0)
    cost: Mapped[float] = mapped_column(default=0.0)
    currency: Mapped[str]
    waited_seconds: Mapped[float | None]
    batch_line: Mapped[str | None] = mapped_column(unique=True)


class ModelReply(Base):
    """What a model said to one distinct request: the first reply stays. `expires_at` is for refusals, filters and replies that were no use."""

    __tablename__ = "model_replies"
    cache_key: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str]
    prompt_version: Mapped[str]
    outcome: Mapped[str]
    detail: Mapped[str | None]
    content: Mapped[str | None]
    model_snapshot: Mapped[str | None]
    answered_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class ModelReplySubject(Base):
    """Whose words a stored reply is about, so that an erasure finds it."""

    __tablename__ = "model_reply_subjects"
    cache_key: Mapped[str] = mapped_column(primary_key=True)
    subject_key: Mapped[str] = mapped_column(primary_key=True, index=True)


class ModelBatch(Base):
    """A batch at the server. Written before it is submitted, so that a killed process finds its own again."""

    __tablename__ = "model_batches"
    batch_key: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    task: Mapped[str]
    prompt_version: Mapped[str]
    deployment: Mapped[str]
    cache_keys: Mapped[list[str]]
    state: Mapped[str]  # submitting, open, cancelling, ended
    server_status: Mapped[str | None]
    file_id: Mapped[str | None]
    batch_id: Mapped[str | None]
    estimated_tokens: Mapped[int]
    estimated_cost: Mapped[float]
    started_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    detail: Mapped[str | None]
