"""The plain keyword list as a judge of texts, and micro-F1. Belongs to the tests of wording; no part of the product."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import yaml


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    words = yaml.safe_load(Path(__file__).with_name("plain_keywords.yaml").read_text(encoding="utf-8"))
    return {
        topic: re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, stems)) + ")", re.IGNORECASE)
        for topic, stems in words.items()
    }


def judged(text: str) -> set[str]:
    """Topics whose words occur; `other` when none does."""
    found = {topic for topic, pattern in _patterns().items() if pattern.search(text)}
    return found or {"other"}


def micro_f1(pairs: Iterable[tuple[set[str], set[str]]]) -> float:
    """Micro-averaged F1 of (truth, guess) pairs."""
    hits = guessed = true = 0
    for truth, guess in pairs:
        hits += len(truth & guess)
        guessed += len(guess)
        true += len(truth)
    return 2 * hits / (guessed + true) if guessed + true else 0.0
