"""What must hold on a home right after a run on it was killed: for readers, for the next writer, and in Dagster's eyes.

Belongs here: looking after each death and at the end of a chain. Does not belong here: killing (`kills.py`), how a home is looked at
(`homes.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import homes
from benchmarks.crash_points import PUBLICATION, now, spec_of
from benchmarks.dying import Commands


class Watch:
    """What must hold on a home after each death."""

    def __init__(self, home: Path, commands: Commands) -> None:
        self._home, self._commands = home, commands
        self._seen = homes.seen(home)
        self._kept = homes.digests(home, self._seen.versions) if self._seen is not None else {}
        self._earlier = self._seen
        self._shown = self._show() if self._seen is not None else None
        self._known = set(homes.runs(home)) if (home / "dagster").exists() else set()

    def faults(self, point: str) -> list[str]:
        """Readers, lock and runs after a death."""
        return [*self._reader_faults(point), *([] if homes.is_free(self._home) else ["the home is still held"]), *self._run_faults()]

    def _reader_faults(self, point: str) -> Iterator[str]:
        found = homes.seen(self._home)
        if point == f"{PUBLICATION}:after":
            # The row is there: what it pins must be all that the run wrote.
            if found is None or {name: version for name, version in now(self._home).versions.items() if version is not None} != found.versions:
                yield "the publication does not pin what the run wrote"
            self._seen = found
        elif found != self._seen:
            yield f"readers see {found.run_id if found else 'nothing'} instead of {self._seen.run_id if self._seen else 'nothing'}"
        spec = spec_of(point)
        if self._earlier is not None and spec is not None and str(spec) in self._earlier.versions and not self._is_kept(spec):
            yield f"{spec} reads otherwise than it was published"

    def _is_kept(self, spec: Any) -> bool:
        rows = homes.rows_of(self._home, spec, self._earlier.versions) if self._earlier is not None else None
        return rows is not None and homes.digest(rows) == self._kept[str(spec)]

    def _run_faults(self) -> Iterator[str]:
        """The run that died is still open in Dagster's eyes; those before it are not."""
        runs = homes.runs(self._home)
        new = [run for run in runs if run not in self._known]
        if len(new) != 1:
            yield f"{len(new)} new runs instead of one"
        if still := [run for run, status in runs.items() if status not in ("SUCCESS", "FAILURE") and run not in new]:
            yield f"{len(still)} runs of dead processes were not marked failed"
        self._known |= set(runs)

    def _show(self) -> tuple[int, str]:
        shown = self._commands.insights(self._home, "show", "insights", "--json", may_fail=True)
        return shown.code, shown.printed

    def command_faults(self) -> list[str]:
        """What a person sees who asks now: nothing yet, or what they saw before."""
        code, printed = self._show()
        if self._seen is self._earlier and self._shown is None:
            return [] if code == 1 and not printed else [f"`insights show` ended with {code} in a home that has published nothing"]
        return [] if self._seen is not self._earlier or (code, printed) == self._shown else ["`insights show insights` says something else"]

    def closing_faults(self) -> list[str]:
        """When all is done: no run is open, and the publication from before is still whole."""
        open_runs = [run for run, status in homes.runs(self._home).items() if status not in ("SUCCESS", "FAILURE")]
        changed = [name for name, kept in homes.digests(self._home, self._earlier.versions).items() if kept != self._kept[name]] if self._earlier is not None else []
        return [*([f"{len(open_runs)} runs are open"] if open_runs else []), *(f"{name}: the earlier publication reads otherwise" for name in changed)]
