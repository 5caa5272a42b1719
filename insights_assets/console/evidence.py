"""The exact records that drive an insight, as a page shows them: few, at most two a customer, in words that are already redacted.

Belongs here: choosing and saying records. Does not belong here: reading them (`reading.py`); who counts as evidence (the
anomalies stage names the records, and only those are shown).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from insights_assets.actions import wording
from insights_assets.actions.escaping import plain
from insights_assets.actions.model import Issue, list_of, number_of, text_of, time_of

#: R51: how many records stand for an insight, and how many of them one customer may give.
RECORDS_SHOWN, RECORDS_A_CUSTOMER = 8, 2
TEXT_CHARACTERS = 420
Row = Mapping[str, Any]


@dataclass(frozen=True)
class ShownRecord:
    """One record in words. All of it is text from data: it is shown as text and as nothing else."""

    feedback_id: str
    heading: str
    about: str
    text: str
    has_words: bool


def shown_records(issue: Issue, records: Mapping[str, Row], zone: ZoneInfo) -> tuple[ShownRecord, ...]:
    """The insight's own evidence, words before mere signals, else in its order (most typical and most recent): at most 8, at most 2
    a customer."""
    given: Counter[str] = Counter()
    chosen: list[ShownRecord] = []
    for feedback_id in issue.evidence_ids:
        row = records.get(feedback_id)
        if row is None or len(chosen) == RECORDS_SHOWN:
            continue
        customer = text_of(row.get("customer_key")) or feedback_id
        if given[customer] < RECORDS_A_CUSTOMER:
            given[customer] += 1
            chosen.append(shown_record(issue.topic, row, zone))
    return tuple(sorted(chosen, key=lambda record: not record.has_words))


def shown_record(topic: str, row: Row, zone: ZoneInfo) -> ShownRecord:
    """One record: where it came from and when, what it is about, what was said."""
    source = text_of(row["source"]).replace("_", " ").removesuffix("s")
    said = time_of(row["occurred_at"])
    heading = [f"{source} {plain(text_of(row['record_ref']), 60)}"]
    if said is not None:
        heading.append(wording.moment(said, zone))
    rating, nps = number_of(row.get("rating")), number_of(row.get("nps"))
    if rating is not None:
        heading.append(f"{rating:g} of 5 stars")
    if nps is not None:
        heading.append(f"{nps:g} of 10")
    text = plain(text_of(row.get("text")), TEXT_CHARACTERS)
    return ShownRecord(
        feedback_id=str(row["feedback_id"]),
        heading=" · ".join(heading),
        about=_about(row),
        text=text or _without_words(row),
        has_words=bool(text),
    )


def _about(row: Row) -> str:
    status = text_of(row.get("order_ref_status"))
    order = plain(text_of(row.get("order_id")), 40)
    parts = [f"order {order}" + (" (not found)" if status == "broken" else "") if order else "no order named"]
    for name, word in (("sku", "product"), ("warehouse", "from"), ("packaging_batch", "batch"), ("carrier", "carrier"), ("region", "region")):
        if value := plain(text_of(row.get(name)), 60):
            parts.append(f"{word} {value}")
    return " · ".join(parts)


def _without_words(row: Row) -> str:
    signal = text_of(row.get("signal"))
    if signal:
        page = plain(text_of(row.get("signal_page")), 60)
        return f"no words: a session that {'met an error' if signal == 'error' else 'was abandoned'}" + (f" on {page}" if page else "")
    return "no words: a rating only"


def evidence_table(issue: Issue, records: Iterable[Row], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Every record of the insight as a row of the full table, exemplars first marked."""
    exemplars = frozenset(issue.evidence_ids)
    out = []
    for row in records:
        said = time_of(row["occurred_at"])
        quote, confidence = _said_of(issue.topic, row)
        out.append(
            {
                "exemplar": row["feedback_id"] in exemplars,
                "said at": said.astimezone(zone).replace(tzinfo=None) if said is not None else None,
                "what was said": plain(text_of(row.get("text"))) or _without_words(row),
                "quote of the topic": plain(quote),
                "confidence": confidence,
                "rating": number_of(row.get("rating")),
                "source": text_of(row["source"]),
                "record": plain(text_of(row["record_ref"])),
                "order": plain(text_of(row.get("order_id"))),
                "product": plain(text_of(row.get("sku"))),
                "warehouse": plain(text_of(row.get("warehouse"))),
                "batch": plain(text_of(row.get("packaging_batch"))),
                "carrier": plain(text_of(row.get("carrier"))),
                "region": plain(text_of(row.get("region"))),
                "feedback id": str(row["feedback_id"]),
            }
        )
    return out


def _said_of(topic: str, row: Row) -> tuple[str, float | None]:
    """The quote and confidence of the topic in the record's label."""
    entries: Sequence[Any] = list_of((row.get("label") or {}).get("topics"))
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("topic") == topic:
            return text_of(entry.get("quote")), number_of(entry.get("confidence"))
    return "", None
