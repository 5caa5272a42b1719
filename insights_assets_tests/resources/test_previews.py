"""What asset pages show beside counts: it fits where Dagster shows it in place, and text from data is inert in it."""

from __future__ import annotations

import base64
import itertools
import re
from datetime import date, timedelta
from xml.etree import ElementTree

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from insights_assets.definitions import build_definitions
from insights_assets.resources import previews
from insights_assets.resources.table_assets import for_people

FIRST = date(2026, 8, 1)


def rows_of(markdown: str) -> list[list[str]]:
    """The cells of a table as a reader's program has them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    rows: list[list[str]] = []
    for before, token in itertools.pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in ("td_open", "th_open"):
            rows[-1].append("".join(part.content for part in token.children or ()))
    return rows


@given(st.lists(st.text(max_size=200), min_size=1, max_size=30))
def test_a_table_fits_in_place_and_no_text_breaks_out_of_its_cell(texts: list[str]) -> None:
    made = previews.table([{"n": n, "text": text} for n, text in enumerate(texts)], {"Number": "n", "Text": "text"}).md_str
    assert len(made) < 1000
    rows = rows_of(made)
    assert rows[0] == ["Number", "Text"] and 1 <= len(rows) - 1 <= len(texts)
    assert all(len(row) == 2 for row in rows) and [row[0] for row in rows[1:]] == [str(n) for n in range(len(rows) - 1)]
    left = len(texts) - (len(rows) - 1)
    assert (f"and {left} more" in made) == (left > 0)
    kinds = {part.type for token in MarkdownIt("commonmark").enable("table").parse(made) for part in token.children or ()}
    assert kinds <= {"text", "text_special"}


def test_values_read_as_people_write_them() -> None:
    row = {"a": 1234, "b": 0.5, "c": None, "d": True, "e": previews.Link.to("open", "http://127.0.0.1:3001/insight?insight=INS-1")}
    assert previews.table([row], {name.upper(): name for name in row}).md_str.splitlines()[2] == (
        "1,234|0.5|–|yes|[open](http://127.0.0.1:3001/insight?insight=INS-1)"
    )
    assert previews.table([], {"A": "a"}).md_str == "no rows"


@pytest.mark.parametrize("days", [2, 56, 400])
def test_a_plot_of_days_is_a_picture_that_fits_in_place(days: int) -> None:
    values = [(FIRST + timedelta(days=n), float(n * 37 % 9000)) for n in range(days)]
    made = previews.days(values, "Customer voices a day, by the day they were received").md_str
    assert len(made) < 1000
    picture = re.search(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", made)
    assert picture is not None
    svg = ElementTree.fromstring(base64.b64decode(picture[1]))
    said = [element.text for element in svg if element.tag.endswith("text")]
    shown = values[-previews.DAYS_SHOWN :]
    assert said == [f"{max(v for _, v in shown):,.0f}", "0", f"{shown[0][0].day} {shown[0][0]:%b}", f"{shown[-1][0].day} {shown[-1][0]:%b}"]


def test_a_plot_of_one_day_is_none() -> None:
    assert "data:" not in previews.days([(FIRST, 3.0)], "Voices").md_str


def test_a_share_of_nothing_has_no_bar() -> None:
    assert previews.share_of(0, 10) == "" and previews.share_of(3, 0) == ""
    assert len(previews.share_of(10, 10)) == 24 and len(previews.share_of(1, 1000)) == 1


@pytest.mark.parametrize(
    ("written", "shown"),
    [("Holds (R93, R125, R131).", "Holds."), ("Queues: quality (R54), escalation (R123).", "Queues: quality, escalation."), ("Kept (Rest).", "Kept (Rest).")],
)
def test_requirements_numbers_are_for_engineers(written: str, shown: str) -> None:
    assert for_people(written) == shown


def test_no_page_of_an_asset_names_a_requirement() -> None:
    definitions = build_definitions()
    for spec in definitions.resolve_all_asset_specs():
        schema = spec.metadata.get("dagster/column_schema")
        columns = [column.description or "" for column in schema.columns] if isinstance(schema, dg.TableSchema) else []
        found = re.findall(r"\(R\d+[^)]*\)", " ".join([spec.description or "", *columns]))
        assert not found, f"{spec.key.to_user_string()}: {found}"
