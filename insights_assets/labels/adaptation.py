"""Adaptation: what a shop's reviews change in a classifier that already knows the corpus; seconds instead of a training from nothing.

Belongs here: moving the weights of the shipped classifier no further than the reviews ask, columns for words it had never met, curves and
thresholds fitted again on reviews that the moved weights had not seen. Does not belong here: training on the corpus (`training`), when to
learn and whether a candidate comes into force (`learning`).

The weights solve a linear support vector problem whose regulariser pulls to the shipped weights instead of to zero (adaptive SVM: Yang, Yan
and Hauptmann 2007), so a topic nobody corrected stays what it was. Curves are drawn to the shipped ones in the same way. A threshold is the
one with the best F1 that the probabilities themselves promise on the reviews: counted hits of five positives would be noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from insights_assets.labels.calibration import CURVE, Signals
from insights_assets.labels.classifier import Classifier, sigmoid
from insights_assets.labels.concepts import parse_concepts
from insights_assets.labels.corpus import Row
from insights_assets.labels.denial import DenialReader
from insights_assets.labels.features import UNKNOWN_SHARE, LanguageSpace, cut, grams, neighbours
from insights_assets.labels.matrices import TextBlocks, scaled_columns, text_blocks, weights_of
from insights_assets.labels.words import Tokens, Vocabulary, fold

REACH = 2.0  # how far reviews may pull the weights (C of the support vector problem)
FOLDS = 5
#: How firmly a curve is held at the shipped one: a weight, and the bias, which the shares of topics in a shop decide.
WEIGHT_HOLD, BIAS_HOLD = 10.0, 1.0
THRESHOLD_HOLD = 50  # reviews at which a threshold is half the shop's
LOWEST, HIGHEST = 0.1, 0.7
_DENSE_ROWS = 3_000  # up to so many rows the products between rows are held
_STEPS = 25


@dataclass(frozen=True)
class _Problem:
    """What is solved: rows by language, the shipped weights over the wider columns, and how right they already are."""

    base: Classifier
    rows: Sequence[Row]
    spaces: dict[str, LanguageSpace]
    weights: dict[str, np.ndarray]
    parts: Sequence[TextBlocks]
    design: Any
    scores: np.ndarray  # rows x (topics, tones): of the shipped weights, whole texts
    truth: np.ndarray


@dataclass(frozen=True)
class _Found:
    """Signals of the rows, each by weights that had not seen it."""

    of_topic: np.ndarray
    of_text: np.ndarray

    def inputs(self, topic: int) -> np.ndarray:
        return np.hstack([self.of_topic[:, topic], self.of_text])


def adapt(base: Classifier, reviewed: Sequence[Row]) -> Classifier:
    """The classifier after a shop's reviews; the same for the same reviews."""
    rows = [row for language in base.spaces for row in reviewed if row.language == language]
    if not rows:
        return base
    problem = _problem(base, rows)
    side = np.array([_fold(row) for row in rows])
    found = _Found(np.zeros((len(rows), len(base.topics), 5)), np.zeros((len(rows), 5)))
    for number in range(FOLDS):
        unseen = np.flatnonzero(side == number)
        if len(unseen):
            _take(found, _moved(problem, side != number), rows, unseen)
    platt, thresholds = _curves(base, found, problem.truth)
    moved = _moved(problem, np.ones(len(rows), dtype=bool))
    tone_platt = base.tone_platt
    return replace(moved, platt=platt, thresholds=thresholds, tone_platt=tone_platt, card=_card(base, rows, thresholds))


def _fold(row: Row) -> int:
    """By the group, so that one customer's records are never on both sides."""
    return int(hashlib.sha256(row.groups[0].encode()).hexdigest()[:8], 16) % FOLDS


def _problem(base: Classifier, rows: Sequence[Row]) -> _Problem:
    from insights_assets.labels.training import truth_of

    concepts = parse_concepts(base.concept_document)
    spaces, weights, parts = dict(base.spaces), dict(base.weights), []
    own_spaces: dict[str, LanguageSpace] = {}
    for language in base.spaces:
        texts = [fold(row.text) for row in rows if row.language == language]
        if texts:
            vocabulary = Vocabulary()
            tokens = Tokens(texts, vocabulary)
            units = cut(tokens)
            tokens.heard = DenialReader(language).heard(tokens.word, units.of_token, vocabulary)
            space = own_spaces[language] = spaces[language] = _wider(base.spaces[language], tokens, units.of_token, vocabulary)
            weights.update(_stretched(base, language, space))
            parts.append(text_blocks(tokens, units, vocabulary, space, concepts, language))
    design = scaled_columns(parts, base.weights["concept_idf"], base.weights["concept_pair_idf"])
    scores = np.vstack([np.hstack([signals.of_topic[:, :, 1], tones]) for signals, tones in _raw(base, rows)])
    return _Problem(base, rows, spaces, weights, parts, design, scores, truth_of(rows, base.topics))


def _raw(model: Classifier, rows: Sequence[Row]) -> list[tuple[Signals, np.ndarray]]:
    texts = {language: [fold(row.text) for row in rows if row.language == language] for language in model.spaces}
    return [model.raw_scores(own, language) for language, own in texts.items() if own]


def _take(found: _Found, model: Classifier, rows: Sequence[Row], places: np.ndarray) -> None:
    at = 0
    for signals, _ in _raw(model, [rows[place] for place in places]):
        own = places[at : at + len(signals.of_text)]
        found.of_topic[own], found.of_text[own] = signals.of_topic, signals.of_text
        at += len(own)


def _wider(space: LanguageSpace, tokens: Tokens, of_token: np.ndarray, vocabulary: Vocabulary) -> LanguageSpace:
    """The space with what the reviews say beside it. New columns weigh in a text's length what an unknown word did, so no score moves yet."""
    words = dict(space.words)
    for word in vocabulary.words:
        words.setdefault(word, len(words))
    names = dict(space.grams)
    for word in vocabulary.words:
        if word[0].isalpha() and word not in space.function_words:
            for gram in grams(word):
                names.setdefault(gram, len(names))
    rare_word, rare_gram = (float(idf.max(initial=1.0)) * UNKNOWN_SHARE**0.5 for idf in (space.word_idf, space.gram_idf))
    columns = np.array([words[word] for word in vocabulary.words], dtype=np.int64)[tokens.heard]
    keys, _ = neighbours(columns, of_token)
    fresh, counts = np.unique(keys, return_counts=True)
    fresh = np.setdiff1d(fresh[counts >= 2], space.pair_keys)
    pairs = np.concatenate([space.pair_keys, fresh])
    order = np.argsort(pairs, kind="stable")
    idf = np.append(space.pair_idf, np.full(len(fresh), float(space.pair_idf.max(initial=1.0))))
    return LanguageSpace(
        words, np.append(space.word_idf, np.full(len(words) - len(space.words), rare_word)), pairs[order], idf[order],
        names, np.append(space.gram_idf, np.full(len(names) - len(space.grams), rare_gram)), space.function_words,
    )  # fmt: skip


def _stretched(base: Classifier, language: str, space: LanguageSpace) -> dict[str, np.ndarray]:
    """The shipped weights over the wider columns: zero where a column is new."""
    found = {}
    for name, rows in (("word", len(space.words)), ("letters", len(space.grams))):
        old = base.weights[f"{language}.{name}"]
        found[f"{language}.{name}"] = np.vstack([old, np.zeros((rows - len(old), old.shape[1]), dtype=old.dtype)])
    old = base.weights[f"{language}.pair"]
    pair = np.zeros((len(space.pair_keys), old.shape[1]), dtype=old.dtype)
    pair[np.searchsorted(space.pair_keys, base.spaces[language].pair_keys)] = old
    found[f"{language}.pair"] = pair
    return found


def _moved(problem: _Problem, seen: np.ndarray) -> Classifier:
    """The base with its weights moved by the rows that are seen; curves and thresholds stay the base's."""
    base, design = problem.base, problem.design[seen]
    used = np.unique(design.indices)
    weight = np.array([row.weight for row in problem.rows])[seen]
    change, bias = _solve(design[:, used], problem.scores[seen], problem.truth[seen], weight)
    full = np.zeros((problem.design.shape[1], change.shape[1]))
    full[used] = change
    spaces = {language: space for language, space in problem.spaces.items() if space is not base.spaces[language]}
    moves = weights_of(full, spaces, problem.parts, base.weights["concept_idf"], base.weights["concept_pair_idf"])
    weights = {name: (block + moves[name]).astype(block.dtype) if name in moves else block for name, block in problem.weights.items()}
    return replace(base, weights=weights, spaces=problem.spaces, bias=base.bias + bias)


def _solve(design: Any, scores: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Changes of columns and bias, a target at a time: least squares of what hinges miss, and of the change itself.

    Newton's steps between rows (Chapelle 2007): rows beyond their margin have no say, the others solve one linear system.
    """
    between = (design @ design.T).toarray() + 1.0 if design.shape[0] <= _DENSE_ROWS else None  # the bias is a column of ones
    pulls = np.zeros(scores.shape)
    for target in range(scores.shape[1]):
        sign = np.where(truth[:, target] == 1, 1.0, -1.0)
        short = sign * scores[:, target] < 1.0
        for _ in range(_STEPS):
            pulls[:, target] = 0.0
            if short.any():
                own = np.flatnonzero(short)
                pulls[own, target] = _pull(design, between, own, (sign - scores[:, target])[own], 0.5 / (REACH * weight[own]))
            moved = between @ pulls[:, target] if between is not None else design @ (design.T @ pulls[:, target]) + pulls[:, target].sum()
            still = sign * (scores[:, target] + moved) < 1.0
            if np.array_equal(still, short):
                break
            short = still
    return np.asarray(design.T @ pulls), pulls.sum(axis=0)


def _pull(design: Any, between: np.ndarray | None, own: np.ndarray, missing: np.ndarray, slack: np.ndarray) -> np.ndarray:
    """How strongly each row that is short of its margin pulls."""
    if between is not None:
        return np.linalg.solve(between[np.ix_(own, own)] + np.diag(slack), missing)
    from scipy.sparse.linalg import LinearOperator, cg

    rows = design[own]
    system = LinearOperator((len(own), len(own)), matvec=lambda values: rows @ (rows.T @ values) + values.sum() + slack * values, dtype=np.float64)
    return np.asarray(cg(system, missing, rtol=1e-4, maxiter=300)[0])


def _curves(base: Classifier, found: _Found, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curves held at the base's, and the threshold each promises the best F1 with."""
    platt, thresholds = base.platt.copy(), base.thresholds.copy()
    for column in range(len(base.topics)):
        inputs = found.inputs(column)
        platt[column] = _curve(inputs, truth[:, column], base.platt[column])
        chance = sigmoid(inputs @ platt[column][:-1] + platt[column][-1])
        share = len(truth) / (len(truth) + THRESHOLD_HOLD)
        best = min(max(_promised(chance), LOWEST), HIGHEST)
        thresholds[column] = round(share * best + (1 - share) * base.thresholds[column], 4)
    return platt, thresholds


def _curve(inputs: np.ndarray, truth: np.ndarray, held: np.ndarray) -> np.ndarray:
    from scipy.optimize import minimize

    hold = np.append(np.full(len(CURVE) - 1, WEIGHT_HOLD), BIAS_HOLD)
    wide = np.hstack([inputs, np.ones((len(inputs), 1))])

    def cost(values: np.ndarray) -> tuple[float, np.ndarray]:
        logit = wide @ values
        away = values - held
        loss = float(np.logaddexp(0.0, np.where(truth == 1, -logit, logit)).sum())
        return loss + 0.5 * float(hold @ away**2), wide.T @ (sigmoid(logit) - truth) + hold * away

    return np.asarray(minimize(cost, held, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)


def _promised(chance: np.ndarray) -> float:
    """The threshold whose F1 is best in expectation, when the probabilities are what they say."""
    ordered = np.sort(chance)[::-1]
    hits = np.cumsum(ordered)
    f1 = 2 * hits / (np.arange(1, len(ordered) + 1) + ordered.sum())
    best = int(np.argmax(f1))
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + below) / 2)


def _card(base: Classifier, rows: Sequence[Row], thresholds: np.ndarray) -> dict[str, Any]:
    from insights_assets.labels.training import corpus_digest

    return {
        **base.card, "base_version": base.model_version, "reviewed_rows": len(rows), "reviewed_sha256": corpus_digest(rows),
        "calibration": f"{base.card.get('calibration', '')}; then on the reviewed rows, each with weights that had not seen it",
        "thresholds": dict(zip(base.topics, (float(value) for value in thresholds), strict=True)),
    }
