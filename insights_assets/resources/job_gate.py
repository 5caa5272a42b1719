"""The gate before the later tasks of a job: they stand behind steps that Dagster runs itself, and begin when it says so.

Belongs here: the task that waits, the word it waits for, and where that word lies, as both sides know it. Does not belong here: which steps
stand behind a gate (`waves.py`), when the word is given (`jobs.py`).

The word is a file beside the receipts of the job: that is a place which both sides see in every way to run one. A gate fails when its
time is over or when it is told that nobody needs what comes behind it, so that nothing behind it is started. Each task behind it looks once
more by itself: a workspace that goes on behind a failed task, or starts one anew, makes it work on nothing half done.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from insights_assets.resources.receipts import receipt_path

#: Names of the gates' tasks: `waits_for_dagster`, then `waits_for_dagster_2`, …
NAME = "waits_for_dagster"
_SECONDS_BETWEEN_LOOKS = 2.0
_LOG = logging.getLogger("insights_assets")


class NotBegunError(RuntimeError):
    """What stands behind a gate may not begin; nothing was written."""


def gate_name(number: int) -> str:
    """The task of the gate before the wave of that number; the first wave stands behind none."""
    return NAME if number == 1 else f"{NAME}_{number}"


def word_text(begins: bool) -> str:
    return json.dumps({"begins": begins})


def word_at(lake: Path, token: str, gate: str) -> bool | None:
    """What Dagster said: begin (True), never (False), nothing so far (None; a file that is cut off says nothing yet)."""
    path = receipt_path(lake, token, gate)
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["begins"])
    except (FileNotFoundError, json.JSONDecodeError):
        return None


@dataclass(frozen=True)
class Gate:
    """One waiting task. Travels as its arguments; `lake` is the lake's folder as the job sees it."""

    name: str
    lake: str
    token: str
    seconds: int

    def to_arguments(self) -> list[str]:
        return ["--gate", self.name, "--lake", self.lake, "--token", self.token, "--seconds", str(self.seconds)]

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Self | None:
        """The gate that `to_arguments` wrote; None where the arguments are those of a step."""
        if "--gate" not in arguments:
            return None
        parser = argparse.ArgumentParser("insights-step", description="Waits until Dagster has done its own steps before those that come next.", allow_abbrev=False)
        for name, kind in (("gate", str), ("lake", str), ("token", str), ("seconds", int)):
            parser.add_argument(f"--{name}", required=True, type=kind)
        given, _ = parser.parse_known_args(list(arguments))
        return cls(given.gate, given.lake, given.token, given.seconds)

    def wait(self, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.monotonic) -> None:
        """Return when what comes behind may begin. Raises NotBegunError when it may not, or when nothing was said in time."""
        deadline = now() + self.seconds
        while (word := word_at(Path(self.lake), self.token, self.name)) is None:
            if now() >= deadline:
                raise NotBegunError(f"Dagster did not say within {self.seconds} s that its own steps are done; its next run does what is left")
            sleep(_SECONDS_BETWEEN_LOOKS)
        if not word:
            raise NotBegunError("Dagster's own steps came out otherwise; what is left is done by another job run")
        _LOG.info("Dagster has done its own steps")


def refuse_before(lake: Path, token: str, gate: str, step: str) -> None:
    """Raise NotBegunError where a step stands behind a gate that is not open."""
    if gate and not word_at(lake, token, gate):
        raise NotBegunError(f"{step}: Dagster did not say that it may begin")
