"""Every action as *Tickets* lists it: what it is, where it is, whether it arrived, who took it up, what people made of it.

Belongs here: those words, what can be filtered and searched. Does not belong here: drawing (`views/tickets.py`), giving a verdict. Every
text may hold text from data, so a page shows it as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import inert, plain
from insights_assets.actions.model import text_of, time_of
from insights_assets.actions.precision import Stamped
from insights_assets.console.cards import KINDS, Judgements, owner_name, verdict_words
from insights_assets.console.links import destination_link
from insights_assets.console.waiting import place_words
from insights_assets.resources.operations.models import Approval
from insights_assets.resources.operations.sending_tables import Hold, OutboxRow
from insights_assets.shop.model import Shop

Row = Mapping[str, Any]
#: How an action stands, in the order in which it needs somebody; fixed words.
STATES = (
    "could not be delivered", "may have arrived", "waits to be sent", "waits for approval", "ran out unanswered", "in force", "arrived", "taken up",
    "in work", "done", "approved", "rejected", "waits for the digest", "told with another", "asleep", "ended",
)  # fmt: skip
_BY_STATE = {
    "proposed": "waits for approval", "awaiting_approval": "waits for approval", "expired": "ran out unanswered", "approved": "approved", "rejected": "rejected",
    "digest": "waits for the digest", "snoozed": "asleep", "ended": "ended", "delivered": "arrived", "planned": "waits to be sent",
    "grouped": "told with another", "inhibited": "told with another",
}  # fmt: skip
#: What the outbox says where it is not done with an action, worst first.
_UNSETTLED = {"dead": "could not be delivered", "dropped": "could not be delivered", "unknown": "may have arrived", "sending": "waits to be sent", "waiting": "waits to be sent"}
_STAGES = {"acknowledge": "taken up", "start": "work began", "fix": "fixed", "close": "closed", "asked": "asked for a verdict"}


@dataclass(frozen=True)
class TicketLine:
    """One action. `state` is one of STATES; `link` leads to where it is, empty where there is no such address."""

    action_id: str
    kind: str
    owner: str
    state: str
    where: str
    link: str
    stamps: str


@dataclass(frozen=True)
class TicketCard:
    """The actions of one issue together. `judged`: what people said of it; `is_insight`: whether it can be judged at all."""

    insight_id: str
    title: str
    tier: int
    lines: tuple[TicketLine, ...]
    judged: str
    is_insight: bool
    newest_at: datetime | None
    search: str


@dataclass(frozen=True)
class Live:
    """What the operational database says at `now`, beside the published rows."""

    outbox: Sequence[OutboxRow]
    approvals: Sequence[Approval]
    stamps: Stamped
    judged: Judgements
    now: datetime


def ticket_cards(tickets: Iterable[Row], insights: Iterable[Row], live: Live, shop: Shop, hosts: Sequence[str]) -> list[TicketCard]:
    """Tier 1 first, then what needs somebody most, then the newest."""
    known = {str(row["insight_id"]) for row in insights}
    by_issue: dict[str, list[Row]] = {}
    for row in tickets:
        by_issue.setdefault(str(row["insight_id"]), []).append(row)
    sent: dict[str, list[OutboxRow]] = {}
    for entry in live.outbox:
        sent.setdefault(entry.action_id, []).append(entry)
    asked = {row.action_id: row for row in live.approvals}
    holds = {hold.action_id: hold for hold in live.judged.holds}
    cards = [_card(insight_id, mine, known, sent, asked, holds, live, shop, hosts) for insight_id, mine in by_issue.items()]
    return sorted(cards, key=lambda card: (card.tier, min(STATES.index(line.state) for line in card.lines), _minus(card.newest_at), card.insight_id))


def _card(
    insight_id: str, rows: list[Row], known: set[str], sent: Mapping[str, Sequence[OutboxRow]], asked: Mapping[str, Approval], holds: Mapping[str, Hold],
    live: Live, shop: Shop, hosts: Sequence[str],
) -> TicketCard:  # fmt: skip
    order = list(KINDS)
    rows = sorted(rows, key=lambda row: (order.index(row["kind"]) if row["kind"] in KINDS else 99, str(row["action_id"])))
    lines = tuple(_line(row, sent.get(str(row["action_id"]), ()), asked.get(str(row["action_id"])), holds.get(str(row["action_id"])), live, shop, hosts) for row in rows)
    title = next((found for row in rows if (found := plain(text_of(row.get("title")), 160))), insight_id)
    judged = verdict_words(live.judged.verdicts.get(insight_id), shop)
    words = [insight_id, title, text_of(rows[0].get("topic")), *(f"{line.action_id} {line.kind} {line.owner} {line.where}" for line in lines)]
    return TicketCard(
        insight_id=insight_id, title=title, tier=min(int(row["tier"]) for row in rows), lines=lines, judged=judged, is_insight=insight_id in known,
        newest_at=max((at for row in rows if (at := time_of(row.get("created_at")))), default=None), search=" ".join(words).casefold(),
    )  # fmt: skip


def _line(row: Row, sent: Sequence[OutboxRow], approval: Approval | None, hold: Hold | None, live: Live, shop: Shop, hosts: Sequence[str]) -> TicketLine:
    action_id, kind = str(row["action_id"]), str(row["kind"])
    there = live.stamps.get(action_id, {})
    worst = min(sent, key=lambda entry: list(_UNSETTLED).index(entry.state) if entry.state in _UNSETTLED else 99, default=None)
    state = _BY_STATE.get(text_of(row.get("state")), "waits to be sent")
    if approval is not None:
        state = {"waiting": "waits for approval", "expired": "ran out unanswered", "approved": "approved", "rejected": "rejected"}[approval.state]
        if approval.state == "waiting" and approval.expires_at is not None and approval.expires_at <= live.now:
            state = "ran out unanswered"  # the next run writes it down
    if worst is not None and worst.state in _UNSETTLED:
        state = _UNSETTLED[worst.state]
    elif state in ("arrived", "approved", "waits to be sent", "ended"):
        arrived = any(entry.state == "delivered" for entry in sent)
        state = "arrived" if arrived and state == "waits to be sent" else state
        for stage, reached in (("acknowledge", "taken up"), ("start", "in work"), ("fix", "done"), ("close", "done")):
            state = reached if stage in there else state
    if hold is not None and state not in _UNSETTLED.values():
        state = {"active": "in force", "proposed": "waits for approval"}.get(hold.state, "ended")  # a proposed hold can be placed at any time
    url = next((entry.url for entry in sent if entry.url), None)
    moments = [f"{_STAGES[stage]} {wording.moment(there[stage].at, shop.zone)}" for stage in _STAGES if stage in there]
    return TicketLine(
        action_id=action_id, kind=KINDS.get(kind, kind.replace("_", " ")), owner=owner_name(text_of(row.get("owner")), shop), state=state,
        where=_where(row, worst, approval, hold, state, shop), link=destination_link(url, hosts) or "", stamps=" · ".join(moments),
    )  # fmt: skip


def _where(row: Row, worst: OutboxRow | None, approval: Approval | None, hold: Hold | None, state: str, shop: Shop) -> str:
    """Where it is, or why it is nowhere yet."""
    asked = approval is not None and approval.state == "waiting"
    if hold is not None and (state in ("in force", "ended") or (state == "waits for approval" and not asked)):
        if hold.state == "active":
            return f"{len(hold.skus)} product{'s' if len(hold.skus) != 1 else ''} held until {wording.day(hold.expires_on) if hold.expires_on else 'it is released'}; undo: insights hold release {hold.hold_id}"
        return f"{hold.hold_id} is {hold.state}" + (f": {inert(hold.state_reason, 160)}" if hold.state_reason else "")
    if state == "waits for approval" and approval is not None:
        until = f" until {wording.moment(approval.expires_at, shop.zone)}" if approval.expires_at else ""
        return f"{owner_name(approval.team, shop)} decides{until}, on Approvals"
    if worst is not None and worst.state in _UNSETTLED:
        who = owner_name(worst.owner or text_of(row.get("owner")), shop)
        why = inert(worst.last_error or "", 200)
        then = {"dead": f"; {who} looks after it: insights outbox retry {worst.action_id}", "unknown": "; it is looked up before any second try"}.get(worst.state, "")
        return f"for {place_words(worst.destination).split(' ', 1)[1]}" + (f": {why}" if why else "") + then
    name, arrived = inert(text_of((worst.external_id if worst is not None else None) or row.get("external_id")), 80), time_of(row.get("delivered_at"))
    if worst is not None and worst.delivered_at is not None:
        arrived = worst.delivered_at
    if name:
        return f"{place_words(text_of(row.get('destination')))} as {name}" + (f", {wording.moment(arrived, shop.zone)}" if arrived else "")
    return inert(text_of(row.get("state_reason")), 200)


def kept(cards: Iterable[TicketCard], *, team: str = "", tier: int | None = None, state: str = "", words: str = "") -> list[TicketCard]:
    """Cards with an action that fits every filter; all words of the search must be found."""
    wanted = words.casefold().split()
    return [
        card
        for card in cards
        if (tier is None or card.tier == tier)
        and any((not team or line.owner == team) and (not state or line.state == state) for line in card.lines)
        and all(word in card.search for word in wanted)
    ]


def count_words(cards: Sequence[TicketCard], total: int) -> str:
    """`31 actions of 12 issues; 2 could not be delivered`"""
    lines = [line for card in cards for line in card.lines]
    said = f"{len(lines)} action{'s' if len(lines) != 1 else ''} of {len(cards)} issue{'s' if len(cards) != 1 else ''}"
    if len(cards) != total:
        said += f", of {total} in all"
    worst = [(state, sum(line.state == state for line in lines)) for state in STATES[:5]]
    return said + "".join(f"; {number} {state if number == 1 else _many(state)}" for state, number in worst if number)


def _many(state: str) -> str:
    return state.replace("waits ", "wait ", 1)


def _minus(moment: datetime | None) -> float:
    return -moment.timestamp() if moment is not None else 0.0
