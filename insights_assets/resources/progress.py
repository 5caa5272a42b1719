"""Telling whoever watches a run which asset is being made. The observer is this process's own; a run never depends on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Called with (asset step name, seconds or None at its start).
Observer = Callable[[str, float | None], None]
_OBSERVERS: list[Observer] = []


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Observe the steps of this process while the block runs."""
    _OBSERVERS.append(observer)
    try:
        yield
    finally:
        _OBSERVERS.remove(observer)


@contextmanager
def announced(name: str) -> Iterator[None]:
    """Announce a step's start and, when it succeeded, how long it took."""
    began = time.perf_counter()
    for observer in list(_OBSERVERS):
        observer(name, None)
    yield
    for observer in list(_OBSERVERS):
        observer(name, time.perf_counter() - began)


def announce(words: str) -> None:
    """Tell the observers what is going on outside any step, e.g. what a run waits for."""
    for observer in list(_OBSERVERS):
        observer(words, None)
