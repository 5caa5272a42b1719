"""Routing: which texts are worth a question to the language model, by the error that the local label is expected to have.

Belongs here: pure functions: the risk of a local label, what makes a text urgent to ask about, the random share, the order and how many may go.
Does not belong here: reading tables and asking (`asking`), joining what came back (`joining`).

The risk starts from calibrated probabilities: a topic that was given is wrong with 1 - p, one that was not is missed with p. What these
probabilities cannot know raises it: words that training never met, a rule that says otherwise, many points in one text.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.labels.fields import text_of
from insights_assets.labels.model.defence import prepare
from insights_assets.labels.reading import language_of
from insights_assets.labels.rules import TOPIC
from insights_assets.labels.words import TOKEN, fold, word_of

if TYPE_CHECKING:
    from insights_assets.labels.cascade import Label, Labeller
    from insights_assets.labels.classifier import Classifier
    from insights_assets.labels.reading import Reading

#: A label less likely wrong than this is not asked about, however much of the share is left.
LEAST_RISK = 0.05
#: How much each sign adds to the risk that is left (noisy or).
_UNSEEN, _DISAGREES, _LONG = 0.5, 0.3, 0.2
#: A rule and the classifier disagree when a rule names what the classifier gives less than this.
_DOUBTED = 0.15
_MANY_TOPICS, _MANY_CLAUSES = 3, 8
#: Risk of a text in a language that the local path cannot read.
UNREAD = 0.98
#: Risk of a text that speaks to a machine or hides letters: the local path reads such words as if a customer had meant them.
STEERED = 0.97
_HIDDEN = re.compile("[\u200b\u200c\u200e\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\U000e0001-\U000e007f]")
#: Danger that the local path half hears.
_HALF_HEARD = 0.2
SEVERE_TAGS = frozenset({"fraud_like"})
#: Order of asking: danger first, then the random share, then the rest by risk.
SEVERE, EXPLORED, RISKY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Doubt:
    """What routing knows of one record with a text. `why` is the strongest reason in a few words."""

    text_key: str
    risk: float
    is_severe: bool
    why: str


def text_key(text: str, language: str | None) -> str:
    """One key a distinct question: the same words in the same language."""
    return hashlib.sha256(f"{language or 'und'}|{text}".encode()).hexdigest()[:24]


def is_explored(key: str, share: float) -> bool:
    """Whether a text is in the random share, whatever its risk: by its hash, so that every run draws alike."""
    return int(hashlib.sha256(f"exploration|{key}".encode()).hexdigest()[:13], 16) < share * 16**13


def error_of(chance: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Chance that a set of topics is wrong: texts x topics in, one number a text out. The three likeliest faults count; the rest is noise."""
    faults = np.where(said, 1.0 - chance, chance)
    if faults.shape[1] > 3:
        faults = -np.partition(-faults, 2, axis=1)[:, :3]
    return np.asarray(1.0 - np.prod(1.0 - np.clip(faults, 0.0, 1.0), axis=1))


def raised(risk: float, *, unseen: float = 0.0, disagrees: bool = False, is_long: bool = False) -> float:
    """A risk raised by what probabilities cannot know."""
    left = (1.0 - risk) * (1.0 - _UNSEEN * unseen) * (1.0 - _DISAGREES * disagrees) * (1.0 - _LONG * is_long)
    return float(round(1.0 - left, 6))


def unseen_share(folded: str, language: str, classifier: Classifier) -> float:
    """Share of a text's words that training never met; short texts are not punished for a single name."""
    space = classifier.spaces.get(language)
    words = [word_of(token) for token in TOKEN.findall(folded) if token[0].isalpha()]
    if space is None or not words:
        return 0.0
    content = [word for word in words if word not in space.function_words]
    unseen = sum(word not in space.words for word in content)
    return unseen / (len(content) + 2.0)


def allowance(texts_count: int, chosen_count: int, share: float) -> int:
    """How many more texts may go, so that of all distinct texts ever looked at no more than `share` went."""
    return max(0, math.floor(share * texts_count + 1e-9) - chosen_count)


def asked_class(is_severe: bool, is_random: bool) -> int:
    """Where in the order of asking a text stands."""
    return SEVERE if is_severe else EXPLORED if is_random else RISKY


def doubts(
    labeller: Labeller, records: Sequence[Mapping[str, Any]], heard: Sequence[tuple[Label, Reading | None, np.ndarray]], severe_skus: Collection[str] = ()
) -> Iterator[Doubt | None]:
    """The doubt about each record that has a text, in order."""
    column = {topic: number for number, topic in enumerate(labeller.classifier.topics)}
    unseen: dict[str, float] = {}
    steered: dict[str, bool] = {}
    for record, (label, reading, chance) in zip(records, heard, strict=True):
        text = text_of(record.get("text"))
        if text is None or reading is None:
            yield None
            continue
        language = text_of(record.get("language"))
        key = text_key(text, language)
        if key not in unseen:
            folded = fold(text)
            unseen[key] = unseen_share(folded, language_of(folded, language) or "", labeller.classifier)
            steered[key] = _HIDDEN.search(text) is not None or prepare(text).left_out_count > 0
        found = doubt_of(key, label, reading, chance, column, unseen[key], severe_skus, labeller.names)
        yield Doubt(key, max(found.risk, STEERED), found.is_severe, "speaks to a machine or hides letters") if steered[key] else found


def doubt_of(
    key: str, label: Label, reading: Reading, chance: np.ndarray, column: Mapping[str, int], unseen: float, severe_skus: Collection[str],
    current: Mapping[str, str | None],
) -> Doubt:
    """The doubt about one record."""
    row = label.row
    given = {one["topic"]: float(one["confidence"]) for one in row["topics"]}
    # The label speaks in the words of the label set in force, probabilities in those the classifier learned.
    names = {topic: given[now] for topic, now in current.items() if now in given}
    severe = row["sku"] in severe_skus or bool(SEVERE_TAGS & set(row["risk_tags"])) or row["urgency"] == "critical"
    severe = severe or ("safety" in column and float(chance[column["safety"]]) >= _HALF_HEARD)
    if not reading.read:
        return Doubt(key, UNREAD, severe, "a language the local path cannot read")
    sure = chance.copy()
    for topic, confidence in names.items():
        if topic in column:
            sure[column[topic]] = confidence
    said = np.array([topic in names for topic in column])
    base = float(error_of(sure[None, :], said[None, :])[0])
    by_rule = {hit["target"] for hit in label.hits if hit["kind"] == TOPIC and hit["start"] >= 0}
    disagrees = any(topic in column and float(chance[column[topic]]) < _DOUBTED for topic in by_rule)
    is_long = len(names) >= _MANY_TOPICS or len(reading.spans) >= _MANY_CLAUSES
    signs = {
        "doubt near the bar": base, "words that training never met": _UNSEEN * unseen, "rule and classifier disagree": _DISAGREES * disagrees,
        "many points in one text": _LONG * is_long,
    }
    return Doubt(key, raised(base, unseen=unseen, disagrees=disagrees, is_long=is_long), severe, max(signs, key=lambda sign: signs[sign]))
