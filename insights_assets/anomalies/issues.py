"""From alarms to issues: one issue is one topic and one cause, however many series rang.

Belongs here: what an issue is, its evidence of a day, and how alarms of a day attach to issues or open new ones. Not here: the
search of a cause (`causes.py`), the loop over days and the rows (`tracking.py`), money and words (`priority.py`, `insights.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from insights_assets.anomalies import causes, incidents
from insights_assets.anomalies.causes import Candidate, CauseSettings
from insights_assets.anomalies.incidents import NO_INCIDENT, Incident, IncidentRules
from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.situations import Situation
from insights_assets.anomalies.statistics import signed_root, upper_tail
from insights_assets.anomalies.topics import BELONGS_TO


@dataclass(frozen=True)
class IssueSettings:
    """How alarms become issues. Days and shares."""

    explained_share: float = 0.5  # an alarm whose excess is explained to this share belongs to the issue
    residual_p: float = 1e-3  # what is left must be this unlikely to be news
    residual_p_beside: float = 1e-6  # the same for an issue without a certain cause beside one that runs
    longest_window: int = 28
    onset_moves_days: int = 7  # days after opening in which the onset may still be corrected
    possible_share: float = 0.4  # of the issue's excess; a possible cause that explains less is not named
    search_days: tuple[int, ...] = (14, 28, 14)  # windows, day by day in turn, in which places are searched where a topic only stirs
    search_score: float = 9.0
    search_dispersed: float = 7.0  # clean histories reached 6.5 over 14 days and 5.4 over 28
    search_lift: float = 3.0
    search_people: int = 6
    look_again: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 14, 21, 28)  # days after opening on which a certain cause is searched again
    opening_p: float = 2e-4  # of the place over its own window; an alarm that its own place does not confirm opens nothing
    opening_p_channel: float = 1e-5  # a single channel rings when few people talk much there
    dispersion: float = 0.05
    drift: float = 0.004
    quiet_p: float = 0.05
    together_days: int = 7  # cart abandonment within so many days of a site issue is the same issue


@dataclass(frozen=True)
class Alarm:
    """A series that opened an incident today."""

    topic: str
    attribute: str
    value: str
    window_days: int
    p_value: float
    detector: str
    inside: tuple[tuple[str, str], ...] = ()  # further attributes, where the place is a combination
    rang: int = -1  # the day its series opened, where that was an earlier one
    looks: int = 1  # days on which its place was looked at so far: each further look must show something as much rarer

    @property
    def cell(self) -> dict[str, str]:
        return {} if self.attribute == "all" else {self.attribute: self.value, **dict(self.inside)}


@dataclass(frozen=True)
class Issue:
    """An issue at the end of a day. Days are days since 1970; counts are people.

    `scope`: where the alarm rang. `cause`: the best cell found so far, closed under implication, empty when none.
    """

    insight_id: str
    topic: str
    signal_topic: str  # the monitored topic that it is measured by (cart abandonment before anybody complained)
    incident: Incident
    scope: dict[str, str]
    cause: dict[str, str]
    cell: dict[str, str]  # the cause as found, before closure
    cause_status: str
    cause_score: float
    alternatives: tuple[dict[str, str], ...]
    onset: int
    last_seen: int
    observed: float
    expected: float
    p_value: float
    detector: str
    last_alarm: int
    reports: tuple[str, ...] = field(default_factory=tuple)  # safety: independent reporters

    @property
    def is_certain(self) -> bool:
        return self.cause_status in (causes.CAUSE, causes.TIED)

    @property
    def place(self) -> dict[str, str]:
        """The cell the issue is measured in."""
        return self.cell if self.is_certain else self.scope

    @property
    def lift(self) -> float:
        return self.observed / max(self.expected, 1e-9)


def insight_id(topic: str, opened: int, place: dict[str, str]) -> str:
    """The stable id: topic, first opening day, place at the opening."""
    text = json.dumps([topic, str(np.datetime64(opened, "D")), sorted(place.items())], ensure_ascii=True)
    return "INS-" + hashlib.sha256(text.encode()).hexdigest()[:8]


def window_of(issue: Issue, day: int, settings: IssueSettings) -> int:
    """First day of the window an issue is measured over."""
    return max(issue.onset, day - settings.longest_window + 1)


def boosts_of(situation: Situation, others: Sequence[Issue], start: int, end: int) -> list[tuple[dict[str, str], float]]:
    """The excess of other issues as cells with their lift in the days [start, end]; broad ones first."""
    boosts: list[tuple[dict[str, str], float]] = []
    for issue in sorted(others, key=lambda i: (len(i.place), i.insight_id)):
        expected = situation.expected(issue.place, start, end, boosts)
        observed = len(situation.people(issue.place, start, end))
        if expected > 0 and observed > expected:
            boosts.append((issue.place, observed / max(expected, 0.25)))
    return boosts


def tail_of(situation: Situation, observed: float, expected: float, days: int, settings: IssueSettings, *, tests: int = 1) -> float:
    """P of so many people or more where `expected` are usual."""
    z = _excess(situation, np.array([observed]), np.array([expected]), np.array([days]), settings)
    return float(statistic(upper_tail(float(z[0]), tests)))


def _excess(situation: Situation, observed: np.ndarray, expected: np.ndarray, days: np.ndarray, settings: IssueSettings) -> np.ndarray:
    """z of people in windows of so many days: what one day scatters, how well the baseline is known, and what no baseline explains."""
    usual = np.maximum(situation.usual_a_day * days, 1e-9)
    support = np.maximum(situation.baseline_people * np.minimum(1.0, expected / usual), 0.5)
    alpha = settings.dispersion / np.maximum(days, 1) + 1.0 / (support + 0.5) + settings.drift
    return signed_root(observed, expected, alpha)


def measure(situation: Situation, issue: Issue, others: Sequence[Issue], settings: IssueSettings) -> tuple[Issue, bool]:
    """The issue with today's figures, and whether its place looks usual again."""
    day = situation.day
    start = window_of(issue, day, settings)
    quiet_p = 1.0
    certain = [other for other in others if other.is_certain]
    for days in (3, 7):
        boosts = boosts_of(situation, certain, day - days + 1, day) if not issue.is_certain else []
        expected = situation.expected(issue.place, day - days + 1, day, boosts)
        seen = len(situation.people(issue.place, day - days + 1, day))
        quiet_p = min(quiet_p, tail_of(situation, seen, expected, days, settings, tests=2))
    quiet = quiet_p > settings.quiet_p
    if quiet:
        return issue, True
    observed = len(situation.people(issue.place, start, day))
    expected = float(statistic(situation.expected(issue.place, start, day)))
    p = tail_of(situation, observed, expected, day - start + 1, settings)
    return replace(issue, observed=float(observed), expected=expected, p_value=p, last_seen=day), False


def onset_of(situation: Situation, place: dict[str, str], reach: int, settings: IssueSettings) -> int:
    """The day from which on the excess of the place is most unlikely, by the measure that must confirm it (`tail_of`).

    A measure that knows no doubt about the baseline would reach back over weeks that are hardly above it, and lose in the
    long window what the short one showed.
    """
    start = situation.day - reach + 1
    observed, expected = situation.daily(place, start)
    o = np.cumsum(observed[::-1])[::-1]
    e = np.maximum(np.cumsum(expected[::-1])[::-1], 0.05)
    first = int(np.argmax(_excess(situation, o, e, np.arange(reach, 0, -1), settings)))
    hits = np.flatnonzero(observed[first:] > 0)
    return start + first + (int(hits[0]) if len(hits) else 0)


def refine(situation: Situation, issue: Issue, others: Sequence[Issue], settings: IssueSettings, rules: CauseSettings) -> Issue:
    """Look for the cause again with what is known now; a certain cause is only replaced by a stronger one."""
    day = situation.day
    if issue.is_certain and (day - issue.incident.opened not in settings.look_again or issue.incident.state == incidents.WATCHING):
        return issue
    start = window_of(issue, day, settings)
    certain = [other for other in others if other.is_certain]
    boosts = boosts_of(situation, certain, start, day)
    found = causes.scan(situation, start, day, rules, boosts)
    excess = len(situation.people(issue.place, start, day)) - situation.expected(issue.place, start, day, boosts)
    for candidate in found:
        status = causes.status_of(candidate, rules)
        if status == causes.POSSIBLE and candidate.excess < settings.possible_share * excess:
            continue  # a whisper inside a wide rise is no cause
        is_finer = set(issue.cell.items()) < set(candidate.cell.items())
        is_coarser = set(candidate.cell.items()) < set(issue.cell.items())
        if issue.is_certain and (status == causes.POSSIBLE or is_coarser or (candidate.score <= issue.cause_score and not is_finer)):
            continue
        if issue.place and not _overlaps(situation, candidate.cell, issue.place, start, rules):
            continue
        if any(_overlaps(situation, candidate.cell, other.place, start, rules) for other in certain):
            continue
        issue = with_cause(situation, issue, candidate, rules)
        break
    if day - issue.incident.opened <= settings.onset_moves_days:
        issue = replace(issue, onset=onset_of(situation, issue.place, settings.longest_window, settings))
    return issue


def with_cause(situation: Situation, issue: Issue, candidate: Candidate | None, rules: CauseSettings) -> Issue:
    if candidate is None:
        return issue
    return replace(
        issue, cell=candidate.cell, cause=causes.closed(situation, candidate.cell), cause_status=causes.status_of(candidate, rules),
        cause_score=float(statistic(candidate.score)), alternatives=candidate.alternatives,
    )  # fmt: skip


def take_alarm(
    situation: Situation, alarm: Alarm, open_issues: list[Issue], *, settings: IssueSettings, rules: CauseSettings, life: IncidentRules
) -> tuple[Issue | None, Issue | None]:
    """What an alarm means: (the issue it belongs to, None), (None, a new issue), or (None, None) where nothing stands behind it."""
    day = situation.day
    start = day - alarm.window_days + 1
    observed = len(situation.people(alarm.cell, start, day))
    plain = situation.expected(alarm.cell, start, day)
    boosts = boosts_of(situation, open_issues, start, day)
    accounted = situation.expected(alarm.cell, start, day, boosts)
    left = tail_of(situation, observed, accounted, alarm.window_days, settings)
    places = [issue.place for issue in open_issues if issue.is_certain and issue.place]
    if places:
        # What only rises where an open issue sits belongs to it, however its recent lots or its regions may differ.
        seen, usual = situation.beside(alarm.cell, places, start, day)
        left = max(left, tail_of(situation, seen, usual, alarm.window_days, settings))
    if open_issues and ((accounted - plain) >= settings.explained_share * (observed - plain) or left > settings.residual_p):
        return _closest(situation, alarm, open_issues, start), None
    found = causes.scan(situation, start, day, rules, boosts)
    best = next((c for c in found if _covers(situation, c, alarm, start, observed - accounted)), None)
    uncertain = next((issue for issue in open_issues if not issue.is_certain), None)
    certain = causes.status_of(best, rules) in (causes.CAUSE, causes.TIED)
    if open_issues and not certain and uncertain is None and left > settings.residual_p_beside:
        return _closest(situation, alarm, open_issues, start), None
    if uncertain is not None and not certain:
        # Two issues of one topic without a certain cause cannot be told apart: they are one, and wider than it seemed.
        scope = uncertain.scope if uncertain.scope == alarm.cell else {}
        return replace(uncertain, scope=scope, cell={} if not uncertain.is_certain else uncertain.cell), None
    if uncertain is not None and best is not None:
        whole = causes.closed(situation, best.cell)
        if whole == uncertain.cause or set(uncertain.scope.items()) <= set(whole.items()):
            return with_cause(situation, uncertain, best, rules), None  # this is the cause that was looked for
    topic = BELONGS_TO.get(alarm.topic, alarm.topic)
    fresh = Issue(
        "", topic, alarm.topic, incidents.advance(NO_INCIDENT, day, alarm=True, quiet=False, rules=life), alarm.cell, {}, {}, causes.NOT_LOCALISED,
        0.0, (), start, day, 0.0, 0.0, 1.0, alarm.detector, day,
    )  # fmt: skip
    fresh = with_cause(situation, fresh, best, rules)
    fresh = replace(fresh, onset=onset_of(situation, fresh.place, settings.longest_window, settings))
    fresh, quiet = measure(situation, fresh, open_issues, settings)
    # Few series open on less (`detectors.p_most`, `cusum_bound`), so their places are asked for no more than the alarm itself showed.
    opening_p = max(settings.opening_p, 2 * alarm.p_value) if alarm.detector in ("rate_scan", "cusum") else settings.opening_p
    if quiet or fresh.p_value > (settings.opening_p_channel if alarm.attribute == "channel" else opening_p) / alarm.looks:
        return None, None
    return None, replace(fresh, insight_id=insight_id(topic, day, fresh.cause or fresh.scope))


def search_window(day: int, settings: IssueSettings) -> int:
    """Days that places are searched over on this day: fast fires mostly, slow ones every third day."""
    return settings.search_days[day % len(settings.search_days)]


def search(situation: Situation, open_issues: Sequence[Issue], settings: IssueSettings, rules: CauseSettings) -> Alarm | None:
    """An alarm of a place that no series watches: a product line in one batch, a carrier in one region.

    A small fire in a combination of attributes hardly moves any of the series that hold it; the cause search sees it at once.
    """
    day = situation.day
    days = search_window(day, settings)
    start = day - days + 1
    found = causes.scan(situation, start, day, replace(rules, at_most=1, support=settings.search_people), boosts_of(situation, open_issues, start, day))
    for candidate in found:
        strong = candidate.score >= settings.search_score and candidate.dispersed_score >= settings.search_dispersed
        if strong and candidate.lift >= settings.search_lift and "channel" not in candidate.cell:
            first, *more = sorted(candidate.cell.items())
            p = tail_of(situation, candidate.observed, candidate.expected, days, settings)
            return Alarm(situation.topic, first[0], first[1], days, p, "cause_scan", tuple(more))
    return None


def _closest(situation: Situation, alarm: Alarm, open_issues: list[Issue], start: int) -> Issue:
    """The issue that explains most of the alarm's people."""
    mine = set(situation.people(alarm.cell, start, situation.day).tolist())

    def shared(issue: Issue) -> tuple[int, str]:
        return len(mine & set(situation.people(issue.place, start, situation.day).tolist())), issue.insight_id

    return max(open_issues, key=shared)


def _covers(situation: Situation, candidate: Candidate, alarm: Alarm, start: int, excess: float) -> bool:
    """Whether the cell explains at least half of the alarm's excess."""
    boosted = situation.expected(alarm.cell, start, situation.day, [(candidate.cell, candidate.lift)])
    return boosted - situation.expected(alarm.cell, start, situation.day) >= 0.5 * excess


def _overlaps(situation: Situation, one: dict[str, str], other: dict[str, str], start: int, rules: CauseSettings) -> bool:
    """Whether two cells hold mostly the same people, among those who name what it takes to tell."""
    if not one or not other:
        return True
    if any(one[name] != other[name] for name in set(one) & set(other)):
        return False
    a = set(situation.people(one, start, situation.day).tolist())
    b = set(situation.people(other, start, situation.day).tolist())
    known = np.logical_and.reduce([situation.said.codes[name] >= 0 for name in {**one, **other}])
    a, b = {i for i in a if known[i]}, {i for i in b if known[i]}
    smaller = min(len(a), len(b))
    return smaller == 0 or len(a & b) >= 0.5 * smaller
