"""`insights review`: the review queue out to a spreadsheet and back in as corrections (R82, R85, R142)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import click

from insights_assets.commands.frame import WRONG_USE, home_option, open_reader, person, settings_for, stop

#: The columns of the sheet; only the last is for the reviewer, the first must stay as it is.
COLUMNS = ("feedback_id", "stratum", "inclusion_weight", "model_version", "source", "language", "text", "topics_said", "topics_right")
_SEPARATOR = "; "


@click.group()
def review() -> None:
    """Round trip of the label review queue."""


@review.command("export")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="CSV file to write.")
@click.option("--drift", is_flag=True, help="The records that the last model review picked, instead of the queue.")
@home_option
def export_(out: Path, drift: bool, home: Path | None) -> None:
    """Write the records to review. Fill `topics_right` (topics of the label set, `;` between them; `same` where the label is right)."""
    from insights_assets.governance.export import cell
    from insights_assets.tables import table

    reader, _ = open_reader(settings_for(home=home))
    rows = reader.rows(table("learning.review_sample" if drift else "labels.review_queue"))
    with out.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for row in rows:
            row = {**row, "topics_said": _SEPARATOR.join(row["topics"] or ()), "topics_right": ""}
            writer.writerow([cell(row[name]) for name in COLUMNS])
    click.echo(f"{len(rows)} records to review in {out}", err=True)


@review.command("import")
@click.argument("sheet", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--by", help="Who reviewed [default: you].")
@home_option
def import_(sheet: Path, by: str | None, home: Path | None) -> None:
    """Take a filled sheet back. A row that cannot be used is named with its line and stops the import; nothing is taken then."""
    from insights_assets.labels.label_set import load_label_set
    from insights_assets.labels.review import correction_rows

    reader, _ = open_reader(settings_for(home=home))
    queue, answers, faults = read_sheet(sheet, frozenset(load_label_set().topic_ids))
    if faults:
        stop("\n".join([f"{sheet}: {len(faults)} {'row' if len(faults) == 1 else 'rows'} cannot be used, nothing was taken", *faults[:20]]), WRONG_USE)
    added = reader.operations.corrections.add_many(correction_rows(queue, answers), by=by or person(), through="spreadsheet")
    click.echo(f"{added} reviewed records taken in; the next run applies them")


def read_sheet(sheet: Path, topics: frozenset[str]) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], list[str]]:
    """(queue rows, answers by feedback_id, faults as `line n: …`) of a filled sheet. Rows nobody answered are left out."""
    queue: list[dict[str, Any]] = []
    answers: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            return [], {}, [f"line 1: the columns must be {', '.join(COLUMNS)}"]
        for row in reader:
            right = row["topics_right"].strip()
            if not right:
                continue
            said = _topics(row["topics_said"])
            wanted = said if right == "same" else _topics(right)
            unknown = sorted(set(wanted) - topics)
            if unknown:
                faults.append(f"line {reader.line_num}: topics_right: {', '.join(unknown)} is not in the label set")
                continue
            queue.append({"feedback_id": row["feedback_id"], "topics": said, "inclusion_weight": float(row["inclusion_weight"]), "model_version": row["model_version"]})
            answers[row["feedback_id"]] = {"topics": wanted}
    return queue, answers, faults


def _topics(text: str) -> list[str]:
    return [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]
