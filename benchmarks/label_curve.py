"""The learning curve on public texts: what the shipped model becomes with so many reviews of a set, by the product's own path.

Belongs here: drawing reviews as a shop would have them, learning from them, judging on texts of the other side. Does not belong here: how the
product learns (`insights_assets.learning.dataset`, `insights_assets.labels.adaptation`), other ways (`label_lines`), the page (`labels`).

A review is what a person says of a text of the set: the topics that the set judges are put as the set has them, all others stay as the label
had them. Texts fall on the sides that the product gives customers: what is judged is never learned from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

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


def drawn_for_review(learn: Sequence[tuple[str, PublicText]], said: Sequence[str], count: int) -> list[tuple[str, PublicText]]:
    """Half as they come, half a text of each primary topic (or tone) in turn, as the review queue draws: every beginning has both."""
    turns: dict[str, list[int]] = {}
    for number, name in enumerate(said):
        turns.setdefault(name, []).append(number)
    in_turn = [number for places in zip_longest(*turns.values()) for number in places if number is not None]
    order = dict.fromkeys(number for pair in zip(in_turn, range(len(learn)), strict=True) for number in pair)
    return [learn[number] for number in list(order)[:count]]


def reviews(one: PublicSet, labeller: Labeller, drawn: Sequence[tuple[str, PublicText]]) -> list[Reviewed]:
    """What a person says of texts, beside what the label said."""
    found = []
    for (group, text), row in zip(drawn, rows_said(labeller, one, [text for _, text in drawn]), strict=True):
        said = frozenset(topic["topic"] for topic in row["topics"])
        right = said if is_tone(one) else (said - set(one.names) - {"other"}) | text.truth
        tone = next(iter(text.truth)) if is_tone(one) else row["sentiment"]
        record = {"feedback_id": group, "language": text.language, "text": text.text}
        found.append(Reviewed(record, tuple(sorted(right or {"other"})), tuple(sorted(said)), tone, group, 1.0))
    return found


def curve(one: PublicSet, shipped: Labeller, seeds: Sequence[int], sizes: Sequence[int] = SIZES) -> list[Point]:
    """Each size's figures on the side that judges; a size of which the learning side has too few texts is left out."""
    found: dict[int, list[float]] = {}
    for seed in seeds:
        learn, judge = sides(one, seed)
        said = [row["sentiment"] if is_tone(one) else row["primary_topic"] for row in rows_said(shipped, one, [text for _, text in learn])]
        given = reviews(one, shipped, drawn_for_review(learn, said, max(sizes)))
        for size in sizes:
            if size > len(given):
                continue
            labeller = shipped
            if size:
                rows = rows_to_learn(training_rows(given[:size], size), LANGUAGES)
                labeller = labeller_of(learned_from(rows, shipped.classifier))
            found.setdefault(size, []).append(macro_f1(rows_said(labeller, one, judge), one, judge))
    return [Point(size, tuple(round(value, 4) for value in values)) for size, values in found.items()]


def curve_with_vectors(one: PublicSet, vectors: np.ndarray, place: dict[str, int], seeds: Sequence[int], size: int = 200) -> dict[str, float]:
    """Our probabilities beside a text's MiniLM vector, in a logistic regression a topic on the same reviews; threshold of the best F1 it promises."""
    from sklearn.linear_model import LogisticRegression

    from insights_assets.labels.adaptation import promised

    shipped = labeller_of(Classifier.load(SHIPPED))
    figures = []
    for seed in seeds:
        learn, judge = sides(one, seed)
        said = [row["primary_topic"] for row in rows_said(shipped, one, [text for _, text in learn])]
        drawn = drawn_for_review(learn, said, size)
        rows = rows_to_learn(training_rows(reviews(one, shipped, drawn), size), LANGUAGES)
        model = learned_from(rows, shipped.classifier)
        features = []
        for side in ([text for _, text in drawn], judge):
            chance = np.clip(model.score([fold(text.text) for text in side], "en").probability, 1e-4, 1 - 1e-4)
            features.append(np.hstack([np.log(chance / (1 - chance)) / 2, 4 * vectors[[place[text.text] for text in side]]]))
        scores = []
        for name in one.names:
            truth = np.array([name in text.truth for _, text in drawn])
            asked = np.array([name in text.truth for text in judge])
            if truth.any():
                found = LogisticRegression(max_iter=500).fit(features[0], truth).predict_proba(features[1])[:, 1]
                scores.append(f1_of(found >= promised(found), asked))
            else:
                scores.append(0.0)
        figures.append(float(np.mean(scores)))
    return {f"its vectors beside our probabilities, {size} reviews": round(float(np.mean(figures)), 3)}
