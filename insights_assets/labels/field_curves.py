"""How sure sentiment and urgency are: what is stated of a label's field, and the curve that makes a calibrated confidence of it.

Belongs here: the stated confidence of both fields, the curves that ship, reading them. Does not belong here: fitting them (`field_calibration`),
topics and their curves (`calibration`, `training`), what a model said of itself (`trust`).

What is stated rises with the distance from where the word would change (sentiment) or follows from what the urgency follows from. How often the word
is right at that place was counted on texts whose phrasings the classifier had not seen, by word and, where a language has enough of them, by language.
A label of the model or of a person is not what the curves were fitted on: its confidence is the stated one, or certain where a person chose the word.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from insights_assets.labels.fields import number_of
from insights_assets.labels.rules import RULE_CONFIDENCE
from insights_assets.labels.sentiment import EDGE, NEGATIVE, POSITIVE, tone_of
from insights_assets.labels.urgency import CRITICAL, HIGH

SHIPPED_CURVES = Path(__file__).parent / "shipped" / "field_curves.json"
FORMAT = 1
LOWEST, SUREST = 0.02, 0.98
#: A score so far from where its word would change is as sure as it states.
_FAR, _SUREST_STATED = 0.5, 0.95
_PRESSES = 0.8
#: Whose labels the curves were fitted on.
_LOCAL = frozenset({"rule", "classifier"})
#: The farthest a score can lie from where its word would change.
_WIDEST = 0.7


@dataclass(frozen=True)
class Curve:
    """One field's curve: per word an intercept and a slope over its signal, and a shift by language. Adds up to a logit."""

    words: Mapping[str, tuple[float, float]]
    languages: Mapping[str, float] = field(default_factory=dict)

    def sure(self, word: str, signal: float, language: str | None) -> float | None:
        """How likely the word is right; None for a word the curve does not know."""
        known = self.words.get(word)
        if known is None:
            return None
        logit = known[0] + known[1] * signal + self.languages.get(language or "", 0.0)
        return round(min(SUREST, max(LOWEST, 1.0 / (1.0 + math.exp(-logit)))), 4)


@dataclass(frozen=True)
class FieldCurves:
    """The curves of both fields, and what they were made of (`card`)."""

    sentiment: Curve
    urgency: Curve
    card: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """Changes when a confidence would come out differently."""
        return "fields@" + hashlib.sha256(json.dumps(self._numbers(), sort_keys=True).encode()).hexdigest()[:8]

    def _numbers(self) -> dict[str, Any]:
        return {name: {"words": {w: list(v) for w, v in one.words.items()}, "languages": dict(one.languages)} for name, one in (("sentiment", self.sentiment), ("urgency", self.urgency))}

    def save(self, path: Path = SHIPPED_CURVES) -> None:
        document = {"format": FORMAT, "version": self.version, **self._numbers(), "card": dict(self.card)}
        path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")

    @classmethod
    def parse(cls, document: Mapping[str, Any], where: str) -> FieldCurves:
        """Reads what `save` wrote; refuses another format and numbers that do not match the version."""
        if document.get("format") != FORMAT:
            raise ValueError(f"{where}: format: {document.get('format')!r}, this code reads {FORMAT}")
        curves = [
            Curve({word: (float(a), float(b)) for word, (a, b) in document[name]["words"].items()}, {one: float(v) for one, v in document[name]["languages"].items()})
            for name in ("sentiment", "urgency")
        ]
        found = cls(*curves, card=document["card"])
        if found.version != document.get("version"):
            raise ValueError(f"{where}: version: the numbers are {found.version}, the file says {document.get('version')!r}; make it anew")
        return found


@lru_cache(maxsize=1)
def load_field_curves() -> FieldCurves:
    """The curves that ship with the product."""
    return FieldCurves.parse(json.loads(SHIPPED_CURVES.read_text("utf-8")), f"labels/shipped/{SHIPPED_CURVES.name}")


def sentiment_sure(row: Mapping[str, Any], language: str | None, curves: FieldCurves) -> float | None:
    """Confidence of a label's sentiment; None where there is no score to tell by."""
    word, score = row["sentiment"], number_of(row["sentiment_score"])
    if row["label_source"] == "person" and (score is None or word != tone_of(score)):
        return 1.0  # a person chose another word than the score says
    if score is None:
        return None
    stated = stated_sentiment(word, score)
    return stated if row["label_source"] == "model" else curves.sentiment.sure(word, distance(word, score), language) or stated


def urgency_sure(row: Mapping[str, Any], language: str | None, curves: FieldCurves) -> float:
    """Confidence of a label's urgency."""
    stated = stated_urgency(row)
    return (curves.urgency.sure(row["urgency"], logit(stated), language) or stated) if row["label_source"] in _LOCAL else stated


def distance(word: str, score: float) -> float:
    """How far a score is from where its word would change; 0 where it is on the other side.

    >>> [round(distance(word, score), 2) for word, score in (("negative", -0.9), ("neutral", 0.1), ("positive", 0.2))]
    [0.6, 0.2, 0.0]
    """
    far = -EDGE - score if word == NEGATIVE else score - EDGE if word == POSITIVE else EDGE - abs(score)
    return min(_WIDEST, max(0.0, far))


def stated_sentiment(word: str, score: float) -> float:
    """Between 0.5 and 0.95, rising with the distance: what is said where nothing was counted.

    >>> stated_sentiment("negative", -0.3), stated_sentiment("negative", -0.9), stated_sentiment("neutral", 0.0)
    (0.5, 0.95, 0.77)
    """
    return round(0.5 + (_SUREST_STATED - 0.5) * min(1.0, distance(word, score) / _FAR), 4)


def stated_urgency(row: Mapping[str, Any]) -> float:
    """As sure as what the urgency follows from: danger, a tag, a pressing word, the topic."""
    primary = number_of(row["confidence"])
    if row["urgency"] == CRITICAL:
        by_topic = {one["topic"]: float(one["confidence"]) for one in row["topics"] or ()}
        return round(max(by_topic.get("safety", 0.0), RULE_CONFIDENCE if "fraud_like" in (row["risk_tags"] or ()) else 0.0, 0.5), 4)
    if row["urgency"] == HIGH:
        return _PRESSES
    return round(min(_SUREST_STATED, max(0.5, primary if primary is not None else 0.5)), 4)


def logit(share: float) -> float:
    """Log odds, within what a stated confidence can be."""
    kept = min(0.98, max(0.02, share))
    return math.log(kept / (1.0 - kept))
