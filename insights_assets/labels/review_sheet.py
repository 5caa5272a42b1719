"""The reviewers' sheet (R85, R142): its columns, what is remembered of an export, and what a filled sheet says or gets wrong.

Belongs here: pure functions from queue rows to cells and from cells to answers and faults. Does not belong here: files
(`review_workbook.py`, the command), storing. What was asked stays at home, under the sheet's id: a sheet that comes back is held
against it, so nothing in it has to be believed but the answers. What is remembered holds no text, only hashes of it.
"""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from insights_assets.labels.review import NO_TOPIC
from insights_assets.labels.review_agreement import URGENCIES

#: Cells a reviewer reads and must leave as they are.
LOCKED = ("row", "feedback_id", "source", "stars", "product", "language", "text", "label_topics", "confidence", "label_sentiment", "label_urgency")
#: Cells a reviewer fills.
ANSWERS = ("agree", "topic_1", "topic_2", "topic_3", "sentiment", "urgency", "reason")
#: Cells the import knows a row by.
KNOWN_BY = ("label_set", "sheet", "row_hash")
COLUMNS = (*LOCKED, *ANSWERS, *KNOWN_BY)
TOPIC_CELLS = ("topic_1", "topic_2", "topic_3")
SENTIMENTS = ("negative", "neutral", "positive")
AGREE = "yes"
#: Stands where a label is not shown.
HIDDEN = "hidden"
#: Below this a label's confidence is coloured.
LOW_CONFIDENCE = 0.6
REASON_CHARACTERS = 400
#: What correction rows are made from; kept of each row of a sheet.
_REMEMBERED = (
    "feedback_id", "stratum", "stratum_size", "inclusion_weight", "reason", "is_blind", "source", "channel", "language", "topics", "confidences", "sentiment",
    "urgency", "label_set_version", "model_version", "prompt_version",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """Why a row cannot be used: where, what, and what to do."""

    line: int
    feedback_id: str
    field: str
    problem: str
    todo: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.problem}; {self.todo}"


@dataclass(frozen=True)
class Filled:
    """What a sheet says: queue items and answers by id as `review.correction_rows` takes them, faults, rows nobody answered."""

    items: tuple[dict[str, Any], ...]
    answers: dict[str, dict[str, Any]]
    faults: tuple[Fault, ...]
    unanswered: int


def make_sheet(queue: Sequence[Mapping[str, Any]], label_set: str, clean: Callable[[str], str]) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """(sheet id, rows of cells, what is remembered) of queue rows. The same rows give the same id."""
    items = [{name: row.get(name) for name in _REMEMBERED} for row in queue]
    sheet = hashlib.sha256(repr((label_set, items)).encode()).hexdigest()[:12]
    rows, remembered = [], {}
    for number, (row, item) in enumerate(zip(queue, items, strict=True), start=1):
        cells = {"row": number, **_shown(row, clean)}
        hashes = {name: _hash(cells[name])[:6] for name in LOCKED}
        row_hash = _hash(f"{sheet}|{'|'.join(hashes.values())}")
        rows.append({**cells, **dict.fromkeys(ANSWERS, ""), "label_set": label_set, "sheet": sheet, "row_hash": row_hash})
        remembered[str(row["feedback_id"])] = {**item, "cells": hashes, "row_hash": row_hash}
    return sheet, rows, {"label_set": label_set, "rows": remembered}


def _shown(row: Mapping[str, Any], clean: Callable[[str], str]) -> dict[str, Any]:
    hidden, sure = bool(row.get("is_blind")), row.get("confidence")
    stars = row.get("rating")
    return {
        "feedback_id": str(row["feedback_id"]), "source": clean(str(row.get("source") or "")), "stars": "" if stars is None or stars != stars else f"{stars:g}",
        "product": clean(str(row.get("sku") or "")), "language": clean(str(row.get("language") or "")), "text": clean(str(row.get("text") or "")),
        "label_topics": HIDDEN if hidden else "; ".join(row.get("topics") or ("other",)), "confidence": "" if hidden or sure is None else round(float(sure), 2),
        "label_sentiment": HIDDEN if hidden else str(row.get("sentiment") or ""), "label_urgency": HIDDEN if hidden else str(row.get("urgency") or ""),
    }  # fmt: skip


def _hash(value: Any) -> str:
    """Hash of a cell as any spreadsheet program gives it back: blanks single, numbers by value, the apostrophe of a made-safe cell gone."""
    return hashlib.sha256(_told(value).encode("utf-8", "replace")).hexdigest()[:16]


def _told(value: Any) -> str:
    text = " ".join(str("" if value is None else value).split()).lstrip("'")
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def read_answers(rows: Iterable[tuple[int, Mapping[str, Any]]], remembered: Callable[[str], Mapping[str, Any] | None], topics: Sequence[str], label_set: str) -> Filled:
    """Hold a filled sheet against what was exported. `rows`: (line, cells by column); `remembered`: what was kept under a sheet's id."""
    answered, unanswered = [], 0
    for line, cells in rows:
        if any(_text(cells.get(name)) for name in ANSWERS):
            answered.append((line, cells))
        elif any(_text(cells.get(name)) for name in COLUMNS):
            unanswered += 1
    times = Counter(_text(cells.get("feedback_id")) for _, cells in answered)
    items, answers, faults = [], {}, []
    for line, cells in answered:
        feedback_id = _text(cells.get("feedback_id"))
        found = _fault_of_row(cells, remembered(_text(cells.get("sheet"))), label_set)
        if found is None and times[feedback_id] > 1:
            lines = ", ".join(str(other) for other, row in answered if _text(row.get("feedback_id")) == feedback_id)
            found = ("feedback_id", f"the record is answered {times[feedback_id]} times (lines {lines})", "keep one of them")
        if found is None:
            item = remembered(_text(cells.get("sheet")))["rows"][feedback_id]  # type: ignore[index]
            said = _answer(cells, item, topics)
            if isinstance(said, dict):
                items.append({**{name: item.get(name) for name in _REMEMBERED}, "sheet": _text(cells.get("sheet"))})
                answers[feedback_id] = said
                continue
            found = said
        faults.append(Fault(line, feedback_id[:40], *found))
    return Filled(tuple(items), answers, tuple(faults), unanswered)


_Found = tuple[str, str, str]


def _fault_of_row(cells: Mapping[str, Any], sheet: Mapping[str, Any] | None, label_set: str) -> _Found | None:
    """Whether the row is one that was exported, untouched and still current."""
    if sheet is None:
        return "sheet", f"{_short(cells.get('sheet'))} is no sheet that was exported from this home", "export from this home, or import into the home it came from"
    if {sheet["label_set"], _text(cells.get("label_set"))} != {label_set}:
        return "label_set", f"the sheet is of label set {_short(cells.get('label_set'))}, in force is {label_set}", "export anew and answer there"
    feedback_id, by_id = _text(cells.get("feedback_id")), sheet["rows"]
    if feedback_id not in by_id:
        owner = next((one for one, item in by_id.items() if item["row_hash"] == _text(cells.get("row_hash"))), None)
        if owner is not None:
            return "feedback_id", f"the id was edited; this row is {owner}", "put the id back"
        return "feedback_id", f"{_short(feedback_id)} is not a row of this sheet", "remove the row; only exported rows can be answered"
    item = by_id[feedback_id]
    changed = [name for name in LOCKED if name in cells and _hash(cells[name])[:6] != item["cells"][name] and name != "row"]
    if changed:
        return changed[0], "a locked cell was changed" + (f" (also {', '.join(changed[1:])})" if changed[1:] else ""), "put it back or export anew: the answer may be to another text"
    if _text(cells.get("row_hash")) != item["row_hash"]:
        return "row_hash", "the row's check does not fit its record", "put the row back as it was exported"
    return None


def _answer(cells: Mapping[str, Any], item: Mapping[str, Any], topics: Sequence[str]) -> dict[str, Any] | _Found:
    """The answer of a sound row, or what is wrong with it. What was shown and is left empty is confirmed."""
    agrees = _text(cells.get("agree")).lower()
    if agrees not in ("", AGREE):
        return "agree", f"{_short(agrees)} is neither empty nor {AGREE}", f"write {AGREE}, or leave it empty and choose topics"
    given: dict[str, str] = {}
    for name in TOPIC_CELLS:
        if topic := _text(cells.get(name)):
            if topic not in topics:
                near = difflib.get_close_matches(topic.lower().replace(" ", "_"), topics, n=1)
                return name, f"{_short(topic)} is not in the label set", f"did you mean {near[0]}?" if near else "choose from the list; the sheet Labels explains them"
            given.setdefault(topic, name)
    chosen, said = frozenset(given), frozenset(item["topics"] or ())
    if chosen & NO_TOPIC and len(chosen) > 1:
        return given["other"], "other stands beside a topic", "other says that no topic fits; remove one of them"
    if agrees and item["is_blind"]:
        return "agree", "there is no label to agree with: this row is read blind", "choose the topics"
    if agrees and chosen and chosen != said:
        return "agree", "it agrees and names other topics", f"remove {AGREE} or the topics"
    if not agrees and not chosen:
        return "topic_1", "the topics are not answered", "choose topics" + ("" if item["is_blind"] else f", or write {AGREE} in agree")
    answer: dict[str, Any] = {"topics": sorted(chosen or said)}
    for name, allowed in (("sentiment", SENTIMENTS), ("urgency", URGENCIES)):
        value = _text(cells.get(name)).lower()
        if value and value not in allowed:
            return name, f"{_short(value)} is not one of {', '.join(allowed)}", "choose from the list"
        if value or (item[name] and not item["is_blind"]):
            answer[name] = value or item[name]
    if reason := _text(cells.get("reason"))[:REASON_CHARACTERS]:
        answer["reason"] = reason
    return answer


def _text(value: Any) -> str:
    return " ".join(str("" if value is None else value).split()).lstrip("'")


def _short(value: Any) -> str:
    """What stood in a cell, in quotes and not too long."""
    return repr(_text(value)[:40])
