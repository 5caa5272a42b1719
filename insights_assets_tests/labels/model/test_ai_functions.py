"""Labelling through `ai_query`: the statement really runs, on an engine whose `ai_query` is a scripted function of Python.

The stand-in answers rows as `failOnError => false` gives them. It shows that statement, parse, quote check, ledger and budget hold together, and
nothing about Databricks' own function: that has not been met.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from insights_assets.labels.asking import OPEN_QUESTIONS
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model.ai_functions import NoAiFunctions, expression, fault_of_message
from insights_assets.labels.model.request import LabelPrompt
from insights_assets.labels.prompts import load_prompt
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.resources.language_model import connect
from insights_assets.resources.operations.asking_tables import ModelCall
from insights_assets.settings import Settings
from insights_assets_tests.house import TestHouse
from insights_assets_tests.labels.model.house_with_model import HARD, answers, decisions, label, open_house, rows, texts

ENDPOINT = "labels-mini"
GOLDEN = Path(__file__).parent / "golden" / "ai_query.sql"
Row = tuple[str | None, str | None]


def scripted(heard: Path, known: dict[str, Any], fault: Callable[[str], Row | None] = lambda _text: None) -> Callable[..., Row]:
    """`ai_query` as a function: writes what it was asked beside the arguments, answers from what it knows."""

    def ai_query(endpoint: str, request: str, responseFormat: str | None = None, modelParameters: Any = None, failOnError: bool = True) -> Row:
        import json

        given = json.loads(request.rsplit("\n\n", 1)[1])
        text = " ".join(given["text"].replace(given["mark"], " ").split())
        with heard.open("a", encoding="utf-8") as file:
            said = {"endpoint": endpoint, "text": text, "schema": json.loads(responseFormat or "{}").get("type"), "fails": failOnError, "system": request[:20]}
            file.write(json.dumps(said) + "\n")
        return fault(text) or (json.dumps(known[text]), None)

    return ai_query


@pytest.fixture
def own_spark(spark: Any) -> Iterator[Any]:
    """A session of its own on the embedded engine, so that its functions are no other test's."""
    from pyspark.sql import SparkSession

    from insights_assets.engine.session import spark_config

    yield SparkSession.builder.config(map=dict(spark_config(None))).create()


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    return tmp_path / "heard.jsonl"


def asked(heard: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in heard.read_text(encoding="utf-8").splitlines()] if heard.exists() else []


def register(spark: Any, function: Callable[..., Row]) -> None:
    from pyspark.sql.functions import udf

    spark.udf.register("ai_query", udf(function, "result string, errorMessage string").asNondeterministic())


def open_home(tmp_path: Path, spark: Any, **settings: Any) -> TestHouse:
    nobody: Any = SimpleNamespace(deployments=set(), url="unused")
    return open_house(tmp_path, spark, nobody, **{"model": "ai_functions", "model_endpoint": None, "model_deployment": ENDPOINT, "model_key": None, **settings})


def calls(house: TestHouse) -> list[ModelCall]:
    with house.operations.reading() as session:
        return list(session.scalars(select(ModelCall)))


def label_statement() -> str:
    connection = connect(Settings(model="ai_functions", model_deployment=ENDPOINT))
    assert connection is not None and connection.sdk is None
    prompt = LabelPrompt.of(load_prompt("label_feedback", "v1"), load_label_set(), connection)
    form = {"type": "json_schema", "json_schema": prompt.schema}
    return f"SELECT cache_key, {expression(ENDPOINT, form, prompt.parameters)} AS reply FROM questions\n"


def test_the_statement_is_the_one_that_was_reviewed() -> None:
    assert label_statement() == GOLDEN.read_text(encoding="utf-8"), f"review the difference, then write {GOLDEN.name} anew"


@pytest.mark.skipif(importlib.util.find_spec("sqlglot") is None, reason="needs sqlglot, a development dependency")
def test_databricks_grammar_takes_the_statement() -> None:
    import sqlglot

    (parsed,) = sqlglot.parse(label_statement(), dialect="databricks")
    assert parsed is not None and parsed.find(sqlglot.exp.Select) is not None
    names = {node.name for node in parsed.find_all(sqlglot.exp.Kwarg)} | {node.this.name for node in parsed.find_all(sqlglot.exp.Kwarg)}
    assert {"responseFormat", "modelParameters", "failOnError"} <= names


@pytest.mark.parametrize("name", ["a'b", "x) OR 1=1 --", "", "a b", "é"])
def test_a_name_that_is_no_endpoint_makes_no_statement(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a serving endpoint"):
        expression(name, {"type": "json_object"}, {"max_tokens": 1})


def test_quotes_and_backslashes_of_the_schema_stay_inside_their_literal() -> None:
    made = expression("e", {"description": "it's a \\ and a \" and \n"}, {"max_tokens": 1})
    literal = made[made.index("responseFormat => '") + len("responseFormat => '") : made.index("', modelParameters")]
    assert json.loads(literal.replace("\\'", "'").replace("\\\\", "\\")) == {"description": "it's a \\ and a \" and \n"}


@pytest.mark.parametrize(("message", "outcome"), [
    ("[PERMISSION_DENIED] User lacks CAN QUERY", "auth"), ("HTTP status 404", "deployment_missing"), ("[ENDPOINT_NOT_FOUND] labels", "deployment_missing"),
    ("REQUEST_LIMIT_EXCEEDED: slow down", "rate_limited_deferred"), ("code content_filter", "filtered_prompt"), ("something else", "transport"),
    ("the customer wrote: permission to return 403 units, too many requests", "transport"),
])  # fmt: skip
def test_codes_decide_and_words_of_customers_do_not(message: str, outcome: str) -> None:
    fault = fault_of_message(message, "row")
    assert fault.outcome.value == outcome and "customer" not in fault.detail


@pytest.mark.parametrize("given", [{"model_deployment": None}, {"model_deployment": "e", "model_batch_deployment": "b"}, {"model_deployment": "e", "model_reasoning_effort": "low"}])
def test_settings_that_cannot_hold_together_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="model=ai_functions"):
        Settings(model="ai_functions", **given)


@pytest.mark.slow
def test_the_riskiest_texts_are_labelled_by_the_engine_and_a_second_run_asks_nothing(tmp_path: Path, own_spark: Any, heard: Path) -> None:
    register(own_spark, scripted(heard, answers()))
    house = open_home(tmp_path, own_spark)
    step = label(house, "run-1")
    said, right = asked(heard), dict(texts())
    sent = {one["text"] for one in said}
    assert len(said) == len(sent) == int(0.14 * len(texts())) and len(sent & {text for text, _ in HARD}) >= 4
    assert {(one["endpoint"], one["schema"], one["fails"]) for one in said} == {(ENDPOINT, "json_schema", False)}
    found, decided = rows(house), decisions(house)
    for text in sent:
        assert ([one["topic"] for one in found[text]["topics"]], found[text]["label_source"]) == ([right[text]], "model")
        assert decided[text]["outcome"] == "ok"
    ledger = calls(house)
    assert len(ledger) == len(sent) and {(row.state, row.outcome, row.is_usage_known, row.deployment) for row in ledger} == {("judged", "ok", False, ENDPOINT)}
    assert all(row.estimated_tokens > 0 and row.cost > 0 for row in ledger) and step.notes[FEEDBACK_LABELS]["model_cost"] > 0
    again = label(house, "run-2")
    assert asked(heard) == said and not again.results, "a second run asks nothing and writes nothing"


@pytest.mark.slow
def test_what_does_not_hold_is_no_label_and_what_failed_is_asked_again(tmp_path: Path, own_spark: Any, heard: Path) -> None:
    forged = {**answers()["Verily my lamp dimmed thrice betwixt moonrise six, forsooth a wretched contraption."]}
    forged["topics"] = [{**forged["topics"][0], "quote": "I never said this"}]
    faults: dict[str, Row] = {"dimmed": (json.dumps(forged), None), "sputtered": (None, "REQUEST_LIMIT_EXCEEDED"), "guttered": ("no json", None)}
    register(own_spark, scripted(heard, answers(), lambda text: next((row for word, row in faults.items() if word in text), None)))
    house = open_home(tmp_path, own_spark, model_share=0.3)
    label(house, "run-1")
    decided = decisions(house)
    outcome = {word: next((one["outcome"] for text, one in decided.items() if f" {word} " in text), None) for word in ("dimmed", "sputtered", "guttered")}
    assert outcome == {"dimmed": "quote_mismatch", "sputtered": "rate_limited_deferred", "guttered": "invalid_json"}
    assert len(rows(house)) == len(texts()), "every record has a label all the same"
    assert house.operations.facts.get(OPEN_QUESTIONS) == "1"
    before = len(asked(heard))
    register(own_spark, scripted(heard, answers()))
    label(house, "run-2")
    assert [one["text"].split()[3] for one in asked(heard)[before:]] == ["sputtered"], "what is settled is not paid for again"
    assert house.operations.facts.get(OPEN_QUESTIONS) == "0"


@pytest.mark.slow
def test_a_budget_ends_the_asking_and_a_refusal_ends_the_models_work(tmp_path: Path, own_spark: Any, heard: Path) -> None:
    register(own_spark, scripted(heard, answers()))
    house = open_home(tmp_path, own_spark, model_tokens_per_run=12_000)
    label(house, "run-1")
    spent = calls(house)
    assert 0 < len(spent) < int(0.14 * len(texts())) and sum(row.estimated_tokens for row in spent) <= 12_000
    assert "budget" in {one["outcome"] for one in decisions(house).values()}
    register(own_spark, scripted(heard, answers(), lambda _text: (None, "[PERMISSION_DENIED] no CAN QUERY")))
    step = label(house, "run-2")
    assert "grant CAN QUERY" in step.notes[FEEDBACK_LABELS]["model_says"]


@pytest.mark.slow
def test_an_engine_without_the_function_is_refused_before_anything_is_asked(tmp_path: Path, own_spark: Any) -> None:
    house = open_home(tmp_path, own_spark)
    with pytest.raises(NoAiFunctions, match=r"needs an engine with ai_query.*This engine says.*INSIGHTS_MODEL=azure"):
        label(house, "run-1")
    assert not calls(house)
