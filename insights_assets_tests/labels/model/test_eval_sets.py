"""The packaged eval set: our own words, enough of each topic to ask a gate, and the figures of prompt v3 on it against a stand-in that knows, and one that errs.

What the stand-in knows it was told: the figures show that prompt, schema, parsing and judging lose nothing, and that an error is counted. They say nothing of
a model.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.eval_sets import GOLDEN, made, packaged_sample
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.prompt_evaluation import PromptEvaluation, evaluate
from insights_assets.labels.prompts import PromptError, load_prompt, prompt_text
from insights_assets_tests.contract.azure_openai_brains import in_form_of, read_text, reply
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI
from insights_assets_tests.labels.model.desk import open_desk

LABELS = load_label_set()
PROMPT = load_prompt("label_feedback", "v3")
ROWS = [json.loads(line) for line in prompt_text(GOLDEN).splitlines()]
#: One text in so many is answered wrongly by the stand-in that errs.
ERRS = 10


def test_the_file_is_what_its_maker_makes_and_every_gate_can_be_asked() -> None:
    assert made() == ROWS, "python -m insights_assets.labels.eval_sets, in a new version of the file"
    sample = packaged_sample(PROMPT, LABELS)
    assert len(sample) == len(ROWS) and len({one.feedback_id for one in sample}) == len(ROWS)
    count = Counter(topic for one in sample for topic in one.right)
    least = PROMPT.front_matter["gates"]["minimum_reviewed"]
    assert min(count[topic] for topic in LABELS.topic_ids if topic != "other") >= least and {row["language"] for row in ROWS} == set(LANGUAGES)
    assert {topic for row in ROWS for topic in row["topics"]} <= set(LABELS.topic_ids)


def test_a_prompt_without_a_set_says_so() -> None:
    with pytest.raises(PromptError, match="names no eval_set"):
        packaged_sample(load_prompt("name_theme", "v2"), LABELS)


def errs(text: str) -> bool:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % ERRS == 0


def figures(tmp_path: Path, *, noisy: bool) -> PromptEvaluation:
    known: dict[str, list[str]] = {}
    for row in ROWS:
        known[" ".join(row["text"].split())] = sorted({*known.get(" ".join(row["text"].split()), []), *row["topics"]}) or ["other"]

    def brain(body: dict[str, Any]) -> str:
        text = read_text(body)
        topics = ["customer_service" if topic != "customer_service" else "praise" for topic in known[text][:1]] if noisy and errs(text) else known[text]
        return json.dumps(in_form_of(body, reply([(topic, "" if topic == "other" else text) for topic in topics])), ensure_ascii=False)

    with AzureOpenAI(brain=brain) as server:
        tmp_path.mkdir()
        desk = open_desk(server, tmp_path)
        return evaluate(desk.client(), LabelPrompt.of(PROMPT, LABELS, desk.connection), packaged_sample(PROMPT, LABELS), Candidates([]))


@pytest.mark.slow
def test_prompt_v3_against_the_oracle_and_against_one_that_errs(tmp_path: Path) -> None:
    sure, noisy = figures(tmp_path / "sure", noisy=False), figures(tmp_path / "noisy", noisy=True)
    whole, less = ({one.topic: one for one in found.qualities}["micro"] for found in (sure, noisy))
    print(json.dumps({name: [found.answer, found.records, found.outcomes, one.precision, one.recall, one.f1] for name, found, one in (("oracle", sure, whole), ("errs", noisy, less))}))
    assert sure.answer == "pass" and sure.outcomes == {"ok": len(ROWS)} and whole.f1 is not None and whole.f1 > 0.98
    wrong = sum(errs(" ".join(row["text"].split())) for row in ROWS)
    assert noisy.outcomes == {"ok": len(ROWS)} and less.precision is not None and abs(less.precision - (1 - wrong / len(ROWS))) < 0.03
    assert noisy.answer == "fail" and "customer_service" in noisy.failed_topics, "the topic that it takes others for"
