"""What waits for a person: each action with who decides, since when, until when, what a yes does and how to take it back.

Belongs here: those words, from rows and the operational database. Does not belong here: drawing (`views/approvals.py`), deciding
(`actions/`). Every text may hold text from data, so a page shows it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert, plain
from insights_assets.actions.model import Issue, number_of, text_of
from insights_assets.actions.policy import due_at, owner_of
from insights_assets.actions.roles import approving_teams
from insights_assets.actions.ticket_form import PLAIN, TicketFacts
from insights_assets.actions.tickets import money_at_risk, what_happens
from insights_assets.console.cards import owner_name
from insights_assets.resources.operations.models import Approval
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Shop

Row = Mapping[str, Any]
LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch"}


@dataclass(frozen=True)
class Waiting:
    """One question to a person. `yes` and `no` are acts on `subject`; `grounds`: what was seen, beside what is usual; `sure`: how sure that is;
    `texts`: what it says, with a heading each."""

    subject: str
    yes: str
    no: str
    kind: str
    tier: int
    insight_id: str
    title: str
    deciders: tuple[str, ...]
    asked_at: datetime
    until: datetime | None
    effect: str
    undo: str
    why: str
    grounds: str
    sure: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HeldNow:
    """A running hold: what it keeps off promotion, until when, and who asked for longer."""

    hold: Hold
    title: str
    products: str
    bounds: str
    extension: str


def waiting(
    approvals: Iterable[Approval], holds: Sequence[Hold], tickets: Iterable[Row], drafts: Mapping[str, Sequence[Row]], shop: Shop, as_of: date, now: datetime,
    *, insights: Iterable[Row] = (), names: Mapping[str, str] | None = None,
) -> list[Waiting]:
    """Everything that waits, Tier 1 first, then what runs out first. `names`: of products by SKU."""
    known = {str(row["insight_id"]): row for row in insights}
    rows = {str(row["action_id"]): row for row in tickets}
    by_action = {hold.action_id: hold for hold in holds}
    found = []
    for approval in approvals:
        if approval.state == "waiting" and (approval.expires_at is None or approval.expires_at > now):
            row = rows.get(approval.action_id, {})
            hold = by_action.get(approval.action_id)
            effect, undo = effect_words(approval.kind, row, hold, shop, as_of, names)
            found.append(
                Waiting(
                    approval.action_id, "approve", "reject", approval.kind, int(row.get("tier") or 3), approval.insight_id, _title(row, approval.insight_id),
                    approving_teams(shop, approval.kind), approval.requested_at, approval.expires_at, effect, undo, _reason(row),
                    *grounds_words(known.get(approval.insight_id), shop, as_of),
                    _texts(row, drafts.get(approval.action_id, ())),
                )
            )  # fmt: skip
    asked = {entry.subject for entry in found}
    for hold in holds:
        if hold.state == "proposed" and hold.action_id not in asked:
            row = rows.get(hold.action_id, {})
            effect, undo = effect_words("promo_hold", row, hold, shop, as_of, names)
            found.append(
                Waiting(
                    hold.hold_id, "place", "release", "promo_hold", int(row.get("tier") or 3), hold.insight_id, _title(row, hold.insight_id),
                    approving_teams(shop, "promo_hold"), hold.created_at, None, effect, undo, plain(hold.state_reason or "", 200),
                    *grounds_words(known.get(hold.insight_id), shop, as_of), _texts(row, ()),
                )
            )  # fmt: skip
    return sorted(found, key=lambda entry: (entry.tier, entry.until is None, entry.until or entry.asked_at, entry.subject))


def grounds_words(row: Row | None, shop: Shop, as_of: date) -> tuple[str, str]:
    """(what was seen and what it costs, how sure that is); empty where no insight stands behind it."""
    if row is None:
        return "", ""
    issue = Issue.from_row(row)
    facts = TicketFacts(issue=issue, shop=shop, as_of=as_of, due_at=due_at(shop.policy, shop, as_of, issue.tier), owner=owner_of(issue, shop.policy))
    money = money_at_risk(issue, shop)
    confidence = number_of(row.get("confidence"))
    sure = "" if confidence is None else f"{'over 99 %' if confidence > 0.99 else f'about {confidence * 100:.0f} %'} that it is a real issue of this topic"
    if issue.provisional:
        sure = f"{sure}; provisional: people have checked too few records of this topic" if sure else "provisional: people have checked too few records of this topic"
    return f"{what_happens(facts, PLAIN)} {money[:1].upper()}{money[1:]}.", sure


def effect_words(kind: str, row: Row, hold: Hold | None, shop: Shop, as_of: date, names: Mapping[str, str] | None = None) -> tuple[str, str]:
    """(what a yes does, how to take it back)"""
    owner, destination = owner_name(text_of(row.get("owner")), shop), place_words(text_of(row.get("destination")))
    if kind == "promo_hold" and hold is not None:
        last = as_of + timedelta(days=shop.policy.holds.expires_after_days)
        verb = "brings" if len(hold.skus) == 1 else "bring"
        share = f", which {verb} {wording.share(hold.revenue_share)} of revenue" if hold.revenue_share is not None else ""
        return (
            f"Takes {products_words(hold, names)} out of paid promotion at once{share}: desk/holds.csv names {'it' if len(hold.skus) == 1 else 'them'} until {wording.day(last)}.",
            f"Release it here, or: insights hold release {hold.hold_id}. It ends by itself on {wording.day(last)}, and when the issue does.",
        )
    if kind == "macro":
        return f"The next run marks the draft as approved {destination}, so that {owner} may answer with it. Nothing is sent to customers.", "Take the macro out of use; the decision stays on record."
    if kind == "article":
        return f"The next run marks the draft as approved {destination}, so that {owner} may publish it. Nothing is published by itself.", "Unpublish the article; the decision stays on record."
    if kind == "escalation":
        return f"The next run brings the escalation to {owner} {destination}. Nothing leaves for anybody else.", "Close it there, with the reason."
    return f"The next run brings it to {owner} {destination}.", "Close it there, with the reason."


def place_words(destination: str) -> str:
    """`on the desk`, `in Jira (QA)`, `in Slack (#quality)`"""
    vendor, _, name = destination.partition(":")
    if vendor in ("", "desk"):
        return "on the desk"
    return f"in {inert(vendor.capitalize(), 20)} ({inert(name, 60)})"


def products_words(hold: Hold, names: Mapping[str, str] | None = None) -> str:
    """`1 product (Aurora lamp LMP-1)`"""
    listed = ", ".join(f"{inert((names or {}).get(sku, ''), 60)} {inert(sku, 40)}".strip() for sku in hold.skus[:5]) + (" …" if len(hold.skus) > 5 else "")
    return f"{len(hold.skus)} product{'s' if len(hold.skus) != 1 else ''} ({listed or 'none stands out'})"


def held_now(holds: Iterable[Hold], tickets: Iterable[Row], shop: Shop, names: Mapping[str, str] | None = None) -> list[HeldNow]:
    """Running holds, the one that ends first on top."""
    titles = {str(row["action_id"]): _title(row, str(row["insight_id"])) for row in tickets}
    found = []
    for hold in holds:
        if hold.state != "active":
            continue
        until = f"until {wording.day(hold.expires_on)}" if hold.expires_on else "without an end"
        by = f"placed by {inert(hold.placed_by, 60)}" if hold.placed_by and hold.placed_by != "policy" else "placed by the policy"
        on = f" on {wording.day(hold.placed_on)}" if hold.placed_on else ""
        share = f" · {wording.share(hold.revenue_share)} of revenue" if hold.revenue_share is not None else ""
        times = f" · extended {hold.extensions} time{'s' if hold.extensions != 1 else ''}" if hold.extensions else ""
        asked = ""
        if hold.extension_until is not None:
            asked = f"{inert(hold.extension_asked_by or 'somebody', 60)} asks to hold until {wording.day(hold.extension_until)}: a second person confirms it."
        found.append(HeldNow(hold, titles.get(hold.action_id, hold.insight_id), products_words(hold, names), f"{until} · {by}{on}{share}{times}", asked))
    return sorted(found, key=lambda entry: (entry.hold.expires_on or date.max, entry.hold.hold_id))


def waits_words(entry: Waiting, shop: Shop, now: datetime) -> str:
    """`Support decides · asked Mon 23 Nov, 21:00, waits for 3 h · until Thu 26 Nov, 21:00`"""
    names = [owner_name(team, shop) for team in entry.deciders] or ["nobody yet"]
    who = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    hours = max(0.0, (now - entry.asked_at).total_seconds() / 3600)
    waited = "less than an hour" if hours < 1 else wording.elapsed(hours)
    until = f"until {wording.moment(entry.until, shop.zone)}" if entry.until is not None else "until the issue ends"
    return f"{who} decides · asked {wording.moment(entry.asked_at, shop.zone)}, {waited} ago · {until}"


def head_words(entries: Sequence[Waiting], shop: Shop) -> str:
    """How many wait, and which runs out first."""
    if not entries:
        return "Nothing waits for a decision."
    said = f"{len(entries)} wait{'s' if len(entries) == 1 else ''} for a decision"
    ends = [entry.until for entry in entries if entry.until is not None]
    return said + (f"; the first runs out {wording.moment(min(ends), shop.zone)}." if ends else ".")


def took_words(approval: Approval) -> str:
    """How long a decision took."""
    if approval.decided_at is None:
        return ""
    hours = max(0.0, (approval.decided_at - approval.requested_at).total_seconds() / 3600)
    return "less than an hour" if hours < 1 else wording.elapsed(hours)


def _reason(row: Row) -> str:
    """Why a person is asked, where it says more than who decides."""
    reason = plain(text_of(row.get("state_reason")), 200)
    return "" if reason.endswith(" decides") else reason


def _title(row: Row, fallback: str) -> str:
    return plain(text_of(row.get("title")), 160) or fallback


def _texts(row: Row, drafts: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    if drafts:
        return tuple((LANGUAGES.get(str(draft["language"]), inert(str(draft["language"]), 20)), unmarked(text_of(draft["text"]))) for draft in sorted(drafts, key=lambda d: str(d["language"])))
    body = text_of(row.get("body"))
    return (("", unmarked(body)),) if body else ()


def unmarked(text: str) -> str:
    """The house's Markdown as plain words: headings, bold and escapes without their marks. Shown as text, it stays as inert as it was."""
    lines = [re.sub(r"^#{1,6} ", "", line) for line in text.splitlines()]
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", "\n".join(lines).replace("**", "")).strip()
