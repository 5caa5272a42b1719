"""Values the row itself is known to hold (its customer's name, e-mail, phone, address, handle), found in its text.

Belongs here: every way in which people write a value that we have. Does not belong here: values we have to guess.
Nothing here compiles an expression from a value: each row has its own, and compiling costs more than searching.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from insights_assets.canonical.redaction.known_names import SHORTEST_ALONE, find_known_names
from insights_assets.canonical.redaction.lexicon import COMMON_NAMES, GENERIC_MAILBOXES, STREET_ENDINGS
from insights_assets.canonical.redaction.spans import Span, occurrences
from insights_assets.canonical.redaction.view import View, clean, fold

#: The subscriber's part of a phone number: country code and leading zero come and go, these digits stay.
PHONE_CORE = 7
_MOST_EXTRA_DIGITS = 6

_NAME_PART = re.compile(r"[a-z][a-z']*")
_WORD = re.compile(r"[a-z0-9]+")
_PHONE_GAP = frozenset(" .-/()")
_UMLAUTS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("å", "aa"), ("ø", "oe"), ("æ", "ae"), ("œ", "oe"))
_DIGRAPHS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ss", "s"), ("aa", "a"))


@dataclass(frozen=True)
class Known:
    """What is known of the people of a row, as the sources wrote it. Names may be full names or single ones."""

    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Needles:
    """Known values in the forms that are searched."""

    names: tuple[str, ...]
    glued: tuple[str, ...]
    initials: frozenset[str]
    exact: tuple[tuple[str, str], ...]
    at_handles: tuple[str, ...]
    phones: tuple[str, ...]
    addresses: tuple[tuple[str, ...], ...]


def find_known(view: View, known: Known, product_words: Collection[str]) -> Iterator[Span]:
    """Every known value in the text, however it is written."""
    needles = _needles(known)
    lower = view.lower
    for needle, kind in needles.exact:
        if needle in lower:
            yield from (Span(start, end, kind) for start, end in occurrences(view, needle))
    for needle in needles.at_handles:
        start = lower.find("@" + needle)
        if start >= 0 and view.is_word(start + 1, start + 1 + len(needle)):
            yield Span(start, start + 1 + len(needle), "handle")
    yield from find_known_names(view, needles.names, needles.glued, needles.initials, product_words)
    if needles.phones and view.digit_count >= PHONE_CORE:
        yield from _find_phones(view, needles.phones)
    for words in needles.addresses:
        if max(words, key=len) in lower:
            yield from _find_words(view, words, "address")


@lru_cache(maxsize=2048)
def _needles(known: Known) -> _Needles:
    names: dict[str, None] = {}
    glued: dict[str, None] = {}
    initials: set[str] = set()
    for name in known.names:
        parts = [part for part in _spellings(name) if part]
        for spelling in parts:
            words = [word.strip("'") for word in _NAME_PART.findall(spelling)]
            words = [word for word in words if word]
            initials.update(word[0] for word in words)
            names.update(dict.fromkeys(word for word in words if len(word) >= 2))
            names.update(dict.fromkeys(word.replace("'", "") for word in words if "'" in word))
            if len(words) > 1 and len(joined := "".join(words)) >= 6:
                glued[joined] = None
                glued["".join(reversed(words))] = None
    exact: dict[tuple[str, str], None] = {}
    for email in known.emails:
        whole = fold(clean(email).strip())
        local = whole.partition("@")[0]
        if "@" in whole:
            exact[whole, "email"] = None
        for form in {local, local.partition("+")[0]}:
            if _is_telling(form):
                exact[form, "email"] = None
    at_handles: dict[str, None] = {}
    for handle in known.handles:
        form = fold(clean(handle).strip()).lstrip("@")
        if len(form) >= 2:
            at_handles[form] = None
        if _is_telling(form):
            exact[form, "handle"] = None
    addresses = (words for address in known.addresses for words in _address_parts(address))
    phones = (digits for phone in known.phones if len(digits := _core(phone)) >= PHONE_CORE)
    # Longer needles first: a shorter one inside adds nothing, and the order decides the kind of a tie.
    return _Needles(
        names=tuple(sorted(names, key=lambda name: (-len(name), name))),
        glued=tuple(glued),
        initials=frozenset(initials),
        exact=tuple(exact),
        at_handles=tuple(at_handles),
        phones=tuple(dict.fromkeys(phones)),
        addresses=tuple(dict.fromkeys(addresses)),
    )


def _spellings(name: str) -> set[str]:
    """The folded name, and with umlauts written as two letters or the two letters as an umlaut.

    >>> sorted(_spellings("Jörg Weiß")), sorted(_spellings("Joerg Weiss"))
    (['joerg weiss', 'jorg weis'], ['joerg weiss', 'jorg weis'])
    """
    name = clean(name).strip()
    lowered = name.lower()
    written_out = lowered
    for letter, pair in _UMLAUTS:
        written_out = written_out.replace(letter, pair)
    short = fold(name)
    collapsed = short
    for pair, letter in _DIGRAPHS:
        collapsed = collapsed.replace(pair, letter)
    kept = collapsed if all(len(word) >= SHORTEST_ALONE for word in collapsed.split()) else short
    return {short, fold(written_out), kept}


def _is_telling(form: str) -> bool:
    """Whether a mailbox or handle without its @ says who somebody is: "anna.m77" does, "info" and "rose" do not."""
    if len(form) < SHORTEST_ALONE or form in GENERIC_MAILBOXES or form in COMMON_NAMES or form.isdigit():
        return False
    return len(form) >= 4 or not form.isalpha()


def _core(phone: str) -> str:
    """The last nine digits at most, without what only a dialling prefix adds."""
    digits = "".join(c for c in fold(phone) if c.isdigit()).lstrip("0")
    return digits[-9:]


def _find_phones(view: View, cores: Collection[str]) -> Iterator[Span]:
    places = [i for i, c in enumerate(view.plain) if c.isdigit()]
    digits = "".join(view.plain[i] for i in places)
    for core in cores:
        found = digits.find(core)
        while found >= 0:
            first, last = found, found + len(core) - 1
            if all(_are_linked(view, places[i], places[i + 1]) for i in range(first, last)):
                while (
                    first and found - first < _MOST_EXTRA_DIGITS and _are_linked(view, places[first - 1], places[first])
                ):
                    first -= 1
                start, end = places[first], places[last] + 1
                while start and view.plain[start - 1] in "+(":
                    start -= 1
                if not view.plain[end : end + 1].isdigit():
                    yield Span(start, end, "phone")
            found = digits.find(core, found + 1)


def _are_linked(view: View, one: int, other: int) -> bool:
    gap = view.plain[one + 1 : other]
    return len(gap) <= 3 and _PHONE_GAP.issuperset(gap)


def _address_parts(address: str) -> Iterator[tuple[str, ...]]:
    """The words of the whole address, of its street with and without number, and of its postal code with town."""
    whole = tuple(_WORD.findall(fold(clean(address))))
    if len(whole) >= 2:
        yield whole
    for part in re.split(r"[,;\n]", fold(clean(address))):
        words = tuple(_WORD.findall(part))
        if len(words) < 2:
            continue
        if any(word.isalpha() and len(word) >= 4 for word in words):
            yield words
            street = tuple(word for word in words if not word[0].isdigit())
            # A street without its number still tells; a lone word ("Leipzig") is a town or says nothing.
            if street != words and (len(street) >= 2 or (street and street[0].endswith(STREET_ENDINGS))):
                yield street


def _find_words(view: View, words: tuple[str, ...], kind: str) -> Iterator[Span]:
    """The words in this order with nothing but spaces and punctuation between them."""
    found = list(_WORD.finditer(view.lower))
    texts = [match.group() for match in found]
    for first in range(len(texts) - len(words) + 1):
        if texts[first] == words[0] and tuple(texts[first : first + len(words)]) == words:
            start, end = found[first].start(), found[first + len(words) - 1].end()
            if end - start <= sum(map(len, words)) + 4 * len(words) and "\x00" not in view.lower[start:end]:
                yield Span(start, end, kind)
