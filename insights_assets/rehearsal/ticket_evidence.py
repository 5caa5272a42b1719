"""Open tickets beside the records they stand on: how many would still say what the ticket says.

Belongs here: which tickets are open, whose records count for them before and after. Does not belong here: what a mention is (`anomalies.series`).
Tickets of repeated support questions name no records of an insight; they are counted and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from insights_assets.actions.tables import ACTION_TICKETS
from insights_assets.anomalies import series
from insights_assets.anomalies.tables import INSIGHTS
from insights_assets.anomalies.topics import BELONGS_TO
from insights_assets.canonical.tables import FEEDBACK
from insights_assets.rehearsal.findings import Finding

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.resources.step import Step

#: States of an action that nobody waits for any more.
_DONE = ("rejected", "ended")
#: A ticket that keeps less than this share of its records stands on little.
_MOST = 0.5


def open_tickets(step: Step) -> list[dict[str, Any]]:
    """Open tickets of insights: action_id, kind, insight_id, title, topic and the records they rest on."""
    from pyspark.sql import functions as F

    tickets = step.read(ACTION_TICKETS).where(~F.col("state").isin(*_DONE) & ~F.coalesce(F.col("issue_state"), F.lit("open")).isin("closed"))
    named = step.read(INSIGHTS).select("insight_id", F.col("topic").alias("of_topic"), "record_ids", "evidence_ids")
    rows = tickets.select("action_id", "insight_id", "kind", "title").join(named, "insight_id").toArrow().to_pylist()
    return [
        {**row, "records": sorted({*(row["record_ids"] or ()), *(row["evidence_ids"] or ())})} for row in sorted(rows, key=lambda one: one["action_id"])
    ]


def unnamed_count(step: Step) -> int:
    """Open actions of issues that are no insight."""
    from pyspark.sql import functions as F

    return int(step.read(ACTION_TICKETS).where(~F.col("state").isin(*_DONE)).join(step.read(INSIGHTS).select("insight_id"), "insight_id", "left_anti").count())


def said_by(step: Step, labels: DataFrame, ids: Iterable[str]) -> set[tuple[str, str]]:
    """(record, topic) that count as a complaint under these labels, of some records."""
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    some = step.lake.spark.createDataFrame([(one,) for one in wanted], "feedback_id string")
    feedback, labelled = (frame.join(some, "feedback_id", "left_semi") for frame in (step.read(FEEDBACK), labels))
    rows = series.mentions(feedback, labelled).select("feedback_id", "topic").toArrow().to_pylist()
    return {(row["feedback_id"], row["topic"]) for row in rows}


def ticket_findings(tickets: Sequence[Mapping[str, Any]], before: set[tuple[str, str]], after: set[tuple[str, str]]) -> list[Finding]:
    """How many of each ticket's records would still count; those that lose most first."""
    found = []
    for ticket in tickets:
        topics = {ticket["of_topic"], *(signal for signal, topic in BELONGS_TO.items() if topic == ticket["of_topic"])}
        old = [one for one in ticket["records"] if any((one, topic) in before for topic in topics)]
        kept = [one for one in old if any((one, topic) in after for topic in topics)]
        lost = [one for one in old if one not in set(kept)]
        answer = "keeps" if not lost else "loses_most" if len(kept) < _MOST * len(old) else "loses"
        told = "keeps its evidence" if not lost else f"would keep {len(kept)} of the {len(old)} records it rests on"
        found.append(Finding(
            "ticket", ticket["action_id"], answer, f"{ticket['title']} ({ticket['kind'].replace('_', ' ')} {ticket['action_id']}) {told}", count=len(lost),
            share=round(len(kept) / len(old), 4) if old else None, before=float(len(old)), after=float(len(kept)), sample_ids=tuple(lost[:10]),
        ))  # fmt: skip
    order = {"loses_most": 0, "loses": 1, "keeps": 2}
    return sorted(found, key=lambda one: (order[one.answer], one.share or 0.0, one.subject))
