"""The use case's question answered: ranked causes with money, evidence and tickets (R139).

Belongs here: selecting the records the question is about, attributing them to issues, and saying it in 30 lines of 100
columns. Does not belong here: reading tables, finding issues. Every negative record is counted for one cause at most,
so shares add up.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert
from insights_assets.actions.model import Issue, Product
from insights_assets.actions.policy import SILENCING_VERDICTS, owner_of
from insights_assets.actions.ranking import PAINLESS, Complaint
from insights_assets.actions.tickets import money_at_risk
from insights_assets.shop.model import Shop, UseCase

WIDTH, LINES = 100, 30
BASELINE_DAYS = 84


@dataclass(frozen=True)
class Review:
    """One record the question is about: a complaint as far as counting needs it, and whether it is negative."""

    complaint: Complaint
    is_negative: bool


@dataclass(frozen=True)
class AnsweredCause:
    """One answer. Counts are records of the question's slice; money is per day; `insight_id` is None for a steady
    topic.
    """

    rank: int
    topic: str
    title: str
    insight_id: str | None
    tier: int | None
    money: str
    risk_per_day: float | None
    risk_per_day_p10: float | None
    records: int
    share: float
    usual_records: float | None
    owner: str
    next_step: str
    tickets: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """The whole answer; `trusted` False means the inputs are not sound and the exit code is 3.

    `aside`: open issues that have some such records, but too few to drive the answer.
    """

    use_case: str
    question: str
    first_day: date
    last_day: date
    currency: str
    negative_records: int
    all_records: int
    usual_share: float | None
    best_sellers: int
    best_sellers_known: bool
    causes: tuple[AnsweredCause, ...]
    trusted: bool
    trust_reason: str
    provisional: bool
    slice: Mapping[str, tuple[str, ...]]
    aside: tuple[str, ...] = ()
    aside_titles: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = asdict(self)
        found["first_day"], found["last_day"] = self.first_day.isoformat(), self.last_day.isoformat()
        return found


def first_day_of(use_case: UseCase, as_of: date) -> date:
    """Where the question's period begins; it ends at the shop's today."""
    if use_case.period == "month":
        return as_of.replace(day=1)
    return as_of - timedelta(days=6 if use_case.period == "week" else 27)


def best_sellers(revenue: Mapping[str, float], top_share: float) -> tuple[str, ...]:
    """The SKUs that together bring this share of the period's revenue, best first; empty without revenue."""
    total = sum(value for value in revenue.values() if value > 0)
    chosen, reached = [], 0.0
    for sku, value in sorted(revenue.items(), key=lambda item: (-item[1], item[0])):
        if value <= 0 or reached >= top_share * total:
            break
        chosen.append(sku)
        reached += value
    return tuple(chosen)


def answer_question(
    use_case: UseCase,
    shop: Shop,
    issues: Sequence[Issue],
    reviews: Sequence[Review],
    revenue: Mapping[str, float],
    products: Mapping[str, Product],
    tickets: Mapping[str, Sequence[str]],
    as_of: date,
    *,
    trusted: bool = True,
    trust_reason: str = "",
) -> Answer:
    """Answer a use case.

    `reviews`: records of its sources over the period and the 84 days before, all of them, negative or not.
    `revenue`: SKU -> revenue of the period; empty where orders are not known (then every SKU counts, and it says so).
    `tickets`: insight id -> where its tickets are.
    """
    first = first_day_of(use_case, as_of)
    sellers = best_sellers(revenue, use_case.top_selling_share)
    inside = [r for r in reviews if not sellers or r.complaint.sku in set(sellers)]
    period = [r for r in inside if first <= r.complaint.day <= as_of]
    earlier = [r for r in inside if first - timedelta(days=BASELINE_DAYS) <= r.complaint.day < first]
    negative = [r.complaint for r in period if r.is_negative]
    before = [r.complaint for r in earlier if r.is_negative]
    usual = Baseline(before, first, as_of)
    causes: list[AnsweredCause] = []
    taken: set[str] = set()
    aside: list[Issue] = []
    for issue, own in _attributed(issues, negative, use_case):
        fresh = [c for c in own if c.feedback_id not in taken]
        if len(causes) == use_case.causes_shown or not fresh:
            continue
        if len(fresh) < use_case.records_at_least:
            aside.append(issue)
            continue
        taken |= {c.feedback_id for c in fresh}
        expected = usual.of_issue(issue)
        causes.append(
            _issue_cause(len(causes) + 1, issue, fresh, len(negative), expected, shop, products, tickets, as_of)
        )
    rest = [c for c in negative if c.feedback_id not in taken]
    for topic, own in _steady(rest, use_case):
        if len(causes) == use_case.causes_shown:
            break
        causes.append(_steady_cause(len(causes) + 1, topic, own, len(negative), usual.of_topic(topic), shop))
    return Answer(
        use_case=use_case.id,
        question=use_case.question,
        first_day=first,
        last_day=as_of,
        currency=shop.reporting_currency,
        negative_records=len(negative),
        all_records=len(period),
        usual_share=round(len(before) / len(earlier), 4) if earlier else None,
        best_sellers=len(sellers),
        best_sellers_known=bool(sellers),
        causes=tuple(causes),
        trusted=trusted,
        trust_reason=trust_reason,
        provisional=any(issue.provisional for issue in issues if issue.is_open),
        slice=shop.slice.limits,
        aside=tuple(issue.insight_id for issue in aside),
        aside_titles=tuple(_title(issue, shop, products) for issue in aside),
    )


class Baseline:
    """How many records of a cause would be usual, from the 84 days before the period; None without such days.

    An issue is compared over its own days of the period, a topic over the whole period.
    """

    def __init__(self, before: Sequence[Complaint], first: date, last: date) -> None:
        self._before, self._first, self._last = before, first, last

    def of_issue(self, issue: Issue) -> float | None:
        onset = issue.onset_day or self._first
        quiet = [c for c in self._before if c.belongs_to(issue) and c.day < onset]
        quiet_days = min(BASELINE_DAYS, (onset - (self._first - timedelta(days=BASELINE_DAYS))).days)
        return self._scaled(len(quiet), quiet_days, (self._last - max(onset, self._first)).days + 1)

    def of_topic(self, topic: str) -> float | None:
        found = [c for c in self._before if topic in c.topics]
        return self._scaled(len(found), BASELINE_DAYS, (self._last - self._first).days + 1)

    def _scaled(self, found: int, over_days: int, to_days: int) -> float | None:
        return round(found * to_days / over_days, 1) if self._before and over_days > 0 else None


def _attributed(
    issues: Sequence[Issue], negative: Sequence[Complaint], use_case: UseCase
) -> list[tuple[Issue, list[Complaint]]]:
    """Issues of the question with their negative records, in the order the use case ranks by."""
    found = []
    for issue in issues:
        if issue.topic not in use_case.topics or issue.verdict in SILENCING_VERDICTS or not issue.is_open:
            continue
        records, onset = issue.records, issue.onset_day or date.min
        own = [c for c in negative if c.feedback_id in records or (c.belongs_to(issue) and c.day >= onset)]
        if own:
            found.append((issue, own))
    if use_case.rank_by == "records":
        return sorted(found, key=lambda pair: (-len(pair[1]), pair[0].insight_id))
    return sorted(found, key=lambda pair: (-(pair[0].risk_per_day or 0.0), pair[0].insight_id))


def _steady(rest: Sequence[Complaint], use_case: UseCase) -> list[tuple[str, list[Complaint]]]:
    """What is left, by topic, most first; a record of several topics counts for its most frequent one."""
    volume = Counter(topic for c in rest for topic in c.topics if topic not in PAINLESS)
    groups: dict[str, list[Complaint]] = {}
    for complaint in rest:
        topics = [topic for topic in complaint.topics if topic in use_case.topics]
        if topics:
            groups.setdefault(max(topics, key=lambda t: (volume[t], t)), []).append(complaint)
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))


def _issue_cause(
    rank: int,
    issue: Issue,
    own: Sequence[Complaint],
    total: int,
    usual: float | None,
    shop: Shop,
    products: Mapping[str, Product],
    tickets: Mapping[str, Sequence[str]],
    as_of: date,
) -> AnsweredCause:
    known = issue.attributes if issue.cause_status == "cause" else dict(issue.scope)
    return AnsweredCause(
        rank=rank,
        topic=issue.topic,
        title=_title(issue, shop, products),
        insight_id=issue.insight_id,
        tier=issue.tier,
        money=money_at_risk(issue, shop),
        risk_per_day=issue.risk_per_day,
        risk_per_day_p10=issue.risk_per_day_p10,
        records=len(own),
        share=round(len(own) / total, 4) if total else 0.0,
        usual_records=usual,
        owner=shop.owners[owner_of(issue, shop.policy)].name,
        next_step=inert(issue.recommended_step or shop.policy.next_step(issue.topic, known), 120),
        tickets=tuple(tickets.get(issue.insight_id, ())),
        evidence=tuple(sorted(c.feedback_id for c in own)),
    )


def _title(issue: Issue, shop: Shop, products: Mapping[str, Product]) -> str:
    return wording.title_words(issue, shop.policy.topics[issue.topic], products, lambda text: inert(text, 80))


def _steady_cause(
    rank: int, topic: str, own: Sequence[Complaint], total: int, usual: float | None, shop: Shop
) -> AnsweredCause:
    policy = shop.policy.topics[topic]
    return AnsweredCause(
        rank=rank,
        topic=topic,
        title=f"{policy.title}: spread over products, no open issue",
        insight_id=None,
        tier=None,
        money="no issue, so no money at risk",
        risk_per_day=None,
        risk_per_day_p10=None,
        records=len(own),
        share=round(len(own) / total, 4) if total else 0.0,
        usual_records=usual,
        owner=shop.owners[policy.owner].name,
        next_step=inert(shop.policy.next_step(topic), 120),
        tickets=(),
        evidence=tuple(sorted(c.feedback_id for c in own)),
    )


# -- in words ----------------------------------------------------------------------------------------------------------


def render_answer(answer: Answer) -> str:
    """At most 30 lines of at most 100 columns."""
    period = f"{wording.day(answer.first_day)} to {wording.day(answer.last_day)} {answer.last_day.year}"
    share = answer.negative_records / answer.all_records if answer.all_records else None
    usual = f"; {wording.share(answer.usual_share)} in the 12 weeks before" if answer.usual_share is not None else ""
    best = f"{answer.best_sellers} best seller{'s' if answer.best_sellers != 1 else ''}"
    sellers = f"the {best}" if answer.best_sellers_known else "all SKUs (needs orders to rank)"
    lines = [
        answer.question,
        f"{period}: {answer.negative_records:,} of {answer.all_records:,} records on {sellers} are negative",
        f"({wording.share(share)}{usual}).",
    ]
    if answer.slice:
        limits = "; ".join(f"{name} {', '.join(values)}" for name, values in answer.slice.items())
        lines.append(f"Limited to {inert(limits)}.")
    lines.append("")
    for cause in answer.causes:
        lines += _cause_lines(cause)
    if not answer.causes:
        lines.append("Nothing: no negative record in this period.")
    if answer.aside:
        more = f" and {len(answer.aside_titles) - 1} more" if len(answer.aside_titles) > 1 else ""
        lines += ["", _fit(f"Also open, with few such records: {answer.aside_titles[0]}{more}")]
    if not answer.trusted:
        lines += ["", f"NOT TRUSTED: {inert(answer.trust_reason)}"]
    elif answer.provisional:
        lines += ["", "Provisional: too few labels are reviewed; see `insights review export --out review.csv`."]
    return "\n".join(_fit(line) for line in lines[:LINES]) + "\n"


def _cause_lines(cause: AnsweredCause) -> list[str]:
    usual = f"; {wording.count(cause.usual_records)} would be usual" if cause.usual_records is not None else ""
    counted = f"{cause.records} record{'s' if cause.records != 1 else ''} ({wording.share(cause.share)}{usual})"
    tier = f" · Tier {cause.tier}" if cause.tier is not None else ""
    where = f" · {cause.tickets[0]}" if cause.tickets else ""
    return [
        _fit(f"{cause.rank}. {cause.title}"),
        _fit(f"   {cause.money}{tier} · {counted}"),
        _fit(f"   {cause.owner}: {cause.next_step}", WIDTH - len(where)) + where,
    ]


def _fit(line: str, width: int = WIDTH) -> str:
    """The line cut at a word, its indent kept."""
    return line if len(line) <= width else textwrap.wrap(line, width - 1)[0].rstrip(" ,;:") + "…"
