"""Reading ahead is a matter of time: once a process, in order, and an error in it stays with whoever needs the thing."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from insights_assets.resources import reading_ahead


@pytest.fixture
def loaders(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(reading_ahead, "_LOADERS", found)
    monkeypatch.setattr(reading_ahead, "_READER", None)
    return found


def step(is_embedded: bool = True) -> Any:
    return cast(Any, SimpleNamespace(lake=SimpleNamespace(is_embedded=is_embedded)))


def test_loaders_are_called_once_in_another_thread(loaders: list[Any]) -> None:
    seen: list[tuple[str, str]] = []
    for name in ("first", "second"):
        reading_ahead.ahead(lambda _step, name=name: seen.append((name, threading.current_thread().name)))
    reading_ahead.begin(step())
    reading_ahead.begin(step())
    reading_ahead.wait()
    assert seen == [("first", "reading-ahead"), ("second", "reading-ahead")]


def test_an_error_keeps_nothing_from_being_read(loaders: list[Any]) -> None:
    seen: list[str] = []

    def broken(_step: Any) -> None:
        raise OSError("no such model")

    reading_ahead.ahead(broken)
    reading_ahead.ahead(lambda _step: seen.append("read"))
    reading_ahead.begin(step())
    reading_ahead.wait()
    assert seen == ["read"]


def test_nothing_is_read_for_an_engine_elsewhere(loaders: list[Any]) -> None:
    reading_ahead.ahead(lambda _step: pytest.fail("read in the wrong process"))
    reading_ahead.begin(step(is_embedded=False))
    reading_ahead.wait()


def test_waiting_without_a_beginning_returns(loaders: list[Any]) -> None:
    reading_ahead.wait()
