"""Model health: label confidence, drift of topics, prompt regression, accuracy on the reviewed sample, precision of alerts (R107).

Belongs here: the metrics, from plain rows. Does not belong here: finding drift (`anomalies`) and judging a candidate (`learning`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.actions.precision import precision_words
from insights_assets.anomalies.drift_rule import judged_windows, lasting
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
        _held("label_confidence", sure, as_of, source, "{now:.1%} sure on average over {n:,} labels", -1.0, lambda now, before: before - now > FALL),
        _held(
            "unsure_label_share", unsure, as_of, source, "{now:.1%} of {n:,} labels are unsure (below " + f"{LOW_CONFIDENCE:.0%})", 1.0,
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
        sentence += f"; {found.before:.1%} in the {WINDOW_DAYS} days before"
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
    says = f"people checked {over_all['reviewed_count']:,} records: {over_all['precision']:.0%} of the labels given are right (precision), {over_all['recall']:.0%} of those due were given (recall)"
    named = f" ({', '.join(topic.replace('_', ' ') for topic in failing[:4])}{' …' if len(failing) > 4 else ''})" if failing else ""
    says += f"; {len(failing)} topic{'s are' if len(failing) != 1 else ' is'} below what is wanted{named}" + (f"; {few} have too few checked" if few else "")
    return [
        Metric(
            "reviewed_accuracy", state, says, source, over_all["f1"], "micro-F1, 0 to 1", sample_count=over_all["reviewed_count"],
        )
    ]  # fmt: skip


def alert_metric(rows: Rows) -> Metric:
    """How often alerts were right, by people's verdicts; judged by the policy's acceptance (R144)."""
    source = "actions.alert_precision (all; verdicts of people)"
    whole = next((row for row in rows if row["grouping"] == "all"), None)
    if whole is None or not whole["judged_count"]:
        return not_available("alert_precision", "verdicts (insights verdict, or the buttons beside a ticket)", source)
    state: State = {"pass": "green", "fail": "red"}.get(whole["answer"], "too_few")  # type: ignore[assignment]
    return Metric(
        "alert_precision", state, precision_words(whole), source, whole["precision"], "0 to 1", whole["precision_low"], whole["precision_high"],
        sample_count=whole["judged_count"],
    )  # fmt: skip


def drift_metric(rows: Rows, runs: int) -> Metric:
    """The largest unexplained move of the latest judged window of `anomalies.drift`; red where the two-run rule holds (R103)."""
    metric, source = "topic_drift", "anomalies.drift (the latest judged window)"
    if not rows:
        return not_available(metric, "a judged window in anomalies.drift", source)
    last = max(row["as_of_day"] for row in rows)
    latest = [row for row in rows if row["as_of_day"] == last]
    judged = [row for row in latest if row["measure"] != "window" and row["answer"] == "judged"]
    if not judged:
        says = next((row["reason"] for row in latest if row["reason"]), "") or f"too few records in the window up to {last}"
        return Metric(metric, "too_few", says, source, unit="points of share", sample_count=max((row["records"] or 0 for row in latest), default=0))
    moved = sorted((row for row in judged if row["is_material"]), key=lambda row: (-abs(row["z"] or 0.0), row["measure"], row["subject"]))
    shares = [row for row in judged if row["measure"] in ("topic_share", "top_three_topics") and row["figure"] is not None and row["reference"] is not None]
    largest = max(shares, key=lambda row: (abs(row["figure"] - row["reference"]), row["subject"]), default=None)
    held = lasting(judged_windows(rows), runs)
    state: State = "red" if held else "amber" if moved else "green"
    says = "; ".join(one.reason for one in held[:2]) or "; ".join(row["reason"] for row in moved[:2])
    if not says:
        says = f"nothing moved more than usual in the window up to {last}" + (f"; most: {largest['reason']}" if largest is not None and largest["reason"] else "")
    return Metric(
        metric, state, says, source, None if largest is None else abs(largest["figure"] - largest["reference"]) * 100, "points of share",
        previous=None, z=None if largest is None else largest["z"], sample_count=max((row["records"] or 0 for row in judged), default=0),
    )  # fmt: skip


#: A fall of micro-F1 on what people reviewed that is worth a look.
REGRESSION = 0.02


def prompt_regression_metric(evaluations: Rows) -> Metric:
    """Whether what labels now (prompt, label set, model) does worse on reviewed records than when it, or what came before, was last judged."""
    metric, source = "prompt_regression", "learning.evaluations (micro, role active)"
    rounds = sorted((row for row in evaluations if row["topic"] == "micro" and row["role"] == "active" and row["f1"] is not None), key=lambda row: row["last_correction_id"])
    if not rounds:
        return not_available(metric, "learning.evaluations (the job model_review writes them)", source)
    now = rounds[-1]
    before = next((row for row in reversed(rounds[:-1]) if row["last_correction_id"] < now["last_correction_id"]), None)
    says = f"{now['model_version']} scores micro-F1 {now['f1']:.3f} on {now['records']:,} reviewed"
    if before is None:
        return Metric(metric, "too_few", f"{says}; nothing to compare it with yet", source, unit="micro-F1", sample_count=now["records"])
    fall = before["f1"] - now["f1"]
    state: State = "red" if fall > REGRESSION and now["gate"] == "fail" else "amber" if fall > REGRESSION else "green"
    says += f"; {before['f1']:.3f} for {before['model_version']} at the evaluation before"
    return Metric(metric, state, says, source, -fall, "micro-F1", previous=before["f1"], sample_count=now["records"])
