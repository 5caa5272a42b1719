"""The bridge over a change of the classifier: days that both versions labelled say by how much a topic moved, and older days are counted in today's words.

Belongs here: estimating those factors, which days they are for, and applying them to counts. Does not belong here: labelling days twice
(`labels/relabel.py`), judging.

Why it is needed: a promotion makes labels again newest days first and inside a budget, so for a while (in a large shop for good) the days a
baseline rests on are labelled by the version before. A version that hears a third more of a topic would then look like a third more complaints.
Changes of rules or label set make every label again at once, and a changed prompt is asked anew in the order of risk over all days, so neither
leaves a seam between days; only a classifier does. The windows that are judged (at most 28 days) lie inside the bridge, so that only baselines
are multiplied and every count people are shown is a count of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies import series
from insights_assets.anomalies.rounding import statistic
from insights_assets.anomalies.splice_tables import LABEL_SPLICES, SPLICED_DAYS
from insights_assets.anomalies.versions import Ratio, paired_ratio
from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_VERSIONS
from insights_assets.labels.version_tables import RELABELLED

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step


@dataclass(frozen=True)
class Seam:
    """One promotion: from which version to which, and what it did to each topic."""

    activation_id: int
    from_version: str | None
    to_version: str
    ratios: Mapping[str, Ratio]


# -- which days need it, in plain values -------------------------------------------------------------------------------------------


def ratio_between(seams: Sequence[Seam], version: str, topic: str) -> Ratio:
    """From a count under `version` to one under the version in force (that of the last seam); 1 where nothing lies between, or nobody knows."""
    if not seams or version == seams[-1].to_version:
        return Ratio()
    start = max((place for place, seam in enumerate(seams) if seam.from_version == version), default=None)
    if start is None:
        return Ratio()
    found = Ratio()
    for seam in seams[start:]:
        found = found.then(seam.ratios.get(topic, Ratio()))
    return found


def version_of_days(labelled: Iterable[tuple[date, str, int]], covered: Iterable[tuple[int, date, str]]) -> dict[date, str]:
    """Under which version each day stands: the last promotion that looked at it, else the version that made most of its labels.

    `labelled`: day, version, labels. `covered`: promotion, day, version it brought; a label that stayed the same there keeps the version that made it.
    """
    most: dict[date, tuple[int, str]] = {}
    for day, version, count in labelled:
        most[day] = max(most.get(day, (0, "")), (count, version))
    found = {day: version for day, (_, version) in most.items()}
    for _, day, version in sorted(covered):
        found[day] = version
    return found


def spliced(counts: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """`topic_series` (topic, known_day, observed) with counts of earlier versions in today's words. `days`: rows of spliced_days."""
    if days.empty or counts.empty:
        return counts
    factors = {(row.topic, row.known_day): float(row.factor) for row in days.itertuples(index=False)}
    times = np.array([factors.get(key, 1.0) for key in zip(counts["topic"], counts["known_day"], strict=True)])
    return counts.assign(observed=counts["observed"].to_numpy(dtype=np.float64) * times)


def doubt(counts: pd.DataFrame, days: pd.DataFrame) -> dict[str, float]:
    """Topic -> what the factors' own uncertainty adds to the variance of its baseline, relative: none of it where few days are spliced."""
    if days.empty or counts.empty:
        return {}
    found = {}
    whole = counts[counts["attribute"] == "all"]
    for topic, rows in days.groupby("topic"):
        mine = whole[whole["topic"] == topic]
        part = mine[mine["known_day"].isin(set(rows["known_day"]))]["observed"].sum() / max(float(mine["observed"].sum()), 1.0)
        found[str(topic)] = float(rows["log_variance"].max()) * float(part) ** 2
    return found


def weights(said: pd.DataFrame, days: pd.DataFrame) -> np.ndarray:
    """How much each mention counts in a baseline."""
    factors = {(row.topic, row.known_day): float(row.factor) for row in days.itertuples(index=False)}
    return np.array([factors.get(key, 1.0) for key in zip(said["topic"], said["known_day"], strict=True)], dtype=np.float64)


# -- from and to the tables --------------------------------------------------------------------------------------------------------


def build_splices(step: Step) -> int:
    """Estimate the last promotion's factors anew and write which days they are for; gives how many days are spliced."""
    import pandas as pd

    covered = [(row["activation_id"], row["received_day"], row["model_version"]) for row in step.read(RELABELLED).where("topic = 'all'").toArrow().to_pylist()]
    if not covered or not step.shop.policy.learning.retraining.bridge_days:
        step.write(SPLICED_DAYS, pd.DataFrame(columns=SPLICED_DAYS.column_names))
        return 0
    rows = _estimate(step, covered)
    if rows:
        step.write(LABEL_SPLICES, pd.DataFrame(rows, columns=LABEL_SPLICES.column_names))
    seams = _seams(step.read_pandas(LABEL_SPLICES).to_dict("records"))
    found = _days(step, seams, covered)
    step.write(SPLICED_DAYS, pd.DataFrame(found, columns=SPLICED_DAYS.column_names))
    return len({row["known_day"] for row in found})


def without_splices(step: Step) -> dict[TableSpec, DataFrame]:
    """Tables for a replay in which one version labels everything: there is no seam."""
    return {spec: step.lake.empty(spec) for spec in (RELABELLED, LABEL_VERSIONS)}


def _estimate(step: Step, covered: Sequence[tuple[int, date, str]]) -> list[dict[str, Any]]:
    """Rows of label_splices for the last promotion, from the newest days that it looked at."""
    from pyspark.sql import functions as F

    last = max(activation for activation, _, _ in covered)
    to_version = next(version for activation, _, version in covered if activation == last)
    newest = max(day for activation, day, _ in covered if activation == last)
    days = sorted(day for activation, day, _ in covered if activation == last and (newest - day).days < step.shop.policy.learning.retraining.bridge_days)
    on_days = F.col("received_day").isin(days)
    now = step.read(FEEDBACK_LABELS).where(on_days)
    before = step.read(LABEL_VERSIONS).where(on_days & (F.col("replaced_by_activation") == last))
    feedback = step.read(FEEDBACK).where(on_days)
    changed = feedback.join(before.select("feedback_id"), "feedback_id", "left_semi")
    counted = _by_topic(series.mentions(feedback, now))
    old, new = (series.mentions(changed, labels).select("feedback_id", "topic") for labels in (before, now))
    lost, gained = _by_topic(old.join(new, ["feedback_id", "topic"], "left_anti")), _by_topic(new.join(old, ["feedback_id", "topic"], "left_anti"))
    stamp = {"activation_id": last, "from_version": _from(now.where("prompt_version = 'none'"), before, to_version), "to_version": to_version}
    rows = []
    for topic in sorted({*counted, *lost}):
        gain, loss = gained.get(topic, 0), lost.get(topic, 0)
        common = counted.get(topic, 0) - gain
        ratio = paired_ratio(common, loss, gain) if loss or gain else Ratio()
        rows.append({
            **stamp, "topic": topic, "factor": float(statistic(ratio.factor)), "factor_low": float(statistic(ratio.low)), "factor_high": float(statistic(ratio.high)),
            "log_variance": float(statistic(ratio.variance)), "common_count": common, "lost_count": loss, "gained_count": gain, "first_day": days[0], "last_day": days[-1],
            "run_id": step.run_id,
        })  # fmt: skip
    return rows


def _from(now: DataFrame, before: DataFrame, to_version: str) -> str | None:
    """The version that made most of the labels of those days before."""
    from pyspark.sql import functions as F

    made = now.select("model_version").unionByName(before.select("model_version")).where(F.col("model_version") != to_version)
    counts = made.groupBy("model_version").count().toArrow().to_pylist()
    return max(counts, key=lambda row: (row["count"], row["model_version"]))["model_version"] if counts else None


def _by_topic(said: DataFrame) -> dict[str, int]:
    return {row["topic"]: row["count"] for row in said.groupBy("topic").count().toArrow().to_pylist()}


def _seams(rows: Sequence[Mapping[str, Any]]) -> list[Seam]:
    found = []
    for activation in sorted({row["activation_id"] for row in rows}):
        mine = [row for row in rows if row["activation_id"] == activation]
        ratios = {row["topic"]: Ratio(float(row["factor"]), float(row["log_variance"])) for row in mine}
        found.append(Seam(int(activation), mine[0]["from_version"], str(mine[0]["to_version"]), ratios))
    return found


def _days(step: Step, seams: Sequence[Seam], covered: Sequence[tuple[int, date, str]]) -> list[dict[str, Any]]:
    """Rows of spliced_days: per known day the mean over its complaints, for a late one was labelled under another version than the day's own."""
    from pyspark.sql import functions as F

    local = step.read(FEEDBACK_LABELS).where("prompt_version = 'none'").groupBy("received_day", "model_version").count().toArrow().to_pylist()
    versions = version_of_days(((row["received_day"], str(row["model_version"]), row["count"]) for row in local), covered)
    topics = sorted({topic for seam in seams for topic in seam.ratios})
    needed = {
        (day, topic): ratio for day, version in versions.items() for topic in topics if (ratio := ratio_between(seams, version, topic)).factor != 1.0
    }
    if not needed:
        return []
    said = series.mentions(step.read(FEEDBACK).where(F.col("known_day") <= step.as_of), step.read(FEEDBACK_LABELS))
    counts = said.where(F.col("topic").isin(topics)).groupBy("known_day", "received_day", "topic").count().toArrow().to_pylist()
    total: dict[tuple[date, str], list[float]] = {}
    for row in counts:
        ratio = needed.get((row["received_day"], row["topic"]), Ratio())
        place = total.setdefault((row["known_day"], row["topic"]), [0.0, 0.0, 0.0])
        place[0] += row["count"]
        place[1] += row["count"] * ratio.factor
        place[2] = max(place[2], ratio.variance)
    return [
        {"known_day": day, "topic": topic, "factor": float(statistic(times / count)), "log_variance": variance}
        for (day, topic), (count, times, variance) in sorted(total.items()) if times != count
    ]  # fmt: skip
