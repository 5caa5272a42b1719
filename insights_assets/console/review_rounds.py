"""What *Review* asks and says: the round, the record in words with its quote marked, the keys, and recording an answer.

Belongs here: plain functions over queue rows and corrections. Does not belong here: drawing (`views/review.py`), reading, and what
an answer means for labels (`labels/review.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from insights_assets.actions.escaping import plain
from insights_assets.actions.model import number_of, text_of
from insights_assets.labels.review import FIELDS, NO_TOPIC, correction_rows, still_to_read
from insights_assets.labels.review_agreement import URGENCIES
from insights_assets.labels.review_sheet import SENTIMENTS
from insights_assets.resources.operations.judgements import RefusedJudgement

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.models import Correction

Row = Mapping[str, Any]
#: Records of a round: what a person reads in one sitting.
ROUND = 120
#: Seconds a record takes, until this person's own pace is known; and a pause that is no reading any more.
USUAL_SECONDS, PAUSE_SECONDS = 6.0, 120.0
THROUGH = "console"
#: Keys in the order of topics, sentiments and urgencies: a row of the keyboard each. The console keeps C and R for itself.
TOPIC_KEYS = "123456789QWETYIOP"
CHOICE_KEYS = {"sentiment": dict(zip(SENTIMENTS, "FGH", strict=True)), "urgency": dict(zip(URGENCIES, "VBNM", strict=True))}
AGREE_KEY, SKIP_KEY, UNDO_KEY = "Enter", "S", "U"
_LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese"}


@dataclass(frozen=True)
class Round:
    """Where a person stands: `left` in the order of asking, `done` and `total` of this round, records after it, pace."""

    left: tuple[Row, ...]
    done: int
    total: int
    later: int
    seconds: float

    @property
    def words(self) -> str:
        minutes = max(1, round((self.total - self.done) * self.seconds / 60))
        time = f"about {minutes} {'minute' if minutes == 1 else 'minutes'} left"
        return f"{self.done} of {self.total}, {time}" + (f"; {self.later:,} more wait after this round" if self.later else "")


def make_round(queue: Sequence[Row], corrections: Sequence[Correction], by: str, skipped: Collection[str] = (), first: str | None = None) -> Round:
    """The round of a person: what is left of it, skipped ones last, `first` before all."""
    ordered = sorted(queue, key=lambda row: (row["place"] is None, row["place"], row["feedback_id"]))
    left = still_to_read(ordered, corrections, by)
    ids = {row["feedback_id"] for row in left}
    mine = {row.feedback_id for row in corrections if row.corrected_by == by}
    # A repeat that this person read first was never this person's to do.
    done = sum(row["feedback_id"] not in ids and not (row["reason"] == "repeat" and row["feedback_id"] in mine and not _second(row, corrections, by)) for row in ordered)
    before = done - done % ROUND
    total = min(ROUND, done - before + len(left))
    kept = left[: total - (done - before)]
    kept = sorted(kept, key=lambda row: (row["feedback_id"] != first, row["feedback_id"] in skipped))
    return Round(tuple(kept), done - before, total, len(left) - len(kept), pace(corrections, by))


def _second(row: Row, corrections: Iterable[Correction], by: str) -> bool:
    """Whether somebody else had read the record before this person did."""
    people = list(dict.fromkeys(one.corrected_by for one in corrections if one.feedback_id == row["feedback_id"]))
    return bool(people) and people[0] != by


def pace(corrections: Iterable[Correction], by: str) -> float:
    """Seconds a record takes this person: the middle of the last twenty that followed another without a pause."""
    answered: dict[str, datetime] = {}
    for one in corrections:
        if one.corrected_by == by and one.corrected_through == THROUGH:
            answered.setdefault(one.feedback_id, one.corrected_at)
    times = sorted(answered.values())
    gaps = [(later - earlier) / timedelta(seconds=1) for earlier, later in pairwise(times)]
    steady = [gap for gap in gaps if 0.5 <= gap <= PAUSE_SECONDS][-20:]
    return median(steady) if len(steady) >= 5 else USUAL_SECONDS


@dataclass(frozen=True)
class Asked:
    """A record as the page shows it. `parts`: its text in pieces, the quotes of its topics marked."""

    feedback_id: str
    about: str
    parts: tuple[tuple[str, bool], ...]
    is_blind: bool
    said: tuple[str, ...]
    label: tuple[str, str]


def asked(row: Row, record: Row | None, titles: Mapping[str, str]) -> Asked:
    """A queue row with its record (text, label with quotes) in words. A blind one shows nothing of its label."""
    text, blind = text_of(row.get("text")), bool(row.get("is_blind"))
    said = tuple(row.get("topics") or ())
    stars = number_of(row.get("rating"))
    source, channel = text_of(row.get("source")).replace("_", " ").removesuffix("s"), text_of(row.get("channel"))
    about = [
        source, channel if channel != source else "", f"{stars:g} of 5 stars" if stars is not None else "",
        f"product {plain(text_of(row.get('sku')), 40)}" if row.get("sku") else "", _LANGUAGES.get(text_of(row.get("language")), text_of(row.get("language"))),
    ]  # fmt: skip
    spans = [] if blind or record is None or text_of(record.get("text")) != text else _quotes(record, said)
    return Asked(
        str(row["feedback_id"]), " · ".join(plain(part, 60) for part in about if part), tuple(marked(text, spans)), blind, said,
        ("", "") if blind else label_words(row, titles),
    )  # fmt: skip


def _quotes(record: Row, said: Collection[str]) -> list[tuple[int, int]]:
    topics = (record.get("label") or {}).get("topics") or ()
    return [(int(one["start"]), int(one["end"])) for one in topics if one["topic"] in said and one.get("quote") and one.get("start") is not None and one.get("end") is not None]


def marked(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[str, bool]]:
    """The text in pieces, what a span covers marked; every piece of visible characters only, spaces between them kept."""
    covered = [False] * len(text)
    for start, end in spans:
        for place in range(max(0, start), min(end, len(text))):
            covered[place] = True
    pieces: list[tuple[str, bool]] = []
    begin = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or covered[place] != covered[begin]:
            piece = text[begin:place]
            shown = plain(piece)
            if shown:
                pieces.append((f"{' ' if piece[0].isspace() else ''}{shown}{' ' if piece[-1].isspace() else ''}", covered[begin]))
            elif pieces and piece:
                pieces[-1] = (pieces[-1][0] + " ", pieces[-1][1])
            begin = place
    return pieces


def label_words(row: Row, titles: Mapping[str, str]) -> tuple[str, str]:
    """What the label says: its topics with how sure it is; feeling and urgency."""
    sure = row.get("confidences") or [None] * len(row.get("topics") or ())
    topics = [titles.get(topic, topic) + (f" ({100 * share:.0f} % sure)" if share is not None else "") for topic, share in zip(row.get("topics") or (), sure, strict=True)]
    return ", ".join(topics) or "no topic", ", ".join(f"{name} {text_of(row.get(field))}" for name, field in (("feeling", "sentiment"), ("urgency", "urgency")) if row.get(field))


def draft_of(row: Row) -> dict[str, Any]:
    """The answer to begin with: the label, or nothing where it is not shown."""
    if row.get("is_blind"):
        return {"topics": [], "sentiment": None, "urgency": None}
    return {"topics": sorted(row.get("topics") or ("other",)), "sentiment": row.get("sentiment"), "urgency": row.get("urgency")}


def toggled(draft: Mapping[str, Any], topic: str) -> dict[str, Any]:
    """The draft with a topic taken in or out; `other` stands alone."""
    topics = set(draft["topics"])
    topics = topics - {topic} if topic in topics else {topic} if topic in NO_TOPIC else (topics - NO_TOPIC) | {topic}
    return {**draft, "topics": sorted(topics)}


def record_answer(operations: Operations, row: Row, draft: Mapping[str, Any], *, by: str) -> int:
    """Keep an answer. Raises RefusedJudgement with what to do."""
    if not by.strip():
        raise RefusedJudgement("write your name first: an answer is kept with who gave it")
    if not draft["topics"]:
        raise RefusedJudgement("choose a topic first; Other says that none fits")
    answer = {name: draft[name] for name in FIELDS if draft[name] is not None}
    return operations.corrections.add_many(correction_rows([row], {row["feedback_id"]: answer}), by=by.strip(), through=THROUGH)


def take_back(operations: Operations, queue: Iterable[Row], *, by: str) -> tuple[str, dict[str, Any]] | None:
    """Take this person's newest answer here back, by one more row a field; gives the record and what the answer was."""
    ids = {row["feedback_id"] for row in queue}
    mine = [row for row in operations.corrections.all() if row.corrected_by == by and row.corrected_through == THROUGH and row.feedback_id in ids]
    newest = {(row.feedback_id, row.field): row for row in mine}
    stands = [row for row in newest.values() if row.value["value"] is not None]
    if not stands:
        return None
    feedback_id = max(stands, key=lambda row: row.correction_id).feedback_id
    rows = [row for row in stands if row.feedback_id == feedback_id]
    operations.corrections.add_many(
        [{"feedback_id": feedback_id, "field": row.field, "value": None, "previous_value": {row.field: row.value["value"]}, "reason": "taken back"} for row in rows],
        by=by, through=THROUGH,
    )  # fmt: skip
    answer = {row.field: row.value["value"] for row in rows}
    return feedback_id, {"topics": answer.get("topics", []), "sentiment": answer.get("sentiment"), "urgency": answer.get("urgency")}
