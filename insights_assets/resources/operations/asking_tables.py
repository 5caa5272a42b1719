"""Tables of the language model: every paid call, stored replies and whom they are about, open batches.

Belongs here: columns, keys and indexes. Does not belong here: asking (`labels/model/`).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from insights_assets.resources.operations.table_base import Base


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
