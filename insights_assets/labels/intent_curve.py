"""The cascade's curve on public intent sets: accuracy against the share of texts that goes to a model which is always right.

Belongs here: reading the two sets, training the local method on their train side, the curve and its page. Does not belong here: risk (`routing`).
The sets have one intent a text and none of our topics, so what is measured is the local *method* and the order in which routing doubts, not the
classifier that is shipped; the model is an oracle, so nothing is said about any model's quality. No text of the sets enters the product.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from insights_assets.labels.routing import error_of, raised, unseen_share
from insights_assets.labels.words import fold

if TYPE_CHECKING:
    from insights_assets.labels.classifier import Classifier

AIM_ACCURACY, AIM_SHARE = 0.97, 0.15
SHARES = (0.0, 0.02, 0.05, 0.08, 0.10, 0.12, 0.15, 0.20, 0.25, 0.30)
#: banking77 comes without a second file here: one text in five, by its hash, is kept from training.
_HELD_OUT_OF = 5


@dataclass(frozen=True)
class IntentSet:
    """Texts with one intent each, on two sides."""

    name: str
    train: tuple[tuple[str, str], ...]
    test: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Curve:
    """How right a set becomes: `right` of each text by the local path, in the order of falling risk."""

    name: str
    intents: int
    trained_on: int
    right: np.ndarray
    mean_risk: float

    def accuracy(self, share: float) -> float:
        """Accuracy when the riskiest share goes to the oracle."""
        sent = int(share * len(self.right) + 1e-9)
        return float((sent + self.right[sent:].sum()) / len(self.right))

    def share_for(self, accuracy: float) -> float:
        """The least share that reaches an accuracy."""
        gained = np.arange(len(self.right) + 1) + np.append(np.cumsum(self.right[::-1])[::-1], 0)
        return float(np.argmax(gained >= accuracy * len(self.right) - 1e-9) / len(self.right))


def intent_sets(folder: Path) -> list[IntentSet]:
    """The sets that are below the folder."""
    found = []
    path = folder / "banking77" / "train.csv"
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
        found.append(IntentSet("banking77", tuple(one for one in rows if not _held_out(one[0])), tuple(one for one in rows if _held_out(one[0]))))
    path = folder / "clinc150" / "train_val.csv"
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            sides = [(row["split"], row["text"], row["intent"]) for row in csv.DictReader(file)]
        found.append(IntentSet("clinc150", *(tuple((text, intent) for side, text, intent in sides if side == wanted) for wanted in ("train", "val"))))
    return found


def _held_out(text: str) -> bool:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % _HELD_OUT_OF == 0


def train_on(one: IntentSet) -> Classifier:
    """The local method, as `training` fits it, on a set's train side. Tones are none of the sets' business: they are drawn, and not looked at."""
    from insights_assets.labels.corpus import Row
    from insights_assets.labels.label_set import LabelSet, Topic
    from insights_assets.labels.training import train

    intents = sorted({intent for _, intent in one.train})
    topics = tuple(Topic(intent, intent, intent, intent, (intent,), "other", "support", ("article",)) for intent in intents)
    tones = ("negative", "neutral", "positive")
    rows = [Row(text, (intent,), tones[number % 3], "en", (hashlib.sha256(text.encode()).hexdigest()[:12],)) for number, (text, intent) in enumerate(one.train)]
    return train(rows, label_set=LabelSet(one.name, "none", topics, ()), languages=("en",))


def curve_of(one: IntentSet, classifier: Classifier) -> Curve:
    """Each test text's likeliest intent and the risk of it, as routing sees it."""
    folded = [fold(text) for text, _ in one.test]
    chance = classifier.score(folded, "en").probability
    best = chance.argmax(axis=1)
    said = np.zeros(chance.shape, dtype=bool)
    said[np.arange(len(best)), best] = True
    risk = np.array([raised(base, unseen=unseen_share(text, "en", classifier)) for base, text in zip(error_of(chance, said).tolist(), folded, strict=True)])
    right = np.array([classifier.topics[column] == intent for column, (_, intent) in zip(best, one.test, strict=True)])
    order = np.lexsort((np.arange(len(risk)), -risk))
    return Curve(one.name, len(classifier.topics), len(one.train), right[order], float(risk.mean()))


def page(curves: Sequence[Curve]) -> str:
    """The curves as text, with how far each is from the aim."""
    lines = [f"Cascade curve: the riskiest share goes to an oracle. Aim: {AIM_ACCURACY:.0%} with at most {AIM_SHARE:.0%} sent", ""]
    for one in curves:
        lines.append(f"{one.name}: {one.intents} intents, trained on {one.trained_on:,} texts, {len(one.right):,} judged; mean risk {one.mean_risk:.3f}, local errors {1 - one.right.mean():.3f}")
        lines += [f"  {share:>5.0%} sent  accuracy {one.accuracy(share):.4f}" for share in SHARES]
        need, at_aim = one.share_for(AIM_ACCURACY), one.accuracy(AIM_SHARE)
        verdict = "reached" if need <= AIM_SHARE else f"missed by {AIM_ACCURACY - at_aim:.4f} at {AIM_SHARE:.0%}"
        lines += [f"  {AIM_ACCURACY:.0%} needs {need:.1%} sent: {verdict}", ""]
    return "\n".join(lines).rstrip()


def main(arguments: Sequence[str]) -> int:
    """Print the curves for a data folder (default: ../shared/data)."""
    folder = Path(arguments[0]) if arguments else Path("../shared/data")
    found = intent_sets(folder)
    if not found:
        sys.stdout.write(f"no cascade curve: neither banking77/train.csv nor clinc150/train_val.csv is below {folder}\n")
        return 0
    sys.stdout.write(page([curve_of(one, train_on(one)) for one in found]) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
