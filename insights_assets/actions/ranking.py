"""Pain points: open issues by the money they put at risk, filled up with steady topics by how many complain.

Belongs here: the one ranking that brief and answer share, and counting complaints over days. Does not belong here: how
a ranking is shown. An issue stays itself; a steady topic is labelled as such and never looks like an issue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from insights_assets.actions.model import Issue, day_of, list_of, text_of
from insights_assets.anomalies.topics import ANY_TONE

#: Topics that are no pain: nobody is asked to fix them.
PAINLESS = ("praise",)


@dataclass(frozen=True)
class Complaint:
    """One feedback record as far as counting needs it. `day` is the shop's; `topics` are those said with
    displeasure.
    """

    feedback_id: str
    day: date
    topics: tuple[str, ...]
    customer: str = ""
    sku: str = ""
    source: str = ""
    is_negative: bool = True
    attributes: Mapping[str, str] | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any], attributes: Sequence[str]) -> Complaint | None:
        """From a row of feedback joined with labels; None without a day. Rows need feedback_id, occurred_day, source,
        customer_key, sku, sentiment, rating, primary_topic, topics and the named attributes (absent ones are
        unknown)."""
        day = day_of(row.get("occurred_day"))
        if day is None:
            return None
        entries = [entry for entry in list_of(row.get("topics")) if isinstance(entry, Mapping)]
        said = [str(e["topic"]) for e in entries if e.get("sentiment") != "positive" or e["topic"] in ANY_TONE]
        primary = text_of(row.get("primary_topic"))
        topics = tuple(sorted({*said, *([primary] if primary and not entries else [])}))
        return cls(
            feedback_id=str(row["feedback_id"]),
            day=day,
            topics=topics,
            customer=text_of(row.get("customer_key")) or str(row["feedback_id"]),
            sku=text_of(row.get("sku")),
            source=text_of(row.get("source")),
            is_negative=text_of(row.get("sentiment")) == "negative",
            attributes={name: text_of(row.get(name)) for name in attributes if text_of(row.get(name))},
        )

    def belongs_to(self, issue: Issue) -> bool:
        """Whether this record is one of an issue's: same topic, and every attribute the issue names agrees."""
        if issue.topic not in self.topics:
            return False
        own = self.attributes or {}
        return all(own.get(name) == value for name, value in issue.attributes.items())


@dataclass(frozen=True)
class PainPoint:
    """One place of the ranking: an issue, or a steady topic (`issue` is None). Counts are distinct customers."""

    rank: int
    topic: str
    issue: Issue | None
    this_week: int
    last_week: int
    daily: tuple[tuple[date, int], ...]
    usual_per_day: float

    @property
    def score(self) -> float:
        """Money at risk a day for an issue (R64); 0 for a steady topic, which ranks behind by volume."""
        return self.issue.risk_per_day or 0.0 if self.issue is not None else 0.0


def rank_pain_points(
    issues: Iterable[Issue], complaints: Sequence[Complaint], as_of: date, places: int = 5, history_days: int = 28
) -> list[PainPoint]:
    """Exactly `places` pain points where that many topics are complained about at all; issues first, by money."""
    current = [issue for issue in issues if issue.is_open and issue.verdict not in ("dismissed", "duplicate")]
    current.sort(key=lambda i: (-(i.risk_per_day or 0.0), -(i.risk_per_day_p10 or 0.0), i.tier, i.insight_id))
    points: list[PainPoint] = []
    taken: set[str] = set()
    for issue in current[:places]:
        records = issue.records
        own = [c for c in complaints if c.feedback_id in records or c.belongs_to(issue)]
        taken |= {c.feedback_id for c in own}
        points.append(_point(len(points) + 1, issue.topic, issue, own, as_of, history_days))
    named = {point.topic for point in points}
    rest = [c for c in complaints if c.is_negative and c.feedback_id not in taken]
    volume = Counter(topic for c in rest if as_of - timedelta(days=7) < c.day <= as_of for topic in c.topics)
    for topic in sorted({topic for c in rest for topic in c.topics}):
        volume.setdefault(topic, 0)
    order = sorted((t for t in volume if t not in PAINLESS), key=lambda t: (t in named, -volume[t], t))
    for topic in order[: max(0, places - len(points))]:
        own = [c for c in rest if topic in c.topics]
        points.append(_point(len(points) + 1, topic, None, own, as_of, history_days))
    return points


def _point(
    rank: int, topic: str, issue: Issue | None, own: Sequence[Complaint], as_of: date, history_days: int
) -> PainPoint:
    first = as_of - timedelta(days=history_days - 1)
    per_day: dict[date, set[str]] = {}
    for complaint in own:
        if first <= complaint.day <= as_of:
            per_day.setdefault(complaint.day, set()).add(complaint.customer)
    daily = tuple((day, len(per_day.get(day, ()))) for day in (first + timedelta(days=n) for n in range(history_days)))
    onset = issue.onset_day if issue is not None and issue.onset_day is not None else as_of - timedelta(days=6)
    before = [n for day, n in daily if day < onset]
    return PainPoint(
        rank=rank,
        topic=topic,
        issue=issue,
        this_week=sum(n for day, n in daily if day > as_of - timedelta(days=7)),
        last_week=sum(n for day, n in daily if as_of - timedelta(days=14) < day <= as_of - timedelta(days=7)),
        daily=daily,
        usual_per_day=round(sum(before) / len(before), 4) if before else 0.0,
    )
