"""The learning curve on public texts: what the shipped model becomes with so many reviews of a set, by the product's own path.

Belongs here: what reviews say, learning from them, judging on texts of the other side. Does not belong here: which texts are reviewed
(`label_draws`), how the product learns (`insights_assets.learning.dataset`, `insights_assets.labels.adaptation`), other ways (`label_lines`),
the page (`labels`).

A review is what a person says of a text of the set: the topics that the set judges are put as the set has them, all others stay as the label
had them. Texts fall on the sides that the product gives customers: what is judged is never learned from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.label_draws import DRAWS, RANDOM, Drawn, drawn
from benchmarks.label_lines import f1_of
from insights_assets.labels.adaptation import learned_from
from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.models import SHIPPED
from insights_assets.labels.public_sets import TONES, PublicSet, PublicText
from insights_assets.labels.reviewed import Reviewed
from insights_assets.labels.rules import load_rules
from insights_assets.labels.words import fold
from insights_assets.learning.dataset import rows_to_learn, training_rows

SIZES = (0, 50, 100, 200, 500)
JUDGED_AT_MOST, DRAWN_FROM = 2_000, 3_000  # texts a seed, by their hash


@dataclass(frozen=True)
class Point:
    """One size of one set: macro-F1 a seed."""

    size: int
    macro_f1: tuple[float, ...]

    @property
    def mean(self) -> float:
        return round(float(np.mean(self.macro_f1)), 3)

    @property
    def spread(self) -> float:
        """Standard deviation between seeds."""
        return round(float(np.std(self.macro_f1)), 3)


def labeller_of(model: Classifier) -> Labeller:
    """The local path with a model."""
    return Labeller(load_label_set(), load_rules(), model, [])


def rows_said(labeller: Labeller, one: PublicSet, texts: Sequence[PublicText]) -> list[dict[str, Any]]:
    """Labels of texts of a set, from the text alone."""
    return [label.row for label in labeller.label_records([
        {"feedback_id": str(number), "source": one.source, "language": text.language, "text": text.text} for number, text in enumerate(texts)
    ])]  # fmt: skip


def macro_f1(rows: Sequence[dict[str, Any]], one: PublicSet, texts: Sequence[PublicText]) -> float:
    """Unweighted mean of the F1 of the set's names."""
    said = [{row["sentiment"]} if is_tone(one) else {topic["topic"] for topic in row["topics"]} for row in rows]
    return float(np.mean([
        f1_of(np.array([name in names for names in said]), np.array([name in text.truth for text in texts])) for name in one.names
    ]))  # fmt: skip


def is_tone(one: PublicSet) -> bool:
    """Whether a set judges tones rather than topics."""
    return one.names == TONES


def sides(one: PublicSet, seed: int) -> tuple[list[tuple[str, PublicText]], list[PublicText]]:
    """(group and text to learn from, texts to judge by), each in the order of the seed."""
    drawn = sorted((hashlib.sha256(f"{seed}|{text.text}".encode()).hexdigest(), number) for number, text in enumerate(one.texts))
    learn, judge = [], []
    for key, number in drawn:
        group = f"text:{key}"
        text = one.texts[number]
        if Reviewed({"feedback_id": ""}, (), None, "", group, 1.0).side == "train":
            learn.append((group, text))
        else:
            judge.append(text)
    return learn[:DRAWN_FROM], judge[:JUDGED_AT_MOST]


def reviews(one: PublicSet, labeller: Labeller, given: Sequence[Drawn]) -> list[Reviewed]:
    """What a person says of texts, beside what the label said."""
    found = []
    for own, row in zip(given, rows_said(labeller, one, [own.text for own in given]), strict=True):
        said = frozenset(topic["topic"] for topic in row["topics"])
        right = said if is_tone(one) else (said - set(one.names) - {"other"}) | own.text.truth
        tone = next(iter(own.text.truth)) if is_tone(one) else row["sentiment"]
        record = {"feedback_id": own.group, "language": own.text.language, "text": own.text.text}
        found.append(Reviewed(record, tuple(sorted(right or {"other"})), tuple(sorted(said)), tone, own.group, own.weight))
    return found


def learned(given: Sequence[Reviewed], shipped: Labeller) -> Classifier:
    """The shipped model after reviews, as `learning` makes a candidate of them."""
    return learned_from(rows_to_learn(training_rows(given, len(given)), LANGUAGES), shipped.classifier)


def curves(one: PublicSet, shipped: Labeller, seeds: Sequence[int], sizes: Sequence[int] = SIZES, draws: Sequence[str] = DRAWS) -> dict[str, list[Point]]:
    """Each way to draw and size: figures on the side that judges; a size of which the learning side has too few texts is left out."""
    found: dict[str, dict[int, list[float]]] = {way: {} for way in draws}
    for seed in seeds:
        learn, judge = sides(one, seed)
        rows = rows_said(shipped, one, [text for _, text in learn])
        before = macro_f1(rows_said(shipped, one, judge), one, judge)
        for way in draws:
            given = reviews(one, shipped, drawn(way, learn, rows, max(sizes), one.source))
            for size in sizes:
                if size <= len(given):
                    after = macro_f1(rows_said(labeller_of(learned(given[:size], shipped)), one, judge), one, judge) if size else before
                    found[way].setdefault(size, []).append(after)
    return {way: [Point(size, tuple(round(value, 4) for value in values)) for size, values in points.items()] for way, points in found.items()}


def curve_with_vectors(one: PublicSet, vectors: np.ndarray, place: dict[str, int], seeds: Sequence[int], size: int = 200) -> dict[str, float]:
    """Our probabilities beside a text's MiniLM vector, in a logistic regression a topic on the same reviews; threshold of the best F1 it promises."""
    from sklearn.linear_model import LogisticRegression

    from insights_assets.labels.adaptation import promised

    shipped = labeller_of(Classifier.load(SHIPPED))
    figures = []
    for seed in seeds:
        learn, judge = sides(one, seed)
        given = drawn(RANDOM, learn, (), size, one.source)
        model = learned(reviews(one, shipped, given), shipped)
        features = []
        for side in ([own.text for own in given], judge):
            chance = np.clip(model.score([fold(text.text) for text in side], "en").probability, 1e-4, 1 - 1e-4)
            features.append(np.hstack([np.log(chance / (1 - chance)) / 2, 4 * vectors[[place[text.text] for text in side]]]))
        scores = []
        for name in one.names:
            truth = np.array([name in own.text.truth for own in given])
            asked = np.array([name in text.truth for text in judge])
            if truth.any():
                found = LogisticRegression(max_iter=500).fit(features[0], truth).predict_proba(features[1])[:, 1]
                scores.append(f1_of(found >= promised(found), asked))
            else:
                scores.append(0.0)
        figures.append(float(np.mean(scores)))
    return {f"its vectors beside our probabilities, {size} reviews": round(float(np.mean(figures)), 3)}
