"""The house's Markdown in the forms of Jira and Slack: always valid, within every limit, and text from data stays text."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from insights_assets.actions.destinations import adf, block_kit, marks
from insights_assets.actions.destinations.port import Button
from insights_assets.actions.escaping import inert, markdown
from insights_assets_tests.contract import vendor_specs
from insights_assets_tests.contract.destination_cases import BUTTONS, HOSTILE, TICKET, message
from insights_assets_tests.contract.slack_world import active_parts, block_problems, texts

GOLDEN = Path(__file__).parent / "golden"
MARKDOWN = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=200),
    st.lists(
        st.sampled_from(["- ", "  - ", "    - ", "1. ", "> ", "# ", "###### ", "**", "*", "_", "`", "```\n", "~~~\n", "\n", "\n\n", "    ", "---\n", "<b>", "[a](b)", "![a](b)",
                         "<!channel>", "word ", "\\", "&amp;", "|", "| a | b |\n|---|---|\n", "x" * 700, "\u200b", "\u202e", "\x00", "[a]: http://x\n"]),
        max_size=60,
    ).map("".join),
)  # fmt: skip


def node_types(node: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(node, dict):
        found |= {node["type"]} if "type" in node else set()
        for value in node.values():
            found |= node_types(value)
    elif isinstance(node, list):
        for one in node:
            found |= node_types(one)
    return found


@settings(max_examples=300, deadline=None)
@given(MARKDOWN)
@example("- a\n    - b\n        - c\n- d\n\n1. e\n\n> q\n\n```\ncode\n```\n---\n")
@example("**`x`** *`y`*")
@example("\n".join("  " * depth + "- x" for depth in range(20)))
def test_any_text_makes_a_valid_document_of_passive_nodes(text: str) -> None:
    document = adf.document(text)
    adf.check(document)
    assert vendor_specs.adf_problems(document) == []
    assert node_types(document) <= {"doc", "paragraph", "heading", "bulletList", "orderedList", "listItem", "codeBlock", "rule", "text", "hardBreak", "strong", "em", "code"}


@settings(max_examples=300, deadline=None)
@given(MARKDOWN, st.text(max_size=300), st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=400), max_size=12))
@example("x" * 40_000, "title", {})
@example("\n\n".join(f"- item {n} " + "word " * 100 for n in range(80)), "title", {})
@example("```\n" + "code line\n" * 3000 + "```", "title", {})
def test_any_message_makes_valid_blocks_in_which_nothing_is_active(text: str, title: str, facts: dict[str, str]) -> None:
    made = message(title=title, body=text, facts=facts, buttons=BUTTONS)
    shown = {"text": block_kit.text(made), "blocks": block_kit.blocks(made)}
    assert block_problems(shown["blocks"]) == []
    assert active_parts(shown) == []
    assert 0 < len(shown["text"]) <= block_kit.MOST_IN_THE_TEXT
    assert sum(len(one) for one in texts(shown["blocks"])) < 13_000
    assert block_problems(block_kit.decided(shown["blocks"], f"Confirmed by {title}")) == []


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=120)))
def test_escaped_text_from_data_reads_as_itself_in_both_forms(text: str) -> None:
    said = f"- “{markdown(text)}” (review R-1)"
    shown = f"“{inert(text)}” (review R-1)"
    assert marks.plain_text(marks.read(said)) == f"- {shown}"
    assert adf.text_of(adf.document(said)).strip("\n") == shown
    assert "".join(texts(block_kit.blocks(message(title="T", body=said, facts={})))[1:]).strip("\n") == shown


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_passive_even_where_it_was_not_escaped(text: str) -> None:
    made = message(title=text, body=f"{text}\n\n- {text}\n", facts={"Product": text, text[:20]: "x"}, buttons=(Button("confirm", text, text[:200].replace("\ud800", ""), "t"),))
    assert active_parts({"text": block_kit.text(made), "blocks": block_kit.blocks(made)}) == []
    assert vendor_specs.adf_problems(adf.document(made.body)) == []


def test_what_looks_like_html_a_link_or_an_image_is_the_text_it_is() -> None:
    said = "[a](http://x) ![i](y) <b>z</b> <http://q> &lt;"
    assert marks.plain_text(marks.read(f"{said}\n\n[r]: http://x")) == f"{said}\n[r]: http://x"


@pytest.mark.parametrize("limit", [40, 200, 1000, 30_000])
def test_a_cut_text_keeps_its_beginning_and_says_that_it_is_cut(limit: int) -> None:
    whole = marks.read(TICKET)
    cut = marks.cut(whole, limit, "Cut.")
    if limit == 30_000:
        assert cut == whole
    else:
        assert len(marks.plain_text(cut)) <= limit
        assert marks.plain_text(cut).endswith("Cut.") and marks.plain_text(whole).startswith(marks.plain_text(cut)[:20])


def test_a_button_comes_back_as_it_was_sent_and_nothing_else_is_read() -> None:
    button = Button("dismiss", "Wrong", 'INS-"x"', "tok,en")
    assert block_kit.read_button(block_kit.button_value(button)) == ("dismiss", 'INS-"x"', "tok,en")
    for value in ("", "x", "[]", '["a","b"]', '["a","b",1]', '{"act":"approve"}', "null", '["a","b","c","d"]'):
        assert block_kit.read_button(value) is None


def test_a_document_this_house_does_not_make_is_not_sent() -> None:
    for wrong in (
        {"type": "doc"}, {"type": "doc", "version": 1, "content": [{"type": "mention", "attrs": {"id": "x"}}]},
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]},
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {"href": "x"}}]}]}]},
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "x" * 40_000}]}]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"sent|version|empty"):
            adf.check(wrong)


@pytest.mark.parametrize("form", ["adf", "blocks"])
def test_the_sample_ticket_in_both_forms(form: str) -> None:
    made = message(key="0" * 64, buttons=BUTTONS)
    shown = adf.document(made.body) if form == "adf" else {"text": block_kit.text(made), "blocks": block_kit.blocks(made)}
    golden = GOLDEN / f"cause.{form}.json"
    text = json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == text, f"if the form changed on purpose, write it into {golden.name}"


def test_the_published_descriptions_are_here() -> None:
    """Where they are missing the checks against them hold nothing, and this says so."""
    if vendor_specs.adf_validator() is None or vendor_specs.jira_description() is None or vendor_specs.slack_description() is None:
        pytest.skip(vendor_specs.MISSING)
    assert vendor_specs.adf_problems({"type": "doc", "version": 1, "content": [{"type": "text", "text": "x"}]}) != []
    assert vendor_specs.jira_problems("POST", "/rest/api/3/issue", {}, {"fields": "x"}, 201, {"id": 1}) != []
    assert vendor_specs.jira_problems("GET", "/rest/api/3/search", {"no": "1"}, None, 299, None) != []
    assert vendor_specs.slack_problems("/api/chat.postMessage", {"chanel": "x"}, {"ok": True}) != []
