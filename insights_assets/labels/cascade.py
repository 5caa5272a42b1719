"""The cascade: rules, then the local classifier, become one label a record, each decision with its evidence.

Belongs here: `Labeller`, which rules fire on a record, the tone and urgency of its label. Does not belong here: reading a text
(`reading`), choosing its topics (`topic_choice`), how a label is written down (`label_rows`), which records go on to the language
model (`routing`) and what becomes of its answers (`joining`), anything that writes a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.labels.attribution import NOTHING, ProductIndex, attribute
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.fields import number_of, text_of
from insights_assets.labels.label_rows import LABEL_COLUMNS, RULE_COLUMNS, fired_row, summary_of, topic_row
from insights_assets.labels.label_set import LabelSet
from insights_assets.labels.reading import Reader, Reading
from insights_assets.labels.renaming import in_words_of, names_of_classifier
from insights_assets.labels.rules import RISK_TAG, Hit, RuleBook, rating_hit, signal_hit
from insights_assets.labels.sentiment import rating_tone, tone_of, with_rating
from insights_assets.labels.topic_choice import ChosenTopic, TopicChoice
from insights_assets.labels.urgency import CRITICAL, urgency_of
from insights_assets.labels.words import fold

if TYPE_CHECKING:
    import pandas as pd

NO_PROMPT = "none"
_MILD_TOPICS = frozenset({"praise", "feature_request", "other"})


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
        self._choice = TopicChoice(classifier, rules, self.names)
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
        chances = self._choice.chances(records, readings, row_text)
        said = list(texts)
        for record, number, chance, over in zip(records, row_text, chances, self._choice.reached(chances), strict=True):
            reading = readings[number] if number >= 0 else None
            language, text = said[number] if number >= 0 else (text_of(record.get("language")), None)
            yield self._one(record, text, language, reading, chance, over), reading, chance

    def _one(
        self, record: Mapping[str, Any], text: str | None, language: str | None, reading: Reading | None, chance: np.ndarray, reached: Sequence[int]
    ) -> Label:
        rating, nps = number_of(record.get("rating")), number_of(record.get("nps"))
        sku, sku_source = attribute(
            text_of(record.get("sku")), text_of(record.get("sku_source")), reading.mention if reading else NOTHING
        )
        hits = self._hits(record, text, reading, sku, rating, nps)
        topics = self._choice.choose(reading, chance, reached, hits, text, language)
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
            "topics": [topic_row(one, text) for one in topics],
            "primary_topic": primary.topic,
            "sentiment": sentiment,
            "sentiment_score": round(score, 4),
            "urgency": urgency,
            "sku": sku,
            "sku_source": sku_source,
            "risk_tags": tags,
            "summary": summary_of(text, reading, topics, record),
            "label_source": "rule" if primary.by_rule else "classifier",
            "confidence": round(primary.confidence, 4),
            **self._versions,
        }
        fired = tuple(fired_row(hit, text) for hit in hits)
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

    def _score(
        self, reading: Reading | None, topics: Sequence[ChosenTopic], rating: float | None, nps: float | None
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
