"""The same thing said a little differently: words that stand for one another, a lead into a sentence, its tail.

Belongs here: changes that keep the meaning. Not here: typing errors (`slips.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random
from typing import Any

from insights_assets.simulator.wording.grammar import wording_file

SWAP_SHARE = 0.5
LEAD_SHARE = 0.20
TAIL_SHARE = 0.16


@lru_cache(maxsize=8)
def _variants(language: str) -> tuple[re.Pattern[str], dict[str, tuple[str, ...]], dict[str, Any]]:
    data = dict(wording_file(language)["variants"])
    swaps = {str(row[0]): tuple(str(word) for word in row) for row in data["swaps"]}
    longest_first = sorted(swaps, key=len, reverse=True)
    data["lowerable"] = frozenset(data["lowerable"])
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, longest_first)) + r")\b(?=[ ,])")
    return pattern, swaps, data


def paraphrased(sentence: str, language: str, chance: Random) -> str:
    """The sentence with some of its words swapped."""
    if chance.random() > SWAP_SHARE:
        return sentence
    pattern, swaps, _ = _variants(language)

    def swap(found: re.Match[str]) -> str:
        choices = swaps[found[0]]
        return choices[int(chance.random() * len(choices))]

    return pattern.sub(swap, sentence)


def with_lead(sentence: str, language: str, mood: str, chance: Random) -> str:
    """Sometimes a word in front of the sentence."""
    if chance.random() > LEAD_SHARE:
        return sentence
    variants = _variants(language)[2]
    leads = variants[f"leads_{mood}"]
    lead = str(leads[int(chance.random() * len(leads))])
    first = sentence.split(" ", 1)[0]
    if lead[-1] not in ".!?:" and not (language == "en" and first in ("I", "I'm", "I've")):
        if first not in variants["lowerable"]:
            return sentence
        sentence = sentence[:1].lower() + sentence[1:]
    return f"{lead} {sentence}"


def with_tail(text: str, language: str, mood: str, chance: Random) -> str:
    """Sometimes a sign behind the text."""
    if chance.random() > TAIL_SHARE:
        return text
    tails = _variants(language)[2][f"tails_{mood}"]
    tail = str(tails[int(chance.random() * len(tails))])
    return f"{text.rstrip('.')}{tail}" if not tail[0].isspace() else f"{text}{tail}"
