"""*Today* as values: the header, which card stands where, what is resolved, and what is wrong with the data.

Belongs here: order and grouping. Does not belong here: the card itself (`cards.py`), drawing (`views/today.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert, plain
from insights_assets.actions.model import Issue, day_of, number_of, text_of
from insights_assets.console.cards import Card, Judgements, make_card, verdict_words
from insights_assets.console.quiet import SmallestVisible, smallest_visible
from insights_assets.console.reading import TodayRows
from insights_assets.resources.operations.models import Publication
from insights_assets.shop.model import Shop

#: A finding about the data that ended longer ago is history.
FINDING_DAYS = 14
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Header:
    """What stands above everything: whose data, as of when, published by which run, what is asked."""

    shop: str
    as_of: str
    published: str
    run_id: str
    question: str
    open: str
    provisional: str


@dataclass(frozen=True)
class Finding:
    """Something wrong with the data."""

    kind: str
    text: str
    days: str
    is_over: bool


@dataclass(frozen=True)
class Past:
    """A resolved insight, one line of the history."""

    insight_id: str
    title: str
    tier: int
    began: date | None
    last_seen: date | None
    people: int
    lift: float | None
    judged: str


@dataclass(frozen=True)
class Today:
    """The whole page. `tiers`: tier -> cards that need somebody; `aside`: open, but dismissed, a duplicate or asleep."""

    header: Header
    tiers: Mapping[int, tuple[Card, ...]]
    aside: tuple[Card, ...]
    past: tuple[Past, ...]
    findings: tuple[Finding, ...]
    old_findings: tuple[Finding, ...]
    visible: tuple[SmallestVisible, ...]

    @property
    def is_quiet(self) -> bool:
        return not any(self.tiers.values())

    @property
    def cards(self) -> tuple[Card, ...]:
        return tuple(card for tier in sorted(self.tiers) for card in self.tiers[tier]) + self.aside


def make_today(found: TodayRows, shop: Shop, publication: Publication, judged: Judgements) -> Today:
    """Everything *Today* shows, from one publication and what people said since."""
    as_of = publication.as_of_day
    issues = {row["insight_id"]: Issue.from_row(row) for row in found.insights}
    open_rows = [row for row in found.insights if issues[row["insight_id"]].is_open]
    cards = sorted((make_card(row, found, shop, as_of, judged) for row in open_rows), key=_most_urgent_first)
    awake = [card for card in cards if not card.aside]
    findings = sorted(found.findings, key=_newest_first)
    return Today(
        header=make_header(found, shop, publication, awake),
        tiers={tier: tuple(card for card in awake if card.issue.tier == tier) for tier in sorted(shop.policy.tiers)},
        aside=tuple(card for card in cards if card.aside),
        past=past_insights(issues.values(), judged, shop),
        findings=tuple(_finding(row) for row in findings if _is_recent(row, as_of)),
        old_findings=tuple(_finding(row) for row in findings if not _is_recent(row, as_of)),
        visible=smallest_visible(found.judged_topics),
    )


def make_header(found: TodayRows, shop: Shop, publication: Publication, awake: Sequence[Card]) -> Header:
    as_of, published_at = publication.as_of_day, publication.created_at
    local = published_at.astimezone(shop.zone)
    provisional = [row for row in found.insights if row.get("provisional") and Issue.from_row(row).is_open]
    questions = shop.enabled_use_cases
    return Header(
        shop=plain(shop.name),
        as_of=f"{wording.day(as_of)} {as_of.year}",
        published=f"published {wording.day(local.date())} {local.year}, {local:%H:%M}",
        run_id=publication.run_id,
        question=plain(questions[0].question) if questions else "",
        open=open_words(awake, shop),
        provisional=(
            f"Provisional: too few records are reviewed, so {len(provisional)} of the open insights have no automatic effect outside the house, safety "
            "excepted. Which records to review: insights review export --out review.csv"
            if provisional
            else ""
        ),
    )


def past_insights(issues: Iterable[Issue], judged: Judgements, shop: Shop) -> tuple[Past, ...]:
    """Resolved insights, last seen first."""
    past = [
        Past(
            insight_id=issue.insight_id,
            title=plain(issue.title, 160) or issue.topic,
            tier=issue.tier,
            began=issue.onset_day,
            last_seen=issue.last_seen_day or issue.window_end,
            people=int(issue.customers_count or issue.observed_count),
            lift=issue.lift if issue.expected_count else None,
            judged=verdict_words(judged.verdicts.get(issue.insight_id), shop),
        )
        for issue in issues
        if not issue.is_open
    ]
    return tuple(sorted(past, key=lambda p: (-(p.last_seen or date.min).toordinal(), p.insight_id)))


def open_words(cards: Sequence[Card], shop: Shop) -> str:
    """How many need somebody, by tier, and what they are worth a day together; empty when none does."""
    if not cards:
        return ""
    tiers = Counter(card.issue.tier for card in cards)
    said = f"{len(cards)} open: " + ", ".join(f"{tiers[tier]} in Tier {tier}" for tier in sorted(tiers))
    known = [card.issue for card in cards if card.issue.risk_per_day is not None]
    if not known:
        return said
    # The sum of the low bounds lies below the low bound of the sum, so `at least` holds.
    total, low = sum(i.risk_per_day or 0.0 for i in known), sum(i.risk_per_day_p10 or 0.0 for i in known)
    currency = inert(known[0].currency or shop.reporting_currency, 8)
    return f"{said} · about {wording.money(total)} {currency} a day at risk together (at least {wording.money(low)})"


def _most_urgent_first(card: Card) -> tuple[Any, ...]:
    return card.issue.tier, not card.is_urgent, -(card.issue.risk_per_day_p10 or 0.0), -(card.issue.risk_per_day or 0.0), card.insight_id


def _newest_first(row: Row) -> tuple[Any, ...]:
    started = day_of(row["started_day"]) or date.min
    return bool(row["is_over"]), -started.toordinal(), str(row["finding_id"])


def _is_recent(row: Row, as_of: date) -> bool:
    ended = day_of(row["ended_day"])
    return not row["is_over"] or ended is None or (as_of - ended).days <= FINDING_DAYS


def _finding(row: Row) -> Finding:
    names = {"source_silent": "source stopped", "source_spike": "source delivers too much", "copied_posts": "copied posts"}
    started, ended = day_of(row["started_day"]), day_of(row["ended_day"])
    days = wording.day(started) if started else "day not known"
    if row["is_over"] and ended is not None and ended != started:
        days += f" to {wording.day(ended)}"
    expected = number_of(row["expected_count"])
    text = plain(text_of(row["text"]), 240) or f"{row['observed_count']} records where {expected or 0:.0f} are usual"
    return Finding(names.get(row["kind"], text_of(row["kind"]).replace("_", " ")), text, days, bool(row["is_over"]))
