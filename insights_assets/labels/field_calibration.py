"""Fitting the curves of sentiment and urgency, as topics' curves are fitted: on what each later hand wrote and the weights had not seen.

Belongs here: the texts with both fields' truth, fitting, the error before and after between the hands. Does not belong here: the curves in use
(`field_curves`), the held-out classifiers (`training`).

No text here says how urgent it is by itself: urgency follows by definition from topics, tone and whether somebody presses. So its truth is that
definition over the true topics and tone, and over sentences that press or only sound so (`corpus/urgency.yaml`), which no rule was written from.
Tags are taken as they are found: there is no truth about them. `python -m insights_assets.labels.field_calibration` writes the shipped curves.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from insights_assets.labels.cascade import Labeller
from insights_assets.labels.corpus import Row
from insights_assets.labels.evaluation import calibration_error
from insights_assets.labels.field_curves import Curve, FieldCurves, distance, logit, stated_sentiment, stated_urgency
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.rules import load_rules
from insights_assets.labels.urgency import CRITICAL, urgency_of

FIELDS = ("sentiment", "urgency")
#: So many held-out texts of a language give it a shift of its own.
ENOUGH_OF_A_LANGUAGE = 300
#: Shares of texts that get a sentence that presses, and one that only sounds so.
PRESSING_SHARE, CALM_SHARE = 0.12, 0.12
_CALM_TOPICS = frozenset({"praise", "feature_request", "other"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One field of one label beside the truth. `part` names the hand that wrote the text."""

    field: str
    word: str
    signal: float
    stated: float
    language: str
    is_right: bool
    part: int = 0


@lru_cache(maxsize=1)
def load_urgency_sentences() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """pressing and calm -> language -> sentences."""
    import yaml

    document = yaml.safe_load(resources.files("insights_assets.labels").joinpath("corpus/urgency.yaml").read_text("utf-8"))
    return {kind: {language: tuple(line.strip() for line in block.splitlines() if line.strip()) for language, block in by.items()} for kind, by in document.items()}


def with_urgency(rows: Sequence[Row], seed: int = 0) -> list[tuple[Row, str, bool]]:
    """(row, its text with a sentence behind it in some, whether it presses)."""
    sentences, draw, found = load_urgency_sentences(), random.Random(seed), []
    for row in rows:
        chance, text, presses = draw.random(), row.text, False
        if chance < PRESSING_SHARE and not set(row.topics) <= _CALM_TOPICS:
            text, presses = f"{text} {draw.choice(sentences['pressing'][row.language])}", True
        elif chance > 1 - CALM_SHARE:
            text = f"{text} {draw.choice(sentences['calm'][row.language])}"
        found.append((row, text, presses))
    return found


def seen_by(labeller: Labeller, rows: Sequence[Row], seed: int = 0, part: int = 0) -> list[Seen]:
    """What a labeller says of both fields of each row, beside the truth."""
    found, given = [], with_urgency(rows, seed)
    records = [{"feedback_id": str(number), "source": "surveys", "language": row.language, "text": text} for number, (row, text, _) in enumerate(given)]
    for (row, _, presses), label in zip(given, labeller.label_records(records), strict=True):
        right = {"sentiment": row.sentiment, "urgency": true_urgency(row.topics, row.sentiment, presses, label.row["risk_tags"])}
        found += [seen_field(label.row, name, row.language, label.row[name] == right[name], part) for name in FIELDS]
    return found


def seen_field(row: Mapping[str, Any], name: str, language: str, is_right: bool, part: int = 0) -> Seen:
    """One field of a label row as calibration looks at it."""
    if name == "sentiment":
        word, score = str(row["sentiment"]), float(row["sentiment_score"])
        return Seen(name, word, distance(word, score), stated_sentiment(word, score), language, is_right, part)
    stated = stated_urgency(row)
    return Seen(name, str(row["urgency"]), logit(stated), stated, language, is_right, part)


def true_urgency(topics: Sequence[str], sentiment: str, presses: bool, tags: Sequence[str]) -> str:
    """The urgency that follows from what is true of a text; a text without a topic is about `other`."""
    return urgency_of(topics or ("other",), tags, presses, sentiment, [CRITICAL] if "safety" in topics else [])


def fit_curve(seen: Sequence[Seen]) -> Curve:
    """A logistic curve; a word whose confidence would fall with its signal gets no slope."""
    from sklearn.linear_model import LogisticRegression

    words = sorted({one.word for one in seen})
    counts = {language: sum(one.language == language for one in seen) for language in sorted({one.language for one in seen})}
    languages = [language for language, count in counts.items() if count >= ENOUGH_OF_A_LANGUAGE]
    right = np.array([one.is_right for one in seen], dtype=np.int64)
    sloped = list(words)
    while True:
        columns = [[float(one.word == word) for one in seen] for word in words]
        columns += [[one.signal * (one.word == word) for one in seen] for word in sloped]
        columns += [[float(one.language == language) for one in seen] for language in languages]
        if right.min() == right.max():
            raise ValueError("every text is right, or none is: there is nothing to calibrate by")
        fitted = LogisticRegression(C=10.0, max_iter=2000, fit_intercept=False).fit(np.array(columns).T, right).coef_[0]
        slopes = dict(zip(sloped, fitted[len(words) : len(words) + len(sloped)], strict=True))
        falling = [word for word, slope in slopes.items() if slope < 0]
        if not falling:
            break
        sloped = [word for word in sloped if word not in falling]
    shifts = fitted[len(words) + len(sloped) :]
    return Curve(
        {word: (round(float(base), 4), round(float(slopes.get(word, 0.0)), 4)) for word, base in zip(words, fitted, strict=False)},
        {language: round(float(shift), 4) for language, shift in zip(languages, shifts, strict=True)},
    )


def errors(seen: Sequence[Seen], curve: Curve) -> dict[str, Any]:
    """n, share right, and the expected calibration error of what is stated and of the curve."""
    right = np.array([one.is_right for one in seen], dtype=float)
    after = np.array([curve.sure(one.word, one.signal, one.language) or one.stated for one in seen])
    stated = np.array([one.stated for one in seen])
    return {"n": len(seen), "right_share": round(float(right.mean()), 4), "ece_stated": calibration_error(stated, right), "ece_calibrated": calibration_error(after, right)}


def fit_fields(seen: Sequence[Seen], model_version: str) -> FieldCurves:
    """Both curves, with the error between hands in the card: each hand's texts judged by a curve fitted on the others'."""
    curves, card = {}, {}
    for name in FIELDS:
        own = [one for one in seen if one.field == name]
        curves[name] = fit_curve(own)
        parts = sorted({one.part for one in own})
        crossed = [errors([one for one in own if one.part == part], fit_curve([one for one in own if one.part != part])) for part in parts] if len(parts) > 1 else []
        card[name] = {
            **errors(own, curves[name]), "between_hands": crossed,
            "texts_a_language": {language: sum(one.language == language for one in own) for language in sorted({one.language for one in own})},
        }
    told = {
        "data": "texts made of phrases of the second and the third hand, labelled by weights that had not seen that hand's; urgency with sentences of corpus/urgency.yaml",
        "truth": "sentiment: the phrase's; urgency: its definition over the true topics and tone and whether a sentence presses; tags as found",
        "not_for": "labels of a language model or a person, whose confidence is stated; texts far from the corpus, where it is too high",
        "classifier": model_version, "measured": "python -m benchmarks.field_confidence",
    }
    return FieldCurves(curves["sentiment"], curves["urgency"], {**told, "fields": card})


def ship() -> str:
    """Fit on the shipped corpus and write the curves that come with the package; returns their version."""
    from insights_assets.labels.classifier import Classifier
    from insights_assets.labels.models import SHIPPED
    from insights_assets.labels.training import unseen_classifiers

    seen: list[Seen] = []
    for part, (classifier, rows) in enumerate(unseen_classifiers()):
        seen += seen_by(Labeller(load_label_set(), load_rules(), classifier, []), rows, seed=part, part=part)
    found = fit_fields(seen, Classifier.load(SHIPPED).model_version)
    found.save()
    return found.version


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{ship()}\n")
