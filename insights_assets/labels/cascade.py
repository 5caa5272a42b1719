"""The cascade: rules, then the local classifier, become one label a record, each decision with its evidence.

Belongs here: `Labeller`, how rule and classifier are joined, what stars and return codes add, the shape of the
result. Does not belong here: reading a text (`reading`), which records go on to the language model (`routing`) and what
becomes of its answers (`joining`), anything that writes a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.labels.attribution import NOTHING, ProductIndex, attribute
from insights_assets.labels.classifier import Classifier, sigmoid
from insights_assets.labels.evidence import Span, quote_span
from insights_assets.labels.fields import number_of, stars_of, text_of
from insights_assets.labels.label_set import LabelSet, topic_rank
from insights_assets.labels.reading import Reader, Reading
from insights_assets.labels.renaming import in_words_of, names_of_classifier
from insights_assets.labels.rules import RISK_TAG, TOPIC, Hit, RuleBook, rating_hit, signal_hit
from insights_assets.labels.sentiment import rating_tone, tone_of, with_rating
from insights_assets.labels.summary import summarise
from insights_assets.labels.urgency import CRITICAL, urgency_of
from insights_assets.labels.words import fold

if TYPE_CHECKING:
    import pandas as pd

NO_PROMPT = "none"
LABEL_COLUMNS = (
    "feedback_id", "topics", "primary_topic", "sentiment", "sentiment_score", "urgency", "sku", "sku_source",
    "risk_tags", "summary", "label_source", "confidence", "prompt_version", "label_set_version", "schema_version",
    "rules_version", "model_version",
)
RULE_COLUMNS = ("feedback_id", "rule_id", "kind", "target", "start", "end", "quote")
NO_PLACE = -1  # start and end of a rule that fired on a code, a signal or stars
SAFETY_BAR = 0.9  # at 0.8 one record in seven thousand of a sample shop was raised wrongly; rules alone hear half as much
CODE_SUPPORT = 0.15  # a return code joins a text's topics when the text gives it at least this much
# What stars say about topics, in logits a star away from 3.2. Praise in a two-star review is rare, not impossible.
_PRAISE_A_STAR, _COMPLAINT_A_STAR, _MIDDLE = 0.7, -0.25, 3.2
# People seldom open a ticket or a return to praise.
_PRAISE_BY_SOURCE = {"support_tickets": -0.5, "chats": -0.5, "returns": -0.8}
_MILD_TOPICS = frozenset({"praise", "feature_request", "other"})


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic on its way into a label."""

    topic: str
    confidence: float
    span: Span | None
    tone: float
    by_rule: bool


@dataclass(frozen=True, slots=True)
class Label:
    """One record's label as plain values, and the rules that fired on it."""

    row: dict[str, Any]
    hits: tuple[dict[str, Any], ...]


class Labeller:
    """Labels feedback. Same records and versions, same labels.

    `products` (a frame or rows) have sku, name and aliases (lists).
    """

    def __init__(
        self,
        label_set: LabelSet,
        rules: RuleBook,
        classifier: Classifier,
        products: pd.DataFrame | Iterable[Mapping[str, Any]],
    ) -> None:
        #: Where each topic of the classifier is found in the label set; None where it is gone.
        self.names = names_of_classifier(classifier.topics, label_set)
        self._is_renamed = any(now != topic for topic, now in self.names.items())
        self._label_set = label_set
        self._rules = rules
        self.classifier = classifier
        self._reader = Reader(classifier, rules, ProductIndex(products))
        self._column = {topic: number for number, topic in enumerate(classifier.topics)}
        self._bars = classifier.thresholds.copy()
        if "safety" in self._column:
            # One safety record alone reaches a person at once: where no rule, which says why, has raised it, the classifier must be sure.
            self._bars[self._column["safety"]] = max(SAFETY_BAR, self._bars[self._column["safety"]])
        self._slope = np.full(len(classifier.topics), _COMPLAINT_A_STAR)
        self._slope[self._column["praise"]] = _PRAISE_A_STAR
        if "feature_request" in self._column:
            self._slope[self._column["feature_request"]] = 0.0
        self._versions = {
            "prompt_version": NO_PROMPT,
            "label_set_version": label_set.version,
            "schema_version": label_set.schema_version,
            "rules_version": rules.version,
            "model_version": classifier.model_version,
        }

    @property
    def versions(self) -> dict[str, str]:
        """The versions every row carries."""
        return dict(self._versions)

    def label(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row of labels a record, in order (columns: `LABEL_COLUMNS`)."""
        return self.label_with_rules(frame)[0]

    def label_with_rules(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Labels, and every rule that fired (columns: `RULE_COLUMNS`)."""
        import pandas as pd

        labels = self.label_records(frame.to_dict("records"))
        fired = [{"feedback_id": label.row["feedback_id"], **hit} for label in labels for hit in label.hits]
        return (
            pd.DataFrame([label.row for label in labels], columns=list(LABEL_COLUMNS)),
            pd.DataFrame(fired, columns=list(RULE_COLUMNS)),
        )

    def label_records(self, records: Sequence[Mapping[str, Any]]) -> list[Label]:
        """Labels of plain records, in order; each distinct text is read once."""
        return [label for label, _, _ in self.heard(records)]

    def heard(self, records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Label, Reading | None, np.ndarray]]:
        """The same with what was read and the probability of each topic: what doubt is measured by."""
        texts: dict[tuple[str | None, str], int] = {}
        row_text = []
        for record in records:
            text, language = text_of(record.get("text")), text_of(record.get("language"))
            row_text.append(-1 if text is None else texts.setdefault((language, text), len(texts)))
        readings = self._reader.read([text for _, text in texts], [language for language, _ in texts])
        chances = self._chances(records, readings, row_text)
        # Which topics reach their bar, for all records at once: most have one or two of sixteen.
        reached: list[list[int]] = [[] for _ in records]
        rows, columns = np.nonzero(chances >= self._bars)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            reached[row].append(column)
        said = list(texts)
        for record, number, chance, over in zip(records, row_text, chances, reached, strict=True):
            reading = readings[number] if number >= 0 else None
            language, text = said[number] if number >= 0 else (text_of(record.get("language")), None)
            yield self._one(record, text, language, reading, chance, over), reading, chance

    def _chances(
        self, records: Sequence[Mapping[str, Any]], readings: Sequence[Reading], row_text: Sequence[int]
    ) -> np.ndarray:
        """Probabilities a record and topic: the text's, moved by the stars and by where it was said."""
        count = len(self.classifier.topics)
        stored = np.vstack([*(reading.probability for reading in readings), np.zeros(count)])
        chance = np.clip(stored[np.asarray(row_text, dtype=np.int64)], 1e-6, 1 - 1e-6)
        stars = np.array([stars_of(record) for record in records], dtype=np.float64).reshape(-1, 1)
        shift = np.where(np.isnan(stars), 0.0, stars - _MIDDLE) * self._slope
        praise = self._column["praise"]
        shift[:, praise] += [_PRAISE_BY_SOURCE.get(str(record.get("source")), 0.0) for record in records]
        return sigmoid(np.log(chance / (1 - chance)) + shift)

    def _one(
        self, record: Mapping[str, Any], text: str | None, language: str | None, reading: Reading | None, chance: np.ndarray, reached: Sequence[int]
    ) -> Label:
        rating, nps = number_of(record.get("rating")), number_of(record.get("nps"))
        sku, sku_source = attribute(
            text_of(record.get("sku")), text_of(record.get("sku_source")), reading.mention if reading else NOTHING
        )
        hits = self._hits(record, text, reading, sku, rating, nps)
        topics = self._topics(reading, chance, reached, hits, text, language)
        score = self._score(reading, topics, rating, nps)
        sentiment = tone_of(score)
        tagged = {hit.target for hit in hits if hit.kind == RISK_TAG}
        if text_of(record.get("reason_code")) is not None:
            tagged.add("refund_risk")  # a return asks for the money of its order
        tags = [tag for tag in self._label_set.risk_tag_ids if tag in tagged]
        urgency = urgency_of(
            [one.topic for one in topics], tags, bool(reading and reading.pressing), sentiment,
            [*(hit.urgency for hit in hits if hit.urgency), *(CRITICAL for one in topics if one.topic == "safety")],
        )
        primary = topics[0]
        row = {
            "feedback_id": record["feedback_id"],
            "topics": [self._written(one, text) for one in topics],
            "primary_topic": primary.topic,
            "sentiment": sentiment,
            "sentiment_score": round(score, 4),
            "urgency": urgency,
            "sku": sku,
            "sku_source": sku_source,
            "risk_tags": tags,
            "summary": self._summary(text, reading, topics, record),
            "label_source": "rule" if primary.by_rule else "classifier",
            "confidence": round(primary.confidence, 4),
            **self._versions,
        }
        fired = tuple(_fired(hit, text) for hit in hits)
        return Label(*in_words_of(row, fired, self.names, frozenset(self._label_set.risk_tag_ids))) if self._is_renamed else Label(row, fired)

    def _hits(
        self, record: Mapping[str, Any], text: str | None, reading: Reading | None, sku: str | None, rating: float | None, nps: float | None
    ) -> list[Hit]:
        """Every rule that fires on a record: its words, its code, its signal, its stars when there is nothing else."""
        known = sku is not None or text_of(record.get("order_id")) is not None
        hits = [hit for hit in reading.hits if known or not hit.needs_sku] if reading else []
        if text is not None and sku is not None and self._rules.sku_patterns:
            hits = hits + self._rules.sku_hits(fold(text), sku)
        code, signal = text_of(record.get("reason_code")), text_of(record.get("signal"))
        if code is not None:
            hits = [*hits, self._rules.reason_hit(code)]
        if signal is not None:
            hits = [*hits, signal_hit(signal)]
        if text is None and code is None and signal is None:
            hits = [*hits, rating_hit(rating, nps)]
        return hits

    def _is_harmless(self, span: Span | None, text: str | None, language: str | None) -> bool:
        """Whether the clause the classifier takes for danger is one that the safety rules are told to leave."""
        if span is None or text is None or language is None:
            return False
        return self._rules.is_vetoed("safety", fold(text[span.start : span.end]), language)

    def _topics(
        self, reading: Reading | None, chance: np.ndarray, reached: Sequence[int], hits: Sequence[Hit], text: str | None, language: str | None
    ) -> list[_Topic]:
        """Topics in order of what should be looked at first."""
        found: dict[str, _Topic] = {}
        if reading is not None and reading.read:
            for column in reached:
                span, tone = _evidence(reading, int(reading.evidence[column]))
                name = self.classifier.topics[column]
                if name == "safety" and self._is_harmless(span, text, language):
                    continue
                found[name] = _Topic(name, float(chance[column]), span, tone, by_rule=False)
        coded = None
        for hit in hits:
            if hit.kind != TOPIC or hit.target not in self.names:
                continue
            if hit.span is None:
                coded = hit
                continue
            span, tone = _clause_around(reading, hit.span)
            earlier = found.get(hit.target)
            confidence = max(hit.confidence, earlier.confidence if earlier else 0.0)
            found[hit.target] = _Topic(hit.target, confidence, span, tone, by_rule=True)
        if coded is not None:
            self._add_code(found, coded, reading, chance)
        if not found:
            doubt = float(chance.max(initial=0.0)) if reading is not None and reading.read else 1.0
            span, tone = _evidence(reading, 0) if reading is not None else (None, 0.0)
            found["other"] = _Topic("other", 1.0 - doubt, span, tone, by_rule=False)
        if len(found) == 1:
            return list(found.values())
        return sorted(found.values(), key=lambda one: (topic_rank(one.topic), -one.confidence, one.topic))

    def _add_code(
        self, found: dict[str, _Topic], coded: Hit, reading: Reading | None, chance: np.ndarray
    ) -> None:
        """A code or bare rating speaks when the text does not, and confirms what the text half says."""
        column = self._column.get(coded.target)
        support = float(chance[column]) if column is not None and reading is not None else 0.0
        if not found or (coded.target not in found and support >= CODE_SUPPORT):
            span, tone = (None, 0.0)
            if reading is not None:
                span, tone = _evidence(reading, int(reading.evidence[column]) if column is not None else 0)
            found[coded.target] = _Topic(coded.target, coded.confidence, span, tone, by_rule=True)

    def _score(
        self, reading: Reading | None, topics: Sequence[_Topic], rating: float | None, nps: float | None
    ) -> float:
        names = {one.topic for one in topics}
        if reading is None:
            stars = rating_tone(rating, nps)
            return round(stars, 4) if stars is not None else (0.0 if names <= _MILD_TOPICS else -0.4)
        score = reading.score
        if names == {"praise"}:
            score += 0.35
        elif not names & _MILD_TOPICS:
            score -= 0.35
        return with_rating(max(-1.0, min(1.0, score)), rating, nps)

    def _written(self, one: _Topic, text: str | None) -> dict[str, Any]:
        start, end, quote = _place(one.span, text)
        if one.topic == "praise":
            sentiment = "positive"
        elif one.topic == "other":
            sentiment = tone_of(one.tone)
        else:
            # Naming a trouble is negative unless the clause says the contrary; a wish is neutral until it is angry.
            sentiment = tone_of(one.tone if one.topic == "feature_request" else one.tone - 0.5)
        return {
            "topic": one.topic, "confidence": round(one.confidence, 4), "quote": quote, "start": start, "end": end,
            "sentiment": sentiment,
        }

    def _summary(
        self, text: str | None, reading: Reading | None, topics: Sequence[_Topic], record: Mapping[str, Any]
    ) -> str:
        if text is not None and reading is not None:
            return summarise(text, [one.span for one in topics if one.span is not None])
        code, signal = text_of(record.get("reason_code")), text_of(record.get("signal"))
        if code is not None:
            return f"Return reason: {code}"[:160]
        if signal is not None:
            return "Session met an error" if signal == "error" else "Session left a basket behind"
        rating, nps = number_of(record.get("rating")), number_of(record.get("nps"))
        if rating is not None:
            return f"Rating {rating:g} of 5 without words"
        return f"Score {nps:g} of 10 without words" if nps is not None else "Nothing said"


def _evidence(reading: Reading, number: int) -> tuple[Span | None, float]:
    if not reading.spans:
        return None, 0.0
    number = min(number, len(reading.spans) - 1)
    return reading.spans[number], reading.tones[number]


def _clause_around(reading: Reading | None, span: Span) -> tuple[Span, float]:
    """The clause a rule fired in, stretched to hold the whole match."""
    if reading is None:
        return span, 0.0
    touched = [n for n, clause in enumerate(reading.spans) if clause.start < span.end and span.start < clause.end]
    if not touched:
        return span, 0.0
    start, end = reading.spans[touched[0]].start, reading.spans[touched[-1]].end
    return Span(min(start, span.start), max(end, span.end)), min(reading.tones[n] for n in touched)


def _fired(hit: Hit, text: str | None) -> dict[str, Any]:
    """A hit as a row of `rule_labels`: the very words that fired it, unshortened."""
    span = hit.span
    if span is None or text is None:
        start, end, quote = NO_PLACE, NO_PLACE, None
    else:
        start, end, quote = span.start, span.end, text[span.start : span.end]
    return {
        "rule_id": hit.rule_id, "kind": hit.kind, "target": hit.target, "start": start, "end": end, "quote": quote
    }


def _place(span: Span | None, text: Any) -> tuple[Any, ...]:
    """(start, end, quote) of a span; the quote is cut from the text itself, so it cannot be anything else."""
    if span is None or not isinstance(text, str):
        return None, None, None
    shown = quote_span(text, span.start, span.end)
    return shown.start, shown.end, text[shown.start : shown.end]
