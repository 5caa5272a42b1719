"""From planned actions to rows with their texts: tickets, alerts, drafts, holds; and what a run is given.

Belongs here: what each kind of action says and the row it becomes. Does not belong here: which actions there are
(`policy.py`, `repeated.py`) and the order of a run (`decide.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from insights_assets.actions import drafts as drafting
from insights_assets.actions import wording
from insights_assets.actions.alerts import Telling
from insights_assets.actions.escaping import inert
from insights_assets.actions.lives import history_words, state_word
from insights_assets.actions.model import (
    CauseRow,
    Evidence,
    Issue,
    PlannedAction,
    Product,
    day_of,
    number_of,
    text_of,
    time_of,
)
from insights_assets.actions.named import Named, parts_of
from insights_assets.actions.policy import SAFETY, IssueFacts, due_at, owner_of
from insights_assets.actions.quotes import choose_quotes
from insights_assets.actions.repeated import RepeatedIssue
from insights_assets.actions.ticket_form import MARKDOWN, HoldState, TicketFacts
from insights_assets.actions.tickets import do_next, render_ticket, ticket_title, what_happens
from insights_assets.resources.operations.models import Approval
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Shop

TICKET_KINDS = ("defect_ticket", "copy_change", "escalation")
DRAFT_KINDS = ("macro", "article")
#: Said of a provisional issue where it is not known how many records are reviewed.
PROVISIONAL = "people have checked too few records of this topic"


@dataclass(frozen=True)
class Known:
    """An action that an earlier run decided: the action, and its stored row, whose day and due time never change."""

    action: PlannedAction
    row: Mapping[str, Any]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Known:
        """From a row of `actions.planned_actions`."""
        action = PlannedAction(
            insight_id=str(row["insight_id"]),
            kind=str(row["kind"]),
            tier=int(row["tier"]),
            owner=str(row["owner"]),
            destination=str(row["destination"]),
            state=str(row["state"]),
            state_reason=text_of(row.get("state_reason")),
            policy_line=int(number_of(row.get("policy_line")) or 0),
            told_with=text_of(row.get("told_with")),
            not_before=time_of(row.get("not_before")),
        )
        return cls(action, row)

    @property
    def decided_day(self) -> date:
        day = day_of(self.row["decided_day"])
        if day is None:
            raise ValueError(f"{self.action.action_id} has no day")
        return day

    @property
    def due_at(self) -> datetime | None:
        return time_of(self.row["due_at"])


@dataclass(frozen=True)
class Inputs:
    """What the stage reads.

    `evidence`: insight id -> its records. `revenue_share`: SKU -> share of the last 28 days, None where orders are not
    known. `provisional_reasons`: topic -> how far its review is. `known`: action id -> what an earlier run decided;
    `daily_revenue`: SKU -> a day's revenue over the same days. `known_drafts`: action id -> its stored draft rows. `until`: the end of the shop's as-of day, UTC.
    `named`: insight id -> what its records name. `console_url`: where the console is, empty to name it nowhere.
    """

    issues: Sequence[Issue]
    causes: Mapping[str, Sequence[CauseRow]]
    evidence: Mapping[str, Sequence[Evidence]]
    products: Mapping[str, Product]
    revenue_share: Mapping[str, float] | None
    repeated: Sequence[RepeatedIssue]
    known: Mapping[str, Known]
    known_drafts: Mapping[str, Sequence[Mapping[str, Any]]]
    shop: Shop
    as_of: date
    until: datetime
    provisional_reasons: Mapping[str, str] = field(default_factory=dict)
    daily_revenue: Mapping[str, float] | None = None
    named: Mapping[str, Sequence[Named]] = field(default_factory=dict)
    console_url: str = ""

    def console_for(self, destination: str) -> str:
        """The console's address for who reads there: one of this machine alone stands in files of this machine alone."""
        is_here = urlsplit(self.console_url).hostname in ("127.0.0.1", "localhost", "::1")
        return "" if is_here and destination != "desk" else self.console_url


@dataclass
class Decided:
    """What the stage writes: rows of its tables, and the holds as they stand now.

    `tellings`: action id -> what an alert tells now; one that tells nothing keeps its words. `seen`: what alerts remember, to be stored
    after the rows.
    """

    actions: list[dict[str, Any]] = field(default_factory=list)
    drafts: list[dict[str, Any]] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    facts: dict[str, IssueFacts] = field(default_factory=dict)
    tellings: Mapping[str, Telling] = field(default_factory=dict)
    seen: Sequence[Mapping[str, Any]] = ()


def finish_issue(
    decided: Decided, issue: Issue, actions: Sequence[PlannedAction], hold: HoldState | None, inputs: Inputs
) -> None:
    about = ticket_facts(issue, actions, hold, inputs.until, inputs)
    for action in actions:
        due = _due(action, issue.topic, inputs)
        facts = replace(about, due_at=due, console=inputs.console_for(action.destination))
        body, title = "", ticket_title(facts)
        if action.kind in TICKET_KINDS:
            body = render_ticket(facts)
        elif action.kind == "notification":
            telling = decided.tellings.get(action.action_id)
            known = inputs.known.get(action.action_id)
            if known is not None and telling is None and known.action.state == action.state == "planned":
                body, title = text_of(known.row["body"]), text_of(known.row["title"])  # it is told; new figures alone tell nobody again
            else:
                body = render_alert(facts, action.owner, telling or Telling())
        elif action.kind == "promo_hold" and hold is not None:
            body = _hold_body(hold, facts)
        elif action.kind in DRAFT_KINDS:
            evidence = inputs.evidence.get(issue.insight_id, ())
            skus = decided.facts[issue.insight_id].affected_skus
            body = _add_drafts(
                decided, action, issue.topic, evidence, drafting.product_of(skus, inputs.products), inputs
            )
        held = hold if action.kind == "promo_hold" else None
        shown = _as_held(action, held) if held is not None else action
        row = _row(shown, issue.topic, title, body, due, issue.provisional, inputs)
        life = {"issue_state": state_word(issue), "reopened_count": issue.reopened_count, "links_to": issue.links_to or None}
        decided.actions.append({**row, **life, "hold_id": held.hold_id if held is not None else None})


def finish_repeated(decided: Decided, issue: RepeatedIssue, actions: Sequence[PlannedAction], inputs: Inputs) -> None:
    topic = inputs.shop.policy.topics[issue.topic]
    title = f"{topic.title}: {inert(issue.theme_name, 80)}, asked again and again"
    for action in actions:
        body = _add_drafts(decided, action, issue.topic, issue.evidence, None, inputs)
        row = _row(action, issue.topic, title, body, _due(action, issue.topic, inputs), False, inputs)
        decided.actions.append({**row, "issue_state": "open", "reopened_count": 0, "links_to": None, "hold_id": None})


def _add_drafts(
    decided: Decided,
    action: PlannedAction,
    topic: str,
    evidence: Sequence[Evidence],
    product: Product | None,
    inputs: Inputs,
) -> str:
    """Add the drafts of an action in each language; gives the text of the first as the action's body.

    A draft somebody decided on is not written anew: what was approved stays what it was.
    """
    stored = inputs.known_drafts.get(action.action_id, ())
    if action.state in ("approved", "rejected") and stored:
        decided.drafts += [{**row, "state": action.state, "kind": action.kind} for row in stored]
        return str(stored[0]["text"])
    make = drafting.macro_drafts if action.kind == "macro" else drafting.article_drafts
    made = make(topic, evidence, inputs.shop, product)
    for draft in made:
        decided.drafts.append(
            {
                "draft_id": f"{action.action_id}-{draft.language}",
                "action_id": action.action_id,
                "insight_id": action.insight_id,
                "topic": topic,
                "language": draft.language,
                "title": draft.title,
                "text": draft.text,
                "state": action.state,
                "kind": action.kind,
            }
        )
    return made[0].text


def _hold_body(hold: HoldState, facts: TicketFacts) -> str:
    skus = ", ".join(wording.product_words({"sku": sku}, facts.products, MARKDOWN.outside) for sku in hold.skus) or "none"
    until = f" until {wording.day(hold.expires_on)}" if hold.expires_on is not None else ""
    reason = f" ({inert(hold.reason)})" if hold.reason else ""
    verb = {"proposed": "Place it", "active": "Undo"}.get(hold.state)
    command = {"proposed": "place", "active": "release"}.get(hold.state)
    state = {"proposed": "proposed, not placed", "active": "placed"}.get(hold.state, hold.state)
    lines = [f"**{ticket_title(facts, MARKDOWN)}**", f"Hold of paid promotion, {state}{until}{reason}: {skus}."]
    if verb:
        lines.append(f"{verb}: `insights hold {command} {hold.hold_id}`.")
    return "\n\n".join(lines) + "\n"


def _as_held(action: PlannedAction, hold: HoldState) -> PlannedAction:
    """The action says what became of its hold."""
    if hold.state == "proposed":
        return replace(action, state="proposed", state_reason=hold.reason)
    if hold.state == "active":
        return replace(action, state="planned", state_reason=hold.reason)
    return replace(action, state="ended", state_reason=hold.reason or hold.state)


def _due(action: PlannedAction, topic: str, inputs: Inputs) -> datetime:
    known = inputs.known.get(action.action_id)
    stored = known.due_at if known is not None else None
    tier = 1 if topic == SAFETY else action.tier  # a danger does not wait for Thursday, whatever its money
    return stored or due_at(inputs.shop.policy, inputs.shop, inputs.as_of, tier)


def stored_row(action: PlannedAction, inputs: Inputs) -> dict[str, Any]:
    return dict(inputs.known[action.action_id].row)


def ticket_facts(
    issue: Issue, actions: Sequence[PlannedAction], hold: HoldState | None, due: datetime, inputs: Inputs
) -> TicketFacts:
    """Everything one issue's ticket is rendered from."""
    evidence = inputs.evidence.get(issue.insight_id, ())
    return TicketFacts(
        issue=issue,
        shop=inputs.shop,
        as_of=inputs.as_of,
        due_at=due,
        owner=owner_of(issue, inputs.shop.policy),
        causes=inputs.causes.get(issue.insight_id, ()),
        quotes=choose_quotes(
            issue.topic, evidence, language=inputs.shop.languages[0], dull=_name_words(issue, inputs.products)
        ),
        actions=actions,
        hold=hold,
        products=inputs.products,
        first_complaint_at=min((record.occurred_at for record in evidence), default=None),
        provisional_reason=inputs.provisional_reasons.get(issue.topic, PROVISIONAL) if issue.provisional else "",
        parts=parts_of(issue.topic, inputs.named.get(issue.insight_id, ()), _name_words(issue, inputs.products)),
    )


def _name_words(issue: Issue, products: Mapping[str, Product]) -> set[str]:
    """Words of the products an issue is about: they stand in any record about them, whatever it complains of."""
    attributes = issue.attributes
    meant = [
        product
        for product in products.values()
        if product.sku == attributes.get("sku") or product.product_line == attributes.get("product_line")
    ]
    words = {word for product in meant for word in f"{product.name} {product.product_line}".lower().split()}
    return words | {word.removesuffix("s") for word in words}


def render_alert(facts: TicketFacts, told: str, telling: Telling) -> str:
    """The note to a team: title, what happens, the next step, where the ticket is; why it comes again, and what else it tells of."""
    issue, tickets = facts.issue, facts.shop.owners[told].ticket_destination
    blocks = [
        f"**{ticket_title(facts, MARKDOWN)}** · Tier {issue.tier}",
        f"*For* {facts.shop.owners[told].name}. *What happens* {what_happens(facts, MARKDOWN)}",
        f"*Do next* {do_next(facts, MARKDOWN)}",
        f"*Ticket* {wording.ticket_place(tickets, issue.insight_id)}. {f'*Page* `{facts.page}`. ' if facts.page else ''}"
        f"*Not now?* `insights verdict {issue.insight_id} snooze --until …`",
    ]  # fmt: skip
    if before := history_words(issue):
        blocks.insert(2, f"*Before* {before}.")
    if telling.again and telling.before is not None:
        blocks.insert(1, f"*Again* told {wording.moment(telling.before, facts.shop.zone)}; {telling.again}.")
    if telling.members:
        most = facts.shop.policy.alerts.told_together_at_most
        lines = [f"- {ticket_title(replace(facts, issue=other), MARKDOWN)} (Tier {other.tier}): {wording.ticket_place(tickets, other.insight_id)}" for other in telling.members[:most]]
        lines += [f"- and {len(telling.members) - most} more"] if len(telling.members) > most else []
        blocks.append("*Also*\n" + "\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _row(
    action: PlannedAction, topic: str, title: str, body: str, due: datetime, provisional: bool, inputs: Inputs
) -> dict[str, Any]:
    known = inputs.known.get(action.action_id)
    return {
        "action_id": action.action_id,
        "insight_id": action.insight_id,
        "kind": action.kind,
        "tier": action.tier,
        "owner": action.owner,
        "destination": action.destination,
        "state": action.state,
        "state_reason": action.state_reason,
        "idempotency_key": action.idempotency_key,
        "topic": topic,
        "title": title,
        "body": body,
        "due_at": due,
        "is_provisional": provisional,
        "decided_day": known.decided_day if known is not None else inputs.as_of,
        "policy_sha256": known.row["policy_sha256"] if known is not None else inputs.shop.sha256,
        "policy_line": action.policy_line,
        "told_with": action.told_with or None,
        "not_before": action.not_before,
    }
