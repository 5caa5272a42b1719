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
from insights_assets.labels.features import (
    BLOCK_WEIGHTS,
    LanguageSpace,
    concept_pairs,
    concept_table,
    cut,
    learn_space,
    word_pairs,
    word_rows,
)
from insights_assets.labels.label_set import LabelSet, load_label_set
from insights_assets.labels.words import Tokens, Vocabulary, fold

STRENGTH = 0.5  # inverse regularisation (C); stronger fits remember phrases instead of words
HELD_OUT_SHARE = 4  # of rows that are not the shipped corpus, one phrasing in four calibrates
LOWEST_THRESHOLD, MIDDLE_THRESHOLD, HIGHEST_THRESHOLD = 0.25, 0.35, 0.5
SPLIT_BLOCKS = ("word", "pair", "letters")


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
    on what the other hands wrote and scores texts made of that hand's phrases (of other rows: one phrasing in four is left
    out); the probability curves are fitted on these scores, then the weights on everything. A random quarter of all
    phrases would flatter the model: real customers write in none of these manners.
    """
    topics = tuple(topic for topic in (label_set or load_label_set()).topic_ids if topic != "other")
    rows = list(corpus) if corpus is not None else training_rows(seed, languages)
    splits = _between_hands(languages, seed) if corpus is None else [_within(rows, seed)]
    held_out = [row for _, unseen in splits for row in unseen]
    scored = [_score_unseen(_fit([*seen, *reviewed], topics, languages), unseen, topics) for seen, unseen in splits]
    platt, tone_platt, thresholds = _calibrate(scored, topics)
    final = _fit([*rows, *reviewed], topics, languages)
    parts = {**final, "platt": platt, "tone_platt": tone_platt, "thresholds": thresholds}
    return Classifier(**parts, card=_card(rows, reviewed, held_out, topics, seed, thresholds))


def corpus_digest(rows: Sequence[Row]) -> str:
    """Hash of training rows in order: what a model card names as its data."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.language}|{','.join(row.topics)}|{row.sentiment}|{row.text}\n".encode())
    return digest.hexdigest()


def _held_out(group: str, seed: int) -> bool:
    return int(hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()[:8], 16) % HELD_OUT_SHARE == 0


def _within(rows: Sequence[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """(seen, unseen) of rows that are not the shipped corpus."""
    seen = [row for row in rows if not any(_held_out(group, seed) for group in row.groups)]
    return seen, [row for row in rows if row.groups and all(_held_out(group, seed) for group in row.groups)]


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
    from scipy import sparse

    document = concept_source()
    concepts = parse_concepts(document)
    spaces: dict[str, LanguageSpace] = {}
    blocks: list[dict[str, Any]] = []
    ordered: list[Row] = []
    for language in languages:
        own = [row for row in rows if row.language == language]
        ordered += own
        vocabulary = Vocabulary()
        tokens = Tokens([fold(row.text) for row in own], vocabulary)
        units = cut(tokens)
        tokens.heard = DenialReader(language).heard(tokens.word, units.of_token, vocabulary)
        space = spaces[language] = learn_space(tokens, vocabulary, units, load_function_words()[language])
        known = word_rows(vocabulary.words, space)
        table = concept_table(vocabulary.words, concepts, language)
        # Texts are rows: token x word incidence turns properties of words into properties of texts.
        incidence = sparse.csr_matrix(
            (np.ones(len(tokens.heard)), (tokens.text, tokens.heard)), shape=(len(own), len(vocabulary))
        )
        where, pair = word_pairs(np.array([space.words.get(w, -1) for w in vocabulary.words])[tokens.heard], units, space)
        at, both = concept_pairs(table, tokens.heard, units, len(concepts.names))
        numbers = np.flatnonzero(table.ravel() >= 0)
        blocks.append({
            "word": incidence @ known.words,
            "pair": sparse.csr_matrix(
                (space.pair_idf[pair], (tokens.text[where], pair)), shape=(len(own), len(space.pair_keys))
            ),
            "letters": incidence @ known.grams,
            "word_norm": incidence @ known.word_length,
            "pair_norm": np.bincount(tokens.text[where], space.pair_idf[pair] ** 2, minlength=len(own)),
            "letters_norm": incidence @ known.gram_length,
            "concept": incidence @ sparse.csr_matrix(
                (np.ones(len(numbers)), (numbers // table.shape[1], table.ravel()[numbers])),
                shape=(len(vocabulary), len(concepts.names)),
            ),
            "concept_pair": sparse.csr_matrix(
                (np.ones(len(at)), (tokens.text[at], both)), shape=(len(own), len(concepts.names) ** 2)
            ),
        })
    weights, bias, shared = _solve(blocks, ordered, topics, spaces, len(concepts.names))
    return {
        "topics": topics, "weights": {**weights, **shared}, "bias": bias, "spaces": spaces,
        "concept_document": document,
    }


def _solve(
    blocks: list[dict[str, Any]], rows: Sequence[Row], topics: tuple[str, ...], spaces: dict[str, LanguageSpace],
    concepts: int,
) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]:
    """One linear machine a topic and a tone over all languages at once; concepts are shared between them."""
    from scipy import sparse
    from sklearn.svm import LinearSVC

    single = sparse.vstack([part["concept"] for part in blocks]).tocsr()
    paired = sparse.vstack([part["concept_pair"] for part in blocks]).tocsr()
    single_idf, paired_idf = _document_idf(single), _document_idf(paired)
    concept_norm = np.sqrt(np.maximum(
        single @ single_idf**2 + paired @ paired_idf**2, 1e-9
    ))
    columns = []
    scales = []
    for part in blocks:
        word_scale = _over(np.sqrt(np.maximum(part["word_norm"] + part["pair_norm"], 1e-9)), BLOCK_WEIGHTS["word"])
        letter_scale = _over(np.sqrt(np.maximum(part["letters_norm"], 1e-9)), BLOCK_WEIGHTS["letters"])
        scales.append((word_scale, letter_scale))
    for name in SPLIT_BLOCKS:
        columns.append(sparse.block_diag([
            scale[1 if name == "letters" else 0] @ part[name] for part, scale in zip(blocks, scales, strict=True)
        ], format="csr"))
    concept_scale = _over(concept_norm, BLOCK_WEIGHTS["concept"])
    columns.append(concept_scale @ single @ sparse.diags(single_idf))
    columns.append(concept_scale @ paired @ sparse.diags(paired_idf))
    design = sparse.hstack(columns, format="csr")
    design.sum_duplicates()
    truth = _truth(rows, topics)
    weight = np.array([row.weight for row in rows])

    def one(target: np.ndarray) -> tuple[np.ndarray, float]:
        model = LinearSVC(C=STRENGTH, tol=0.3, max_iter=30, random_state=0)
        model.fit(design, target, sample_weight=weight)
        return model.coef_[0], float(model.intercept_[0])

    # One after the other: liblinear draws from one random source for the whole process, so two threads would not give
    # the same weights twice.
    fitted = [one(target) for target in truth.T]
    coefficients = np.stack([solution[0] for solution in fitted], axis=1)
    bias = np.array([solution[1] for solution in fitted])
    weights: dict[str, np.ndarray] = {}
    at = 0
    for name in SPLIT_BLOCKS:
        for language, part in zip(spaces, blocks, strict=True):
            size = part[name].shape[1]
            scale = BLOCK_WEIGHTS["letters" if name == "letters" else "word"]
            block = coefficients[at : at + size] * scale
            if name == "pair":  # looked up by column when scoring, so its idf goes in here; the others carry theirs
                block = block * spaces[language].pair_idf[:, None]
            weights[f"{language}.{name}"] = block.astype(np.float32)
            at += size
    shared = {
        "concept": coefficients[at : at + concepts] * single_idf[:, None] * BLOCK_WEIGHTS["concept"],
        "concept_pair": coefficients[at + concepts :] * paired_idf[:, None] * BLOCK_WEIGHTS["concept"],
        "concept_idf": single_idf,
        "concept_pair_idf": paired_idf,
    }
    return weights, bias, shared


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
    return _Scored(signals, np.vstack(tones), _truth(ordered, topics))


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


def _truth(rows: Sequence[Row], topics: tuple[str, ...]) -> np.ndarray:
    column = {name: number for number, name in enumerate((*topics, *TONES))}
    truth = np.zeros((len(rows), len(column)), dtype=np.int64)
    for number, row in enumerate(rows):
        for name in (*row.topics, row.sentiment):
            if name in column:
                truth[number, column[name]] = 1
    return truth


def _document_idf(counts: Any) -> np.ndarray:
    rows, columns = counts.shape
    present = np.bincount(counts.indices, minlength=columns)
    return np.where(present > 0, np.log((1.0 + rows) / (1.0 + present)) + 1.0, 0.0)


def _over(norm: np.ndarray, weight: float) -> Any:
    from scipy import sparse

    return sparse.diags(weight / norm)


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
