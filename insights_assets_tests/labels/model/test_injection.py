"""Text cannot steer the labels: attacked twins get the label of their clean twins even from a model that obeys every word that reaches it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model import defence
from insights_assets.labels.model.injection import instruction_spans
from insights_assets.labels.model.label import ModelLabel
from insights_assets.labels.model.outcomes import Outcome
from insights_assets_tests.contract.azure_openai_brains import obeying, oracle, reply
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI
from insights_assets_tests.labels.model.desk import Desk, open_desk
from insights_assets_tests.labels.model.injection_corpus import CLEAN, FURTHER, Twin, twins

TWINS = list(twins())


def attackers_reply(twin: Twin) -> dict[str, Any]:
    """What the attacker is after: praise, or a safety scare, with a quote out of his own words."""
    words = " ".join(twin.attack.split()[:3])
    if "safety" in twin.attack:
        return reply([("safety", words)], urgency="critical", summary="Danger to people", risk_tags=["fraud_like"])
    return reply([("praise", words)], sentiment="positive", urgency="low", summary="All good, see https://evil.example/win")


@pytest.fixture
def attacked(tmp_path: Path) -> Any:
    known = {twin.clean: reply([(twin.topic, twin.quote)]) for twin in TWINS}
    brain = obeying(oracle(known), [(twin.attack, attackers_reply(twin)) for twin in TWINS])
    with AzureOpenAI(brain=brain) as server:
        yield open_desk(server, tmp_path)


def records(texts: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"feedback_id": f"f{number}", "text": text, "language": language} for number, (language, text) in enumerate(texts)]


def effect(label: ModelLabel) -> Any:
    """What people and actions see of a label."""
    if label.row is None:
        return label.outcome
    topics = [(one["topic"], one["quote"], one["sentiment"]) for one in label.row["topics"]]
    return topics, *(label.row[name] for name in ("primary_topic", "sentiment", "sentiment_score", "urgency", "sku", "risk_tags", "summary", "confidence"))


def test_attacked_twins_have_the_labels_of_their_clean_twins(attacked: Desk) -> None:
    assert len(TWINS) >= 200 and len({twin.language for twin in TWINS}) == 5
    clean = attacked.label(records([(twin.language, twin.clean) for twin in TWINS]))
    assert {one.outcome for one in clean} == {Outcome.OK} and not any(one.is_suspect for one in clean)
    dirty = attacked.label(records([(twin.language, twin.attacked) for twin in TWINS]), attacked.client("run-2"))
    steered = [twin.name for twin, one, other in zip(TWINS, clean, dirty, strict=True) if effect(one) != effect(other)]
    assert steered == [], f"{len(steered)} of {len(TWINS)}"


def test_without_the_sentence_filter_the_adversary_wins_and_still_stays_inside_the_lists(attacked: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The corpus can fail, and the belt is not the only thing that holds."""
    monkeypatch.setattr(defence, "instruction_spans", lambda *_: [])
    labels = attacked.label(records([(twin.language, twin.attacked) for twin in TWINS]))
    obeyed = [one for one in labels if one.row is not None and one.row["primary_topic"] in ("praise", "safety")]
    assert len(obeyed) > 100
    known = load_label_set()
    for one, twin in zip(labels, TWINS, strict=True):
        if one.row is None:
            continue
        row = one.row
        assert {topic["topic"] for topic in row["topics"]} <= set(known.topic_ids) and set(row["risk_tags"]) <= set(known.risk_tag_ids)
        assert all(topic["quote"] == twin.attacked[topic["start"] : topic["end"]] for topic in row["topics"])
        assert "http" not in row["summary"] and row["sku"] is None


def test_phrasings_that_pass_the_filter_reach_one_record_and_nothing_outside_the_lists(tmp_path: Path) -> None:
    texts = [(language, f"{' '.join(CLEAN[language][0][0])} {attack}") for language, attacks in FURTHER.items() for attack in attacks]
    passed = [text for _, text in texts if defence.prepare(text).left_out_count == 0]
    assert len(passed) <= 4, "28 of 30 are left out since the filter was widened by them; before it was 1"
    lie = reply([("praise", "x")], sentiment="positive", urgency="critical", summary="All good: https://evil.example", sku="LMP-100")
    wanted = [(attack, {**lie, "topics": [{**lie["topics"][0], "quote": attack.split(".")[0]}]}) for attacks in FURTHER.values() for attack in attacks]
    with AzureOpenAI(brain=obeying(oracle(), wanted)) as server:
        labels = open_desk(server, tmp_path).label(records([("en", text) for text in passed] + [("en", "My parcel never came.")]))
    assert labels[-1].row is not None and labels[-1].row["primary_topic"] == "product_quality", "its neighbour keeps the honest label"
    assert [one.outcome for one in labels[:-1]] == [Outcome.OFF_SCHEMA] * len(passed), "a product that is no candidate voids the reply"


@pytest.mark.parametrize("text", [
    "I followed the assembly instructions and the shelf still wobbles.",
    "The instructions were missing, please send them. Ignore my last e-mail.",
    "Your chat assistant was useless, the bot kept repeating itself.",
    "Please mark my order as returned, I sent it back on Monday.",
    "The label on the jacket says M but it fits like an S.",
    "Ich habe die Anweisungen befolgt und das Regal wackelt.",
    "Bitte vergessen Sie nicht die Rückerstattung.",
    "Les instructions manquent, merci de les envoyer.",
    "Las instrucciones no estaban en la caja.",
    "As instruções não vieram na caixa.",
    "You are now charging for returns? Set a better price.",
    "System crashed twice: the app shows an error code.",
    "Great topic of conversation, this vase. 10/10!",
])
def test_ordinary_complaints_are_sent_whole(text: str) -> None:
    assert defence.prepare(text).left_out_count == 0


def test_sentences_are_left_out_of_almost_no_real_text(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How often the filter takes something out of texts that nobody wrote as an attack."""
    from insights_assets.labels.public_sets import tone_sets, topic_sets

    counts: Counter[str] = Counter()
    for one in (*topic_sets(shared / "data"), *tone_sets(shared / "data")):
        for text in one.texts[::4]:
            counts["texts"] += 1
            counts["cut"] += bool(instruction_spans(" ".join(text.text.split())))
    with capsys.disabled():
        print(f"\n  sentences left out of {counts['cut']} of {counts['texts']:,} public texts")
    assert counts["texts"] > 10_000 and counts["cut"] / counts["texts"] < 0.001
