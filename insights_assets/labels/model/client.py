"""The client: asks a model many questions and gives an answer for each, whatever happens on the way.

Belongs here: what is asked at all (stored reply, budget, stop), one attempt with its ledger rows, asking again, threads. Does not belong
here: telling faults apart (`outcomes`), the pace (`pace`), what a question or a reply is about (`request`, `parse`).
Nothing raises for one question: an answer without a value has the outcome that says why. A fault that every call would share (sign-in,
deployment) ends the model's work with one sentence in `stopped`; what is left over is answered without being sent.
"""

from __future__ import annotations

import heapq
import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.labels.model.budget import Budget, Spend
from insights_assets.labels.model.ledger import Ledger
from insights_assets.labels.model.outcomes import LONGEST_SLEEP_SECONDS, STOPS_MODEL_WORK, Fault, Outcome, fault_of
from insights_assets.labels.model.pace import Pace, Time, WallTime, backoff
from insights_assets.labels.model.prices import Prices, load_prices
from insights_assets.labels.model.reading import Reading, read_reply
from insights_assets.labels.model.replies import Replies

if TYPE_CHECKING:
    from insights_assets.resources.language_model import Connection
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.models import ModelReply
    from insights_assets.settings import Settings

#: A fault that may pass is asked about so often in all; waits that the server orders do not count.
TRIES = 3
#: Questions taken from the stream at once, so that a run's memory does not grow with its records.
AT_ONCE = 256
_READS_A_TOKEN = 3  # bytes; English has four or more, so an estimate is above what is counted


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reply's content is worth: a value when it is `ok`."""

    outcome: Outcome
    value: Any = None
    detail: str | None = None


@dataclass(frozen=True)
class Question:
    """One request: the body as it is sent, and how its reply is judged. Equal keys are equal questions."""

    cache_key: str
    task: str
    prompt_version: str
    body: Mapping[str, Any]
    judge: Callable[[str], Judged]
    subjects: frozenset[str] = frozenset()

    @property
    def estimate_tokens(self) -> int:
        """What it may use at most, by bytes and the longest reply allowed."""
        written = len(json.dumps(self.body, ensure_ascii=False).encode())
        return written // _READS_A_TOKEN + 1 + self.longest_reply_tokens

    @property
    def longest_reply_tokens(self) -> int:
        return int(self.body.get("max_completion_tokens") or self.body.get("max_tokens") or 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. `value` is there when the outcome is ok."""

    cache_key: str
    outcome: Outcome
    value: Any = None
    detail: str | None = None
    snapshot: str | None = None
    was_stored: bool = False


@dataclass(order=True, slots=True)
class _Turn:
    """A question in the queue."""

    not_before: datetime
    number: int
    question: Question = field(compare=False)
    attempt: int = field(default=1, compare=False)
    tries: int = field(default=1, compare=False)


class ModelClient:
    """Asks one deployment for one run."""

    def __init__(
        self, connection: Connection, operations: Operations, settings: Settings, run_id: str, *, time: Time | None = None, prices: Prices | None = None
    ) -> None:
        self.connection = connection
        self.run_id = run_id
        self.time = time or WallTime()
        self.prices = prices or load_prices(settings.model_prices)
        self.ledger = Ledger(operations, self.prices)
        self.replies = Replies(operations)
        now = self.time.now()
        self.budget = Budget.of(settings, self.ledger.spent(run_id=run_id), self.ledger.spent(day=now.date()))
        self.pace = Pace(settings.model_concurrency, settings.model_concurrency_most, settings.model_wait_seconds, now)
        self.outcomes: Counter[Outcome] = Counter()
        self.stopped: str | None = None
        self._stopped_by: Outcome | None = None
        self._most_threads = settings.model_concurrency_most

    # -- many questions -------------------------------------------------------------------------------------------------

    def ask(self, questions: Iterable[Question], *, in_batches: Collection[str] = ()) -> Iterator[Answer]:
        """An answer for each distinct question, in their order. `in_batches`: keys that an open batch is about."""
        some: dict[str, Question] = {}
        seen: set[str] = set()
        for question in questions:
            if question.cache_key in seen:
                continue
            seen.add(question.cache_key)
            some[question.cache_key] = question
            if len(some) == AT_ONCE:
                yield from self._ask_some(some, in_batches)
                some = {}
        if some:
            yield from self._ask_some(some, in_batches)

    def _ask_some(self, some: Mapping[str, Question], in_batches: Collection[str]) -> Iterator[Answer]:
        stored = self.replies.known(some, self.time.now())
        self.replies.also_about({key: some[key].subjects for key in stored})
        answers = {key: _from_store(row, some[key]) for key, row in stored.items()}
        answers.update({key: Answer(key, Outcome.WAITS_FOR_BATCH) for key in some if key not in answers and key in in_batches})
        answers.update(_Round(self, [question for key, question in some.items() if key not in answers]).run())
        for key in some:
            self.outcomes[answers[key].outcome] += 1
            yield answers[key]

    # -- one attempt ----------------------------------------------------------------------------------------------------

    def estimate(self, question: Question) -> Spend:
        """Tokens and money a question may cost at most."""
        from insights_assets.labels.model.prices import Usage

        written = question.longest_reply_tokens
        usage = Usage(input_tokens=question.estimate_tokens - written, output_tokens=written)
        return Spend(usage.tokens, self.prices.cost(usage, snapshot=self.connection.snapshot, deployment=self.connection.deployment))

    def attempt(self, question: Question, attempt: int) -> Answer | Fault:
        """Send once. Ledger rows stand before the request and before the reply is judged."""
        reserved = self.estimate(question)
        if not self.budget.reserve(reserved):
            return Answer(question.cache_key, Outcome.BUDGET)
        used = reserved
        try:
            call_id = self.ledger.sent(
                run_id=self.run_id, task=question.task, prompt_version=question.prompt_version, cache_key=question.cache_key, attempt=attempt,
                deployment=self.connection.deployment, estimate=reserved, at=self.time.now(),
            )
            reading = self._send(question)
            now = self.time.now()
            if isinstance(reading, Fault):
                self.ledger.failed(call_id, reading, now)
                used = used if reading.may_be_billed else Spend()
                if reading.outcome is Outcome.FILTERED_PROMPT or (reading.outcome is Outcome.TRUNCATED and reading.http_status == 400):
                    self._keep(question, Judged(reading.outcome, detail=reading.detail), None, None)
                return reading
            cost = self.ledger.received(call_id, reading.receipt, self.connection.deployment, now)
            if reading.receipt.usage is not None:
                used = Spend(reading.receipt.usage.tokens, cost)
            judged = judge(reading, question)
            if judged.outcome is not Outcome.TRANSPORT:
                self.pace.answered(used.tokens, reading.headers)
            self.ledger.judged(call_id, judged.outcome, judged.detail)
            if judged.outcome is Outcome.TRANSPORT:
                return Fault(Outcome.TRANSPORT, judged.detail or "no reply in the answer", reading.receipt.http_status, asks_again=True)
            return self._keep(question, judged, reading.content, reading.receipt.snapshot)
        finally:
            self.budget.settle(reserved, used)

    def _send(self, question: Question) -> Reading | Fault:
        try:
            raw = self.connection.sdk.chat.completions.with_raw_response.create(**question.body)
            return read_reply(raw)
        except Exception as error:  # noqa: BLE001 - whatever the SDK or the network raises is data here; `fault_of` names it
            return fault_of(error, self.time.now())

    def _keep(self, question: Question, judged: Judged, content: str | None, snapshot: str | None) -> Answer:
        row = self.replies.keep(
            question.cache_key, task=question.task, prompt_version=question.prompt_version, outcome=judged.outcome, detail=judged.detail,
            content=content, snapshot=snapshot, subjects=question.subjects, at=self.time.now(),
        )
        if row is not None and (row.content != content or row.outcome != judged.outcome.value):
            return _from_store(row, question)  # somebody else's reply was first
        return Answer(question.cache_key, judged.outcome, judged.value, judged.detail, snapshot)

    def stop(self, fault: Fault) -> None:
        """End the model's work of this run, in one sentence."""
        where = f"the deployment {self.connection.deployment} at {self.connection.host}"
        if fault.outcome is Outcome.AUTH:
            told = f"{where} refused the sign-in ({fault.detail}): check INSIGHTS_MODEL_KEY, or the role Cognitive Services OpenAI User of who runs this"
        elif fault.outcome is Outcome.DEPLOYMENT_MISSING:
            told = f"{where} was not found ({fault.detail}): check INSIGHTS_MODEL_ENDPOINT and INSIGHTS_MODEL_DEPLOYMENT"
        elif fault.outcome is Outcome.RATE_LIMITED_DEFERRED:
            told = f"{where} asked to wait longer than this run may (INSIGHTS_MODEL_WAIT_SECONDS)"
        else:
            told = f"{where} does not answer ({fault.detail})"
        self.stopped = self.stopped or f"{told}; records keep their local labels, and what is left is asked by a later run"
        self._stopped_by = self._stopped_by or fault.outcome

    @property
    def stopped_by(self) -> Outcome | None:
        return self._stopped_by


class _Round:
    """Some questions, several at once. The queue is ordered by when a turn may be sent; waiting is done on the injected time."""

    def __init__(self, client: ModelClient, questions: Sequence[Question]) -> None:
        self._client = client
        self._wake = threading.Condition()
        start = client.time.now()
        self._queue = [_Turn(start, number, question) for number, question in enumerate(questions)]
        self._in_flight = 0
        self._answers: dict[str, Answer] = {}

    def run(self) -> dict[str, Answer]:
        if not self._queue:
            return {}
        threads = min(self._client._most_threads, len(self._queue))
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
                result = self._client.attempt(turn.question, turn.attempt)
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
                    self._in_flight += 1
                    return heapq.heappop(self._queue)
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


def judge(reading: Reading, question: Question) -> Judged:
    """What a reply is worth: its finish first, then its content."""
    if reading.outcome is not Outcome.OK:
        return Judged(reading.outcome, detail=reading.detail)
    judged = question.judge(reading.content or "")
    detail = " ".join(word for word in (judged.detail, reading.detail) if word)
    return Judged(judged.outcome, judged.value, detail or None)


def _from_store(row: ModelReply, question: Question) -> Answer:
    """A stored reply, judged anew: what is kept is the reply, never our reading of it."""
    outcome, value, detail = Outcome(row.outcome), None, row.detail
    if row.content is not None and outcome in (Outcome.OK, Outcome.INVALID_JSON, Outcome.OFF_SCHEMA, Outcome.QUOTE_MISMATCH):
        judged = question.judge(row.content)
        outcome, value, detail = judged.outcome, judged.value, judged.detail
    return Answer(question.cache_key, outcome, value, detail, row.model_snapshot, was_stored=True)
