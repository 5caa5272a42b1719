"""Street addresses in the five languages, with the postal code and town behind them, and box addresses.

Belongs here: a number and a street word in the order that a language writes them, or a word that announces an address.
Does not belong here: towns alone, which say too little about a person to hide, and the customer's own address
(`known`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from insights_assets.canonical.redaction.lexicon import NEVER_NAMES, STREET_ENDINGS, word_list
from insights_assets.canonical.redaction.spans import Span
from insights_assets.canonical.redaction.view import View

_FILE = "street_words.yaml"


def _any(*lists: str) -> str:
    """An alternative of a list's words, longest first; abbreviations take their dot."""
    words = sorted(word_list(_FILE, *lists), key=lambda word: (-len(word), word))
    return "|".join(re.escape(word) for word in words)


_ENGLISH_WORDS = word_list(_FILE, "en_after_name")
_FRENCH_WORDS = word_list(_FILE, "fr_before_name", "fr_needs_capital")
_IBERIAN_WORDS = word_list(_FILE, "ib_before_name", "ib_needs_capital")
_NOT_STREETS = word_list(_FILE, "de_not_streets")

_NUMBER = r"(?<![\w.,/#$€£-])(?:\d{1,5} )?\d{1,5}(?:[ -]?[A-Za-z](?![A-Za-z']))?(?:[-/]\d{1,4}[A-Za-z]?)?"
# A dot ends a word only after an initial or an abbreviation; elsewhere it ends the sentence.
_SHORT = r"(?:St|Ste|Sta|Sto|Dr|Prof|Mt|Gen|Pres|Mal|Eng)\."
_CAPITAL = rf"(?:[A-Z]\.|{_SHORT}|[A-Z][A-Za-z'-]*)"
_PLAIN = rf"(?:[A-Za-z]\.|{_SHORT}|[A-Za-z0-9][A-Za-z0-9'-]*)"
_PARTICLE = (
    r"(?:de la |de las |de los |de l'|d'|des |du |del |de |da |das |do |dos |la |las |los |le |les |l'|el "
    r"|of |the |e |y )"
)

_ENGLISH = re.compile(
    rf"{_NUMBER},? (?:(?:N|S|E|W|NE|NW|SE|SW)\.? )?(?:(?:{_CAPITAL}|\d{{1,3}}(?:st|nd|rd|th)|of|the|la"
    rf"|de) ){{1,5}}?(?i:{_any('en_after_name')})(?![A-Za-z])"
    r"(?:(?<= (?:St|Rd|Ln|Dr|Ct|Pl|Sq))\.|(?<= Ave)\.|(?<= Blvd)\.)?(?: (?:N|S|E|W|NE|NW|SE|SW)(?![A-Za-z]))?"
)
_ENGLISH_LOWER = re.compile(rf"{_NUMBER},? ((?:[a-z'-]{{3,}} ){{1,3}}?)(?:{_any('en_clear')})(?![a-z])", re.IGNORECASE)
# Found from its end: the street word and the number first, because looking for any word before them is slow.
_GERMAN_END = re.compile(
    rf"(?:{_any('de_endings', 'others_endings')})\.? (?:nr\.? ?)?\d{{1,4}}(?:"
    rf" ?[a-z](?![a-z]))?(?:[-/]\d{{1,4}})?(?![\w%€$])(?![.,:]\d)",
    re.IGNORECASE,
)
_GERMAN_START = re.compile(r"((?:[A-Z][A-Za-z'.-]* ){0,2})([A-Za-z'-]*)$")
_GERMAN_PREPOSITION = re.compile(
    r"(?<![A-Za-z-])(?:Am|An der|An den|Im|In der|In den|Zum|Zur|Auf der|Auf dem|Unter den|Hinter der|Vor dem"
    r"|Beim|Alte[rn]?|Neue[rn]?) [A-Z][A-Za-z-]+ \d{1,4}(?: ?[a-z](?![a-z]))?(?![\w%€$.])"
)
_FOLLOWING = rf"(?: {_PARTICLE}{{0,2}}(?-i:{_CAPITAL})){{0,4}}"
_FRENCH = re.compile(
    rf"{_NUMBER}(?: ?(?:bis|ter|quater))?,? (?:(?:{_any('fr_before_name')})\.? {_PARTICLE}{{0,2}}{_PLAIN}"
    rf"|(?:{_any('fr_needs_capital')}) {_PARTICLE}{{0,2}}(?-i:{_CAPITAL})){_FOLLOWING}",
    re.IGNORECASE,
)
_IBERIAN = re.compile(
    rf"(?<![A-Za-z])(?:(?:(?:{_any('ib_before_name')})(?:\. ?| )|c/ ?(?=[A-Za-z]{{3}})|(?-i:R)\. ?)"
    rf"{_PARTICLE}{{0,2}}{_PLAIN}"
    rf"|(?:{_any('ib_needs_capital')})\.? {_PARTICLE}{{0,2}}(?-i:{_CAPITAL})){_FOLLOWING}"
    r",? (?:n\.? ?o?\.? |num\.? |numero |# ?)?\d{1,5}(?: ?[a-z](?![a-z]))?(?![\w%€$])"
    r"(?! ?(?:dias?|horas?|semanas?|mes(?:es)?|anos?|veces|vezes|minutos?|euros?|reais|metros?|personas|pessoas)\b)"
    r"(?:, ?\d{1,2} ?o?\.? ?[a-z]?(?![a-z0-9]))?",
    re.IGNORECASE,
)
_BOX = re.compile(
    r"(?<![A-Za-z])(?:p\.? ?o\.? ?box|post(?:al)? box|postfach|boite postale|apartado(?: de correos)?"
    r"|caixa postal|psc|bp) (?:n[o.]* )?\d{1,6}(?!\d)",
    re.IGNORECASE,
)
_BRITISH_CODE = re.compile(r"(?<![A-Za-z0-9-])[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}(?![A-Za-z0-9-])")
_NAMED_CODE = re.compile(
    r"(?<![a-z])(?:zip|zip ?code|post ?code|postal code|plz|postleitzahl|code postal|codigo postal|cep"
    r"|c\.p\.)(?: (?:is|ist|est|es|e))?[ :]{1,3}(\d{4,5}(?:-\d{3,4})?|\d{3} \d{2}"
    r"|[a-z]\d[a-z] ?\d[a-z]\d)(?![\w-])"
)

# What follows a street, tried in turn until nothing fits.
_TOWN = (
    r"(?:(?:St|Ste|S)\. )?[A-Z][A-Za-z'-]+"
    r"(?:[ -](?:(?:am|an|der|im|in|de|la|las|los|del|do|da|dos|sur|sous|upon|en|of|le|les"
    r"|bei) ){0,2}[A-Z][A-Za-z'-]+){0,3}"
)
_REST = tuple(
    re.compile(form)
    for form in (
        r",? {0,2}\n? {0,2}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Box|Wohnung|Whg|Etage"
        r"|Appartement|Appt|Piso|Puerta|Apto|Bloco|Andar|Esc|Bajo)\.? ?#?(?:\d{1,5}[A-Za-z]?"
        r"|[A-Za-z]\d{0,4})(?![A-Za-z0-9])",
        r",? ?(?:Stock|\d{1,2}\. ?(?:OG|Stock|Etage)|EG)(?![A-Za-z])",
        rf"[ ,]{{0,2}}\n? ?(?:[DFEPA]-)?\d{{4,5}}(?:-\d{{3}})? {_TOWN}",
        rf"[ ,]{{0,2}}\n? ?{_TOWN}(?:,? [A-Z]{{2}})?,? (?:\d{{5}}(?:-\d{{3,4}})?"
        rf"|[A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}})(?![\w-])",
        r"[ ,-]{1,3}\n? ?(?:\d{5}(?:-\d{3,4})?|\d{4}-\d{3}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?![\w-])",
        rf" ?[,-] ?\n?({_TOWN})(?:,? [A-Z]{{2}}(?![A-Za-z]))?(?= ?(?:[.,;!?)\n-]|$))",
        rf"\n ?({_TOWN})(?:,? [A-Z]{{2}})?(?= ?(?:\n|$))",
    )
)
_CUE = (
    r"(?:(?:my|our|home|billing|delivery|shipping|postal|new|old|following)? ?address(?: is|:| to)"
    r"|live[sd]? (?:at|in|on)|deliver(?:ed)? (?:it )?to|ship(?:ped)? (?:it )?to|sen[dt] (?:it )?to"
    r"|(?:is|are) (?:located )?at|located (?:at|on)|arrived at|meet me at|moved to|taxi to|anschrift(?: ist"
    r"|:)|adresse(?: ist| est|:)|wohne(?:n|t)?(?: in| an)?|geliefert an|liefern (?:sie )?an|j'habite"
    r"|habite(?:r)?(?: au)?"
    r"|livre(?:r)? au|direccion(?: es|:)|vivo en|domicilio(?: es|:)?|endereco(?: e|:)|moro (?:na|no|em)"
    r"|entreg(?:ar|ue) (?:na|no|em))"
)
# Behind such a word every number and capitalised word belongs to the address, as long as there is at least one of each.
_CUED = re.compile(
    rf"(?<![A-Za-z])(?i:{_CUE})[ :\n]{{1,3}}((?:\d{{1,5}}[A-Za-z]?(?![\w%€$:]|[.,]\d)"
    rf"|{_PARTICLE}?{_CAPITAL})(?:,? (?:\d{{1,5}}[A-Za-z]?(?![\w%€$:]|[.,]\d)"
    rf"|{_PARTICLE}?{_CAPITAL})){{1,7}})"
)
# One word of each form, to ask first.
_BOX_WORDS = word_list("cue_words.yaml", "boxes")
_CODE_WORDS = word_list("cue_words.yaml", "postal_codes")
_CUE_WORDS = word_list("cue_words.yaml", "addresses")
_MOST_PIECES = 5


def find_addresses(view: View) -> Iterator[Span]:
    """Streets with a number, and what of the address follows them."""
    for start, end in _streets(view):
        yield Span(start, _end_of_address(view, end), "address", is_sure=False)
    plain = view.plain
    for match in _CUED.finditer(plain) if view.has_word_of(_CUE_WORDS) else ():
        words = match.group(1).replace(",", " ").split()
        is_address = any(word[0].isdigit() for word in words) and any(word[0].isalpha() for word in words)
        if is_address and NEVER_NAMES.isdisjoint(word.lower() for word in words):
            yield Span(match.start(1), _end_of_address(view, match.end(1)), "address", is_sure=False)
    for match in _BOX.finditer(plain) if view.has_word_of(_BOX_WORDS) else ():
        yield Span(match.start(), _end_of_address(view, match.end()), "address", is_sure=False)
    for match in _BRITISH_CODE.finditer(plain):
        yield Span(match.start(), match.end(), "address", is_sure=False)
    for match in _NAMED_CODE.finditer(view.lower) if view.has_word_of(_CODE_WORDS) else ():
        yield Span(match.start(1), match.end(1), "address", is_sure=False)


def _streets(view: View) -> Iterator[tuple[int, int]]:
    plain, words = view.plain, view.words
    if view.has_word_of(_ENGLISH_WORDS):
        for match in _ENGLISH.finditer(plain):
            # "2 Stars. Way too small": a sentence ends inside what would be the name.
            if not re.search(r"[a-z]{3,}\. ", match.group()) and _first_word(match.group()) not in _LENGTHS:
                yield match.span()
        for match in _ENGLISH_LOWER.finditer(plain):
            between = match.group(1).lower().split()
            if _LENGTHS.isdisjoint(between):
                yield match.span()
    if any(word.endswith(STREET_ENDINGS) for word in words):
        for match in _GERMAN_END.finditer(plain):
            yield from _german(match, plain)
    for match in _GERMAN_PREPOSITION.finditer(plain) if view.digit_count > 5 else ():
        # "Am Montag 12" is a day: the form counts only in front of a postal code and a town.
        if _REST[2].match(plain, match.end()):
            yield match.span()
    if view.has_word_of(_FRENCH_WORDS):
        yield from (match.span() for match in _FRENCH.finditer(plain))
    if view.has_word_of(_IBERIAN_WORDS) or "c/" in view.lower or "R." in plain:
        yield from (match.span() for match in _IBERIAN.finditer(plain))


#: What stands between a number and a street word when no address is meant ("3 weeks on the road").
_LENGTHS = word_list("cue_words.yaml", "no_streets")


def _german(match: re.Match[str], plain: str) -> Iterator[tuple[int, int]]:
    """ "Bahnhofstraße 12", "Berliner Straße 12" and "Alte Poststraße 12", but no Arbeitsplatz."""
    reach = max(0, match.start() - 60)
    before = _GERMAN_START.search(plain[reach : match.start()])
    if before is None:
        return
    start = reach + before.start(2)
    word = plain[start : match.start()] + match.group().split(" ")[0].rstrip(".")
    compound = word.lower()
    adjectives = before.group(1).split()
    while adjectives and not adjectives[-1].lower().rstrip(".").endswith(("er", "e", "en", "es", "ert", "g", "-")):
        adjectives = []
    if adjectives and adjectives[-1].lower() not in NEVER_NAMES:
        start -= len(adjectives[-1]) + 1
    elif (
        before.group(2) == ""
        or compound in _NOT_STREETS
        or len(compound) < 6
        or (not compound.endswith(_CLEAR_ENDINGS) and not word[0].isupper())
    ):
        return
    if compound not in _NOT_STREETS or before.group(2) == "":
        yield start, match.end()


#: Endings that make a street even where nobody writes capitals; the others end ordinary words too.
_CLEAR_ENDINGS = ("strase", "strasse", "allee", "gasse", "chaussee", "straat", "gracht", "str")


def _first_word(text: str) -> str:
    words = re.findall(r"[a-z']+", text.lower())
    return words[0] if words else ""


def _end_of_address(view: View, end: int) -> int:
    """Where the address ends: floor, postal code and town belong to it."""
    for _ in range(_MOST_PIECES):
        for form in _REST:
            match = form.match(view.plain, end)
            if match is None or match.end() == end:
                continue
            if match.groups() and not NEVER_NAMES.isdisjoint(match.group(1).lower().split()):
                continue
            end = match.end()
            break
        else:
            return end
    return end
