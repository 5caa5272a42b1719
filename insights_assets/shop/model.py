"""What `shop/` decides, as frozen values that the stages read.

Belongs here: the shape of the decisions and pure look-ups in them. Does not belong here: reading files (`reading.py`,
`load.py`). Money is in the shop's reporting currency; shares are 0 to 1; hours and days are the shop's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from insights_assets.shop.alerting import AlertLimits, DigestTime, EscalationRules, QuietHours
from insights_assets.shop.answering import AnswerLimits
from insights_assets.shop.destinations_file import Destinations
from insights_assets.shop.watching import WatchLimits

#: Every kind of action there is; one action per issue and kind, for ever.
ACTION_KINDS = ("defect_ticket", "notification", "promo_hold", "macro", "article", "copy_change", "escalation")
#: Attributes of an issue that name its cause, finest first. Column names of `canonical.feedback`.
CAUSE_ATTRIBUTES = ("packaging_batch", "sku", "carrier", "warehouse", "product_line", "region", "channel")
CONDITIONS = ("sku_past_threshold", "independent_reports")


@dataclass(frozen=True)
class Slice:
    """What the run is limited to (R80): values of `canonical.feedback` columns; an empty tuple means no limit."""

    product_line: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()

    @property
    def limits(self) -> dict[str, tuple[str, ...]]:
        """Column -> allowed values, only for columns that are limited."""
        return {name: values for name in ("product_line", "region", "channel") if (values := getattr(self, name))}


@dataclass(frozen=True)
class Owner:
    """A team that gets work: who is asked, where tickets and alerts arrive, how many alerts a week (R129, R134)."""

    owner: str
    name: str
    people: tuple[str, ...]
    ticket_destination: str
    alert_destination: str
    escalates_to: str
    approves: tuple[str, ...]
    alert_budget_per_week: int


@dataclass(frozen=True)
class Tier:
    """A tier's floor (share of the shop's daily margin that the low bound of risk must reach) and its clocks in
    hours.
    """

    tier: int
    name: str
    risk_share_of_daily_margin: float
    must_be_rising: bool
    respond_within_hours: int
    due_within_hours: int


@dataclass(frozen=True)
class CostParameters:
    """What one complaint of a topic costs (R130): chances 0 to 1, handling in money, silent customers per complaint."""

    p_refund: float
    p_churn: float
    handling: float
    silent_factor: float
    owner: str
    decided_on: date


@dataclass(frozen=True)
class TopicPolicy:
    """One topic's owner, words and money."""

    topic: str
    owner: str
    owner_by_cause: Mapping[str, str]
    title: str
    says: str
    cost: CostParameters
    next_steps: Mapping[str, str]


@dataclass(frozen=True)
class Gate:
    """What must be true before an action of a kind is taken (R146): precision of the topic, records, and who approves.

    `team`: who carries it out; None is the issue's owner. `proposes_when_provisional`: while too few records are
    reviewed the action is proposed instead of done.
    """

    team: str | None
    topic_precision: float
    evidence_records: int
    proposes_when_provisional: bool
    needs_approval: bool


@dataclass(frozen=True)
class Decision:
    """One row of the decision table; None means any. The first row that fits an issue wins (R126)."""

    topics: frozenset[str] | None
    tiers: frozenset[int] | None
    owners: frozenset[str] | None
    when: str | None
    notify: str | None
    actions: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class HoldLimits:
    """Bounds of promotion holds; the cap is a share of the last 28 days' revenue over all running holds together.

    `promoted_share_of_revenue`: how much of a product's revenue is taken to come from paid promotion; it prices a wrong hold.
    """

    expires_after_days: int
    extension_days: int
    cap_share_of_revenue: float
    skus_at_most: int
    sku_share_of_evidence: float
    promoted_share_of_revenue: float = 0.3


@dataclass(frozen=True)
class Thresholds:
    """R93 (one SKU), R94 (repeated issue) and the two steps of safety."""

    sku_customers: int
    sku_window_days: int
    sku_lift: float
    repeated_tickets: int
    repeated_customers: int
    repeated_window_days: int
    repeated_drafts_per_day: int
    safety_reports_to_a_person: int
    safety_reports_for_tier_1: int


@dataclass(frozen=True)
class Acceptance:
    """The gates of the whole loop (R144); a sample below its size answers too few."""

    label_precision_low: float
    label_recall_low: float
    labels_reviewed: int
    alerts_confirmed_share: float
    alerts_closed: int
    runs_success_share: float
    runs_days: int


@dataclass(frozen=True)
class LoopPromise:
    """The 72 hours (R2): of the last `of_last` actions at most `late_at_most` late; below `listed_below` they are
    listed.
    """

    promise_hours: int
    of_last: int
    late_at_most: int
    listed_below: int
    baseline_hours: int


@dataclass(frozen=True)
class Policy:
    """`policy.yaml`."""

    decided_by: str
    decided_on: date
    tiers: Mapping[int, Tier]
    due_at: time
    opens_within_days: int
    customer_value: float
    harm_horizon_days: int
    thresholds: Thresholds
    holds: HoldLimits
    gates: Mapping[str, Gate]
    acceptance: Acceptance
    loop: LoopPromise
    topics: Mapping[str, TopicPolicy]
    decisions: tuple[Decision, ...]
    learning: WatchLimits = field(default_factory=WatchLimits)
    answers: AnswerLimits = field(default_factory=AnswerLimits)
    alerts: AlertLimits = field(default_factory=AlertLimits)
    quiet_hours: QuietHours = field(default_factory=QuietHours)
    digest: DigestTime = field(default_factory=DigestTime)
    escalation: EscalationRules = field(default_factory=EscalationRules)

    def owner_of(self, topic: str, cause: Mapping[str, str] | None = None) -> str:
        """The team that owns an issue of this topic whose cause is known as `cause` (attribute -> value)."""
        policy = self.topics[topic]
        for attribute in CAUSE_ATTRIBUTES:
            if attribute in (cause or {}) and attribute in policy.owner_by_cause:
                return policy.owner_by_cause[attribute]
        return policy.owner

    def next_step(self, topic: str, attributes: Mapping[str, str] | None = None) -> str:
        """The recommended step for the finest attribute known whose sentence can be filled."""
        attributes = attributes or {}
        steps = self.topics[topic].next_steps
        for attribute in CAUSE_ATTRIBUTES:
            if attribute in steps and attribute in attributes:
                try:
                    return steps[attribute].format(**attributes)
                except KeyError:  # the sentence also needs an attribute that is not known here; a coarser one may fit
                    continue
        return steps["default"]


@dataclass(frozen=True)
class UseCase:
    """One business question with what is asked, told, updated, required and measured (R139, R162)."""

    id: str
    enabled: bool
    order: int
    question: str
    owner: str
    decided_on: date
    sources: tuple[str, ...]
    top_selling_share: float
    period: str
    topics: tuple[str, ...]
    rank_by: str
    causes_shown: int
    told: tuple[str, ...]
    updates: tuple[str, ...]
    negative_rating_at_most: int
    records_at_least: int
    reviewed_labels: int
    measure: str
    baseline_days: int
    target_change: float
    horizon_days: int


@dataclass(frozen=True)
class Join:
    """Columns fetched from another file: `on` (column of the record -> column of the file), `columns` (theirs -> name in the record)."""

    file: str
    on: Mapping[str, str]
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Derived:
    """One column made of others, in one of a closed list of ways (`sources_file.WAYS`)."""

    way: str
    columns: tuple[str, ...]
    argument: str | float | None = None


@dataclass(frozen=True)
class SourceMapping:
    """How files of one source read; `place` is the line of `sources.yaml` that says so. Steps apply in the order of the fields."""

    source: str
    place: str = ""
    folder: str | None = None
    files: tuple[str, ...] = ()
    delimiter: str | None = None
    encoding: str = "utf-8"
    joins: tuple[Join, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, Derived] = field(default_factory=dict)
    repeats: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None


@dataclass(frozen=True)
class Replies:
    """The shop's voice in one language: fixed sentences with `{about}` and `{product}` to fill."""

    language: str
    sentences: Mapping[str, str]
    about: Mapping[str, str]


@dataclass(frozen=True)
class Shop:
    """All of `shop/`. `sha256` is that of its files, so that a decision can name the policy it was made under."""

    path: Path
    sha256: str
    name: str
    reporting_currency: str
    shop_time_zone: str
    languages: tuple[str, ...]
    slice: Slice
    brief_readers: tuple[str, ...]
    owners: Mapping[str, Owner]
    policy: Policy
    use_cases: tuple[UseCase, ...]
    sources: Mapping[str, tuple[SourceMapping, ...]]
    replies: Mapping[str, Replies]
    region_names: Mapping[str, str] = field(default_factory=dict)
    competitors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unused_files: Mapping[str, str] = field(default_factory=dict)
    destinations: Destinations = field(default_factory=Destinations)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.shop_time_zone)

    def spoken(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """Attributes as they are said to people: a region by the name the shop gives it, else a bare code in capitals; a product line in words."""
        said = dict(attributes)
        if "region" in said:
            code = said["region"]
            said["region"] = self.region_names.get(code, code.upper() if len(code) <= 3 and code.isalpha() else code)
        if "product_line" in said:
            said["product_line"] = said["product_line"].replace("_", " ")
        return said

    @property
    def enabled_use_cases(self) -> tuple[UseCase, ...]:
        return tuple(case for case in self.use_cases if case.enabled)

    def use_case(self, use_case_id: str | None = None) -> UseCase:
        """The use case of that id, or the first enabled one. A KeyError lists what there is."""
        for case in self.use_cases if use_case_id else self.enabled_use_cases:
            if use_case_id in (None, case.id):
                return case
        raise KeyError(f"no use case {use_case_id!r}; there are {', '.join(case.id for case in self.use_cases)}")
