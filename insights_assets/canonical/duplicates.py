"""Which texts say the same words, and how much each repetition counts.

Belongs here: the normal form and hash of a text, groups of nearly equal texts, and the rule that turns repetitions into
weights. Does not belong here: reading or joining tables (`copies`), what a text means, or who wrote it (`identity`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

SHINGLE = 5
THRESHOLD = 0.8
#: This many copies without an order within the window are a flood of one post, not independent voices.
COPIES, COPY_WINDOW = 5, timedelta(days=7)
COPIED_POST, SAME_CUSTOMER = "copied_post", "same_customer"
#: Outside the window, this many posts an author on average also give a flood away.
POSTS_AN_AUTHOR = 3

_BANDS, _ROWS = 8, 4
_SIGNATURE = _BANDS * _ROWS
_CHUNK_CHARACTERS = 400_000
_TOKEN = re.compile(r"\[(?:name|email|phone|card|iban|address|handle|id)\]")
_NOT_WORD = re.compile(r"[\W_]+")
_SPACE = re.compile(r"\s+")
_MAY_COMBINE = re.compile(r"[\u0300-\U0010ffff]")


def normalise(text: str) -> str:
    """The letters and digits of a text, lower case, with accents; redaction tokens count as nothing.

    A text of symbols only keeps its symbols, because "👍" and "👎" are not the same.

    >>> normalise("So  sad, [name]!! É só isso…"), normalise("👎 👎")
    ('sosadésóisso', '👎👎')
    """
    lowered = text.lower()
    if not lowered.isascii():
        lowered = unicodedata.normalize("NFC", lowered)
    if "[" in lowered:
        lowered = _TOKEN.sub(" ", lowered)
    if _MAY_COMBINE.search(lowered):
        # Vowel signs of Indic and Thai script are marks, not letters: dropping them would merge different words.
        words = "".join(
            c for c in lowered if c.isalnum() or (unicodedata.category(c)[0] == "M" and not "\ufe00" <= c <= "\ufe0f")
        )
    else:
        words = _NOT_WORD.sub("", lowered)
    if words:
        return words
    return "".join(c for c in _SPACE.sub("", lowered) if unicodedata.category(c)[0] != "C")


def text_hash(text: str) -> str:
    """Sixteen hex digits that are equal for texts with an equal normal form."""
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def near_duplicate_groups(
    texts: Sequence[str], *, threshold: float = THRESHOLD, order: Sequence[tuple[object, ...]] | None = None
) -> list[int]:
    """For each text the position of its group's first member in `texts`; a text alone is its own group.

    Bands of MinHash propose pairs and exact Jaccard over characters decides; each text joins the *leader* it resembles
    most, never another follower, so that groups cannot chain. Which texts lead depends on `order` (for example
    occurred_at and feedback_id; without it on the texts themselves), not on their position, so shuffled input gives
    the same groups.
    """
    normal = [normalise(text) for text in texts]
    keys: dict[str, tuple[object, ...]] = {}
    for index, form in enumerate(normal):
        key = (*order[index], form) if order is not None else (len(form), form)
        if form not in keys or key < keys[form]:  # type: ignore[operator]
            keys[form] = key
    distinct = sorted(keys, key=lambda form: keys[form])  # type: ignore[arg-type, return-value]
    leader_of = _leaders(distinct, threshold)
    leaders = {form: distinct[leader] for form, leader in zip(distinct, leader_of, strict=True)}
    first: dict[str, int] = {}
    groups = []
    for index, form in enumerate(normal):
        # Nothing can be said of an empty text, so two of them are not copies of each other.
        groups.append(first.setdefault(leaders[form], index) if form else index)
    return groups


def jaccard(one: str, other: str) -> float:
    """Share of common five-character pieces of two normal forms."""
    left, right = _pieces(one), _pieces(other)
    return len(left & right) / len(left | right)


def _pieces(form: str) -> frozenset[str]:
    return frozenset(form[i : i + SHINGLE] for i in range(max(1, len(form) - SHINGLE + 1)))


def _leaders(distinct: list[str], threshold: float) -> list[int]:
    """For each normal form, in order, the index of the form that leads it (its own when it leads)."""
    signatures = _signatures(distinct)
    bands = _band_keys(signatures)
    contested = _contested(bands)
    # 32 hashes estimate a Jaccard of 0.8 with a standard error of 0.07: four of them below is safe to skip.
    least_equal = max(1, int(_SIGNATURE * (threshold - 0.29)))
    buckets: dict[int, list[int]] = {}
    pieces: dict[int, frozenset[str]] = {}
    result = list(range(len(distinct)))
    for index in np.flatnonzero(contested.any(axis=1)).tolist():
        form = distinct[index]
        keys = bands[index][contested[index]].tolist()
        candidates = sorted({leader for key in keys for leader in buckets.get(key, ())})
        best, chosen = threshold, index
        if form and candidates:
            equal = (signatures[candidates] == signatures[index]).sum(axis=1)
            mine = _pieces(form)
            for position in np.flatnonzero(equal >= least_equal).tolist():
                leader = candidates[position]
                theirs = pieces[leader]
                if min(len(mine), len(theirs)) < threshold * max(len(mine), len(theirs)):
                    continue
                common = len(mine & theirs)
                likeness = common / (len(mine) + len(theirs) - common)
                if likeness > best or (likeness == best and chosen == index):
                    best, chosen = likeness, leader
        result[index] = chosen
        if chosen == index:
            pieces[index] = _pieces(form)
            for key in keys:
                buckets.setdefault(key, []).append(index)
    return result


def _contested(bands: np.ndarray) -> np.ndarray:
    """Which band keys occur more than once; most texts share none and need no further look."""
    flat = bands.ravel()
    _, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
    return (counts[inverse] > 1).reshape(bands.shape)


def _band_keys(signatures: np.ndarray) -> np.ndarray:
    """One 64-bit key for each band of each text."""
    keys = np.zeros((len(signatures), _BANDS), dtype=np.uint64)
    mixer = np.uint64(0x9E3779B97F4A7C15)
    for band in range(_BANDS):
        key = np.full(len(signatures), band + 1, dtype=np.uint64)
        for row in range(_ROWS):
            key = (key ^ signatures[:, band * _ROWS + row].astype(np.uint64)) * mixer
            key ^= key >> np.uint64(29)
        keys[:, band] = key
    return keys


def _signatures(forms: Sequence[str]) -> np.ndarray:
    """MinHash signatures, 32 numbers a text, in chunks that fit the processor's cache."""
    seeds = np.random.default_rng(20_231_123)
    factors = seeds.integers(1, 2**63, _SIGNATURE, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    result = np.empty((len(forms), _SIGNATURE), dtype=np.uint32)
    start = 0
    while start < len(forms):
        end, size = start, 0
        while end < len(forms) and (end == start or size < _CHUNK_CHARACTERS):
            size += len(forms[end]) + SHINGLE
            end += 1
        result[start:end] = _chunk_signatures(forms[start:end], factors)
        start = end
    return result


def _chunk_signatures(forms: Sequence[str], factors: np.ndarray) -> np.ndarray:
    # Texts shorter than a piece are padded, so that each has at least one piece and none is empty.
    padded = [form if len(form) >= SHINGLE else form.ljust(SHINGLE, "\x00") for form in forms]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    lengths = np.fromiter(map(len, padded), dtype=np.int64, count=len(padded))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    hashes = np.zeros(len(codes) - SHINGLE + 1, dtype=np.uint64)
    base = np.uint64(0x100000001B3)
    for offset in range(SHINGLE):
        hashes = hashes * base + codes[offset : offset + len(hashes)]
    hashes ^= hashes >> np.uint64(31)
    hashes *= np.uint64(0xD6E8FEB86659FD93)
    hashes ^= hashes >> np.uint64(32)
    # Pieces that would reach over the end of a text repeat that text's last whole piece, which changes no minimum.
    last_whole = np.repeat(starts + lengths - SHINGLE, lengths)
    hashes = hashes[np.minimum(np.arange(len(codes)), last_whole)]
    result = np.empty((len(padded), len(factors)), dtype=np.uint32)
    for column, factor in enumerate(factors):
        mixed = ((hashes * factor) >> np.uint64(32)).astype(np.uint32)
        result[:, column] = np.minimum.reduceat(mixed, starts)
    return result


@dataclass(frozen=True)
class Repetition:
    """One record of a group of equal texts, with what decides whether it counts again. `is_post`: said in public, where copying is easy."""

    feedback_id: str
    group: str | int
    occurred_at: datetime
    customer_key: str | None = None
    order_id: str | None = None
    is_post: bool = True


@dataclass(frozen=True)
class Counted:
    """Whether a record counts (weight 1 or 0), which records count once together with it, and why; group None: it repeats nothing."""

    weight: int
    group: str | None = None
    reason: str | None = None


def count_repetitions(records: Iterable[Repetition]) -> Mapping[str, Counted]:
    """feedback_id -> whether the record counts as a voice of its own or repeats one that counts already.

    People are counted, not posts. The same words from different customers about different orders are different
    complaints. A customer counts once in a group, and so does an order. Posts that name no order are copies when five
    or more fall into seven days or when few authors wrote them all: then the first counts and the others do not.
    """
    groups: dict[str | int, list[Repetition]] = {}
    for record in records:
        groups.setdefault(record.group, []).append(record)
    result: dict[str, Counted] = {}
    for members in groups.values():
        members.sort(key=lambda record: (record.occurred_at, record.feedback_id))
        copied = _copied(members)
        first_of: dict[str, str] = {}
        for record in members:
            keys = [f"customer:{record.customer_key}"] if record.customer_key else []
            keys += [f"order:{record.order_id}"] if record.order_id else []
            keys += ["copies"] if record.feedback_id in copied else []
            earlier = next((first_of[key] for key in keys if key in first_of), None)
            for key in keys:
                first_of.setdefault(key, earlier or record.feedback_id)
            if earlier is None:
                result[record.feedback_id] = Counted(1)
                continue
            reason = COPIED_POST if record.feedback_id in copied else SAME_CUSTOMER
            result[record.feedback_id] = Counted(0, earlier, reason)
            if result[earlier].group is None:
                result[earlier] = Counted(result[earlier].weight, earlier, reason)
    return result


def _copied(members: Sequence[Repetition]) -> frozenset[str]:
    """The records of one group, in order of time, that belong to a flood of copied posts."""
    posts = [record for record in members if record.is_post and not record.order_id]
    if len(posts) < COPIES:
        return frozenset()
    # A post whose author is unknown is an author of its own: nothing says that one person wrote two of them.
    authors = {record.customer_key or record.feedback_id for record in posts}
    if len(posts) >= POSTS_AN_AUTHOR * len(authors):
        return frozenset(record.feedback_id for record in posts)
    copied: set[str] = set()
    first = 0
    for last, record in enumerate(posts):
        while record.occurred_at - posts[first].occurred_at > COPY_WINDOW:
            first += 1
        if last - first + 1 >= COPIES:
            copied.update(post.feedback_id for post in posts[first : last + 1])
    return frozenset(copied)
