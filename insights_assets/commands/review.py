"""`insights review`: the review queue out to a spreadsheet and back in as corrections, and what the reviews say (R82, R85, R142)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import WRONG_USE, emit_json, home_option, json_option, open_home, open_reader, person, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader
    from insights_assets.labels.review_sheet import Filled
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.models import Activation

#: Rows of an export unless it is asked for more: about an hour of reading.
ROWS = 200
#: Longer texts are cut in a sheet.
TEXT_CHARACTERS = 4_000
FAULTS_SAID = 20


@click.group()
def review() -> None:
    """Round trip of the label review queue, and how right the labels are."""


@review.command("export")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Workbook (.xlsx) or .csv to write.")
@click.option("--drift", is_flag=True, help="The records that the last model review picked, instead of the queue.")
@click.option("--rows", default=ROWS, show_default=True, type=click.IntRange(1, 5_000), help="At most so many; each beginning of the queue is a fair sample.")
@click.option("--by", help="Who will review; rows to be read a second time go to somebody else [default: you].")
@home_option
def export_(out: Path, drift: bool, rows: int, by: str | None, home: Path | None) -> None:
    """Write the records to review. In an .xlsx the first sheet says how to fill it; answers are chosen from lists."""
    from insights_assets.actions.escaping import plain
    from insights_assets.labels.prompt_versions import active_label_set
    from insights_assets.labels.review_sheet import make_sheet
    from insights_assets.labels.review_workbook import write_workbook

    if out.suffix.lower() not in (".xlsx", ".csv"):
        stop(f"cannot tell the format of {out.name!r}; end it in .xlsx or .csv", WRONG_USE)
    if not out.parent.is_dir():
        stop(f"there is no folder {out.parent}; make it first", WRONG_USE)
    reader, _ = open_reader(settings_for(home=home))
    queue = to_review(reader, "learning.review_sample" if drift else "labels.review_queue", by or person())[:rows]
    label_set = active_label_set(reader.operations)
    sheet, cells, remembered = make_sheet(queue, label_set.version, lambda text: plain(text, TEXT_CHARACTERS))
    reader.operations.facts.put(_fact(sheet), json.dumps(remembered, sort_keys=True))
    if out.suffix.lower() == ".csv":
        _write_csv(out, cells)
    else:
        write_workbook(out, cells, label_set)
    click.echo(f"{len(queue)} records to review in {out}", err=True)


def to_review(reader: Reader, name: str, by: str) -> list[dict[str, Any]]:
    """Published rows that nobody answered since, in their order; of those to be read again, the ones that another person read."""
    from insights_assets.labels.review import still_to_read
    from insights_assets.tables import table

    rows = sorted(reader.rows(table(name)), key=lambda row: (row["place"] is None, row["place"], row["feedback_id"]))
    return still_to_read(rows, reader.operations.corrections.all(), by)


@review.command("import")
@click.argument("sheet", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--by", help="Who reviewed [default: you].")
@click.option("--strict", is_flag=True, help="Take nothing when any row cannot be used.")
@home_option
def import_(sheet: Path, by: str | None, strict: bool, home: Path | None) -> None:
    """Take a filled sheet back. Rows that cannot be used come back in SHEET-errors.xlsx; the others are taken, unless --strict."""
    from insights_assets.labels.review import correction_rows
    from insights_assets.labels.review_workbook import SheetError, write_faults

    operations, _ = open_home(settings_for(home=home))
    try:
        filled = read_sheet(sheet, operations)
    except SheetError as error:
        stop(f"{error}. Nothing was taken", WRONG_USE)
    rows = [] if strict and filled.faults else correction_rows(filled.items, filled.answers)
    added = operations.corrections.add_many(rows, by=by or person(), through="spreadsheet") if rows else 0
    if filled.faults:
        beside = sheet.with_name(f"{sheet.stem}-errors.xlsx")
        write_faults(beside, filled.faults)
        count = len(filled.faults)
        taken = "nothing was taken" if not rows else f"{len(filled.answers)} others were taken"
        said = [f"{sheet}: {count} {'row' if count == 1 else 'rows'} cannot be used, {taken}; each with what to do in {beside}"]
        said += [str(fault) for fault in filled.faults[:FAULTS_SAID]]
        if count > FAULTS_SAID:
            said.append(f"and {count - FAULTS_SAID} more")
        if not rows:
            stop("\n".join(said), WRONG_USE)
        click.echo("\n".join(said), err=True)
    records = f"{len(filled.answers)} {'record' if len(filled.answers) == 1 else 'records'} answered, {filled.unanswered} not yet"
    click.echo(f"{records}; {added} new corrections, which labels take over at the next run" if added else f"{records}; nothing new")


@review.command("report")
@json_option
@home_option
def report_(as_json: bool, home: Path | None) -> None:
    """How right the labels are by what people reviewed: topics, languages, channels, calibration, agreement."""
    from insights_assets.labels.models import KIND
    from insights_assets.labels.prompt_versions import active_label_set
    from insights_assets.labels.renaming import topics_in
    from insights_assets.labels.review import measured, standing
    from insights_assets.labels.review_report import render, report
    from insights_assets.labels.reviewed import corrections_in_words

    settings = settings_for(home=home)
    operations, shop = open_home(settings)
    label_set = active_label_set(operations)
    rows, active = corrections_in_words(operations, label_set), operations.activations.active(KIND)
    topics = [topic for topic in label_set.topic_ids if topic != "other"]
    promoted = {one: frozenset(topics_in(label_set, said)) for one, said in _promoted(home, active).items()}
    found = measured(rows, promoted, active)
    document = report(standing(rows).values(), found, topics, shop.policy.acceptance.labels_reviewed)
    if as_json:
        emit_json(document)
    else:
        click.echo(render(document))


def _promoted(home: Path | None, active: Activation | None) -> dict[str, frozenset[str]]:
    """What a promoted version says of the records it is judged by; nothing has to be read while the first version is in force."""
    from insights_assets.tables import table

    if active is None:
        return {}
    reader, _ = open_reader(settings_for(home=home))
    rows = reader.rows(table("labels.label_candidates"))
    return {row["feedback_id"]: frozenset(row["topics"]) for row in rows if row["model_version"] == active.version}


def read_sheet(sheet: Path, operations: Operations) -> Filled:
    """What a filled .xlsx or .csv says, held against its export. Raises SheetError for a file that is no such sheet."""
    from insights_assets.labels.prompt_versions import active_label_set
    from insights_assets.labels.review_sheet import read_answers
    from insights_assets.labels.review_workbook import read_workbook

    @cache
    def remembered(sheet_id: str) -> dict[str, Any] | None:
        stored = operations.facts.get(_fact(sheet_id))
        found: dict[str, Any] | None = json.loads(stored) if stored else None
        return found

    label_set = active_label_set(operations)
    rows = _read_csv(sheet) if sheet.suffix.lower() == ".csv" else read_workbook(sheet)
    return read_answers(rows, remembered, label_set.topic_ids, label_set.version)


def _fact(sheet: str) -> str:
    """Name of the home's fact that keeps what a sheet asked (JSON, no text of customers)."""
    return f"review_sheet:{sheet}"


def _write_csv(out: Path, rows: list[dict[str, Any]]) -> None:
    from insights_assets.governance.export import cell
    from insights_assets.labels.review_sheet import COLUMNS

    with out.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows([cell(row[name]) for name in COLUMNS] for row in rows)


def _read_csv(sheet: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines of a CSV as spreadsheet programs write it: comma, semicolon or tab."""
    from insights_assets.labels.review_workbook import BYTES_AT_MOST, SheetError, with_columns

    if sheet.stat().st_size > BYTES_AT_MOST:
        raise SheetError(f"{sheet.name} has {sheet.stat().st_size:,} bytes; a sheet has at most {BYTES_AT_MOST:,}")
    try:
        text = sheet.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetError(f"{sheet.name} is not UTF-8; save it as “CSV UTF-8”, or as .xlsx") from error
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))

    def lines() -> Iterator[tuple[int, list[Any]]]:
        try:
            for values in reader:
                yield reader.line_num, values
        except csv.Error as error:
            raise SheetError(f"{sheet.name}: line {reader.line_num}: {error}; save it anew as “CSV UTF-8”, or as .xlsx") from error

    return with_columns(lines(), sheet.name)
