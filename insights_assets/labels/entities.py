"""Entities: what a text names, found without a model: products, parts, carriers, countries, other shops, dates and amounts.

Belongs here: finding them in a text with the place of each. Does not belong here: the words (`entity_words`), what a model named
(`model/naming`), joining the two (`label_details`).

The text is the redacted one. What redaction put in place of something is covered before anybody looks, a date beside a word of birth is
left, and there is no kind for a person, an address or the number of an order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from insights_assets.labels.entity_words import AMOUNT, CARRIER, COMPETITOR, DATE, LONGEST_HEAD, PLACE, PRODUCT, SHORTEST_HEAD, WORD, EntityWords, Form, Lexicon
from insights_assets.labels.evidence import Span
from insights_assets.labels.reading import language_of
from insights_assets.labels.words import fold

CATALOGUE, LEXICON, PATTERN, MODEL = "catalogue", "lexicon", "pattern", "model"
#: How sure each way of finding is. A place right behind an article, or a compound's end, is a little less so.
_SURE, _LESS_SURE = 0.95, 0.85
#: A text names so many things at most; what is beyond is left out, the first ones stay.
MOST_ENTITIES = 24
#: Names of products: as in `attribution`, a single short word names none.
_SHORTEST_ALIAS, _LONGEST_NAME = 4, 6
_COVERED = re.compile(r"\[[^\[\]\n]{0,40}\]")
_YEARS = range(2010, 2100)

_CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "us$": "USD", "£": "GBP", "gbp": "GBP",
    "pound": "GBP", "pounds": "GBP", "quid": "GBP", "chf": "CHF", "franken": "CHF", "r$": "BRL", "reais": "BRL", "brl": "BRL", "dolares": "USD", "libras": "GBP",
}
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3})*(?:[.,]\d{1,2})?|\d{1,6}(?:[.,]\d{1,2})?"
_SIGN = r"us\$|r\$|[€$£]"
_AMOUNT = re.compile(
    rf"(?<![\w.,-])(?:(?P<before>{_SIGN}|\b(?:eur|usd|gbp|chf|brl)\b) ?(?P<first>{_NUMBER})|(?P<last>{_NUMBER}) ?(?P<after>{_SIGN}|(?:euros?|eur|usd|dollars?|dolares|gbp|pounds?|quid|chf|franken|reais|brl|libras)\b))(?![\w]|[.,-]\d)"
)
_ISO_DAY = re.compile(r"(?<![\w-])(20\d\d)-(\d\d)-(\d\d)(?![\w-])")
_NUMBER_DAY = re.compile(r"(?<![\w./-])(\d{1,2})[./](\d{1,2})[./](20\d\d|\d\d)(?![\w/-]|\.\d)")
_NAMED_DAY = re.compile(r"(?<![\w.,])(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.)?(?: (?:of|de|d'))? ?(?P<month>[a-z]{3,10})\b\.?(?:,? (?:de |del )?(?P<year>20\d\d)\b)?")
_MONTH_DAY = re.compile(r"\b(?P<month>[a-z]{3,10})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?\b(?!:|[.,]\d)(?:,? (?P<year>20\d\d)\b)?")
_BIRTH = re.compile(r"\b(?:born|birth\w*|dob|gebor\w*|geburt\w*|nee? le|naissance|anniversaire|nacid\w*|nacimiento|cumplean\w*|nascid\w*|nascimento|aniversario)\b")
_BIRTH_REACH = 32


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing a text names. `name` is its normal form, `source` what found it."""

    kind: str
    name: str
    span: Span
    source: str
    confidence: float


class EntityFinder:
    """Finds what texts name. Same words, catalogue and text, same answer.

    `products` are rows with sku, name and aliases; `carriers`, `places` and `competitors` names of the shop's own.
    """

    def __init__(
        self, words: EntityWords, products: Iterable[Mapping[str, Any]] = (), *, carriers: Iterable[str] = (), places: Iterable[str] = (), competitors: Iterable[str] = ()
    ) -> None:
        self._words = words.with_names(CARRIER, carriers).with_names(PLACE, places).with_names(COMPETITOR, competitors)
        self._products = _product_forms(products)

    @property
    def version(self) -> str:
        return self._words.version

    def find(self, text: str, language: str | None) -> list[Entity]:
        """What a text names, in its order; places do not overlap."""
        folded = fold(text)
        if "[" in folded:
            folded = _COVERED.sub(lambda covered: " " * len(covered.group()), folded)
        spoken = language_of(folded, language)
        words = [(match.group(), match.start(), match.end()) for match in WORD.finditer(folded)]
        found = self._named(text, words, self._words.of_language.get(spoken or ""), self._words.names)
        if any(letter.isdigit() for letter in folded):
            found += _amounts(folded)
            found += _days(text, folded, spoken, self._words.months.get(spoken or "en", {}))
        return _apart(found)

    def name_of(self, kind: str, quote: str, language: str | None) -> str | None:
        """The normal form of a quote that somebody else says is of this kind; None where the words know none."""
        return next((one.name for one in self.find(quote, language) if one.kind == kind), None)

    def _named(self, text: str, words: list[tuple[str, int, int]], lexicon: Lexicon | None, names: Mapping[str, tuple[Form, ...]]) -> list[Entity]:
        found: list[Entity] = []
        skip_to = 0
        for place, (word, _, end) in enumerate(words):
            if place < skip_to:
                continue
            known = (*self._products.get(word, ()), *((names if lexicon is None else lexicon.forms).get(word, ())))
            form = next((one for one in known if _stands(one, text, words, place, lexicon)), None)
            if form is not None:
                last = words[place + len(form.words) - 1]
                source = CATALOGUE if form.kind == PRODUCT else LEXICON
                found.append(Entity(form.kind, form.name, Span(words[place][1], last[2]), source, _LESS_SURE if form.behind else _SURE))
                skip_to = place + len(form.words)
            elif lexicon is not None and lexicon.heads and len(word) > SHORTEST_HEAD and (head := _head(word, lexicon)) is not None:
                found.append(Entity(head.kind, head.name, Span(words[place][1], end), LEXICON, _LESS_SURE))
        return found


def _product_forms(products: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Form, ...]]:
    """Names, aliases and SKUs of the catalogue by first word. A form of several products is named by itself."""
    names: dict[tuple[str, ...], set[str]] = {}
    written: dict[tuple[str, ...], str] = {}
    for row in products:
        name, aliases = row.get("name"), row.get("aliases")
        listed = [] if aliases is None or isinstance(aliases, float) else list(aliases)
        called = name if isinstance(name, str) and name.strip() else str(row["sku"])
        for form in (str(row["sku"]), name, *listed):
            words = tuple(WORD.findall(fold(form)))[:_LONGEST_NAME] if isinstance(form, str) else ()
            if words and (len(words) > 1 or len(words[0]) >= _SHORTEST_ALIAS):
                names.setdefault(words, set()).add(called)
                written.setdefault(words, str(form))
    found: dict[str, list[Form]] = {}
    for words in sorted(names, key=lambda some: (-len(some), some)):
        called_so = names[words]
        found.setdefault(words[0], []).append(Form(words, PRODUCT, next(iter(called_so)) if len(called_so) == 1 else written[words]))
    return {word: tuple(forms) for word, forms in found.items()}


def _stands(form: Form, text: str, words: list[tuple[str, int, int]], place: int, lexicon: Lexicon | None) -> bool:
    length = len(form.words)
    if length > 1 and (place + length > len(words) or any(words[place + n][0] != form.words[n] for n in range(1, length))):
        return False
    start, end = words[place][1], words[place + length - 1][2]
    if length > 1 and "\n" in text[start:end]:
        return False
    if form.exact is not None and text[start : start + len(form.exact)] != form.exact:
        return False
    return not form.behind or (place > 0 and lexicon is not None and words[place - 1][0] in lexicon.before)


def _head(word: str, lexicon: Lexicon) -> Form | None:
    """The part at the end of a German compound: the longest one."""
    for length in range(min(LONGEST_HEAD, len(word) - 1), SHORTEST_HEAD - 1, -1):
        head = lexicon.heads.get(word[-length:])
        if head is not None:
            return head
    return None


def _amounts(folded: str) -> list[Entity]:
    found = []
    for match in _AMOUNT.finditer(folded):
        value = _number(match["first"] or match["last"])
        currency = _CURRENCIES[match["before"] or match["after"]]
        if value is not None and value < 1_000_000:
            found.append(Entity(AMOUNT, f"{value:.2f} {currency}", Span(*match.span()), PATTERN, _SURE))
    return found


def _number(written: str) -> float | None:
    """A number in either way of writing: what stands before the last one or two digits is the decimal sign.

    >>> _number("1.234,50"), _number("1,299"), _number("12.5")
    (1234.5, 1299.0, 12.5)
    """
    whole, sign, cents = "", "", ""
    match = re.fullmatch(r"(.*?)(?:([.,])(\d{1,2}))?", written)
    if match is not None:
        whole, sign, cents = match[1], match[2] or "", match[3] or ""
    digits = re.sub(r"[.,' ]", "", whole)
    return float(f"{digits}.{cents}" if sign else digits) if digits else None


def _days(text: str, folded: str, language: str | None, months: Mapping[str, int]) -> list[Entity]:
    found = []
    for match in _ISO_DAY.finditer(folded):
        found.append(_day(folded, match.span(), int(match[1]), int(match[2]), int(match[3])))
    for match in _NUMBER_DAY.finditer(folded):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        year += 2000 if year < 100 else 0
        if language in (None, "en") and first <= 12 and second <= 12 and first != second:
            continue  # day or month first: nobody can tell
        day, month = (second, first) if second > 12 else (first, second)
        found.append(_day(folded, match.span(), year, month, day))
    for pattern in (_NAMED_DAY, _MONTH_DAY) if language in (None, "en") else (_NAMED_DAY,):
        for match in pattern.finditer(folded):
            named = months.get(match["month"])
            # "May 4" is a day, "may 4" hardly ever.
            if named is not None and (pattern is _NAMED_DAY or text[match.start("month")].isupper()):
                found.append(_day(folded, match.span(), int(match["year"]) if match["year"] else None, named, int(match["day"])))
    return [one for one in found if one is not None]


def _day(folded: str, place: tuple[int, int], year: int | None, month: int, day: int) -> Entity | None:
    """A day as ISO writes it, without its year where none is named; none for what is no day, long past, or said of a birth."""
    if not (1 <= month <= 12 and 1 <= day <= 31) or (year is not None and year not in _YEARS):
        return None
    if _BIRTH.search(folded, max(0, place[0] - _BIRTH_REACH), min(len(folded), place[1] + _BIRTH_REACH)):
        return None
    return Entity(DATE, f"{year if year is not None else '-'}-{month:02d}-{day:02d}", Span(*place), PATTERN, _SURE)


def _apart(found: list[Entity]) -> list[Entity]:
    """In order of place, the longer one where two overlap."""
    kept: list[Entity] = []
    for one in sorted(found, key=lambda each: (each.span.start, -each.span.end)):
        if not kept or one.span.start >= kept[-1].span.end:
            kept.append(one)
    return kept[:MOST_ENTITIES]
