"""A published home with a review queue: known records, hostile text among them, shown and blind ones, doubtful ones and a repeat.

Belongs here: writing that home over the console's. Does not belong here: assertions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from insights_assets.labels.label_set import load_label_set
from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import open_operations
from insights_assets_tests.console.homes import AS_OF, HOSTILE, NOW, build_home, feedback_id, write

#: Numbers of the records in the queue, in its order. D0 to D6 carry the hostile corpus.
ASKED = ("C1", "D0", "W1", "D1", "D2", "D3", "D4", "D5", "D6", "S0", "C2", "W2")
BLIND, DOUBTFUL, REPEAT = "W1", "C2", "W2"
TOPICS = {"C": "shipping_delay", "D": "damaged_on_arrival", "W": "feature_request", "S": "safety"}


def queue_rows() -> list[dict[str, Any]]:
    rows = []
    for place, number in enumerate(ASKED, start=1):
        topic, is_repeat = TOPICS[number[0]], number == REPEAT
        text = HOSTILE[int(number[1])] if number[0] == "D" else {"C": "Still waiting for my parcel.", "W": "Please add a gift wrap option.", "S": "The plug gave me a shock."}[number[0]]
        sure = 0.41 if number == DOUBTFUL else 0.93
        rows.append({
            "feedback_id": feedback_id(number), "place": place, "stratum": topic, "stratum_size": 400, "inclusion_weight": 0.0 if is_repeat or number == DOUBTFUL else 10.0,
            "reason": "repeat" if is_repeat else "uncertain" if number == DOUBTFUL else "stratified", "is_blind": number == BLIND or is_repeat, "source": "reviews",
            "channel": "storefront", "language": "en", "text": text, "rating": 1.0, "sku": "LMP-1", "topics": None if is_repeat else [topic],
            "confidences": None if is_repeat else [sure], "sentiment": None if is_repeat else "negative", "urgency": None if is_repeat else "normal",
            "confidence": None if is_repeat else sure, "label_set_version": load_label_set().version, "model_version": "clf-1", "prompt_version": "none",
        })  # fmt: skip
    return rows


def candidate_rows() -> list[dict[str, Any]]:
    """A topic the list lacks, whose names and quotes are hostile."""
    return [{
        "candidate_id": "NT-00000001", "name": HOSTILE[0], "other_names": [HOSTILE[1]], "found_by": "model", "theme_id": None, "theme_name": None, "known_as": "price_value",
        "records_count": 5, "customers_count": 4, "named_count": 5, "share": 0.01, "first_seen_day": AS_OF, "last_seen_day": AS_OF, "languages": ["en"], "channels": ["storefront"],
        "quotes": list(HOSTILE[2:5]), "evidence_ids": ["a", "b", "c"], "label_set_version": load_label_set().version,
    }]  # fmt: skip


def build_review_home(home: Path, spark: Any, *, empty: bool = False) -> None:
    """The console's home with the queue; the repeat was read by bob. `empty`: nothing waits for a reader, and one candidate for a topic is listed."""
    from insights_assets.tables import all_tables

    build_home(home, spark)
    lake = Lake(home / "lake", lambda: spark)
    write(lake, "labels.review_queue", [] if empty else queue_rows())
    write(lake, "clusters.topic_candidates", candidate_rows() if empty else [])
    operations = open_operations(f"sqlite:///{home / 'operations.db'}", clock=lambda: NOW)
    if not empty:
        operations.corrections.add(feedback_id(REPEAT), "topics", ["feature_request"], by="bob", previous_value={"topics": ["price_value"], "weight": 0.0, "model_version": "clf-1"})
    versions = {str(spec): version for spec in all_tables() if (version := lake.version(spec)) is not None}
    operations.record_publication("1f3c2a1b-5d6e-4f70-8a9b-0c1d2e3f4a5c", AS_OF, versions)
    operations.close()
