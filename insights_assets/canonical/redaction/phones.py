"""Phone numbers: international ones and the national forms of the US, the UK, Germany, France, Spain, Portugal and
Brazil.

Belongs here: digits with the shape and count of a phone number, or with a word before them that says so. Does not
belong here: numbers with a check digit (`numbers`). A phone number has none, so prices, dates, measures and order
numbers are ruled out by what stands around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from insights_assets.canonical.redaction.spans import Span
from insights_assets.canonical.redaction.view import View

_CANDIDATE = re.compile(r"(?<![\w/#-])(?<!\d[.,])(?:\+ ?|00[ -]?)?\(?\d[\d ()./-]{4,24}\d(?![\w%])(?![.,:]\d)")
_WORD_BEFORE = re.compile(
    r"(?<![a-z])(?:phone|telephone|tel|cell|cellphone|mobile|mob|fax|call(?: me| us| him| her| back)?"
    r"|ring(?: me)?|text(?: me)?|reach me|whatsapp|sms|landline"
    r"|number is|nummer ist|numero (?:est|es|e)(?: le| el| o)?|contact number|registered(?: number)?"
    r"|messages to|dial|contact"
    r"|telefon(?:nummer|isch|nr)?|handy(?:nummer|nr)?|mobil(?:nummer|e|nr)?|rufnummer|ruckruf|rufen sie"
    r"|anrufen|erreichbar(?: unter)?|festnetz|durchwahl"
    r"|telephone|portable|appele[rz](?:-moi)?|joindre|rappele[rz](?:-moi)?|joignable|numero de tel\w*"
    r"|telefono|movil|celular|llama[rd]?(?:me)?|llamenme|contactar(?:me)?"
    r"|telefone|telemovel|liga[rm]?(?:-me)?|ligue(?:m)?(?:-me)?|contacto|contato|zap"
    r"|fone)\b[^\d\n\x00]{0,22}\n?[^\d\n\x00]{0,4}$"
)
_NOT_A_PHONE_BEFORE = re.compile(
    r"(?:order|orders|ticket|invoice|tracking|sku|ref|reference|item|article|serial|model|parcel|package"
    r"|batch|lot|case|rma|return|asin|ean|upc|isbn|imei|barcode|code"
    r"|coupon|voucher|transaction|confirmation|booking|account|policy|claim|part|product|version|auftrag"
    r"|bestellung|bestellnummer|bestellnr|bestell-?nr|rechnung|rechnungsnummer"
    r"|rechnungsnr|sendung|sendungsnummer|sendungsnr|artikel|artikelnummer|artikelnr|kundennummer|kundennr"
    r"|vorgang|vorgangsnummer|seriennummer|charge|modell|paketnummer"
    r"|commande|facture|colis|suivi|reference|article|dossier|serie|lot|pedido|factura|seguimiento|envio"
    r"|articulo|referencia|lote|encomenda|fatura|rastreio|rastreamento"
    r"|artigo|produto|codigo|chamado|protocolo|nota fiscal|eur|usd|gbp|brl|rs)"
    r"(?:[ -](?:number|numbers|no|nr|num|id|code|numero|nummer|is|was|ist|war|est|es|e|n)\.?)*"
    r"[ .:#=°(-]{0,4}$|[#$€£]\s?$"
)
_UNIT_AFTER = re.compile(
    r" ?(?:€|\$|£|%|eur\b|euros?\b|usd\b|gbp\b|brl\b|dollars?\b|pounds?\b|cm\b|mm\b|km\b|m\b|kg\b|g\b|ml\b"
    r"|l\b|gb\b|mb\b|tb\b|mah\b|w\b|watts?\b|volts?\b|v\b|hz\b|px\b|inch|zoll\b|h\b|uhr\b|x\b|stuck\b|pcs\b"
    r"|pieces\b|units\b)"
)
_DATE = re.compile(
    r"(?<!\d)(?:[0-3]?\d([./-])[0-3]?\d\1(?:19|20)?\d{2}|(?:19|20)\d{2}([./-])\d{1,2}\2\d{1,2})(?![./-]?\d)"
    r"|^(?:19|20)\d{6}(?!\d)|^(?:19|20)\d{2} ?- ?(?:19|20)\d{2}$"
)
_MONEY = re.compile(r"^\d{1,3}(?:([. ])\d{3})(?:\1\d{3})*$")

# The forms that people of each country write, on digits with separators. Where a form has no separator it must begin
# with a prefix that only phones have.
_NATIONAL = tuple(
    re.compile(form)
    for form in (
        r"(?:1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]{0,2}[2-9]?\d{2,3}[.-]\d{4}",  # US with a dash or dot before the last four
        r"(?:1[ .-])?\([2-9]\d{2}\)[ .-]?\d{3}[ .-]?\d{4}",  # US with brackets
        r"(?:1[ .-])?[2-9]\d{2} [2-9]\d{2} \d{4}",  # US with spaces
        r"0(?:7\d{3}[ -]?\d{3}[ -]?\d{3}|\d{2}[ -]\d{4}[ -]?\d{4}|\d{3}[ -]\d{3}[ -]?\d{4}|\d{4}[ -]\d{5,6}"
        r"|\d{4}[ -]\d{3}[ -]\d{3})",  # UK
        r"\(0\d{2,5}\)[ /-]?\d[\d /-]{4,10}\d",  # UK, Germany with brackets
        r"01[5-7]\d[ /-]?\d{3,4}[ /-]?\d{2,5}(?:[ /-]\d{2,4})?",  # German mobile
        r"0\d{2,5} ?[/-] ?\d[\d -]{3,11}\d",  # German landline with slash or dash
        r"0\d{1,5}(?: \d{2,8}){1,4}",  # Germany, Austria, Switzerland with spaces
        r"0[1-9](?:[ .-]?\d{2}){4}",  # France
        r"[6-9]\d{2}[ .-]\d{3}[ .-]\d{3}|[679]\d{2}(?:[ .-]\d{2}){3}",  # Spain
        r"(?:9[1236]\d|2\d{2})[ .-]\d{3}[ .-]\d{3}|9[1236][ .-]\d{3}[ .-]\d{2}[ .-]\d{2}"
        r"|2\d[ .-]\d{3}[ .-]\d{4}",  # Portugal
        r"\(?(?:0?[1-9]{2})\)?[ -]?9?\d{4}-\d{4}|\([1-9]{2}\) ?9?[ .]?\d{4}[ .-]?\d{4}",  # Brazil
    )
)
_WORD_AFTER = re.compile(
    r"[ ,(-]{1,2}(?:office|fax|mobile|cell|home|work|phone|tel|mobil|privat|handy|portable|bureau|domicile"
    r"|movil|casa|trabajo|telemovel)(?![a-z])"
)
_EXTENSION = re.compile(r" ?(?:x|ext\.?|extension|durchwahl|dw|poste|ramal) ?:? ?\d{1,6}(?!\d)")
_FEWEST, _MOST = 7, 15


def find_phones(view: View) -> Iterator[Span]:
    """Phone numbers, by form or by the word before them."""
    lower = view.lower
    for match in _CANDIDATE.finditer(view.plain):
        start, end = match.span()
        text = match.group()
        # A number in brackets inside a sentence brings its bracket along; a lone one is not part of it.
        if text.count("(") != text.count(")"):
            text, start = _without_lone_bracket(text, start)
            end = start + len(text)
        digits = [c for c in text if c.isdigit()]
        if not _FEWEST <= len(digits) <= _MOST + 2 or len(set(digits)) == 1:
            continue
        if not _is_phone(lower, text, start, end, len(digits)):
            continue
        extension = _EXTENSION.match(lower, end)
        yield Span(start, extension.end() if extension else end, "phone", is_sure=False)


def _is_phone(lower: str, text: str, start: int, end: int, count: int) -> bool:
    if text[0] == "+":
        return 8 <= count <= _MOST
    before = lower[max(0, start - 40) : start]
    if _NOT_A_PHONE_BEFORE.search(before) or _UNIT_AFTER.match(lower, end) or _DATE.search(text):
        return False
    if _WORD_BEFORE.search(before) or _WORD_AFTER.match(lower, end):
        return count <= _MOST
    if text.startswith("00") and not text.startswith("000"):
        return 10 <= count <= _MOST + 2
    if _MONEY.match(text) and text.endswith("000"):
        return False
    return any(form.fullmatch(text) for form in _NATIONAL)


def _without_lone_bracket(text: str, start: int) -> tuple[str, int]:
    """The longer side of a bracket without a partner: "1) 0171 …" and "(0171 …" hold a number beside it."""
    cut = text.index("(" if text.count("(") > text.count(")") else ")")
    left, right = text[:cut].rstrip(" .-/"), text[cut + 1 :].lstrip(" .-/")
    return (left, start) if len(left) > len(right) else (right, start + len(text) - len(right))
