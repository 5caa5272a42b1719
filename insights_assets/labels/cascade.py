"""Who decides a label: rules, then the local classifier; later a model and a person (R52). Each distinct text is labelled once.

Belongs here: putting together what rules, classifier, codes, stars and signals say of a record. Does not belong here: what any of
them says. Every topic of a text carries a quote that is an exact substring of the redacted text, or it is not published (R157).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.labels.attribution import ProductNames, attribute
from insights_assets.labels.classifier import Classifier, Scores
from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.evidence import is_quote, quote_span
from insights_assets.labels.label_set import LabelSet
from insights_assets.labels.rules import RULES_VERSION, Hit, return_topic, text_hits
from insights_assets.labels.tone import overall_score, sentiment_of, star_score, urgency_of
from insights_assets.labels.words import fold

if TYPE_CHECKING:
    import pandas as pd

NO_PROMPT = "none"
#: How sure a code, a star rating or a signal is of the topic it stands for; a setting until reviewers have said otherwise.
CODE_CONFIDENCE, RATING_CONFIDENCE, SIGNAL_CONFIDENCE = 0.9, 0.7, 0.95
LONGEST_SUMMARY = 160
_FEW_TOPICS = 4


@dataclass(frozen=True)
class Label:
    """One record's label as plain values, and the rules that fired on it."""

    row: dict[str, Any]
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class _Read:
    """What the classifier says of one distinct text."""

    topics: tuple[dict[str, Any], ...]
    negative: float
    positive: float


class Labeller:
    """Labels records. `products` are rows of canonical.products (sku, name, aliases). Not bound to any record or run."""

    def __init__(self, label_set: LabelSet, classifier: Classifier, products: Sequence[Mapping[str, Any]]) -> None:
        self._label_set = label_set
        self._classifier = classifier
        self._names = ProductNames(products)
        self._read: dict[tuple[str, str], _Read] = {}

    @property
    def versions(self) -> dict[str, str]:
        """The versions that every label of this labeller carries."""
        return {
            "label_set_version": self._label_set.version, "rules_version": RULES_VERSION, "model_version": self._classifier.model_version,
            "prompt_version": NO_PROMPT, "schema_version": self._label_set.schema_version,
        }

    def label(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One label row per record of the frame; see `label_records`."""
        import pandas as pd

        return pd.DataFrame([label.row for label in self.label_records(frame.to_dict("records"))])

    def label_records(self, records: Sequence[Mapping[str, Any]]) -> list[Label]:
        """Label records with keys feedback_id, kind, language, text, rating, nps, reason_code, signal, sku, sku_source, order_id."""
        self._read_texts({(_model_language(r["language"]), r["text"]) for r in records if _has_text(r) and _is_supported(r["language"])})
        return [self._label(record) for record in records]

    def _read_texts(self, wanted: set[tuple[str, str]]) -> None:
        self._read = {key: read for key, read in self._read.items() if key in wanted}
        by_language: dict[str, list[str]] = {}
        for language, text in sorted(wanted - self._read.keys()):
            by_language.setdefault(language, []).append(text)
        for language, texts in by_language.items():
            scores = self._classifier.score([fold(text) for text in texts], language)
            for index, text in enumerate(texts):
                self._read[language, text] = self._reading(text, index, scores)

    def _reading(self, text: str, index: int, scores: Scores) -> _Read:
        """Topics above their threshold, surest first, each with the clause that says it and that clause's tone."""
        probability = scores.probability[index]
        chosen = np.flatnonzero(probability >= self._classifier.thresholds)
        chosen = chosen[np.argsort(-probability[chosen], kind="stable")][:_FEW_TOPICS]
        topics = []
        for column in chosen:
            clause = int(scores.evidence[index, column])
            if not len(scores.clauses.starts):
                continue
            span = quote_span(text, int(scores.clauses.starts[clause]), int(scores.clauses.ends[clause]))
            quote = text[span.start : span.end]
            if not is_quote(text, quote, span.start, span.end):
                continue
            topics.append({
                "topic": scores.topics[column], "confidence": round(float(probability[column]), 4), "quote": quote, "start": span.start, "end": span.end,
                "tone": float(scores.clause_tone[clause, 1] - scores.clause_tone[clause, 0]),
            })
        return _Read(tuple(topics), float(scores.tone[index, 0]), float(scores.tone[index, 1]))

    def _label(self, record: Mapping[str, Any]) -> Label:
        rating, nps = _number(record.get("rating")), _number(record.get("nps"))
        text = record["text"] if _has_text(record) else None
        named = self._names.named_in(fold(text)) if text else None
        sku, sku_source = attribute(_text(record.get("sku")), _text(record.get("sku_source")), named)
        if text is not None and not _is_supported(record["language"]):
            return self._finish(record, [], overall_score(None, None, rating, nps), (), sku, sku_source, text, "rule")
        if text is not None:
            read = self._read[_model_language(record["language"]), text]
            hits = tuple(text_hits(text, has_sku=sku is not None or bool(_text(record.get("order_id")))))
            score = overall_score(read.negative, read.positive, rating, nps)
            topics = self._topics(text, read, hits, record, score)
            source = "rule" if topics and topics[0].get("by") == "rule" else "classifier"
            return self._finish(record, topics, score, hits, sku, sku_source, text, source)
        return self._finish(record, _wordless_topics(record, rating, nps), _wordless_score(record, rating, nps), (), sku, sku_source, None, "rule")

    def _topics(self, text: str, read: _Read, hits: Sequence[Hit], record: Mapping[str, Any], score: float) -> list[dict[str, Any]]:
        """Rules first, then the classifier, then the return's code; praise only of records that are not negative."""
        topics: list[dict[str, Any]] = []
        for hit in hits:
            if hit.kind == "topic":
                topics.append({
                    "topic": hit.target, "confidence": CODE_CONFIDENCE, "quote": text[hit.start : hit.end], "start": hit.start, "end": hit.end, "tone": -1.0, "by": "rule",
                })
        known = {topic["topic"] for topic in topics}
        # One safety record alone reaches a person at once, so only a rule, which says why, may raise it.
        topics += [dict(topic) for topic in read.topics if topic["topic"] not in known and topic["topic"] != "safety"]
        coded = return_topic(_text(record.get("reason_code")))
        if coded is not None and coded not in {topic["topic"] for topic in topics} and not topics:
            topics.append({"topic": coded, "confidence": CODE_CONFIDENCE, "quote": None, "start": None, "end": None, "tone": -1.0, "by": "rule"})
        for topic in topics:
            topic["sentiment"] = _topic_sentiment(topic["topic"], topic.pop("tone"), score, alone=len(topics) == 1)
        return topics

    def _finish(
        self, record: Mapping[str, Any], topics: list[dict[str, Any]], score: float, hits: Sequence[Hit], sku: str | None, sku_source: str | None, text: str | None, source: str
    ) -> Label:
        sentiment = sentiment_of(score)
        tags = [hit.target for hit in hits if hit.kind == "risk_tag"]
        if record.get("reason_code") and "refund_risk" not in tags:
            tags.append("refund_risk")
        names = frozenset(topic["topic"] for topic in topics)
        # The worst that is said decides what a record is mostly about; a kind word beside it does not.
        ranked = sorted(topics, key=lambda topic: (topic["topic"] == "praise" and sentiment == "negative", topic["sentiment"] != "negative", -topic["confidence"]))
        primary = ranked[0]["topic"] if ranked else "other"
        return Label({
            "feedback_id": record["feedback_id"],
            "topics": [{k: topic[k] for k in ("topic", "confidence", "quote", "start", "end", "sentiment")} for topic in ranked],
            "primary_topic": primary, "sentiment": sentiment, "sentiment_score": round(max(-1.0, min(1.0, score)), 4),
            "urgency": urgency_of(names, sentiment, any(hit.kind == "urgency" for hit in hits), frozenset(tags)),
            "sku": sku, "sku_source": sku_source, "risk_tags": sorted(set(tags)), "summary": summary(text, ranked), "label_source": source,
            "confidence": ranked[0]["confidence"] if ranked else (RATING_CONFIDENCE if text is None else 0.0), **self.versions,
        }, tuple(hits))


def _topic_sentiment(topic: str, tone: float, score: float, *, alone: bool) -> str:
    """A topic's own feeling: its clause's tone where the text says several things, the record's where it says one."""
    if topic == "praise":
        return "positive"
    if topic in ("safety", "damaged_on_arrival", "missing_accessories", "wrong_item"):
        return "negative"
    own = score if alone else (tone if abs(tone) > 1e-9 else score)
    return "positive" if own > 0.25 and score > -0.2 else "neutral" if topic == "feature_request" and own > -0.5 else "negative" if own < 0.25 else "neutral"


def _wordless_topics(record: Mapping[str, Any], rating: float | None, nps: float | None) -> list[dict[str, Any]]:
    def topic(name: str, confidence: float, sentiment: str) -> list[dict[str, Any]]:
        return [{"topic": name, "confidence": confidence, "quote": None, "start": None, "end": None, "sentiment": sentiment}]

    if record.get("signal") == "error":
        return topic("app_or_site_problem", SIGNAL_CONFIDENCE, "negative")
    coded = return_topic(_text(record.get("reason_code")))
    if coded is not None:
        return topic(coded, CODE_CONFIDENCE, "neutral" if coded == "returns_and_refunds" else "negative")
    stars = star_score(rating, nps)
    return topic("praise", RATING_CONFIDENCE, "positive") if stars is not None and stars >= 0.5 else []


def _wordless_score(record: Mapping[str, Any], rating: float | None, nps: float | None) -> float:
    if record.get("signal") == "error":
        return -0.6
    stars = star_score(rating, nps)
    return stars if stars is not None else (-0.4 if record.get("reason_code") else 0.0)


def summary(text: str | None, topics: Sequence[Mapping[str, Any]]) -> str | None:
    """The record in one line of its own words: the quotes of its topics, worst first, at most 160 characters (R50)."""
    if not text:
        return None
    seen: list[str] = []
    for topic in topics:
        if topic["quote"] and topic["quote"] not in seen:
            seen.append(topic["quote"])
    line = " … ".join(seen) or text
    line = " ".join(line.split())
    return line if len(line) <= LONGEST_SUMMARY else line[: LONGEST_SUMMARY - 1].rstrip() + "…"


def _has_text(record: Mapping[str, Any]) -> bool:
    text = record.get("text")
    return isinstance(text, str) and bool(text.strip())


def _is_supported(language: object) -> bool:
    return language in LANGUAGES or language == "und"


def _model_language(language: object) -> str:
    return str(language) if language in LANGUAGES else "en"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value == value else None
