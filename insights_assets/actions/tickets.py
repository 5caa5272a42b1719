"""The ticket: what happens, where, what customers say, what to do next, what was done, how to undo it.

Belongs here: the form of a ticket and its sentences, but for *Where* (`whereabouts.py`). Does not belong here: deciding
what is done (`policy.py`), choosing quotes (`quotes.py`), writing files (`desk.py`). The form holds for every issue: a title
with topic, product and cause; at most 25 lines; every number beside what is usual; one next step with owner and date;
an undo; a verdict line; no internal ids in the first five lines.
"""

from __future__ import annotations

import re

from insights_assets.actions import wording
from insights_assets.actions.lives import history_words
from insights_assets.actions.model import Issue
from insights_assets.actions.ticket_form import MARKDOWN, PLAIN, Style, TicketFacts
from insights_assets.actions.whereabouts import where
from insights_assets.shop.model import Shop

MAX_LINES = 25
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


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
        [f"{style.label('Before')} {style.outside(before)}."] if (before := history_words(issue)) else [],
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
    tier = f"Tier {issue.tier}, {facts.shop.policy.tiers[issue.tier].name}" + (", provisional" if issue.provisional else "")
    return f"{style.strong(ticket_title(facts, style))} · {tier} · {money_at_risk(issue, facts.shop)}"


def money_at_risk(issue: Issue, shop: Shop) -> str:
    """`about 1,940 USD a day at risk (at least 1,210)`"""
    if issue.risk_per_day is None:
        return "money at risk not known: needs orders"
    currency = issue.currency or shop.reporting_currency
    low = ""
    if issue.risk_per_day_p10 is not None:
        least = wording.money(issue.risk_per_day_p10)
        low = " (could be nothing)" if least == "0" else f" (at least {least})"
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
        parts.append(f"chance alone does this {chance}")
    detail = f" ({'; '.join(parts)})" if parts else ""
    usual = "none" if issue.expected_count == 0 else wording.count(issue.expected_count)
    return f"{head}; {usual} would be usual{detail}."


def provisional(facts: TicketFacts, style: Style) -> str:
    """What is not proven yet, what that keeps from happening, and what ends it."""
    said = style.outside(facts.provisional_reason).rstrip(". ")
    if facts.hold is not None and facts.hold.state == "proposed":
        said += "; until enough are checked, only a person places a hold"
    elif facts.hold is not None and facts.hold.state == "active" and facts.issue.topic == "safety":
        said += "; the hold is placed all the same, safety does not wait"
    return f"{said}. To check them: {style.command('insights review export --out review.csv')}."


def _customers_say(facts: TicketFacts, style: Style) -> list[str]:
    if not facts.quotes:
        return [f"{style.label('Customers say')} nothing in words: the records are ratings or events."]
    lines = [style.label("Customers say")]
    for quote in facts.quotes:
        local = quote.occurred_at.astimezone(facts.shop.zone).date()
        source = quote.source.replace("_", " ").removesuffix("s")
        reference = f"{style.outside(source)} {style.outside(quote.record_ref)}"
        foreign = quote.language if quote.language not in ("", "und", facts.shop.languages[0]) else ""
        spoken = f", in {wording.LANGUAGES.get(foreign, style.outside(foreign))}" if foreign else ""
        lines.append(f"- “{style.outside(quote.text)}” ({reference}, {wording.day(local)}{spoken})")
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
        said += f" {_time_to_harm(facts, style)}"
    return said


def _time_to_harm(facts: TicketFacts, style: Style) -> str:
    """How long until it hurts more, or what makes it hurt more every day (R12, R25)."""
    issue = facts.issue
    assert issue.harm_at is not None
    harm_day = issue.harm_at.astimezone(facts.shop.zone).date()
    days = (harm_day - facts.as_of).days
    left = f"{days} day{'s' if days != 1 else ''}"
    reason = style.outside(issue.harm_reason)
    if reason.endswith(" runs until then"):
        event = reason.removesuffix(" runs until then")
        return f"Harm grows now: {event} goes on " + ("today." if days <= 0 else f"for {left}, until {wording.day(harm_day)}.")
    if reason.startswith("no promotion or season end"):  # the policy's default: it is a wish, and says so
        return f"No promotion or season end is near: settle it by {wording.day(harm_day)} ({left})."
    when = "today" if days <= 0 else f"{left}, until {wording.day(harm_day)}"
    return f"Time to harm: {when}{f' ({reason})' if reason else ''}."


def already_done(facts: TicketFacts, style: Style) -> str:
    """What was done without asking, what waits for whom, and how to take it back."""
    done: list[str] = []
    waits = ""
    undo = f"{style.command(f'insights verdict {facts.issue.insight_id} dismissed --reason …')} closes this ticket"
    hold = facts.hold
    if hold is not None:
        skus = f"{len(hold.skus)} product{'s' if len(hold.skus) != 1 else ''}"
        named = wording.product_words({"sku": hold.skus[0]}, facts.products, style.outside) if len(hold.skus) == 1 else skus
        if hold.state == "active" and hold.expires_on is not None:
            done.append(f"paid promotion of {named} held until {wording.day(hold.expires_on)}")
            undo = style.command(f"insights hold release {hold.hold_id}")
        elif hold.state == "proposed":
            keeper = next((facts.shop.owners[action.owner].name for action in facts.actions if action.kind == "promo_hold"), "a person")
            place = style.command(f"insights hold place {hold.hold_id}")
            waits = f" Waits for {keeper}: hold paid promotion of {named} ({style.outside(hold.reason)}): {place}."
            undo += " and drops the proposed hold"
        else:
            done.append(f"the promotion hold of {named} has ended ({style.outside(hold.reason or hold.state)})")
    by_kind = {action.kind: action for action in facts.actions}
    told = by_kind.get("notification")
    if told is not None and told.state == "planned":
        when = f" on {wording.moment(told.not_before, facts.shop.zone)}, after the quiet hours" if told.not_before else ""
        done.append(f"{facts.shop.owners[told.owner].name} told{when}")
    elif told is not None and told.state == "grouped":
        done.append(f"{facts.shop.owners[told.owner].name} told together with {told.told_with}")
    waiting = [_DRAFTS[kind] for kind in _DRAFTS if kind in by_kind and by_kind[kind].state == "awaiting_approval"]
    if waiting:
        team = facts.shop.owners[by_kind[next(k for k in _DRAFTS if k in by_kind)].owner].name
        done.append(f"{' and '.join(waiting)} drafted, {'waits' if len(waiting) == 1 else 'wait'} for {team}")
    if (escalated := by_kind.get("escalation")) is not None:
        keeper = facts.shop.owners[escalated.owner].name
        if escalated.state == "awaiting_approval":
            waits += f" Waits for a yes of {keeper}: the escalation."
        else:
            done.append(f"on the escalation list of {keeper}")
    if not done:
        done.append("nothing outside this ticket")
    return f"{'; '.join(done)}.{waits} Undo: {undo}."


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
    line += f" {style.label('Page')} {style.command(facts.page)}." if facts.page else ""
    return f"{line} {seen_after(facts)}".rstrip()


def seen_after(facts: TicketFacts) -> str:
    """How long after the first complaint (of a wish: the first request) the issue was seen, beside the promise."""
    first = facts.issue.first_said_at or facts.first_complaint_at
    if first is None or facts.issue.detected_at is None:
        return ""
    hours = max(0.0, (facts.issue.detected_at - first).total_seconds() / 3600)
    promise = facts.shop.policy.loop.promise_hours
    said_on = wording.day(first.astimezone(facts.shop.zone).date())
    said = wording.saying(facts.issue.topic)
    if hours < 1:
        return f"Seen within the hour of the first {said}, on {said_on} (promise {promise} h)."
    kept = f"promise {promise} h" if hours <= promise else f"later than the promised {promise} h"
    return f"Seen {wording.elapsed(hours)} after the first {said} of {said_on} ({kept})."
