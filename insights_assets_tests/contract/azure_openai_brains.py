"""Who answers in the stand-in: an oracle that knows the labels of texts, and an adversary that obeys whatever injected text reaches it.

Belongs here: from a request's user message to a reply's content. Does not belong here: HTTP, faults, billing. Neither says anything about a
real model's quality.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from insights_assets_tests.contract.azure_openai_server import Brain

GAP = "[…]"
Reply = dict[str, Any]


def user_message(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request gives the model about one record."""
    return json.loads(body["messages"][-1]["content"])


def read_text(body: Mapping[str, Any]) -> str:
    """The text as a model reads it: marks are blanks, gaps are nothing."""
    return " ".join(_raw(user_message(body)).replace(GAP, " ").split())


def _raw(given: Mapping[str, Any]) -> str:
    """The words of a record, or of the quotes of a theme, with blanks for marks."""
    return " ".join([given["text"]] if "text" in given else given["quotes"]).replace(given["mark"], " ")


def names_theme(body: Mapping[str, Any]) -> Reply | None:
    """An honest name for a theme, where that is what is asked: the words that most of its quotes use."""
    given = user_message(body)
    if "quotes" not in given:
        return None
    said = [re.findall(r"[^\W\d_]{4,}", quote.replace(given["mark"], " ").casefold()) for quote in given["quotes"]]
    used = {word: sum(word in words for words in said) for words in said for word in words}
    shared = sorted((word for word, count in used.items() if count >= 2), key=lambda word: (-used[word], word))
    return {"title": " ".join(shared[:3]).capitalize() or "Mixed remarks", "description": "Customers say much the same of one thing", "evidence": [1, 2]}


def reply(topics: Iterable[tuple[str, str]], *, sentiment: str = "negative", urgency: str = "normal", summary: str = "The customer complains", **more: Any) -> Reply:
    """A reply in the form of the schema; topics are (topic, quote)."""
    return {
        "topics": [{"topic": topic, "quote": quote, "sentiment": sentiment, "confidence": "high"} for topic, quote in topics],
        "sentiment": sentiment, "urgency": urgency, "sku": None, "risk_tags": [], "entities": [], "summary": summary, "new_topic_candidate": None, **more,
    }


def in_form_of(body: Mapping[str, Any], said: Reply) -> Reply:
    """The reply as the request's schema has it: earlier prompts ask for no things named."""
    asks = '"entities"' in json.dumps(body.get("response_format")) or '"entities"' in str(body["messages"][0]["content"])
    return said if asks or not isinstance(said, dict) else {name: value for name, value in said.items() if name != "entities"}


def oracle(labels: Mapping[str, Reply] | None = None) -> Brain:
    """Answers with the given label of a text; for a text it does not know, one topic with the whole text as its quote."""
    known = {" ".join(text.split()): label for text, label in (labels or {}).items()}

    def answer(body: dict[str, Any]) -> str:
        if (name := names_theme(body)) is not None:
            return json.dumps(name, ensure_ascii=False)
        text = read_text(body)
        return json.dumps(in_form_of(body, known.get(text) or reply([("product_quality", text[:200])])), ensure_ascii=False)

    return answer


def obeying(honest: Brain, attacks: Iterable[tuple[str, Reply]]) -> Brain:
    """The worst model there could be: three words of an attack in a row, in any part of the message, and it answers what the attacker wants."""
    wanted = [(_threes(attack), label) for attack, label in attacks]

    def answer(body: dict[str, Any]) -> str:
        raw = _raw(user_message(body))
        unhidden = "".join(chr(ord(letter) - 0xE0000) if 0xE0020 <= ord(letter) <= 0xE007E else letter for letter in raw)
        said = _threes(unhidden)
        for threes, label in wanted:
            if threes & said:
                return json.dumps(in_form_of(body, label), ensure_ascii=False)
        return honest(body)

    return answer


def _threes(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[start : start + 3]) for start in range(len(words) - 2)}


def forging(forge: Callable[[str, Reply], Any], honest: Brain) -> Brain:
    """Answers with what `forge` makes of (text, honest reply): a JSON value or a text as it is."""

    def answer(body: dict[str, Any]) -> str:
        made = forge(read_text(body), json.loads(honest(body)))
        return made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)

    return answer
