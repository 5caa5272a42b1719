"""Parts of known names in a text: which occurrences are the person, and which parts belong together.

Belongs here: the judgement on a word that is a known name and may be an ordinary word too ("Will", "Rose", a product's
name). Does not belong here: how a name is spelt (`known`), and names that nobody told us (`names`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from insights_assets.canonical.redaction.lexicon import COMMON_NAMES, GLUE, has_name_context
from insights_assets.canonical.redaction.spans import Span
from insights_assets.canonical.redaction.view import View

#: Parts of a name shorter than this say nothing alone; the whole name is still found.
SHORTEST_ALONE = 3

_SENTENCE_END = frozenset(".!?:;\n\"'([•*>")


def find_known_names(
    view: View,
    names: Collection[str],
    glued: Collection[str],
    initials: Collection[str],
    product_words: Collection[str],
) -> Iterator[Span]:
    """The known parts of names, neighbouring parts as one; `glued` are whole names written without a space."""
    lower = view.lower
    sure: list[tuple[int, int]] = []
    unsure: list[tuple[int, int]] = []
    for needle in glued:
        if needle in lower:
            sure += _letters_only(view, needle)
    for needle in names:
        if needle not in lower:
            continue
        if len(needle) < SHORTEST_ALONE or needle in GLUE:
            unsure += _letters_only(view, needle)
        elif needle in product_words:
            for start, end in _letters_only(view, needle):
                (sure if has_name_context(view, start, end) else unsure).append((start, end))
        elif needle in COMMON_NAMES:
            for start, end in _letters_only(view, needle):
                is_name = _is_raised(view, start) or has_name_context(view, start, end)
                (sure if is_name else unsure).append((start, end))
        else:
            sure += _letters_only(view, needle, genitive=len(needle) >= 4)
    if not sure and len(unsure) < 2:
        return
    for start, end in _chains(view, sure, unsure, initials):
        yield Span(start, end, "name")


def _letters_only(view: View, needle: str, *, genitive: bool = False) -> list[tuple[int, int]]:
    """Places between two things that are no letters ("anna77" counts), with the s of "Annas" where asked."""
    lower, found = view.lower, []
    start = lower.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not (start and lower[start - 1].isalpha()):
            if genitive and lower[end : end + 1] == "s":
                end += 1
            if not lower[end : end + 1].isalpha():
                found.append((start, end))
        start = lower.find(needle, start + 1)
    return found


def _is_raised(view: View, start: int) -> bool:
    """Whether a word bears a capital that no sentence start explains ("as Rose said", not "Rose is the colour")."""
    plain = view.plain
    if not plain[start].isupper():
        return False
    before = start - 1
    while before >= 0 and plain[before] == " ":
        before -= 1
    if before >= 1 and plain[before] == "." and plain[before - 1].isupper() and view.is_word(before - 1, before):
        return True
    # In a text that shouts, capitals say nothing.
    return before >= 0 and plain[before] not in _SENTENCE_END and not plain.isupper()


def _chains(
    view: View, sure: list[tuple[int, int]], unsure: list[tuple[int, int]], initials: Collection[str]
) -> Iterator[tuple[int, int]]:
    """Neighbouring parts become one name; unsure parts count when they stand beside another part of the name."""
    certain = set(sure)
    places = sorted({*sure, *unsure}, key=lambda place: (place[0], -place[1]))
    chain: list[tuple[int, int]] = []
    for place in [*places, None]:
        if place is not None and chain and place[0] < chain[-1][1]:
            certain.update({chain[-1]} if place in certain else ())
            continue
        if place is not None and chain and _is_joint(view, chain[-1], place, initials):
            chain.append(place)
            continue
        if chain:
            yield from _close(view, chain, certain, initials)
        chain = [place] if place is not None else []


def _close(
    view: View, chain: list[tuple[int, int]], certain: Collection[tuple[int, int]], initials: Collection[str]
) -> Iterator[tuple[int, int]]:
    def is_glue(place: tuple[int, int]) -> bool:
        return view.lower[place[0] : place[1]] in GLUE

    while chain and is_glue(chain[0]) and chain[0] not in certain:
        chain = chain[1:]
    while chain and is_glue(chain[-1]) and chain[-1] not in certain:
        chain = chain[:-1]
    words = {view.lower[start:end] for start, end in chain}
    # Two different unsure parts side by side are the name ("Will Long"); one word twice is not ("long, long").
    if not chain:
        return
    start, end = chain[0][0], chain[-1][1]
    if not any(place in certain for place in chain):
        is_list = "," in view.plain[start:end] and not all(view.plain[place[0]].isupper() for place in chain)
        if len(words) < 2 or is_list:
            return
    plain = view.plain
    if start >= 3 and plain[start - 2 : start] in (". ",) and _is_initial(view, start - 3, initials):
        start -= 3
    elif start >= 2 and plain[start - 1] in " ." and _is_initial(view, start - 2, initials):
        start -= 2
    if plain[end : end + 1] == " " and _is_initial(view, end + 1, initials):
        end += 3 if plain[end + 2 : end + 3] == "." else 2
    yield start, end


def _is_initial(view: View, index: int, initials: Collection[str]) -> bool:
    """A capital alone that begins a part of the name; "I" is the speaker rather than an initial."""
    letter = view.plain[index : index + 1]
    if not letter.isupper() or letter == "I" or letter.lower() not in initials:
        return False
    return view.is_word(index, index + 1) and view.plain[index + 1 : index + 2] in (".", " ", "", ",", "\n", "!")


def _is_joint(view: View, one: tuple[int, int], other: tuple[int, int], initials: Collection[str]) -> bool:
    gap = view.plain[one[1] : other[0]]
    if "," in gap and view.lower[one[0] : one[1]] == view.lower[other[0] : other[1]]:
        return False
    if len(gap) <= 2:
        return gap in ("", " ", "  ", "-", ".", "_", ", ", ",")
    words = gap.replace(".", " ").split()
    if len(gap) > 14 or "\n" in gap or gap[0] not in " -":
        return False
    return all(word.lower() in GLUE or (len(word) == 1 and word.lower() in initials) for word in words)
