"""Day after day: judge all series, move their incidents, remember. The state is the `anomalies` table itself.

Belongs here: the loop over as-of days, the memory it carries and its way in and out of rows. Not here: one day's statistics
(`detectors.py`) or what several alarms have in common (`issues.py`).

Judging 120 days at once equals judging day by day with the rows stored in between: everything the next day needs is in the
rows, and every figure is rounded before it is used again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies import detectors, incidents
from insights_assets.anomalies.detectors import DetectorSettings, Judgement, Memory
from insights_assets.anomalies.incidents import Incident, IncidentRules
from insights_assets.anomalies.panel import HISTORY, Panel, SeriesKey, day_numbers
from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.statistics import z_of

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_DETECTOR, DEFAULT_LIFE = DetectorSettings(), IncidentRules()
#: Days of rows that the next judgement needs: the baseline and the longest window.
MEMORY_DAYS = HISTORY
#: Days after a day within which an incident of the topic makes that day no sample of quiet.
SHADOW = 7
#: The columns of one anomaly row, in order; the table adds run columns.
ROW = (
    "as_of_day", "topic", "attribute", "value", "basis", "state", "opened_day", "quiet_days", "closed_day", "reopened_count",
    "detector", "window_days", "observed", "expected", "lift", "p_value", "z_peak", "z_1d", "z_3d", "z_7d",
    "scale_1d", "scale_3d", "scale_7d", "cusum", "cusum_since", "baseline_rate", "dispersion", "p_bound", "cusum_bound",
    "smallest_visible", "mentions_known",
)  # fmt: skip


@dataclass
class Book:
    """The memory of all series of one panel, by absolute day: `first` is the day of column 0."""

    first: int
    usual: np.ndarray  # (series, days) bool
    z: np.ndarray  # (series, days, windows), nan where not judged
    running: np.ndarray  # (series, days) bool
    incident: list[Incident]
    cusum: np.ndarray
    since: np.ndarray
    rate: np.ndarray

    @classmethod
    def empty(cls, panel: Panel, first: int, last: int, windows: int) -> Book:
        n, days = len(panel.keys), last - first + 1
        return cls(
            first, np.ones((n, days), dtype=bool), np.full((n, days, windows), np.nan), np.zeros((n, days), dtype=bool),
            [incidents.NO_INCIDENT] * n, np.zeros(n), np.zeros(n, dtype=np.int64), np.full(n, np.nan),
        )  # fmt: skip

    def memory(self, panel: Panel, day: int, settings: DetectorSettings) -> Memory:
        column = day - self.first
        usual = np.ones((len(panel.keys), HISTORY), dtype=bool)
        have = min(column, HISTORY - 1)
        if have > 0:
            usual[:, HISTORY - 1 - have : HISTORY - 1] = self.usual[:, column - have : column]
        running = np.array([incident.is_running for incident in self.incident], dtype=bool)
        return Memory(usual, self.rate, self.cusum, self.since, running, self._scale(panel, column, settings))

    def _scale(self, panel: Panel, column: int, settings: DetectorSettings) -> np.ndarray:
        start = max(0, column - settings.baseline)
        z, running = self.z[:, start:column], self.running[:, start:column]
        troubled = np.zeros((len(panel.topic_names), z.shape[1]), dtype=bool)
        np.logical_or.at(troubled, panel.topic_of, running)
        shadow = troubled.copy()
        for ahead in range(1, SHADOW + 1):
            shadow[:, :-ahead] |= troubled[:, ahead:]
        clean = ~shadow[panel.topic_of] & np.isfinite(z[:, :, 0]) & ~panel.is_sku[:, None]
        return detectors.calibration(z, clean, settings)

    def learn(self, panel: Panel, judgement: Judgement, rules: IncidentRules) -> np.ndarray:
        """Move every incident by one day; True where one opened today."""
        column = judgement.day - self.first
        self.z[:, column] = np.where(judgement.judged[:, None], judgement.z, np.nan)
        alarm = judgement.by_scan | judgement.by_cusum
        opened = np.zeros(len(panel.keys), dtype=bool)
        for i, incident in enumerate(self.incident):
            if alarm[i] or incident.state != incidents.NONE:
                moved = incidents.advance(incident, judgement.day, alarm=bool(alarm[i]), quiet=bool(judgement.quiet[i]), rules=rules)
                opened[i] = moved.state == incidents.OPEN
                self.incident[i] = moved
                if moved.is_running:
                    self._mark(i, column, int(judgement.window[i]) if opened[i] else 1)
        self.cusum, self.since = judgement.cusum, judgement.cusum_since
        self.rate = np.where(judgement.judged, judgement.rate, self.rate)
        return opened

    def _mark(self, series: int, column: int, window: int) -> None:
        self.running[series, column] = True
        self.usual[series, max(0, column - window + 1) : column + 1] = False


def judge_days(
    panel: Panel,
    days: Iterable[int],
    *,
    stored: pd.DataFrame | None = None,
    mentions_known: Mapping[int, int] | None = None,
    settings: DetectorSettings = DEFAULT_DETECTOR,
    rules: IncidentRules = DEFAULT_LIFE,
) -> pd.DataFrame:
    """Judge the days in order, each with what was known by its end. Returns rows with the columns ROW.

    `mentions_known`: mentions known by the end of each day, over all topics; stored with the rows (see `days_to_judge`).
    `stored`: earlier rows of the table (at least the last MEMORY_DAYS before the first of `days`); later rows are ignored.
    Rows are kept for series that are judged or have an incident; series of single SKUs only while they have one.
    """
    import pandas as pd

    wanted = sorted(set(days))
    parts: list[pd.DataFrame] = []
    if not wanted or not panel.keys:
        return pd.DataFrame(columns=list(ROW))
    first = min(panel.first_day, wanted[0] - MEMORY_DAYS)
    book = Book.empty(panel, first, wanted[-1], len(settings.windows))
    if stored is not None and not stored.empty:
        remember(book, panel, stored, wanted[0])
    for day in wanted:
        view = panel.view(day)
        memory = book.memory(panel, day, settings)
        judgement = detectors.judge(panel, view, memory, settings)
        book.learn(panel, judgement, rules)
        parts.append(_rows(panel, judgement, memory, book, day, known=(mentions_known or {}).get(day, 0), settings=settings))
    return pd.concat(parts, ignore_index=True)


def days_to_judge(mentions_known: Mapping[int, int], stored: Mapping[int, int], first: int, last: int) -> list[int]:
    """Days after the last stored one, and that one too where more became known of it since: the shop's today fills by the hour.

    Earlier days keep the judgement they got: what people were told then is not told again because labels changed later.
    `mentions_known`: by day, what is known now; `stored`: by judged day, what was known then.
    """
    newest = max(stored, default=first - 1)
    begin = newest if newest in stored and stored[newest] != mentions_known.get(newest, 0) else newest + 1
    return list(range(max(begin, first), last + 1))


def known_by_day(daily: Mapping[int, int], first: int, last: int) -> dict[int, int]:
    """Running total of mentions by the end of each day; `daily` by the day they became known."""
    total = sum(count for day, count in daily.items() if day < first)
    result = {}
    for day in range(first, last + 1):
        total += daily.get(day, 0)
        result[day] = total
    return result


def remember(book: Book, panel: Panel, stored: pd.DataFrame, before: int) -> None:
    """Fill the book from stored rows of the days before `before`."""
    index = {key: i for i, key in enumerate(panel.keys)}
    day = day_numbers(stored["as_of_day"])
    keep = (day < before) & (day >= max(book.first, before - MEMORY_DAYS))
    rows, day = stored[keep], day[keep]
    order = np.argsort(day, kind="stable")
    rows, day = rows.iloc[order], day[order]
    places = [index.get(SeriesKey(t, a, v), -1) for t, a, v in zip(rows["topic"], rows["attribute"], rows["value"], strict=True)]
    opened, closed = _days_or_none(rows["opened_day"]), _days_or_none(rows["closed_day"])
    since = _days_or_none(rows["cusum_since"])
    z = rows[["z_1d", "z_3d", "z_7d"]].to_numpy(dtype=np.float64)
    state, window = rows["state"].to_numpy(), rows["window_days"].to_numpy(dtype=np.int64)
    quiet, again = rows["quiet_days"].to_numpy(dtype=np.int64), rows["reopened_count"].to_numpy(dtype=np.int64)
    cusum, rate = rows["cusum"].to_numpy(dtype=np.float64), rows["baseline_rate"].to_numpy(dtype=np.float64)
    for row, i in enumerate(places):
        if i < 0:
            continue
        column = day[row] - book.first
        book.z[i, column] = z[row]
        if state[row] in incidents.RUNNING:
            book._mark(i, column, int(window[row]) if state[row] == incidents.OPEN else 1)
        if not np.isnan(rate[row]):
            book.rate[i] = rate[row]
        if day[row] == before - 1:
            book.incident[i] = Incident(str(state[row]), int(opened[row]), int(quiet[row]), int(closed[row]), int(again[row]))
            book.cusum[i], book.since[i] = cusum[row], since[row]


def _rows(panel: Panel, j: Judgement, memory: Memory, book: Book, day: int, *, known: int, settings: DetectorSettings) -> pd.DataFrame:
    import pandas as pd

    state = np.array([incident.state for incident in book.incident], dtype=object)
    kept = np.flatnonzero((j.judged & ~panel.is_sku) | (state != incidents.NONE))
    life = [book.incident[i] for i in kept]
    detector = np.where(j.by_scan, "rate_scan", np.where(j.by_cusum, "cusum", ""))[kept].astype(object)
    detector[detector == ""] = None
    judged = j.judged[kept]
    columns: dict[str, Any] = {
        "as_of_day": np.full(len(kept), np.datetime64(day, "D").astype(object), dtype=object),
        "topic": [panel.keys[i].topic for i in kept],
        "attribute": [panel.keys[i].attribute for i in kept],
        "value": [panel.keys[i].value for i in kept],
        "basis": [panel.basis[i] for i in kept],
        "state": state[kept],
        "opened_day": [_date(incident.opened) for incident in life],
        "quiet_days": [incident.quiet for incident in life],
        "closed_day": [_date(incident.closed) for incident in life],
        "reopened_count": [incident.reopened for incident in life],
        "detector": detector,
        "window_days": j.window[kept],
        "observed": j.observed[kept].astype(np.int64),
        "expected": j.expected[kept],
        "lift": statistic(j.lift[kept]),
        "p_value": j.p[kept],
        "z_peak": j.peak[kept],
        "z_1d": np.where(judged, j.z[kept, 0], np.nan),
        "z_3d": np.where(judged, j.z[kept, 1], np.nan),
        "z_7d": np.where(judged, j.z[kept, 2], np.nan),
        "scale_1d": np.full(len(kept), memory.scale[0]),
        "scale_3d": np.full(len(kept), memory.scale[1]),
        "scale_7d": np.full(len(kept), memory.scale[2]),
        "cusum": j.cusum[kept],
        "cusum_since": [_date(int(d)) if c > 0 else None for d, c in zip(j.cusum_since[kept], j.cusum[kept], strict=True)],
        "baseline_rate": book.rate[kept],
        "dispersion": j.alpha[kept],
        "p_bound": statistic(np.full(len(kept), j.p_bound)),
        "cusum_bound": j.cusum_bound[kept],
        "smallest_visible": _smallest_visible(j, memory, kept, settings),
        "mentions_known": np.full(len(kept), known),
    }
    return pd.DataFrame(columns, columns=list(ROW))


def _smallest_visible(j: Judgement, memory: Memory, kept: np.ndarray, settings: DetectorSettings) -> np.ndarray:
    """People over usual, in the window that says most today, that would open an incident: what a quiet day could have missed."""
    z_needed = z_of(j.p_bound, len(settings.windows)) * float(memory.scale.max())
    mean = j.expected[kept]
    spread = np.sqrt(mean + j.alpha[kept] * mean**2 + 0.5)
    needed = np.maximum(settings.support, np.ceil(mean + z_needed * spread))
    return statistic(np.maximum(needed - mean, 0.0))


def _date(day: int) -> Any:
    return None if day < 0 else np.datetime64(day, "D").astype(object)


def _days_or_none(values: pd.Series) -> np.ndarray:
    import pandas as pd

    return np.array([-1 if pd.isna(v) else int(np.datetime64(v, "D").astype(np.int64)) for v in values], dtype=np.int64)
