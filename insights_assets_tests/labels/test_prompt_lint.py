"""The lint of prompts: a copy of the real folder with one thing wrong is refused, and the sentence names file and field."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from insights_assets.labels.prompt_lint import lint, locked_lines, schema_faults
from insights_assets.labels.prompts import prompts_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(Path(str(prompts_folder())), tmp_path / "prompts", ignore=shutil.ignore_patterns("__pycache__")))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def relock(folder: Path) -> None:
    """As if the change had been released, so that only its own fault is left."""
    (folder / "versions.lock").unlink()
    (folder / "versions.lock").write_text(locked_lines(folder), encoding="utf-8")


def test_the_real_prompts_hold() -> None:
    assert lint().faults == []


def test_a_changed_body_under_an_unchanged_version_is_refused_even_after_the_lock_is_written(folder: Path) -> None:
    change(folder / "label_feedback" / "v2.md", "letter by letter", "Letter by letter")
    wrong = "prompts/label_feedback/v2.md: its content changed under an unchanged version"
    assert [fault[: len(wrong)] for fault in lint(folder).faults] == [wrong]
    (folder / "versions.lock").write_text(locked_lines(folder), encoding="utf-8")
    assert [fault[: len(wrong)] for fault in lint(folder).faults] == [wrong], "--lock adds what is new, never what changed"


@pytest.mark.parametrize("path", ["label_feedback/schema_v1.json", "label_sets/v1.yaml", "name_theme/v1.md"])
def test_a_blank_more_anywhere_is_a_change(folder: Path, path: str) -> None:
    (folder / path).write_text((folder / path).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert any(fault.startswith(f"prompts/{path}: its content changed") for fault in lint(folder).faults)


def test_a_new_version_needs_the_lock_and_a_reason_and_a_removed_one_is_missed(folder: Path) -> None:
    text = (folder / "draft_macro" / "v1.md").read_text(encoding="utf-8")
    (folder / "draft_macro" / "v2.md").write_text(text.replace("version: v1", "version: v2"), encoding="utf-8")
    told = lint(folder).faults
    assert len(told) == 2 and "CHANGELOG.md: no section ## v2" in told[0] and "versions.lock" in told[1]
    (folder / "versions.lock").write_text(locked_lines(folder), encoding="utf-8")
    (folder / "draft_macro" / "v1.md").unlink()
    assert any("a released version is gone" in fault for fault in lint(folder).faults)


@pytest.mark.parametrize(("spoil", "told"), [
    (lambda f: change(f / "label_feedback/v2.md", "owner: support", "owner: nobody"), "v2.md: owner: 'nobody' is no team"),
    (lambda f: change(f / "label_feedback/v2.md", "label_set: v1", "label_set: v9"), "v2.md: label_set: 'v9' has no file"),
    (lambda f: change(f / "label_feedback/v2.md", "temperature: 0", "temperature: cold"), "v2.md: parameters.temperature: needs a number"),
    (lambda f: change(f / "label_feedback/v2.md", "temperature: 0", "temperature: 0, top_p: 1"), "v2.md: parameters.top_p: unknown"),
    (lambda f: change(f / "label_feedback/v2.md", "{{topics}}", ""), "the body lacks {{topics}}"),
    (lambda f: change(f / "label_feedback/v2.md", "gates: {precision_low", "gaits: {precision_low"), "v2.md: gates: missing"),
    (lambda f: (f / "label_feedback/ACTIVE").write_text("v7\n", encoding="utf-8"), "label_feedback/ACTIVE: 'v7' has no file"),
    (lambda f: change(f / "label_sets/v1.yaml", "    owner: supply_chain\n", ""), "topics.shipping_delay.owner: needs a text"),
    (lambda f: change(f / "label_sets/v1.yaml", "action_path: [notification, macro, copy_change]", "action_path: []"), "topics.shipping_delay.action_path: needs at least one"),
    (lambda f: change(f / "label_feedback/schema_v1.json", '"type": "string", "description": "Copied', '"type": "string", "minLength": 1, "description": "Copied'),
     "schema.topics.items.quote.minLength: strict schemas on Azure do not take this keyword"),
    (lambda f: change(f / "label_feedback/schema_v1.json", '"strict": true', '"strict": false'), "strict: must be true"),
    (lambda f: change(f / "label_feedback/schema_v1.json", '"required": ["topics", ', '"required": ['), "schema.required: must name every property"),
    (lambda f: change(f / "label_feedback/schema_v1.json", '"additionalProperties": false,', ""), "schema.additionalProperties: must be false"),
    (lambda f: change(f / "label_feedback/schema_v1.json", "feedback_label_v1", "feedback_label_v3"), "name: 'feedback_label_v3', but label set v1 says 'feedback_label_v1'"),
])
def test_each_rule_names_what_is_wrong(folder: Path, spoil: Callable[[Path], None], told: str) -> None:
    spoil(folder)
    relock(folder)
    faults = lint(folder).faults
    assert any(told in fault for fault in faults), faults


def test_limits_of_size() -> None:
    wide = {"type": "object", "additionalProperties": False, "required": [f"p{n}" for n in range(101)], "properties": {f"p{n}": {"type": "string"} for n in range(101)}}
    assert any("101 properties" in fault for fault in schema_faults(wide))
    deep: dict = {"type": "string"}
    for _ in range(6):
        deep = {"type": "object", "additionalProperties": False, "required": ["x"], "properties": {"x": deep}}
    assert any("more than 5 levels" in fault for fault in schema_faults(deep))
    many = {"type": "object", "additionalProperties": False, "required": ["x"], "properties": {"x": {"type": "string", "enum": [f"v{n}" for n in range(501)]}}}
    assert any("501 enum values" in fault for fault in schema_faults(many))
