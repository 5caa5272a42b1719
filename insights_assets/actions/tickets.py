"""The ticket: what happens, where, what customers say, what to do next, what was done, how to undo it.

Belongs here: the form of a ticket and its two renderings, Markdown and plain text. Does not belong here: deciding what
is done (`policy.py`), choosing quotes (`quotes.py`), writing files (`desk.py`). The form holds for every issue: a title
with topic, product and cause; at most 25 lines; every number beside what is usual; one next step with owner and date;
an undo; a verdict line; no internal ids in the first five lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from insights_assets.actions import escaping, wording
from insights_assets.actions.model import CauseRow, Issue, PlannedAction, Product
from insights_assets.actions.quotes import Quote
from insights_assets.shop.model import Shop

MAX_LINES = 25
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class HoldState:
    """What a ticket says of its promotion hold."""

    hold_id: str
    state: str
    skus: tuple[str, ...]
    expires_on: date | None = None
    reason: str = ""


@dataclass(frozen=True)
class TicketFacts:
    """Everything a ticket is rendered from. `first_complaint_at` and `due_at` are UTC; `as_of` is the shop's today."""

    issue: Issue
    shop: Shop
    as_of: date
    due_at: datetime
    owner: str
    causes: Sequence[CauseRow] = ()
    quotes: Sequence[Quote] = ()
    actions: Sequence[PlannedAction] = ()
    hold: HoldState | None = None
    products: Mapping[str, Product] = field(default_factory=dict)
    first_complaint_at: datetime | None = None
    provisional_reason: str = ""


class Style(Protocol):
    """How a rendering marks text; `outside` makes text from data inert."""

    def strong(self, text: str) -> str: ...
    def label(self, text: str) -> str: ...
    def command(self, text: str) -> str: ...
    def outside(self, text: str) -> str: ...


class MarkdownStyle:
    """Markdown in which text from data renders as itself and nothing else."""

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def label(self, text: str) -> str:
        return f"*{text}*"

    def command(self, text: str) -> str:
        return f"`{text}`"

    def outside(self, text: str) -> str:
        return escaping.markdown(text, 160)


class PlainStyle:
    """Plain text."""

    def strong(self, text: str) -> str:
        return text

    def label(self, text: str) -> str:
        return f"{text}:" if text[-1] not in "?:" else text

    def command(self, text: str) -> str:
        return text

    def outside(self, text: str) -> str:
        return escaping.inert(text, 160)


MARKDOWN: Style = MarkdownStyle()
PLAIN: Style = PlainStyle()


def ticket_title(facts: TicketFacts, style: Style = PLAIN) -> str:
    """Topic, product, cause."""
    topic = facts.shop.policy.topics[facts.issue.topic]
    return wording.title_words(facts.issue, topic, facts.products, style.outside)


def render_ticket(facts: TicketFacts, style: Style = MARKDOWN) -> str:
    """The ticket's text, ending in a newline. Raises ValueError for an id that is none, or a form that is broken."""
    issue = facts.issue
    if not _SAFE_ID.fullmatch(issue.insight_id):
        raise ValueError(f"{issue.insight_id!r} is not an insight id")
    blocks = [
        [_headline(facts, style)],
        [f"{style.label('What happens')} {what_happens(facts, style)}"],
        [f"{style.label('Where')} {where(facts, style)}"],
        _customers_say(facts, style),
        [f"{style.label('Provisional')} {provisional(facts, style)}"] if facts.provisional_reason else [],
        [f"{style.label('Do next')} {do_next(facts, style)}"],
        [f"{style.label('Already done')} {already_done(facts, style)}"],
        [_verdict_line(facts, style)],
    ]
    lines: list[str] = []
    for block in blocks:
        if block:
            lines += ([""] if lines else []) + block
    if len(lines) > MAX_LINES:
        raise ValueError(f"{issue.insight_id}: the ticket has {len(lines)} lines, at most {MAX_LINES} may be")
    return "\n".join(lines) + "\n"


# -- the parts ---------------------------------------------------------------------------------------------------------


def _headline(facts: TicketFacts, style: Style) -> str:
    issue = facts.issue
    tier = f"Tier {issue.tier}" + (", provisional" if issue.provisional else "")
    return f"{style.strong(ticket_title(facts, style))} · {tier} · {money_at_risk(issue, facts.shop)}"


def money_at_risk(issue: Issue, shop: Shop) -> str:
    """`about 1,940 USD a day at risk (at least 1,210)`"""
    if issue.risk_per_day is None:
        return "money at risk not known: needs orders"
    currency = issue.currency or shop.reporting_currency
    low = f" (at least {wording.money(issue.risk_per_day_p10)})" if issue.risk_per_day_p10 is not None else ""
    return f"about {wording.money(issue.risk_per_day)} {currency} a day at risk{low}"


def what_happens(facts: TicketFacts, style: Style) -> str:
    """Customers in days beside what would be usual."""
    issue = facts.issue
    topic = facts.shop.policy.topics[issue.topic]
    customers = int(issue.customers_count or round(issue.observed_count))
    days = issue.window_days or 1
    people = f"{customers} customer{'s' if customers != 1 else ''}"
    head = f"{people} in {days} day{'s' if days != 1 else ''} {wording.customers_say(customers, topic.says)}"
    if issue.expected_count is None:
        return f"{head}; what is usual is not known yet: needs orders or 28 days of history."
    parts = [wording.times(issue.lift)] if issue.lift is not None and issue.expected_count >= 0.05 else []
    if chance := wording.chance(issue.p_value):
        parts.append(f"so much by chance {chance}")
    detail = f" ({'; '.join(parts)})" if parts else ""
    return f"{head}; {wording.count(issue.expected_count)} would be usual{detail}."


def where(facts: TicketFacts, style: Style) -> str:
    """The rate here beside rates elsewhere, what was ruled out, and what is not known."""
    rows = sorted(facts.causes, key=lambda row: row.rank)
    status = facts.issue.cause_status
    own = next((row for row in rows if row.role == "cause"), None)
    said = []
    if own is not None and (own.attributes or facts.issue.scope):
        said.append(_rate_sentence(own, [row for row in rows if row.role == "outside"], facts, style))
    if status == "tied":
        others = [_group(other, facts, style) for other in facts.issue.alternatives[:2]]
        said.append(f"Not distinguishable yet from: {' or '.join(others)}." if others else "Not distinguishable yet.")
    elif status == "possible" and facts.issue.cause:
        guess = wording.unsure_part(facts.issue)
        said.append(f"Possible, not proven: {_group(guess, facts, style)}." if guess else "What causes it is not known yet.")
    elif status == "not_localised" and facts.issue.topic != "safety":
        said.append("Not located yet: no single batch, warehouse, carrier, product or region stands out.")
    elif not said:
        place = _group(facts.issue.attributes, facts, style)
        said.append(f"Reported {place}." if facts.issue.attributes else "No order or product is named.")
    said += _ruled_out(rows, {name for other in facts.issue.alternatives for name in other})
    return " ".join(said)


def _group(attributes: Mapping[str, str], facts: TicketFacts, style: Style) -> str:
    return wording.group_words(facts.shop.spoken(attributes), facts.products, style.outside)


def _rate_sentence(own: CauseRow, outside: Sequence[CauseRow], facts: TicketFacts, style: Style) -> str:
    titled = facts.issue.cause_status == "cause" and "packaging_batch" in own.attributes
    group = "from this batch" if titled else _group(own.attributes, facts, style)
    if own.rate is None:
        return f"{wording.count(own.observed or 0.0)} complaints {group}; a rate needs orders."
    beside = outside[0] if outside else None
    usual = ""
    if beside is not None:
        usual = f", {wording.share(beside.rate)} of those {wording.others_words(beside.compared, beside.attributes)}"
    if not usual and facts.issue.expected_count is not None and facts.issue.observed_count > 0:
        usual_rate = own.rate * facts.issue.expected_count / facts.issue.observed_count
        usual = f", {wording.share(usual_rate)} would be usual"
    # Complaints are held against the orders that should have complained by now, so a very bad batch passes all of them.
    here = "Nearly all orders" if own.rate >= NEARLY_ALL else f"{wording.share(own.rate)} of orders"
    return f"{here} {group} complain{usual}."


#: Above this chance a difference between parts of a cause is none.
SAME_RATE_P = 0.05
NEARLY_ALL = 0.9
#: The highest rate over the lowest: up to here it is said that they are the same, beyond the other nothing is said.
ABOUT_THE_SAME, TOO_FAR_APART = 1.5, 2.5


def _ruled_out(rows: Sequence[CauseRow], open_questions: set[str]) -> list[str]:
    """Attributes whose parts all complain alike inside the cause: at most two, carrier first; none that is still
    open.
    """
    groups: dict[str, list[CauseRow]] = {}
    for row in rows:
        if row.role == "inside" and row.rate is not None and row.compared not in open_questions:
            groups.setdefault(row.compared, []).append(row)
    said = []
    for attribute in sorted(groups, key=lambda name: (name != "carrier", name)):
        parts = groups[attribute]
        if len(parts) > 1 and all((row.p_value or 0.0) > SAME_RATE_P for row in parts):
            rates = sorted(row.rate or 0.0 for row in parts)
            apart = rates[-1] / rates[0] if rates[0] > 0 else math.inf
            if apart > TOO_FAR_APART:
                continue  # too few complaints to see a difference is no proof that there is none
            alike = "about the same rate" if apart <= ABOUT_THE_SAME else "no more apart than by chance"
            spread = f"{wording.share(rates[0])} to {wording.share(rates[-1])}"
            named = wording.parts_words(attribute, len(parts))
            said.append(f"Not the {wording.noun(attribute)}: {alike} with {named} ({spread}).")
    return said[:2]


def provisional(facts: TicketFacts, style: Style) -> str:
    """What is not proven yet, what that keeps from happening, and what ends it."""
    said = style.outside(facts.provisional_reason).rstrip(". ")
    if facts.hold is not None and facts.hold.state == "proposed":
        said += "; until then a person places the hold"
    elif facts.hold is not None and facts.hold.state == "active" and facts.issue.topic == "safety":
        said += "; the hold is placed all the same, safety does not wait"
    return f"{said}. Review: {style.command('insights review export --out review.csv')}."


def _customers_say(facts: TicketFacts, style: Style) -> list[str]:
    if not facts.quotes:
        return [f"{style.label('Customers say')} nothing in words: the records are ratings or events."]
    lines = [style.label("Customers say")]
    for quote in facts.quotes:
        local = quote.occurred_at.astimezone(facts.shop.zone).date()
        source = quote.source.replace("_", " ").removesuffix("s")
        reference = f"{style.outside(source)} {style.outside(quote.record_ref)}"
        lines.append(f"- “{style.outside(quote.text)}” ({reference}, {wording.day(local)})")
    return lines


def do_next(facts: TicketFacts, style: Style) -> str:
    """One step with its owner and date, and how long until it hurts more (R12, R25)."""
    issue, policy = facts.issue, facts.shop.policy
    known = issue.attributes if issue.cause_status == "cause" else dict(issue.scope)
    step = (issue.recommended_step or policy.next_step(issue.topic, known)).rstrip(". ")
    due = wording.moment(facts.due_at, facts.shop.zone)
    is_late = issue.is_open and facts.due_at.astimezone(facts.shop.zone).date() < facts.as_of
    when = f"overdue since {due}" if is_late else f"due {due}"
    said = f"{style.outside(step)} ({facts.shop.owners[facts.owner].name}, {when})."
    if issue.harm_at is not None and issue.is_open:
        harm_day = issue.harm_at.astimezone(facts.shop.zone).date()
        days = (harm_day - facts.as_of).days
        when = "today" if days <= 0 else f"{days} day{'s' if days != 1 else ''}, until {wording.day(harm_day)}"
        reason = f" ({style.outside(issue.harm_reason)})" if issue.harm_reason else ""
        said += f" Time to harm: {when}{reason}."
    return said


def already_done(facts: TicketFacts, style: Style) -> str:
    """What was done without asking, what waits for whom, and how to take it back."""
    done: list[str] = []
    undo = f"{style.command(f'insights verdict {facts.issue.insight_id} dismissed --reason …')} closes this ticket"
    hold = facts.hold
    if hold is not None:
        skus = f"{len(hold.skus)} product{'s' if len(hold.skus) != 1 else ''}"
        if hold.state == "active" and hold.expires_on is not None:
            done.append(f"paid promotion of {skus} held until {wording.day(hold.expires_on)}")
            undo = style.command(f"insights hold release {hold.hold_id}")
        elif hold.state == "proposed":
            place = style.command(f"insights hold place {hold.hold_id}")
            done.append(f"a promotion hold of {skus} is proposed, not placed ({style.outside(hold.reason)}): {place}")
        else:
            done.append(f"the promotion hold of {skus} has ended ({style.outside(hold.reason or hold.state)})")
    by_kind = {action.kind: action for action in facts.actions}
    told = by_kind.get("notification")
    if told is not None and told.state == "planned":
        done.append(f"{facts.shop.owners[told.owner].name} told")
    waiting = [_DRAFTS[kind] for kind in _DRAFTS if kind in by_kind and by_kind[kind].state == "awaiting_approval"]
    if waiting:
        team = facts.shop.owners[by_kind[next(k for k in _DRAFTS if k in by_kind)].owner].name
        done.append(f"{' and '.join(waiting)} drafted, {'waits' if len(waiting) == 1 else 'wait'} for {team}")
    if "escalation" in by_kind:
        done.append(f"on the escalation list of {facts.shop.owners[by_kind['escalation'].owner].name}")
    if not done:
        done.append("nothing outside this ticket")
    return f"{'; '.join(done)}. Undo: {undo}."


_DRAFTS = {"macro": "macro", "article": "article", "copy_change": "copy change"}


def _verdict_line(facts: TicketFacts, style: Style) -> str:
    issue = facts.issue
    if issue.verdict:
        reason = f" ({style.outside(issue.verdict_reason)})" if issue.verdict_reason else ""
        by = f" by {style.outside(issue.verdict_by)}" if issue.verdict_by else ""
        judged = f"{style.outside(issue.verdict)}{by}{reason}."
    else:
        confirm = style.command(f"insights verdict {issue.insight_id} confirmed")
        judged = f"{confirm}, or {style.command('dismissed --reason …')}."
    proof = style.command(f"insights trace {issue.insight_id}")
    line = f"{style.label('Right or wrong?')} {judged} {style.label('Proof')} {proof}"
    line += " (its records, score and versions)."
    return f"{line} {seen_after(facts)}".rstrip()


def seen_after(facts: TicketFacts) -> str:
    """How long after the first complaint the issue was seen, beside the promise."""
    first = facts.issue.first_said_at or facts.first_complaint_at
    if first is None or facts.issue.detected_at is None:
        return ""
    hours = max(0.0, (facts.issue.detected_at - first).total_seconds() / 3600)
    promise = facts.shop.policy.loop.promise_hours
    if hours < 1:
        return f"Seen within the hour of the first complaint (promise {promise} h)."
    kept = f"promise {promise} h" if hours <= promise else f"later than the promised {promise} h"
    return f"Seen {wording.elapsed(hours)} after the first complaint ({kept})."
