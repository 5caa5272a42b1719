"""Parsing: what a model said, held against the schema, the closed lists and the text. What does not hold does not exist.

Belongs here: our own reading of the JSON, quotes, SKUs, the summary's guard. Does not belong here: rows of labels (`label`), offsets in the
original (a reply may serve several originals; `label` finds the quotes again in each).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from insights_assets.labels.label_set import LabelSet
from insights_assets.labels.model.defence import ACTIVE, GAP, LINK, Prepared
from insights_assets.labels.model.injection import instruction_spans
from insights_assets.labels.model.naming import MOST_NAMED, SaidEntity, kept_of
from insights_assets.labels.model.outcomes import Outcome
from insights_assets.labels.model.questions import Judged

TONES = ("negative", "neutral", "positive")
URGENCIES = ("low", "normal", "high", "critical")
BANDS = ("low", "medium", "high")
LONGEST_SUMMARY = 160
_ENTITY_FIELDS = {"kind", "quote", "confidence"}
_TOPIC_FIELDS = {"topic", "quote", "sentiment", "confidence"}
_FIELDS = {"topics", "sentiment", "urgency", "sku", "risk_tags", "summary", "new_topic_candidate"}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CODE = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w+(?:[-_/]\w+)*\b|\b[A-Z0-9]+(?:[-_/][A-Z0-9]+)+\b")
_CANDIDATE = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+){1,4}")


@dataclass(frozen=True, slots=True)
class SaidTopic:
    """One topic of a reply, its quote as it stands in what was sent (empty only for `other`)."""

    topic: str
    quote: str
    sentiment: str
    band: str


@dataclass(frozen=True, slots=True)
class Said:
    """A reply that holds. `summary` is None where it said something that the text does not."""

    topics: tuple[SaidTopic, ...]
    sentiment: str
    urgency: str
    sku: str | None
    risk_tags: tuple[str, ...]
    summary: str | None
    new_topic_candidate: str | None
    #: Things named, where the prompt asks for them: None where it does not. What does not hold is left out and counted.
    entities: tuple[SaidEntity, ...] | None = None
    entities_dropped: int = 0


class _Off(ValueError):
    """A field outside the schema."""


def judge_reply(content: str, text: Prepared, label_set: LabelSet, skus: Collection[str], kinds: Collection[str] = ()) -> Judged:
    """Whether a reply may become a label. `kinds`: those of things that the prompt asks for, if it asks for any."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Judged(Outcome.INVALID_JSON)
    try:
        said = _read(document, label_set, skus, kinds)
    except _Off as fault:
        return Judged(Outcome.OFF_SCHEMA, detail=str(fault))
    for one in said.topics:
        if not (one.topic == "other" and not one.quote) and text.find(one.quote) is None:
            return Judged(Outcome.QUOTE_MISMATCH, detail=one.topic)
    summary = said.summary if said.summary is not None and summary_holds(said.summary, text.plain) else None
    entities, dropped = kept_of(said.entities, text) if said.entities is not None else (None, 0)
    remarks = ("summary replaced" if summary is None else "", f"entities dropped:{dropped}" if dropped else "")
    return Judged(Outcome.OK, replace(said, summary=summary, entities=entities, entities_dropped=dropped), " ".join(filter(None, remarks)) or None)


def summary_holds(summary: str, plain: str) -> bool:
    """Whether a summary stays within its text: no link, nothing active, no number or code the text lacks, no words to a machine."""
    if not summary.strip() or len(summary) > LONGEST_SUMMARY or GAP in summary:
        return False
    if LINK.search(summary) or ACTIVE.search(summary) or instruction_spans(summary):
        return False
    numbers, codes = set(_NUMBER.findall(plain)), plain.casefold()
    return all(number in numbers for number in _NUMBER.findall(summary)) and all(code.casefold() in codes for code in _CODE.findall(summary))


def _read(document: Any, label_set: LabelSet, skus: Collection[str], kinds: Collection[str]) -> Said:
    top = _object(document, _FIELDS | {"entities"} if kinds else _FIELDS, "reply")
    listed = top["topics"]
    if not isinstance(listed, list) or not listed or len(listed) > 2 * len(label_set.topic_ids):
        raise _Off("topics")
    topics: dict[str, SaidTopic] = {}
    for entry in listed:
        fields = _object(entry, _TOPIC_FIELDS, "topics")
        topic = _one_of(fields["topic"], label_set.topic_ids, "topic")
        if not isinstance(fields["quote"], str):
            raise _Off("quote")
        one = SaidTopic(topic, fields["quote"].strip(), _one_of(fields["sentiment"], TONES, "topic sentiment"), _one_of(fields["confidence"], BANDS, "confidence"))
        topics.setdefault(topic, one)
    if len(topics) > 1:
        topics.pop("other", None)
    tags = top["risk_tags"]
    if not isinstance(tags, list):
        raise _Off("risk_tags")
    tagged = {_one_of(tag, label_set.risk_tag_ids, "risk_tags") for tag in tags}
    sku = top["sku"]
    if sku is not None and (not isinstance(sku, str) or sku not in skus):
        raise _Off("sku")
    if not isinstance(top["summary"], str):
        raise _Off("summary")
    return Said(
        tuple(topics.values()), _one_of(top["sentiment"], TONES, "sentiment"), _one_of(top["urgency"], URGENCIES, "urgency"), sku,
        tuple(tag for tag in label_set.risk_tag_ids if tag in tagged), " ".join(top["summary"].split()), _candidate(top["new_topic_candidate"]),
        _entities(top["entities"], kinds) if kinds else None,
    )


def _entities(listed: Any, kinds: Collection[str]) -> tuple[SaidEntity, ...]:
    if not isinstance(listed, list) or len(listed) > 4 * MOST_NAMED:
        raise _Off("entities")
    found = []
    for entry in listed:
        fields = _object(entry, _ENTITY_FIELDS, "entities")
        if not isinstance(fields["quote"], str):
            raise _Off("entity quote")
        found.append(SaidEntity(_one_of(fields["kind"], kinds, "entity kind"), fields["quote"].strip(), _one_of(fields["confidence"], BANDS, "entity confidence")))
    return tuple(found)


def _object(value: Any, fields: set[str], where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != fields:
        raise _Off(where)
    return value


def _one_of(value: Any, allowed: Collection[str], where: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise _Off(where)
    return value


def _candidate(value: Any) -> str | None:
    """A name for a topic the set lacks: two to five plain words, else nothing."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Off("new_topic_candidate")
    words = value.strip()
    return words.lower() if len(words) <= 40 and _CANDIDATE.fullmatch(words) and not instruction_spans(words) else None
