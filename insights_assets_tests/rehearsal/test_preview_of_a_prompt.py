"""A prompt before it comes into force, over real HTTP: what the sample says, that it is paid once, and that the whole says what then happens."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from insights_assets.labels.prompt_versions import promote
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.rehearsal.change import read_change
from insights_assets.rehearsal.findings import Finding
from insights_assets.rehearsal.preview import Preview, preview_change
from insights_assets.resources.table_assets import BODIES
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI
from insights_assets_tests.house import TestHouse, filled_home
from insights_assets_tests.labels.model.house_with_model import asking, label, put, rows, taken_in, texts
from insights_assets_tests.labels.model.test_gates import TEXTS, brain

pytestmark = pytest.mark.slow
ALL = {"model_share": 1.0, "model_exploration": 1.0}
SIZES = {text for text, topic in TEXTS.items() if topic == "sizing_issue"}


@pytest.fixture
def server() -> Any:
    with AzureOpenAI(brain=brain) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, spark: Any, server: AzureOpenAI) -> TestHouse:
    """A home whose every text was labelled by the model under the prompt in force."""
    import insights_assets.rehearsal.assets  # noqa: F401 - fills BODIES

    return asking(filled_home("previewed", tmp_path, lambda home: fill(home, spark, server)), spark, server, **ALL)


def fill(home: Path, spark: Any, server: AzureOpenAI) -> TestHouse:
    import insights_assets.anomalies.assets  # noqa: F401 - fills BODIES

    taken_in(home, spark).operations.close()
    made = asking(home, spark, server, **ALL)
    put(made, "more.jsonl", TEXTS)
    made.run("sources", "canonical", run_id="run-1")
    label(made, "run-1")
    BODIES["anomalies__topic_series"][0](made.step("anomalies__topic_series", "run-1"))
    return made


def preview(house: TestHouse, run_id: str, sample: int, **settings: Any) -> Preview:
    step = dataclasses.replace(house.step("rehearsal__change_previews", run_id), settings=house.settings.model_copy(update=settings))
    return preview_change(step, read_change("v1", house.settings.home, house.operations), sample=sample)


def of(found: Preview, kind: str) -> dict[str, Finding]:
    return {one.subject: one for one in found.findings if one.finding == kind}


def test_a_sample_says_its_n_its_interval_and_what_the_rest_would_cost(house: TestHouse, server: AzureOpenAI) -> None:
    every = len(TEXTS) + len(texts())
    tables = {spec: house.lake.version(spec) for spec in {*(one for _, _, writes in BODIES.values() for one in writes)}}
    before, stored = len(server.chats), rows(house)
    found = preview(house, "preview-1", 60)
    flips, cost = of(found, "flip"), of(found, "cost")["model"]
    assert len(server.chats) - before == 60 == flips["records"].sampled_count and flips["records"].population_count == every
    assert set(flips) - {"sentiment", "urgency", "risk_tags"} == {"records", "sizing_issue -> praise"}, "only what the change does is told"
    whole = flips["records"]
    true = sum(topic == "sizing_issue" for topic in {**dict(texts()), **TEXTS}.values()) / every
    assert whole.low is not None and whole.high is not None and whole.low < true < whole.high and whole.high - whole.low > 0.1
    assert f"by 60 of {every} texts" in whole.words and " to " in whole.words
    assert all("small" in quote for quote in flips["sizing_issue -> praise"].quotes) and len(flips["sizing_issue -> praise"].sample_ids) == 5
    assert of(found, "trend")["sizing_issue"].answer == "leaves" and (of(found, "trend")["sizing_issue"].high or 9) < 0.5
    assert of(found, "trend")["shipping_delay"].answer in ("holds", "may_leave")
    assert of(found, "insight")["all"].answer == "not_replayed"
    assert cost.calls_count == every - 60 and cost.tokens and cost.cost and cost.count == 60 and cost.before == pytest.approx(sum(
        row.cost for row in _ledger(house, "preview-1")
    ), abs=1e-6)  # fmt: skip
    assert cost.cost == pytest.approx(cost.before / 60 * (every - 60), rel=1e-3)
    assert rows(house) == stored and {spec: house.lake.version(spec) for spec in tables} == tables, "no live table was touched"
    again = preview(house, "preview-2", 60)
    assert len(server.chats) - before == 60 and of(again, "cost")["model"].calls_count == every - 60, "what was asked is free"
    assert [dataclasses.replace(one) for one in of(again, "flip").values()] == list(of(found, "flip").values())


def test_the_whole_is_what_then_happens_and_is_paid_once(house: TestHouse, server: AzureOpenAI) -> None:
    before = rows(house)
    found = preview(house, "preview-1", 2_000)
    flips = of(found, "flip")["records"]
    asked = len(server.chats)
    assert flips.low is None and of(found, "insight") == {} and of(found, "cost")["model"].answer == "free"
    promote(house.operations, "label_feedback", "v1", by="ana", reason="as previewed")
    label(house, "run-2")
    after = rows(house)
    changed = {text for text in before if [one["topic"] for one in before[text]["topics"]] != [one["topic"] for one in after[text]["topics"]]}
    assert len(server.chats) == asked, "a promotion finds the answers of its preview"
    assert changed and len(changed) == flips.count == of(found, "flip")["sizing_issue -> praise"].count and changed >= SIZES
    lost = {row["feedback_id"] for row in house.rows(FEEDBACK_LABELS)} & set(of(found, "flip")["sizing_issue -> praise"].sample_ids)
    assert len(lost) == 5


def test_a_budget_shrinks_the_sample_and_says_so(house: TestHouse, server: AzureOpenAI) -> None:
    before = len(server.chats)
    found = preview(house, "preview-1", 60, model_tokens_per_run=20_000, model_concurrency=1, model_concurrency_most=1)
    asked = len(server.chats) - before
    assert 0 < asked < 60 and of(found, "flip")["records"].sampled_count == asked
    assert "the model budget is used up" in of(found, "cost")["model"].words


def test_an_outage_guesses_nothing(house: TestHouse, server: AzureOpenAI) -> None:
    server.faults = lambda _number, _body: "500"
    found = preview(house, "preview-1", 20)
    whole = of(found, "flip")["records"]
    assert (found.findings[0].answer, whole.answer, whole.sampled_count, whole.count, whole.high) == ("unknown", "unknown", 0, None, 1.0)
    assert "nothing is known" in found.findings[0].words and "at most" in of(found, "cost")["model"].words
    json.dumps(found.rows(run_id="r"), default=str)


def _ledger(house: TestHouse, run_id: str) -> list[Any]:
    from insights_assets.labels.model.ledger import Ledger
    from insights_assets.labels.model.prices import load_prices

    return list(Ledger(house.operations, load_prices()).calls(run_id=run_id))
