"""Training: from labelled texts to a calibrated classifier, the same one for the same rows and seed.

Belongs here: the sparse design matrix, one-vs-rest linear machines, calibration on held-out phrasings, per-topic
thresholds, the model card. Does not belong here: scoring (`classifier`), when to train and whether a model goes
live (`learning`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from insights_assets.labels.calibration import CURVE, Signals
from insights_assets.labels.classifier import TONES, Classifier, concept_source, sigmoid
from insights_assets.labels.concepts import LANGUAGES, load_function_words, parse_concepts
from insights_assets.labels.corpus import (
    DAILY_MIX,
    LATER_HANDS,
    TEXTS_A_LANGUAGE,
    Row,
    composed_rows,
    load_phrases,
    phrase_rows,
    training_rows,
    written_by,
)
from insights_assets.labels.denial import DenialReader
from insights_assets.labels.features import LanguageSpace, cut, learn_space
from insights_assets.labels.label_set import LabelSet, load_label_set
from insights_assets.labels.matrices import TextBlocks, document_idf, scaled_columns, text_blocks, weights_of
from insights_assets.labels.words import Tokens, Vocabulary, fold

STRENGTH = 0.5  # inverse regularisation (C); stronger fits remember phrases instead of words
QUARTERS = 4  # of rows that are not the shipped corpus, each quarter of the phrasings calibrates once
LOWEST_THRESHOLD, MIDDLE_THRESHOLD, HIGHEST_THRESHOLD = 0.25, 0.35, 0.5


def train(
    corpus: Sequence[Row] | None = None,
    seed: int = 0,
    *,
    reviewed: Sequence[Row] = (),
    label_set: LabelSet | None = None,
    languages: Sequence[str] = LANGUAGES,
) -> Classifier:
    """Fit a classifier on the shipped corpus (or `corpus`) and, when given, rows that people reviewed.

    Calibration never sees a phrasing that the weights it calibrates were fitted on: for each later hand a model is fitted
    on what the other hands wrote and scores texts made of that hand's phrases (of other rows: each quarter of the phrasings
    is scored by weights fitted on the other three); the probability curves are fitted on these scores, then the weights on
    everything. Random quarters of the corpus would flatter the model: real customers write in none of these manners.
    """
    topics = tuple(topic for topic in (label_set or load_label_set()).topic_ids if topic != "other")
    rows = list(corpus) if corpus is not None else training_rows(seed, languages)
    splits = _between_hands(languages, seed) if corpus is None else _within(rows, seed)
    held_out = [row for _, unseen in splits for row in unseen]
    scored = [_score_unseen(_fit([*seen, *reviewed], topics, languages), unseen, topics) for seen, unseen in splits]
    platt, tone_platt, thresholds = _calibrate(scored, topics)
    final = _fit([*rows, *reviewed], topics, languages)
    parts = {**final, "platt": platt, "tone_platt": tone_platt, "thresholds": thresholds}
    return Classifier(**parts, card=_card(rows, reviewed, held_out, topics, seed, thresholds))


def unseen_classifiers(languages: Sequence[str] = LANGUAGES, seed: int = 0) -> list[tuple[Classifier, list[Row]]]:
    """For each later hand, texts made of its phrases and a calibrated classifier that never saw them: what other fields are calibrated on."""
    topics = tuple(topic for topic in load_label_set().topic_ids if topic != "other")
    fitted = [(_fit(seen, topics, languages), unseen) for seen, unseen in _between_hands(languages, seed)]
    platt, tone_platt, thresholds = _calibrate([_score_unseen(parts, unseen, topics) for parts, unseen in fitted], topics)
    return [(Classifier(**parts, platt=platt, tone_platt=tone_platt, thresholds=thresholds, card={}), unseen) for parts, unseen in fitted]


def corpus_digest(rows: Sequence[Row]) -> str:
    """Hash of training rows in order: what a model card names as its data."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.language}|{','.join(row.topics)}|{row.sentiment}|{row.text}\n".encode())
    return digest.hexdigest()


def _quarter(group: str, seed: int) -> int:
    return int(hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()[:8], 16) % QUARTERS


def _within(rows: Sequence[Row], seed: int) -> list[tuple[list[Row], list[Row]]]:
    """(seen, unseen) of rows that are not the shipped corpus, once for each quarter of their phrasings."""
    parts = [(row, {_quarter(group, seed) for group in row.groups}) for row in rows]
    splits = [([row for row, own in parts if number not in own], [row for row, own in parts if own == {number}]) for number in range(QUARTERS)]
    return [(seen, unseen) for seen, unseen in splits if unseen]


def _between_hands(languages: Sequence[str], seed: int) -> list[tuple[list[Row], list[Row]]]:
    """(seen, unseen) of the shipped corpus, once for each later hand: what the others wrote, and texts made of its own phrases."""
    books = [load_phrases(language) for language in languages]
    splits = []
    for hand in LATER_HANDS:
        seen, unseen = [], []
        for book in books:
            own = frozenset(phrase.group for phrase in book.phrases if written_by(phrase.group, hand))
            others = frozenset(phrase.group for phrase in book.phrases) - own
            count = TEXTS_A_LANGUAGE[book.language]
            seen += phrase_rows(book, others) + composed_rows(book, count, seed, others)
            if own:
                unseen += composed_rows(book, 2 * count, seed + 1, own, DAILY_MIX)
        splits.append((seen, unseen))
    return splits


def _fit(rows: Sequence[Row], topics: tuple[str, ...], languages: Sequence[str]) -> dict[str, Any]:
    """Learn columns and weights; returns the parts of a classifier without its calibration."""
    document = concept_source()
    concepts = parse_concepts(document)
    spaces: dict[str, LanguageSpace] = {}
    blocks: list[TextBlocks] = []
    ordered: list[Row] = []
    for language in languages:
        own = [row for row in rows if row.language == language]
        ordered += own
        vocabulary = Vocabulary()
        tokens = Tokens([fold(row.text) for row in own], vocabulary)
        units = cut(tokens)
        tokens.heard = DenialReader(language).heard(tokens.word, units.of_token, vocabulary)
        spaces[language] = learn_space(tokens, vocabulary, units, load_function_words()[language])
        blocks.append(text_blocks(tokens, units, vocabulary, spaces[language], concepts, language))
    weights, bias = _solve(blocks, ordered, topics, spaces)
    return {
        "topics": topics, "weights": weights, "bias": bias, "spaces": spaces,
        "concept_document": document,
    }


def _solve(
    blocks: Sequence[TextBlocks], rows: Sequence[Row], topics: tuple[str, ...], spaces: dict[str, LanguageSpace]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """One linear machine a topic and a tone over all languages at once; concepts are shared between them."""
    from scipy import sparse
    from sklearn.svm import LinearSVC

    single_idf = document_idf(sparse.vstack([part.concept for part in blocks]).tocsr())
    paired_idf = document_idf(sparse.vstack([part.concept_pair for part in blocks]).tocsr())
    design = scaled_columns(blocks, single_idf, paired_idf)
    truth = truth_of(rows, topics)
    weight = np.array([row.weight for row in rows])

    def one(target: np.ndarray) -> tuple[np.ndarray, float]:
        model = LinearSVC(C=STRENGTH, tol=0.3, max_iter=30, random_state=0)
        model.fit(design, target, sample_weight=weight)
        return model.coef_[0], float(model.intercept_[0])

    # One after the other: liblinear draws from one random source for the whole process, so two threads would not give
    # the same weights twice.
    fitted = [one(target) for target in truth.T]
    coefficients = np.stack([solution[0] for solution in fitted], axis=1)
    weights = weights_of(coefficients, spaces, blocks, single_idf, paired_idf)
    bias = np.array([solution[1] for solution in fitted])
    return {**weights, "concept_idf": single_idf, "concept_pair_idf": paired_idf}, bias


@dataclass(frozen=True)
class _Scored:
    """Rows as a model that never saw their phrasings scores them, and the truth."""

    signals: Sequence[Signals]
    tones: np.ndarray
    truth: np.ndarray


def _score_unseen(parts: dict[str, Any], rows: Sequence[Row], topics: tuple[str, ...]) -> _Scored:
    plain = Classifier(
        **parts, platt=np.zeros((len(topics), len(CURVE))), tone_platt=np.tile([1.0, 0.0], (len(TONES), 1)),
        thresholds=np.full(len(topics), 0.5), card={},
    )
    signals, tones, ordered = [], [], []
    for language in parts["spaces"]:
        own = [row for row in rows if row.language == language]
        if own:
            found, tone = plain.raw_scores([fold(row.text) for row in own], language)
            signals.append(found)
            tones.append(tone)
            ordered += own
    return _Scored(signals, np.vstack(tones), truth_of(ordered, topics))


def _calibrate(scored: Sequence[_Scored], topics: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability curves and thresholds from texts whose phrasings the weights that scored them never saw."""
    from sklearn.linear_model import LogisticRegression

    signals = [one for part in scored for one in part.signals]
    truth, tones = np.vstack([part.truth for part in scored]), np.vstack([part.tones for part in scored])
    platt = np.zeros((len(topics), len(CURVE)))
    thresholds = np.zeros(len(topics))
    for column in range(len(topics)):
        inputs = np.vstack([one.inputs(column) for one in signals])
        curve = LogisticRegression(C=1.0, max_iter=500).fit(inputs, truth[:, column])
        platt[column] = (*curve.coef_[0], curve.intercept_[0])
        thresholds[column] = _best_threshold(sigmoid(inputs @ curve.coef_[0] + curve.intercept_[0]), truth[:, column])
    tone_platt = np.zeros((len(TONES), 2))
    for column in range(len(TONES)):
        curve = LogisticRegression(C=1.0).fit(tones[:, [column]], truth[:, len(topics) + column])
        tone_platt[column] = (curve.coef_[0, 0], curve.intercept_[0])
    return platt, tone_platt, thresholds


def _best_threshold(probability: np.ndarray, truth: np.ndarray) -> float:
    """Threshold of the best F1 between the bounds, drawn halfway to the middle: one sample must not decide alone."""
    grid = np.arange(LOWEST_THRESHOLD, HIGHEST_THRESHOLD + 0.001, 0.025)
    scores = []
    for threshold in grid:
        chosen = probability >= threshold
        hits = float((chosen & (truth == 1)).sum())
        scores.append(2 * hits / max(1.0, float(chosen.sum() + truth.sum())))
    return round(float((grid[int(np.argmax(scores))] + MIDDLE_THRESHOLD) / 2), 4)


def truth_of(rows: Sequence[Row], topics: tuple[str, ...]) -> np.ndarray:
    """Rows x (topics, then the two tones), 1 where a row has it."""
    column = {name: number for number, name in enumerate((*topics, *TONES))}
    truth = np.zeros((len(rows), len(column)), dtype=np.int64)
    for number, row in enumerate(rows):
        for name in (*row.topics, row.sentiment):
            if name in column:
                truth[number, column[name]] = 1
    return truth


def _card(
    rows: Sequence[Row], reviewed: Sequence[Row], held_out: Sequence[Row], topics: tuple[str, ...], seed: int,
    thresholds: np.ndarray,
) -> dict[str, Any]:
    """Model card: what it is for, what it was made of, where not to trust it (Mitchell et al. 2019)."""
    languages = sorted({row.language for row in rows})
    return {
        "purpose": "topics and tone of customer feedback of a web shop, with calibrated confidence",
        "not_for": "decisions about single persons; other domains; languages beside those listed",
        "method": "one-vs-rest linear support vectors over words, letters in words and concepts; Platt curves",
        "data": "phrases written for this project by three hands, expanded by a grammar; reviewed rows of the shop when given",
        "calibration": "on the phrases of the second and the third hand, each with weights that had not seen that hand's",
        "other_fields": "sentiment and urgency: curves fitted on the same held-out phrases, stated in field_curves.json beside this file",
        "measured": "make eval-labels (public data nobody here wrote); phrasing families held out from training",
        "rows": len(rows), "reviewed_rows": len(reviewed), "calibration_rows": len(held_out),
        "rows_a_language": {name: sum(row.language == name for row in rows) for name in languages},
        "data_sha256": corpus_digest((*rows, *reviewed)), "seed": seed,
        "thresholds": dict(zip(topics, (float(value) for value in thresholds), strict=True)),
        "limits": "wording far from the corpus is often missed or mislabelled: about eight in ten such records are right; sarcasm is read literally",
    }


def ship() -> str:
    """Train on the shipped corpus and write the model that comes with the package; returns its version."""
    from insights_assets.labels.models import SHIPPED

    model = train()
    model.save(SHIPPED)
    return model.model_version


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{ship()}\n")
