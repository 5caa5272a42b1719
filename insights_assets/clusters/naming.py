"""Names for new themes without a model: what many of its texts say and the rest of its topic does not.

Belongs here: scoring words and pairs of words (class-based tf-idf), choosing a name people can read. Does not belong here: when a
theme is named (once, at its birth), and names by a language model (prompts/name_theme).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from insights_assets.labels.words import fold

TERMS = 8
#: A pair of words says more than either, so it wins at equal strength.
PAIR_BONUS = 1.5
#: Words that say which product it is come last in a name: the theme is what went wrong.
QUIET_FACTOR = 0.4
#: A name should be true of at least this share of the founding texts.
LEAST_SHARE = 0.08
#: A text may say this much; the end of a long letter adds no name.
LONGEST_TEXT = 1_000

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[.!?;:\n\]\[]")
_STOP_WORDS = frozenset(
    fold(word)
    for line in (
        "a an the this that these those it its i i'm i've me my mine we our us you your yours he she they them their his her and or but nor so if "
        "then than as at by for from in into of off on onto out over to up down under with without within about after again all also am any are "
        "aren't be been before being both can can't cannot could couldn't did didn't do does doesn't doing don't each even ever every few further "
        "get gets getting go goes going got had hadn't has hasn't have haven't having here how just like made make more most much no not now only "
        "other own really same should since some still such there there's through too until very was wasn't well were weren't what when where "
        "which while who why will won't would wouldn't yet one two hello hi dear please thanks thank regards it's that's isn't",
        "der die das den dem des ein eine einen einem einer eines und oder aber doch nicht kein keine keinen ich mich mir mein meine meinen meiner "
        "wir uns unser unsere sie ihr ihre ihnen er es du sich man ist sind war waren wird werden wurde wurden bin habe hat haben hatte hatten kann "
        "können konnte soll sollte muss mit ohne für von vom zum zur zu im in an am auf aus bei beim bis durch gegen nach seit über um unter vor "
        "als wie wenn weil dass ob da dann denn noch nur schon auch sehr so mehr hier jetzt immer wieder was wer wo warum hallo bitte danke",
        "le la les l un une des du de d et ou mais ne pas plus ni je j me m mon ma mes nous notre nos vous votre vos il elle ils elles on se s son sa "
        "ses leur leurs ce c cet cette ces ça cela que qu qui quoi dont où est sont était étaient être été ai a as avons avez ont avait fait faire "
        "en dans sur sous par pour avec sans chez vers à au aux très trop bien tout toute tous toutes si comme quand alors donc encore déjà aussi "
        "bonjour merci c'est j'ai n'est n'ai qu'il d'un d'une l'ai",
        "el la los las lo un una unos unas de del y o u pero ni no me mi mis nos nuestro nuestra te tu se su sus le les yo ella ellos que qué quien "
        "cual es son era fue fueron ser sido está están estaba he ha han había hay tiene tengo en con sin por para a al desde hasta sobre entre "
        "muy más menos ya también aún todo toda todos todas este esta estos estas ese esa eso esto como cuando donde porque si hola gracias",
        "o a os as um uma uns umas de do da dos das e ou mas nem não me meu minha meus minhas nós nosso nossa te seu sua seus suas lhe eu ele ela eles "
        "elas que quem qual é são era foi foram ser sido está estão estava tem tenho há em no na nos nas num numa com sem por para pelo pela ao "
        "à aos às desde até sobre entre muito mais menos já também ainda tudo todo toda este esta isso isto esse essa como quando onde porque se "
        "olá obrigado obrigada",
    )
    for word in line.split()
)


@dataclass(frozen=True)
class Term:
    """A word or a pair of words as it is counted (folded) and as customers write it."""

    words: tuple[str, ...]
    shown: str
    score: float


def top_terms(inside: Sequence[str], outside: Sequence[str], quiet_words: Collection[str] = ()) -> list[Term]:
    """Terms many inside texts share and few outside ones, strongest first; each text counts a term once."""
    shown: dict[tuple[str, ...], Counter[str]] = {}
    within = _counted(inside, shown)
    without = _counted(outside, None)
    scored = []
    for words, count in within.items():
        share = count / len(inside)
        if count < 2 or share < LEAST_SHARE:
            continue
        elsewhere = (without.get(words, 0) + 0.5) / (len(outside) + 1.0)
        score = share * np.log(1.0 + share / elsewhere)
        score *= PAIR_BONUS if len(words) == 2 else 1.0
        score *= QUIET_FACTOR if all(word in quiet_words for word in words) else 1.0
        scored.append(Term(words, min(shown[words].items(), key=lambda item: (-item[1], item[0]))[0], round(float(score), 6)))
    return sorted(scored, key=lambda term: (-term.score, term.words))[:TERMS]


def name_of(terms: Sequence[Term], topic: str, taken: Collection[str] = ()) -> str:
    """A readable name: the strongest terms that share no word, as "glass cracked / box crushed"; the topic where there are none.

    >>> name_of([Term(("glass", "cracked"), "glass cracked", 2.0), Term(("box", "crushed"), "box crushed", 1.0)], "damaged_on_arrival")
    'glass cracked / box crushed'
    """
    parts: list[str] = []
    used: set[str] = set()
    for term in terms:
        if used.isdisjoint(term.words):
            used.update(term.words)
            parts.append(term.shown)
    plain = topic.replace("_", " ")
    for length in (2, 3, 4):
        name = " / ".join(parts[:length]) or plain
        if name not in taken:
            return name
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


def _counted(texts: Iterable[str], shown: dict[tuple[str, ...], Counter[str]] | None) -> Counter[tuple[str, ...]]:
    """In how many texts each word and each pair of neighbouring content words stands."""
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        terms = _terms(text)
        counts.update(terms.keys())
        if shown is not None:
            for words, form in terms.items():
                shown.setdefault(words, Counter())[form] += 1
    return counts


def _terms(text: str) -> dict[tuple[str, ...], str]:
    """Folded words -> how this text writes them. A pair may step over stop words but not over the end of a sentence."""
    found: dict[tuple[str, ...], str] = {}
    before: tuple[str, str] | None = None
    bracketed = False
    for match in _WORD.finditer(text[:LONGEST_TEXT]):
        surface = match.group().lower()
        if not surface[0].isalpha():
            # What redaction put in place of a name, in brackets, is no word of the customer's.
            bracketed = surface == "[" or (bracketed and surface != "]")
            before = None
            continue
        word = fold(surface)
        if bracketed or len(word) < 3 or word in _STOP_WORDS:
            continue
        found.setdefault((word,), surface)
        if before is not None and before[0] != word:
            found.setdefault((before[0], word), f"{before[1]} {surface}")
        before = (word, surface)
    return found
