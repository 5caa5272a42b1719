"""Labels from the model: the same rows that rules and classifier make, for the records it was asked about.

Belongs here: from records to questions, and from a reply that holds to a row of `LABEL_COLUMNS`. Does not belong here: which records are worth
a question and who wins where two disagree (the cascade), sending (`client`).
A row exists only for the outcome ok. For every other one the record keeps its local label, and the outcome says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.labels.attribution import Mention, attribute
from insights_assets.labels.evidence import Span, quote_span
from insights_assets.labels.fields import number_of, text_of
from insights_assets.labels.label_set import topic_rank
from insights_assets.labels.model.client import ModelClient
from insights_assets.labels.model.defence import GAP, Prepared, prepare
from insights_assets.labels.model.naming import rows_of
from insights_assets.labels.model.outcomes import Outcome
from insights_assets.labels.model.parse import Said
from insights_assets.labels.model.questions import Answer, Question
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.sentiment import EDGE, with_rating
from insights_assets.labels.summary import summarise
from insights_assets.labels.urgency import CRITICAL, HIGH, urgency_of

if TYPE_CHECKING:
    from insights_assets.labels.label_set import LabelSet

#: What a model's own word for how sure it is stands for until reviewed rows say what it is worth.
CONFIDENCE_OF_BAND = {"low": 0.5, "medium": 0.7, "high": 0.9}
_SCORE_OF_TONE = {"negative": -0.6, "neutral": 0.0, "positive": 0.6}
#: Records taken from the stream at once.
AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """What the model step made of one record. `row` has the columns of `LABEL_COLUMNS`; None unless `outcome` is ok."""

    feedback_id: str
    outcome: Outcome
    row: dict[str, Any] | None = None
    was_stored: bool = False
    snapshot: str | None = None
    detail: str | None = None
    new_topic_candidate: str | None = None
    #: Sentences were left out because they spoke to a machine, or the vendor's filter saw such an attack: a person should look.
    is_suspect: bool = False
    cache_key: str | None = None
    #: Things the text names, by the model; None where its prompt does not ask for them.
    entities: tuple[dict[str, Any], ...] | None = None
    entities_dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """A record with its text as it was sent."""

    record: Mapping[str, Any]
    text: Prepared
    question: Question


def label_texts(
    records: Iterable[Mapping[str, Any]], client: ModelClient, prompt: LabelPrompt, candidates: Candidates, *, rules_version: str,
    in_batches: Collection[str] = (),
) -> Iterator[ModelLabel]:
    """A model label for each record that has a text, in order; records that ask the same are one request.

    A record has feedback_id, text (redacted) and language, and may have customer_key, sku, sku_source, rating, nps, order_id, reason_code.
    """
    some: list[_Asked] = []
    for record in records:
        if text_of(record.get("text")) is None:
            continue
        some.append(_asked(record, prompt, candidates))
        if len(some) == AT_ONCE:
            yield from _label_some(some, client, prompt, rules_version, in_batches)
            some = []
    if some:
        yield from _label_some(some, client, prompt, rules_version, in_batches)


def questions_of(records: Iterable[Mapping[str, Any]], prompt: LabelPrompt, candidates: Candidates) -> Iterator[Question]:
    """The distinct questions that records ask, for a batch."""
    known: set[str] = set()
    for record in records:
        if text_of(record.get("text")) is not None:
            asked = _asked(record, prompt, candidates)
            if asked.text.says_something and asked.question.cache_key not in known:
                known.add(asked.question.cache_key)
                yield asked.question


def _asked(record: Mapping[str, Any], prompt: LabelPrompt, candidates: Candidates) -> _Asked:
    text = prepare(str(record["text"]))
    subject = text_of(record.get("customer_key"))
    question = prompt.question(text, text_of(record.get("language")), candidates.of(text.plain), (subject,) if subject else ())
    return _Asked(record, text, question)


def _label_some(
    some: list[_Asked], client: ModelClient, prompt: LabelPrompt, rules_version: str, in_batches: Collection[str]
) -> Iterator[ModelLabel]:
    questions: dict[str, Question] = {}
    for one in some:
        if not one.text.says_something:
            continue
        known = questions.get(one.question.cache_key)
        if known is None:
            questions[one.question.cache_key] = one.question
        elif one.question.subjects - known.subjects:
            questions[one.question.cache_key] = Question(
                known.cache_key, known.task, known.prompt_version, known.body, known.judge, known.subjects | one.question.subjects
            )
    answers = {answer.cache_key: answer for answer in client.ask(questions.values(), in_batches=in_batches)}
    for one in some:
        answer = answers.get(one.question.cache_key) or Answer(one.question.cache_key, Outcome.FILTERED_PROMPT, detail="nothing was left to send")
        yield model_label(one.record, one.text, answer, prompt, rules_version)


def model_label(record: Mapping[str, Any], text: Prepared, answer: Answer, prompt: LabelPrompt, rules_version: str) -> ModelLabel:
    """The label that an answer gives to a record."""
    suspect = text.left_out_count > 0 or any(word in (answer.detail or "") for word in ("jailbreak", "indirect_attack"))
    said = answer.value
    row, entities, dropped = None, None, 0
    if answer.outcome is Outcome.OK and isinstance(said, Said):
        row = label_row(record, text, said, prompt, answer.snapshot, rules_version)
        if said.entities is not None:
            entities, dropped = tuple(rows_of(said.entities, text, CONFIDENCE_OF_BAND)), said.entities_dropped
    return ModelLabel(
        str(record["feedback_id"]), answer.outcome, row, answer.was_stored, answer.snapshot, answer.detail,
        said.new_topic_candidate if isinstance(said, Said) else None, suspect, answer.cache_key, entities, dropped,
    )


def label_row(record: Mapping[str, Any], text: Prepared, said: Said, prompt: LabelPrompt, snapshot: str | None, rules_version: str) -> dict[str, Any]:
    """One row of labels. Pure: the same reply and record give the same row."""
    topics = []
    for one in sorted(said.topics, key=lambda topic: topic_rank(topic.topic)):
        span = text.find(one.quote) if one.quote else None
        shown = quote_span(text.original, span.start, span.end) if span is not None else None
        topics.append({
            "topic": one.topic, "confidence": CONFIDENCE_OF_BAND[one.band],
            "quote": text.original[shown.start : shown.end] if shown else None, "start": shown.start if shown else None, "end": shown.end if shown else None,
            "sentiment": "positive" if one.topic == "praise" else one.sentiment,
        })
    tags = _risk_tags(said, record, prompt.label_set)
    sku, sku_source = attribute(
        text_of(record.get("sku")), text_of(record.get("sku_source")), Mention(frozenset({said.sku} if said.sku is not None else ()))
    )
    return {
        "feedback_id": record["feedback_id"],
        "topics": topics,
        "primary_topic": topics[0]["topic"],
        "sentiment": said.sentiment,
        "sentiment_score": _score(said, record),
        "urgency": _urgency(said, topics, tags),
        "sku": sku,
        "sku_source": sku_source,
        "risk_tags": tags,
        "summary": said.summary if said.summary is not None else _own_words(text, topics),
        "label_source": "model",
        "confidence": topics[0]["confidence"],
        "prompt_version": prompt.prompt.version_id,
        "label_set_version": prompt.label_set.version,
        "schema_version": str(prompt.schema["name"]),
        "rules_version": rules_version,
        "model_version": snapshot or prompt.model.deployment,
    }


def _risk_tags(said: Said, record: Mapping[str, Any], label_set: LabelSet) -> list[str]:
    tagged = set(said.risk_tags) | ({"refund_risk"} if text_of(record.get("reason_code")) is not None else set())
    return [tag for tag in label_set.risk_tag_ids if tag in tagged]


def _urgency(said: Said, topics: list[dict[str, Any]], tags: list[str]) -> str:
    """The model may say that something presses; that it is critical follows from topic and tags alone, as in the local path."""
    names = [one["topic"] for one in topics]
    return urgency_of(names, tags, said.urgency in (HIGH, CRITICAL), said.sentiment, [CRITICAL] if "safety" in names else [])


def _score(said: Said, record: Mapping[str, Any]) -> float:
    """A score that agrees with the tone's word; stars move it within that."""
    score = with_rating(_SCORE_OF_TONE[said.sentiment], number_of(record.get("rating")), number_of(record.get("nps")))
    low, high = {"negative": (-1.0, -EDGE - 0.01), "neutral": (-EDGE, EDGE), "positive": (EDGE + 0.01, 1.0)}[said.sentiment]
    return round(max(low, min(high, score)), 4)


def _own_words(text: Prepared, topics: list[dict[str, Any]]) -> str:
    """A summary from the quotes, as the local path makes it; the beginning of what was sent where there is no quote."""
    spans = [Span(one["start"], one["end"]) for one in topics if one["start"] is not None]
    return summarise(text.original, spans) if spans else text.plain.replace(GAP, "").strip()[:160]
