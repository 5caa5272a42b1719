"""Asking the engine several things at once: while it plans one question on one core, it reads for another on the next.

Belongs here: that, and nothing else. Only for questions that need nothing of each other, write nothing and take no function of Python into
the engine, whose calls would wait for each other there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")

#: Enough for a laptop's cores; more only share them.
AT_ONCE = 2


def together(questions: Iterable[Callable[[], Answer]]) -> list[Answer]:
    """The answers in the order of the questions. The first that fails, in that order, fails the call, once all have ended."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="asking") as askers:
        return [asked.result() for asked in [askers.submit(question) for question in questions]]
