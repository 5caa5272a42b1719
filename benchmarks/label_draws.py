"""Which texts of a set are reviewed: as they come, or as the product's review queue puts them before a person.

Belongs here: both draws, each in an order of which every beginning is a draw. Does not belong here: what a review says and what is learned
from it (`label_curve`). The queue is the product's own (`labels.review_sampling`) on the embedded engine: three in ten by the topic that the
label says, with inclusion weights; half of them the least certain; one in ten urgent. Nobody has read anything, so nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from insights_assets.labels.public_sets import PublicText
from insights_assets.labels.review_sampling import REVIEW_DAYS, sample

RANDOM, QUEUE = "as they come", "by the queue"
DRAWS = (RANDOM, QUEUE)
_DAY = date(2026, 11, 22)  # the queue asks how old an urgent record is; texts of a set are spread over its weeks
_SCHEMA = (
    "feedback_id string, source string, channel string, language string, text string, rating double, sku string, primary_topic string, "
    "sentiment string, urgency string, confidence double, received_day date, said array<struct<topic:string,confidence:double>>, "
    "label_set_version string, model_version string, prompt_version string"
)


@dataclass(frozen=True)
class Drawn:
    """One text to be reviewed, and how many of the set it stands for (0: chosen for what it is)."""

    group: str
    text: PublicText
    weight: float


def drawn(way: str, learn: Sequence[tuple[str, PublicText]], rows: Sequence[Mapping[str, Any]], count: int, source: str) -> list[Drawn]:
    """The first `count` texts of the learning side by one way; `rows` are the labels of these texts, in their order."""
    if way == RANDOM:
        return [Drawn(group, text, 1.0) for group, text in learn[:count]]
    return [Drawn(*learn[place], weight) for place, weight in _queued(learn, rows, source)[:count]]


def _queued(learn: Sequence[tuple[str, PublicText]], rows: Sequence[Mapping[str, Any]], source: str) -> list[tuple[int, float]]:
    """(place on the learning side, inclusion weight) in the queue's order."""
    from insights_assets.engine.session import session

    records = [
        (
            group, source, "public set", text.language, text.text, None, None, row["primary_topic"], row["sentiment"], row["urgency"], float(row["confidence"]),
            _DAY - timedelta(days=place % REVIEW_DAYS), [(topic["topic"], float(topic["confidence"])) for topic in row["topics"]],
            row["label_set_version"], row["model_version"], row["prompt_version"],
        )
        for place, ((group, text), row) in enumerate(zip(learn, rows, strict=True))
    ]  # fmt: skip
    queue = sample(session().createDataFrame(records, _SCHEMA), _DAY).select("feedback_id", "place", "inclusion_weight").toArrow().to_pylist()
    place = {group: number for number, (group, _) in enumerate(learn)}
    return [(place[one["feedback_id"]], float(one["inclusion_weight"])) for one in sorted(queue, key=lambda one: int(one["place"]))]
