"""Which side of training a reviewed record is on: to learn from, to calibrate by, or to judge by (golden). A customer is on one only.

Belongs here: grouping records that could tell each other's answer, and the side of a group. Does not belong here: where records
come from, fitting. Records of one customer, of the same words, or of one group of copies belong together, also through a third
record. The side is decided by the group's smallest key alone, so it stays when other groups come and go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

Side = Literal["train", "calibration", "golden"]
SIDES: tuple[Side, ...] = get_args(Side)
#: The side that judges. It never enters training, calibration, prompts or rules.
GOLDEN_SHARE = 0.4
#: The side that confidence may be calibrated by.
CALIBRATION_SHARE = 0.1


def groups(keys: Iterable[Sequence[str | None]]) -> list[str]:
    """The group of each record; `keys` are what ties it to others (customer, words, copies), missing ones left out.

    >>> groups([("c1", "t1"), ("c2", "t1"), (None, "t2"), ("c2", None)])
    ['c1', 'c1', 't2', 'c1']
    """
    rows = [[key for key in row if key] for row in keys]
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        found = key
        while parent[found] != found:
            found = parent[found]
        while parent[key] != found:
            parent[key], key = found, parent[key]
        return found

    for row in rows:
        if not row:
            raise ValueError("a record without any key cannot be put on a side; give at least its own id")
        for key in row:
            parent.setdefault(key, key)
        first = root(row[0])
        for key in row[1:]:
            other = root(key)
            low, high = min(first, other), max(first, other)
            parent[high] = first = low  # the smallest key names the group
    return [root(row[0]) for row in rows]


def side_of(group: str) -> Side:
    """The side of a group, by its name's hash."""
    draw = int(hashlib.sha256(f"side:{group}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    if draw < GOLDEN_SHARE:
        return "golden"
    return "calibration" if draw < GOLDEN_SHARE + CALIBRATION_SHARE else "train"
