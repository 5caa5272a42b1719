"""What sensors go by: the last run writes it into the operational database, they read it there. No sensor starts an engine.

Belongs here: gathering signals from tables, keeping them as one fact of the home, and reading what was done before. Does not belong
here: deciding (`triggers.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.anomalies.build_trust import REVIEWED_THROUGH
from insights_assets.anomalies.drift_rule import JudgedWindow, judged_windows
from insights_assets.anomalies.soundness_tables import DRIFT
from insights_assets.anomalies.trust import falls_short
from insights_assets.labels.candidate import TRAINED, gate_answer, waiting_candidate
from insights_assets.labels.relabel import activation_to_follow, left_fact
from insights_assets.labels.tables import LABEL_QUALITY
from insights_assets.learning.triggers import History, Signals
from insights_assets.sources.tables import BRONZE

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.step import Step

#: Facts of the home: the signals, and its first day.
SIGNALS, SINCE = "learning:signals", "learning:since"
WINDOWS_KEPT = 12
LAUNCH_DAYS = 28


def gather(step: Step) -> Signals:
    """Signals from the tables of this run."""
    from pyspark.sql import functions as F

    drifted = step.read(DRIFT).where("measure = 'window' OR is_material").select("as_of_day", "rule", "subject", "reason", "z", "is_material")
    gates = step.read(LABEL_QUALITY).where("gate = 'fail'").toArrow().to_pylist()
    corrections = step.operations.corrections.all()
    calendar = step.read(BRONZE["calendar"]).select(
        F.lower("kind").alias("kind"), "name", F.col("happened_day").alias("starts_day"),
        F.to_date(F.from_utc_timestamp(F.expr("ends_at - INTERVAL 1 SECOND"), step.zone)).alias("ends_day"),
    )  # fmt: skip
    events = calendar.where("kind IN ('launch', 'season')").toArrow().to_pylist()
    return with_calendar(
        Signals(
            as_of=step.as_of, windows=tuple(judged_windows(drifted.toArrow().to_pylist())[-WINDOWS_KEPT:]),
            failed_topics={row["topic"]: row["reason"] for row in gates if falls_short(row, step.shop.policy.acceptance)}, topics=frozenset(step.shop.policy.topics),
            reviewed=len({row.feedback_id for row in corrections if row.field == "topics"}),
            last_correction_id=corrections[-1].correction_id if corrections else 0,
        ),
        events,
    )  # fmt: skip


def with_calendar(signals: Signals, events: Iterable[Mapping[str, Any]]) -> Signals:
    """The signals with how busy the shop's calendar is on their day."""
    launches, seasons = 0, []
    for event in events:
        starts, ends = event["starts_day"], event["ends_day"] or event["starts_day"]
        if event["kind"] == "launch" and timedelta(0) <= signals.as_of - starts < timedelta(days=LAUNCH_DAYS):
            launches += 1
        if event["kind"] == "season" and starts <= signals.as_of <= ends:
            seasons.append(str(event["name"]))
    return replace(signals, launches_lately=launches, seasons=tuple(sorted(seasons)))


def keep(operations: Operations, signals: Signals) -> None:
    """Put the signals where sensors find them."""
    document = {
        "as_of": signals.as_of.isoformat(), "windows": [{"last": window.last.isoformat(), "material": window.material} for window in signals.windows],
        "failed_topics": dict(signals.failed_topics or {}), "topics": sorted(signals.topics), "reviewed": signals.reviewed,
        "last_correction_id": signals.last_correction_id, "launches_lately": signals.launches_lately, "seasons": list(signals.seasons),
    }
    if operations.facts.get(SINCE) is None:
        operations.facts.put(SINCE, signals.as_of.isoformat())
    operations.facts.put(SIGNALS, json.dumps(document))


def kept(operations: Operations) -> Signals | None:
    """The signals of the last run; None before the first."""
    stored = operations.facts.get(SIGNALS)
    if stored is None:
        return None
    found = json.loads(stored)
    return Signals(
        as_of=date.fromisoformat(found["as_of"]), windows=tuple(JudgedWindow(date.fromisoformat(row["last"]), row["material"]) for row in found["windows"]),
        failed_topics=found["failed_topics"], topics=frozenset(found["topics"]), reviewed=found["reviewed"], last_correction_id=found["last_correction_id"],
        launches_lately=found["launches_lately"], seasons=tuple(found["seasons"]),
    )  # fmt: skip


def history(operations: Operations, as_of: date) -> History:
    """What was reviewed, trained, judged, promoted and relabelled so far."""
    facts = operations.facts
    trained = json.loads(facts.get(TRAINED) or "{}")
    reviewed, since = facts.get(REVIEWED_THROUGH), facts.get(SINCE)
    candidate = waiting_candidate(operations)
    answer = gate_answer(operations, candidate) if candidate is not None else None
    follow = activation_to_follow(operations)
    left = facts.get(left_fact(follow[0])) if follow is not None else None
    return History(
        since=date.fromisoformat(since) if since else as_of, reviewed_through=date.fromisoformat(reviewed) if reviewed else None,
        trained_day=date.fromisoformat(trained["day"]) if trained else None, trained_reviewed=int(trained.get("reviewed", 0)), waiting_candidate=candidate,
        gate_answer=answer["answer"] if answer else None, activation=follow[0] if follow else None, relabel_left=int(left) if left is not None else None,
    )  # fmt: skip
