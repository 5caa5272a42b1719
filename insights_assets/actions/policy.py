"""From issues to actions by the shop's decision table: which action, for whom, at once or only proposed.

Belongs here: the rules of R93 and R126 to R134 and the confidence gate (R146), as pure functions. Does not belong here:
doing anything, and the decisions themselves (`shop/policy.yaml`). One action per issue and kind, for ever: what is
known already is kept, never planned again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from insights_assets.actions.alerts import SAFETY, Seen, is_urgent
from insights_assets.actions.model import Evidence, Issue, PlannedAction
from insights_assets.actions.switchboard import Switchboard
from insights_assets.shop.model import Decision, Policy, Shop

SILENCING_VERDICTS = ("dismissed", "duplicate")


@dataclass(frozen=True)
class IssueFacts:
    """What a decision needs beside the issue's row, counted from its evidence.

    `customers`: distinct customers. `sku_customers`: distinct customers per SKU in the policy's window.
    `confidences`: calibrated confidence of the issue's topic in each record, 0 to 1, surest first.
    """

    customers: int = 0
    evidence_records: int = 0
    confidences: tuple[float, ...] = ()
    sku_customers: Mapping[str, int] = field(default_factory=dict)
    affected_skus: tuple[str, ...] = ()


def issue_facts(issue: Issue, evidence: Sequence[Evidence], policy: Policy, until: datetime) -> IssueFacts:
    """Count the facts of an issue from its evidence records; `until` ends the window of R93 (UTC)."""
    since = until - timedelta(days=policy.thresholds.sku_window_days)
    in_window: dict[str, set[str]] = {}
    overall: dict[str, set[str]] = {}
    for record in evidence:
        if record.sku:
            overall.setdefault(record.sku, set()).add(_voice(record))
            if since < record.occurred_at <= until:
                in_window.setdefault(record.sku, set()).add(_voice(record))
    confidences = [record.confidences[issue.topic] for record in evidence if issue.topic in record.confidences]
    return IssueFacts(
        customers=len({_voice(record) for record in evidence}) or issue.customers_count,
        evidence_records=len(evidence),
        confidences=tuple(sorted(confidences, reverse=True)),
        sku_customers={sku: len(voices) for sku, voices in sorted(in_window.items())},
        affected_skus=_affected_skus(issue, {sku: len(voices) for sku, voices in overall.items()}, policy),
    )


def decide(issue: Issue, facts: IssueFacts, policy: Policy) -> Decision:
    """The first row of the decision table that fits (R126). The table is complete, so there always is one."""
    owner = owner_of(issue, policy)
    for row in policy.decisions:
        if (
            (row.topics is None or issue.topic in row.topics)
            and (row.tiers is None or issue.tier in row.tiers)
            and (row.owners is None or owner in row.owners)
            and _condition_holds(row.when, issue, facts, policy)
        ):
            return row
    raise LookupError(f"{issue.insight_id}: no decision for {issue.topic}, tier {issue.tier}, owner {owner}")


def sku_past_threshold(issue: Issue, facts: IssueFacts, policy: Policy) -> bool:
    """R93: Tier 1 on one SKU, or enough distinct customers of one SKU in the window at enough lift."""
    if issue.tier == 1 and "sku" in issue.attributes:
        return True
    limits = policy.thresholds
    known = [issue.attributes["sku"]] if "sku" in issue.attributes else list(facts.sku_customers)
    enough = any(facts.sku_customers.get(sku, 0) >= limits.sku_customers for sku in known)
    return enough and (issue.lift or 0.0) >= limits.sku_lift


def plan(
    issues: Iterable[Issue],
    facts: Mapping[str, IssueFacts],
    shop: Shop,
    as_of: date,
    *,
    known: Iterable[PlannedAction] = (),
    decided_days: Mapping[str, date] | None = None,
    snoozed: Iterable[str] = (),
    seen: Mapping[str, Seen] | None = None,
    now: datetime | None = None,
) -> tuple[list[PlannedAction], dict[str, tuple[str, str]]]:
    """Every action there is after this run, and where alerts belong: insight id -> (channel, group).

    `decided_days`: action_id -> day on which a known action was decided (for the weekly alert budget). `snoozed`: insight ids that
    somebody put off. `seen`: what alerts remember. `now`: UTC, for the hour's budget and the quiet hours; by default the shop's noon.
    What cannot wait is decided first, then by tier, low bound of risk and id; an issue's actions in the order of the table.
    """
    moment = now or datetime.combine(as_of, time(12), shop.zone).astimezone(UTC)
    kept = {(action.insight_id, action.kind): action for action in known}
    sleeping = set(snoozed)
    acting = {issue.insight_id: issue for issue in issues if acts_on(issue, shop.policy, as_of)}
    awake = [issue for issue in acting.values() if issue.insight_id not in sleeping]
    ordered = sorted(awake, key=lambda i: (not is_urgent(i), i.tier, -(i.risk_per_day_p10 or 0.0), i.insight_id))
    rows = {issue.insight_id: decide(issue, facts.get(issue.insight_id, IssueFacts()), shop.policy) for issue in ordered}
    skus = {key: frozenset(facts.get(key, IssueFacts()).affected_skus) | frozenset({i.attributes["sku"]} if "sku" in i.attributes else ()) for key, i in acting.items()}
    told = {issue.insight_id for issue in ordered if issue.tier == 1 and issue.is_open and "notification" in rows[issue.insight_id].actions}
    board = Switchboard(acting, skus, shop, as_of, moment, known=kept.values(), decided_days=decided_days or {}, seen=seen or {}, told=told)
    for issue in ordered:
        for kind in rows[issue.insight_id].actions:
            before = kept.get((issue.insight_id, kind))
            if before is not None and not _may_move_on(before, issue, board):
                continue
            known_facts = facts.get(issue.insight_id, IssueFacts())
            if kind == "promo_hold" and not known_facts.affected_skus:
                continue  # spread so thin that no promotion stands for it; planned once one does
            action = _plan(issue, kind, rows[issue.insight_id], known_facts, shop)
            if kind == "notification" and action.state == "planned":
                action = board.route(action, issue)
            kept[(issue.insight_id, kind)] = action
    return sorted(kept.values(), key=lambda a: (a.insight_id, shop_order(a.kind))), board.places


def acts_on(issue: Issue, policy: Policy, as_of: date) -> bool:
    """Whether actions are opened: still open or seen lately, and nobody said that it is nothing."""
    if issue.verdict in SILENCING_VERDICTS:
        return False
    last_seen = issue.last_seen_day or issue.window_end or (issue.detected_at.date() if issue.detected_at else None)
    return issue.is_open or (last_seen is not None and (as_of - last_seen).days <= policy.opens_within_days)


def owner_of(issue: Issue, policy: Policy) -> str:
    """The team that owns the issue: as the insight says, else by topic and cause."""
    return issue.owner or policy.owner_of(issue.topic, issue.cause)


def due_at(policy: Policy, shop: Shop, as_of: date, tier: int) -> datetime:
    """When the next step is due (UTC): hours of the tier after the end of the shop's day, on the next due hour.

    Tiers 2 and 3 fall on working days. Follows from the day alone, so that a repeated run names the same time.
    """
    zone = shop.zone
    opened = datetime(as_of.year, as_of.month, as_of.day, tzinfo=zone) + timedelta(days=1)
    earliest = opened + timedelta(hours=policy.tiers[tier].due_within_hours)
    day = earliest.date()
    while datetime.combine(day, policy.due_at, zone) < earliest or (tier > 1 and day.weekday() >= 5):
        day += timedelta(days=1)
    return datetime.combine(day, policy.due_at, zone).astimezone(UTC)


def shop_order(kind: str) -> int:
    """The order in which actions of one issue are listed."""
    order = ("escalation", "defect_ticket", "notification", "promo_hold", "macro", "article", "copy_change")
    return order.index(kind)


# -- small print -------------------------------------------------------------------------------------------------------


def _voice(record: Evidence) -> str:
    """Who speaks: the customer, or the record where no customer is known."""
    return record.customer_key or f"record:{record.feedback_id}"


def _affected_skus(issue: Issue, customers: Mapping[str, int], policy: Policy) -> tuple[str, ...]:
    """The SKUs a hold would touch: the one that is named, else those that bring enough of the complaints, most
    first.
    """
    named = issue.attributes.get("sku")
    if named:
        return (named,)
    total = sum(customers.values())
    ranked = sorted(customers.items(), key=lambda item: (-item[1], item[0]))
    return tuple(sku for sku, count in ranked if count >= policy.holds.sku_share_of_evidence * total)


def _condition_holds(when: str | None, issue: Issue, facts: IssueFacts, policy: Policy) -> bool:
    if when == "sku_past_threshold":
        return sku_past_threshold(issue, facts, policy)
    if when == "independent_reports":
        return facts.customers >= policy.thresholds.safety_reports_for_tier_1
    return when is None


def _plan(issue: Issue, kind: str, row: Decision, facts: IssueFacts, shop: Shop) -> PlannedAction:
    gate = shop.policy.gates[kind]
    owner = gate.team or owner_of(issue, shop.policy)
    if kind == "notification" and row.notify:
        owner = row.notify
    team = shop.owners[owner]
    action = PlannedAction(
        insight_id=issue.insight_id,
        kind=kind,
        tier=issue.tier,
        owner=owner,
        destination=team.alert_destination if kind == "notification" else team.ticket_destination,
        state="awaiting_approval" if gate.needs_approval else "planned",
        state_reason=f"{team.name} decides" if gate.needs_approval else "",
        policy_line=row.line,
    )
    reason = "" if issue.topic == SAFETY else _below_gate(issue, kind, facts, shop.policy)
    return replace(action, state="proposed", state_reason=reason) if reason else action


def _below_gate(issue: Issue, kind: str, facts: IssueFacts, policy: Policy) -> str:
    """Why an action is only proposed, or an empty text (R146)."""
    gate = policy.gates[kind]
    if gate.proposes_when_provisional and issue.provisional:
        return "too few records are reviewed yet"
    sure = sure_records(facts.confidences, gate.topic_precision) if gate.topic_precision > 0 else facts.evidence_records
    if sure < gate.evidence_records:
        at = f" at label precision {gate.topic_precision:.2f}" if gate.topic_precision > 0 else ""
        return f"{sure} records{at}, {gate.evidence_records} are needed"
    return ""


def sure_records(confidences: Sequence[float], precision: float) -> int:
    """How many records, the surest first, carry the topic with this precision together: the most whose mean reaches it.

    A record that is less sure than the rest takes nothing away from those that are sure, so records below are left out
    instead of pulling the mean down.
    """
    total, sure = 0.0, 0
    for number, confidence in enumerate(sorted(confidences, reverse=True), start=1):
        total += confidence
        if total / number >= precision - 1e-9:
            sure = number
    return sure


def _may_move_on(before: PlannedAction, issue: Issue, board: Switchboard) -> bool:
    """Whether a known action may change: a proposal whose gate may be met now, or an alert whose reason to be held back is gone."""
    if before.state == "proposed":
        return True
    if before.state == "ended":
        return before.kind == "promo_hold" and issue.is_open and issue.reopened_count > 0  # the hold itself says whether it holds again
    if before.state in ("digest", "inhibited") and is_urgent(issue):
        return True
    if before.state == "inhibited":
        return not board.inhibitor(issue)
    return before.state == "grouped" and not board.is_led(before)
