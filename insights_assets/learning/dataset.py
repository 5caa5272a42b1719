"""The training set: reviewed records as rows, on the side their customer is on, corrections first, under a content hash.

Belongs here: pure functions from reviewed records to rows and from rows to what `labels.training` takes. Does not belong here: reading
corrections (`labels/reviewed.py`), fitting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from insights_assets.labels.corpus import Row
from insights_assets.labels.reviewed import Reviewed

#: What a reviewer put right is what the corpus does not know yet; a confirmation tells less.
CORRECTION_WEIGHT, CONFIRMATION_WEIGHT = 4.0, 1.0
#: Reviewed records that one training takes; corrections are the last to be left out.
ROWS_AT_MOST = 20_000


def training_rows(reviewed: Sequence[Reviewed], last_correction_id: int) -> list[dict[str, Any]]:
    """Rows of `learning.training_set`. Same reviews, same rows and version."""
    ordered = sorted(reviewed, key=lambda one: (not one.contradicts, one.feedback_id))[:ROWS_AT_MOST]
    rows = [
        {
            "feedback_id": one.feedback_id, "place": place, "side": one.side, "group_key": hashlib.sha256(one.group.encode()).hexdigest()[:16],
            "language": one.record["language"], "text": one.record["text"], "topics": [topic for topic in one.right if topic != "other"], "sentiment": one.sentiment,
            "is_correction": one.contradicts, "weight": CORRECTION_WEIGHT if one.contradicts else CONFIRMATION_WEIGHT,
        }
        for place, one in enumerate(ordered)
    ]
    version = dataset_version(rows)
    return [{**row, "dataset_version": version, "last_correction_id": last_correction_id} for row in rows]


def dataset_version(rows: Iterable[Mapping[str, Any]]) -> str:
    """Content hash of everything a training sees of its rows; no ids, so that two homes with the same reviews agree."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row["side"], row["language"], row["text"], row["topics"], row["sentiment"], row["weight"]], ensure_ascii=False).encode())
    return "data@" + digest.hexdigest()[:12]


def rows_to_learn(rows: Iterable[Mapping[str, Any]], languages: Sequence[str]) -> list[Row]:
    """The training side as the trainer takes it; languages that it does not know are left out."""
    return [
        Row(row["text"], tuple(row["topics"]), row["sentiment"], row["language"], (f"reviewed:{row['group_key']}",), float(row["weight"]))
        for row in rows if row["side"] == "train" and row["language"] in languages and row["text"]
    ]  # fmt: skip
