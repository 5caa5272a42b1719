"""Commands and jobs of the product in processes of their own that may be killed, and how each of them ended.

Belongs here: starting and waiting. Does not belong here: what is killed when (`kills.py`). A server process that has loaded the
libraries forks a child for each command: the child opens home, engine and tables itself and dies alone, seconds sooner than one that
must load everything first.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Loaded once; none of them starts a thread or a server when it is imported.
LIBRARIES = [
    "insights_assets.cli", "insights_assets.commands.run", "insights_assets.commands.show", "insights_assets.definitions", "pyspark.sql.connect.session",
    "pysail.spark", "deltalake", "pandas",
]  # fmt: skip
#: Long enough for a machine that does much else; what hangs for good is ended.
DEADLINE_SECONDS = 1_800
KILLED = -9


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (-9: killed), how long it took, what it printed."""

    code: int
    seconds: float
    printed: str

    @property
    def answer(self) -> Any:
        return json.loads(self.printed)


class Commands:
    """Starts `insights …` and jobs on homes that share a landing folder, a customer key and a day."""

    def __init__(self, folder: Path, landing: Path) -> None:
        self._folder = folder
        self._environment = {"INSIGHTS_LANDING": str(landing), "INSIGHTS_CUSTOMER_KEY_SECRET": "one key for both homes"}
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(LIBRARIES)

    def insights(self, home: Path, *words: str, crash_at: str = "", may_fail: bool = False) -> Ended:
        """A command as a person types it."""
        return self._run(_insights, (words,), home, "", crash_at, may_fail)

    def job(self, home: Path, name: str, day: str, *, config: dict[str, Any] | None = None, crash_at: str = "", may_fail: bool = False) -> Ended:
        """A job as a sensor or a schedule starts it."""
        return self._run(_job, (name, config or {}), home, day, crash_at, may_fail)

    def _run(self, target: Any, given: tuple[Any, ...], home: Path, day: str, crash_at: str, may_fail: bool) -> Ended:
        out, err = self._folder / "printed.txt", self._folder / "errors.txt"
        environment = {**self._environment, "INSIGHTS_HOME": str(home), "INSIGHTS_CRASH_AT": crash_at, **({"INSIGHTS_AS_OF": day} if day else {})}
        began = time.monotonic()
        process = self._processes.Process(target=_begin, args=(target, given, environment, str(out), str(err)))
        process.start()
        process.join(DEADLINE_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise SystemExit(f"{given} on {home} had not ended after {DEADLINE_SECONDS} s")
        ended = Ended(process.exitcode, time.monotonic() - began, out.read_text(encoding="utf-8"))
        if ended.code != 0 and not may_fail:
            raise SystemExit(f"{given} on {home} ended with {ended.code}: {ended.printed[-1500:]}{err.read_text(encoding='utf-8')[-3000:]}")
        return ended


def _begin(target: Any, given: tuple[Any, ...], environment: dict[str, str], out: str, err: str) -> None:
    os.environ.update(environment)
    for path, stream in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, stream)
        os.close(file)
    target(*given)
    sys.stdout.flush()


def _insights(words: tuple[str, ...]) -> None:
    from insights_assets.cli import main

    main(list(words), prog_name="insights")


def _job(name: str, config: dict[str, Any]) -> None:
    from insights_assets.run import run_job
    from insights_assets.settings import Settings

    outcome = run_job(Settings(), name, config)
    if not outcome.succeeded:
        raise SystemExit(outcome.error)
    print(json.dumps({"succeeded": True, "seconds_by_step": outcome.seconds}))
