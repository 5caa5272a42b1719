"""From an issue to the row people read: title, figures, money, tier, evidence, next step.

Belongs here: putting an insight and its root causes together. Not here: finding issues (`issues.py`) or the arithmetic of
risk (`priority.py`). Nothing here writes or sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies import causes, comparisons, priority
from insights_assets.anomalies.incidents import RESOLVED
from insights_assets.anomalies.issues import Issue, IssueSettings
from insights_assets.anomalies.leaves import Ledger
from insights_assets.anomalies.priority import PriorityRules
from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.scopes import Business
from insights_assets.anomalies.situations import Situation, situate
from insights_assets.anomalies.topics import BELONGS_TO, ORDERED_LINES, SHIPPED_LINES

if TYPE_CHECKING:
    from insights_assets.shop import Shop

#: Exemplars of an insight (R51), and the most records that are listed.
EXEMPLARS, RECORDS_AT_MOST = 8, 500
#: Days that money at risk is measured over, up to the last day the issue was seen.
RISK_DAYS = 7
#: Share of complaints from which on a SKU stands for an issue that names no product.
TOUCHED_SHARE = 0.1


@dataclass(frozen=True)
class Writing:
    """What every insight of a run shares. `end_of_day` gives the last instant (UTC) of a day; `occurred` the time of a record."""

    shop: Shop
    business: Business
    rules: PriorityRules
    end_of_day: Any
    occurred: Mapping[str, datetime]
    proven: frozenset[str] = frozenset()  # topics whose labels passed their gate
    settings: IssueSettings = field(default_factory=IssueSettings)


def insight_rows(ledger: Ledger, last_by_issue: Iterable[tuple[int, Issue]], writing: Writing) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(insights, root_causes) for issues, each as of the day it was last moved."""
    insights: list[dict[str, Any]] = []
    root_causes: list[dict[str, Any]] = []
    scenes: dict[tuple[str, int, int], Situation] = {}
    for day, issue in sorted(last_by_issue, key=lambda pair: (pair[1].topic, pair[0], pair[1].insight_id)):
        seen = min(issue.last_seen, day)
        key = (issue.signal_topic, seen, max(min(issue.onset, seen), seen - 56))
        if key not in scenes:
            scenes = {key: situate(ledger, key[0], seen, baseline_end=key[2])}
        row, rates = _one(scenes[key], day, issue, writing)
        insights.append(row)
        root_causes += rates
    return insights, root_causes


def title_of(topic_title: str, attributes: Mapping[str, str], business: Business) -> str:
    """Topic, product, cause: "Arrived damaged: glass lamps from WH-LEJ, packaging batch LEJ-PB07"."""
    if "sku" in attributes:
        product = business.products.get(attributes["sku"])
        what = f"{product.name} ({attributes['sku']})" if product and product.name != attributes["sku"] else attributes["sku"]
    else:
        what = attributes.get("product_line", "")
    parts = [what or ("orders" if attributes else "across the shop")]
    if "warehouse" in attributes:
        parts.append(f"from {attributes['warehouse']}")
    if "carrier" in attributes:
        parts.append(f"with {attributes['carrier']}")
    if "region" in attributes:
        parts.append(f"in {attributes['region']}")
    if "channel" in attributes:
        parts.append(f"by {attributes['channel'].replace('_', ' ')}")
    title = f"{topic_title}: {' '.join(parts)}"
    return f"{title}, packaging batch {attributes['packaging_batch']}" if "packaging_batch" in attributes else title


def exemplars(situation: Situation, rows: np.ndarray, chance: np.ndarray, at_most: int = EXEMPLARS) -> list[str]:
    """Most typical (surest labels that name all of the place, from days on which most was more than usual) and most recent ones.

    `chance`: for each row, how likely its day's complaint is one too many. Most typical first, one a person.
    """
    said = situation.said
    named = sum((said.codes[name][rows] >= 0).astype(int) for name in said.codes) if len(rows) else np.zeros(0)
    ids = said.feedback_id[rows].astype(str)
    days = -said.day[rows]
    typical = np.lexsort((ids, days, -np.asarray(named), -np.round(said.confidence[rows], 2), -np.round(chance * 4)))
    # The last days of an issue that fades are mostly the usual complaints; recent is what was said while it burnt.
    burning = chance >= chance.max(initial=0.0) / 2
    recent = np.lexsort((ids, days, ~burning))
    half = (at_most + 1) // 2
    chosen = list(dict.fromkeys([*typical[:half].tolist(), *recent.tolist(), *typical.tolist()]))[:at_most]
    return [str(ids[i]) for i in chosen]


def chance_of_excess(situation: Situation, place: Mapping[str, str], start: int, rows: np.ndarray) -> np.ndarray:
    """How likely each row is one too many: the share of its day's complaints (three days around it) above what is usual."""
    observed, expected = situation.daily(place, start)
    window = np.ones(3)
    seen, usual = np.convolve(observed, window, "same"), np.convolve(expected, window, "same")
    share = np.clip(1.0 - usual / np.maximum(seen, 1e-9), 0.0, 1.0)
    return share[np.clip(situation.said.day[rows] - start, 0, len(share) - 1)] if len(rows) else np.zeros(0)


def _one(situation: Situation, day: int, issue: Issue, writing: Writing) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    shop, business = writing.shop, writing.business
    place = issue.place
    seen = situation.day
    start = max(issue.onset, seen - writing.settings.longest_window + 1)
    people = situation.people(place, start, seen)
    if issue.reports:
        people = np.flatnonzero(np.isin(situation.said.feedback_id, issue.reports))
    scope = _scope(situation, issue)
    attributes = {**scope, **(issue.cause if issue.is_certain else {})}
    skus = _skus(situation, people)
    risk, excess, value = _risk(situation, issue, place, writing, skus=skus, scope=scope)
    margin = round(business.daily_margin(day), 2)
    rising = excess.is_rising and issue.incident.state not in (RESOLVED, "watching")
    tier = priority.tier_of(issue.topic, risk, margin, rising, reports=len(issue.reports), rules=writing.rules)
    policy = shop.policy.topics[issue.topic]
    harm_day, harm_reason = priority.harm_of(business.events, day, _touched(business, attributes, skus), _regions(attributes), writing.rules)
    event = business.related_event(issue.topic, attributes, issue.onset)
    mean_confidence = float(np.mean(situation.said.confidence[people])) if len(people) else 0.5
    records = [str(i) for i in situation.said.feedback_id[people]]
    times = [writing.occurred[i] for i in records if i in writing.occurred]
    use_case = next((c.id for c in sorted(shop.enabled_use_cases, key=lambda c: c.order) if issue.topic in c.topics), None)
    row = {
        "insight_id": issue.insight_id, "topic": issue.topic, "title": title_of(policy.title, shop.spoken(attributes), business), "state": issue.incident.state,
        "tier": tier, "is_urgent": bool(issue.reports), "provisional": issue.topic not in writing.proven, "use_case": use_case,
        "risk_per_day": risk.risk_per_day, "risk_per_day_p10": risk.risk_per_day_p10, "currency": shop.reporting_currency,
        "revenue_risk_per_day": risk.revenue_risk_per_day, "churn_risk_per_day": risk.churn_risk_per_day, "operational_risk": risk.operational_risk,
        "excess_per_day": excess.per_day, "excess_per_day_p10": excess.per_day_p10, "silent_factor": policy.cost.silent_factor,
        "order_value": round(value, 2), "cost_per_order": risk.cost_per_order, "flagship_factor": risk.flagship_factor,
        "peak_factor": risk.peak_factor, "trend_factor": excess.trend, "daily_margin": margin, "is_rising": rising,
        "harm_at": writing.end_of_day(harm_day), "harm_reason": harm_reason,
        "confidence": priority.confidence_of(mean_confidence, issue.p_value, issue.cause_status, len(issue.reports)),
        "customers_count": len(people), "owner": shop.policy.owner_of(issue.topic, issue.cause or issue.scope), "scope": scope,
        "cause": issue.cause, "cause_status": issue.cause_status,
        "cause_alternatives": json.dumps([dict(sorted(a.items())) for a in issue.alternatives], ensure_ascii=True),
        "related_event": event.name if event else None, "onset_day": date_of(issue.onset), "opened_day": date_of(issue.incident.opened),
        "last_seen_day": date_of(issue.last_seen), "detected_at": writing.end_of_day(issue.incident.opened),
        "first_said_at": min(times) if times else None, "window_start": date_of(start), "window_end": date_of(seen),
        "observed_count": len(people), "expected_count": _expected(situation, issue, place, start), "p_value": issue.p_value,
        "exposure_kind": _exposure_kind(issue, situation), "detector": issue.detector, "evidence_ids": exemplars(situation, people, chance_of_excess(situation, place, start, people)),
        "record_ids": records[-RECORDS_AT_MOST:], "recommended_step": shop.policy.next_step(issue.topic, shop.spoken(attributes)),
        "verdict": None, "verdict_reason": None, "verdict_by": None, "verdict_at": None, "judged_through_day": date_of(day),
    }  # fmt: skip
    row["lift"] = float(statistic(len(people) / row["expected_count"])) if row["expected_count"] else 0.0
    return row, [] if issue.reports else _rates(situation, issue, attributes, start)


def _risk(
    situation: Situation, issue: Issue, place: Mapping[str, str], writing: Writing, *, skus: Mapping[str, int], scope: Mapping[str, str]
) -> tuple[priority.Risk, priority.Excess, float]:
    business, policy = writing.business, writing.shop.policy
    first = max(issue.onset, situation.day - RISK_DAYS + 1)
    observed, expected = situation.daily(place, first)
    if issue.reports:  # no rate is known of a danger: each report stands for itself
        days = max(situation.day - issue.onset + 1, 1)
        excess = priority.Excess(float(statistic(len(issue.reports) / days)), 0.0, 1.0, True)
    else:
        excess = priority.excess_of(observed, expected, writing.rules)
    value = business.order_value(scope, situation.day)
    flagship = business.flagship_share(skus)
    peak = priority.peak_of(business.events, situation.day, skus, _regions(scope), writing.rules)
    risk = priority.risk_of(excess, policy.topics[issue.topic].cost, value, policy.customer_value, flagship_share=flagship, peak=peak, rules=writing.rules)
    return risk, excess, value


def _skus(situation: Situation, people: np.ndarray) -> dict[str, int]:
    """SKU -> people, for those who name one."""
    codes = situation.said.codes["sku"][people]
    names, counts = np.unique(codes[codes >= 0], return_counts=True)
    return {situation.coding.values["sku"][int(c)]: int(n) for c, n in zip(names, counts, strict=True)}


def _touched(business: Business, attributes: Mapping[str, str], skus: Mapping[str, int]) -> frozenset[str]:
    """SKUs by which the calendar touches an issue: those of its place, else those that bring a good part of its complaints.

    A promotion of one SKU does not touch an issue of the whole shop.
    """
    named = business.skus_of(attributes)
    total = sum(skus.values())
    return named or frozenset(sku for sku, n in skus.items() if n >= TOUCHED_SHARE * total) or frozenset({"none"})


def _scope(situation: Situation, issue: Issue) -> dict[str, str]:
    """What the issue concerns: its cause, and the product that all lines of the cause share."""
    scope = dict(issue.cause) if issue.is_certain else dict(causes.closed(situation, issue.scope))
    if scope:
        for name in ("product_line", "sku"):
            value = causes.only_value(situation, {k: v for k, v in scope.items() if k != "channel"}, name) if name not in scope else None
            if value is not None:
                scope[name] = value
    return scope


def _rates(situation: Situation, issue: Issue, attributes: Mapping[str, str], start: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    place = issue.cause if issue.is_certain else issue.scope
    for rate in comparisons.rates(situation, place, start, situation.day):
        is_cause = rate.role == "cause"
        rows.append(
            {
                "role": rate.role, "compared": rate.compared or None, "attributes": rate.attributes, "text": rate.text, "observed": rate.observed,
                "lines": rate.lines, "rate": float(statistic(rate.rate)), "p_value": rate.p_value if rate.role == "inside" else None,
                "status": issue.cause_status if is_cause else None, "score": issue.cause_score if is_cause else None,
            }
        )  # fmt: skip
    possible = [issue.cause] if issue.cause and not issue.is_certain else []
    for other in [*possible, *issue.alternatives]:
        rows.append(
            {
                "role": "alternative", "compared": None, "attributes": dict(other), "text": ", ".join(f"{k} {v}" for k, v in sorted(other.items())),
                "observed": len(situation.people(other, start, situation.day)), "lines": None, "rate": None, "p_value": None,
                "status": issue.cause_status, "score": issue.cause_score,
            }
        )  # fmt: skip
    return [{"insight_id": issue.insight_id, "rank": rank, **row} for rank, row in enumerate(rows)]


def _expected(situation: Situation, issue: Issue, place: Mapping[str, str], start: int) -> float:
    return 0.0 if issue.reports else float(statistic(situation.expected(place, start, situation.day)))


def _exposure_kind(issue: Issue, situation: Situation) -> str:
    if issue.reports:
        return "reports"
    if "channel" in situation.row_codes:
        return "records"
    if issue.signal_topic in BELONGS_TO:
        return "sessions"
    return SHIPPED_LINES if "warehouse" in situation.row_codes else ORDERED_LINES


def _regions(attributes: Mapping[str, str]) -> frozenset[str]:
    return frozenset({attributes["region"]}) if "region" in attributes else frozenset()


def date_of(day: int) -> Any:
    """A day number as a date."""
    return np.datetime64(day, "D").astype(object)
