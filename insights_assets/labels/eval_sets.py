"""Packaged eval sets: labelled texts of our own writing that a prompt can be tried on before a shop has reviewed anything.

Belongs here: reading `prompts/evals/*.jsonl`, and how it was made. Does not belong here: judging (`prompt_evaluation`); a home's gate, whose figures come
from reviewed records alone, so nothing that is measured here is kept as an answer of a gate.

The texts are phrases of the training corpus' second hand (`python -m insights_assets.labels.eval_sets` makes the file anew): a model has never seen them,
the local classifier has, so the set says nothing of the classifier.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from insights_assets.labels.label_set import LabelSet, load_label_set
from insights_assets.labels.prompts import Prompt, PromptError, prompt_text, prompts_folder
from insights_assets.labels.renaming import topics_in
from insights_assets.labels.reviewed import Reviewed

GOLDEN = "evals/label_feedback_golden_v1.jsonl"
#: Texts a topic and language; seven in five languages are more than a gate wants.
_TEXTS = 7
_FIELDS = {"id": str, "language": str, "text": str, "topics": list, "sentiment": str}


def packaged_sample(prompt: Prompt, label_set: LabelSet) -> list[Reviewed]:
    """The eval set that a prompt's front matter names, its topics in the words of a label set; texts of which no topic is left are not in it."""
    path = prompt.front_matter["eval_set"]
    if not path:
        raise PromptError(f"{prompt.version_id} names no eval_set in its front matter")
    found = []
    for number, line in enumerate(prompt_text(str(path)).splitlines(), start=1):
        row = _row(line, f"prompts/{path}:{number}")
        right = topics_in(label_set, row["topics"])
        if right or not row["topics"]:
            record = {"feedback_id": row["id"], "text": row["text"], "language": row["language"]}
            found.append(Reviewed(record, right, None, row["sentiment"], row["id"], 1.0))
    return found


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise PromptError(f"{where}: no JSON: {error}") from error
    for name, kind in _FIELDS.items():
        if not isinstance(row, dict) or not isinstance(row.get(name), kind):
            raise PromptError(f"{where}: {name}: needs a {kind.__name__}")
    found: dict[str, Any] = row
    return found


def made(seed: int = 0) -> list[dict[str, Any]]:
    """The rows: per language and topic some phrases alone, every third with one of another topic, and texts about nothing."""
    from insights_assets.labels.concepts import LANGUAGES
    from insights_assets.labels.corpus import LATER_HANDS, load_phrases, written_by

    topics = [topic for topic in load_label_set("v1").topic_ids if topic != "other"]
    rows: list[dict[str, Any]] = []
    for language in LANGUAGES:
        draw = random.Random(f"{language}:{seed}")
        phrases = [phrase for phrase in load_phrases(language).phrases if written_by(phrase.group, LATER_HANDS[0])]
        for topic in (*topics, None):
            own = [phrase for phrase in phrases if phrase.topics == ((topic,) if topic else ())]
            for number in range(_TEXTS if own else 0):
                chosen = [draw.choice(own)]
                others = [phrase for phrase in phrases if phrase.topics and phrase.topics != (topic,) and phrase.sentiment == "negative"]
                if topic is not None and number % 3 == 2 and chosen[0].sentiment == "negative":
                    chosen.append(draw.choice(others))
                text = " ".join(_sentence(draw.choice(phrase.texts)) for phrase in chosen)
                rows.append({
                    "id": f"{language}-{topic or 'other'}-{number}", "language": language, "text": text, "topics": sorted({one for phrase in chosen for one in phrase.topics}),
                    "sentiment": chosen[0].sentiment,
                })  # fmt: skip
    return rows


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def ship() -> int:
    """Write the packaged set (in a checkout); how many texts it has."""
    path = Path(str(prompts_folder().joinpath(*GOLDEN.split("/"))))
    path.parent.mkdir(exist_ok=True)
    rows = made()
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return len(rows)


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{ship()} texts\n")
