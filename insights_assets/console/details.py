"""*Insight* as values: the judged series, the parts of the money, every rate that was compared, the trace as a table.

Belongs here: preparing what the page shows beyond the card. Does not belong here: the card (`cards.py`), when things happened
(`timeline.py`), drawing (`views/insight.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.escaping import plain
from insights_assets.actions.model import Issue, day_of, map_of, number_of, text_of
from insights_assets.anomalies.detectors import DetectorSettings
from insights_assets.anomalies.statistics import z_of
from insights_assets.anomalies.tables import INSIGHTS
from insights_assets.anomalies.topics import SERIES_ATTRIBUTES
from insights_assets.console.people import Place
from insights_assets.console.plots import SeriesDay
from insights_assets.console.reading import DAYS_BEFORE_ONSET, InsightRows

Row = Mapping[str, Any]
#: The factors of money at risk, in the order in which they are multiplied, then its parts and what it is held against.
MONEY = (
    "excess_per_day", "excess_per_day_p10", "silent_factor", "cost_per_order", "order_value", "flagship_factor", "peak_factor", "trend_factor",
    "revenue_risk_per_day", "churn_risk_per_day", "operational_risk", "risk_per_day", "risk_per_day_p10", "daily_margin",
)  # fmt: skip
_ROLES = {"cause": "here", "outside": "the same but for the {}", "inside": "here, cut by {}", "alternative": "cannot be told from it"}


@dataclass(frozen=True)
class JudgedSeries:
    """One monitored series around the onset: topic and place in words, and its days."""

    name: str
    days: tuple[SeriesDay, ...]
    peak: float


def places_of(issue: Issue, place: Place) -> tuple[tuple[str, str], ...]:
    """Monitored series that may have rung for it: each attribute of its scope, cause and place, and the whole shop."""
    known = {**issue.attributes, **place.attributes}
    return (*((name, known[name]) for name in SERIES_ATTRIBUTES if name in known), ("all", "all"))


def judged_series(issue: Issue, found: InsightRows) -> tuple[JudgedSeries, ...]:
    """The stored series, the one that stood out most since the onset first."""
    counts = {(r["topic"], r["attribute"], r["value"], r["day"]): int(r["observed"]) for r in found.counts}
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in found.series:
        groups.setdefault((row["topic"], row["attribute"], row["value"]), []).append(row)
    first = (issue.onset_day or min((r["as_of_day"] for r in found.series), default=None)) if found.series else None
    series = []
    for (topic, attribute, value), rows in sorted(groups.items()):
        if first is None:
            break
        days = [
            SeriesDay(
                day=row["as_of_day"],
                observed=counts.get((topic, attribute, value, row["as_of_day"]), 0),
                usual=_per_day(row),
                z=number_of(row["z_peak"]),
                cusum=number_of(row["cusum"]),
                state=text_of(row["state"]) or "none",
                z_alarm=z_of(float(row["p_bound"]), len(DetectorSettings().windows)),
                cusum_alarm=float(row["cusum_bound"]),
            )
            for row in sorted(rows, key=lambda row: row["as_of_day"])
            if row["as_of_day"] >= first - timedelta(days=DAYS_BEFORE_ONSET)
        ]
        peak = max((day.z or 0.0 for day in days if day.day >= first), default=0.0)
        where = "whole shop" if attribute == "all" else f"{wording.noun(attribute)} {plain(value, 60)}"
        series.append(JudgedSeries(f"{topic.replace('_', ' ')}, {where}", tuple(days), peak))
    return tuple(sorted(series, key=lambda s: (-s.peak, s.name)))


def _per_day(row: Row) -> float | None:
    expected, window = number_of(row["expected"]), number_of(row["window_days"])
    return round(expected / window, 3) if expected is not None and window else None


def money_parts(row: Row) -> list[dict[str, Any]]:
    """How the money comes about: each stored factor with its meaning and unit, in the words of the table's own columns."""
    columns = {column.name: column for column in INSIGHTS.columns}
    parts = []
    for name in MONEY:
        value = number_of(row.get(name))
        if name in columns and value is not None:
            column = columns[name]
            unit = (column.unit or "").replace("reporting currency", text_of(row.get("currency")) or "reporting currency").replace(" per day", " a day")
            parts.append({"what it is": column.description, "value": value, "unit": unit, "stored as": name})
    return parts


def compared_rates(causes: Sequence[Row]) -> list[dict[str, Any]]:
    """Every rate and alternative of the cause search, in its order."""
    out = []
    for row in sorted(causes, key=lambda row: row["rank"]):
        role = _ROLES.get(row["role"], text_of(row["role"])).format(wording.noun(text_of(row["compared"])))
        if row["role"] == "cause" and row["status"]:
            role += f": {text_of(row['status']).replace('_', ' ')}"
        rate = number_of(row["rate"])
        out.append(
            {
                "what": role,
                "where": plain(text_of(row["text"]), 120) or _attributes(row),
                "share of orders": round(rate * 100, 2) if rate is not None else None,
                "people": number_of(row["observed"]),
                "orders": round(lines) if (lines := number_of(row["lines"])) is not None else None,
                "chance if alike": number_of(row["p_value"]),
            }
        )
    return out


def _attributes(row: Row) -> str:
    return plain(", ".join(f"{wording.noun(name)} {value}" for name, value in map_of(row["attributes"]).items()), 120)


def traced_records(answer: Mapping[str, Any], rules: Sequence[Row] = ()) -> list[dict[str, Any]]:
    """The governance trace as a table: record, label and who gave it, rules that fired, order, shipment, raw file and line."""
    fired: dict[str, set[str]] = {}
    for rule in rules:
        fired.setdefault(rule["feedback_id"], set()).add(str(rule["rule_id"]))
    out = []
    for record in answer.get("records") or ():
        raw, label = record["raw"], record["label"] or {}
        topics = ", ".join(str(entry["topic"]) for entry in label.get("topics") or ())
        version = label.get("model_version") if label.get("label_source") != "rule" else label.get("rules_version")
        file = text_of(raw.get("file"))
        line = raw.get("line")
        out.append(
            {
                "record": plain(f"{record['source']} {record['record_ref']}", 80),
                "raw file and line": plain(file + (f":{line}" if line else "")) or "not one line",
                "labels": plain(topics) or "none",
                "labelled by": plain(f"{text_of(label.get('label_source'))} {text_of(version)}") or "-",
                "rules that fired": plain(", ".join(sorted(fired.get(record["feedback_id"], ())))) or "-",
                "order": plain(text_of(record["order_id"])) or "-",
                "shipment": plain(text_of((record["shipment"] or {}).get("fulfilment_id"))) or "-",
                "raw table": text_of(raw["table"]),
                "payload sha256": text_of(raw["payload_sha256"]),
                "feedback id": str(record["feedback_id"]),
            }
        )
    return out


def theme_words(answer: Mapping[str, Any]) -> str:
    """The themes of the traced records; those that resemble none are counted, not named."""
    themes = [theme for theme in answer.get("themes") or () if theme["theme_id"]]
    alone = sum(int(theme["records"]) for theme in answer.get("themes") or () if not theme["theme_id"])
    said = [f"{plain(text_of(theme['name']), 80) or theme['theme_id']} ({theme['records']} records)" for theme in themes]
    if alone:
        said.append(f"{alone} record{'s' if alone != 1 else ''} in none")
    return "Themes: " + ("; ".join(said) or "none of its records is in a theme")


def score_words(issue: Issue, row: Row) -> str:
    """The rule or score that raised it, as sentences with the figures it went by (R120)."""
    detectors = {
        "rate_scan": "the scan of rates, which looks for more complaints than the parcels of those days explain",
        "cause_scan": "the scan of single causes (batch, carrier, product and so on)",
        "cusum": "the running excess (CUSUM), which adds up what is over usual day by day",
        "safety_report": "the rule for safety reports",
    }  # fmt: skip
    name = detectors.get(text_of(row.get("detector")), text_of(row.get("detector")) or "a detector that is not named")
    start, end = day_of(row.get("window_start")), day_of(row.get("window_end"))
    said = f"{issue.observed_count:g} people wrote" + (f" from {wording.day(start)} to {wording.day(end)}" if start and end else "")
    if issue.expected_count is not None:
        said += f"; {issue.expected_count:.1f} would be usual" + (f", so {issue.lift:.1f} times as many" if issue.lift else "")
    parts = [f"Raised by {name}.", f"{said}."]
    if issue.p_value is not None:
        often = wording.chance(issue.p_value)
        parts.append(f"By chance that happens {often} (p = {issue.p_value:.2g})." if often else f"By chance that happens with p = {issue.p_value:.2g} a day.")
    confidence = number_of(row.get("confidence"))
    if confidence is not None:
        parts.append(f"Confidence {confidence:.2f} of 1.")
    return " ".join(parts)
