"""What the cascade did: records and cost by step, who was right in conflicts, and which records a person is called for.

Belongs here: figures over decisions, conflicts and the ledger. Does not belong here: deciding (`asking`), the model's own figures of one run
(`model.report`). Sums are of the home's whole life, so that a run that asks nothing changes nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from insights_assets.labels.cascade_tables import LABEL_CONFLICTS
from insights_assets.labels.prompt_versions import active_version
from insights_assets.labels.prompts import LABEL_SETS
from insights_assets.labels.review import standing
from insights_assets.labels.reviewed import corrections_in_words
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.resources.operations.asking_tables import ModelCall

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.resources.operations import Operations
    from insights_assets.resources.step import Step

#: The task whose calls are the cascade's; names of themes are paid for elsewhere.
LABELLING = "label_feedback"
STEPS = ("rule", "classifier", "model", "person")
#: Reviewers see at most so many records a reason that the cascade calls them for.
CALLED_AT_MOST = 200
CONTENT_FILTER, SUSPECT, CONFLICT = "content filter", "speaks to a machine", "conflict"
_FILTERED = ("filtered_prompt", "filtered_output", "refused")


def ledger_sums(operations: Operations, since: date | None = None, task: str | None = None) -> tuple[int, float, str | None]:
    """Calls, cost and currency of the home's whole life, or since a day; of every task or of one."""
    query = select(func.count(), func.coalesce(func.sum(ModelCall.cost), 0.0), func.max(ModelCall.currency)).select_from(ModelCall)
    query = query.where(ModelCall.task == task) if task is not None else query
    with operations.reading() as session:
        calls, cost, currency = session.execute(query.where(ModelCall.sent_on >= since) if since is not None else query).one()
    return int(calls), round(float(cost), 6), currency


def ledger_state(step: Step) -> str:
    """What the report depends on beside its tables."""
    corrections = step.operations.corrections.all()
    return f"{corrections[-1].correction_id if corrections else 0}|{active_version(step.operations, LABEL_SETS)}|{ledger_sums(step.operations, task=LABELLING)}"


def step_rows(step: Step) -> list[dict[str, Any]]:
    """One row a step of the cascade, and one for all."""
    records = {row["label_source"]: row["count"] for row in step.read(FEEDBACK_LABELS).groupBy("label_source").count().toArrow().to_pylist()}
    total = sum(records.values())
    calls, cost, currency = ledger_sums(step.operations, task=LABELLING)
    right, reviewed = _reviewed_by_step(step)
    rows = []
    for name in (*STEPS, "all"):
        own = total if name == "all" else records.get(name, 0)
        # Rules and classifier cost no money a record; what reviewing costs is a setting of health, not of a record.
        money = {"model": cost, "all": cost, "rule": 0.0, "classifier": 0.0}.get(name)
        seen = sum(reviewed.values()) if name == "all" else reviewed[name]
        rows.append({
            "step": name, "records": own, "share": round(own / total, 6) if total else None, "calls": calls if name in ("model", "all") else 0, "cost": money,
            "cost_per_thousand": round(1000 * money / own, 6) if money is not None and own else None,
            "cost_per_thousand_of_all": round(1000 * money / total, 6) if money is not None and total else None, "currency": currency if money else None,
            "reviewed": seen, "right_share": round((sum(right.values()) if name == "all" else right[name]) / seen, 4) if seen else None,
        })
    return rows


def _reviewed_by_step(step: Step) -> tuple[Counter[str], Counter[str]]:
    """Per step: labels that were right when they were reviewed, and how many were reviewed. The version that spoke says which step it was."""
    right: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for found in standing(corrections_in_words(step.operations)).values():
        before = found.asked
        if found.right is None or "topics" not in before or not before.get("weight"):
            continue
        by = "classifier" if str(before.get("model_version") or "local").startswith("local") else "model"
        seen[by] += 1
        right[by] += set(before["topics"]) - {"other"} == found.right - {"other"}
    return right, seen


def conflict_rows(step: Step) -> list[dict[str, Any]]:
    """One row a topic or tag, local step and winner."""
    key = ("kind", "target", "local_by", "winner")
    counted = step.read(LABEL_CONFLICTS).groupBy(*key).count().toArrow().to_pylist()
    if not counted:
        return []
    latest = {one: found.right for one, found in standing(corrections_in_words(step.operations)).items() if found.right is not None}
    reviewed: Counter[tuple[str, ...]] = Counter()
    won: Counter[tuple[str, ...]] = Counter()
    if latest:
        wanted = step.lake.spark.createDataFrame([(one,) for one in sorted(latest)], "feedback_id string")
        for row in step.read(LABEL_CONFLICTS).where("kind = 'topic'").join(wanted, "feedback_id", "left_semi").toArrow().to_pylist():
            own = tuple(row[name] for name in key)
            says = row["local_says"] if row["winner"] == "rule" else row["model_says"]
            reviewed[own] += 1
            won[own] += says == (row["target"] in latest[row["feedback_id"]])
    found = [{**{name: row[name] for name in key}, "conflicts": row["count"]} for row in counted]
    return [{**row, "reviewed": reviewed[tuple(row[name] for name in key)], "winner_right": won[tuple(row[name] for name in key)]} for row in found]


def called_for(decisions: DataFrame, conflicts: DataFrame) -> DataFrame:
    """(feedback_id, called_for): what the content filter kept from the model, what spoke to a machine, and where rule and model differ."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    ruled = conflicts.where("local_by <> 'classifier'").select("feedback_id").distinct().withColumn("differs", F.lit(True))
    reason = F.when(F.col("outcome").isin(list(_FILTERED)), CONTENT_FILTER).when(F.col("is_suspect"), SUSPECT).when(F.col("differs"), CONFLICT)
    found = decisions.where("step <> 'person'").join(ruled, "feedback_id", "left").withColumn("called_for", reason).where("called_for IS NOT NULL")
    nth = F.row_number().over(Window.partitionBy("called_for").orderBy(F.sha2("feedback_id", 256)))
    return found.withColumn("place", nth).where(F.col("place") <= CALLED_AT_MOST).select("feedback_id", "called_for")
