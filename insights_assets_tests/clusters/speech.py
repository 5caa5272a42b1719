"""What customers say in these tests: a few troubles, each in many wordings, over days. Written here, for here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np

from insights_assets.clusters.walk import Heard
from insights_assets.clusters.word_space import WordSpace

MONDAY = date(2026, 8, 3)

#: trouble -> (topic, sentences of choices; one choice of each part is said, in one of the orders customers use)
TROUBLES: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "glass": (
        "damaged_on_arrival",
        (
            ("The glass shade", "The lamp glass", "Its glass globe", "The glass dome"),
            ("was cracked", "arrived cracked", "came shattered", "had shattered"),
            ("inside the box", "under the wrapping", "when I unpacked it", "straight out of the parcel"),
        ),
    ),
    "leak": (
        "damaged_on_arrival",
        (
            ("The shampoo bottle", "One bottle of soap", "The lotion bottle", "A bottle of oil"),
            ("had leaked", "was leaking", "leaked out", "had spilled"),
            ("over everything else", "all over the order", "and everything was sticky", "and soaked the rest"),
        ),
    ),
    "courier": (
        "shipping_delay",
        (
            ("The courier", "Your driver", "The delivery driver", "The van driver"),
            ("never rang the bell", "did not ring", "never knocked", "drove past"),
            (
                "although I waited at home",
                "while I sat at home all day",
                "and I stayed home for nothing",
                "with me waiting at home",
            ),
        ),
    ),
    "customs": (
        "shipping_delay",
        (
            ("The tracking page", "Your tracking", "The tracking link", "Tracking"),
            ("says held in customs", "shows customs hold", "is stuck at customs", "reads customs inspection"),
            ("for the second week", "since last week", "and nobody clears it", "without any date"),
        ),
    ),
    "fingerprint": (
        "other",
        (
            ("The showroom", "Your showroom", "The shop in town", "The store"),
            ("smells of paint", "reeks of paint", "stank of fresh paint", "smelled of wet paint"),
            ("and gave me a headache", "so we left at once", "and nobody opened a window", "which made us leave"),
        ),
    ),
}


def say(trouble: str, chance: Random) -> str:
    """One wording of a trouble."""
    parts = [chance.choice(part) for part in TROUBLES[trouble][1]]
    lead = chance.choice(("", "Hello, ", "Honestly: ", "Once more, "))
    tail = chance.choice(("", " Very annoying.", " Please fix this.", " Order is from last month."))
    return f"{lead}{' '.join(parts)}.{tail}"


def spoken(
    plan: Mapping[str, Iterable[int]], *, days: int, seed: int = 1, start: date = MONDAY
) -> list[dict[str, Any]]:
    """Rows (feedback_id, day, topic, trouble, text): `plan` is trouble -> records on each day, by (day number) of
    `days`.
    """
    chance = Random(seed)
    rows: list[dict[str, Any]] = []
    for trouble, counts in plan.items():
        for number, count in zip(range(days), counts, strict=False):
            for _ in range(count):
                rows.append(
                    {
                        "day": start + timedelta(days=number),
                        "topic": TROUBLES[trouble][0],
                        "trouble": trouble,
                        "text": say(trouble, chance),
                    }
                )
    rows.sort(key=lambda row: row["day"])
    return [{"feedback_id": f"F{number:05d}", **row} for number, row in enumerate(rows)]


def heard_of(rows: list[dict[str, Any]], space: WordSpace) -> Heard:
    """The rows as the walk hears them: distinct texts by topic and day, nothing known yet."""
    distinct: dict[tuple[date, str, str], dict[str, Any]] = {}
    for row in rows:
        distinct.setdefault((row["day"], row["topic"], hash_of(row["text"])), row)
    keys = sorted(distinct)
    picked = [distinct[key] for key in keys]

    def column(values: Iterable[Any]) -> Any:
        return np.array(list(values), dtype=object)

    return Heard(
        days=np.array([day.toordinal() for day, _, _ in keys], dtype=np.int64),
        topics=column(topic for _, topic, _ in keys),
        text_hashes=column(text_hash for _, _, text_hash in keys),
        feedback_ids=column(row["feedback_id"] for row in picked),
        texts=column(row["text"] for row in picked),
        vectors=space.embed([row["text"] for row in picked]),
        theme_ids=np.full(len(keys), None, dtype=object),
    )


def hash_of(text: str) -> str:
    return hashlib.sha256(text.lower().encode()).hexdigest()[:32]
