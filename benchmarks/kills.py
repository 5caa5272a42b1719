"""`make kills`: a run killed before and after the commit of every table, and at every memory, message and publication it leaves.

    python -m benchmarks.kills [--records N] [--chains first next jobs] [--points REGEX] [--folder DIR] [--json]

Two homes take in the same files. One is left alone. The other dies by SIGKILL at one point after the other, each time at the next
one, before it may finish. After each death: readers see what they saw before, whole; nobody holds the home; the run that died is marked
failed by the next start. At the end every table, the desk and the outbox must be equal. Exit code 1 where anything is not.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

from benchmarks import homes
from benchmarks.crash_points import now, points_of, row_commits, spec_of
from benchmarks.dying import KILLED, Commands, Ended
from benchmarks.watching import Watch
from insights_assets.tables import all_tables

LAST_DAY = date(2026, 11, 22)
DAYS, SEED = 75, 11
#: Work on a home that may be killed: (home, crash point or "", whether it may fail) -> how it ended.
Work = Callable[[Path, str, bool], Ended]


@dataclass
class Death:
    """One point and what was seen around it. `committed`: rows were committed to its table; None where the point is no table's."""

    point: str
    reached: bool
    committed: bool | None
    seconds: float
    faults: list[str] = field(default_factory=list)


@dataclass
class Chain:
    """All points of one piece of work, and how the two homes compare at its end."""

    name: str
    deaths: list[Death] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    tables: int = 0
    desk_files: int = 0
    faults: list[str] = field(default_factory=list)
    differing: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        return not (self.differing or self.faults or any(death.faults for death in self.deaths))

    def summary(self) -> dict[str, Any]:
        reached = [death for death in self.deaths if death.reached]
        return {
            "chain": self.name, "points": len(self.deaths), "killed": len(reached), "tables_killed": len({death.point.rpartition(":")[0] for death in reached if death.committed is not None}),
            "reached_without_commit": [d.point for d in reached if d.committed is False and d.point.endswith(":after")],
            "not_reached": [d.point for d in self.deaths if not d.reached], "unwritten": self.unwritten, "compared": self.tables, "desk_files": self.desk_files,
            "differing": self.differing, "faults": self.faults + [f"{d.point}: {fault}" for d in self.deaths for fault in d.faults], "seconds": round(self.seconds, 1),
        }  # fmt: skip


class Walk:
    """The two homes and the chains that one of them goes through."""

    def __init__(self, folder: Path, commands: Commands, pattern: str, say: Callable[[str], None]) -> None:
        self.calm, self.shaken = folder / "undisturbed", folder / "killed"
        self._spare = folder / "spare"
        self._commands = commands
        self._pattern = re.compile(pattern)
        self._say = say

    def chain(self, name: str, work: Work, *, published: bool = True) -> Chain:
        """The work once on the undisturbed home; on the other killed at every point of it, then done; then both compared."""
        chain, began = Chain(name), time.monotonic()
        before = now(self.calm)
        done = work(self.calm, "", False).answer
        points, chain.unwritten = points_of(self.calm, before, list(done["seconds_by_step"]))
        points = [point for point in points if self._pattern.search(point)]
        self._say(f"{name}: {len(points)} points, {len(chain.unwritten)} tables that it wrote nothing to")
        watch = Watch(self.shaken, self._commands)
        stage = ""
        for number, point in enumerate(points, 1):
            chain.deaths.append(death := self._die(work, point, watch))
            if point.partition(".")[0] != stage:
                stage = point.partition(".")[0]
                death.faults += watch.command_faults()
            said = "; ".join(death.faults) or ("killed" if death.reached else "NOT REACHED")
            self._say(f"  {number:>3}/{len(points)} {point:<44} {death.seconds:>6.1f} s  {said}")
        work(self.shaken, "", False)
        chain.faults += watch.closing_faults()
        chain.tables, chain.differing = homes.differences(self.calm, self.shaken, published=published)
        for what in ("desk", "models"):
            sides = [homes.files(home / what) for home in (self.calm, self.shaken)]
            chain.desk_files += len(sides[0]) if what == "desk" else 0
            chain.differing |= {f"{what}/{path}": "bytes differ" for path in sorted(sides[0].keys() | sides[1].keys()) if sides[0].get(path) != sides[1].get(path)}
        if homes.outbox(self.calm) != homes.outbox(self.shaken):
            chain.differing["outbox"] = "messages differ in state, place or content"
        chain.seconds = time.monotonic() - began
        return chain

    def _die(self, work: Work, point: str, watch: Watch) -> Death:
        """Killed once. A run that lives through its point is taken back, so that the later points are still to come."""
        shutil.rmtree(self._spare, ignore_errors=True)
        if self.shaken.exists():
            shutil.copytree(self.shaken, self._spare, copy_function=_spare_copy)
        spec = spec_of(point)
        commits = row_commits(self.shaken, spec) if spec is not None else 0
        ended = work(self.shaken, point, True)
        if ended.code != KILLED:
            shutil.rmtree(self.shaken)
            if self._spare.exists():
                self._spare.rename(self.shaken)
            return Death(point, False, None, ended.seconds, [] if ended.code == 0 else [f"ended with {ended.code}"])
        moved = row_commits(self.shaken, spec) > commits if spec is not None else None
        faults = ["a commit was there before it was made"] if moved and point.endswith(":before") else []
        return Death(point, True, moved, ended.seconds, faults + watch.faults(point))


def _spare_copy(source: str, target: str) -> None:
    """Files of the lake are written once and never changed, so a second name keeps them; everything else is copied."""
    if "/lake/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def walk(folder: Path, records: int, chains: list[str], pattern: str, say: Callable[[str], None]) -> list[Chain]:
    """The chains asked for, on a sample shop made in the folder."""
    from insights_assets.simulator import simulate, simulate_next_day

    shop = folder / "shop"
    simulate(shop, days=DAYS, records=records, seed=SEED, last_day=LAST_DAY)
    truth = json.loads((shop / "truth.json").read_text(encoding="utf-8"))
    commands = Commands(folder, shop / "landing")
    there = Walk(folder, commands, pattern, say)

    def run(day: date) -> Work:
        return lambda home, crash_at, may_fail: commands.insights(home, "run", "--as-of", day.isoformat(), "--json", crash_at=crash_at, may_fail=may_fail)

    def both(work: Work) -> None:
        for home in (there.calm, there.shaken):
            work(home, "", False)

    done = []
    if "first" in chains:
        done.append(there.chain("first run", run(LAST_DAY)))
    else:
        both(run(LAST_DAY))
    if chains == ["first"]:
        return done
    for home in (there.calm, there.shaken):
        people_answer(home, truth, commands)
    simulate_next_day(shop / "landing")
    following = LAST_DAY + timedelta(days=1)
    if "next" in chains:
        done.append(there.chain("one more day", run(following)))
    else:
        both(run(following))
    if "jobs" in chains:
        done += job_chains(there, commands, following)
    return done


def people_answer(home: Path, truth: dict[str, Any], commands: Commands) -> None:
    """What people did between two runs, the same in both homes at the same instant: records reviewed, one insight confirmed, one dismissed."""
    from insights_assets.actions.inbox import take_here
    from insights_assets.commands.demo import review_from_truth
    from insights_assets.resources.operations import open_operations
    from insights_assets.settings import Settings
    from insights_assets.shop import load_shop

    review_from_truth(Settings(home=home), truth)
    shown = json.loads(commands.insights(home, "show", "insights", "--json").printed)
    ids = sorted(row["insight_id"] for row in shown)
    said_at = datetime.combine(LAST_DAY, time_of_day(12), UTC)
    with closing(open_operations(f"sqlite:///{home / 'operations.db'}", clock=lambda: said_at)) as operations:
        for insight, act, reason in ((ids[0], "confirm", ""), (ids[-1], "dismiss", "a test batch")):
            taken = take_here(operations, load_shop(None), act, insight, by="ana", through="command", reason=reason, until=None, known_insights=ids, as_of=LAST_DAY, operators=None)
            if not taken.is_taken:
                raise SystemExit(f"{act} of {insight} was not taken: {taken.said}")


def job_chains(there: Walk, commands: Commands, day: date) -> Iterator[Chain]:
    """The jobs whose tables the whole loop leaves out, in the order in which one leads to the next."""
    from insights_assets.governance.sensors import RETENTION
    from insights_assets.jobs import apart_jobs
    from insights_assets.learning.triggers import RELABEL
    from insights_assets.sources.tables import RETENTION_DAYS

    # Late enough that the first days of the history have outlived what is kept shortest.
    much_later = LAST_DAY - timedelta(days=DAYS - 15) + timedelta(days=min(RETENTION_DAYS.values()))
    removing = {"governance__retention_runs": {"config": {"apply": True}}}
    for job in apart_jobs():
        when, config = (much_later, removing) if job.name == RETENTION else (day, {})
        if job.name == RELABEL:
            for home in (there.calm, there.shaken):
                promote(home, commands)

        def work(home: Path, crash_at: str, may_fail: bool, name: str = job.name, when: date = when, config: dict[str, Any] = config) -> Ended:
            return commands.job(home, name, when.isoformat(), config=config, crash_at=crash_at, may_fail=may_fail)

        yield there.chain(job.name, work, published=False)


def promote(home: Path, commands: Commands) -> None:
    """A person brings the candidate into force that its gate let wait, so that labels are to be made again."""
    waiting = json.loads(commands.insights(home, "model", "list", "--json").printed)["candidate"]
    if waiting:
        commands.insights(home, "model", "promote", waiting, "--reason", "to see labels made again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=3_000)
    parser.add_argument("--chains", nargs="+", choices=["first", "next", "jobs"], default=["first", "next", "jobs"])
    parser.add_argument("--points", default="", help="only points that match this expression")
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards [default: a temporary one]")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="insights-kills-") as temporary:
        folder = given.folder or Path(temporary)
        if given.folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        chains = walk(folder, given.records, given.chains, given.points, (lambda _line: None) if given.json else (lambda line: print(line, flush=True)))
    summaries = [chain.summary() for chain in chains]
    untouched = never_killed(chains)
    if given.json:
        print(json.dumps({"never_killed": untouched, "chains": [{**summary, "deaths": [asdict(d) for d in chain.deaths]} for summary, chain in zip(summaries, chains, strict=True)]}, indent=1))
    else:
        print("\n".join(line for summary in summaries for line in lines_of(summary)))
        print(f"No chain was killed at {len(untouched)} of {len(all_tables())} tables: {', '.join(untouched) or 'none'}")
    raise SystemExit(0 if all(chain.is_well for chain in chains) else 1)


def never_killed(chains: list[Chain]) -> list[str]:
    """Tables of the house around whose commits no run was killed, neither before nor after."""
    killed = {death.point.rpartition(":")[0] for chain in chains for death in chain.deaths if death.reached}
    return [str(spec) for spec in all_tables() if str(spec) not in killed]


def lines_of(summary: dict[str, Any]) -> list[str]:
    """A chain for a person."""
    lines = [
        f"{summary['chain']}: killed at {summary['killed']} of {summary['points']} points ({summary['tables_killed']} tables), "
        f"{summary['compared']} tables and {summary['desk_files']} desk files compared, {len(summary['differing'])} differ, {summary['seconds']:.0f} s"
    ]
    for name, heading in (("unwritten", "wrote nothing to"), ("not_reached", "not reached"), ("reached_without_commit", "reached, nothing to commit")):
        if summary[name]:
            lines.append(f"  {heading} ({len(summary[name])}): {', '.join(summary[name])}")
    lines += [f"  DIFFERS {name}: {why}" for name, why in summary["differing"].items()]
    return lines + [f"  FAULT {fault}" for fault in summary["faults"]]


if __name__ == "__main__":
    main()
