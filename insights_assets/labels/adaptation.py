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

from insights_assets.labels.calibration import OF_TEXT, OF_TOPIC, Signals
from insights_assets.labels.classifier import TONES, Classifier, sigmoid
from insights_assets.labels.concepts import parse_concepts
from insights_assets.labels.corpus import Row
from insights_assets.labels.denial import DenialReader
from insights_assets.labels.features import UNKNOWN_SHARE, LanguageSpace, cut, grams, neighbours
from insights_assets.labels.label_set import LabelSet, load_label_set
from insights_assets.labels.matrices import TextBlocks, scaled_columns, text_blocks, weights_of
from insights_assets.labels.words import Tokens, Vocabulary, fold

REACH = 0.2  # how far reviews may pull the weights (C of the support vector problem)
MARGIN = 4.0  # logits by which a row must be right to have no say
FOLDS = 5
#: How firmly a curve is held at the shipped one: a weight, and the bias, which the shares of topics in a shop decide.
WEIGHT_HOLD, BIAS_HOLD = 10.0, 1.0
THRESHOLD_HOLD = 10.0  # reviewed records of a topic at which its threshold is half the shop's
LOWEST, HIGHEST = 0.05, 0.7
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
    lead: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class _Found:
    """Signals of the rows, each by weights that had not seen it."""

    of_topic: np.ndarray
    of_text: np.ndarray
    tones: np.ndarray

    def inputs(self, topic: int) -> np.ndarray:
        return np.hstack([self.of_topic[:, topic], self.of_text])


def learned_from(reviewed: Sequence[Row], base: Classifier | None = None, label_set: LabelSet | None = None) -> Classifier:
    """What `learning` calls: the shipped classifier after a shop's reviews; trained from nothing where the label set has other topics than it."""
    from insights_assets.labels.models import SHIPPED
    from insights_assets.labels.training import train

    base = base or Classifier.load(SHIPPED)
    label_set = label_set or load_label_set()
    topics = tuple(topic for topic in label_set.topic_ids if topic != "other")
    return adapt(base, reviewed) if topics == base.topics else train(reviewed=reviewed, label_set=label_set)


def adapt(base: Classifier, reviewed: Sequence[Row]) -> Classifier:
    """The classifier after a shop's reviews; the same for the same reviews."""
    rows = [row for language in base.spaces for row in reviewed if row.language == language]
    if not rows:
        return base
    problem = _problem(base, rows)
    side = np.array([_fold(row) for row in rows])
    found = _Found(np.zeros((len(rows), len(base.topics), len(OF_TOPIC))), np.zeros((len(rows), len(OF_TEXT))), np.zeros((len(rows), len(TONES))))
    for number in range(FOLDS):
        unseen = np.flatnonzero(side == number)
        if len(unseen):
            _take(found, _moved(problem, side != number), rows, unseen)
    platt, thresholds = _curves(base, found, problem.truth)
    moved = _moved(problem, np.ones(len(rows), dtype=bool))
    tone_platt = np.array([
        _curve(found.tones[:, [tone]], problem.truth[:, len(base.topics) + tone], base.tone_platt[tone]) for tone in range(len(TONES))
    ])  # fmt: skip
    return replace(moved, platt=platt, thresholds=thresholds, tone_platt=tone_platt, card=_card(base, rows, thresholds))


def _fold(row: Row) -> int:
    """By the group, so that one customer's records are never on both sides."""
    return int(hashlib.sha256(row.groups[0].encode()).hexdigest()[:8], 16) % FOLDS


def _problem(base: Classifier, rows: Sequence[Row]) -> _Problem:
    from insights_assets.labels.training import truth_of

    concepts = parse_concepts(base.concept_document)
    spaces, weights, parts = dict(base.spaces), dict(base.weights), []
    for language in base.spaces:
        texts = [fold(row.text) for row in rows if row.language == language]
        if texts:
            vocabulary = Vocabulary()
            tokens = Tokens(texts, vocabulary)
            units = cut(tokens)
            tokens.heard = DenialReader(language).heard(tokens.word, units.of_token, vocabulary)
            space = spaces[language] = _wider(base.spaces[language], tokens, units.of_token, vocabulary)
            weights.update(_stretched(base, language, space))
            parts.append(text_blocks(tokens, units, vocabulary, space, concepts, language))
    design = scaled_columns(parts, base.weights["concept_idf"], base.weights["concept_pair_idf"])
    return _Problem(base, rows, spaces, weights, parts, design, _leads(base, rows), truth_of(rows, base.topics))


def _raw(model: Classifier, rows: Sequence[Row]) -> list[tuple[Signals, np.ndarray]]:
    texts = {language: [fold(row.text) for row in rows if row.language == language] for language in model.spaces}
    return [model.raw_scores(own, language) for language, own in texts.items() if own]


def _take(found: _Found, model: Classifier, rows: Sequence[Row], places: np.ndarray) -> None:
    at = 0
    for signals, tones in _raw(model, [rows[place] for place in places]):
        own = places[at : at + len(signals.of_text)]
        found.of_topic[own], found.of_text[own], found.tones[own] = signals.of_topic, signals.of_text, tones
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
    full = np.zeros((problem.design.shape[1], problem.lead.shape[1]))
    full[used] = _solve(design[:, used], problem.lead[seen], problem.truth[seen], weight) / _slopes(base)
    spaces = {language: space for language, space in problem.spaces.items() if space is not base.spaces[language]}
    moves = weights_of(full, spaces, problem.parts, base.weights["concept_idf"], base.weights["concept_pair_idf"])
    weights = {name: (block + moves[name]).astype(block.dtype) if name in moves else block for name, block in problem.weights.items()}
    return replace(base, weights=weights, spaces=problem.spaces)


def _slopes(base: Classifier) -> np.ndarray:
    """How far a logit moves when the scores of a text and of its clause move by one."""
    scores = [OF_TOPIC.index(name) for name in ("best", "whole", "lead")]
    return np.maximum(np.append(base.platt[:, scores].sum(axis=1), base.tone_platt[:, 0]), 0.5)


def _leads(base: Classifier, rows: Sequence[Row]) -> np.ndarray:
    """Rows x (topics, tones): by how much, in logits, the base says yes (above zero) or no."""
    found = []
    for signals, tones in _raw(base, rows):
        topics = signals.logits(base.platt) - np.array([_logit(float(value)) for value in base.thresholds])
        found.append(np.hstack([topics, tones * base.tone_platt[:, 0] + base.tone_platt[:, 1]]))
    return np.vstack(found)


def _solve(design: Any, lead: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Changes of columns, a target at a time: least squares of what is wrong or nearly so, and of the change itself.

    Newton's steps between rows (Chapelle 2007): rows that are right by a margin have no say, the others solve one linear system.
    """
    between = (design @ design.T).toarray() if design.shape[0] <= _DENSE_ROWS else None
    pulls = np.zeros(lead.shape)
    for target in range(lead.shape[1]):
        sign = np.where(truth[:, target] == 1, 1.0, -1.0)
        short = sign * lead[:, target] < MARGIN
        for _ in range(_STEPS):
            pulls[:, target] = 0.0
            if short.any():
                own = np.flatnonzero(short)
                pulls[own, target] = _pull(design, between, own, (MARGIN * sign - lead[:, target])[own], 0.5 / (REACH * weight[own]))
            moved = between @ pulls[:, target] if between is not None else design @ (design.T @ pulls[:, target])
            still = sign * (lead[:, target] + moved) < MARGIN
            if np.array_equal(still, short):
                break
            short = still
    return np.asarray(design.T @ pulls)


def _pull(design: Any, between: np.ndarray | None, own: np.ndarray, missing: np.ndarray, slack: np.ndarray) -> np.ndarray:
    """How strongly each row that is short of its margin pulls."""
    if between is not None:
        return np.linalg.solve(between[np.ix_(own, own)] + np.diag(slack), missing)
    from scipy.sparse.linalg import LinearOperator, cg

    rows = design[own]
    system = LinearOperator((len(own), len(own)), matvec=lambda values: rows @ (rows.T @ values) + slack * values, dtype=np.float64)
    return np.asarray(cg(system, missing, rtol=1e-4, maxiter=300)[0])


def _curves(base: Classifier, found: _Found, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curves held at the base's, and thresholds between the base's decisions and the best F1 that the curves promise."""
    platt, thresholds = base.platt.copy(), base.thresholds.copy()
    for column in range(len(base.topics)):
        inputs = found.inputs(column)
        platt[column] = _curve(inputs, truth[:, column], base.platt[column])
        before, after = (inputs @ curve[:-1] + curve[-1] for curve in (base.platt[column], platt[column]))
        chance = sigmoid(after)
        # The base's decisions in the new probabilities: its threshold, moved as the logits near it were moved.
        edge = _logit(float(base.thresholds[column]))
        near = np.exp(-np.abs(before - edge))
        kept = edge + float(near @ (after - before)) / max(float(near.sum()), 1e-9)
        share = float(chance.sum()) / (float(chance.sum()) + THRESHOLD_HOLD)
        wanted = share * _logit(promised(chance)) + (1 - share) * kept
        thresholds[column] = round(float(np.clip(sigmoid(np.array(wanted)), LOWEST, HIGHEST)), 4)
    return platt, thresholds


def _logit(chance: float) -> float:
    chance = min(max(chance, 1e-4), 1 - 1e-4)
    return float(np.log(chance / (1 - chance)))


def _curve(inputs: np.ndarray, truth: np.ndarray, held: np.ndarray) -> np.ndarray:
    from scipy.optimize import minimize

    hold = np.append(np.full(inputs.shape[1], WEIGHT_HOLD), BIAS_HOLD)
    wide = np.hstack([inputs, np.ones((len(inputs), 1))])

    def cost(values: np.ndarray) -> tuple[float, np.ndarray]:
        logit = wide @ values
        away = values - held
        loss = float(np.logaddexp(0.0, np.where(truth == 1, -logit, logit)).sum())
        return loss + 0.5 * float(hold @ away**2), wide.T @ (sigmoid(logit) - truth) + hold * away

    return np.asarray(minimize(cost, held, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)


def promised(chance: np.ndarray) -> float:
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
