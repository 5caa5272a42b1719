"""What actions are made of: issues, causes, evidence, planned actions; frozen, free of pandas, Spark and Dagster.

Belongs here: the shapes and reading them from rows of the lake. Does not belong here: any decision.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

OPEN_STATES = ("open", "active", "watching")


@dataclass(frozen=True)
class Issue:
    """One row of `anomalies.insights`. Money is per day in `currency`; counts are distinct customers; times UTC."""

    insight_id: str
    topic: str
    tier: int
    owner: str
    title: str = ""
    state: str = "open"
    provisional: bool = False
    risk_per_day: float | None = None
    risk_per_day_p10: float | None = None
    currency: str = ""
    harm_at: datetime | None = None
    harm_reason: str = ""
    customers_count: int = 0
    scope: Mapping[str, str] = field(default_factory=dict)
    cause: Mapping[str, str] = field(default_factory=dict)
    cause_status: str = "not_localised"
    alternatives: tuple[Mapping[str, str], ...] = ()
    onset_day: date | None = None
    last_seen_day: date | None = None
    first_said_at: datetime | None = None
    detected_at: datetime | None = None
    window_start: date | None = None
    window_end: date | None = None
    observed_count: float = 0.0
    expected_count: float | None = None
    exposure_kind: str = ""
    lift: float | None = None
    p_value: float | None = None
    evidence_ids: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    recommended_step: str = ""
    verdict: str = ""
    verdict_reason: str = ""
    verdict_by: str = ""
    opened_day: date | None = None
    # What `lives.py` and `alerts.py` add; the insight's row does not say it.
    first_closed_day: date | None = None
    closed_day: date | None = None
    reopened_count: int = 0
    reopened_day: date | None = None
    links_to: str = ""
    links_closed_day: date | None = None
    is_flapping: bool = False

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Issue:
        """From a row as the lake gives it; absent and null columns keep their defaults, further columns are left."""
        return cls(
            insight_id=str(row["insight_id"]),
            topic=str(row["topic"]),
            tier=int(row["tier"]),
            owner=text_of(row.get("owner")),
            title=text_of(row.get("title")),
            state=text_of(row.get("state")) or "open",
            provisional=bool(row.get("provisional") or False),
            risk_per_day=number_of(row.get("risk_per_day")),
            risk_per_day_p10=number_of(row.get("risk_per_day_p10")),
            currency=text_of(row.get("currency")),
            harm_at=time_of(row.get("harm_at")),
            harm_reason=text_of(row.get("harm_reason")),
            customers_count=int(number_of(row.get("customers_count")) or 0),
            scope=map_of(row.get("scope")),
            cause=map_of(row.get("cause")),
            cause_status=text_of(row.get("cause_status")) or "not_localised",
            alternatives=tuple(map_of(entry) for entry in json.loads(text_of(row.get("cause_alternatives")) or "[]")),
            onset_day=day_of(row.get("onset_day")),
            last_seen_day=day_of(row.get("last_seen_day")),
            first_said_at=time_of(row.get("first_said_at")),
            detected_at=time_of(row.get("detected_at")),
            window_start=day_of(row.get("window_start")),
            window_end=day_of(row.get("window_end")),
            observed_count=number_of(row.get("observed_count")) or 0.0,
            expected_count=number_of(row.get("expected_count")),
            exposure_kind=text_of(row.get("exposure_kind")),
            lift=number_of(row.get("lift")),
            p_value=number_of(row.get("p_value")),
            evidence_ids=tuple(str(value) for value in list_of(row.get("evidence_ids"))),
            record_ids=tuple(str(value) for value in list_of(row.get("record_ids"))),
            recommended_step=text_of(row.get("recommended_step")),
            verdict=text_of(row.get("verdict")),
            verdict_reason=text_of(row.get("verdict_reason")),
            verdict_by=text_of(row.get("verdict_by")),
            opened_day=day_of(row.get("opened_day")),
        )

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def attributes(self) -> dict[str, str]:
        """What is known of where it happens: the scope, and the cause on top of it."""
        return {**self.scope, **self.cause}

    @property
    def records(self) -> frozenset[str]:
        """feedback_id of every record known to belong to it: all of its window, or the exemplars where only they
        are.
        """
        return frozenset(self.record_ids or self.evidence_ids)

    @property
    def window_days(self) -> int | None:
        if self.window_start is None or self.window_end is None:
            return None
        return (self.window_end - self.window_start).days + 1


@dataclass(frozen=True)
class CauseRow:
    """One row of `anomalies.root_causes`: a rate that matters for an issue. Rates are complaints per order line, 0 to
    1.

    `role`: cause (the place itself), outside (the same but for `compared`), inside (the cause cut by `compared`), or
    alternative (a cause that cannot be told from it). `p_value` of inside rows: chance of so many if all parts were
    equal.
    """

    insight_id: str
    rank: int
    role: str
    attributes: Mapping[str, str]
    text: str = ""
    compared: str = ""
    observed: float | None = None
    rate: float | None = None
    p_value: float | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> CauseRow:
        return cls(
            insight_id=str(row["insight_id"]),
            rank=int(row["rank"]),
            role=text_of(row.get("role")),
            attributes=map_of(row.get("attributes")),
            text=text_of(row.get("text")),
            compared=text_of(row.get("compared")),
            observed=number_of(row.get("observed")),
            rate=number_of(row.get("rate")),
            p_value=number_of(row.get("p_value")),
        )


@dataclass(frozen=True)
class Evidence:
    """One feedback record that drives an issue: redacted text, quotes and confidence by topic, links."""

    feedback_id: str
    source: str
    record_ref: str
    text: str
    occurred_at: datetime
    customer_key: str = ""
    sku: str = ""
    language: str = ""
    received_at: datetime | None = None
    labelled_at: datetime | None = None
    quotes: Mapping[str, str] = field(default_factory=dict)
    confidences: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Evidence:
        topics = [entry for entry in list_of(row.get("topics")) if isinstance(entry, Mapping)]
        occurred = time_of(row.get("occurred_at"))
        if occurred is None:
            raise ValueError(f"evidence {row['feedback_id']} has no time")
        return cls(
            feedback_id=str(row["feedback_id"]),
            source=text_of(row.get("source")),
            record_ref=text_of(row.get("record_ref")),
            text=text_of(row.get("text")),
            occurred_at=occurred,
            customer_key=text_of(row.get("customer_key")),
            sku=text_of(row.get("sku")),
            language=text_of(row.get("language")),
            received_at=time_of(row.get("received_at")),
            labelled_at=time_of(row.get("labelled_at")),
            quotes={str(entry["topic"]): text_of(entry.get("quote")) for entry in topics if entry.get("quote")},
            confidences={
                str(entry["topic"]): value
                for entry in topics
                if (value := number_of(entry.get("confidence"))) is not None
            },
        )


@dataclass(frozen=True)
class Product:
    """What a ticket says of a SKU."""

    sku: str
    name: str
    product_line: str = ""
    is_flagship: bool = False


@dataclass(frozen=True)
class PlannedAction:
    """One action of one issue, once for ever.

    `state`: planned (goes out), proposed (a gate is not met: a person may do it), awaiting_approval; and for alerts: grouped (told in
    the message of `told_with`), inhibited (a Tier 1 of the same product is told), digest (a budget is spent; `told_with` is the digest).
    `state_reason` says why, in words. `not_before`: it goes out then, after the quiet hours.
    """

    insight_id: str
    kind: str
    tier: int
    owner: str
    destination: str
    state: str
    state_reason: str = ""
    policy_line: int = 0
    told_with: str = ""
    not_before: datetime | None = None

    @property
    def idempotency_key(self) -> str:
        return idempotency_key(self.insight_id, self.kind)

    @property
    def action_id(self) -> str:
        return f"ACT-{self.idempotency_key[:12]}"


def idempotency_key(insight_id: str, kind: str) -> str:
    """The key of the one action of this kind that an issue gets: 64 hex characters."""
    return hashlib.sha256(f"action\0{insight_id}\0{kind}".encode()).hexdigest()


def hold_id(action_id: str) -> str:
    """The short name a person types to undo a hold: H- and 8 hex characters."""
    return f"H-{hashlib.sha256(f'hold{chr(0)}{action_id}'.encode()).hexdigest()[:8]}"


# -- reading values as the lake gives them (None, NaN, NaT, numpy arrays, maps as lists of pairs) ----------------------


def is_missing(value: Any) -> bool:
    """None, NaN, NaT or NA; the text "nan" is a text."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NaTType", "NAType")


def text_of(value: Any) -> str:
    return "" if is_missing(value) else str(value)


def number_of(value: Any) -> float | None:
    return None if is_missing(value) else float(value)


def list_of(value: Any) -> list[Any]:
    if value is None or isinstance(value, (str, bytes)):
        return []
    return list(value) if isinstance(value, Iterable) else []


def map_of(value: Any) -> dict[str, str]:
    """A map column with sorted keys; null values are left out."""
    if is_missing(value):
        return {}
    pairs = value.items() if isinstance(value, Mapping) else list_of(value)
    return {str(key): str(entry) for key, entry in sorted(pairs) if not is_missing(entry) and str(entry)}


def time_of(value: Any) -> datetime | None:
    if is_missing(value):
        return None
    stamp = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    if not isinstance(stamp, datetime):
        stamp = datetime.fromisoformat(str(stamp))
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


def day_of(value: Any) -> date | None:
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
