"""E-mail addresses in plain and in disguise, handles, links that carry personal data, and network addresses.

Belongs here: what only exists on a network. Does not belong here: anything read from digits alone (`numbers`,
`phones`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator

from insights_assets.canonical.redaction.lexicon import word_list
from insights_assets.canonical.redaction.spans import Span
from insights_assets.canonical.redaction.view import View

_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._%+-'")
_LONGEST_LOCAL = 64
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,62}\.)){1,5}[a-z]{2,24}(?![a-z0-9])")
_PROVIDER = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|yahoo|icloud|gmx|web|aol|proton|protonmail|posteo|orange|laposte"
    r"|sapo|uol)(?![a-z0-9-])"
)
_ENDINGS = r"(?:com|org|net|info|biz|edu|gov|io|co|de|at|ch|fr|be|es|pt|br|uk|us|ca|mx|ar|it|nl|eu|me)"
_AT = r"(?: ?[(\[{<] ?(?:at|@|ät|arroba|arobase|a) ?[)\]}>] ?)"
_AT_WORD = r"(?: (?:at|arroba|arobase|chez|klammeraffe) )"
_DOT = r"(?: ?[(\[{<] ?(?:dot|punkt|point|punto|ponto|\.) ?[)\]}>] ?| (?:dot|punkt|point|punto|ponto) )"
#: "ann (at) mail.example" proves itself by its brackets; "ann at mail dot com" needs the spelt dot and a real ending.
_DISGUISED = re.compile(
    rf"(?<![a-z0-9._+-])[a-z0-9][a-z0-9._+-]{{0,40}}(?:{_DOT}[a-z0-9_+-]{{1,30}})?"
    rf"(?:{_AT}[a-z0-9-]{{1,40}}(?:(?:\.|{_DOT})[a-z0-9-]{{1,30}}){{0,2}}(?:\.|{_DOT}){_ENDINGS}"
    rf"|{_AT_WORD}[a-z0-9-]{{2,40}}(?:{_DOT}[a-z0-9-]{{1,30}}){{0,1}}{_DOT}{_ENDINGS})(?![a-z0-9])"
)
_DISGUISE_WORDS = word_list("cue_words.yaml", "disguises")
_HANDLE = re.compile(r"(?<![a-z0-9_@./%+)-])@([a-z_][a-z0-9_.]{0,38}[a-z0-9_])")
#: Everybody's, not a person's.
_GROUP_HANDLES = frozenset(("all", "here", "everyone", "channel", "home", "work"))
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"\x00]{3,2000}")
_PERSONAL_KEY = re.compile(
    r"(?:^|[&;?])[^=&;]*(?:mail|name|phone|tel|mobile|address|street|zip|postal|user|cust|session|sid|token"
    r"|auth|key|pass|pwd|login|account|dob|birth)[^=&;]*=[^&;]"
)
_PROFILE = re.compile(
    r"(?:facebook|instagram|twitter|tiktok|linkedin|x|t|wa|pinterest|snapchat|threads)\.(?:com|net|me)/(?:in/"
    r"|@|add/|u/)?([a-z0-9_.@+-]{2,60})"
)
_SITE_PAGES = word_list("cue_words.yaml", "site_pages")
_IPV4 = re.compile(r"(?<![0-9a-z.])(?:\d{1,3}\.){3}\d{1,3}(?![0-9a-z]|\.\d)")
_IPV6 = re.compile(r"(?<![0-9a-z:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-z:])")
_MAC = re.compile(r"(?<![0-9a-f:-])(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f:-])")
_VERSION_BEFORE = re.compile(r"(?:version|firmware|release|build|software|app|update|ver|v)\.? ?:? ?$")
_SITES = word_list("cue_words.yaml", "sites")
_NAMED_HANDLE = re.compile(
    rf"(?<![a-z])(?:{'|'.join(sorted(_SITES, key=len, reverse=True))})"
    r"(?:(?: (?:handle|name|user|username|account|id))(?: (?:is|ist|es|est|e))? ?[:=]? ?| (?:is|ist|es|est"
    r"|e) | ?[:=] ?)@?"
    r"((?=[a-z0-9_.]*[0-9_])[a-z0-9_][a-z0-9_.]{2,38})"
)


def find_emails(view: View) -> Iterator[Span]:
    """Addresses with an @ and a domain, with or without spaces around the @."""
    lower = view.lower
    at = lower.find("@")
    while at >= 0:
        end = _domain_end(lower, at + 1)
        if end:
            stop = at - 1 if lower[at - 1 : at] == " " and lower[at + 1 : at + 2] == " " else at
            start = stop
            while (
                start and stop - start < _LONGEST_LOCAL and (lower[start - 1] in _LOCAL or lower[start - 1].isalpha())
            ):
                start -= 1
            while start < stop and lower[start] in ".'-%+":
                start += 1
            if start < stop:
                yield Span(start, end, "email")
        at = lower.find("@", at + 1)


def _domain_end(lower: str, start: int) -> int:
    if lower[start : start + 1] == " ":
        start += 1
    match = _DOMAIN.match(lower, start) or _PROVIDER.match(lower, start)
    return match.end() if match else 0


def find_obfuscated(view: View) -> Iterator[Span]:
    """Addresses written so that machines shall not read them."""
    lower = view.lower
    if view.has_word_of(_DISGUISE_WORDS) or "(" in lower or "[" in lower or "{" in lower or "<" in lower:
        for match in _DISGUISED.finditer(lower):
            yield Span(match.start(), match.end(), "email")


def find_handles(view: View, public: Collection[str]) -> Iterator[Span]:
    """@names, except the shop's own."""
    for match in _HANDLE.finditer(view.lower):
        name = match.group(1)
        if name not in public and name not in _GROUP_HANDLES:
            yield Span(match.start(), match.end(), "handle")


def find_network(view: View) -> Iterator[Span]:
    """Personal parts of links, accounts named by their site, and addresses of machines."""
    lower = view.lower
    if "/" in lower or "www." in lower:
        for match in _URL.finditer(lower):
            yield from _personal_parts(lower, match.start(), match.end())
        for match in _PROFILE.finditer(lower):
            name = match.group(1).strip("./@")
            if name and name not in _SITE_PAGES:
                begin = lower.index(name, match.start(1))
                yield Span(begin, begin + len(name), "handle")
    if view.has_word_of(_SITES):
        for match in _NAMED_HANDLE.finditer(lower):
            yield Span(match.start(1), match.end(1), "handle")
    if view.digit_count >= 4:
        yield from _machines(lower)


def _personal_parts(lower: str, start: int, end: int) -> Iterator[Span]:
    url = lower[start:end].rstrip(".,;:!?)'\"")
    end = start + len(url)
    host = url.find("://") + 3 if "://" in url else 0
    path = url.find("/", host)
    login = url.find("@", host, path if path >= 0 else len(url))
    if login > host:
        yield Span(start + host, start + login, "id")
    query = min((i for i in (url.find("?"), url.find("#")) if i >= 0), default=-1)
    if query >= 0 and query + 1 < len(url):
        part = url[query:]
        if "%40" in part or "@" in part or _PERSONAL_KEY.search(part):
            yield Span(start + query + 1, end, "id")


def _machines(lower: str) -> Iterator[Span]:
    for match in _IPV4.finditer(lower):
        octets = [int(part) for part in match.group().split(".")]
        if (
            max(octets) <= 255
            and octets[0] > 0
            and not _VERSION_BEFORE.search(lower, max(0, match.start() - 12), match.start())
        ):
            yield Span(match.start(), match.end(), "id")
    if lower.count(":") >= 2:
        for match in _IPV6.finditer(lower):
            # Times ("12:30:45") have the look of a part of one; the library knows the difference.
            if match.group().count(":") >= 2 and _is_ipv6(match.group()) and any(c.isalnum() for c in match.group()):
                yield Span(match.start(), match.end(), "id")
    for match in _MAC.finditer(lower):
        yield Span(match.start(), match.end(), "id")


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return len(text) > 5
