"""Text from outside made inert: plain, Markdown, HTML and spreadsheet cells.

Belongs here: every function that puts text nobody here wrote into something people open. Does not belong here:
redaction of personal data (`canonical`), choice of quotes (`quotes.py`). Customer text never becomes active: no link,
mention, markup, formula or control character survives, and what is left still reads as what was said.
"""

from __future__ import annotations

import html
import re
import unicodedata

#: Format characters that a reader needs: the joiners inside emoji and some scripts. Everything else of the class is
#: dropped.
_KEPT_FORMAT = {"\u200d"}
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})?://(?P<host>[^\s/]*)")
_BARE_SCHEME = re.compile(r"(?i)\b(javascript|data|vbscript|mailto|file|blob):")
_WWW = re.compile(r"(?i)\bwww\.")
_DOMAIN = re.compile(
    r"(?i)(?<=[a-z0-9])\.(?=(?:com|net|org|info|biz|io|co|app|dev|shop|xyz|top|site|online|link|click|ru|cn|uk|de|fr|es|pt|it|nl"
    r"|eu|us|ly|me|gg|to|zip|mov)\b)"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&#$^=])")
_FORMULA_START = "=+-@\uff1d\uff0b\uff0d\uff20\u2212"
_SPLIT_FORMULA = re.compile(rf"([;,\t|])(\s*)(?=[{re.escape(_FORMULA_START)}])")


def plain(text: str, limit: int | None = None) -> str:
    """One line of visible characters: control, zero-width and direction-changing characters gone, white space single.

    `limit` cuts at a word with an ellipsis; the result is at most that long.
    """
    return _cut(" ".join(visible(text).split()), limit)


def visible(text: str) -> str:
    """Text of visible characters alone; each white space is a space, and spaces stay as many as they were."""
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif category in ("Cs", "Co", "Cn") or (category == "Cf" and character not in _KEPT_FORMAT):
            continue
        elif character == "\u200d" and not (kept and ord(kept[-1][-1]) > 0x2000):
            continue  # a joiner after an ordinary letter hides something
        else:
            kept.append(character)
    return "".join(kept)


def _cut(line: str, limit: int | None) -> str:
    if limit is None or len(line) <= limit:
        return line
    cut = line[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit // 2 else cut).rstrip(" ,;:.-") + "…"


def inert(text: str, limit: int | None = None) -> str:
    """`plain` text in which nothing is a link or a mention for any program that turns text into one."""
    line = plain(text, limit)
    line = _URL.sub(_defanged, line)
    line = _BARE_SCHEME.sub(r"\1[:]", line)
    line = _WWW.sub("www[.]", line)
    line = _DOMAIN.sub("[.]", line)
    return line.replace("@", "(at)").replace("\uff20", "(at)")


def _defanged(url: re.Match[str]) -> str:
    scheme = (url["scheme"] or "").replace("t", "x").replace("T", "X")
    return f"{scheme}[:]//{url['host'].replace('.', '[.]').replace('://', '[:]//')}"


def markdown(text: str, limit: int | None = None) -> str:
    """Outside text for the middle of a Markdown line: renders as `inert(text)` and as nothing else."""
    return _MARKDOWN.sub(r"\\\1", inert(text, limit))


def html_text(text: str, limit: int | None = None) -> str:
    """Outside text for an HTML element or a quoted attribute."""
    return html.escape(inert(text, limit), quote=True)


def csv_cell(value: object) -> object:
    """A spreadsheet cell that no program takes for a formula; numbers, booleans and None stay what they are.

    Texts that begin like a formula, or would after a split at another program's separator, get an apostrophe there.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    line = plain(str(value))
    line = _SPLIT_FORMULA.sub(r"\1\2'", line)
    return f"'{line}" if line[:1] and line[0] in _FORMULA_START else line


def file_name(identifier: str) -> str:
    """An identifier as a file name without any path in it; unusual ones get a digest so that two never share a name."""
    import hashlib

    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", identifier):
        return identifier
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", identifier).strip("-_")[:40]
    return f"{stem or 'id'}-{digest}"
