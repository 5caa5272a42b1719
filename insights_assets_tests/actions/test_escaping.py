"""Text from outside never becomes active, and what is left still reads as what was said."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from insights_assets.actions.escaping import csv_cell, file_name, html_text, inert, markdown, plain

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
INERT_TOKENS = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "text_special"}

HOSTILE = [
    "[click me](https://evil.example/x)",
    "![img](http://evil.example/p.png)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "**bold** _it_ ~~gone~~ `code` ```block```",
    "javascript:alert(1) and https://evil.example and www.evil.example evil.com",
    "<https://evil.example> <!channel> <@U123|root> @everyone",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "# heading\n- list\n1. one\n> quote\n---",
    "a\u202egnp.exe\u2066 b\u200b c\x00d\x1b[31m e\r\nf",
    "&lt;b&gt; &#106;avascript",
    '=HYPERLINK("http://evil.example";"x")',
    "h\u200dttps://evil.example",
    "\u2028=1+1\u2029",
    "\\[a](b) \\`x\\`",
    "[ref]: https://evil.example 'x'",
    "!include(x) {{7*7}} ${7*7} {% x %}",
    "::: warning",
    "\ud800 lone surrogate",
]
HOSTILE_TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(alphabet="[]()!<>`*_~#|\\&@:/.=+-$ \n\thtps:wvacom\u200b\u202e\u200d", max_size=60),
    st.text(max_size=80),
)


def tokens(text: str) -> list[Any]:
    found = []
    for token in PARSER.parse(text):
        found.append(token)
        found.extend(token.children or [])
    return found


def rendered(text: str) -> str:
    """What a reader sees of Markdown that holds nothing but text."""
    return "".join(token.content for token in tokens(text) if token.type in ("text", "text_special"))


@settings(max_examples=300, deadline=None)
@given(HOSTILE_TEXT)
@example("[a](b)")
def test_markdown_renders_outside_text_as_itself_and_nothing_else(text: str) -> None:
    line = f"- “{markdown(text)}” (review R-1)"
    kinds = {token.type for token in tokens(line)} - {
        "bullet_list_open",
        "bullet_list_close",
        "list_item_open",
        "list_item_close",
    }
    assert kinds <= INERT_TOKENS, kinds
    assert rendered(line) == f"“{inert(text)}” (review R-1)"


@settings(max_examples=300, deadline=None)
@given(HOSTILE_TEXT)
def test_nothing_in_inert_text_is_taken_for_a_link_or_a_mention(text: str) -> None:
    line = inert(text)
    assert "://" not in line
    assert "@" not in line
    assert not re.search(r"(?i)\bwww\.|javascript:|data:|[a-z0-9]\.(com|net|org|example/)\b", line)
    assert "\n" not in line and "\r" not in line


@settings(max_examples=300, deadline=None)
@given(HOSTILE_TEXT, st.integers(min_value=8, max_value=50))
def test_plain_is_one_visible_line_and_stable(text: str, limit: int) -> None:
    line = plain(text)
    assert line == plain(line)
    assert not re.search(
        r"[\x00-\x1f\x7f-\x9f\u200b-\u200c\u200e-\u200f\u202a-\u202e\u2066-\u2069\ufeff\u2028\u2029]", line
    )
    assert len(plain(text, limit)) <= limit


def test_ordinary_text_stays_what_it_was() -> None:
    said = "Größe passt nicht: 42 statt 40, die Naht ist offen. ¿Por qué? 3.5 von 5!"
    assert inert(said) == said
    assert rendered(markdown(said)) == said
    assert (
        plain("family \U0001f468\u200d\U0001f469\u200d\U0001f467")
        == "family \U0001f468\u200d\U0001f469\u200d\U0001f467"
    )
    assert plain("a" * 30 + " bcd efg", 34) == "a" * 30 + "…"


@settings(max_examples=200, deadline=None)
@given(HOSTILE_TEXT)
def test_html_holds_no_tag_and_no_open_attribute(text: str) -> None:
    assert not set(html_text(text)) & set("<>\"'")


FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1+1",
    "x;=1+1",
    "x,\t=cmd|' /C calc'!A0",
    "x|=1",
    "−1+1",
]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_no_cell_is_a_formula_whatever_separator_the_reader_takes(text: str, separator: str) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([csv_cell("first"), csv_cell(text), csv_cell("last")])
    for cell in next(csv.reader(io.StringIO(out.getvalue()), delimiter=separator)):
        assert not cell.strip().strip('"').strip().startswith(("=", "+", "-", "@", "\t", "\r", "＝", "−")), cell


def test_cells_that_are_numbers_stay_numbers() -> None:
    assert [csv_cell(value) for value in (-3, 1.5, True, None, "plain; text")] == [-3, 1.5, True, None, "plain; text"]


@given(st.text(max_size=100), st.text(max_size=100))
def test_file_names_stay_in_their_folder_and_apart(left: str, right: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}", file_name(left)), file_name(left)
    assert (file_name(left) == file_name(right)) == (left == right)


def test_a_usual_id_is_its_own_file_name() -> None:
    assert file_name("INS-7f3a") == "INS-7f3a"
    assert "/" not in file_name("../../etc/passwd")
