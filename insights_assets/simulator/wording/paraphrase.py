"""The same thing said a little differently: words that stand for one another, a lead into a sentence, its tail.

Belongs here: changes that keep the meaning. Not here: typing errors (`slips.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from random import Random
from typing import Any

import yaml

SWAP_SHARE = 0.5
LEAD_SHARE = 0.20
TAIL_SHARE = 0.16
# First words that may lose their capital after a lead.
_LOWERABLE: dict[str, frozenset[str]] = {
    "en": frozenset("The My It There No Your A An This You We Every Everything One Two Half Nobody Somebody Some Such They That Whoever "
                    "Whenever Please Since After Not All Each Which When Where How Why What Still For First On Our At By Between Only "
                    "Same Another Nothing Something Such Came Ordered Order Far Poor Great Too Much Quick Quite Just".split()),
    "de": frozenset("Der Die Das Es Ich Wir Man Mein Meine Auf Am Im In Seit Nach Bis Wo Wie Was Wer Zwei Drei Jeden Jede Eine Ein Kein Keine "
                    "Alles Nur Niemand Schon Beim Laut Statt Erst Da Bei Für Immer Welche Nicht Noch".split()),
    "fr": frozenset("Le La Les Il Elle On Je Un Une Mon Ma Mes Ce Cela Ça Depuis Sur Chaque Au En Tout Trois Deux Aucun Aucune Personne Pas "
                    "Toujours Encore Votre Même Nous Rien Dans Pour Sans".split()),
    "es": frozenset("El La Los Las Un Una Mi Mis Lo Se Desde En Al Cada Todo Todos Dos Tres Nadie No Por Para Sin Ya Según Su Me Hay Hace Ni "
                    "Solo Parece Parecía Cuando".split()),
    "pt": frozenset("O A Os As Um Uma Meu Minha No Na Se Desde Em Ao Cada Todo Todos Dois Três Ninguém Não Por Para Sem Já Segundo Há Nem Só "
                    "Parece Parecia Quando Uns".split()),
}  # fmt: skip


@lru_cache(maxsize=8)
def _variants(language: str) -> tuple[re.Pattern[str], dict[str, tuple[str, ...]], dict[str, Any]]:
    text = resources.files(__package__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)["variants"]
    swaps = {str(row[0]): tuple(str(word) for word in row) for row in data["swaps"]}
    longest_first = sorted(swaps, key=len, reverse=True)
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
    leads = _variants(language)[2][f"leads_{mood}"]
    lead = str(leads[int(chance.random() * len(leads))])
    first = sentence.split(" ", 1)[0]
    if lead[-1] not in ".!?:" and not (language == "en" and first in ("I", "I'm", "I've")):
        if first not in _LOWERABLE[language]:
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
