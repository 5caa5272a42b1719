"""Numbers that prove what they are: cards (Luhn), bank accounts (mod 97), numbers of persons (their own check digits).

Belongs here: numbers with a check or with a word before them that names them. Does not belong here: phone numbers,
which have no check (`phones`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from insights_assets.canonical.redaction.lexicon import word_list
from insights_assets.canonical.redaction.spans import Span
from insights_assets.canonical.redaction.view import View

# Digits in groups; the groups matter, because an order id in front of a card is a group of its own.
_GROUPED = re.compile(r"(?<![\w.,])\d+(?:[ .-]{1,2}\d+)*(?![\w])")
_GROUP = re.compile(r"\d+")
_CARD_WORD = re.compile(
    r"(?:card|karte|kartennummer|carte|tarjeta|cartao|visa|mastercard|amex|maestro|credit|debit"
    r"|\bcc\b)[^.!?\n\x00]{0,24}$"
)
_SECURITY_CODE = re.compile(
    r"(?<![a-z])(?:cvv2?|cvc2?|cvn|security code|prufziffer|prufnummer|cryptogramme|codigo de seguridad"
    r"|codigo de seguranca)"
    r"(?: (?:is|ist|est|es|e|number))?[ :#=-]{0,3}(\d{3,4})(?!\d)"
)
_SECURITY_WORDS = word_list("cue_words.yaml", "security_codes")
_IBAN_START = re.compile(r"(?<![a-z0-9])[a-z]{2}[ -]?\d{2}(?=[ -]?[a-z0-9])")
_IBAN_LENGTH = {entry[:2]: int(entry[2:]) for entry in word_list("iban_lengths.yaml")}
_LONGEST_IBAN, _SHORTEST_IBAN = 34, 15

_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}([- .])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])")
_NINO = re.compile(r"(?<![a-z0-9])[a-ceghj-prtw-z][a-ceghj-nprtw-z] ?\d{2} ?\d{2} ?\d{2} ?[a-d](?![a-z0-9])")
_FRENCH = re.compile(r"(?<![\w-])[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[ab]) ?\d{3} ?\d{3} ?\d{2}(?![\w-])")
_GERMAN_PENSION = re.compile(r"(?<![\w-])\d{2} ?(?:[0-3]\d)(?:0[1-9]|1[0-2])\d{2} ?[a-z] ?\d{3}(?![\w-])")
_SPANISH = re.compile(r"(?<![a-z0-9.-])(?:[xyz][ .-]?\d{7}|\d{8}|\d{2}\.\d{3}\.\d{3})[ .-]?([a-z])(?![a-z0-9])")
_CPF = re.compile(r"(?<![\w-])\d{3}\.?\d{3}\.?\d{3}-\d{2}(?![\w-])")
_CNPJ = re.compile(r"(?<![\w-])\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}(?![\w-])")
#: A word that names the number proves it where no check does.
_NAMED = re.compile(
    r"(?<![a-z])(?:social security(?: number| no)?|ssn|national insurance(?: number| no)?|nino"
    r"|passport(?: number| no)?|driv(?:er'?s?|ing) licen[cs]e(?: number| no)?"
    r"|tax (?:id|number)|id card(?: number)?|(?:personal)?ausweis(?:nummer|nr)?|reisepass(?:nummer|nr)?"
    r"|pass(?:nummer|nr)|fuhrerschein(?:nummer|nr)?"
    r"|steuer-?(?:id|nummer|identifikationsnummer)|sozialversicherungsnummer|passeport"
    r"|numero de securite sociale|securite sociale|permis de conduire|carte d'identite"
    r"|dni|nie|nif|pasaporte|seguridad social|carnet de conducir|cpf|cnpj|rg|contribuinte|passaporte"
    r"|cartao de cidadao|seguranca social|carta de conducao|cnh)"
    r"(?: (?:number|no|nr|num|numero|nummer|is|ist|est|es|e"
    r"|lautet)\.?){0,2} ?[:#=.-]{0,2} ?((?=[a-z0-9./ -]{0,6}\d)[a-z0-9](?:[a-z0-9]"
    r"|[./ -](?=\d)){4,19})(?![a-z0-9])"
)
_BIRTH = re.compile(
    r"(?<![a-z])(?:date of birth|d\.?o\.?b\.?|birth ?date|born(?: on)?|geboren(?: am)?|geburtsdatum|nee? le"
    r"|date de naissance|nacid[oa] el|fecha de nacimiento"
    r"|nascid[oa] (?:em|a)|data de nascimento)(?: (?:is|ist|est|es|e))?[ :]{1,3}"
    r"(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{2}-\d{2}|\d{1,2}\.? (?:de )?[a-z]{3,10}\.?(?: de)? \d{4})(?!\d)"
)
_NAMED_WORDS = word_list("cue_words.yaml", "personal_numbers")
_DNI_LETTERS = "trwagmyfpdxbnjzsqvhlcke"


def find_cards(view: View) -> Iterator[Span]:
    """Card numbers with a right check digit, and mistyped ones that a word before them gives away."""
    lower = view.lower
    for run in _GROUPED.finditer(view.plain):
        groups = [(run.start() + m.start(), run.start() + m.end()) for m in _GROUP.finditer(run.group())]
        # "ORD-4012…" is an id of the shop's, unless the word in front is the card's.
        before = view.plain[max(0, run.start() - 2) : run.start()]
        is_id = len(before) == 2 and before[1] == "-" and before[0].isupper()
        if is_id and not _CARD_WORD.search(lower, max(0, run.start() - 40), run.start()):
            continue
        first = 0
        while first < len(groups):
            last = _card_from(lower, groups, first)
            if last is not None:
                yield Span(groups[first][0], groups[last][1], "card")
                first = last
            first += 1


def find_security_codes(view: View) -> Iterator[Span]:
    """The three or four digits on a card's back, which only a word tells from other numbers."""
    if view.has_word_of(_SECURITY_WORDS):
        for match in _SECURITY_CODE.finditer(view.lower):
            yield Span(match.start(1), match.end(1), "card")


def _card_from(lower: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the card that begins with this group."""
    digits = ""
    found = None
    for last in range(first, len(groups)):
        digits += lower[groups[last][0] : groups[last][1]]
        if len(digits) > 19:
            break
        if len(digits) >= 12 and _is_card(digits):
            found = last
    if (
        found is None
        and 12 <= len(digits) <= 19
        and first == 0
        and _CARD_WORD.search(lower, max(0, groups[0][0] - 40), groups[0][0])
    ):
        found = len(groups) - 1
    return found


def _is_card(digits: str) -> bool:
    """An issuer's range with its length, and the check digit."""
    size, head = len(digits), int(digits[:4])
    known = (
        (digits[0] == "4" and size in (13, 16, 19))
        or ((5100 <= head <= 5599 or 2221 <= head <= 2720) and size == 16)
        or (digits[:2] in ("34", "37") and size == 15)
        or ((3000 <= head <= 3059 or digits[:2] in ("36", "38", "39")) and 14 <= size <= 19)
        or (3528 <= head <= 3589 and 16 <= size <= 19)
        or (digits[:4] in ("2131", "1800") and size == 15)
        or (digits[:2] in ("60", "62", "64", "65") and 16 <= size <= 19)
        or (digits[:2] in ("50", "56", "57", "58", "61", "63", "66", "67", "68", "69") and 12 <= size <= 19)
    )
    return known and _has_luhn_check(digits) and len(set(digits)) > 1


def _has_luhn_check(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def find_ibans(view: View) -> Iterator[Span]:
    """Account numbers of the right length for their country with a right check; a named one even without."""
    lower = view.lower
    for match in _IBAN_START.finditer(lower):
        length = _IBAN_LENGTH.get(lower[match.start() : match.start() + 2])
        named = "iban" in lower[max(0, match.start() - 24) : match.start()]
        if length is None and not named:
            continue
        places = list(_alphanumerics(lower, match.start()))
        if length is not None and len(places) >= length:
            end = places[length - 1] + 1
            if not lower[end : end + 1].isalnum() and _has_mod97_check("".join(lower[i] for i in places[:length])):
                yield Span(match.start(), end, "iban")
                continue
        if named:
            tail = [i for i in places if lower[i].isdigit()]
            if len(tail) >= _SHORTEST_IBAN - 4:
                yield Span(match.start(), tail[-1] + 1, "iban")


def _alphanumerics(lower: str, start: int) -> Iterator[int]:
    """Places of letters and digits from here on, across single spaces and dashes."""
    count = 0
    for index in range(start, len(lower)):
        c = lower[index]
        if c.isascii() and c.isalnum():
            yield index
            count += 1
            if count == _LONGEST_IBAN:
                return
        elif c not in " -." or lower[index + 1 : index + 2] in (" ", "-", ""):
            return


def _has_mod97_check(iban: str) -> bool:
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def find_ids(view: View) -> Iterator[Span]:
    """Numbers that states give to persons, and dates of birth."""
    lower, digits = view.lower, view.digit_count
    for fewest, pattern, check in _PERSONAL:
        if digits >= fewest:
            for match in pattern.finditer(lower):
                if check is None or check(match.group()):
                    yield Span(match.start(), match.end(), "id")
    if view.has_word_of(_NAMED_WORDS):
        for match in _NAMED.finditer(lower):
            # Only the word proves it, and the run may reach into a number behind it: an order id there has to stay.
            if sum(c.isdigit() for c in match.group(1)) >= 5:
                yield Span(match.start(1), match.end(1), "id", is_sure=False)
        for match in _BIRTH.finditer(lower):
            yield Span(match.start(1), match.end(1), "id")


def _has_french_check(text: str) -> bool:
    compact = text.replace(" ", "").replace("2a", "19").replace("2b", "18")
    return compact.isdigit() and len(compact) == 15 and 97 - int(compact[:13]) % 97 == int(compact[13:])


def _has_spanish_check(text: str) -> bool:
    compact = re.sub(r"[ .-]", "", text)
    number = compact[:-1].translate(str.maketrans("xyz", "012"))
    return _DNI_LETTERS[int(number) % 23] == compact[-1]


def _has_cpf_check(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    for size in (9, 10):
        total = sum(value * weight for value, weight in zip(digits[:size], range(size + 1, 1, -1), strict=True))
        if (total * 10) % 11 % 10 != digits[size]:
            return False
    return len(set(digits)) > 1


#: The fewest digits a text needs to hold one, its shape, and its check where it has one.
_PERSONAL: tuple[tuple[int, re.Pattern[str], Callable[[str], bool] | None], ...] = (
    (9, _SSN, None),
    (6, _NINO, None),
    (11, _GERMAN_PENSION, None),
    (14, _CNPJ, None),
    (13, _FRENCH, _has_french_check),
    (7, _SPANISH, _has_spanish_check),
    (11, _CPF, _has_cpf_check),
)
