"""`python -m benchmarks.labelling`: distinct texts a second that the local path labels on two cores, against the aim of 15,000.

Texts are the simulator's phrasings, two sentences each, in five languages in the shares of a shop. Each process has a labeller of its own, as
each worker of the engine has. Nothing is read or written: what the engine adds is measured by `benchmarks.loop`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from insights_assets.labels.cascade import Labeller
from insights_assets.labels.classifier import Classifier
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.models import SHIPPED
from insights_assets.labels.rules import load_rules
from insights_assets.simulator.wording.grammar import phrasing_families

AIM = 15_000
BATCH = 10_000
SHARES = {"en": 55, "de": 18, "fr": 12, "es": 8, "pt": 7}


def distinct_texts(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Records whose texts are all different."""
    draw = random.Random(seed)
    said: defaultdict[str, list[list[str]]] = defaultdict(list)
    for _, _, language, texts in phrasing_families():
        said[language].append(texts)
    found: dict[tuple[str, str], None] = {}
    while len(found) < count:
        language = draw.choices(list(SHARES), list(SHARES.values()))[0]
        first, second = (draw.choice(draw.choice(said[language])) for _ in range(2))
        found[language, f"{first} {second}"] = None
    return [{"feedback_id": str(number), "source": "reviews", "language": language, "text": text} for number, (language, text) in enumerate(found)]


def seconds(records: list[dict[str, Any]]) -> tuple[float, float, float]:
    """(begin, end, CPU seconds) of labelling in batches as they come from the engine, after a first one that is not counted."""
    labeller = Labeller(load_label_set(), load_rules(), Classifier.load(SHIPPED), [])
    labeller.label_records(records[:500])
    began, used = time.time(), time.process_time()
    for start in range(0, len(records), BATCH):
        labeller.label_records(records[start : start + BATCH])
    return began, time.time(), time.process_time() - used


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=60_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    records = distinct_texts(given.texts)
    parts = [records[core :: given.cores] for core in range(given.cores)]
    with ProcessPoolExecutor(given.cores) as pool:
        spans = list(pool.map(seconds, parts))
    wall = max(end for _, end, _ in spans) - min(began for began, _, _ in spans)
    cpu = sum(used for _, _, used in spans)
    found = {
        "texts": len(records), "characters": round(sum(len(one["text"]) for one in records) / len(records)), "cores": given.cores,
        "texts_a_second": round(len(records) / wall), "texts_a_cpu_second": round(len(records) / cpu), "aim": AIM,
        "ratio": round(len(records) / wall / AIM, 2), "ratio_of_cpu_time": round(given.cores * len(records) / cpu / AIM, 2),
    }  # fmt: skip
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.write(
            f"{found['texts']:,} distinct texts of {found['characters']} characters on {given.cores} cores: {found['texts_a_second']:,} a second "
            f"({found['ratio']:.2f} of the aim of {AIM:,}); by CPU time alone, {found['texts_a_cpu_second']:,} a core and second ({found['ratio_of_cpu_time']:.2f})\n"
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
