"""Shares of topics corrected for the labels' own errors, week by week (Rogan, W. and Gladen, B. 1978, Am. J. Epidemiol. 107).

Belongs here: pure arithmetic. Does not belong here: reading tables, deciding what may be published (`trust.py`).

Of the records labelled with a topic a share `precision` is right, and the right ones are a share `recall` of all there are; so the
true share is observed x precision / recall. The interval takes the spread of all three (delta method on the logarithm); it is
wide where little is reviewed, and missing below 30 reviewed records on either side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Z95 = 1.959964


@dataclass(frozen=True)
class Confusion:
    """What reviewers found of a topic: records labelled with it, records that have it, and the two shares."""

    predicted: int
    actual: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Corrected:
    """A corrected share with its 95 % interval."""

    share: float
    low: float
    high: float


def correct(labelled: int, records: int, confusion: Confusion, least: int = 30) -> Corrected | None:
    """The corrected share of a topic; None below `least` reviewed records on either side, or where nothing was right."""
    if min(confusion.predicted, confusion.actual) < least or not records or confusion.precision <= 0 or confusion.recall <= 0:
        return None
    share = min(1.0, labelled / records * confusion.precision / confusion.recall)
    if labelled == 0:
        # Nothing labelled: at most what three unseen records (95 % of the time) would be.
        return Corrected(0.0, 0.0, min(1.0, 3 / records / confusion.recall))
    variance = (
        (1 - labelled / records) / labelled
        + (1 - confusion.precision) / (confusion.precision * confusion.predicted)
        + (1 - confusion.recall) / (confusion.recall * confusion.actual)
    )
    factor = math.exp(Z95 * math.sqrt(variance))
    return Corrected(share, share / factor, min(1.0, share * factor))


def corrected_rows(counts: Iterable[tuple[date, str, int]], totals: Mapping[date, int], quality: Mapping[str, Confusion], reviewed: Mapping[str, int], least: int = 30) -> list[dict[str, Any]]:
    """Rows of `anomalies.corrected_shares`; `counts`: (week, topic, labelled records), `totals`: week -> records."""
    rows = []
    for week, topic, labelled in sorted(counts, key=lambda item: (item[1], item[0])):
        confusion = quality.get(topic)
        found = correct(labelled, totals[week], confusion, least) if confusion is not None else None
        rows.append({
            "topic": topic, "week_start": week, "records": totals[week], "labelled_count": labelled, "observed_share": round(labelled / totals[week], 4),
            "corrected_share": round(found.share, 4) if found else None, "corrected_low": round(found.low, 4) if found else None,
            "corrected_high": round(found.high, 4) if found else None, "reviewed_count": reviewed.get(topic, 0), "answer": "corrected" if found else "too_few",
        })  # fmt: skip
    return rows


def week_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())
