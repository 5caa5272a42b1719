"""The weekly executive brief: one self-contained page with exactly five pain points (R22, R65, R89).

Belongs here: what the page says and its rendering. Does not belong here: the ranking (`ranking.py`) and plots
(`plots.py`). No section is empty, no figure stands without what it was a week before, and text from data is inert.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert
from insights_assets.actions.model import Issue, PlannedAction, Product
from insights_assets.actions.plots import daily_plot
from insights_assets.actions.policy import owner_of
from insights_assets.actions.ranking import PainPoint
from insights_assets.actions.ticket_form import HoldState
from insights_assets.actions.tickets import money_at_risk
from insights_assets.shop.model import Shop

if TYPE_CHECKING:
    from jinja2 import Template

PAIN_POINTS = 5
#: Products of a hold that are named.
HELD_NAMED = 3


@dataclass(frozen=True)
class BriefFacts:
    """What the brief is made of. `previous_ranks`: insight id or topic -> its place in the last week's brief.
    `closed`: issues that ended, with the day they did. `holds`: running promotion holds by insight id.
    `alerts`: how often alerts were right so far, in words. `model`: what the language model cost this week, in words."""

    shop: Shop
    as_of: date
    points: Sequence[PainPoint]
    products: Mapping[str, Product]
    previous_ranks: Mapping[str, int]
    closed: Sequence[tuple[Issue, date]]
    actions: Sequence[PlannedAction]
    holds: Mapping[str, HoldState]
    due: Mapping[str, datetime]
    open_issues: int
    alerts: str = ""
    model: str = ""


def week_of(as_of: date) -> str:
    """2026-W48"""
    year, week, _ = as_of.isocalendar()
    return f"{year}-W{week:02d}"


def brief_rows(facts: BriefFacts) -> list[dict[str, Any]]:
    """The pain points as rows of `actions.executive_brief`, one a place, texts inert."""
    rows = []
    for point in facts.points:
        issue = point.issue
        rows.append(
            {
                "week": week_of(facts.as_of),
                "rank": point.rank,
                "as_of_day": facts.as_of,
                "insight_id": issue.insight_id if issue is not None else None,
                "topic": point.topic,
                "title": _title(point, facts),
                "is_steady": issue is None,
                "score": round(point.score, 2),
                "risk_per_day": round(issue.risk_per_day, 2) if issue and issue.risk_per_day is not None else None,
                "currency": facts.shop.reporting_currency,
                "customers_this_week": point.this_week,
                "customers_last_week": point.last_week,
                "previous_rank": facts.previous_ranks.get(_identity(point)),
                "movement": _movement(point, facts),
                "owner": _owner(point, facts),
                "next_step": _next_step(point, facts),
            }
        )
    return rows


def render_brief(facts: BriefFacts) -> str:
    """The page as HTML. Raises ValueError unless there are exactly five pain points."""
    from markupsafe import Markup

    if len(facts.points) != PAIN_POINTS:
        raise ValueError(f"the brief needs {PAIN_POINTS} pain points, there are {len(facts.points)}")
    points = []
    for row, point in zip(brief_rows(facts), facts.points, strict=True):
        issue = point.issue
        onset = issue.onset_day if issue is not None else None
        label = f"Customers a day {wording.who_say(point.topic)}, {row['title']}"
        points.append(
            {
                **row,
                "badge": f"Tier {issue.tier}" if issue is not None else "no open issue",
                "money": money_at_risk(issue, facts.shop) if issue is not None else "no issue, so no money at risk",
                "volume": f"{_customers(point.this_week)} this week ({point.last_week} the week before)",
                "plot": Markup(daily_plot(point.daily, point.usual_per_day, onset, label)),  # noqa: S704 drawn here
                "owner": facts.shop.owners[str(row["owner"])].name,
                "reference": issue.insight_id if issue is not None else "",
            }
        )
    page = {
        "shop": inert(facts.shop.name),
        "week": week_of(facts.as_of),
        "week_words": f"{facts.as_of.isocalendar().week} of {facts.as_of.isocalendar().year}",
        "as_of": f"{wording.day(facts.as_of)} {facts.as_of.year}",
        "summary": _summary(facts),
        "points": points,
        "closed": _closed(facts),
        "done": _done(facts),
        "footer": "Bars: customers a day; red since the issue began; dashed: what was usual before. "
        "Money is an estimate; in nine of ten such cases it is more than the figure after “at least”.",
    }
    return _template().render(brief=page)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("brief.html.j2")


def _identity(point: PainPoint) -> str:
    return point.issue.insight_id if point.issue is not None else point.topic


def _title(point: PainPoint, facts: BriefFacts) -> str:
    topic = facts.shop.policy.topics[point.topic]
    if point.issue is None:
        return f"{topic.title}: spread over products"
    return wording.title_words(point.issue, topic, facts.products, lambda text: inert(text, 120))


def _movement(point: PainPoint, facts: BriefFacts) -> str:
    """Against last week's brief; in the first brief, against last week's complaints."""
    before = facts.previous_ranks.get(_identity(point))
    if before is not None:
        if before == point.rank:
            return f"unchanged, number {before} last week"
        return f"{'up' if before > point.rank else 'down'} from number {before}"
    if facts.previous_ranks or (point.issue is not None and _is_new(point.issue, facts.as_of)):
        return "new this week"
    change = point.this_week - point.last_week
    return "unchanged" if change == 0 else "rising" if change > 0 else "falling"


def _is_new(issue: Issue, as_of: date) -> bool:
    return issue.detected_at is not None and issue.detected_at.date() > as_of - timedelta(days=7)


def _owner(point: PainPoint, facts: BriefFacts) -> str:
    policy = facts.shop.policy
    return owner_of(point.issue, policy) if point.issue is not None else policy.owner_of(point.topic)


def _next_step(point: PainPoint, facts: BriefFacts) -> str:
    issue, policy = point.issue, facts.shop.policy
    if issue is None:
        return inert(policy.next_step(point.topic)) + " (no date: no open issue)."
    known = issue.attributes if issue.cause_status == "cause" else dict(issue.scope)
    step = inert(issue.recommended_step or policy.next_step(issue.topic, known), 160).rstrip(". ")
    due = facts.due.get(issue.insight_id)
    return f"{step} (due {wording.moment(due, facts.shop.zone)})." if due is not None else f"{step}."


def _summary(facts: BriefFacts) -> str:
    risks = [point.issue.risk_per_day or 0.0 for point in facts.points if point.issue is not None]
    currency = facts.shop.reporting_currency
    if not risks:
        return "No issue is open; the five topics that most customers bring up are shown."
    steady = PAIN_POINTS - len(risks)
    tail = f", {steady} of five are topics without an open issue" if steady else ""
    more = facts.open_issues - len(risks)
    rest = f"; {more} more issue{'s are' if more != 1 else ' is'} open" if more > 0 else ""
    return f"Together about {wording.money(sum(risks))} {currency} a day at risk{tail}{rest}."


def _closed(facts: BriefFacts) -> list[str]:
    lines = []
    for issue, ended in sorted(facts.closed, key=lambda pair: (pair[1], pair[0].insight_id)):
        topic = facts.shop.policy.topics[issue.topic]
        title = wording.title_words(issue, topic, facts.products, lambda text: inert(text, 120))
        how = f"judged {inert(issue.verdict)}" if issue.verdict else "back to what is usual"
        lines.append(f"{title}: {how} on {wording.day(ended)} ({issue.insight_id}).")
    if lines:
        return lines
    opened = [p.issue for p in facts.points if p.issue is not None and p.issue.onset_day is not None]
    if not opened:
        return ["Nothing was open last week, so nothing was closed."]
    oldest = min(opened, key=lambda issue: (issue.onset_day or facts.as_of, issue.insight_id))
    days = (facts.as_of - (oldest.onset_day or facts.as_of)).days
    title = wording.title_words(oldest, facts.shop.policy.topics[oldest.topic], facts.products, lambda text: inert(text, 120))
    return [f"Nothing was closed last week. The oldest of the five has run for {days} days: {title} ({oldest.insight_id})."]


def _done(facts: BriefFacts) -> list[str]:
    lines = []
    for insight_id, hold in sorted(facts.holds.items()):
        if hold.state == "active" and hold.expires_on is not None:
            named = [wording.product_words({"sku": sku}, facts.products, lambda text: inert(text, 80)) for sku in hold.skus[:HELD_NAMED]]
            more = f" and {len(hold.skus) - HELD_NAMED} more" if len(hold.skus) > HELD_NAMED else ""
            lines.append(
                f"Paid promotion of {', '.join(named) or 'no product'}{more} held until {wording.day(hold.expires_on)} ({insight_id}); "
                f"undo: insights hold release {hold.hold_id}."
            )
    waiting = _count(facts.actions, "awaiting_approval")
    proposed = _count(facts.actions, "proposed")
    if not lines:
        lines.append("No promotion is held.")
    lines.append(f"Waiting for approval: {waiting}. Proposed only, until people have checked enough records: {proposed}.")
    if facts.alerts:
        lines.append(f"Were the alerts right? {facts.alerts[:1].upper()}{facts.alerts[1:]}.")
    if facts.model:
        lines.append(f"{facts.model[:1].upper()}{facts.model[1:]}.")
    return lines


def _customers(number: int) -> str:
    return f"{number} customer{'s' if number != 1 else ''}"


def _count(actions: Iterable[PlannedAction], state: str) -> int:
    return sum(action.state == state for action in actions)
