"""How far the confidence of sentiment and urgency is from how often they are right, stated and calibrated, on texts nothing was fitted on.

Usage: `python -m benchmarks.field_confidence [../shared/data] [--json]`. First the sample shop's odd-numbered phrasing families, which neither corpus
nor calibration has; then public sets, where they are. A public set is only measured: nothing of it is fitted.
The shop's phrases say nothing of urgency beyond what they are about, so its truth there is the definition over their topics and tone. The tickets' set
knows urgent or not: high and critical count as urgent.
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.evaluation import calibration_error
from insights_assets.labels.field_calibration import FIELDS, Seen, seen_field, true_urgency
from insights_assets.labels.field_curves import FieldCurves, load_field_curves
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.models import SHIPPED
from insights_assets.labels.public_sets import PublicSet, tone_sets, urgency_set
from insights_assets.labels.rules import load_rules
from insights_assets.labels.urgency import HIGH, ORDER
from insights_assets.simulator.wording.grammar import phrasing_families

TEXTS, SEED = 6_000, 1
_TONE = {"praise": "positive", "other": "neutral", "feature_request": "neutral"}
_SPOKEN = (("en", "de", "fr", "es", "pt"), (45, 20, 14, 12, 9))


def shop_texts(count: int = TEXTS, seed: int = SEED) -> Iterator[tuple[str, str, list[str]]]:
    """(text, language, topics) in the shares of a shop's day, of families held out from training."""
    families: defaultdict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for family, topic, language, texts in phrasing_families():
        if int(family.rsplit("-", 1)[1]) % 2:
            families[language, topic].append(texts)
    draw = random.Random(seed)
    troubles = {language: sorted({topic for spoken, topic in families if spoken == language} - {"praise", "other"}) for language in _SPOKEN[0]}
    for _ in range(count):
        language, kind = draw.choices(*_SPOKEN)[0], draw.random()
        names = ["other"] if kind < 0.4 else ["praise"] if kind < 0.7 else draw.sample(troubles[language], draw.choice((1, 1, 2)))
        names = [name for name in names if families.get((language, name))]
        yield ". ".join(draw.choice(draw.choice(families[language, name])) for name in names), language, names


def of_shop(labeller: Labeller) -> list[Seen]:
    """Both fields on the shop's held-out phrases."""
    given = [one for one in shop_texts() if one[0]]
    labels = labeller.label_records([{"feedback_id": str(n), "source": "surveys", "language": language, "text": text} for n, (text, language, _) in enumerate(given)])
    found = []
    for (_, language, names), label in zip(given, labels, strict=True):
        tones = {_TONE.get(name, "negative") for name in names}
        tone = "negative" if "negative" in tones else tones.pop() if len(tones) == 1 else "neutral"
        right = {"sentiment": tone, "urgency": true_urgency(names, tone, False, label.row["risk_tags"])}
        found += [seen_field(label.row, name, language, label.row[name] == right[name]) for name in FIELDS]
    return found


def of_public(labeller: Labeller, one: PublicSet, name: str) -> list[Seen]:
    """One field on a public set."""
    labels = labeller.label_records([{"feedback_id": str(n), "source": one.source, "language": text.language, "text": text.text} for n, text in enumerate(one.texts)])
    return [
        seen_field(label.row, name, text.language, (ORDER[label.row["urgency"]] >= ORDER[HIGH]) == bool(text.truth) if name == "urgency" else label.row[name] in text.truth)
        for label, text in zip(labels, one.texts, strict=True)
    ]


def line(where: str, seen: Sequence[Seen], curves: FieldCurves) -> dict[str, Any]:
    """n, share right, mean and error of both confidences."""
    import numpy as np

    curve = curves.sentiment if seen[0].field == "sentiment" else curves.urgency
    right = np.array([one.is_right for one in seen], dtype=float)
    stated = np.array([one.stated for one in seen])
    sure = np.array([curve.sure(one.word, one.signal, one.language) or one.stated for one in seen])
    return {
        "set": where, "field": seen[0].field, "n": len(seen), "right_share": round(float(right.mean()), 3), "stated": round(float(stated.mean()), 3),
        "calibrated": round(float(sure.mean()), 3), "ece_stated": round(calibration_error(stated, right), 3), "ece_calibrated": round(calibration_error(sure, right), 3),
    }


def measure(folder: Path | None) -> list[dict[str, Any]]:
    """Every line there is."""
    labeller, curves = Labeller(load_label_set(), load_rules(), Classifier.load(SHIPPED), []), load_field_curves()
    shop = of_shop(labeller)
    lines = [line("sample shop, held-out phrases", [one for one in shop if one.field == name], curves) for name in FIELDS]
    if folder is None:
        return lines
    lines += [line(one.name, of_public(labeller, one, "sentiment"), curves) for one in tone_sets(folder)]
    tickets = urgency_set(folder)
    return [*lines, line(tickets.name, of_public(labeller, tickets, "urgency"), curves)] if tickets is not None else lines


def main(arguments: Sequence[str]) -> int:
    folders = [Path(word) for word in arguments if not word.startswith("-")]
    lines = measure(folders[0] if folders else None)
    if "--json" in arguments:
        sys.stdout.write(json.dumps(lines, indent=1) + "\n")
        return 0
    sys.stdout.write(f"{'set':<32}{'field':<11}{'n':>7}{'right':>8}{'stated':>8}{'ECE':>7}{'calibrated':>12}{'ECE':>7}\n")
    for one in lines:
        sys.stdout.write(f"{one['set']:<32}{one['field']:<11}{one['n']:>7}{one['right_share']:>8.3f}{one['stated']:>8.3f}{one['ece_stated']:>7.3f}{one['calibrated']:>12.3f}{one['ece_calibrated']:>7.3f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
