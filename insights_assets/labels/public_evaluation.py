"""Public evaluation: how the local path does on data that nobody here wrote; `make eval-labels`
prints them, with what reviews add (`benchmarks.labels`).

Belongs here: figures per topic, tone and urgency, beside the lines other ways reached on the same data, and the page
they are printed as. Does not belong here: reading the sets (`public_sets`), figures of a shop (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.labels.evaluation import Judged, Quality, quality
from insights_assets.labels.public_sets import PublicSet, tone_sets, topic_sets, urgency_set
from insights_assets.labels.urgency import HIGH, ORDER

if TYPE_CHECKING:
    from insights_assets.labels.cascade import Labeller

#: Macro-F1 of other ways on the same sets and map: nearest phrase by MiniLM without their data, and TF-IDF with logistic regression
#: trained on their data (five folds, best threshold).
NEAREST_PHRASE = {"mabsa_phone": 0.19, "oats_amazon_ff": 0.14, "bitext": 0.48}
VADER = {"umsab en": 0.57, "airline_tweets": 0.47, "womens_clothing": 0.42}  # vaderSentiment 3.3, its own edges of 0.05
SUPERVISED = {"mabsa_phone": 0.39, "oats_amazon_ff": 0.22, "bitext": 0.77}


@dataclass(frozen=True)
class SetFigures:
    """What one set says: each judged name, and the mean of their F1 (a name never found counts as 0)."""

    name: str
    texts: int
    qualities: tuple[Quality, ...]

    @property
    def macro_f1(self) -> float:
        """Unweighted mean over the judged names."""
        return round(sum(one.f1 or 0.0 for one in self.qualities) / max(1, len(self.qualities)), 3)


def evaluate_topics(labeller: Labeller, sets: Iterable[PublicSet]) -> list[SetFigures]:
    """Precision, recall and F1 of each judged topic of each set, from the text alone."""
    return [_figures(one, [{topic["topic"] for topic in row["topics"]} for row in _labels(labeller, one)]) for one in sets]


def evaluate_tones(labeller: Labeller, sets: Iterable[PublicSet]) -> list[SetFigures]:
    """The same for the three tones, without stars."""
    return [_figures(one, [{row["sentiment"]} for row in _labels(labeller, one)]) for one in sets]


def evaluate_urgency(labeller: Labeller, one: PublicSet) -> tuple[SetFigures, float]:
    """Whether what we call high or critical is urgent there; and the chance that an urgent ticket ranks above another (AUC)."""
    rows = _labels(labeller, one)
    levels = [ORDER[row["urgency"]] for row in rows]
    urgent = [level for level, text in zip(levels, one.texts, strict=True) if text.truth]
    calm = [level for level, text in zip(levels, one.texts, strict=True) if not text.truth]
    above = sum((a > b) + 0.5 * (a == b) for a in urgent for b in calm)
    return _figures(one, [{"urgent"} if level >= ORDER[HIGH] else set() for level in levels]), round(above / max(1, len(urgent) * len(calm)), 3)


def report(labeller: Labeller, folder: Path) -> str:
    """The page: every set that is in the folder, or a plain word that none is."""
    lines = [f"Local path on public data nobody here wrote ({labeller.versions['model_version']}, rules {labeller.versions['rules_version']})", ""]
    topics = evaluate_topics(labeller, topic_sets(folder)) if (folder / "topic_map.csv").exists() else []
    for one in topics:
        beside = [f"{word} {table[one.name]:.2f}" for word, table in (("nearest phrase (MiniLM)", NEAREST_PHRASE), ("trained on it", SUPERVISED)) if one.name in table]
        lines += _table(one, "topics", beside)
    for one in evaluate_tones(labeller, tone_sets(folder)):
        lines += _table(one, "tone", [f"VADER {VADER[one.name]:.2f}"] if one.name in VADER else [])
    tickets = urgency_set(folder)
    if tickets is not None:
        figures, above = evaluate_urgency(labeller, tickets)
        lines += _table(figures, "urgency", [f"an urgent ticket ranks above another: {above:.2f} (0.50 is chance)"])
    if len(lines) == 2:
        return f"no public data below {folder}"
    if topics:
        lines.append(f"mean of the topic sets' macro-F1: {sum(one.macro_f1 for one in topics) / len(topics):.3f}")
    return "\n".join(lines)


def _labels(labeller: Labeller, one: PublicSet) -> list[Mapping[str, Any]]:
    records = [{"feedback_id": str(number), "source": one.source, "language": text.language, "text": text.text} for number, text in enumerate(one.texts)]
    return [label.row for label in labeller.label_records(records)]


def _figures(one: PublicSet, said: Sequence[set[str]]) -> SetFigures:
    judged = [Judged(frozenset(names), text.truth) for names, text in zip(said, one.texts, strict=True)]
    return SetFigures(one.name, len(one.texts), tuple(quality(judged, one.names)))


def _table(one: SetFigures, kind: str, beside: Sequence[str]) -> list[str]:
    lines = [f"{one.name} ({kind}, {one.texts} texts): macro-F1 {one.macro_f1:.3f}" + "".join(f"; {word}" for word in beside)]
    for found in one.qualities:
        precision = _with_interval(found.precision, found.precision_low, found.precision_high)
        recall = _with_interval(found.recall, found.recall_low, found.recall_high)
        lines.append(f"  {found.topic:<22} n {found.actual:>5}  precision {precision}  recall {recall}  F1 {found.f1 or 0.0:.2f}")
    return [*lines, ""]


def _with_interval(share: float | None, low: float | None, high: float | None) -> str:
    """A share with its Wilson interval; a dash where there is nothing to divide by."""
    return f"{'-':>4}{'':12}" if share is None else f"{share:.2f} ({low:.2f}-{high:.2f})"
