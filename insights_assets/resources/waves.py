"""Which heavy steps of a run go into one job: plain functions over the order of steps, no Dagster and no network.

A *wave* is all heavy steps whose light predecessors are done when the first of them is reached: they need nothing more of this process, so
they are tasks of one job run on shared compute, and each attaches to its task when its turn comes. A step behind a light one that still
has to run is of a later wave: its task stands behind a gate (`job_gate.py`) in the same job run. So a run has as many waves as there are changes
from light to heavy on its longest way. Light steps go first (`HEAVY_LAST`), which keeps that number at its least: two in today's graph. Where tasks
share no compute a gate would hold a machine of its own while it waits, and each wave is a job run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Set
from typing import Any

#: Tag of a heavy step's op: of the steps that may run, light ones run first.
HEAVY_LAST = {"dagster/priority": "-1"}


def upstream_of(bodies: Mapping[str, tuple[Any, tuple[Any, ...], tuple[Any, ...]]], steps: Set[str]) -> dict[str, set[str]]:
    """Step -> the steps among `steps` that write a table it reads. A step's own tables make it no predecessor of itself."""
    writer = {spec: name for name in steps for spec in bodies[name][2]}
    return {name: {writer[spec] for spec in bodies[name][1] if spec in writer} - {name} for name in steps}


def wave_of(first: str, heavy: Set[str], upstream: Mapping[str, Set[str]], done: Set[str], can_skip: Callable[[str], bool]) -> tuple[str, ...]:
    """The heavy steps that go together with `first`, in an order in which they may run.

    `upstream` covers the steps of the run; a predecessor outside it is done. A step that can be skipped is left out unless a predecessor
    of it is in: what that one writes may be what it has to work on.
    """
    able: dict[str, bool] = {}

    def can_start(step: str) -> bool:
        if step not in able:
            able[step] = False  # a circle would never start
            able[step] = all(one in done or (one in heavy and can_start(one)) for one in upstream[step])
        return able[step]

    wave: list[str] = []

    def add(step: str) -> None:
        if step in wave or step in done or step not in heavy or not can_start(step):
            return
        for one in sorted(upstream[step]):
            add(one)
        if step == first or any(one in wave for one in upstream[step]) or not can_skip(step):
            wave.append(step)

    for step in [first, *sorted(set(upstream) - {first})]:
        add(step)
    return tuple(wave)


def later_waves(wave: Set[str], heavy: Set[str], upstream: Mapping[str, Set[str]], done: Set[str]) -> tuple[tuple[str, ...], ...]:
    """The heavy steps that come behind a wave, wave by wave, each in an order in which they may run. Nobody knows yet which can be skipped."""
    reached = set(done) | set(wave)
    rest = set(upstream) - reached
    waves: list[tuple[str, ...]] = []

    def take(among: Set[str]) -> tuple[str, ...]:
        taken: list[str] = []
        while able := sorted(step for step in rest & among if upstream[step] <= reached):
            taken += able
            reached.update(able)
            rest.difference_update(able)
        return tuple(taken)

    take(heavy)  # what could have gone with the wave and was left out can be skipped
    while take(rest - heavy):
        if found := take(heavy):
            waves.append(found)
    return tuple(waves)


def between(steps: Set[str], upstream: Mapping[str, Set[str]]) -> set[str]:
    """The steps that stand behind one of these and before another."""
    return {one for one in set(upstream) - steps if all_before({one}, upstream) & steps and any(one in all_before({step}, upstream) for step in steps)}


def all_before(steps: Set[str], upstream: Mapping[str, Set[str]]) -> set[str]:
    """All steps that must be done before these."""
    found: set[str] = set()
    todo = [one for step in steps for one in upstream[step]]
    while todo:
        step = todo.pop()
        if step not in found:
            found.add(step)
            todo += upstream[step]
    return found


def work_key(facts: Mapping[str, Any]) -> str:
    """One value for one piece of work: equal facts (steps, versions of what they read, day, code, shop) are the same work."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def token_of(lake: str, work: str, attempt: int) -> str:
    """The idempotency token of one attempt at one piece of work on one lake: the Jobs API makes one run of it, however often it is asked."""
    return hashlib.sha256(f"{lake}/{work}/{attempt}".encode()).hexdigest()[:48]
