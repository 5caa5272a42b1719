"""Names nobody told us: found only where a name stands, never by the look of a word alone.

Belongs here: people named in introductions, titles, greetings and farewells, and a given name with a surname. A model
that guesses entities changes "Jordan jacket" and "Chelsea boot"; these rules ask for context and leave product words
and marks. Does not belong here: the names of the row's own customer (`known`), the word lists (`lexicon`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from insights_assets.canonical.redaction.lexicon import (
    BRAND_STARTS,
    BRANDS,
    COMMON_NAMES,
    CUE_REACH,
    DASH_CUE,
    DOING,
    FAREWELL_CUE,
    GIVEN_NAMES,
    GLUE,
    HINT_CUE,
    NAMES,
    NEVER_NAMES,
    STRONG_CUE,
    SURNAMES,
    TITLE_CUE,
    word_list,
)
from insights_assets.canonical.redaction.spans import Span
from insights_assets.canonical.redaction.view import View

#: A word of each introduction, title and farewell: without one of them nobody is introduced.
_CUE_WORDS = word_list("cue_words.yaml", "names")
_TRIGGERS = _CUE_WORDS | GIVEN_NAMES | (SURNAMES - COMMON_NAMES)

_CAPITAL = r"[A-Z](?:[a-z]+|')(?:['-]?[A-Za-z]+)*"
_NAME_WORD = re.compile(_CAPITAL)
#: What may follow the first word of a name: a particle with another word, an initial, or another word.
_MORE = re.compile(
    rf" (?:(?:von|van|vom|zu|de|da|do|dos|das|del|di|la|le|der|den|bin|al|y) ){{0,2}}{_CAPITAL}|-{_CAPITAL}"
    rf"| [A-Z]\.?(?![A-Za-z0-9'-])"
)
_LOWER_WORD = re.compile(r"[a-z]{3,}")
_INTRODUCED = re.compile(
    r"(?:my name(?:'s| is)|ich heis{1,2}e|mein name ist|je m'appelle|me llamo|mi nombre es|meu nome e"
    r"|me chamo|chamo-me) +([a-z]{3,})(?: ([a-z]{3,}))?"
)
_LINE_END = re.compile(r"[ .!,;)]*(?:\n|$)")
_REST_OF_SIGNATURE = re.compile(rf"(?: {_CAPITAL}| [A-Z]\.?){{0,2}}[ .!]*(?:\n|$)")
_MOST_WORDS = 4


def find_names(view: View, product_words: Collection[str]) -> Iterator[Span]:
    """Names in the context of a name."""
    if not view.has_word_of(_TRIGGERS):
        return
    plain, has_cue = view.plain, view.has_word_of(_CUE_WORDS)
    position = 0
    while match := _NAME_WORD.search(plain, position):
        start, position = match.span()
        if start and (plain[start - 1].isalnum() or plain[start - 1] in "-_/@#"):
            continue
        span = _name_at(view, start, match.end(), product_words, has_cue=has_cue)
        if span is not None:
            yield span
            position = span.end
    if has_cue:
        yield from _introduced(view, product_words)


def _name_at(view: View, start: int, end: int, product_words: Collection[str], *, has_cue: bool) -> Span | None:
    """The name that begins with the capitalised word at this place, if one does."""
    word = _bare(view, start, end)
    if (
        word in product_words
        or word in NEVER_NAMES
        or word in GLUE
        or (word in BRAND_STARTS and _is_brand(view, start))
    ):
        return None
    stop = _end_if_introduced(view, start, end, product_words) if has_cue else None
    if stop is None:
        stop = _end_if_listed(view, start, end, product_words, word)
    return None if stop is None else Span(start, stop, "name", is_sure=False)


def _end_if_introduced(view: View, start: int, end: int, product_words: Collection[str]) -> int | None:
    """Where the name ends, when a cue stands before it that proves any word a name."""
    before = view.plain[max(0, start - CUE_REACH) : start]
    title = TITLE_CUE.search(before)
    if title is not None and _is_brand(view, start - len(title.group())):
        return None
    stop = _end_of_name(view, end, product_words, is_open=True)
    if title is not None or STRONG_CUE.search(before):
        return stop
    # "Regards Hans, ..." needs a listed name; a word alone on the last line does not.
    word = _bare(view, start, end)
    is_name = word in NAMES and word not in COMMON_NAMES
    if FAREWELL_CUE.search(before) and (is_name or _LINE_END.match(view.plain, stop)):
        return stop
    return None


def _end_if_listed(view: View, start: int, end: int, product_words: Collection[str], word: str) -> int | None:
    """Where the name ends, when it is one that we know and something around it speaks for a person."""
    stop = _end_of_name(view, end, product_words, is_open=False)
    if stop == end and word not in NAMES:
        return None
    before = view.plain[max(0, start - CUE_REACH) : start]
    is_hinted = HINT_CUE.search(before) is not None or (DASH_CUE.search(before) is not None and _ends_line(view, end))
    has_surname = _ends_with_surname(view, end, stop)
    if word not in NAMES:
        # "I'm Keisha Whitfield": one of the two words has to be known as a name.
        return stop if is_hinted and has_surname else None
    is_common = word in COMMON_NAMES
    if (
        has_surname
        and word in GIVEN_NAMES
        and (is_hinted or not (is_common and _last_word(view, end, stop) in COMMON_NAMES))
    ):
        return stop
    whole = _end_of_name(view, end, product_words, is_open=True)
    if is_hinted and (word in GIVEN_NAMES or stop > end):
        stop = stop if stop > end else whole
        # "Hi Rose," and "I'm Rose Lindqvist" are people; "Hi Rose Gold lamp" is not.
        is_alone = stop == end and _is_clause_end(view, stop)
        is_person = not is_common or is_alone or (stop > end and _last_word(view, end, stop) not in COMMON_NAMES)
        return stop if is_person else None
    if word in GIVEN_NAMES and not is_common:
        return next((ending for ending in (stop, whole) if DOING.match(view.lower, ending)), None)
    return None


def _end_of_name(view: View, end: int, product_words: Collection[str], *, is_open: bool) -> int:
    """Where the name ends. An open one takes every following word with a capital, another only listed names."""
    for _ in range(_MOST_WORDS - 1):
        match = _MORE.match(view.plain, end)
        if match is None:
            break
        last = re.split(r"[ -]", match.group().strip(" ."))[-1].lower()
        if last in product_words or last in NEVER_NAMES or last in GLUE:
            break
        if len(last) > 1 and not is_open and last not in NAMES:
            break
        # "I" and "A" begin sentences far more often than they abbreviate a name.
        if len(last) == 1 and last in "ia" and not match.group().endswith("."):
            break
        end = match.end()
    return end


def _bare(view: View, start: int, end: int) -> str:
    """The folded word without a possessive."""
    word = view.lower[start:end]
    return word[:-2] if word.endswith("'s") else word.strip("'")


def _last_word(view: View, end: int, stop: int) -> str:
    return re.split(r"[ -]", view.lower[end:stop].strip(" ."))[-1]


def _ends_with_surname(view: View, end: int, stop: int) -> bool:
    last = _last_word(view, end, stop)
    return stop > end and (last[:-2] if last.endswith("'s") else last) in SURNAMES


def _ends_line(view: View, end: int) -> bool:
    """Whether at most two more capitalised words follow on the line."""
    return _REST_OF_SIGNATURE.match(view.plain, end) is not None


def _is_clause_end(view: View, stop: int) -> bool:
    """Whether the name stands alone ("Hi Rose," "I'm Mark from Leeds") instead of opening a phrase ("Hi"
    " Great lamp")."""
    return view.plain[stop : stop + 1] in ("", ",", ".", "!", "\n", ";", ")") or view.plain.startswith(
        (" from ", " and ", " here", " aus ", " und ", " de "), stop
    )


def _is_brand(view: View, start: int) -> bool:
    after = view.lower[start : start + 40].replace("-", " ").replace(" & ", " ")
    return any(after.startswith(brand) and not after[len(brand) : len(brand) + 1].isalpha() for brand in BRANDS)


def _introduced(view: View, product_words: Collection[str]) -> Iterator[Span]:
    """Names in texts without capitals: only behind a full introduction, and only listed names."""
    for match in _INTRODUCED.finditer(view.lower):
        first = match.group(1)
        if first not in NAMES or first in NEVER_NAMES or first in product_words:
            continue
        second = match.group(2)
        is_pair = second is not None and second in NAMES and second not in NEVER_NAMES and second not in COMMON_NAMES
        yield Span(match.start(1), match.end(2) if is_pair else match.end(1), "name", is_sure=False)
