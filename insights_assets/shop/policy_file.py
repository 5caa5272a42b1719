"""`policy.yaml`: tiers, money, thresholds, gates, topics and the decision table.

Belongs here: reading that file and the rules that hold inside it: every topic has an owner, every topic and tier leads
to a decision, no row is out of reach. Does not belong here: applying the policy to an issue (`actions/policy.py`).
"""

from __future__ import annotations

from itertools import product

from insights_assets.shop.alerting import read_alerts, read_digest, read_escalation, read_quiet_hours, time_of_day
from insights_assets.shop.answering import read_answers
from insights_assets.shop.model import (
    ACTION_KINDS,
    CAUSE_ATTRIBUTES,
    CONDITIONS,
    Acceptance,
    CostParameters,
    Decision,
    Gate,
    HoldLimits,
    LoopPromise,
    Policy,
    Thresholds,
    Tier,
    TopicPolicy,
)
from insights_assets.shop.reading import Node
from insights_assets.shop.watching import read_watch

TIERS = (1, 2, 3)
#: The one topic that calls people at any tier.
SAFETY = "safety"
REQUIRED = (
    "decided_by",
    "decided_on",
    "tiers",
    "due_at",
    "opens_within_days",
    "money",
    "thresholds",
    "holds",
    "gates",
    "acceptance",
    "loop",
    "topics",
    "decisions",
)

#: Sections that a shop may leave out: it keeps their defaults.
OPTIONAL = ("learning", "answers", "alerts", "quiet_hours", "digest", "escalation")


def read_policy(node: Node, teams: tuple[str, ...]) -> Policy:
    """The policy, checked against the teams of owners.yaml."""
    top = node.mapping(REQUIRED, OPTIONAL)
    topics = {name: _topic(name, entry, teams) for name, entry in top["topics"].entries().items()}
    if not topics:
        top["topics"].fail("names no topic", "name each topic of the label set with an owner")
    money = top["money"].mapping(("customer_value", "harm_horizon_days"))
    decisions = tuple(_decision(item, tuple(topics), teams) for item in top["decisions"].items())
    _complete(top["decisions"], decisions, topics)
    _no_overlap(top["decisions"], decisions)
    tiers = _tiers(top["tiers"])
    quiet = read_quiet_hours(top.get("quiet_hours"))
    return Policy(
        decided_by=top["decided_by"].choice(teams),
        decided_on=top["decided_on"].day(),
        tiers=tiers,
        due_at=time_of_day(top["due_at"]),
        opens_within_days=top["opens_within_days"].whole(0, 365),
        customer_value=money["customer_value"].number(0, 1e6),
        harm_horizon_days=money["harm_horizon_days"].whole(1, 365),
        thresholds=_thresholds(top["thresholds"]),
        holds=_holds(top["holds"]),
        gates=_gates(top["gates"], teams),
        acceptance=_acceptance(top["acceptance"]),
        loop=_loop(top["loop"]),
        topics=topics,
        decisions=decisions,
        learning=read_watch(top.get("learning")),
        answers=read_answers(top.get("answers")),
        alerts=read_alerts(top.get("alerts")),
        quiet_hours=quiet,
        digest=read_digest(top.get("digest"), quiet),
        escalation=read_escalation(top.get("escalation")),
    )


def _tiers(node: Node) -> dict[int, Tier]:
    entries = node.mapping([str(tier) for tier in TIERS])
    tiers = {}
    names = ("name", "risk_share_of_daily_margin", "must_be_rising", "respond_within_hours", "due_within_hours")
    for tier in TIERS:
        fields = entries[str(tier)].mapping(names)
        tiers[tier] = Tier(
            tier=tier,
            name=fields["name"].text(),
            risk_share_of_daily_margin=fields["risk_share_of_daily_margin"].number(0, 1),
            must_be_rising=fields["must_be_rising"].flag(),
            respond_within_hours=fields["respond_within_hours"].whole(1, 8760),
            due_within_hours=fields["due_within_hours"].whole(1, 8760),
        )
        if tier > 1 and tiers[tier].risk_share_of_daily_margin >= tiers[tier - 1].risk_share_of_daily_margin:
            fields["risk_share_of_daily_margin"].fail(
                "is not below the tier above it", "lower it; tiers go from dear to cheap"
            )
        if tiers[tier].due_within_hours < tiers[tier].respond_within_hours:
            fields["due_within_hours"].fail("is due before anybody has to answer", "write at least respond_within_hours")
        if tier > 1 and tiers[tier].respond_within_hours < tiers[tier - 1].respond_within_hours:
            fields["respond_within_hours"].fail("is more urgent than the tier above it", "raise it; tiers go from urgent to calm")
    if tiers[3].risk_share_of_daily_margin != 0:
        entries["3"].fail("leaves issues without a tier", "set risk_share_of_daily_margin of tier 3 to 0")
    return tiers


def _thresholds(node: Node) -> Thresholds:
    fields = node.mapping(("sku", "repeated_issue", "safety"))
    sku = fields["sku"].mapping(("distinct_customers", "window_days", "lift"))
    repeated = fields["repeated_issue"].mapping(("tickets", "customers", "window_days", "drafts_per_day"))
    safety = fields["safety"].mapping(("reports_to_a_person", "independent_reports_for_tier_1"))
    if repeated["customers"].whole(1, 100_000) > repeated["tickets"].whole(1, 100_000):
        repeated["customers"].fail("can never be reached: more customers than tickets", "write at most the number of tickets")
    return Thresholds(
        sku_customers=sku["distinct_customers"].whole(1, 100_000),
        sku_window_days=sku["window_days"].whole(1, 365),
        sku_lift=sku["lift"].number(1, 1000),
        repeated_tickets=repeated["tickets"].whole(1, 100_000),
        repeated_customers=repeated["customers"].whole(1, 100_000),
        repeated_window_days=repeated["window_days"].whole(1, 365),
        repeated_drafts_per_day=repeated["drafts_per_day"].whole(0, 100),
        safety_reports_to_a_person=safety["reports_to_a_person"].whole(1, 1),
        safety_reports_for_tier_1=safety["independent_reports_for_tier_1"].whole(2, 100),
    )


def _holds(node: Node) -> HoldLimits:
    names = ("expires_after_days", "extension_days", "cap_share_of_revenue", "skus_at_most", "sku_share_of_evidence")
    fields = node.mapping(names, ("promoted_share_of_revenue",))
    promoted = fields.get("promoted_share_of_revenue")
    return HoldLimits(
        expires_after_days=fields["expires_after_days"].whole(1, 90),
        extension_days=fields["extension_days"].whole(1, 90),
        cap_share_of_revenue=fields["cap_share_of_revenue"].number(0, 1),
        skus_at_most=fields["skus_at_most"].whole(1, 1000),
        sku_share_of_evidence=fields["sku_share_of_evidence"].number(0, 1),
        **({"promoted_share_of_revenue": promoted.number(0, 1)} if promoted is not None else {}),
    )


def _gates(node: Node, teams: tuple[str, ...]) -> dict[str, Gate]:
    gates = {}
    for kind, entry in node.mapping(ACTION_KINDS).items():
        fields = entry.mapping(("team", "topic_precision", "evidence_records", "provisional", "approval"))
        team = fields["team"].choice(("owner", *teams))
        gates[kind] = Gate(
            team=None if team == "owner" else team,
            topic_precision=fields["topic_precision"].number(0, 1),
            evidence_records=fields["evidence_records"].whole(0, 100_000),
            proposes_when_provisional=fields["provisional"].choice(("act", "propose")) == "propose",
            needs_approval=fields["approval"].choice(("none", "before")) == "before",
        )
        if gates[kind].topic_precision > 0 and gates[kind].evidence_records == 0:
            fields["evidence_records"].fail("asks for a precision of no records", "write at least 1, or topic_precision 0.0")
    if not gates["escalation"].needs_approval:
        node.entries()["escalation"].fail(
            "would leave without a person", "set approval: before; no escalation leaves unapproved (R56)"
        )
    return gates


def _acceptance(node: Node) -> Acceptance:
    fields = node.mapping(("labels", "alerts", "runs"))
    labels = fields["labels"].mapping(("precision_low", "recall_low", "reviewed"))
    alerts = fields["alerts"].mapping(("confirmed_share", "closed"))
    runs = fields["runs"].mapping(("success_share", "days"))
    return Acceptance(
        label_precision_low=labels["precision_low"].number(0, 1),
        label_recall_low=labels["recall_low"].number(0, 1),
        labels_reviewed=labels["reviewed"].whole(1, 100_000),
        alerts_confirmed_share=alerts["confirmed_share"].number(0, 1),
        alerts_closed=alerts["closed"].whole(1, 100_000),
        runs_success_share=runs["success_share"].number(0, 1),
        runs_days=runs["days"].whole(1, 365),
    )


def _loop(node: Node) -> LoopPromise:
    names = ("promise_hours", "of_last", "late_at_most", "listed_below", "baseline_hours")
    fields = node.mapping(names)
    found = LoopPromise(**{name: fields[name].whole(0, 100_000) for name in names})
    if found.late_at_most > found.of_last:
        fields["late_at_most"].fail("allows more late actions than are counted", "write at most `of_last`")
    return found


def _topic(topic: str, node: Node, teams: tuple[str, ...]) -> TopicPolicy:
    fields = node.mapping(("owner", "title", "says", "cost", "next_steps"), ("owner_by_cause",))
    cost = fields["cost"].mapping(("p_refund", "p_churn", "handling", "silent_factor", "owner", "decided_on"))
    by_cause = fields["owner_by_cause"].mapping((), CAUSE_ATTRIBUTES) if "owner_by_cause" in fields else {}
    steps = fields["next_steps"].mapping(("default",), CAUSE_ATTRIBUTES)
    for step in steps.values():
        _step_can_be_filled(step)
    return TopicPolicy(
        topic=topic,
        owner=fields["owner"].choice(teams),
        owner_by_cause={attribute: team.choice(teams) for attribute, team in by_cause.items()},
        title=fields["title"].text(),
        says=fields["says"].text(),
        cost=CostParameters(
            p_refund=cost["p_refund"].number(0, 1),
            p_churn=cost["p_churn"].number(0, 1),
            handling=cost["handling"].number(0, 1e6),
            silent_factor=cost["silent_factor"].number(1, 1000),
            owner=cost["owner"].choice(teams),
            decided_on=cost["decided_on"].day(),
        ),
        next_steps={attribute: step.text() for attribute, step in steps.items()},
    )


def _step_can_be_filled(node: Node) -> None:
    default = node.field.endswith(".default")
    try:
        node.text().format(**({} if default else dict.fromkeys(CAUSE_ATTRIBUTES, "")))
    except (KeyError, IndexError, ValueError):
        allowed = "no placeholder" if default else ", ".join("{" + name + "}" for name in CAUSE_ATTRIBUTES)
        node.fail("has a placeholder that nothing fills", f"use {allowed} here")


def _decision(node: Node, topics: tuple[str, ...], teams: tuple[str, ...]) -> Decision:
    fields = node.mapping(("topics", "tiers", "owners", "actions"), ("when", "notify"))
    tiers = None
    if fields["tiers"].value != "any":
        tiers = frozenset(item.whole(1, 3) for item in fields["tiers"].items())
    actions = fields["actions"].texts(ACTION_KINDS)
    named = None if fields["topics"].value == "any" else frozenset(fields["topics"].texts(topics))
    calls = [kind for kind in ("notification", "promo_hold", "escalation") if kind in actions]
    if calls and (tiers is None or 3 in tiers) and named != frozenset({SAFETY}):
        what = "notifies at tier 3" if "notification" in calls else f"takes {calls[0]} at tier 3"
        fields["actions"].fail(what, f"take `{calls[0]}` out, or leave tier 3 to another row: tier 3 informs only (R133)")
    if "notify" in fields and "notification" not in actions:
        fields["notify"].fail("names a team that no notification goes to", "add `notification` to the actions, or take `notify` out")
    return Decision(
        topics=named,
        tiers=tiers,
        owners=None if fields["owners"].value == "any" else frozenset(fields["owners"].texts(teams)),
        when=fields["when"].choice(CONDITIONS) if "when" in fields else None,
        notify=fields["notify"].choice(teams) if "notify" in fields else None,
        actions=actions,
        line=node.line,
    )


def _no_overlap(node: Node, decisions: tuple[Decision, ...]) -> None:
    """No two rows name the same topic, tier, owner and condition: the second would never win there. A row for `any` may follow as the rest."""
    items = list(node.items())
    for second, later in enumerate(decisions):
        for earlier in decisions[:second]:
            shared = sorted(earlier.topics & later.topics) if earlier.topics is not None and later.topics is not None else []
            covers = (
                (earlier.when is None or earlier.when == later.when)
                and (earlier.owners is None or (later.owners is not None and bool(earlier.owners & later.owners)))
                and (earlier.tiers is None or (later.tiers is not None and bool(earlier.tiers & later.tiers)))
            )
            if shared and covers:
                tiers = sorted((earlier.tiers or set(TIERS)) & (later.tiers or set(TIERS)))
                items[second].fail(
                    f"decides {shared[0]}, tier {tiers[0]} again: line {earlier.line} wins", "take the topic or the tier out of one of the two rows"
                )


def _complete(node: Node, decisions: tuple[Decision, ...], topics: dict[str, TopicPolicy]) -> None:
    """Every topic, tier and possible owner leads to an unconditional row, and every row is the first for something."""
    reached: set[int] = set()
    for topic, tier in product(topics, TIERS):
        for owner in sorted({topics[topic].owner, *topics[topic].owner_by_cause.values()}):
            fits = [i for i, row in enumerate(decisions) if _fits(row, topic, tier, owner)]
            seen: set[str] = set()
            for index in fits:
                when = decisions[index].when
                if when not in seen:
                    reached.add(index)
                seen.add(when or "")
                if when is None:
                    break
            else:
                node.fail(
                    f"nothing is decided for {topic}, tier {tier}, owner {owner}",
                    "add a row without `when` that covers it",
                )
    for index, item in enumerate(node.items()):
        if index not in reached:
            item.fail("can never be reached: rows above it win", "move it up or remove it")


def _fits(row: Decision, topic: str, tier: int, owner: str) -> bool:
    return (
        (row.topics is None or topic in row.topics)
        and (row.tiers is None or tier in row.tiers)
        and (row.owners is None or owner in row.owners)
    )
