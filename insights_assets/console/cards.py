"""One insight as *Today* shows it: a card of plain words and figures, the same words that the ticket has.

Belongs here: putting a card together from rows. Does not belong here: reading (`reading.py`), drawing (`drawing.py`), which card
stands where (`overview.py`). Every text of a card may hold text from data, so a page shows it as text, never as Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert
from insights_assets.actions.model import CauseRow, Issue, Product, text_of, time_of
from insights_assets.actions.policy import SILENCING_VERDICTS, due_at, owner_of
from insights_assets.actions.ticket_form import PLAIN, TicketFacts
from insights_assets.actions.tickets import money_at_risk, seen_after, what_happens
from insights_assets.actions.whereabouts import where
from insights_assets.console.evidence import ShownRecord, shown_records
from insights_assets.console.people import DayCount, daily_people, place_of, usual_per_day
from insights_assets.console.reading import TodayRows, first_plotted_day
from insights_assets.resources.operations.models import Snooze, Verdict
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Shop

Row = Mapping[str, Any]
KINDS = {
    "defect_ticket": "ticket",
    "notification": "alert",
    "promo_hold": "promotion hold",
    "macro": "reply macro",
    "article": "help article",
    "copy_change": "product copy change",
    "escalation": "escalation",
}
_STATES = {
    "planned": "on its way",
    "proposed": "proposed, not done",
    "awaiting_approval": "drafted, waits for approval",
    "approved": "approved",
    "rejected": "rejected",
    "digest": "waits for the digest",
    "delivered": "delivered",
    "ended": "ended",
    "snoozed": "asleep",
    "grouped": "told with another issue",
    "inhibited": "not told: a Tier 1 of the same product is",
}


@dataclass(frozen=True)
class Judgements:
    """What people said so far, read from the operational database at every look."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    snoozes: Mapping[str, Snooze] = field(default_factory=dict)
    holds: Sequence[Hold] = ()


@dataclass(frozen=True)
class RateLine:
    """A comparison rate: complaints per order line here, or in what it is compared with."""

    text: str
    rate: float
    observed: int
    lines: float
    is_cause: bool


@dataclass(frozen=True)
class Card:
    """What is shown of one insight. `aside` says why it is out of the way, empty while it needs somebody."""

    issue: Issue
    title: str
    why: str
    money: str
    where: str
    seen: str
    owner: str
    step: str
    due: str
    harm: str
    since: str
    done: tuple[str, ...]
    judged: str
    aside: str
    rates: tuple[RateLine, ...]
    records: tuple[ShownRecord, ...]
    days: tuple[DayCount, ...]
    usual: float | None
    is_urgent: bool
    run_id: str

    @property
    def insight_id(self) -> str:
        return self.issue.insight_id


def make_card(row: Row, found: TodayRows, shop: Shop, as_of: date, judged: Judgements) -> Card:
    """The card of one row of `anomalies.insights`."""
    issue = Issue.from_row(row)
    mine = [entry for entry in found.actions if entry["insight_id"] == issue.insight_id]
    causes = tuple(CauseRow.from_row(entry) for entry in found.root_causes if entry["insight_id"] == issue.insight_id)
    products = {str(p["sku"]): Product(str(p["sku"]), text_of(p["name"]), text_of(p["product_line"])) for p in found.products}
    facts = TicketFacts(
        issue=issue, shop=shop, as_of=as_of, due_at=due_at(shop.policy, shop, as_of, issue.tier), owner=owner_of(issue, shop.policy),
        causes=causes, products=products,
    )  # fmt: skip
    first = first_plotted_day(issue.onset_day or as_of, as_of)
    known = issue.attributes if issue.cause_status == "cause" else dict(issue.scope)
    return Card(
        issue=issue,
        title=wording.title_words(issue, shop.policy.topics[issue.topic], products, lambda text: inert(text, 160)),
        why=what_happens(facts, PLAIN),
        money=money_at_risk(issue, shop),
        where=where(facts, PLAIN),
        seen=seen_after(facts),
        owner=owner_name(facts.owner, shop),
        step=inert(issue.recommended_step or shop.policy.next_step(issue.topic, known), 200).rstrip(". "),
        due=_due(mine, shop),
        harm=_harm(issue, shop, as_of),
        since=since_onset(issue, as_of),
        done=done_lines(mine, [hold for hold in judged.holds if hold.insight_id == issue.insight_id], shop),
        judged=verdict_words(judged.verdicts.get(issue.insight_id), shop),
        aside=aside_words(issue.insight_id, judged),
        rates=_rates(row["insight_id"], found.root_causes),
        records=shown_records(issue, found.evidence, shop.zone),
        days=daily_people(found.mentions, place_of(issue, found.issue_days), first, as_of),
        usual=usual_per_day(issue),
        is_urgent=bool(row.get("is_urgent")),
        run_id=text_of(row.get("run_id")),
    )


def owner_name(owner: str, shop: Shop) -> str:
    known = shop.owners.get(owner)
    return known.name if known is not None else owner or "nobody yet"


def since_onset(issue: Issue, as_of: date) -> str:
    """`began 6 days ago, Tue 17 Nov`"""
    if issue.onset_day is None:
        return "onset not known"
    days = (as_of - issue.onset_day).days
    ago = "today" if days <= 0 else f"{days} day{'s' if days != 1 else ''} ago"
    return f"began {ago}, {wording.day(issue.onset_day)}"


def verdict_words(verdict: Verdict | None, shop: Shop) -> str:
    """The judgement that counts, in a sentence; empty while nobody gave one."""
    if verdict is None:
        return ""
    said = f"repeats {inert(verdict.duplicate_of or '', 60)}" if verdict.verdict == "duplicate" else verdict.verdict
    reason = f": {inert(verdict.reason, 200)}" if verdict.reason else ""
    return f"{said} by {inert(verdict.given_by, 60)} on {wording.moment(verdict.given_at, shop.zone)}{reason}"


def aside_words(insight_id: str, judged: Judgements) -> str:
    """Why nobody needs to look at it now; empty while somebody does."""
    verdict, snooze = judged.verdicts.get(insight_id), judged.snoozes.get(insight_id)
    if verdict is not None and verdict.verdict in SILENCING_VERDICTS:
        return verdict.verdict
    if snooze is not None and snooze.until_day is not None:
        reason = f": {inert(snooze.reason, 120)}" if snooze.reason else ""
        return f"asleep until {wording.day(snooze.until_day)} by {inert(snooze.snoozed_by, 60)}{reason}"
    return ""


def done_lines(actions: Sequence[Row], holds: Sequence[Hold], shop: Shop) -> tuple[str, ...]:
    """What was already done, one line an action, holds with how to take them back."""
    lines = []
    held = {hold.action_id: hold for hold in holds}
    order = list(KINDS)
    for row in sorted(actions, key=lambda r: (order.index(r["kind"]) if r["kind"] in KINDS else 99, r["action_id"])):
        if row["action_id"] in held:
            lines.append(_hold_line(held[row["action_id"]]))
            continue
        said = f"{KINDS.get(row['kind'], row['kind'])} for {owner_name(text_of(row['owner']), shop)}: {_STATES.get(row['state'], row['state'])}"
        if row["state"] == "delivered":
            said += f" to {inert(text_of(row['destination']), 60)}"
            if arrived := time_of(row.get("delivered_at")):
                said += f", {wording.moment(arrived, shop.zone)}"
            if name := inert(text_of(row.get("external_id")), 80):
                said += f" ({name})"
        elif reason := inert(text_of(row.get("state_reason")), 160):
            said += f" ({reason})"
        lines.append(said)
    return tuple(lines)


def _hold_line(hold: Hold) -> str:
    skus = f"{len(hold.skus)} product{'s' if len(hold.skus) != 1 else ''}"
    if hold.state == "active":
        until = f" until {wording.day(hold.expires_on)}" if hold.expires_on else ""
        return f"paid promotion of {skus} held{until}; undo: insights hold release {hold.hold_id}"
    if hold.state == "proposed":
        why = f" ({inert(hold.state_reason, 120)})" if hold.state_reason else ""
        return f"promotion hold of {skus} proposed, not placed{why}; place it: insights hold place {hold.hold_id}"
    by = f" by {inert(hold.released_by, 60)}" if hold.released_by else ""
    return f"promotion hold of {skus} {hold.state}{by}"


def _due(actions: Sequence[Row], shop: Shop) -> str:
    """When the step is due by the earliest action that a person carries out; empty where none was opened."""
    times: list[datetime] = [due for row in actions if row["kind"] != "notification" and (due := time_of(row.get("due_at"))) is not None]
    return wording.moment(min(times), shop.zone) if times else ""


def _harm(issue: Issue, shop: Shop, as_of: date) -> str:
    if issue.harm_at is None or not issue.is_open:
        return ""
    day = issue.harm_at.astimezone(shop.zone).date()
    days = (day - as_of).days
    when = "today" if days <= 0 else f"in {days} day{'s' if days != 1 else ''}, on {wording.day(day)}"
    return f"more {when}" + (f": {inert(issue.harm_reason, 120)}" if issue.harm_reason else "")


def _rates(insight_id: str, causes: Sequence[Row]) -> tuple[RateLine, ...]:
    """The cause's own rate, then what it should be compared with (the same place but for one attribute)."""
    lines = []
    for row in sorted((row for row in causes if row["insight_id"] == insight_id), key=lambda row: row["rank"]):
        if row["role"] in ("cause", "outside") and row["rate"] is not None:
            text = inert(text_of(row["text"]), 80)
            lines.append(RateLine(text, float(row["rate"]), int(row["observed"] or 0), float(row["lines"] or 0.0), row["role"] == "cause"))
    return tuple(lines)
