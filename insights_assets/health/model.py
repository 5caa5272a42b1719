"""Model health: label confidence, drift of topics, prompt regression, accuracy on the reviewed sample (R107).

Belongs here: the metrics, from plain rows. Does not belong here: finding drift (`anomalies`) and judging a candidate (`learning`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.health.metric import WINDOW_DAYS, Daily, Metric, State, change, daily, not_available, weekly

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Rows = Sequence[Mapping[str, Any]]
LOW_CONFIDENCE = 0.6
#: R103: a material fall of the mean confidence, and a material rise of the share of unsure records.
FALL, RISE = 0.02, 0.30
LOOK_BACK_DAYS = 84


def confidence_days(labels: DataFrame, as_of: date) -> list[dict[str, Any]]:
    """Labels by day of the classifier and the model: how many, summed confidence, how many below 0.6. Rules are sure by construction."""
    from pyspark.sql import functions as F

    recent = labels.where((F.col("received_day") >= F.lit(as_of - timedelta(days=LOOK_BACK_DAYS))) & F.col("label_source").isin("classifier", "model"))
    rows: list[dict[str, Any]] = (
        recent.groupBy(F.col("received_day").alias("day"))
        .agg(F.count("confidence").alias("labels"), F.sum("confidence").alias("confidence"), F.sum((F.col("confidence") < LOW_CONFIDENCE).cast("bigint")).alias("unsure"))
        .toArrow().to_pylist()
    )
    return sorted(rows, key=lambda row: str(row["day"]))


def confidence_metrics(rows: Rows, as_of: date) -> list[Metric]:
    """Mean confidence and the share of unsure labels against the period before, held to what counts as material (R103)."""
    source = "labels.feedback_labels (confidence, label_source classifier or model)"
    sure, unsure = daily(rows, "confidence", "labels"), daily(rows, "unsure", "labels")
    return [
        _held("label_confidence", sure, as_of, source, "mean confidence {now:.3f} over {n:,} labels", -1.0, lambda now, before: before - now > FALL),
        _held(
            "unsure_label_share", unsure, as_of, source, "{now:.1%} of {n:,} labels are below " + str(LOW_CONFIDENCE), 1.0,
            lambda now, before: before > 0 and now / before - 1 > RISE,
        ),
    ]  # fmt: skip


def _held(metric: str, series: Daily, as_of: date, source: str, says: str, sign: float, is_material: Any) -> Metric:
    found = change(series, as_of)
    if found is None:
        return not_available(metric, f"labels of the classifier or the model in the last {WINDOW_DAYS} days", source)
    sentence = says.format(now=found.now, n=found.sample)
    state: State = "too_few"
    z = None if found.z is None else sign * found.z
    if found.before is not None and z is not None:
        shape = "{:.3f}" if metric == "label_confidence" else "{:.1%}"
        sentence += f"; {shape.format(found.before)} in the {WINDOW_DAYS} days before"
        material = is_material(found.now, found.before)
        state = "red" if material and z >= 3.0 else "amber" if material and z >= 2.0 else "green"
    return Metric(metric, state, sentence, source, found.now, "0 to 1", found.low, found.high, found.before, z, found.sample, trend=weekly(series, as_of))


def accuracy_metrics(quality: Rows) -> list[Metric]:
    """Precision and recall over all topics on what people reviewed, and how many topics fail their gate (R102)."""
    source = "labels.label_quality (micro, and each topic's gate)"
    over_all = next((row for row in quality if row["topic"] == "micro"), None)
    if over_all is None or not over_all["reviewed_count"] or over_all["precision"] is None or over_all["recall"] is None:
        return [not_available("reviewed_accuracy", "reviewed records (insights review export, then import)", source)]
    topics = [row for row in quality if row["topic"] != "micro"]
    failing = sorted(row["topic"] for row in topics if row["gate"] == "fail")
    few = sum(row["gate"] == "too_few" for row in topics)
    state: State = {"pass": "green", "fail": "red"}.get(over_all["gate"], "too_few")  # type: ignore[assignment]
    if failing and state == "green":
        state = "amber"
    says = f"precision {over_all['precision']:.2f}, recall {over_all['recall']:.2f} over {over_all['reviewed_count']:,} reviewed"
    says += f"; {len(failing)} topics fail their gate" + (f" ({', '.join(failing[:4])})" if failing else "") + (f", {few} have too few reviewed" if few else "")
    return [
        Metric(
            "reviewed_accuracy", state, says, source, over_all["f1"], "micro-F1, 0 to 1", sample_count=over_all["reviewed_count"],
        )
    ]  # fmt: skip
