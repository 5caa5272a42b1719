"""What a table says on a telephone: the same rows as lines, without the columns that would be cut there."""

from __future__ import annotations

from datetime import UTC, date, datetime

from insights_assets.console.elements import NARROW_ROWS, narrow_words

ROW = {
    "link": "http://127.0.0.1:3000/runs/1", "hours": 158.06, "of all": 0.125, "issue": "Late delivery: orders with Swift in Spain", "tier": 2, "began": date(2026, 11, 21), "at": datetime(2026, 11, 24, 8, 5, tzinfo=UTC),
    "page": "/insight?insight=INS-1", "verdict": None, "exemplar": True, "open": False,
}  # fmt: skip
COLUMNS = {"hours": {"type_config": {"type": "number", "format": "%.1f h"}}, "of all": {"type_config": {"type": "number", "format": "percent"}}}


def test_a_row_is_its_first_text_and_a_line_of_the_rest_with_units_and_weekdays() -> None:
    assert narrow_words([ROW], COLUMNS) == (
        "Late delivery: orders with Swift in Spain\n"
        "hours: 158.1 h · of all: 12.5 % · tier: 2 · began: Sat 21 Nov · at: Tue 24 Nov, 08:05 · exemplar"
    )  # fmt: skip


def test_long_tables_are_cut_and_say_so() -> None:
    said = narrow_words([{"issue": f"issue {n}", "people": n} for n in range(NARROW_ROWS + 3)], {})
    assert said.count("people: ") == NARROW_ROWS
    assert said.endswith("and 3 more, on a wider screen")


def test_a_table_of_figures_alone_has_lines_too() -> None:
    assert narrow_words([{"people": 12345, "share": 0.25}, {"people": None, "share": 0.5}], {}) == "12345\nshare: 0.25\n\n–\nshare: 0.5"
