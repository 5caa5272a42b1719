"""Safety reports, judged one by one: a single one reaches a person at once, two independent ones are Tier 1 at any volume.

Belongs here: which reports belong to one issue, and when they are independent. Not here: rates; nobody waits for a rate here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from insights_assets.anomalies import causes, incidents
from insights_assets.anomalies.incidents import Incident, IncidentRules
from insights_assets.anomalies.issues import Issue, insight_id
from insights_assets.anomalies.leaves import Coding, Mentions, one_per_person
from insights_assets.anomalies.topics import BY_REPORT

if TYPE_CHECKING:
    import pandas as pd

#: Reports about the same SKU within so many days are one issue; an issue closes after so many days without a report.
TOGETHER_DAYS = 30
#: A label less sure than this is no report; it waits in the label reviewers' queue instead.
LEAST_CONFIDENCE = 0.6


def judge(
    mentions: Mentions, coding: Coding, topic: str, day: int, issues: list[Issue], reopen_days: int = IncidentRules.reopen_days
) -> list[Issue]:
    """Safety issues at the end of `day`. `mentions` are the topic's records; `issues` yesterday's safety issues.

    Reports are independent when different people make them. A report that names no SKU is an issue of its own product line,
    or of nothing but itself. A new report about the SKU of an issue that closed within `reopen_days` re-opens it.
    """
    sure = (mentions.known <= day) & (mentions.day <= day) & (mentions.day > day - TOGETHER_DAYS) & (mentions.confidence >= LEAST_CONFIDENCE)
    said = one_per_person(mentions.take(np.flatnonzero(sure)))
    by_place: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for i in np.argsort(said.day, kind="stable"):
        by_place.setdefault(_place(said, int(i), coding), []).append(int(i))
    result: dict[str, Issue] = {issue.insight_id: issue for issue in issues}
    for place, rows in sorted(by_place.items()):
        cell = {name: value for name, value in place if name != "feedback_id"}
        people = tuple(dict.fromkeys(str(said.feedback_id[i]) for i in rows))
        alike = [issue for issue in result.values() if _same(issue, cell, people)]
        lately = [i for i in alike if cell and i.incident.state == incidents.RESOLVED and day - i.incident.closed <= reopen_days]
        mine = next((issue for issue in alike if issue.incident.is_running), None) or next(iter(lately), None)
        first, last = int(said.day[rows].min()), int(said.day[rows].max())
        if mine is None:
            fresh = Issue(
                insight_id(topic, day, cell or {"feedback_id": people[0]}), topic, topic, Incident(incidents.OPEN, day, 0, -1, 0), cell, cell, cell,
                causes.CAUSE if "sku" in cell else causes.NOT_LOCALISED, 0.0, (), first, day, float(len(rows)), 0.0, 1.0, "safety_report", day, people,
            )  # fmt: skip
            if not any(set(people) <= set(issue.reports) for issue in result.values()):
                result[fresh.insight_id] = fresh
        elif not set(people) <= set(mine.reports):
            reports = tuple(dict.fromkeys((*mine.reports, *people)))
            life = mine.incident
            state, again = (incidents.ACTIVE, 0) if life.is_running else (incidents.OPEN, 1)
            result[mine.insight_id] = replace(
                mine, reports=reports, observed=float(len(reports)), incident=Incident(state, life.opened, 0, -1, life.reopened + again),
                last_seen=max(mine.last_seen, last), last_alarm=day,
            )  # fmt: skip
    return [_age(issue, day) for issue in result.values()]


def named_by_orders(said: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Mentions in which a report that names no SKU takes the one of its order that others reported before it.

    `said`: mentions with topic, sku, product_line, order_id, known_day, day. `lines`: order_id, sku of the orders of such reports.
    An order of several lines does not say which of them is dangerous; an earlier report does, when it names just one of them.
    """
    danger = said["topic"].isin(BY_REPORT)
    named = said[danger & said["sku"].notna()]
    found = said.copy()
    for row in said[danger & said["sku"].isna() & said["order_id"].notna()].itertuples():
        ordered = set(lines.loc[lines["order_id"] == row.order_id, "sku"])
        near = (named["known_day"] <= row.known_day) & ((row.day - named["day"]).abs() < timedelta(days=TOGETHER_DAYS))
        others = named[near & named["sku"].isin(ordered) & (named["person"] != row.person)]
        if others["sku"].nunique() == 1:
            found.loc[row.Index, ["sku", "product_line"]] = others.iloc[0][["sku", "product_line"]].to_numpy()
    return found


def _place(said: Mentions, row: int, coding: Coding) -> tuple[tuple[str, str], ...]:
    for names in (("sku", "product_line"), ("product_line",)):
        if said.codes[names[0]][row] >= 0:
            named = [(name, coding.values[name][said.codes[name][row]]) for name in names if said.codes[name][row] >= 0]
            return tuple(sorted(named))
    return (("feedback_id", str(said.feedback_id[row])),)


def _same(issue: Issue, cell: dict[str, str], people: tuple[str, ...]) -> bool:
    return issue.scope == cell if cell else bool(set(people) & set(issue.reports))


def _age(issue: Issue, day: int) -> Issue:
    """Open on its first day and where it comes back, then active; closed after TOGETHER_DAYS without a new report."""
    life = issue.incident
    if not life.is_running or life.opened == day or (life.state == incidents.OPEN and issue.last_alarm == day):
        return issue
    if day - issue.last_alarm >= TOGETHER_DAYS:
        return replace(issue, incident=Incident(incidents.RESOLVED, life.opened, 0, day, life.reopened))
    return replace(issue, incident=Incident(incidents.ACTIVE, life.opened, 0, -1, life.reopened))
