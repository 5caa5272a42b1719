"""What two replays of the same days differ by: insights and their alerts that would appear, vanish, or be told otherwise.

Belongs here: pairing and words. Does not belong here: replaying. An insight's id holds the day it opened and where, so one that opens a day later
has another id: it is paired by topic and place and told as moved, not as one lost and one gained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insights_assets.actions.model import OPEN_STATES
from insights_assets.rehearsal.findings import Finding

#: Tiers whose insights are told to somebody (the third is content for the backlog).
_ALERTING = (1, 2)
Row = Mapping[str, Any]


def insight_findings(before: Sequence[Row], after: Sequence[Row]) -> list[Finding]:
    """One finding for each insight of either side, those that differ first."""
    pairs = _paired(before, after)
    found = [_finding(old, new) for old, new in pairs]
    order = {"vanishes": 0, "appears": 1, "moves": 2, "stays": 3}
    return sorted(found, key=lambda one: (order[one.answer], one.subject))


def _paired(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[Row | None, Row | None]]:
    left = {row["insight_id"]: row for row in after}
    pairs: list[tuple[Row | None, Row | None]] = []
    alone = []
    for old in sorted(before, key=lambda row: row["insight_id"]):
        same = left.pop(old["insight_id"], None)
        if same is not None:
            pairs.append((old, same))
        else:
            alone.append(old)
    for old in alone:
        near = min((row for row in left.values() if _is_about_the_same(old, row)), key=lambda row: (abs((row["opened_day"] - old["opened_day"]).days), row["insight_id"]), default=None)
        if near is not None:
            del left[near["insight_id"]]
        pairs.append((old, near))
    return [*pairs, *((None, row) for row in left.values())]


def _is_about_the_same(one: Row, other: Row) -> bool:
    """Same topic, and places that do not exclude each other."""
    mine, theirs = (dict(row["cause"] or row["scope"] or {}) for row in (one, other))
    return one["topic"] == other["topic"] and all(mine[name] == theirs[name] for name in set(mine) & set(theirs))


def _finding(old: Row | None, new: Row | None) -> Finding:
    row = new or old
    assert row is not None
    alerts = "with its alert" if row["tier"] in _ALERTING or row.get("is_urgent") else "without an alert"
    if old is None:
        return Finding("insight", row["insight_id"], "appears", f"{row['title']} (Tier {row['tier']}) would be seen from {row['opened_day']} on, {alerts}", after=_people(new))
    if new is None:
        return Finding("insight", row["insight_id"], "vanishes", f"{row['title']} (Tier {row['tier']}) would not be seen, {alerts}", before=_people(old))
    changes = []
    if old["opened_day"] != new["opened_day"]:
        changes.append(f"seen on {new['opened_day']} instead of {old['opened_day']}")
    if old["tier"] != new["tier"]:
        changes.append(f"Tier {new['tier']} instead of {old['tier']}")
    if (old["state"] in OPEN_STATES) != (new["state"] in OPEN_STATES):
        changes.append("running instead of over" if new["state"] in OPEN_STATES else "over instead of running")
    if dict(old["cause"] or {}) != dict(new["cause"] or {}):
        changes.append("another cause")
    words = f"{old['title']}: {'; '.join(changes) or 'as it is'}; {_people(old):,.0f} people would be {_people(new):,.0f}"
    return Finding("insight", old["insight_id"], "moves" if changes else "stays", words, before=_people(old), after=_people(new))


def _people(row: Row | None) -> float:
    return float(row["customers_count"] or 0) if row is not None else 0.0
