"""Assets of the stage: signals for the sensors with every run; training set, classifier, evaluations and review sample when asked for."""

import json
from datetime import date, timedelta
from typing import Any

import pandas as pd

from insights_assets.anomalies.build_trust import REVIEWED_THROUGH
from insights_assets.anomalies.drift_rule import judged_windows, lasting
from insights_assets.anomalies.soundness_tables import DRIFT
from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.clusters.tables import THEME_MEMBERS
from insights_assets.labels.candidate import TRAINED, topics_of
from insights_assets.labels.evaluation import Judged
from insights_assets.labels.models import CANDIDATE_KIND, active_version, candidate_version, model_file
from insights_assets.labels.prompt_versions import active_label_set
from insights_assets.labels.reviewed import last_correction, reviewed_records
from insights_assets.labels.splits import SIDES
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY, LABELLED_FEEDBACK
from insights_assets.learning import dataset, review, signals
from insights_assets.learning.events import event_rows, event_state, last_reason
from insights_assets.learning.tables import CLASSIFIER, EVALUATIONS, RETRAINING_EVENTS, REVIEW_SAMPLE, TRAINING_SET
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import table_assets
from insights_assets.sources.tables import BRONZE


@table_assets(RETRAINING_EVENTS, reads=(DRIFT, LABEL_QUALITY, BRONZE["calendar"]), memo=event_state)
def retraining_events(step: Step) -> None:
    """Why models were reviewed, trained, promoted or taken back; and the signals that the next tick of the sensors goes by."""
    found = signals.gather(step)
    signals.keep(step.operations, found)
    rows = event_rows(step.operations)
    step.write(RETRAINING_EVENTS, pd.DataFrame(rows, columns=RETRAINING_EVENTS.column_names))
    step.note(RETRAINING_EVENTS, windows_judged=len(found.windows), reviewed_records=found.reviewed, failed_gates=sorted(found.failed_topics or {}))


@table_assets(TRAINING_SET, reads=(FEEDBACK, FEEDBACK_LABELS))
def training_set(step: Step) -> None:
    """What people reviewed, split by customer into what is learned from and what is judged by."""
    through = last_correction(step.operations)
    rows = dataset.training_rows(reviewed_records(step, through), through)
    step.write(TRAINING_SET, pd.DataFrame(rows, columns=TRAINING_SET.column_names))
    step.note(
        TRAINING_SET, dataset_version=rows[0]["dataset_version"] if rows else "none: nothing is reviewed", corrections=sum(row["is_correction"] for row in rows),
        **{f"{side}_records": sum(row["side"] == side for row in rows) for side in SIDES},
    )  # fmt: skip


@table_assets(CLASSIFIER, reads=(TRAINING_SET, CLASSIFIER))
def classifier(step: Step) -> None:
    """A candidate: the shipped classifier after the reviewed records of the training side; the gate decides whether it comes into force."""
    from insights_assets.labels.adaptation import learned_from
    from insights_assets.labels.concepts import LANGUAGES

    rows = sorted(step.read(TRAINING_SET).toArrow().to_pylist(), key=lambda row: row["place"])
    learned = dataset.rows_to_learn(rows, LANGUAGES)
    if not learned:
        step.note(CLASSIFIER, trained="nothing: no reviewed record is on the training side")
        return
    parent, reason = active_version(step.settings.home, step.operations), last_reason(step.operations)
    model = learned_from(learned, label_set=active_label_set(step.operations))
    model.save(model_file(step.settings.home, model.model_version))
    step.write(CLASSIFIER, pd.DataFrame([{
        "model_version": model.model_version, "parent_version": parent, "dataset_version": rows[0]["dataset_version"], "data_sha256": model.card["data_sha256"],
        "train_count": len(learned), "test_count": sum(row["side"] == "golden" for row in rows), "last_correction_id": rows[0]["last_correction_id"],
        "label_set_version": active_label_set(step.operations).version, "path": f"models/{model_file(step.settings.home, model.model_version).name}",
        "card": json.dumps(model.card, ensure_ascii=False, sort_keys=True), "reason": reason, "trained_day": step.as_of, "run_id": step.run_id,
    }], columns=CLASSIFIER.column_names))
    # The last two make it a candidate; a crash before them trains the same version once more.
    step.operations.activations.activate(CANDIDATE_KIND, model.model_version, by="train_candidate", reason=reason)
    trained = {"version": model.model_version, "last_correction_id": rows[0]["last_correction_id"], "reviewed": len(rows), "day": step.as_of.isoformat()}
    step.operations.facts.put(TRAINED, json.dumps(trained))
    step.note(CLASSIFIER, model_version=model.model_version, parent=parent, learned_from=len(learned), reason=reason)


@table_assets(EVALUATIONS, reads=(FEEDBACK, FEEDBACK_LABELS, PRODUCTS, EVALUATIONS))
def evaluations(step: Step) -> None:
    """Precision and recall, topic by topic, of the active version and of the newest candidate on records kept from training."""
    from insights_assets.labels.build import labeller_of
    from insights_assets.labels.cascade import Labeller
    from insights_assets.labels.classifier import Classifier
    from insights_assets.labels.rules import load_rules

    through = last_correction(step.operations)
    sample = [one for one in reviewed_records(step, through) if one.side == "golden"]
    labellers = {active_version(step.settings.home, step.operations): ("active", labeller_of(step))}
    candidate = candidate_version(step.operations)
    if candidate is not None and candidate not in labellers:
        model = Classifier.load(model_file(step.settings.home, candidate))
        labellers[candidate] = ("candidate", Labeller(active_label_set(step.operations), load_rules(), model, step.read_pandas(PRODUCTS)))
    topics = [topic for topic in active_label_set(step.operations).topic_ids if topic != "other"]
    rows = []
    for version, (role, labeller) in labellers.items():
        said = topics_of(labeller, sample)
        judged = [Judged(topics, frozenset(one.right) - {"other"}, one.weight) for one, topics in zip(sample, said, strict=True)]
        stamp = {"model_version": version, "role": role, "last_correction_id": through, "evaluated_day": step.as_of, "run_id": step.run_id}
        rows += review.evaluation_rows(judged, topics, step.shop.policy.acceptance, **stamp)
    step.write(EVALUATIONS, pd.DataFrame(rows, columns=EVALUATIONS.column_names))
    step.note(EVALUATIONS, records=len(sample), **{f"{row['role']}_micro_f1": row["f1"] or 0.0 for row in rows if row["topic"] == "micro"})


@table_assets(REVIEW_SAMPLE, reads=(DRIFT, EVALUATIONS, FEEDBACK, FEEDBACK_LABELS, LABELLED_FEEDBACK, THEME_MEMBERS))
def review_sample(step: Step) -> None:
    """After drift: what a person should read, and the report. Nothing is retrained here."""
    runs = step.shop.policy.learning.drift.runs
    rows = step.read(DRIFT).toArrow().to_pylist()
    windows = judged_windows(rows)
    latest = [row for row in rows if windows and row["as_of_day"] == windows[-1].last]
    first = min((row["window_start"] for row in latest), default=step.as_of - timedelta(days=28))
    sample = review_records(step, first)
    step.write(REVIEW_SAMPLE, pd.DataFrame(sample, columns=REVIEW_SAMPLE.column_names))
    active = active_version(step.settings.home, step.operations)
    newest = step.read(EVALUATIONS).where(f"model_version = '{active}'").toArrow().to_pylist()
    through = max((row["last_correction_id"] for row in newest), default=0)
    evaluated = sorted((row for row in newest if row["last_correction_id"] == through), key=lambda row: row["topic"])
    said = review.finding(windows, next((row for row in evaluated if row["topic"] == "micro"), None), runs)
    found = lasting(windows, runs)
    report = review.render_report(step.as_of, found, sorted(latest, key=lambda row: (row["measure"], row["subject"])), evaluated, said, len(sample))
    path = step.settings.home / "desk" / review.REPORTS / f"{step.as_of}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report, encoding="utf-8")
    if windows:
        step.operations.facts.put(REVIEWED_THROUGH, windows[-1].last.isoformat())
    step.operations.ticks.record(review.REVIEW_TICK, True, said, details={"why": [one.reason for one in found], "report": f"desk/{review.REPORTS}/{path.name}"})
    step.note(REVIEW_SAMPLE, finding=said, report=f"desk/{review.REPORTS}/{path.name}", records=len(sample))


def review_records(step: Step, first: date) -> list[dict[str, Any]]:
    """The least certain records since a day, and those least like any theme."""
    from pyspark.sql import functions as F

    recent = step.read(LABELLED_FEEDBACK).where(F.col("text").isNotNull() & (F.col("label_source") == "classifier"))
    known = step.read(FEEDBACK).where(F.col("known_day") >= F.lit(first)).select("feedback_id")
    versions = step.read(FEEDBACK_LABELS).select("feedback_id", "label_set_version", "model_version")
    recent = recent.join(known, "feedback_id", "left_semi").join(versions, "feedback_id")
    members = step.read(THEME_MEMBERS).where(F.col("counts") & (F.col("known_day") >= F.lit(first))).select("feedback_id", "similarity")
    unsure = recent.withColumn("stratum", F.lit("least certain")).orderBy("confidence", "feedback_id").limit(review.SAMPLE // 2)
    strange = recent.join(members, "feedback_id").withColumn("stratum", F.lit("least like any theme")).orderBy(F.col("similarity").asc_nulls_first(), "feedback_id")
    rows: dict[str, dict[str, Any]] = {}
    for frame in (strange.limit(review.SAMPLE // 2), unsure):
        for row in frame.withColumn("topics", F.col("topic_names")).toArrow().to_pylist():
            rows[row["feedback_id"]] = {**row, "inclusion_weight": 0.0, "reason": f"model review since {first}"}
    return [{name: row.get(name) for name in REVIEW_SAMPLE.column_names} for row in rows.values()]


ASSETS = [retraining_events, training_set, classifier, evaluations, review_sample]
