"""From the decided world to the files of the feedback sources, with the truth about each record.

Belongs here: which file a record goes into and the collecting of labels. Not here: columns (`feedback_rows.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from insights_assets.simulator.cases import NO_TOPIC, Cases
from insights_assets.simulator.feedback_rows import Teller
from insights_assets.simulator.files import FORMATS, csv_line, dated_file, month_file, write_lines, write_parquet
from insights_assets.simulator.mess import Faults, with_faults
from insights_assets.simulator.plan import TEXT_SOURCES, Progress, stream
from insights_assets.simulator.reports import Reports, is_complaint
from insights_assets.simulator.sessions import Sessions, event_table, session_labels
from insights_assets.simulator.world import World

LATE_SOURCES: tuple[str, ...] = ("reviews", "support_tickets", "returns")
LATE_SHARE = 0.35


@dataclass
class Truth:
    """What is collected while the records are told. Labels are kept as JSON text: a dict each would not fit a million."""

    labels: dict[str, list[str]] = field(default_factory=dict)
    personal: dict[str, dict[str, list[list[str]]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    late_files: list[str] = field(default_factory=list)


FileOf = Callable[[str, int, Random], tuple[str, str]]  # source, day, chance -> (file name, format)


def history_files(world: World) -> FileOf:
    """Month files, but for the records that were delivered late."""
    plan, decoys = world.plan, world.decoys
    late_day = {name: 16 + 9 * number + int(stream(plan.seed, "late", name).integers(0, 5)) for number, name in enumerate(LATE_SOURCES)}

    def file_of(source: str, day: int, chance: Random) -> tuple[str, str]:
        if source == decoys.silent_source and decoys.silent_start <= day < decoys.silent_end:
            return dated_file(source, plan.day(decoys.silent_end), "-late", "jsonl"), "jsonl"
        held = late_day.get(source)
        if held is not None and held - 3 <= day < held and chance.random() < LATE_SHARE:
            return dated_file(source, plan.day(held), "-late"), FORMATS[source]
        return month_file(source, plan.day(day)), FORMATS[source]

    return file_of


def day_files(world: World) -> FileOf:
    """Dated files, as `--next-day` delivers them."""

    def file_of(source: str, day: int, chance: Random) -> tuple[str, str]:
        return dated_file(source, world.plan.day(day)), FORMATS[source]

    return file_of


def write_feedback(
    world: World, cases: Cases, reports: Reports, extra_day: int | None, landing: Path, truth: Truth, progress: Progress
) -> None:
    """Every text source of a window."""
    block: str | int = "history" if extra_day is None else extra_day
    file_of = history_files(world) if extra_day is None else day_files(world)
    window_end = world.window(extra_day)[1]
    shared: dict[int, Any] = {}
    done, total = 0, len(reports)
    for source in TEXT_SOURCES:
        teller = Teller(world, source, block, shared)
        chance = Random(int(stream(world.plan.seed, "mess", source, block).integers(0, 2**62)))
        open_files: dict[str, list[str]] = {}
        labels = truth.labels.setdefault(source, [])
        personal = truth.personal.setdefault(source, {})
        count = 0
        month = ""
        for told in teller.records(cases, reports, window_end):
            name, form = file_of(source, told.day, chance)
            lines = open_files.get(name)
            if lines is None:
                if len(name) == len(month) and name != month:  # the month before is complete
                    _flush(landing, source, open_files, month)
                month = name if name == month_file(source, world.plan.day(told.day)) else month
                lines = open_files[name] = [] if form.startswith("jsonl") else [csv_line(told.row.keys())]
            lines += with_faults(source, form, told.ref, told.row, name, chance, truth.faults)
            labels.append(f"{json.dumps(told.ref)}:{json.dumps(told.label, ensure_ascii=False, separators=(',', ':'))}")
            if told.personal:
                personal[told.ref] = [[kind, value] for kind, value in told.personal]
            count += 1
            done += 1
            if done % 2_000 == 0:
                progress("feedback", done, total)
        truth.late_files += [f"{source}/{name}" for name in open_files if "-late" in name]
        for name in list(open_files):
            _flush(landing, source, open_files, name)
        truth.counts[source] = count
    progress("feedback", total, total)


def _flush(landing: Path, source: str, open_files: dict[str, list[str]], name: str) -> None:
    lines = open_files.pop(name, None)
    if lines:
        write_lines(landing / source / name, lines)


def write_sessions(world: World, sessions: Sessions, extra_day: int | None, landing: Path, truth: Truth) -> None:
    """The clickstream of a window, a file a month or one for the day."""
    day = world.clock.day_of(sessions.at)
    if extra_day is None:
        names = np.array([month_file("clickstream", world.plan.day(i)) for i in range(world.plan.days)])[day]
    else:
        names = np.full(len(day), dated_file("clickstream", world.plan.day(world.plan.days - 1 + extra_day)))
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        write_parquet(landing / "clickstream" / str(name), event_table(world, sessions, rows))
    truth.counts["clickstream"] = int(sessions.is_troubled.sum())
    release = next((i.incident_id for i in world.incidents if i.kind == "checkout_release"), None)
    entries = session_labels(sessions, release)
    truth.labels["clickstream"] = [f"{json.dumps(ref)}:{json.dumps(label, separators=(',', ':'))}" for ref, label in entries.items()]


def complaint_orders(world: World, cases: Cases, reports: Reports) -> int:
    """Distinct orders about which somebody complained in these records."""
    rows = np.unique(reports.case)
    rows = rows[is_complaint(cases)[rows] & cases.has_order[rows] & (cases.line[rows] >= 0) & (cases.topic[rows] != NO_TOPIC)]
    return len(np.unique(world.order_key(cases.line[rows])))
