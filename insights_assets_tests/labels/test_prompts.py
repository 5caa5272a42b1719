"""Prompts: every task has an active version with whole front matter, and its id follows its content."""

from __future__ import annotations

import json

import pytest

from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.prompts import PromptError, load_prompt, parse_prompt, prompt_text, prompt_versions

TASKS = ("label_feedback", "name_theme", "explain_insight", "draft_macro", "draft_article")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_an_active_version_an_owner_and_a_changelog(task: str) -> None:
    prompt = load_prompt(task)
    assert prompt.version in prompt_versions(task)
    assert prompt.owner in {"quality", "supply_chain", "support", "product", "merchandising", "marketing", "finance", "web"}
    assert f"## {prompt.version}" in prompt_text(f"{task}/CHANGELOG.md")
    assert len(prompt.body) > 400


def test_the_version_id_changes_with_a_single_letter() -> None:
    text = prompt_text("label_feedback/v1.md")
    before = parse_prompt(text, "label_feedback", "v1").version_id
    after = parse_prompt(text.replace("label letter", "label letter") + "x", "label_feedback", "v1").version_id
    assert before.startswith("label_feedback/v1@") and len(before.split("@")[1]) == 8
    assert before != after
    assert parse_prompt(text, "label_feedback", "v1").version_id == before


@pytest.mark.parametrize(("text", "message"), [
    ("no front matter", "front matter"),
    ("---\ntask: t\n---\nbody\n", "version"),
    ("---\n: [\n---\nbody\n", "not readable"),
])
def test_broken_prompts_are_named(text: str, message: str) -> None:
    with pytest.raises(PromptError, match=message) as error:
        parse_prompt(text, "label_feedback", "v1")
    assert "prompts/label_feedback/v1.md" in str(error.value)


def test_a_prompt_in_the_wrong_folder_or_file_is_refused() -> None:
    text = prompt_text("label_feedback/v1.md")
    with pytest.raises(PromptError, match="task"):
        parse_prompt(text, "name_theme", "v1")
    with pytest.raises(PromptError, match="version"):
        parse_prompt(text, "label_feedback", "v2")


def test_a_missing_file_says_which() -> None:
    with pytest.raises(FileNotFoundError, match=r"label_feedback/v99\.md"):
        load_prompt("label_feedback", "v99")


def test_the_reply_schema_is_strict_and_uses_no_keyword_that_azure_rejects() -> None:
    schema = json.loads(prompt_text("label_feedback/schema_v1.json"))
    assert schema["strict"] is True
    assert schema["name"] == load_label_set().schema_version

    def walk(node: object) -> None:
        if isinstance(node, dict):
            assert not {"minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems", "format"} & set(node)
            if node.get("type") == "object":
                assert node["additionalProperties"] is False
                assert sorted(node["required"]) == sorted(node["properties"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema["schema"])


def test_the_prompt_marks_the_text_as_data_and_asks_for_quotes() -> None:
    body = load_prompt("label_feedback").body
    assert "{{topics}}" in body and "{{risk_tags}}" in body
    assert "data" in body and "letter by letter" in body
