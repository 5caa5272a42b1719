"""The rate scan: is a series higher than its own past allows, over 1, 3 or 7 days, or slowly (CUSUM)?

Belongs here: one day's judgement of all series, as arrays. Not here: the loop over days and its state (`judging.py`), the
incident's life (`incidents.py`).

Method and parameters follow the measurements in the design's section 7: a negative binomial rate with exposure, day of the
week and dispersion shrunk to the pool, z calibrated by the tail of clean days, Benjamini-Hochberg over series without a
running incident.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insights_assets.anomalies.panel import BORN_AT, HISTORY, Panel, View
from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.statistics import benjamini_hochberg, signed_root, upper_tail


@dataclass(frozen=True)
class DetectorSettings:
    """Parameters of the scan; days unless said otherwise. Sources: design section 7, and measured on the shipped simulator."""

    windows: tuple[int, ...] = (1, 3, 7)
    baseline: int = 56
    guard: int = 7
    cusum_guard: int = 14
    dow_weight: float = 15.0
    drift: float = 0.004  # squared relative drift that no baseline explains
    false_discovery: float = 0.10
    # The rate of false discoveries alone would let one in every ten days. What chance may open a day over all series is bounded as well;
    # each series' share of that lies between the two below, so that a small shop with twenty series is not asked for what 340 need.
    false_per_day: float = 0.02
    p_most: float = 1e-3
    p_max: float = 1e-4
    support: int = 5  # people in the window
    support_within: int = 3
    lift: float = 1.3
    cusum_drift: float = 0.75
    cusum_clip: tuple[float, float] = (-3.0, 4.0)
    cusum_alarm: float = 6.5
    # A topic over the whole shop is few series, so its running excess need not be as high to be rare: chance may raise so many of them a day.
    cusum_false_per_day: float = 0.004
    cusum_reach: int = 28
    cusum_weight: float = 10.0  # people in the baseline below which single complaints would pile up to an alarm
    cold_days: int = 21
    cold_weight: float = 20.0
    least_days: int = 14  # clean days below which a series without a parent is not judged
    quiet_p: float = 0.05
    calibration_floor: float = 1.0
    calibration_roof: float = 1.8


@dataclass(frozen=True)
class Memory:
    """What earlier days left behind for today: all arrays by series."""

    usual: np.ndarray  # (series, HISTORY) bool: days that may train, no incident on them
    frozen_rate: np.ndarray  # rate of the last day that had enough clean days; nan where there is none
    cusum: np.ndarray
    cusum_since: np.ndarray  # first day of the running excess
    running: np.ndarray  # bool: an incident runs
    scale: np.ndarray  # (windows,): calibration of z


@dataclass(frozen=True)
class Judgement:
    """One day's statistics of all series, each (series,) unless said otherwise."""

    day: int
    judged: np.ndarray  # bool: enough history and people to say anything
    z: np.ndarray  # (series, windows), before calibration
    peak: np.ndarray  # largest calibrated z
    p: np.ndarray
    window: np.ndarray  # days of the window that says most
    observed: np.ndarray
    expected: np.ndarray
    cusum: np.ndarray
    cusum_since: np.ndarray
    by_scan: np.ndarray  # bool
    by_cusum: np.ndarray  # bool
    quiet: np.ndarray  # bool
    rate: np.ndarray
    alpha: np.ndarray
    p_bound: float  # chance below which the scan opens that day
    cusum_bound: np.ndarray

    @property
    def lift(self) -> np.ndarray:
        return self.observed / np.maximum(self.expected, 1e-9)


@dataclass(frozen=True)
class _Model:
    rate: np.ndarray
    factor: np.ndarray  # (series, 7) day of the week, column 0 = the weekday of day 0 of the epoch
    alpha: np.ndarray
    weight: np.ndarray  # counts the rate rests on
    doubt: np.ndarray  # what else makes the rate uncertain, as a relative variance
    clean_days: np.ndarray
    known_days: np.ndarray


def judge(panel: Panel, view: View, memory: Memory, settings: DetectorSettings = DetectorSettings()) -> Judgement:
    """Judge one day. Uses the view and the memory only, so it cannot see later days."""
    x, e = view.observed, view.exposure * np.where(panel.is_lagged[:, None], view.completeness[None, :], 1.0)
    days = np.arange(view.day - HISTORY + 1, view.day + 1)
    alive = x.sum(axis=1) >= BORN_AT
    near = _fit(panel, x, e * view.covered, days, memory, guard=settings.guard, alive=alive, settings=settings)
    far = _fit(panel, x, e * view.covered, days, memory, guard=settings.cusum_guard, alive=alive, settings=settings)
    mean = near.rate[:, None] * e * near.factor[:, days % 7]
    enough = (near.known_days >= settings.cold_days) | ((panel.parent >= 0) & (near.rate > 0) & (near.weight >= settings.cold_weight))
    judged = alive & enough & (e[:, -1] > 0)
    z, observed, expected = _scan(x, mean, near, settings)
    z = np.where(judged[:, None], z, 0.0)
    calibrated = z / memory.scale[None, :]
    best = np.argmax(calibrated, axis=1)
    rows = np.arange(len(best))
    peak = calibrated[rows, best]
    p = statistic(upper_tail(peak, len(settings.windows)))
    warm = judged & (near.known_days >= settings.cold_days) & (far.weight >= settings.cusum_weight) & ~panel.is_sku
    cusum, since = _cusum(x, e, far, memory, day=view.day, warm=warm, settings=settings)
    window = np.array(settings.windows)[best]
    recent = x[:, -settings.support_within :].sum(axis=1)
    chosen, usual = observed[rows, best], expected[rows, best]
    testable = judged & ~memory.running & (recent >= settings.support)
    rejected = np.zeros(len(p), dtype=bool)
    rejected[testable] = benjamini_hochberg(p[testable], settings.false_discovery)
    p_bound = chance_allowed(int((judged & ~memory.running).sum()), settings)
    by_scan = rejected & (p <= p_bound) & (chosen >= settings.lift * usual) & (chosen >= settings.support)
    reach = np.clip(view.day - since + 1, 1, settings.cusum_reach)
    run_x, run_m = _sums(x, reach), _sums(mean, reach)
    is_roof = warm & panel.is_roof
    alarm = np.where(is_roof, cusum_bound(int(is_roof.sum()), settings), settings.cusum_alarm)
    by_cusum = ~memory.running & warm & (cusum > alarm) & (run_x >= settings.support) & (run_x >= settings.lift * run_m)
    only_cusum = by_cusum & ~by_scan
    # A running excess has its own chance: once in the run length of its bound.
    chance = np.where(only_cusum, 1.0 / run_length(alarm, settings), p)
    return Judgement(
        view.day, judged, statistic(z), statistic(peak), np.where(judged, statistic(chance), 1.0), np.where(only_cusum, reach, window),
        np.where(only_cusum, run_x, chosen), statistic(np.where(only_cusum, run_m, usual)),
        np.where(by_scan | by_cusum, 0.0, cusum), np.where(by_scan | by_cusum, view.day + 1, since), by_scan, by_cusum,
        p > settings.quiet_p, statistic(near.rate), statistic(near.alpha), p_bound, alarm,
    )  # fmt: skip


def chance_allowed(series: int, settings: DetectorSettings) -> float:
    """How unlikely a series must be to open, where so many are tested that day."""
    return float(np.clip(settings.false_per_day / max(series, 1), settings.p_max, settings.p_most))


def cusum_bound(series: int, settings: DetectorSettings) -> float:
    """The running excess that so many series pass by chance `cusum_false_per_day` times a day, at most `cusum_alarm`."""
    wanted = max(series, 1) / settings.cusum_false_per_day
    low, high = 0.0, settings.cusum_alarm
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(middle, settings) < wanted else (low, middle)
    return round(high, 4)


def run_length(bound: float | np.ndarray, settings: DetectorSettings) -> np.ndarray:
    """Days from one chance alarm of a series to the next at this bound of the running excess.

    Siegmund's approximation for a one-sided CUSUM of standard normal values (Siegmund, Sequential Analysis, 1985).
    """
    reach = 2 * settings.cusum_drift * (np.asarray(bound, dtype=np.float64) + 1.166)
    return (np.exp(reach) - reach - 1) / (2 * settings.cusum_drift**2)


#: Values of clean days from which their 99 % point can be told; a shop with ten series has them after two months.
CALIBRATED_FROM = 500


def calibration(z: np.ndarray, clean: np.ndarray, settings: DetectorSettings = DetectorSettings()) -> np.ndarray:
    """How much wider than normal the tail of clean days is, per window.

    `z` (series, days, windows) of past days, `clean` (series, days): judged, and no incident in the topic. The 99 % point
    against 2.326; a plain 1.15 while fewer than CALIBRATED_FROM values are known.
    """
    sample = z[clean]
    if len(sample) < CALIBRATED_FROM:
        return np.full(len(settings.windows), 1.15)
    tail = np.quantile(sample, 0.99, axis=0) / 2.326
    return np.asarray(statistic(np.clip(tail, settings.calibration_floor, settings.calibration_roof)))


def _fit(
    panel: Panel, x: np.ndarray, e: np.ndarray, days: np.ndarray, memory: Memory, *, guard: int, alive: np.ndarray, settings: DetectorSettings
) -> _Model:
    """Rate, weekday factors and dispersion from the days [D - baseline, D - guard - 1] that may train."""
    cut = slice(HISTORY - 1 - settings.baseline, HISTORY - 1 - guard)
    weekday = days[cut] % 7
    known = e[:, cut] > 0
    usable = known & memory.usual[:, cut]
    known_days, clean_days = known.sum(axis=1), usable.sum(axis=1)
    # An incident so long that no clean day is left must not become its own yardstick.
    starved = (known_days >= settings.cold_days) & (clean_days < settings.least_days)
    e_b, x_b = e[:, cut] * usable, x[:, cut] * usable
    exposure = e_b.sum(axis=1)
    rate = (x_b.sum(axis=1) + 0.5) / np.maximum(exposure, 1e-9)
    rough = rate[:, None] * e_b
    x_w = np.minimum(x_b, rough + 3.0 * np.sqrt(rough + 0.1 * rough**2) + 1.0)
    factor = _weekday_factors(panel, x_w, e_b, weekday, settings)
    shaped = e_b * factor[:, weekday]
    total = x_w.sum(axis=1)
    rate = (total + 0.5) / np.maximum(shaped.sum(axis=1), 1e-9)
    weight = total + 0.5
    cold = known_days < settings.cold_days
    has_parent = cold & (panel.parent >= 0)
    parent_rate = rate[panel.parent]
    prior = settings.cold_weight / np.maximum(parent_rate, 1e-12)
    rate = np.where(has_parent, (total + settings.cold_weight) / (shaped.sum(axis=1) + prior), rate)
    weight = np.where(has_parent, total + settings.cold_weight, weight)
    frozen = starved & np.isfinite(memory.frozen_rate)
    rate = np.where(frozen, memory.frozen_rate, rate)
    weight = np.where(frozen, np.maximum(weight, settings.cold_weight), weight)
    alpha = _dispersion(panel, x_w, rate[:, None] * shaped, usable, alive)
    return _Model(np.where(exposure > 0, rate, 0.0), factor, alpha, weight, panel.splice_variance, clean_days, known_days)


def _weekday_factors(panel: Panel, x: np.ndarray, e: np.ndarray, weekday: np.ndarray, settings: DetectorSettings) -> np.ndarray:
    """Shape (series, 7): a topic's weekday factors, and each series' own shrunk to them."""
    hot = np.zeros((len(weekday), 7))
    hot[np.arange(len(weekday)), weekday] = 1.0
    x_d, e_d = x @ hot, e @ hot
    flat = x.sum(axis=1) / np.maximum(e.sum(axis=1), 1e-9)
    expected = flat[:, None] * e_d
    pooled = np.ones((len(panel.topic_names), 7))
    roof = np.flatnonzero(panel.is_roof)
    pooled[panel.topic_of[roof]] = (x_d[roof] + settings.dow_weight) / (expected[roof] + settings.dow_weight)
    shared = pooled[panel.topic_of]
    # What is measured by records carries its week in the denominator; the pool speaks for orders.
    shared = np.where(panel.uses_records[:, None], 1.0, shared)
    return (x_d + settings.dow_weight * shared) / (expected + settings.dow_weight)


#: Weight of the pool's dispersion, in days that carry information.
DISPERSION_WEIGHT = 20.0


def _dispersion(panel: Panel, x: np.ndarray, m: np.ndarray, usable: np.ndarray, alive: np.ndarray) -> np.ndarray:
    m = m * usable
    numerator = ((x - m) ** 2 - m).sum(axis=1, where=usable)
    denominator = (m**2).sum(axis=1)
    pool = alive & ~panel.is_sku
    shared = float(np.clip(numerator[pool].sum() / max(denominator[pool].sum(), 1e-9), 0.0, 0.5)) if pool.any() else 0.05
    information = ((m / (1.0 + m)) ** 2).sum(axis=1)
    own = np.maximum(numerator / np.maximum(denominator, 1e-9), 0.0)
    return np.clip((information * own + DISPERSION_WEIGHT * shared) / (information + DISPERSION_WEIGHT), 0.0, 1.0)


def _scan(x: np.ndarray, mean: np.ndarray, model: _Model, settings: DetectorSettings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    z, observed, expected = [], [], []
    for window in settings.windows:
        part = mean[:, -window:]
        m, squares = part.sum(axis=1), (part**2).sum(axis=1)
        count = x[:, -window:].sum(axis=1)
        alpha = model.alpha * squares / np.maximum(m**2, 1e-12) + 1.0 / model.weight + model.doubt + settings.drift
        z.append(signed_root(count, m, alpha))
        observed.append(count)
        expected.append(m)
    return np.stack(z, axis=1), np.stack(observed, axis=1), np.stack(expected, axis=1)


def _cusum(
    x: np.ndarray, e: np.ndarray, model: _Model, memory: Memory, *, day: int, warm: np.ndarray, settings: DetectorSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Running sum of today's z above the drift; nothing is summed while an incident runs."""
    mean = model.rate * e[:, -1] * model.factor[:, day % 7]
    alpha = model.alpha + 1.0 / model.weight + model.doubt + settings.drift
    # No half count off here: over many days it would hide just the slow rises this is for.
    z = np.clip(signed_root(x[:, -1] + 0.5, mean, alpha) / memory.scale[0], *settings.cusum_clip)
    moved = statistic(np.where(warm & ~memory.running, np.maximum(0.0, memory.cusum + z - settings.cusum_drift), 0.0))
    since = np.where(moved > 0, np.where(memory.cusum > 0, memory.cusum_since, day), day + 1)
    return moved, since


def _sums(values: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Sum of the last `reach` columns of each row."""
    running = np.cumsum(values[:, ::-1], axis=1)
    return running[np.arange(len(reach)), np.clip(reach, 1, values.shape[1]) - 1]
