"""After a promotion: labels of the version before are made again where they would change, newest days first, and both are kept.

Belongs here: which days are due, and what becomes of a day's old and new labels. Does not belong here: labelling (`build.py`),
whether a version comes into force (`models.py`). Work is computed from tables: a day is due while the plan names it and
`relabelled` has no row of it, so a run that died on the way does it again and finds the same.

A record whose label stays the same keeps its row, version included: that label was made by the older version. A record whose
label changes gets a new row, and its old one goes to `label_versions`; when an older version comes back into force, exactly that
row is put back.

The newest days before a promotion are the bridge: they are due at once, with no plan and whatever the budget, so that no day labelled by the new
version is judged before it is known by how much the version alone moved each topic (`anomalies/splices.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.labels.models import KIND, versions_in_force
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_VERSIONS
from insights_assets.labels.version_tables import RELABEL_PLAN, RELABELLED

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from insights_assets.resources.operations import Operations
    from insights_assets.resources.step import Step

#: Days of one run of the relabel job.
DAYS_AT_ONCE = 90
#: A label is the same when these are.
_SAME = ("primary_topic", "sentiment", "urgency", "sku", "risk_tags")


def activation_to_follow(operations: Operations) -> tuple[int, str] | None:
    """(activation id, version) whose labels are to be made again; None where nothing but the first version was in force."""
    active = operations.activations.active(KIND)
    return (active.activation_id, active.version) if active is not None and active.previous_version is not None else None


def left_fact(activation_id: int) -> str:
    """Name of the home's fact that says how many days are left for an activation."""
    return f"relabel:{activation_id}"


def days_due(step: Step) -> list[date]:
    """Days that are to be looked at and are not done: the bridge, and what the plan of the present activation names."""
    follow = activation_to_follow(step.operations)
    if follow is None:
        return []
    planned = step.read(RELABEL_PLAN).where(f"activation_id = {follow[0]}").select("received_day").toArrow().column(0).to_pylist()
    done = step.read(RELABELLED).where(f"activation_id = {follow[0]} AND topic = 'all'").select("received_day").toArrow().column(0).to_pylist()
    days = step.shop.policy.learning.retraining.bridge_days
    earlier: list[date] = []
    if days:
        other = step.read(FEEDBACK_LABELS).where(f"model_version <> '{follow[1]}' AND prompt_version = 'none'").select("received_day").distinct()
        earlier = other.toArrow().column(0).to_pylist()
    return sorted({*planned, *bridge(earlier, done, days)} - set(done))


def bridge(earlier: Sequence[date], done: Sequence[date], days: int) -> list[date]:
    """The newest `days` days that the version before labelled; `earlier`: days that still hold its labels, those that are done hold some as well."""
    newest = max([*earlier, *done], default=None)
    return [] if newest is None else sorted(day for day in earlier if (newest - day).days < days)


def next_days(records: dict[date, int], planned: set[date], budget: int, newest: date, bridge_days: int = 0) -> list[date]:
    """The days of the next run: newest first, at most DAYS_AT_ONCE calendar days back from the newest of them, within the budget.

    One day is always taken, however many records it has; the days of the bridge are made again in any case and take nothing of the budget.
    """
    waiting = sorted((day for day in records if day not in planned and day <= newest), reverse=True)
    chosen: list[date] = []
    spent = 0
    for day in waiting:
        cost = records[day] if (newest - day).days >= bridge_days else 0
        if chosen and (spent + cost > budget or chosen[0] - day >= timedelta(days=DAYS_AT_ONCE)):
            break
        chosen.append(day)
        spent += cost
    return chosen


def stands(step: Step, versions: dict[str, str], due: Sequence[date], version: Column | None = None) -> Column:
    """Which stored labels need not be made again: those of the active version, and on days not due those of any version before.

    `version`: the classifier that labelled a record, where it is not its `model_version`. Labels that a language model gave stay when
    none is named any more: they are paid for and rest on no classifier.
    """
    from pyspark.sql import functions as F

    same = (F.col("rules_version") == versions["rules_version"]) & (F.col("label_set_version") == versions["label_set_version"])
    by = F.col("model_version") if version is None else version
    earlier = by.isin([*versions_in_force(step.operations), versions["model_version"]])
    if due:
        earlier &= ~F.col("received_day").isin(list(due))
    current = (by == versions["model_version"]) | earlier
    if version is None:
        current |= (F.col("prompt_version") != "none") & (F.col("label_source") == "model")
    return same & F.coalesce(current, F.lit(False))


def settle(step: Step, new: DataFrame, versions: dict[str, str], due: Sequence[date]) -> DataFrame:
    """The rows that due days get: `new` ones where the label changed, the stored ones elsewhere; replaced ones are put aside first.

    `new` has the columns of feedback_labels; rows of other days pass as they are.
    """
    from pyspark.sql import functions as F

    follow = activation_to_follow(step.operations)
    if follow is None or not due:
        return new
    columns, key = FEEDBACK_LABELS.column_names, ["feedback_id", "input_hash"]
    on_due = F.col("received_day").isin(list(due))
    same_rules = (F.col("rules_version") == versions["rules_version"]) & (F.col("label_set_version") == versions["label_set_version"])
    aside = step.read(LABEL_VERSIONS)
    earlier = aside.where(on_due & same_rules & (F.col("model_version") == versions["model_version"])).select(*columns)
    fresh = new.where(on_due).select(*columns).join(earlier.select(*key), key, "left_anti").unionByName(
        earlier.join(new.select(*key), key, "left_semi")
    )  # fmt: skip
    stored = step.read(FEEDBACK_LABELS).where(on_due & same_rules).select(*columns)
    told = step.lake.scratch("relabel_told", beside(fresh, stored, key))
    same = is_same()
    unchanged = told.where(same).select(*key)
    replaced = stored.join(told.where(~same).select(*key), key, "left_semi").withColumn("replaced_by_activation", F.lit(follow[0]).cast("bigint"))
    kept = step.lake.scratch("relabel_kept", stored.join(unchanged, key, "left_semi"))
    fresh = step.lake.scratch("relabel_fresh", fresh.join(unchanged, key, "left_anti").select(*columns))
    _put_aside(step, step.lake.scratch("relabel_aside", replaced), due)
    return new.where(~on_due).select(*columns).unionByName(fresh).unionByName(kept)


def beside(new: DataFrame, stored: DataFrame, key: Sequence[str]) -> DataFrame:
    """What two labels of the same records say: of `new` under the names of its columns and `names`, of `stored` with `old_` before them."""
    from pyspark.sql import functions as F

    now = new.select(*key, F.col("topics.topic").alias("names"), *_SAME)
    return now.join(stored.select(*key, F.col("topics.topic").alias("old_names"), *(F.col(name).alias(f"old_{name}") for name in _SAME)), list(key))


def is_same() -> Column:
    """Whether the two labels of a row of `beside` are the same label."""
    from pyspark.sql import functions as F

    same = F.array_sort("names").eqNullSafe(F.array_sort("old_names"))
    for name in _SAME:
        same &= F.col(name).eqNullSafe(F.col(f"old_{name}"))
    return same


def _put_aside(step: Step, replaced: DataFrame, due: Sequence[date]) -> None:
    """Add the replaced rows to `label_versions`; a row of the same record, version and input takes the place of an earlier one."""
    from pyspark.sql import functions as F

    days = sorted(replaced.select("received_day").distinct().toArrow().column(0).to_pylist())
    if not days:
        return
    key = list(LABEL_VERSIONS.key)
    stored = step.read(LABEL_VERSIONS).where(F.col("received_day").isin(days)).join(replaced.select(*key), key, "left_anti")
    rows = replaced.select(*LABEL_VERSIONS.column_names).unionByName(stored.select(*LABEL_VERSIONS.column_names))
    step.write(LABEL_VERSIONS, rows, days=days)


def close(step: Step, due: Sequence[date]) -> None:
    """Write how each topic moved on the days that are done, and how many days are left. Last, so that a crash before it repeats them."""
    import pandas as pd
    from pyspark.sql import functions as F

    follow = activation_to_follow(step.operations)
    if follow is None:
        return
    step.lake.clear_scratch("relabel_told", "relabel_kept", "relabel_fresh", "relabel_aside")
    if due:
        on_due = F.col("received_day").isin(list(due))
        now = step.read(FEEDBACK_LABELS).where(on_due).select("feedback_id", "received_day", F.col("topics.topic").alias("names"))
        aside = step.read(LABEL_VERSIONS).where(on_due & (F.col("replaced_by_activation") == follow[0]))
        before = aside.select("feedback_id", "received_day", F.col("topics.topic").alias("names"))
        lost, gained = before, now.join(before.select("feedback_id"), "feedback_id", "left_semi")
        rows = _moves(_by_topic(now), _by_topic(lost), _by_topic(gained), due)
        stamp = {"activation_id": follow[0], "model_version": follow[1], "run_id": step.run_id}
        step.write(RELABELLED, pd.DataFrame([{**row, **stamp} for row in rows], columns=RELABELLED.column_names))
    step.operations.facts.put(left_fact(follow[0]), str(_days_left(step, follow)))


def _by_topic(labels: DataFrame) -> dict[tuple[date, str], int]:
    from pyspark.sql import functions as F

    each = labels.select("received_day", F.explode("names").alias("topic")).groupBy("received_day", "topic").count().toArrow().to_pylist()
    whole = labels.groupBy("received_day").count().toArrow().to_pylist()
    return {(row["received_day"], row.get("topic", "all")): row["count"] for row in (*each, *whole)}


def _moves(now: dict[Any, int], lost: dict[Any, int], gained: dict[Any, int], due: Sequence[date]) -> list[dict[str, Any]]:
    keys = sorted({*now, *lost, *((day, "all") for day in due)})
    return [
        {
            "received_day": day, "topic": topic, "records_before": now.get((day, topic), 0) - gained.get((day, topic), 0) + lost.get((day, topic), 0),
            "records_after": now.get((day, topic), 0), "changed_count": lost.get((day, topic), 0) if topic == "all" else None,
        }
        for day, topic in keys
    ]  # fmt: skip


def _days_left(step: Step, follow: tuple[int, str]) -> int:
    """Days that still hold labels of another version and were not looked at for this activation."""
    from pyspark.sql import functions as F

    other = step.read(FEEDBACK_LABELS).where(F.col("model_version") != follow[1]).select("received_day").distinct()
    done = step.read(RELABELLED).where(f"activation_id = {follow[0]} AND topic = 'all'").select("received_day")
    return other.join(done, "received_day", "left_anti").count()
