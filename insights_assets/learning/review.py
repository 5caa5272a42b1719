"""A model review: how right the active version is now, what a person should read, and a report that says what drift it follows.

Belongs here: pure functions. Does not belong here: reading tables, retraining: a review never changes a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from insights_assets.anomalies.drift_rule import OF_THE_LABELS, JudgedWindow, Lasting, lasting
from insights_assets.labels.evaluation import Judged, Quality, gate, micro, quality

#: Records a review asks a person to read: half the least certain, half those least like any theme.
SAMPLE = 50
#: Tick and folder of the report.
REVIEW_TICK, REPORTS = "model_review", "model_review"


def evaluation_rows(judged: Sequence[Judged], topics: Sequence[str], limits: Any, **stamp: Any) -> list[dict[str, Any]]:
    """Rows of `learning.evaluations` for one version."""
    found: list[Quality] = [*quality(judged, topics), micro(judged)]
    rows = []
    for one in found:
        answer, reason = gate(one, precision_low=limits.label_precision_low, recall_low=limits.label_recall_low, reviewed=limits.labels_reviewed)
        rows.append({
            "topic": one.topic, "records": one.n, "precision": one.precision, "precision_low": one.precision_low, "precision_high": one.precision_high, "recall": one.recall,
            "recall_low": one.recall_low, "recall_high": one.recall_high, "f1": one.f1, "gate": answer, "reason": reason, **stamp,
        })  # fmt: skip
    return rows


def finding(windows: Sequence[JudgedWindow], micro_row: Mapping[str, Any] | None, runs: int) -> str:
    """What the drift most likely is, in a sentence."""
    rules = {one.rule for one in lasting(windows, runs)}
    answer = micro_row["gate"] if micro_row is not None else "too_few"
    if answer == "too_few":
        return "Too few records are reviewed to say whether the labels or the world changed; read the sample."
    if answer == "fail":
        return "The labels fell below their gate: they no longer fit what customers write. A training follows once enough is reviewed."
    if rules & set(OF_THE_LABELS):
        return "The labels hold their gate, but they are less certain or meet new words: read the sample before they err."
    return "The labels hold their gate: the world changed, not the labels. The series follow it; nothing needs training."


def render_report(as_of: date, found: Sequence[Lasting], rows: Sequence[Mapping[str, Any]], evaluated: Sequence[Mapping[str, Any]], said: str, sample: int) -> str:
    """The report as Markdown; it quotes no customer."""
    lines = [f"# Model review, {as_of}", "", said, "", "## Why", ""]
    lines += [f"- {one.reason}" for one in found] or ["- started by hand: no rule lasted"]
    lines += ["", "## What moved in the last window", "", "| measure | subject | before | now | records | material |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row['measure'].replace('_', ' ')} | {str(row['subject']).replace('_', ' ')} | {_share(row['reference'])} | {_share(row['figure'])} | {row['records']:,} | "
        f"{'yes' if row['is_material'] else row['explained_by'] or 'no'} |"
        for row in rows if row["measure"] != "window"
    ]  # fmt: skip
    lines += ["", "## How right the active version is", "", "| topic | records | precision (at least) | recall (at least) | gate |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['topic'].replace('_', ' ')} | {row['records']} | {_share(row['precision'])} ({_share(row['precision_low'])}) | {_share(row['recall'])} ({_share(row['recall_low'])}) | "
        f"{row['gate'].replace('_', ' ')} |"
        for row in evaluated
    ]  # fmt: skip
    lines += ["", "## What to do", "", f"Read {sample} records: `insights review export --drift --out drift.xlsx`, fill it as its first sheet says, `insights review import drift.xlsx`.", ""]
    return "\n".join(lines)


def _share(value: Any) -> str:
    return "-" if value is None or value != value else f"{100 * float(value):.1f} %"
