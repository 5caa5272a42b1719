"""Several questions at once: answers in their order, two at a time, and a failure that is told."""

import threading
import time

import pytest

from insights_assets.lake.together import AT_ONCE, together


def test_answers_come_in_the_order_of_the_questions() -> None:
    def late(n: int) -> int:
        time.sleep(0.02 if n == 0 else 0.0)
        return n

    assert together(lambda n=n: late(n) for n in range(6)) == list(range(6))


def test_two_are_asked_at_once_and_no_more() -> None:
    meeting, under_way, most = threading.Barrier(AT_ONCE, timeout=10), [0], [0]
    counting = threading.Lock()

    def ask() -> None:
        with counting:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        meeting.wait()  # would break if the questions were asked one after the other
        with counting:
            under_way[0] -= 1

    together([ask] * (2 * AT_ONCE))
    assert most[0] == AT_ONCE


def test_a_question_that_fails_fails_the_call() -> None:
    asked = []

    def fail() -> None:
        raise LookupError("no such table")

    with pytest.raises(LookupError, match="no such table"):
        together([fail, lambda: asked.append("the other one")])
    assert asked == ["the other one"]
