"""A round: some questions asked at once, asked again by the rules, each with an answer at the end.

Belongs here: the queue, threads, what a fault means for its question, for the others and for the run. Does not belong here: one attempt with its
ledger rows (`client`), telling faults apart (`outcomes`), the pace (`pace`).
The rules for asking again are the vendor's SDK's, which has them turned off: there each attempt could be paid and none would be in the ledger.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from insights_assets.labels.model.budget import Spend
from insights_assets.labels.model.outcomes import LONGEST_SLEEP_SECONDS, STOPS_MODEL_WORK, Fault, Outcome
from insights_assets.labels.model.pace import backoff
from insights_assets.labels.model.questions import Answer, Question

if TYPE_CHECKING:
    from insights_assets.labels.model.client import ModelClient

#: A fault that may pass is asked about so often in all; waits that the server orders do not count.
TRIES = 3


@dataclass(order=True, slots=True)
class _Turn:
    """A question in the queue."""

    not_before: datetime
    number: int
    question: Question = field(compare=False)
    reserved: Spend = field(compare=False)
    attempt: int = field(default=1, compare=False)
    tries: int = field(default=1, compare=False)


class Round:
    """Some questions, several at once. The queue is ordered by when a turn may be sent; waiting is done on the injected time."""

    def __init__(self, client: ModelClient, questions: Sequence[Question]) -> None:
        self._client = client
        self._wake = threading.Condition()
        start = client.time.now()
        self._queue = [_Turn(start, number, question, client.estimate(question)) for number, question in enumerate(questions)]
        self._in_flight = 0
        self._answers: dict[str, Answer] = {}

    def run(self) -> dict[str, Answer]:
        if not self._queue:
            return {}
        threads = min(self._client.most_threads, len(self._queue))
        if threads == 1:
            self._work()
        else:
            with ThreadPoolExecutor(threads, thread_name_prefix="model") as pool:
                for done in [pool.submit(self._work) for _ in range(threads)]:
                    done.result()
        return self._answers

    def _work(self) -> None:
        while (turn := self._next()) is not None:
            try:
                result = self._client.attempt(turn.question, turn.attempt, turn.reserved)
            except BaseException:
                with self._wake:
                    self._queue.clear()
                    self._in_flight -= 1
                    self._wake.notify_all()
                raise
            with self._wake:
                self._in_flight -= 1
                self._settle(turn, result)
                self._wake.notify_all()

    def _next(self) -> _Turn | None:
        """The next turn, once it may be sent; None when nothing is left."""
        client = self._client
        while True:
            with self._wake:
                if client.stopped_by is not None:
                    self._leave_the_rest()
                if not self._queue and not self._in_flight:
                    return None
                if not self._queue or self._in_flight >= client.pace.limit:
                    self._wake.wait(timeout=1.0)
                    continue
                ready = max(self._queue[0].not_before, client.pace.quiet_until)
                if ready <= client.time.now():
                    if client.budget.reserve(self._queue[0].reserved):
                        self._in_flight += 1
                        return heapq.heappop(self._queue)
                    if self._in_flight:  # they may use less than they reserved
                        self._wake.wait(timeout=1.0)
                        continue
                    client.budget.refuse()
                    key = heapq.heappop(self._queue).question.cache_key
                    self._answers[key] = Answer(key, Outcome.BUDGET)
                    continue
            client.time.sleep_until(ready)

    def _settle(self, turn: _Turn, result: Answer | Fault) -> None:
        client = self._client
        if isinstance(result, Answer):
            self._answers[turn.question.cache_key] = result
            return
        now = client.time.now()
        if result.outcome in STOPS_MODEL_WORK:
            client.stop(result)
        elif result.outcome is Outcome.RATE_LIMITED_DEFERRED and result.asks_again:
            # A wait is for the whole deployment. A long one sends this question to the end of the line, a short one keeps its place.
            wait = _wait(result, turn.attempt, turn.question.cache_key)
            if client.pace.limited(now + wait, now):
                last = max((other.number for other in self._queue), default=turn.number) + 1
                turn.number = last if wait.total_seconds() > LONGEST_SLEEP_SECONDS else turn.number
                turn.not_before, turn.attempt = now + wait, turn.attempt + 1
                heapq.heappush(self._queue, turn)
                return
            client.stop(result)
        elif result.outcome is Outcome.TRANSPORT:
            client.pace.failed()
            if client.pace.is_outage:
                client.stop(result)
            elif result.asks_again and turn.tries < TRIES:
                wait = _wait(result, turn.tries, turn.question.cache_key)
                if wait.total_seconds() <= LONGEST_SLEEP_SECONDS:
                    turn.not_before, turn.attempt, turn.tries = now + wait, turn.attempt + 1, turn.tries + 1
                    heapq.heappush(self._queue, turn)
                    return
        self._answers[turn.question.cache_key] = Answer(turn.question.cache_key, result.outcome, detail=result.detail)

    def _leave_the_rest(self) -> None:
        """Questions that are not sent any more get the outcome that ended the work."""
        outcome = self._client.stopped_by or Outcome.TRANSPORT
        for turn in self._queue:
            self._answers[turn.question.cache_key] = Answer(turn.question.cache_key, outcome, detail="not sent")
        self._queue.clear()


def _wait(fault: Fault, attempt: int, key: str) -> timedelta:
    """How long the server wants to be left alone. Where it says nothing, or says little again and again, the pause grows by itself."""
    own = backoff(attempt, key)
    if fault.wait_seconds is None:
        return own
    told = timedelta(seconds=fault.wait_seconds)
    return told if attempt <= TRIES else max(told, own)
