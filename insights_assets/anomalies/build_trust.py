"""Building `corrected_shares` and `trust_certificate`: reading and writing, with a `Step`. The judgements are in the modules beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.anomalies import trust
from insights_assets.anomalies.corrected_shares import Confusion, corrected_rows, week_of
from insights_assets.anomalies.drift_rule import judged_windows
from insights_assets.anomalies.soundness_tables import CORRECTED_SHARES, DRIFT, TRUST_CERTIFICATE
from insights_assets.anomalies.tables import DATA_FINDINGS
from insights_assets.canonical.tables import FEEDBACK, SOURCE_COMPLETENESS
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY
from insights_assets.lake.together import together

if TYPE_CHECKING:
    from insights_assets.resources.step import Step

WEEKS = 12
#: What no redacted text may hold, whatever it stands beside: an address with its @, or sixteen digits of a card.
CONTACT = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}|(?:^|[^0-9])[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}(?:[^0-9]|$)"
#: Fact of the home: the last window that a model review looked at; `learning` writes it.
REVIEWED_THROUGH = "learning:reviewed_through"


def build_corrected_shares(step: Step) -> list[dict[str, Any]]:
    """The last weeks' shares of every topic, corrected where enough is reviewed."""
    import pandas as pd
    from pyspark.sql import functions as F

    first = week_of(step.as_of) - timedelta(weeks=WEEKS - 1)
    records = step.read(FEEDBACK).where(F.col("text").isNotNull() & (F.col("duplicate_weight") > 0) & F.col("occurred_day").between(F.lit(first), F.lit(step.as_of)))
    labelled = records.where(F.col("known_day") <= F.lit(step.as_of)).select("feedback_id", "received_day", "occurred_day").join(
        step.read(FEEDBACK_LABELS).select("feedback_id", "received_day", F.col("topics.topic").alias("names")), ["feedback_id", "received_day"]
    )  # fmt: skip
    named = labelled.select("occurred_day", F.explode("names").alias("topic"))
    by_day, each = together([
        lambda: labelled.groupBy("occurred_day").count().toArrow().to_pylist(), lambda: named.groupBy("occurred_day", "topic").count().toArrow().to_pylist(),
    ])  # fmt: skip
    totals: dict[date, int] = {}
    for row in by_day:
        totals[week_of(row["occurred_day"])] = totals.get(week_of(row["occurred_day"]), 0) + row["count"]
    counts: dict[tuple[date, str], int] = {}
    for row in each:
        key = (week_of(row["occurred_day"]), row["topic"])
        counts[key] = counts.get(key, 0) + row["count"]
    gates = step.read_pandas(LABEL_QUALITY).to_dict("records")
    known = {
        row["topic"]: Confusion(int(row["predicted_count"]), int(row["actual_count"]), float(row["precision"]), float(row["recall"]))
        for row in gates if row["precision"] is not None and row["precision"] == row["precision"] and row["recall"] is not None and row["recall"] == row["recall"]
    }  # fmt: skip
    reviewed = {row["topic"]: int(row["reviewed_count"]) for row in gates}
    topics = [topic for topic in step.shop.policy.topics if topic != "other"]
    wanted = [(week, topic, counts.get((week, topic), 0)) for week in totals for topic in topics]
    rows = corrected_rows(wanted, totals, known, reviewed, step.shop.policy.learning.trust.records)
    stamped = [{**row, "run_id": step.run_id} for row in rows]
    step.write(CORRECTED_SHARES, pd.DataFrame(stamped, columns=CORRECTED_SHARES.column_names))
    return rows


def build_certificate(step: Step) -> list[dict[str, Any]]:
    """The conditions of the as-of day, and the overall answer."""
    import pandas as pd

    limits, cases = step.shop.policy.learning, step.shop.enabled_use_cases
    asked = cases[0] if cases else None
    topics, sources = (asked.topics, asked.sources) if asked is not None else ((), ())
    reviewed = step.operations.facts.get(REVIEWED_THROUGH)
    windows = judged_windows(step.read(DRIFT).where("measure = 'window' OR is_material").toArrow().to_pylist())
    rows = [
        *trust.sources(_rows(step, SOURCE_COMPLETENESS), limits.trust.quarantine_share, limits.trust.records),
        trust.deliveries(_rows(step, DATA_FINDINGS), sources),
        trust.redaction(*_contact_details(step)),
        *trust.label_gate(_rows(step, LABEL_QUALITY), topics, step.shop.policy.acceptance),
        trust.drift(windows, limits.drift.runs, date.fromisoformat(reviewed) if reviewed else None),
        trust.corrected(_rows(step, CORRECTED_SHARES), topics),
    ]
    rows.append(trust.overall(rows))
    stamped = [{**row, "as_of_day": step.as_of, "run_id": step.run_id} for row in rows]
    if _rows_of_day(step) != [{name: row[name] for name in TRUST_CERTIFICATE.stable_columns} for row in sorted(stamped, key=lambda row: row["condition"])]:
        step.write(TRUST_CERTIFICATE, pd.DataFrame(stamped, columns=TRUST_CERTIFICATE.column_names), days=[step.as_of])
    return rows


def _rows(step: Step, spec: Any) -> list[dict[str, Any]]:
    return step.read(spec).toArrow().to_pylist() if step.exists(spec) else []


def _rows_of_day(step: Step) -> Sequence[dict[str, Any]]:
    """What is stored for the as-of day: the same again is not written."""
    from pyspark.sql import functions as F

    stored = step.read(TRUST_CERTIFICATE).where(F.col("as_of_day") == F.lit(step.as_of)).select(*TRUST_CERTIFICATE.stable_columns)
    return sorted(stored.toArrow().to_pylist(), key=lambda row: row["condition"])


def _contact_details(step: Step) -> tuple[int, int]:
    """(texts that still hold a contact detail, texts)."""
    from pyspark.sql import functions as F

    found = step.read(FEEDBACK).where("text IS NOT NULL").agg(F.count_if(F.col("text").rlike(CONTACT)).alias("found"), F.count("*").alias("texts"))
    row = found.toArrow().to_pylist()[0]
    return int(row["found"]), int(row["texts"])
