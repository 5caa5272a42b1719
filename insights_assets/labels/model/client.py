"""The client: asks a model many questions and gives an answer for each, whatever happens on the way.

Belongs here: what is asked at all (stored reply, budget, stop), one attempt with its ledger rows. Does not belong here: the queue and asking again
(`rounds`), telling faults apart (`outcomes`), the pace (`pace`), what a question or a reply is about (`request`, `parse`).
Nothing raises for one question: an answer without a value has the outcome that says why. A fault that every call would share (sign-in,
deployment) ends the model's work with one sentence in `stopped`; what is left over is answered without being sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from insights_assets.labels.model.budget import Budget, Spend
from insights_assets.labels.model.ledger import Ledger
from insights_assets.labels.model.outcomes import Fault, Outcome, fault_of
from insights_assets.labels.model.pace import Pace, Time, WallTime
from insights_assets.labels.model.prices import Prices, Usage, load_prices
from insights_assets.labels.model.questions import Answer, Judged, Question
from insights_assets.labels.model.reading import Reading, read_reply
from insights_assets.labels.model.replies import Replies
from insights_assets.labels.model.rounds import Round

if TYPE_CHECKING:
    from insights_assets.resources.language_model import Connection
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.asking_tables import ModelReply
    from insights_assets.settings import Settings

#: Questions taken from the stream at once, so that a run's memory does not grow with its records.
AT_ONCE = 256


class ModelClient:
    """Asks one deployment for one run."""

    at_once = AT_ONCE

    def __init__(
        self, connection: Connection, operations: Operations, settings: Settings, run_id: str, *, time: Time | None = None, prices: Prices | None = None
    ) -> None:
        self.connection = connection
        self.run_id = run_id
        self.crash_at = settings.crash_at
        self.time = time or WallTime()
        self.prices = prices or load_prices(settings.model_prices)
        self.ledger = Ledger(operations, self.prices)
        self.replies = Replies(operations)
        now = self.time.now()
        self.budget = Budget.of(settings, self.ledger.spent(run_id=run_id), self.ledger.spent(day=now.date()))
        self.pace = Pace(settings.model_concurrency, settings.model_concurrency_most, settings.model_wait_seconds, now)
        self.outcomes: Counter[Outcome] = Counter()
        self.stopped: str | None = None
        self.stopped_by: Outcome | None = None
        self.most_threads = settings.model_concurrency_most

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
            if len(some) == self.at_once:
                yield from self._ask_some(some, in_batches)
                some = {}
        if some:
            yield from self._ask_some(some, in_batches)

    def _ask_some(self, some: Mapping[str, Question], in_batches: Collection[str]) -> Iterable[Answer]:
        stored = self.replies.known(some, self.time.now())
        self.replies.also_about({key: some[key].subjects for key in stored})
        answers = {key: from_store(row, some[key]) for key, row in stored.items()}
        answers.update({key: Answer(key, Outcome.WAITS_FOR_BATCH) for key in some if key not in answers and key in in_batches})
        answers.update(Round(self, [question for key, question in some.items() if key not in answers]).run())
        for key in some:
            self.outcomes[answers[key].outcome] += 1
            yield answers[key]

    # -- one attempt ----------------------------------------------------------------------------------------------------

    def estimate(self, question: Question, tier: str | None = None) -> Spend:
        """Tokens and money a question may cost at most."""
        written = question.longest_reply_tokens
        usage = Usage(input_tokens=question.estimate_tokens - written, output_tokens=written)
        return Spend(usage.tokens, self.prices.cost(usage, snapshot=self.connection.snapshot, deployment=self.connection.deployment, tier=tier))

    def attempt(self, question: Question, attempt: int, reserved: Spend) -> Answer | Fault:
        """Send once, within what was reserved. Ledger rows stand before the request and before the reply is judged."""
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
                    self.keep(question, Judged(reading.outcome, detail=reading.detail), None, None)
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
            return self.keep(question, judged, reading.content, reading.receipt.snapshot)
        finally:
            self.budget.settle(reserved, used)

    def _send(self, question: Question) -> Reading | Fault:
        try:
            raw = self.connection.sdk.chat.completions.with_raw_response.create(**question.body)
            return read_reply(raw)
        except Exception as error:  # noqa: BLE001 - whatever the SDK or the network raises is data here; `fault_of` names it
            return fault_of(error, self.time.now())

    def keep(self, question: Question, judged: Judged, content: str | None, snapshot: str | None) -> Answer:
        row = self.replies.keep(
            question.cache_key, task=question.task, prompt_version=question.prompt_version, outcome=judged.outcome, detail=judged.detail,
            content=content, snapshot=snapshot, subjects=question.subjects, at=self.time.now(),
        )
        if row is not None and (row.content != content or row.outcome != judged.outcome.value):
            return from_store(row, question)  # somebody else's reply was first
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
        self.stopped_by = self.stopped_by or fault.outcome


def judge(reading: Reading, question: Question) -> Judged:
    """What a reply is worth: its finish first, then its content."""
    if reading.outcome is not Outcome.OK:
        return Judged(reading.outcome, detail=reading.detail)
    judged = question.judge(reading.content or "")
    detail = " ".join(word for word in (judged.detail, reading.detail) if word)
    return Judged(judged.outcome, judged.value, detail or None)


def from_store(row: ModelReply, question: Question) -> Answer:
    """A stored reply, judged anew: what is kept is the reply, never our reading of it."""
    outcome, value, detail = Outcome(row.outcome), None, row.detail
    if row.content is not None and outcome in (Outcome.OK, Outcome.INVALID_JSON, Outcome.OFF_SCHEMA, Outcome.QUOTE_MISMATCH):
        judged = question.judge(row.content)
        outcome, value, detail = judged.outcome, judged.value, judged.detail
    return Answer(question.cache_key, outcome, value, detail, row.model_snapshot, was_stored=True)
