"""The reviewers' round trip with real files: out, filled, back in once; broken sheets change nothing and say what to do; the report."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook, load_workbook

from insights_assets.cli import main
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.review import values_in_force
from insights_assets.labels.review_sheet import ANSWERS, COLUMNS
from insights_assets.resources.operations import open_operations
from insights_assets_tests.console.homes import feedback_id
from insights_assets_tests.labels.review_homes import ASKED, DOUBTFUL, REPEAT, build_review_home
from insights_assets_tests.shared_homes import once

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def written_review_home(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Path:
    return once(tmp_path_factory, "review", partial(build_review_home, spark=spark))


@pytest.fixture
def home(written_review_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(written_review_home, tmp_path / "home")
    return tmp_path / "home"


def insights(home: Path, *words: str) -> Result:
    result = CliRunner().invoke(main, ["review", *words, "--home", str(home)], env={"INSIGHTS_HOME": None})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def exported(home: Path, name: str = "sheet.xlsx") -> Path:
    sheet = home.parent / name
    assert insights(home, "export", "--out", str(sheet), "--by", "ana").exit_code == 0
    return sheet


def corrections(home: Path) -> list[Any]:
    return open_operations(home / "operations.db").corrections.all()


def fill(sheet: Path, answers: dict[str, dict[str, Any]], edit: Callable[[Workbook], None] | None = None) -> Path:
    """Answer rows of a workbook by the record's number in the test home."""
    book = load_workbook(sheet)
    lines = {row[COLUMNS.index("feedback_id")].value: row for row in book["Review"].iter_rows(min_row=2)}
    for number, cells in answers.items():
        for name, value in cells.items():
            lines[feedback_id(number)][COLUMNS.index(name)].value = value
    if edit is not None:
        edit(book)
    book.save(sheet)
    return sheet


def test_the_workbook_explains_itself_locks_what_is_ours_and_holds_no_formula(home: Path) -> None:
    book = load_workbook(exported(home))
    assert book.sheetnames == ["How to", "Review", "Labels"] and book.active.title == "Review"
    review = book["Review"]
    assert [cell.value for cell in review[1]] == list(COLUMNS) and review.max_row == len(ASKED) + 1
    assert review.protection.sheet
    for row in review.iter_rows(min_row=2):
        for name, cell in zip(COLUMNS, row, strict=True):
            assert cell.data_type != "f" and cell.protection.locked == (name not in ANSWERS), (name, cell.value)
    texts = [row[COLUMNS.index("text")].value for row in review.iter_rows(min_row=2)]
    assert any(text.startswith("=HYPERLINK") for text in texts), "the corpus is there, as text"
    lists = {str(one.sqref).split("2:")[0]: one.formula1 for one in review.data_validations.dataValidation}
    assert len(lists) == 6 and f"Labels!$A$2:$A${len(load_label_set().topic_ids) + 1}" in lists.values()
    assert [row[0].value for row in book["Labels"].iter_rows(min_row=2)] == list(load_label_set().topic_ids)
    sure = {row[1].value: row[COLUMNS.index("confidence")].fill.start_color.rgb for row in review.iter_rows(min_row=2)}
    assert [one for one, colour in sure.items() if colour == "00FFD9B3"] == [feedback_id(DOUBTFUL)]
    assert all(review.column_dimensions[letter].hidden for letter in "STU")


def test_a_filled_workbook_is_taken_once_with_all_that_was_asked(home: Path) -> None:
    sheet = fill(exported(home), {"C1": {"agree": "yes"}, "D0": {"topic_1": "product_quality", "reason": "worn"}, REPEAT: {"topic_1": "price_value", "urgency": "low"}})
    first = insights(home, "import", str(sheet), "--by", "ana")
    assert first.exit_code == 0 and "3 records answered, 9 not yet; 8 new corrections" in first.output
    again = insights(home, "import", str(sheet), "--by", "ana")
    assert again.exit_code == 0 and "nothing new" in again.output
    rows = [row for row in corrections(home) if row.corrected_by == "ana"]
    assert len(rows) == 8 and {row.corrected_through for row in rows} == {"spreadsheet"}
    [said] = [row for row in rows if row.feedback_id == feedback_id("D0") and row.field == "topics"]
    before = said.previous_value["value"]
    assert (said.value, said.reason) == ({"value": ["product_quality"]}, "worn") and said.corrected_at is not None
    assert before["topics"] == ["damaged_on_arrival"] and before["confidences"] == {"damaged_on_arrival": 0.93} and before["weight"] == 10.0
    assert (before["model_version"], before["prompt_version"], before["label_set_version"], before["language"]) == ("clf-1", "none", "v1", "en")
    assert values_in_force(corrections(home))[feedback_id(REPEAT)]["topics"] == ["price_value"], "the newest answer is in force, bob's is kept"
    assert len(load_workbook(exported(home, "next.xlsx"))["Review"]["A"]) == len(ASKED) - 3 + 1, "what is answered is not asked again"


def test_a_csv_goes_the_same_way_also_with_semicolons(home: Path) -> None:
    sheet = exported(home, "sheet.csv")
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert all(not value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    with sheet.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter=";")
        writer.writeheader()
        writer.writerows({**row, "agree": "" if row["label_topics"] == "hidden" else "yes"} for row in rows)
    done = insights(home, "import", str(sheet), "--by", "ana")
    assert done.exit_code == 0 and "10 records answered, 2 not yet; 30 new corrections" in done.output
    assert "nothing new" in insights(home, "import", str(sheet), "--by", "ana").output


ANSWER = {"C1": {"agree": "yes"}}


def set_cell(name: str, value: Any) -> Callable[[Workbook], None]:
    def edit(book: Workbook) -> None:
        book["Review"].cell(row=2, column=COLUMNS.index(name) + 1).value = value

    return edit


def copy_row(book: Workbook) -> None:
    book["Review"].append([cell.value for cell in book["Review"][2]])


def foreign_row(book: Workbook) -> None:
    book["Review"].cell(row=2, column=COLUMNS.index("feedback_id") + 1).value = "0" * 32
    book["Review"].cell(row=2, column=COLUMNS.index("row_hash") + 1).value = "0" * 16


BROKEN: dict[str, tuple[Callable[[Workbook], None], str]] = {
    "an edited id": (set_cell("feedback_id", "abc"), "line 2: feedback_id: the id was edited; this row is"),
    "an edited text": (set_cell("text", "All fine, thanks."), "line 2: text: a locked cell was changed; put it back or export anew"),
    "another label set": (set_cell("label_set", "v0"), "line 2: label_set: the sheet is of label set 'v0', in force is v1; export anew"),
    "a row twice": (copy_row, "line 2: feedback_id: the record is answered 2 times (lines 2, 14); keep one of them"),
    "an unknown label": (set_cell("topic_1", "sizing"), "line 2: topic_1: 'sizing' is not in the label set; did you mean sizing_issue?"),
    "a foreign row": (foreign_row, "is not a row of this sheet; remove the row"),
    "another home's sheet": (set_cell("sheet", "0123456789ab"), "line 2: sheet: '0123456789ab' is no sheet that was exported from this home"),
    "a lost column": (lambda book: book["Review"].delete_cols(COLUMNS.index("row_hash") + 1), "line 1: lacks the column row_hash; keep the first line as it was exported"),
    "a renamed sheet": (lambda book: setattr(book["Review"], "title", "Sheet1"), "has no sheet called Review"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_sheet_changes_nothing_and_says_what_to_do(home: Path, kind: str) -> None:
    edit, told = BROKEN[kind]
    before = len(corrections(home))
    sheet = fill(exported(home), ANSWER, edit)
    result = insights(home, "import", str(sheet), "--by", "ana")
    assert result.exit_code == 2 and told in result.output, result.output
    assert "othing was taken" in result.output and len(corrections(home)) == before
    errors = sheet.with_name("sheet-errors.xlsx")
    if "line 2" in told:
        written = [cell.value for cell in load_workbook(errors)["Errors"][2]]
        assert written[0] == 2 and all(written[1:]), "line, record, field, what is wrong, what to do"


def test_no_workbook_at_all_is_told_as_one(home: Path) -> None:
    sheet = home.parent / "sheet.xlsx"
    sheet.write_bytes(b"PK\x03\x04 this is no workbook")
    result = insights(home, "import", str(sheet))
    assert result.exit_code == 2 and "is not a workbook that can be read" in result.output


def test_sound_rows_beside_a_broken_one_are_taken_unless_strict(home: Path) -> None:
    sheet = fill(exported(home), {"C1": {"topic_1": "=1+1"}, "D1": {"agree": "yes"}})
    before = len(corrections(home))
    strict = insights(home, "import", str(sheet), "--by", "ana", "--strict")
    assert strict.exit_code == 2 and len(corrections(home)) == before
    result = insights(home, "import", str(sheet), "--by", "ana")
    assert result.exit_code == 0 and len(corrections(home)) == before + 3 and "1 others were taken" in result.output
    cell = load_workbook(sheet.with_name("sheet-errors.xlsx"))["Errors"]["D2"]
    assert cell.data_type == "s" and "=1+1" in cell.value


def test_wrong_use_is_told(home: Path, tmp_path: Path) -> None:
    assert "end it in .xlsx or .csv" in insights(home, "export", "--out", str(tmp_path / "x.txt")).output
    assert "there is no folder" in insights(home, "export", "--out", str(tmp_path / "none" / "x.csv")).output


def test_the_report_says_what_little_there_is_and_figures_once_there_is_enough(home: Path) -> None:
    empty = json.loads(insights(home, "report", "--json").stdout)
    assert (empty["reviewed"], empty["measured"], empty["all"]["precision"]) == (1, 0, None)
    operations = open_operations(home / "operations.db")
    asked = {"stratum": "safety", "stratum_size": 400, "weight": 10.0, "model_version": "clf-1", "topics": ["safety"], "confidences": {"safety": 0.9}, "language": "en", "channel": "app", "asked": "stratified"}
    operations.corrections.add_many([{"feedback_id": f"F{n}", "field": "topics", "value": ["safety"] if n < 36 else ["price_value"], "previous_value": asked} for n in range(40)], by="ana", through="test")
    operations.corrections.add_many([{"feedback_id": f"F{n}", "field": "topics", "value": ["safety"], "previous_value": {"weight": 0.0, "model_version": "clf-1", "asked": "repeat"}} for n in range(35)], by="bob", through="test")
    found = json.loads(insights(home, "report", "--json").stdout)
    [safety] = [row for row in found["topics"] if row["name"] == "safety"]
    assert (safety["n"], safety["precision"], safety["recall"], safety["too_few"]) == (40, 0.9, 1.0, False)
    assert found["calibration"]["ece"] == 0.0 and found["languages"][0]["name"] == "en" and found["channels"][0]["records"] == 40
    assert next(row for row in found["topics"] if row["name"] == "price_value")["precision"] is None
    [topics] = [row for row in found["agreement"] if row["field"] == "topics"]
    assert (topics["n"], topics["raw"]) == (35, 1.0)
    text = insights(home, "report").output
    assert "0.90 [0.77, 0.96]" in text and "too few (4 of 30)" in text and "alpha" in text
