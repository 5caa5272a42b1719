"""Detection against planted truth: which incidents became an insight, with which cause, and what was raised without reason.

Used by the demo's truth check, by drills and by tests. The pipeline itself never reads a truth file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from insights_assets.canonical.enrich import feedback_id

#: An insight belongs to an incident when at least this share of its evidence was written because of it.
EVIDENCE_SHARE = 0.3
#: Days by which an insight's onset may lie outside an incident and still be about it.
GRACE = timedelta(days=7)


@dataclass(frozen=True)
class Score:
    """How a run did against what was planted. `by_incident` maps incident id -> ids of the insights that tell of it."""

    planted: int
    found: int
    causes_named: int
    causes_right: int
    decoys_raised: int
    unexplained: tuple[str, ...]
    duplicates: tuple[str, ...]
    wrong_topic: tuple[str, ...]
    by_incident: Mapping[str, tuple[str, ...]]
    missed: tuple[str, ...]


def score(insights: Iterable[Mapping[str, Any]], truth: Mapping[str, Any]) -> Score:
    """Match insights to planted incidents by topic, cause and days, or else by their evidence records.

    `insights` are rows of `anomalies.insights` (insight_id, topic, cause, evidence_ids); `truth` is the simulator's truth.json.
    """
    cause_of = _reasons(truth)
    incidents = {incident["incident_id"]: incident for incident in truth["incidents"]}
    decoys = {decoy["decoy_id"] for decoy in truth.get("decoys", ())}
    alone = (truth.get("safety_alone") or {}).get("incident_id")
    by_incident: dict[str, list[Mapping[str, Any]]] = {name: [] for name in incidents}
    unexplained, wrong_topic, raised = [], [], 0
    for insight in insights:
        evidence = list(insight["evidence_ids"] if insight["evidence_ids"] is not None else ())
        reasons = Counter(cause_of.get(one) for one in evidence)
        named = [(count, name) for name, count in reasons.items() if name is not None]
        count, name = max(named, default=(0, None))
        told = _incident_told(insight, incidents.values())
        if told is not None and name not in decoys:
            by_incident[told].append(insight)
            continue
        if (name in decoys and count >= EVIDENCE_SHARE * len(evidence)) or _tells_of_promotion(insight, truth):
            raised += 1
        elif name is not None and name == alone:
            continue  # one safety report alone is no planted incident, but telling a person of it is right
        elif name in incidents and count >= EVIDENCE_SHARE * max(len(evidence), 1):
            if insight["topic"] == incidents[name]["topic"]:
                by_incident[name].append(insight)
            else:
                wrong_topic.append(insight["insight_id"])
        else:
            unexplained.append(insight["insight_id"])
    named_causes = right = 0
    for name, matches in by_incident.items():
        wanted = incidents[name].get("cause")
        if not matches or not wanted:
            continue
        named_causes += 1
        right += any(all(str(dict(match["cause"] or {}).get(k, "")).lower() == str(v).lower() for k, v in wanted.items()) for match in matches)
    return Score(
        planted=len(incidents), found=sum(bool(matches) for matches in by_incident.values()), causes_named=named_causes, causes_right=right,
        decoys_raised=raised, unexplained=tuple(unexplained),
        duplicates=tuple(m["insight_id"] for matches in by_incident.values() for m in matches[1:]), wrong_topic=tuple(wrong_topic),
        by_incident={name: tuple(m["insight_id"] for m in matches) for name, matches in by_incident.items()},
        missed=tuple(name for name, matches in by_incident.items() if not matches),
    )


def _incident_told(insight: Mapping[str, Any], incidents: Iterable[Mapping[str, Any]]) -> str | None:
    """The incident whose topic, planted cause and days are the insight's own, whatever records were picked as its evidence."""
    cause = {name: str(value).lower() for name, value in dict(insight["cause"] or {}).items()}
    for incident in incidents:
        wanted = incident.get("cause")
        if not wanted or incident["topic"] != insight["topic"]:
            continue
        if any(cause.get(name) != str(value).lower() for name, value in wanted.items()):
            continue
        first = date.fromisoformat(incident["onset_day"]) - GRACE
        last = date.fromisoformat(incident["end_day"]) + GRACE if incident["end_day"] else date.max
        if first <= insight["onset_day"] <= last:
            return str(incident["incident_id"])
    return None


def _tells_of_promotion(insight: Mapping[str, Any], truth: Mapping[str, Any]) -> bool:
    """Whether the insight is the decoy promotion: its product line, beginning while the promotion ran."""
    for decoy in truth.get("decoys", ()):
        if decoy.get("kind") == "promotion":
            scope = {**dict(insight["scope"] or {}), **dict(insight["cause"] or {})}
            if scope.get("product_line") == decoy["product_line"] and decoy["first_day"] <= str(insight["onset_day"]) <= decoy["last_day"]:
                return True
    return False


def _reasons(truth: Mapping[str, Any]) -> dict[str, str | None]:
    """feedback_id -> the incident or decoy that made the record, for every record of the truth."""
    reasons: dict[str, str | None] = {}
    for source, labels in truth["labels"].items():
        for ref, label in labels.items():
            reasons[feedback_id(source, ref)] = label.get("incident")
    return reasons
