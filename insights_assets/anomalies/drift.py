"""Drift: windows of enough records, and whether each looks like those before it (R98, R100, R103; research notes, section 4).

Belongs here: pure functions: pooling days into windows, the statistics, what is material. Does not belong here: reading
tables (`build_drift.py`), the two-run rule (`drift_rule.py`), what a drift leads to (`learning`).

A share is held against its reference with the spread that shares have from run to run without any drift (10 % of the share)
beside the spread of counting; fixed cut-offs of PSI or Jensen-Shannon fire on nothing or on everything. A window is compared
with those before the previous one, so that a lasting change is seen twice before it becomes its own reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy.special import ndtr

from insights_assets.anomalies.statistics import SMALLEST_P, benjamini_hochberg, signed_root
from insights_assets.shop.watching import DriftLimits

#: Spread of a share from run to run in a shop where nothing changed, relative to the share.
USUAL_WOBBLE = 0.10
FALSE_DISCOVERY = 0.05
#: A share of fewer expected records is not tested, unless it grew beyond them.
LEAST_EXPECTED = 8
SHARE_POINTS, SHARE_TIMES = 0.01, 1.5
LEAST_Z = 2.0
#: Texts farther from every reference text than this share of known-good ones are.
FAR_QUANTILE = 0.05
FAR_TIMES, WORDS_TIMES, WORDS_POINTS, FIRM_Z = 1.5, 1.3, 0.01, 3.0
LEAST_TEXTS = 100
LEAST_LAUNCH_TEXTS = 20
#: Complaints in window and reference below which shares of themes among them say nothing.
LEAST_COMPLAINTS = 200


@dataclass(frozen=True)
class Window:
    """Days pooled until they hold enough records."""

    first: date
    last: date
    records: int


@dataclass
class Counts:
    """What a window or its reference holds: records by topic, complaints by theme, the classifier's confidence.

    `confident` counts records that the classifier labelled in its present version; `confidence` is their sum.
    """

    records: int = 0
    topics: dict[str, int] = field(default_factory=dict)
    themes: dict[str, int] = field(default_factory=dict)
    confident: int = 0
    confidence: float = 0.0
    unsure: int = 0

    @property
    def complaints(self) -> int:
        return sum(self.themes.values())


def plan_windows(records: Mapping[date, int], stored: Sequence[Window], last: date, at_least: int) -> list[Window]:
    """The windows after the stored ones, in order. Days after `last` and a rest that is too small wait for more."""
    after = max((window.last for window in stored), default=date.min)
    windows: list[Window] = []
    first: date | None = None
    pooled = 0
    for day in sorted(day for day in records if after < day <= last):
        first = first or (after + timedelta(days=1) if stored or windows else day)
        pooled += records[day]
        if pooled >= at_least:
            windows.append(Window(first, day, pooled))
            first, pooled, after = None, 0, day
    return windows


def reference_of(windows: Sequence[Window], number: int, days: int) -> tuple[Window, ...]:
    """The windows that window `number` is compared with: those of the last `days` days, without the one just before it.

    A small shop's windows are long; then it is the latest of the earlier ones, however old.
    """
    earlier = tuple(windows[: number - 1] if number >= 2 else windows[:number])
    start = windows[number].first
    return tuple(window for window in earlier if (start - window.first).days <= days) or earlier[-1:]


def row(measure: str, rule: str, subject: str = "all", **values: Any) -> dict[str, Any]:
    """A row of `anomalies.drift` with everything that a judgement may leave out."""
    blank = {"figure": None, "reference": None, "z": None, "p_value": None, "records": 0, "reference_records": 0, "explained_by": None}
    return {**blank, "measure": measure, "rule": rule, "subject": subject, "answer": "judged", "is_material": False, "reason": "", **values}


def share_z(count: int, total: int, before: int, before_total: int, wobble: float = USUAL_WOBBLE) -> float:
    """Overdispersed z of a share against its reference: the signed root of the negative binomial deviance, which few records do not
    make skew; its variance holds both spreads of counting and the usual wobble.
    """
    usual = (before + 0.5) / (before_total + 1.0)
    mean, spread = usual * total, wobble**2 + 1 / (before + 0.5)
    return float(signed_root(np.array(count if count > mean else count + 1), np.array(mean), np.array(spread)))


def two_sided(z: float) -> float:
    return float(max(SMALLEST_P, 2 * ndtr(-abs(z))))


def judge_shares(
    measure: str, now: Mapping[str, int], before: Mapping[str, int], explained: Mapping[str, str], tested: frozenset[str] | None = None,
    names: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """A row for each topic or theme that can be tested; Benjamini-Hochberg over them, and a change worth speaking of.

    `tested` limits the subjects (a theme younger than the reference has no share there); `explained`: subject -> insight;
    `names`: subject -> how people call it.
    """
    total, before_total = sum(now.values()), sum(before.values())
    if not total or not before_total:
        return []
    subjects = [
        one for one in sorted({*now, *before})
        if (tested is None or one in tested) and max(now.get(one, 0), before.get(one, 0) * total / before_total) >= LEAST_EXPECTED
    ]
    scores = [share_z(now.get(one, 0), total, before.get(one, 0), before_total) for one in subjects]
    p = np.array([two_sided(z) for z in scores])
    rejected = benjamini_hochberg(p, FALSE_DISCOVERY)
    rows = []
    for subject, z, chance, is_rejected in zip(subjects, scores, p, rejected, strict=True):
        share, usual = now.get(subject, 0) / total, before.get(subject, 0) / before_total
        is_large = abs(share - usual) >= SHARE_POINTS or share >= SHARE_TIMES * usual or usual >= SHARE_TIMES * share
        is_changed = bool(is_rejected and is_large)
        why = explained.get(subject) if is_changed and share > usual else None
        moved = f"{_named(subject, names)} went from {_percent(usual)} to {_percent(share)}"
        rows.append(row(
            measure, "shares", subject, figure=share, reference=usual, z=z, p_value=chance, records=total, reference_records=before_total,
            is_material=is_changed and why is None, explained_by=why,
            reason=f"{moved}; {why} says why" if why else moved if is_changed else f"{moved}: usual",
        ))  # fmt: skip
    return rows


def judge_top_three(
    measure: str, now: Mapping[str, int], before: Mapping[str, int], limits: DriftLimits, tested: frozenset[str] | None = None,
    names: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """R103 to the letter: the three largest of the reference, together and each; points and relative change both beyond the policy."""
    total, before_total = sum(now.values()), sum(before.values())
    known = sorted((one for one in before if tested is None or one in tested), key=lambda one: (-before[one], one))[:3]
    if len(known) < 3 or min(total, before_total) < LEAST_COMPLAINTS:
        reason = "fewer than three to compare" if len(known) < 3 else f"{min(total, before_total)} of {LEAST_COMPLAINTS} records"
        return [row(measure, "top_three", records=total, reference_records=before_total, answer="too_few", reason=reason)]
    rows = []
    for subject, members in [("all", known), *((one, [one]) for one in known)]:
        count, usual_count = sum(now.get(one, 0) for one in members), sum(before[one] for one in members)
        share, usual = count / total, usual_count / before_total
        points = abs(share - usual)
        z = share_z(count, total, usual_count, before_total)
        # A single theme was picked for being large among few records: it tends to fall back by itself, so it must move further.
        is_beyond_chance = abs(z) >= (FIRM_Z if measure == "top_three_themes" and subject != "all" else LEAST_Z)
        is_material = points > limits.top_three_points and points > limits.top_three_relative * usual and is_beyond_chance
        name = "top-three share" if subject == "all" else f"share of {_named(subject, names)}"
        rows.append(row(
            measure, "top_three", subject, figure=share, reference=usual, z=z, p_value=two_sided(z), records=total, reference_records=before_total,
            is_material=is_material, reason=f"{name} moved {100 * points:.1f} points, from {_percent(usual)} to {_percent(share)}",
        ))  # fmt: skip
    return rows


def judge_confidence(now: Counts, before: Counts, limits: DriftLimits) -> list[dict[str, Any]]:
    """Mean confidence and the share of unsure labels, over what one version of the classifier labelled."""
    counts = {"records": now.confident, "reference_records": before.confident}
    if min(now.confident, before.confident) < LEAST_TEXTS:
        reason = f"{min(now.confident, before.confident)} of {LEAST_TEXTS} records labelled by the active classifier"
        return [row(name, "confidence", answer="too_few", reason=reason, **counts) for name in ("mean_confidence", "unsure_share")]
    mean, usual = now.confidence / now.confident, before.confidence / before.confident
    unsure, usually = now.unsure / now.confident, before.unsure / before.confident
    z = share_z(now.unsure, now.confident, before.unsure, before.confident)
    grew = unsure > (1 + limits.unsure_relative) * usually and z >= LEAST_Z
    return [
        row("mean_confidence", "confidence", figure=mean, reference=usual, is_material=abs(mean - usual) > limits.confidence_change,
            reason=f"mean confidence moved from {usual:.3f} to {mean:.3f}", **counts),
        row("unsure_share", "confidence", figure=unsure, reference=usually, z=z, p_value=two_sided(z), is_material=grew,
            reason=f"labels below {limits.unsure_below:g} went from {_percent(usually)} to {_percent(unsure)}", **counts),
    ]  # fmt: skip


def judge_far(reference: np.ndarray, current: np.ndarray) -> dict[str, Any]:
    """Share of texts farther from every reference text than the reference's own newest texts are. Rows: texts by day, then hash.

    The newest third of the reference is held against the older two thirds: that is how far usual texts of another time lie.
    """
    cut = 2 * len(reference) // 3
    base, probe = reference[:cut], reference[cut:]
    counts = {"records": len(current), "reference_records": len(probe)}
    if min(len(probe), len(current)) < LEAST_TEXTS:
        return row("far_share", "novelty", answer="too_few", reason=f"{min(len(probe), len(current))} of {LEAST_TEXTS} texts with a place", **counts)
    usual = (probe @ base.T).max(axis=1)
    edge = float(np.quantile(usual, FAR_QUANTILE))
    far, usually = int(((current @ base.T).max(axis=1) < edge).sum()), int((usual < edge).sum())
    share, before = far / len(current), usually / len(probe)
    z = share_z(far, len(current), usually, len(probe))
    return row("far_share", "novelty", figure=share, reference=before, z=z, p_value=two_sided(z), is_material=share >= FAR_TIMES * before and z >= FIRM_Z,
               reason=f"{_percent(share)} of complaints are unlike anything before, {_percent(before)} would be usual", **counts)  # fmt: skip


def judge_words(measure: str, rule: str, subject: str, now: np.ndarray, before: np.ndarray, least: int = LEAST_TEXTS) -> dict[str, Any]:
    """Mean share of words that the classifier does not know; one value a text."""
    counts = {"records": len(now), "reference_records": len(before)}
    if len(now) < least or len(before) < LEAST_TEXTS:
        return row(measure, rule, subject, answer="too_few", reason=f"{len(now)} of {least} texts", **counts)
    share, usual = float(now.mean()), float(before.mean())
    spread = now.var() / len(now) + before.var() / len(before) + (USUAL_WOBBLE * usual) ** 2
    z = (share - usual) / float(np.sqrt(max(spread, 1e-12)))
    is_material = share >= WORDS_TIMES * usual and share - usual >= WORDS_POINTS and z >= FIRM_Z
    about = "words the classifier does not know" if measure == "unknown_words" else f"unknown words about {subject}"
    return row(measure, rule, subject, figure=share, reference=usual, z=z, p_value=two_sided(z), is_material=is_material,
               reason=f"{about} went from {_percent(usual)} to {_percent(share)}", **counts)  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _named(subject: str, names: Mapping[str, str] | None = None) -> str:
    return (names or {}).get(subject, subject.replace("_", " "))
