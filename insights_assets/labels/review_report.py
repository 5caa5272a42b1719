"""How right the labels are by what people reviewed, as a document and as text (R82, R144): `insights review report`.

Belongs here: putting figures together from measured records. Does not belong here: the statistics (`evaluation.py`,
`review_agreement.py`), reading. Figures of topics, languages, channels and calibration come from the random part alone, weighted;
where fewer records stand behind a figure than the gate wants, it is not printed: too few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from insights_assets.labels.evaluation import Bin, Judged, Quality, expected_error, micro, quality, reliability, wilson
from insights_assets.labels.review import Measured, Standing
from insights_assets.labels.review_agreement import agreement, word_for

NOT_KEPT = "not kept"


def report(records: Iterable[Standing], found: Sequence[Measured], topics: Sequence[str], least: int) -> dict[str, Any]:
    """The document: what was reviewed, figures over all, by topic, language and channel, calibration, agreement, sway."""
    kept = list(records)
    random = [one for one in found if one.weight > 0]
    judged = [one.judged for one in random]
    table = reliability(_stated(random))
    stated = sum(one.n for one in table)
    people = sorted({name for record in kept for name in record.by_reviewer})
    return {
        "reviewed": len(kept), "measured": len(random), "by_part": _counts(str(one.asked.get("asked") or NOT_KEPT) for one in found), "reviewers": len(people),
        "versions": sorted({one.version for one in random if one.version}), "least": least,
        "all": _figures(micro(judged), least),
        "topics": [_figures(one, least) for one in quality(judged, topics)],
        "languages": _split(random, lambda one: one.asked.get("language"), least),
        "channels": _split(random, lambda one: one.asked.get("channel") or one.asked.get("source"), least),
        "calibration": {"n": stated, "ece": expected_error(table) if stated >= least else None, "too_few": stated < least, "bins": [asdict(one) for one in table]},
        "agreement": [asdict(one) for one in agreement(kept)],
        "sway": {name: _agreed([one for one in random if bool(one.asked.get("is_blind")) is blind], least) for name, blind in (("shown", False), ("blind", True))},
    }  # fmt: skip


def confidence_table(found: Sequence[Measured]) -> list[Bin]:
    """The reliability table of the random part."""
    return reliability(_stated([one for one in found if one.weight > 0]))


def _stated(random: Sequence[Measured]) -> list[tuple[float, bool, float]]:
    """Each topic a label gave: how sure it was, whether the reviewer kept it, what the record stands for."""
    return [
        (float(sure), topic in one.right, one.weight) for one in random for topic, sure in sorted((one.asked.get("confidences") or {}).items()) if topic in one.said
    ]  # fmt: skip


def _figures(one: Quality, least: int) -> dict[str, Any]:
    """A topic's figures; those with too few records behind them are None."""
    enough = {"precision": one.predicted >= least, "recall": one.actual >= least}
    row: dict[str, Any] = {"name": one.topic, "n": one.n, "predicted": one.predicted, "actual": one.actual}
    for name, is_enough in enough.items():
        for part in (name, f"{name}_low", f"{name}_high"):
            row[part] = getattr(one, part) if is_enough else None
    row["f1"] = one.f1 if all(enough.values()) else None
    row["too_few"] = not all(enough.values())
    return row


def _split(random: Sequence[Measured], key: Callable[[Measured], Any], least: int) -> list[dict[str, Any]]:
    parts: dict[str, list[Judged]] = {}
    for one in random:
        parts.setdefault(str(key(one) or NOT_KEPT), []).append(one.judged)
    return [{**_figures(micro(judged), least), "name": name, "records": len(judged)} for name, judged in sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))]


def _agreed(records: Sequence[Measured], least: int) -> dict[str, Any]:
    """How often reviewers left the label's topics as they were."""
    if not records:
        return {"n": 0, "share": None, "low": None, "high": None}
    total = sum(one.weight for one in records)
    share = sum(one.weight for one in records if one.said == one.right) / total
    effective = total * total / sum(one.weight**2 for one in records)
    low, high = wilson(share, effective)
    enough = len(records) >= least
    return {"n": len(records), "share": round(share, 4) if enough else None, "low": low if enough else None, "high": high if enough else None}


def _counts(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))


def render(document: Mapping[str, Any]) -> str:
    """The document as text for a terminal."""
    if not document["reviewed"]:
        return "Nothing is reviewed yet. `insights review export --out review.xlsx`, fill it, `insights review import review.xlsx`; or the console's page Review."
    least = document["least"]
    lines = [
        f"{document['reviewed']:,} records reviewed by {document['reviewers']} {'person' if document['reviewers'] == 1 else 'people'}; "
        f"{document['measured']:,} of them drawn at random: only these measure, weighted by what each stands for.",
        f"Intervals are 95 % (Wilson, effective n). Fewer than {least}: too few.", "",
        f"{'':24}{'n':>6}  {'precision':<22}{'recall':<22}F1",
    ]  # fmt: skip
    lines += [_line("all topics", document["all"], least), ""]
    lines += [_line(row["name"].replace("_", " "), row, least) for row in document["topics"]]
    for name in ("languages", "channels"):
        lines += ["", f"By {name[:-1]} (all topics)"]
        lines += [_line(row["name"].replace("_", " "), row, least) for row in document[name]]
    lines += ["", *_calibration_lines(document["calibration"], least), "", *_agreement_lines(document, least)]
    return "\n".join(lines)


def _line(name: str, row: Mapping[str, Any], least: int) -> str:
    def said(figure: str, count: int) -> str:
        if row[figure] is None:
            return f"too few ({count} of {least})" if count < least else "-"
        return f"{row[figure]:.2f} [{row[f'{figure}_low']:.2f}, {row[f'{figure}_high']:.2f}]"

    f1 = "-" if row["f1"] is None else f"{row['f1']:.2f}"
    return f"{name[:23]:24}{row['n']:>6}  {said('precision', row['predicted']):<22}{said('recall', row['actual']):<22}{f1}"


def _calibration_lines(found: Mapping[str, Any], least: int) -> list[str]:
    if found["too_few"]:
        return [f"Calibration: too few ({found['n']} of {least} topics given with a kept confidence)"]
    lines = [f"Calibration: expected error {found['ece']:.3f} over {found['n']:,} topics given (15 bins)", f"{'stated':>16}{'n':>6}  right"]
    for one in found["bins"]:
        bar = "█" * round(20 * one["right"])
        lines.append(f"{one['low']:.2f}-{one['high']:.2f}  {one['stated']:.2f}{one['n']:>6}  {one['right']:.2f} [{one['right_low']:.2f}, {one['right_high']:.2f}]  {bar}")
    return lines


def _agreement_lines(document: Mapping[str, Any], least: int) -> list[str]:
    lines = ["Agreement of reviewers (records that two read)"]
    for row in document["agreement"]:
        if row["n"] < least:
            lines.append(f"  {row['field']:<12} too few ({row['n']} of {least})")
        else:
            lines.append(f"  {row['field']:<12} alpha {row['alpha']:.2f} ({word_for(row['alpha'])}), the same in {100 * row['raw']:.0f} % of {row['n']}")
    for name, row in document["sway"].items():
        said = f"too few ({row['n']} of {least})" if row["share"] is None else f"{100 * row['share']:.0f} % [{100 * row['low']:.0f}, {100 * row['high']:.0f}] of {row['n']}"
        lines.append(f"Label left as it was, label {name}: {said}")
    return lines
