"""Asking through `ai_query`: the engine calls a model serving endpoint of the workspace, one SQL statement for many questions.

Belongs here: that statement, reading its rows, and a client that asks by it. Does not belong here: what is asked and what a reply is worth, which
are the same as for any model (`request`, `parse`), stored replies and the ledger's tables. Why this is a choice and not the way:
docs/decisions/0001-ai-functions.md.

The statement tells no tokens, no snapshot and no request id, so each ledger row stands with its estimate and says that its usage is unknown; and
what the engine asks again by itself (a lost task) no ledger sees. A budget is kept by estimates, which are above what is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from insights_assets.labels.model.budget import Spend
from insights_assets.labels.model.client import ModelClient, from_store, judge
from insights_assets.labels.model.ledger import Receipt
from insights_assets.labels.model.outcomes import STOPS_MODEL_WORK, Fault, Outcome
from insights_assets.labels.model.questions import Answer, Question
from insights_assets.labels.model.reading import NO_TEXT, Reading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FUNCTION = "ai_query"
#: Questions of one statement: few enough that their replies are held on the driver, many enough that the endpoint is kept busy.
A_STATEMENT = 2_000
_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
#: Fields of the row that `failOnError => false` gives; the older runtime had other names.
_SAID, _FAILED = ("result", "response"), ("errorMessage", "errorStatus", "error")
#: Codes alone: a sentence of the engine may quote what the customer said, and that may hold any word.
_FAULTS: tuple[tuple[re.Pattern[str], Outcome, bool], ...] = (
    (re.compile(r"PERMISSION_DENIED|INSUFFICIENT_PERMISSIONS|UNAUTHENTICATED|(?:HTTP|status)\D{0,10}40[13]\b"), Outcome.AUTH, False),
    (re.compile(r"(?:ENDPOINT|RESOURCE)\w*_(?:NOT_FOUND|DOES_NOT_EXIST)|(?:HTTP|status)\D{0,10}404\b"), Outcome.DEPLOYMENT_MISSING, False),
    (re.compile(r"REQUEST_LIMIT_EXCEEDED|RATE_LIMIT|(?:HTTP|status)\D{0,10}429\b"), Outcome.RATE_LIMITED_DEFERRED, False),
    (re.compile(r"content_filter|CONTENT_FILTER|GUARDRAIL|ResponsibleAIPolicyViolation"), Outcome.FILTERED_PROMPT, True),
    (re.compile(r"context_length_exceeded|CONTEXT_LENGTH|maximum context length"), Outcome.TRUNCATED, True),
)


class NoAiFunctions(RuntimeError):
    """The engine has no `ai_query`."""


def expression(endpoint: str, response_format: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """The call as SQL, over a column `request`. Constants only: no word of a customer is part of a statement.

    >>> print(expression("labels-mini", {"type": "json_object"}, {"max_tokens": 700, "temperature": 0.0}))
    ai_query('labels-mini', request, responseFormat => '{"type":"json_object"}', modelParameters => named_struct('max_tokens', 700, 'temperature', 0.0), failOnError => false)
    """
    if not _NAME.fullmatch(endpoint):
        raise ValueError(f"INSIGHTS_MODEL_DEPLOYMENT={endpoint!r} is no name of a serving endpoint")
    form = _literal(json.dumps(response_format, ensure_ascii=True, separators=(",", ":")))
    given = ", ".join(f"{_literal(name)}, {_number(name, value)}" for name, value in parameters.items())
    return f"{FUNCTION}({_literal(endpoint)}, request, responseFormat => {form}, modelParameters => named_struct({given}), failOnError => false)"


def _literal(text: str) -> str:
    # Spark reads backslashes in a literal as escapes; a quote is escaped by one too.
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _number(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the prompt's parameter {name} must be a number for {FUNCTION}, got {value!r}")
    return repr(value)


def refuse_without_function(spark: SparkSession) -> None:
    """Raise where the engine has no such function. The statement is analysed and never run, so nothing is asked."""
    from pyspark.errors import PySparkException

    nothing = spark.createDataFrame([], "request string")
    try:
        _ = nothing.selectExpr(f"{FUNCTION}('none', request, failOnError => false) AS reply").schema
    except PySparkException as error:
        raise NoAiFunctions(
            f"INSIGHTS_MODEL=ai_functions needs an engine with {FUNCTION}: Databricks Runtime 15.4 or later over Spark Connect (INSIGHTS_SPARK_REMOTE=sc://…). "
            f"This engine says: {str(error).splitlines()[0][:160]}. On any other engine set INSIGHTS_MODEL=azure or compatible; "
            "a serving endpoint of the workspace also answers as compatible"
        ) from None


def request_of(question: Question) -> str:
    """The one string that the function takes: the static part first, so that a prefix cache can hold it."""
    return "\n\n".join(str(message["content"]) for message in question.body["messages"])


class AiFunctionsClient(ModelClient):
    """A client whose questions go as rows of a statement. Stored replies, budget, ledger and judging are the same."""

    at_once = A_STATEMENT
    spark: SparkSession

    def on(self, spark: SparkSession) -> AiFunctionsClient:
        """The same client, asking on that engine."""
        self.spark = spark
        return self

    def _ask_some(self, some: Mapping[str, Question], in_batches: Collection[str]) -> Iterable[Answer]:
        stored = self.replies.known(some, self.time.now())
        self.replies.also_about({key: some[key].subjects for key in stored})
        answers = {key: from_store(row, some[key]) for key, row in stored.items()}
        wanted, reserved = [], {}
        for key in (key for key in some if key not in answers):
            estimate = self.estimate(some[key])
            if self.stopped_by is not None:
                answers[key] = Answer(key, self.stopped_by, detail="not sent")
            elif self.budget.reserve(estimate):
                wanted.append(some[key])
                reserved[key] = estimate
            else:
                self.budget.refuse()
                answers[key] = Answer(key, Outcome.BUDGET)
        if wanted:
            answers.update(self._state(wanted, reserved))
        for key in some:
            self.outcomes[answers[key].outcome] += 1
            yield answers[key]

    def _state(self, wanted: Sequence[Question], reserved: Mapping[str, Spend]) -> dict[str, Answer]:
        """One statement: a ledger row for each question before it, what came back judged after it. What was reserved is spent, for nobody says what was used."""
        calls = {
            one.cache_key: self.ledger.sent(
                run_id=self.run_id, task=one.task, prompt_version=one.prompt_version, cache_key=one.cache_key, attempt=1,
                deployment=self.connection.deployment, estimate=reserved[one.cache_key], at=self.time.now(),
            ) for one in wanted
        }  # fmt: skip
        try:
            rows = self._run(wanted)
        except Exception as error:  # noqa: BLE001 - whatever the engine raises is data here; its message may quote the request and is not kept
            fault = fault_of_message(str(error), type(error).__name__)
            rows = {}
        else:
            fault = Fault(Outcome.TRANSPORT, "no row came back", may_be_billed=True)
        answers = {}
        for one in wanted:
            answers[one.cache_key] = self._settle(one, calls[one.cache_key], reserved[one.cache_key], rows.get(one.cache_key), fault)
        return answers

    def _run(self, wanted: Sequence[Question]) -> dict[str, Mapping[str, Any]]:
        body = wanted[0].body
        parameters = {name: value for name, value in body.items() if name in ("max_tokens", "max_completion_tokens", "temperature")}
        call = expression(self.connection.deployment, body["response_format"], {name.replace("max_completion_", "max_"): value for name, value in parameters.items()})
        asked: DataFrame = self.spark.createDataFrame([(one.cache_key, request_of(one)) for one in wanted], "cache_key string, request string")
        return {row["cache_key"]: row["reply"] for row in asked.selectExpr("cache_key", f"{call} AS reply").toArrow().to_pylist()}

    def _settle(self, one: Question, call_id: int, reserved: Spend, row: Any, fault: Fault) -> Answer:
        now = self.time.now()
        said = row if isinstance(row, Mapping) else {}
        failed = next((said[name] for name in _FAILED if said.get(name)), None)
        content = next((said[name] for name in _SAID if isinstance(said.get(name), str)), None)
        if row is not None:
            fault = fault_of_message(str(failed), "row") if failed else Fault(Outcome.TRANSPORT, "a row without a reply", may_be_billed=True)
        if failed or not content:
            self.ledger.failed(call_id, fault, now)
            self.budget.settle(reserved, reserved if fault.may_be_billed else Spend())
            if fault.outcome in STOPS_MODEL_WORK:
                self.stop(fault)
            if fault.outcome in (Outcome.FILTERED_PROMPT, Outcome.TRUNCATED):
                self.replies.keep(
                    one.cache_key, task=one.task, prompt_version=one.prompt_version, outcome=fault.outcome, detail=fault.detail, content=None, snapshot=None,
                    subjects=one.subjects, at=now,
                )
            return Answer(one.cache_key, fault.outcome, detail=fault.detail)
        self.budget.settle(reserved, reserved)
        receipt = Receipt(None, None, None, None, 200)
        self.ledger.received(call_id, receipt, self.connection.deployment, now)
        reading = Reading(receipt, Outcome.INVALID_JSON, None, "characters that no text has") if NO_TEXT.search(content) else Reading(receipt, Outcome.OK, content)
        judged = judge(reading, one)
        self.ledger.judged(call_id, judged.outcome, judged.detail)
        return self.keep(one, judged, reading.content, None)

    def stop(self, fault: Fault) -> None:
        where = f"the serving endpoint {self.connection.deployment}"
        told = {
            Outcome.AUTH: f"{where} refused ({fault.detail}): grant CAN QUERY on it to who runs this",
            Outcome.DEPLOYMENT_MISSING: f"{where} was not found ({fault.detail}): check INSIGHTS_MODEL_DEPLOYMENT",
        }.get(fault.outcome, f"{where} does not answer ({fault.detail})")
        self.stopped = self.stopped or f"{told}; records keep their local labels, and what is left is asked by a later run"
        self.stopped_by = self.stopped_by or fault.outcome


def fault_of_message(message: str, where: str) -> Fault:
    """The fault behind an engine's sentence. The sentence itself is not kept: it may quote the request."""
    for pattern, outcome, may_be_billed in _FAULTS:
        if pattern.search(message):
            return Fault(outcome, f"{FUNCTION}: {outcome.value}", may_be_billed=may_be_billed)
    return Fault(Outcome.TRANSPORT, f"{FUNCTION}: {where}", may_be_billed=True)
