"""The reviewers' workbook: an .xlsx with instructions, rows with locked cells and lists to choose from, and the labels explained.

Belongs here: openpyxl, and nothing it could be steered by: every text is written as text, never as a formula, and what is read
back is values only. Does not belong here: what cells mean (`review_sheet.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.labels.review_agreement import URGENCIES
from insights_assets.labels.review_sheet import AGREE, ANSWERS, COLUMNS, HIDDEN, KNOWN_BY, LOCKED, LOW_CONFIDENCE, SENTIMENTS, TOPIC_CELLS, Fault

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from insights_assets.labels.label_set import LabelSet

REVIEW, LABELS, HOW_TO = "Review", "Labels", "How to"
#: A workbook nobody fills by hand is larger than this.
BYTES_AT_MOST, ROWS_AT_MOST = 20_000_000, 20_000
_HEAD, _LOW, _OPEN, _SET = "D9E2F1", "FFD9B3", "FFFBE6", "F3F5F8"
_WIDTHS = {"row": 5, "feedback_id": 12, "text": 70, "label_topics": 24, "reason": 28, "source": 14, "product": 12, **dict.fromkeys(TOPIC_CELLS, 22)}
_ERROR_WIDTHS = {"line": 7, "feedback_id": 28, "field": 16, "what is wrong": 56, "what to do": 56}


class SheetError(ValueError):
    """A file that is no filled sheet; the message says what to do."""


def write_workbook(path: Path, rows: Sequence[Mapping[str, Any]], label_set: LabelSet) -> None:
    """The workbook of a sheet's rows."""
    from openpyxl import Workbook

    book = Workbook()
    _instructions(book.active)
    _review(book.create_sheet(REVIEW), rows, len(label_set.topic_ids))
    _labels(book.create_sheet(LABELS), label_set)
    book.active = 1
    for sheet in book.worksheets:
        sheet.sheet_view.tabSelected = sheet.title == REVIEW
    _save(book, path)


def write_faults(path: Path, faults: Iterable[Fault]) -> None:
    """A sheet of what cannot be used, one row each."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Errors"
    _head(sheet, tuple(_ERROR_WIDTHS), _ERROR_WIDTHS)
    for line, fault in enumerate(faults, start=2):
        for column, value in enumerate((fault.line, fault.feedback_id, fault.field, fault.problem, fault.todo), start=1):
            _put(sheet, line, column, value)
    _save(book, path)


def read_workbook(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, cells by column) of the sheet Review. Raises SheetError for what is no such workbook."""
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    if path.stat().st_size > BYTES_AT_MOST:
        raise SheetError(f"{path.name} has {path.stat().st_size:,} bytes; a sheet has at most {BYTES_AT_MOST:,}")
    try:
        book = load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError) as error:
        raise SheetError(f"{path.name} is not a workbook that can be read ({type(error).__name__}); save it as .xlsx and import that") from error
    try:
        if REVIEW not in book.sheetnames:
            raise SheetError(f"{path.name} has no sheet called {REVIEW}; it has {', '.join(book.sheetnames[:6])}. Keep the name it was exported with")
        yield from with_columns(((number, list(row)) for number, row in enumerate(book[REVIEW].iter_rows(values_only=True), start=1)), path.name)
    finally:
        book.close()


def with_columns(lines: Iterator[tuple[int, list[Any]]], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Cells by their column; the first line must name every column once, in any order."""
    _, head = next(lines, (1, []))
    names = [str(value).strip() if value is not None else "" for value in head]
    missing = [column for column in COLUMNS if column not in names]
    twice = sorted({column for column in COLUMNS if names.count(column) > 1})
    if missing or twice:
        what = f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}" if missing else f"has the column {', '.join(twice)} twice"
        raise SheetError(f"{name}: line 1: {what}; keep the first line as it was exported")
    place = {column: names.index(column) for column in COLUMNS}
    for read, (line, values) in enumerate(lines):
        if read >= ROWS_AT_MOST:
            raise SheetError(f"{name} has more than {ROWS_AT_MOST:,} rows; no export has")
        yield line, {column: values[at] if at < len(values) else None for column, at in place.items()}


def _review(sheet: Worksheet, rows: Sequence[Mapping[str, Any]], topics: int) -> None:
    from openpyxl.formatting.rule import CellIsRule
    from openpyxl.styles import Alignment, PatternFill, Protection
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    _head(sheet, COLUMNS, _WIDTHS)
    last = len(rows) + 1
    locked, open_ = Protection(locked=True), Protection(locked=False)
    fill, quiet, low = (PatternFill("solid", start_color=colour) for colour in (_OPEN, _SET, _LOW))
    for line, row in enumerate(rows, start=2):
        doubtful = isinstance(row["confidence"], float) and row["confidence"] < LOW_CONFIDENCE
        for column, name in enumerate(COLUMNS, start=1):
            cell = _put(sheet, line, column, row[name])
            cell.protection = open_ if name in ANSWERS else locked
            cell.alignment = Alignment(wrap_text=name in ("text", "label_topics", "reason"), vertical="top")
            cell.fill = fill if name in ANSWERS else low if doubtful and name in ("label_topics", "confidence") else quiet
    for name in KNOWN_BY:
        sheet.column_dimensions[get_column_letter(COLUMNS.index(name) + 1)].hidden = True
    lists = {
        "agree": f'"{AGREE}"', "sentiment": f'"{",".join(SENTIMENTS)}"', "urgency": f'"{",".join(URGENCIES)}"',
        **dict.fromkeys(TOPIC_CELLS, f"{LABELS}!$A$2:$A${topics + 1}"),
    }  # fmt: skip
    for name, source in lists.items():
        choice = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=True, errorTitle="Not in the list", error="Choose from the list.")
        letter = get_column_letter(COLUMNS.index(name) + 1)
        choice.add(f"{letter}2:{letter}{max(last, 2)}")
        sheet.add_data_validation(choice)
    sheet.freeze_panes = sheet.cell(row=2, column=LOCKED.index("source") + 1)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(COLUMNS))}{max(last, 2)}"
    sheet.protection.sheet = True
    sheet.protection.autoFilter = sheet.protection.formatColumns = sheet.protection.formatRows = False  # these stay allowed
    letter = get_column_letter(COLUMNS.index("agree") + 1)
    sheet.conditional_formatting.add(f"{letter}2:{letter}{max(last, 2)}", CellIsRule(operator="equal", formula=[f'"{AGREE}"'], fill=PatternFill("solid", end_color="CDEBD3")))


def _instructions(sheet: Worksheet) -> None:
    from openpyxl.styles import Alignment, Font

    sheet.title = HOW_TO
    lines = (
        ("Reviewing labels", True),
        ("On the sheet Review every row is one thing a customer said, with the label it was given. You say whether the label is right.", False),
        (f"Right: choose {AGREE} in the column agree. Done.", False),
        ("Wrong: choose one to three topics instead (topic_1 first). Choose other where no topic fits. The sheet Labels explains each.", False),
        ("sentiment and urgency: only where the label's own is wrong. What you leave empty is confirmed with your answer.", False),
        (f"{HIDDEN}: here the label is not shown, to see how much it sways us. Choose topics, sentiment and urgency as you read the text.", False),
        ("reason: a word or two if you like; it is kept with your answer.", False),
        ("Orange: the label is not sure. Yellow: yours to fill. Everything else is locked; a row whose locked cells changed is not taken.", False),
        ("Rows you leave empty are not taken. Stop whenever you like: each beginning of the list is a fair sample.", False),
        ("Then: insights review import FILE. Rows that cannot be used come back in FILE-errors.xlsx with line, field and what to do.", False),
        ("The same file twice changes nothing.", False),
    )
    for number, (text, is_title) in enumerate(lines, start=1):
        cell = _put(sheet, number, 1, text)
        cell.font = Font(bold=is_title, size=14 if is_title else 11)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.column_dimensions["A"].width = 110
    sheet.protection.sheet = True


def _labels(sheet: Worksheet, label_set: LabelSet) -> None:
    from openpyxl.styles import Alignment

    widths = {"topic": 24, "definition": 50, "include": 50, "exclude": 50, "examples": 60, "owner": 16}
    _head(sheet, tuple(widths), widths)
    for line, name in enumerate(label_set.topic_ids, start=2):
        topic = label_set.topic(name)
        for column, value in enumerate((name, topic.definition, topic.include, topic.exclude, "\n".join(topic.examples), topic.owner), start=1):
            _put(sheet, line, column, value).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "B2"
    sheet.protection.sheet = True


def _head(sheet: Worksheet, names: Sequence[str], widths: Mapping[str, int]) -> None:
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    for column, name in enumerate(names, start=1):
        cell = _put(sheet, 1, column, name)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color=_HEAD)
        sheet.column_dimensions[get_column_letter(column)].width = widths.get(name, 13)
    sheet.freeze_panes = "A2"


def _put(sheet: Worksheet, line: int, column: int, value: Any) -> Any:
    """A cell that holds a number, or a text and nothing else: a text that begins like a formula stays a text, also when it is edited."""
    cell = sheet.cell(row=line, column=column)
    if isinstance(value, str):
        cell.value = value or None
        if value:
            cell.data_type = "s"
            cell.quotePrefix = value[0] in "=+-@\t\r"
    else:
        cell.value = value
    return cell


def _save(book: Workbook, path: Path) -> None:
    """Written aside and put in place whole."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        book.save(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
