"""Assets of the stage: labels and rules, the table people query, the review queue, corrections, and how right the labels are."""

import json
from datetime import timedelta
from importlib import import_module
from typing import Any

import pandas as pd

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS, SHIPMENTS
from insights_assets.labels import cascade_report
from insights_assets.labels.build import build_labels, label_hash
from insights_assets.labels.candidate import gate_answer, judge_candidate, waiting_candidate
from insights_assets.labels.cascade_tables import CASCADE_STEPS, CONFLICT_QUALITY, LABEL_CONFLICTS, LABEL_DECISIONS
from insights_assets.labels.check_scope import CheckScope
from insights_assets.labels.detail_tables import LABEL_DETAILS, MODEL_ENTITIES
from insights_assets.labels.entity_words import KINDS
from insights_assets.labels.evaluation import expected_error, gate, micro, quality
from insights_assets.labels.label_details import build_details
from insights_assets.labels.models import KIND, promote
from insights_assets.labels.prompt_versions import active_label_set, active_version
from insights_assets.labels.prompts import LABEL_SETS
from insights_assets.labels.relabel import activation_to_follow, next_days
from insights_assets.labels.renaming import topics_in
from insights_assets.labels.review import measured, readers
from insights_assets.labels.review_report import confidence_table
from insights_assets.labels.review_sampling import REVIEW_DAYS, sample
from insights_assets.labels.reviewed import corrections_in_words
from insights_assets.labels.tables import (
    FEEDBACK_LABELS,
    LABEL_CORRECTIONS,
    LABEL_QUALITY,
    LABEL_VERSIONS,
    LABELLED_FEEDBACK,
    REVIEW_QUEUE,
    RULE_LABELS,
)
from insights_assets.labels.version_tables import LABEL_CANDIDATES, LABEL_PROMOTION, RELABEL_PLAN, RELABELLED
from insights_assets.lake.changes import days_that_differ
from insights_assets.resources import previews, reading_ahead
from insights_assets.resources.memo import nothing_else
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets

#: Days that the counts beside the labels are of: what people look at is what is said now.
NOTED_DAYS = 56


@reading_ahead.ahead
def rules_and_label_set(step: Step) -> None:
    """What labelling needs beside the classifier, whose version is known only when its turn comes."""
    import_module("insights_assets.labels.cascade")
    from insights_assets.labels.rules import load_rules

    active_label_set(step.operations)
    load_rules()


def correction_state(step: Step) -> str:
    """What labels depend on beside their tables: how far the corrections go, the active classifier and the active label set."""
    corrections = step.operations.corrections.all()
    active = step.operations.activations.active("classifier")
    return f"{corrections[-1].correction_id if corrections else 0}|{active.version if active else ''}|{active_version(step.operations, LABEL_SETS)}"


def label_state(step: Step) -> str:
    """The same, and where a model is named its prompt, its address and whether questions are open."""
    if step.settings.model == "none":
        return correction_state(step)
    from insights_assets.labels.asking import model_state

    return f"{correction_state(step)}|{model_state(step)}"


@table_assets(
    FEEDBACK_LABELS, RULE_LABELS, LABEL_VERSIONS, RELABELLED, LABEL_DECISIONS, LABEL_CONFLICTS, MODEL_ENTITIES, reads=(FEEDBACK, PRODUCTS, RELABEL_PLAN), memo=label_state,
    checks=(
        Check("labels_in_label_set", FEEDBACK_LABELS, "Every topic and risk tag is in the closed label set (R17).", blocking=True),
        Check("quotes_are_substrings", FEEDBACK_LABELS, "Every quote is an exact part of the record's redacted text (R157).", blocking=True),
        Check("every_record_is_labelled", FEEDBACK_LABELS, "Each feedback record has one label.", blocking=True),
    ),
)
def feedback_labels(step: Step) -> None:
    """Topics with a quote each, sentiment, urgency, product and risk tags of every record."""
    from pyspark.sql import functions as F

    known = active_label_set(step.operations)
    scope = CheckScope(step, FEEDBACK_LABELS, by=known.version)
    report = build_labels(step)
    labels, feedback = step.read(FEEDBACK_LABELS), scope.of(step.read(FEEDBACK), report.days)
    written = scope.of(labels, report.days)
    topics = written.select("feedback_id", F.explode("topics").alias("topic")).select("feedback_id", "topic.*").where("quote IS NOT NULL")
    is_false = F.expr("substring(text, start + 1, end - start)") != F.col("quote")
    false = topics.join(feedback.select("feedback_id", "text"), "feedback_id", "left").where(F.col("text").isNull() | is_false).count()
    outside = written.select(F.explode("topics.topic").alias("topic")).where(~F.col("topic").isin(sorted(known.topic_ids))).count()
    tags = written.select(F.explode("risk_tags").alias("tag")).where(~F.col("tag").isin(list(known.risk_tag_ids))).count()
    missing = feedback.select("feedback_id").join(written.select("feedback_id"), "feedback_id", "left_anti").count()
    step.check("labels_in_label_set", outside + tags == 0, topics_outside=outside, tags_outside=tags)
    step.check("quotes_are_substrings", false == 0, quotes_not_found=false)
    step.check("every_record_is_labelled", missing == 0, unlabelled=missing)
    if not outside + tags + false + missing:
        scope.held()
    lately = labels.where(F.col("received_day") > F.lit(step.as_of - timedelta(days=NOTED_DAYS)))
    shares = {row["label_source"]: row["count"] for row in lately.groupBy("label_source").count().toArrow().to_pylist()}
    by_topic = lately.select(F.explode("topics.topic").alias("topic")).groupBy("topic").count().toArrow().to_pylist()
    step.note(FEEDBACK_LABELS, noted_days=NOTED_DAYS, preview=_by_topic([{"topic": row["topic"], "count": row["count"]} for row in by_topic]))
    step.note(FEEDBACK_LABELS, **{name: value for name, value in report.model.items() if value is not None})
    step.note(FEEDBACK_LABELS, days_labelled=len(report.days), **{f"by_{source}": count for source, count in shares.items()})


def _by_topic(counts: list[dict[str, Any]]) -> Any:
    """Topics of complaints, most first; praise and what no topic names are far more and would dwarf them."""
    ranked = sorted((row for row in counts if row["topic"] not in ("other", "praise")), key=lambda row: (-row["count"], row["topic"]))
    most = ranked[0]["count"] if ranked else 0
    return previews.table([{**row, "share": previews.share_of(row["count"], most)} for row in ranked], {"Topic": "topic", "Records": "count", "Size": "share"})


@table_assets(LABELLED_FEEDBACK, reads=(FEEDBACK, FEEDBACK_LABELS), memo=nothing_else, heavy=True)
def labelled_feedback(step: Step) -> None:
    """Redacted text beside its labels and confidence."""
    from pyspark.sql import functions as F

    labels = step.read(FEEDBACK_LABELS)
    stored = step.read(LABELLED_FEEDBACK)
    hashed = labels.withColumn("label_hash", label_hash())
    days = days_that_differ(hashed, stored, ["feedback_id", "label_hash"], step.changed_days(FEEDBACK_LABELS, LABELLED_FEEDBACK))
    names = F.transform("topics", lambda topic: topic["topic"])
    mine = hashed.where(F.col("received_day").isin(sorted(days))).withColumn("topic_names", names).drop("received_day")
    text = step.read(FEEDBACK).where(F.col("received_day").isin(sorted(days))).drop("sku", "sku_source")
    step.write(LABELLED_FEEDBACK, text.join(mine, "feedback_id").select(*LABELLED_FEEDBACK.column_names), days=days)


@table_assets(
    LABEL_DETAILS, reads=(FEEDBACK, FEEDBACK_LABELS, MODEL_ENTITIES, PRODUCTS, SHIPMENTS), memo=nothing_else,
    checks=(Check("entities_stand_in_their_text", LABEL_DETAILS, "Every thing named is an exact part of the record's redacted text and of a kind on the list.", blocking=True),),
)  # fmt: skip
def label_details(step: Step) -> None:
    """What each record names, and how sure each field of its label is."""
    from pyspark.sql import functions as F

    scope = CheckScope(step, LABEL_DETAILS)
    days = build_details(step)
    named = scope.of(step.read(LABEL_DETAILS), days).select("feedback_id", F.explode("entities").alias("one")).select("feedback_id", "one.*")
    outside = named.where(~F.col("kind").isin(list(KINDS))).count()
    texts = scope.of(step.read(FEEDBACK), days).select("feedback_id", "text")
    false = named.join(texts, "feedback_id", "left").where("text IS NULL OR substring(text, start + 1, end - start) != quote").count()
    step.check("entities_stand_in_their_text", outside + false == 0, kinds_outside=outside, quotes_not_found=false)
    if not outside + false:
        scope.held()
    counts = named.groupBy("kind", "source").count().toArrow().to_pylist()
    step.note(LABEL_DETAILS, days_rebuilt=len(days), **{f"{row['kind']}_by_{row['source']}": row["count"] for row in sorted(counts, key=lambda row: (row["kind"], row["source"]))})


@table_assets(REVIEW_QUEUE, reads=(LABELLED_FEEDBACK, FEEDBACK_LABELS, LABEL_DECISIONS, LABEL_CONFLICTS), memo=correction_state)
def review_queue(step: Step) -> None:
    """The records a reviewer should see next: a random part that measures, the least certain, recent severe ones, and repeats."""
    from pyspark.sql import functions as F

    read = readers(corrections_in_words(step.operations))
    lately = F.col("received_day") >= F.lit(step.as_of - timedelta(days=REVIEW_DAYS))
    recent = step.read(LABELLED_FEEDBACK).where(F.col("text").isNotNull() & lately)
    versions = step.read(FEEDBACK_LABELS).where(lately).select("feedback_id", F.col("topics").alias("said"), "label_set_version", "model_version", "prompt_version")
    called_for = None if step.settings.model == "none" else cascade_report.called_for(step.read(LABEL_DECISIONS), step.read(LABEL_CONFLICTS))
    step.write(REVIEW_QUEUE, sample(recent.join(versions, "feedback_id"), step.as_of, reviewers=read, called_for=called_for))
    parts = step.read(REVIEW_QUEUE).groupBy("reason").count().toArrow().to_pylist()
    step.note(REVIEW_QUEUE, reviewed_so_far=len(read), **{f"{row['reason']}_records".replace(" ", "_"): row["count"] for row in parts})


@table_assets(CASCADE_STEPS, CONFLICT_QUALITY, reads=(FEEDBACK_LABELS, LABEL_DECISIONS, LABEL_CONFLICTS), memo=cascade_report.ledger_state)
def label_cascade(step: Step) -> None:
    """What each step of the cascade labels and costs, and who is right where two differ."""
    rows = cascade_report.step_rows(step)
    step.write(CASCADE_STEPS, pd.DataFrame(rows, columns=CASCADE_STEPS.column_names))
    step.write(CONFLICT_QUALITY, pd.DataFrame(cascade_report.conflict_rows(step), columns=CONFLICT_QUALITY.column_names))
    costs = {f"{row['step']}_cost_per_thousand": row["cost_per_thousand_of_all"] for row in rows if row["cost_per_thousand_of_all"] is not None}
    step.note(CASCADE_STEPS, **{f"{row['step']}_records": row["records"] for row in rows}, **costs)


def promoted_labels(step: Step) -> dict[str, frozenset[str]]:
    """What the promoted version in force says of reviewed records it was not trained on; nothing while the first version is."""
    active = step.operations.activations.active(KIND)
    if active is None:
        return {}
    rows = step.read(LABEL_CANDIDATES).where(f"model_version = '{active.version}'").select("feedback_id", "topics").toArrow().to_pylist()
    label_set = active_label_set(step.operations)
    return {row["feedback_id"]: frozenset(topics_in(label_set, row["topics"])) for row in rows}


@table_assets(
    LABEL_CORRECTIONS, LABEL_QUALITY, reads=(LABEL_CANDIDATES,),
    checks=(Check("label_quality_holds", LABEL_QUALITY, "No topic with enough reviewed records falls below its precision or recall (R144).", blocking=False),),
)
def label_quality(step: Step) -> None:
    """Precision and recall by topic over what people reviewed, and the gate's answer."""
    rows = step.operations.corrections.all()
    step.write(LABEL_CORRECTIONS, pd.DataFrame([{
        "correction_id": r.correction_id, "feedback_id": r.feedback_id, "field": r.field, "value": json.dumps(r.value["value"], sort_keys=True),
        "previous_value": json.dumps(r.previous_value["value"], sort_keys=True) if r.previous_value else None, "reason": r.reason, "corrected_by": r.corrected_by,
        "corrected_through": r.corrected_through, "corrected_at": r.corrected_at,
    } for r in rows], columns=LABEL_CORRECTIONS.column_names))
    records = measured(corrections_in_words(step.operations), promoted_labels(step), step.operations.activations.active(KIND))
    judged, versions = [one.judged for one in records], {one.version for one in records}
    limits, label_set = step.shop.policy.acceptance, active_label_set(step.operations)
    found = [*quality(judged, [t for t in label_set.topic_ids if t != "other"]), micro(judged)]
    answers = {q.topic: gate(q, precision_low=limits.label_precision_low, recall_low=limits.label_recall_low, reviewed=limits.labels_reviewed) for q in found}
    step.write(LABEL_QUALITY, pd.DataFrame([{
        "topic": q.topic, "reviewed_count": q.n, "precision": q.precision, "precision_low": q.precision_low, "precision_high": q.precision_high, "recall": q.recall,
        "recall_low": q.recall_low, "recall_high": q.recall_high, "f1": q.f1, "predicted_count": q.predicted, "actual_count": q.actual, "gate": answers[q.topic][0],
        "reason": answers[q.topic][1], "label_set_version": label_set.version, "model_version": ", ".join(sorted(v for v in versions if v)) or None,
    } for q in found], columns=LABEL_QUALITY.column_names))
    columns = {"Topic": "topic", "Reviewed": "reviewed_count", "Precision": "precision", "Recall": "recall", "Gate": "gate"}
    judged_rows = [{"topic": q.topic, "reviewed_count": q.n, "precision": q.precision, "recall": q.recall, "gate": answers[q.topic][0]} for q in found]
    step.note(LABEL_QUALITY, preview=previews.table(judged_rows, columns))
    calibrated = confidence_table(records)
    stated, off = sum(one.n for one in calibrated), expected_error(calibrated)
    if off is not None and stated >= limits.labels_reviewed:
        caption = f"How sure labels are (across) against how often reviewers kept them (up); expected error {off:.3f} over {stated:,} topics given"
        step.note(LABEL_QUALITY, reliability=previews.reliability([(one.stated, one.right) for one in calibrated], caption), calibration_error=off)
    failed = {topic: reason for topic, (answer, reason) in answers.items() if answer == "fail"}
    step.check("label_quality_holds", not failed, failed_topics=failed)
    step.note(LABEL_QUALITY, reviewed_records=len(judged), **{f"{word}_topics": sum(a == word for a, _ in answers.values()) for word in ("pass", "fail", "too_few")})


@table_assets(
    LABEL_CANDIDATES, reads=(FEEDBACK, PRODUCTS, FEEDBACK_LABELS, LABEL_CANDIDATES),
    checks=(
        Check("candidate_beats_active", LABEL_CANDIDATES, "On reviewed records it was not trained on the candidate is better than the active version, and no worse on any topic.",
              blocking=True),
    ),
)  # fmt: skip
def label_candidates(step: Step) -> None:
    """What a new version says of the evaluation sample; the gate in front of its promotion. Too few is no pass: nothing is promoted."""
    judged = judge_candidate(step)
    if judged is None:
        step.check("candidate_beats_active", True, answer="no candidate waits")
        return
    rows, found = judged
    if rows:
        step.write(LABEL_CANDIDATES, pd.DataFrame(rows, columns=LABEL_CANDIDATES.column_names))
    facts = {"reason": found.reason, "records": found.records, "better": found.better, "worse": found.worse, "p_value": found.p_value, "gain_low": found.gain_low}
    step.check("candidate_beats_active", found.answer != "fail", answer=found.answer, worse_topics=found.worse_topics, **facts)
    step.note(LABEL_CANDIDATES, answer=found.answer, candidate_f1=found.candidate_f1, active_f1=found.active_f1, **facts)


@table_assets(LABEL_PROMOTION, reads=(LABEL_CANDIDATES,))
def label_promotion(step: Step) -> None:
    """A candidate that passed its gate comes into force: one activation row, which the labels stage reads at its next run."""
    version = waiting_candidate(step.operations)
    said = gate_answer(step.operations, version) if version is not None else None
    if version is not None and said is not None and said["answer"] == "pass":
        promote(step.settings.home, step.operations, version, by="candidate_beats_active", reason=said["reason"])
    history = step.operations.activations.history(KIND)
    step.write(LABEL_PROMOTION, pd.DataFrame([{
        "activation_id": row.activation_id, "model_version": row.version, "previous_version": row.previous_version, "reason": row.reason,
        "activated_by": row.activated_by, "activated_at": row.activated_at, "is_active": row is history[-1],
    } for row in history], columns=LABEL_PROMOTION.column_names))
    step.note(LABEL_PROMOTION, active=history[-1].version if history else "the shipped classifier", gate=said["answer"] if said else "no candidate waits")


@table_assets(RELABEL_PLAN, reads=(FEEDBACK, RELABEL_PLAN))
def relabel_plan(step: Step) -> None:
    """The next days whose labels are made again after a promotion: newest first, at most 90 days and the budget of a run."""
    from pyspark.sql import functions as F

    follow = activation_to_follow(step.operations)
    if follow is None:
        step.note(RELABEL_PLAN, days_planned=0)
        return
    records = {row["received_day"]: row["count"] for row in step.read(FEEDBACK).groupBy("received_day").count().toArrow().to_pylist()}
    planned = step.read(RELABEL_PLAN).where(F.col("activation_id") == follow[0]).select("received_day").toArrow().column(0).to_pylist()
    limits = step.shop.policy.learning.retraining
    days = next_days(records, set(planned), limits.relabel_records, step.as_of, limits.bridge_days)
    stamp = {"activation_id": follow[0], "model_version": follow[1], "run_id": step.run_id}
    step.write(RELABEL_PLAN, pd.DataFrame([{"received_day": day, "records": records[day], **stamp} for day in days], columns=RELABEL_PLAN.column_names))
    step.note(RELABEL_PLAN, days_planned=len(days), records=sum(records[day] for day in days))


ASSETS = [relabel_plan, feedback_labels, labelled_feedback, label_details, review_queue, label_cascade, label_quality, label_candidates, label_promotion]
