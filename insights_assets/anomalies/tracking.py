"""Issues day after day: alarms in, issues forward, their state into rows and back.

Belongs here: the loop over days at the grain of issues. Not here: how one alarm is judged (`issues.py`), safety reports
(`safety.py`).

Like the series, issues are judged with what was known by each day, and their state is a table (`issue_days`): going on from
stored rows equals never having stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies import incidents, safety
from insights_assets.anomalies.causes import CauseSettings
from insights_assets.anomalies.incidents import Incident, IncidentRules
from insights_assets.anomalies.issues import Alarm, Issue, IssueSettings, measure, refine, search, search_window, take_alarm
from insights_assets.anomalies.leaves import Ledger
from insights_assets.anomalies.panel import day_numbers
from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.situations import Situation, situate
from insights_assets.anomalies.topics import BELONGS_TO, BY_REPORT, CAUSE_ATTRIBUTES

if TYPE_CHECKING:
    import pandas as pd

#: What a series that is asked again is asked by (`judging.py` names it so).
RATE_SCAN = "rate_scan"
#: The columns of one issue and day, in order; the table adds run columns.
ROW = (
    "as_of_day", "insight_id", "topic", "signal_topic", "state", "opened_day", "quiet_days", "closed_day", "reopened_count", "scope", "cause",
    "cell", "cause_status", "cause_score", "alternatives", "onset_day", "last_seen_day", "last_alarm_day", "observed", "expected", "p_value",
    "detector", "reports", "mentions_known",
)  # fmt: skip


@dataclass(frozen=True)
class TrackingRules:
    """Everything that shapes issues, in one value."""

    issue: IssueSettings = field(default_factory=IssueSettings)
    cause: CauseSettings = field(default_factory=CauseSettings)
    life: IncidentRules = field(default_factory=IncidentRules)
    week: int = 7  # days before a series rang that are asked with it when it is asked again
    stir: float = 2.3  # largest z among a topic's series above which its places are searched


def track(
    ledger: Ledger, anomalies: pd.DataFrame, days: Iterable[int], *, before: Iterable[Issue] = (), rules: TrackingRules | None = None
) -> dict[int, list[Issue]]:
    """Issues at the end of each day: those that run, and those closed so lately that they may re-open.

    `anomalies`: rows of the table (columns of `judging.ROW`) that cover the days. `before`: issues at the end of the day before.
    """
    rules = rules or TrackingRules()
    alarms, stirring, lasting = alarms_by_day(anomalies), stirring_by_day(anomalies, rules.stir), lasting_by_day(anomalies, rules)
    standing = list(before)
    result: dict[int, list[Issue]] = {}
    for day in sorted(set(days)):
        standing = _one_day(ledger, day, alarms.get(day, []), stirring.get(day, set()), lasting.get(day, []), standing=standing, rules=rules)
        result[day] = standing
    return result


def alarms_by_day(anomalies: pd.DataFrame) -> dict[int, list[Alarm]]:
    """The series that opened, by day, most unlikely first; ties by name."""
    opened = anomalies[(anomalies["state"] == incidents.OPEN) & ~anomalies["topic"].isin(BY_REPORT)]
    result: dict[int, list[Alarm]] = {}
    for day, row in zip(day_numbers(opened["as_of_day"]), opened.itertuples(index=False), strict=True):
        result.setdefault(int(day), []).append(
            Alarm(str(row.topic), str(row.attribute), str(row.value), int(row.window_days), float(row.p_value), str(row.detector))
        )
    return _most_unlikely_first(result)


def lasting_by_day(anomalies: pd.DataFrame, rules: TrackingRules) -> dict[int, list[Alarm]]:
    """The series that opened on an earlier day and are above usual on this one, by day: what their first day did not confirm a later one may.

    Asked over the days since they rang and the week before; no less is asked of their places than a new alarm of that day would be.
    """
    later = anomalies[(anomalies["state"] == incidents.ACTIVE) & (anomalies["z_1d"] > 0) & ~anomalies["topic"].isin([*BY_REPORT, *BELONGS_TO])]
    result: dict[int, list[Alarm]] = {}
    for day, rang, row in zip(day_numbers(later["as_of_day"]), day_numbers(later["opened_day"]), later.itertuples(index=False), strict=True):
        past = int(day - rang)
        window, chance = min(past + rules.week, rules.issue.longest_window), min(float(row.p_value), float(row.p_bound))
        result.setdefault(int(day), []).append(
            Alarm(str(row.topic), str(row.attribute), str(row.value), window, chance, RATE_SCAN, rang=int(rang), looks=past + 1)
        )
    return _most_unlikely_first(result)


def _most_unlikely_first(by_day: dict[int, list[Alarm]]) -> dict[int, list[Alarm]]:
    for alarms in by_day.values():
        alarms.sort(key=lambda a: (a.p_value, a.attribute != "all", a.topic, a.attribute, a.value))
    return by_day


def stirring_by_day(anomalies: pd.DataFrame, least: float) -> dict[int, set[str]]:
    """The topics in which some series is unusual, though it need not ring, by day."""
    high = anomalies[(anomalies["z_peak"] >= least) & ~anomalies["topic"].isin([*BY_REPORT, *BELONGS_TO])]
    result: dict[int, set[str]] = {}
    for day, topic in zip(day_numbers(high["as_of_day"]), high["topic"], strict=True):
        result.setdefault(int(day), set()).add(str(topic))
    return result


def _one_day(
    ledger: Ledger, day: int, alarms: list[Alarm], stirring: set[str], lasting: list[Alarm], *, standing: list[Issue], rules: TrackingRules
) -> list[Issue]:
    kept = [i for i in standing if i.incident.is_running or day - i.incident.closed <= rules.life.reopen_days]
    lasting = [a for a in lasting if not any(_may_have_heard(i, a) for i in kept)]
    topics = sorted({i.topic for i in kept if i.topic not in BY_REPORT} | {BELONGS_TO.get(a.topic, a.topic) for a in [*alarms, *lasting]} | stirring)
    result: list[Issue] = []
    for topic in topics:
        ringing = [a for a in alarms if BELONGS_TO.get(a.topic, a.topic) == topic]
        again = [a for a in lasting if a.topic == topic]
        result += _one_topic(ledger, topic, day, ringing, again, stirs=topic in stirring, issues=[i for i in kept if i.topic == topic], rules=rules)
    for topic in sorted(BY_REPORT):
        result += safety.judge(ledger.of(topic), ledger.coding, topic, day, [i for i in kept if i.topic == topic], rules.life.reopen_days)
    return sorted(result, key=lambda i: (i.incident.opened, i.insight_id))


def _one_topic(
    ledger: Ledger, topic: str, day: int, alarms: list[Alarm], again: list[Alarm], *, stirs: bool, issues: list[Issue], rules: TrackingRules
) -> list[Issue]:
    if not alarms and not again and not stirs and not any(i.incident.is_running for i in issues):
        return [_later(i, day, rules) for i in issues]
    scenes: dict[str, Situation] = {}
    starts = [i.onset for i in issues if i.incident.is_running] + [day - a.window_days + 1 for a in [*alarms, *again]]
    starts += [day - search_window(day, rules.issue) + 1] if stirs else []
    # In whole weeks, so that the fit of a baseline serves several days.
    baseline_end = max(ledger.lags.anchor(min(starts)), day - 56)

    def scene(name: str) -> Situation:
        if name not in scenes:
            scenes[name] = situate(ledger, name, day, baseline_end=baseline_end)
        return scenes[name]

    current: list[Issue] = []
    quiet: dict[str, bool] = {}
    running = [i for i in issues if i.incident.is_running]
    for issue in running:
        others = [o for o in running if o.insight_id != issue.insight_id and o.signal_topic == issue.signal_topic]
        refined = refine(scene(issue.signal_topic), issue, others, rules.issue, rules.cause)
        measured, quiet[issue.insight_id] = measure(scene(issue.signal_topic), refined, others, rules.issue)
        current.append(measured)
    resting = [i for i in issues if not i.incident.is_running]
    rung: set[str] = set()
    for alarm in alarms:
        current, resting, told = _hear(scene, alarm, current, resting, day=day, rules=rules)
        if told:
            rung.add(told)
    for alarm in again:
        mates = [i for i in [*current, *resting] if i.signal_topic == alarm.topic]
        _, fresh = take_alarm(scene(alarm.topic), alarm, mates, settings=rules.issue, rules=rules.cause, life=rules.life)
        current += [fresh] if fresh is not None else []
    if stirs:
        found = search(scene(topic), [i for i in [*current, *resting] if i.signal_topic == topic], rules.issue, rules.cause)
        if found is not None:
            current, resting, told = _hear(scene, found, current, resting, day=day, rules=rules)
            rung |= {told} if told else set()
    moved = []
    for issue in current:
        if issue.incident.opened == day and issue.incident.state == incidents.OPEN:
            moved.append(issue)
            continue
        alarm_today = issue.insight_id in rung
        life = incidents.advance(issue.incident, day, alarm=alarm_today, quiet=quiet.get(issue.insight_id, False), rules=rules.life)
        moved.append(replace(issue, incident=life))
    return moved + [_later(i, day, rules) for i in resting]


def _hear(
    scene: Any, alarm: Alarm, current: list[Issue], resting: list[Issue], *, day: int, rules: TrackingRules
) -> tuple[list[Issue], list[Issue], str | None]:
    """Give one alarm to an issue that runs, to one that rests and wakes up, or open a new one."""
    if alarm.topic in BELONGS_TO:
        near = [i for i in current + resting if day - i.last_seen <= rules.issue.together_days]
        if near:
            return _told(near[0], current, resting, day)
        mates = [i for i in current if i.signal_topic == alarm.topic]
    else:
        # Once people complain in words, an issue that was only seen in sessions is measured by the words.
        current = [replace(i, signal_topic=alarm.topic) for i in current]
        mates = current
    asleep = [i for i in resting if i.signal_topic == alarm.topic]
    attached, fresh = take_alarm(scene(alarm.topic), alarm, mates + asleep, settings=rules.issue, rules=rules.cause, life=rules.life)
    if fresh is not None:
        return [*current, fresh], resting, None
    if attached is None:
        return current, resting, None
    current = [attached if i.insight_id == attached.insight_id else i for i in current]
    resting = [attached if i.insight_id == attached.insight_id else i for i in resting]
    return _told(attached, current, resting, day)


def _may_have_heard(issue: Issue, alarm: Alarm) -> bool:
    """Whether the issue took this series' alarm when it rang, as far as its row tells: it heard one since, and not of another place."""
    is_elsewhere = any(issue.place.get(name, value) != value for name, value in alarm.cell.items())
    return issue.topic == alarm.topic and issue.last_alarm >= alarm.rang and not is_elsewhere


def _told(issue: Issue, current: list[Issue], resting: list[Issue], day: int) -> tuple[list[Issue], list[Issue], str]:
    told = replace(issue, last_alarm=day, last_seen=day)
    rest = [i for i in resting if i.insight_id != issue.insight_id]
    awake = [told if i.insight_id == issue.insight_id else i for i in current]
    if len(rest) < len(resting):
        awake.append(told)
    return awake, rest, issue.insight_id


def _later(issue: Issue, day: int, rules: TrackingRules) -> Issue:
    return replace(issue, incident=incidents.advance(issue.incident, day, alarm=False, quiet=True, rules=rules.life))


def to_rows(by_day: dict[int, list[Issue]], mentions_known: dict[int, int]) -> pd.DataFrame:
    """Issues as rows of `issue_days` (columns ROW)."""
    import pandas as pd

    records: list[dict[str, Any]] = []
    for day, issues in sorted(by_day.items()):
        for i in issues:
            records.append(
                {
                    "as_of_day": _date(day), "insight_id": i.insight_id, "topic": i.topic, "signal_topic": i.signal_topic, "state": i.incident.state,
                    "opened_day": _date(i.incident.opened), "quiet_days": i.incident.quiet, "closed_day": _date(i.incident.closed),
                    "reopened_count": i.incident.reopened, "scope": i.scope, "cause": i.cause, "cell": i.cell, "cause_status": i.cause_status,
                    "cause_score": i.cause_score, "alternatives": json.dumps([dict(sorted(a.items())) for a in i.alternatives], ensure_ascii=True),
                    "onset_day": _date(i.onset), "last_seen_day": _date(i.last_seen), "last_alarm_day": _date(i.last_alarm),
                    "observed": i.observed, "expected": statistic(i.expected), "p_value": i.p_value, "detector": i.detector,
                    "reports": list(i.reports), "mentions_known": mentions_known.get(day, 0),
                }
            )  # fmt: skip
    return pd.DataFrame(records, columns=list(ROW))


def from_rows(rows: pd.DataFrame, day: int) -> list[Issue]:
    """The issues at the end of `day`, from stored rows."""
    if rows.empty:
        return []
    chosen = rows[day_numbers(rows["as_of_day"]) == day]
    issues = []
    for r in chosen.to_dict("records"):
        life = Incident(str(r["state"]), _day(r["opened_day"]), int(r["quiet_days"]), _day(r["closed_day"]), int(r["reopened_count"]))
        issues.append(
            Issue(
                r["insight_id"], r["topic"], r["signal_topic"], life, _cell(r["scope"]), _cell(r["cause"]), _cell(r["cell"]), r["cause_status"],
                float(r["cause_score"]), tuple(dict(a) for a in json.loads(r["alternatives"])), _day(r["onset_day"]), _day(r["last_seen_day"]),
                float(r["observed"]), float(r["expected"]), float(r["p_value"]), r["detector"], _day(r["last_alarm_day"]), tuple(r["reports"]),
            )
        )  # fmt: skip
    return sorted(issues, key=lambda i: (i.incident.opened, i.insight_id))


def _cell(value: Any) -> dict[str, str]:
    """A stored map in the order in which cells are built."""
    given = dict(value)
    return {name: given[name] for name in CAUSE_ATTRIBUTES if name in given}


def _date(day: int) -> Any:
    return None if day < 0 else np.datetime64(day, "D").astype(object)


def _day(value: Any) -> int:
    import pandas as pd

    return -1 if value is None or pd.isna(value) else int(np.datetime64(value, "D").astype(np.int64))
