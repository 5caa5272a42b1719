"""From the decided world to the files of the feedback sources, with the truth about each record.

Belongs here: which file a record goes into and the collecting of labels. Not here: columns (`source_columns.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from insights_assets.simulator.cases import Cases
from insights_assets.simulator.feedback_rows import Teller
from insights_assets.simulator.files import csv_line, dated_file, month_file, write_lines, write_parquet
from insights_assets.simulator.mess import Faults, Spoiler
from insights_assets.simulator.plan import TEXT_SOURCES, Progress, no_progress, stream
from insights_assets.simulator.reports import Reports, is_complaint
from insights_assets.simulator.sessions import Sessions, event_table, session_labels
from insights_assets.simulator.wording.compose import Said
from insights_assets.simulator.world import World

LATE_SOURCES: tuple[str, ...] = ("reviews", "support_tickets", "returns")
LATE_SHARE = 0.35  # of the records of three days

FileOf = Callable[[str, int, Random], str]  # source, day, chance -> file name


@dataclass
class Truth:
    """What is collected while the records are told. Labels are JSON text: a dict each would not fit a million."""

    labels: dict[str, list[str]] = field(default_factory=dict)
    personal: dict[str, dict[str, list[list[str]]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    late_files: list[str] = field(default_factory=list)


def history_files(world: World) -> FileOf:
    """Month files, but for the records that were delivered late."""
    plan, decoys = world.plan, world.shop.decoys
    late_day = {
        name: 16 + 9 * number + int(stream(plan.seed, "late", name).integers(0, 5))
        for number, name in enumerate(LATE_SOURCES)
    }

    def file_of(source: str, day: int, chance: Random) -> str:
        if source == decoys.silent_source and decoys.silent_start <= day < decoys.silent_end:
            return dated_file(source, plan.day(decoys.silent_end), "-late", "jsonl")
        held = late_day.get(source)
        if held is not None and held - 3 <= day < held and chance.random() < LATE_SHARE:
            return dated_file(source, plan.day(held), "-late")
        return month_file(source, plan.day(day))

    return file_of


def day_files(world: World) -> FileOf:
    """Dated files, as `--next-day` delivers them."""
    return lambda source, day, chance: dated_file(source, world.plan.day(day))


@dataclass(frozen=True)
class Window:
    """What is told into which folder: the history, or one day behind it."""

    world: World
    landing: Path
    extra_day: int | None

    @property
    def block(self) -> str | int:
        return "history" if self.extra_day is None else self.extra_day


def write_feedback(
    window: Window, cases: Cases, reports: Reports, truth: Truth, progress: Progress = no_progress
) -> None:
    """Every text source of a window."""
    world, landing = window.world, window.landing
    file_of = history_files(world) if window.extra_day is None else day_files(world)
    shared: dict[int, Said] = {}
    done, total = 0, len(reports)
    for source in TEXT_SOURCES:
        teller = Teller(world, source, window.extra_day, shared)
        chance = Random(int(stream(world.plan.seed, "mess", source, window.block).integers(0, 2**62)))
        spoiler = Spoiler(source, chance, truth.faults)
        open_files: dict[str, list[str]] = {}
        labels = truth.labels.setdefault(source, [])
        personal = truth.personal.setdefault(source, {})
        month = ""
        for told in teller.records(cases, reports):
            name = file_of(source, told.day, chance)
            lines = open_files.get(name)
            if lines is None:
                if name == month_file(source, world.plan.day(told.day)):
                    _flush(landing / source, open_files, month)  # the month before is complete
                    month = name
                lines = open_files[name] = [] if ".jsonl" in name else [csv_line(told.row.keys())]
                if "-late" in name:
                    truth.late_files.append(f"{source}/{name}")
            lines += spoiler.lines(told.ref, told.row, name)
            labels.append(f"{json.dumps(told.ref)}:{json.dumps(told.label, ensure_ascii=False, separators=(',', ':'))}")
            if told.personal:
                personal[told.ref] = [[kind, value] for kind, value in told.personal]
            done += 1
            if done % 2_000 == 0:
                progress("feedback", done, total)
        for name in list(open_files):
            _flush(landing / source, open_files, name)
        truth.counts[source] = len(labels)
    progress("feedback", total, total)


def _flush(folder: Path, open_files: dict[str, list[str]], name: str) -> None:
    lines = open_files.pop(name, None)
    if lines:
        write_lines(folder / name, lines)


def write_sessions(window: Window, sessions: Sessions, truth: Truth) -> None:
    """The clickstream of a window, a file a month or one for the day."""
    world, plan = window.world, window.world.plan
    day = world.shop.clock.day_of(sessions.at)
    if window.extra_day is None:
        names = np.array([month_file("clickstream", plan.day(i)) for i in range(plan.days)])[day]
    else:
        names = np.full(len(day), dated_file("clickstream", plan.day(plan.days - 1 + window.extra_day)))
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        write_parquet(window.landing / "clickstream" / str(name), event_table(world, sessions, rows))
    truth.counts["clickstream"] = int(sessions.is_troubled.sum())
    release = next((i.incident_id for i in world.shop.incidents if i.kind == "checkout_release"), None)
    truth.labels["clickstream"] = [
        f"{json.dumps(ref)}:{json.dumps(label, separators=(',', ':'))}"
        for ref, label in session_labels(sessions, release).items()
    ]


def complaint_orders(world: World, cases: Cases, reports: Reports) -> int:
    """Distinct orders about which somebody complained in these records."""
    rows = np.unique(reports.case)
    rows = rows[is_complaint(cases)[rows] & cases.has_order[rows] & (cases.line[rows] >= 0)]
    return len(np.unique(world.order_key(cases.line[rows])))
