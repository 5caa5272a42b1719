"""Names of themes by a language model: what is asked, and which answer holds.

Belongs here: the question about one theme, and pure judgement of a reply. Does not belong here: which themes are asked about and what is stored
(`asking_names`), names without a model (`naming`).

A title stands only when every word of it that says something is used by at least two of the quotes, so that neither an invention nor the words of
one text, a name in it above all, can become the name of a theme. What does not hold is no name: the local one stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from insights_assets.clusters.stop_words import STOP_WORDS
from insights_assets.labels.model.defence import ACTIVE, LINK, MARKS, Prepared, prepare
from insights_assets.labels.model.injection import instruction_spans
from insights_assets.labels.model.naming import names_a_person
from insights_assets.labels.model.outcomes import Outcome
from insights_assets.labels.model.parse import summary_holds
from insights_assets.labels.model.questions import Judged, Question
from insights_assets.labels.model.task_prompt import TaskPrompt
from insights_assets.labels.words import fold

TASK = "name_theme"
#: So many quotes are sent, each so long, from as many people; fewer than the least name nothing.
MOST_QUOTES, LEAST_QUOTES, LONGEST_QUOTE = 12, 4, 280
LONGEST_TITLE, MOST_TITLE_WORDS = 60, 9
#: Quotes that must use a word of the title.
BORNE_BY = 2
MIXED = "mixed remarks"
_FIELDS = {"title", "description", "evidence"}
#: A model may copy words with the mark between them.
_UNMARKED = dict.fromkeys(map(ord, MARKS), " ")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Said:
    """One quote that is asked about: whose, of which record, and its words as they are sent."""

    feedback_id: str
    customer: str
    text: Prepared


@dataclass(frozen=True, slots=True)
class ThemeName:
    """A name that holds. `description` is None where that did not; `evidence` are numbers into the quotes, from 0."""

    title: str
    description: str | None
    evidence: tuple[int, ...]


def quotes_of(rows: Sequence[tuple[str, str, str]]) -> list[Said]:
    """What is sent of (feedback_id, customer, words), nearest first: one quote a person, none twice, none that speaks to a machine."""
    chosen: list[Said] = []
    people: set[str] = set()
    words: set[str] = set()
    for feedback_id, customer, said in rows:
        text = prepare(_cut(said))
        if customer in people or fold(text.plain) in words or text.left_out_count or not text.says_something:
            continue
        people.add(customer)
        words.add(fold(text.plain))
        chosen.append(Said(feedback_id, customer, text))
        if len(chosen) == MOST_QUOTES:
            break
    return chosen


def _cut(words: str) -> str:
    if len(words) <= LONGEST_QUOTE:
        return words
    end = words.rfind(" ", LONGEST_QUOTE // 2, LONGEST_QUOTE)
    return words[: end if end > 0 else LONGEST_QUOTE]


def question_about(topic: str, terms: Sequence[str], quotes: Sequence[Said], prompt: TaskPrompt, taken: Collection[str] = ()) -> Question:
    """The request for one theme's name; `taken` are names of other themes of its topic."""
    plain = [one.text.plain for one in quotes]
    mark = next((mark for mark in MARKS if not any(mark in text for text in plain)), "\ue000")
    given = {"topic": topic.replace("_", " "), "words": list(terms), "mark": mark, "quotes": [text.replace(" ", mark) for text in plain]}
    others = frozenset(fold(name) for name in taken)
    return prompt.question(given, lambda content: judge_name(content, plain, others), {one.customer for one in quotes if one.customer})


def judge_name(content: str, quotes: Sequence[str], taken: Collection[str] = ()) -> Judged:
    """Whether a reply may name a theme; `taken`: folded names of others."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Judged(Outcome.INVALID_JSON)
    if not isinstance(document, dict) or set(document) != _FIELDS or not isinstance(document["title"], str) or not isinstance(document["description"], str):
        return Judged(Outcome.OFF_SCHEMA, detail="reply")
    evidence = document["evidence"]
    if not isinstance(evidence, list) or not all(_is_number(one, len(quotes)) for one in evidence):
        return Judged(Outcome.OFF_SCHEMA, detail="evidence")
    title, description = (" ".join(document[name].translate(_UNMARKED).split()) for name in ("title", "description"))
    why_not = title_fault(title, quotes, taken)
    if why_not is not None:
        return Judged(Outcome.QUOTE_MISMATCH, detail=why_not)
    holds = description_holds(description, quotes)
    return Judged(Outcome.OK, ThemeName(title, description if holds else None, tuple(dict.fromkeys(one - 1 for one in evidence))), None if holds else "description left out")


def _is_number(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def title_fault(title: str, quotes: Sequence[str], taken: Collection[str] = ()) -> str | None:
    """Why a title does not hold, in two words; None where it does."""
    words = _WORD.findall(title)
    if fold(title) == MIXED:
        return "no common point"
    if not words or len(title) > LONGEST_TITLE or len(words) > MOST_TITLE_WORDS:
        return "title length"
    if LINK.search(title) or ACTIVE.search(title) or instruction_spans(title) or any(letter.isdigit() for letter in title):
        return "title active"
    if names_a_person(title):
        return "title personal"
    if fold(title) in taken:
        return "title taken"
    saying = [word for word in map(fold, words) if len(word) >= 3 and word not in STOP_WORDS]
    if not saying:
        return "title empty"
    used = [frozenset(_WORD.findall(fold(quote))) for quote in quotes]
    if not all(sum(_is_used(word, some) for some in used) >= BORNE_BY for word in saying):
        return "title invented"
    return None


def description_holds(description: str, quotes: Sequence[str]) -> bool:
    """Whether a sentence stays within the quotes: as a summary does, with no person and no proper name that they lack."""
    joined = " ".join(quotes)
    if not summary_holds(description, joined) or names_a_person(description):
        return False
    known = frozenset(_WORD.findall(fold(joined)))
    return all(fold(word) in known for word in _WORD.findall(description)[1:] if word[0].isupper())


def _is_used(word: str, words: Collection[str]) -> bool:
    """Whether one of the words is the same or another form of it ("splits", "split", "splitting")."""
    if word in words or f"{word}s" in words or (word.endswith("s") and word[:-1] in words):
        return True
    return any(abs(len(other) - len(word)) <= 4 and other.startswith(word[: max(4, min(len(other), len(word)) - 1)]) for other in words) if len(word) >= 4 else False
