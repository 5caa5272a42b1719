"""A prompt comes into force by an activation; the way back restores the earlier rows with no call at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from insights_assets.cli import main
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model.label import label_texts
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.prompt_versions import NothingToGoBackTo, active_prompt, active_version, promote, rollback
from insights_assets.labels.prompts import PromptError
from insights_assets.resources.operations import open_operations
from insights_assets_tests.labels.model.desk import PRODUCTS, Desk, complaints


def rows(desk: Desk, run_id: str, count: int = 12) -> list:
    prompt = LabelPrompt.of(active_prompt(desk.operations, "label_feedback"), load_label_set(), desk.connection)
    return [one.row for one in label_texts(complaints(count), desk.client(run_id), prompt, Candidates(PRODUCTS), rules_version="r")]


def test_a_change_asks_exactly_the_affected_rows_and_going_back_asks_none(desk: Desk) -> None:
    before = rows(desk, "run-1")
    promote(desk.operations, "label_feedback", "v1", by="ana", reason="compare")
    other = rows(desk, "run-2")
    assert len(desk.server.chats) == 24 and {row["prompt_version"] for row in other} != {row["prompt_version"] for row in before}
    rows(desk, "run-2b", 13)
    assert len(desk.server.chats) == 25, "one new record is one request"
    rollback(desk.operations, "label_feedback", by="ana", reason="worse")
    assert rows(desk, "run-3") == before
    assert len(desk.server.chats) == 25
    assert active_version(desk.operations, "label_feedback") == "v3"


def test_what_cannot_be_brought_into_force_is_refused(desk: Desk) -> None:
    with pytest.raises(NothingToGoBackTo, match="label_feedback: no earlier version"):
        rollback(desk.operations, "label_feedback", by="ana", reason="x")
    with pytest.raises(PromptError, match="label_feedback/v9 does not exist; there are v1, v2, v3"):
        promote(desk.operations, "label_feedback", "v9", by="ana", reason="x")
    with pytest.raises(FileNotFoundError, match="prompts/nosuch does not exist"):
        promote(desk.operations, "nosuch", "v1", by="ana", reason="x")


def test_the_commands(tmp_path: Path) -> None:
    home = tmp_path / "home"
    operations = open_operations(home / "operations.db")
    operations.migrate()

    def told(*words: str, code: int = 0, in_home: bool = True) -> str:
        result = CliRunner().invoke(main, ["prompts", *words, *(["--home", str(home)] if in_home else [])], env={"INSIGHTS_HOME": None})
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    assert "* label_feedback label_feedback/v3@" in told("list") and "* label_sets v1" in told("list")
    assert "label_feedback/v1 is in force" in told("promote", "label_feedback", "v1", "--reason", "compare")
    assert "* label_feedback label_feedback/v1@" in told("list") and "compare" in told("list")
    assert "label_feedback/v3 is in force again" in told("rollback", "label_feedback", "--reason", "worse")
    assert "there are v1, v2, v3" in told("promote", "label_feedback", "v9", "--reason", "x", code=2)
    assert "no earlier version" in told("rollback", "name_theme", "--reason", "x", code=2)
    assert "+version: v2" in told("diff", "label_feedback", "v1", "v2", in_home=False)
    assert "prompts/label_feedback/v9.md does not exist" in told("diff", "label_feedback", "v1", "v9", code=2, in_home=False)
    assert "every prompt, schema and label set holds" in told("lint", in_home=False)
    assert sorted(row.action for row in operations.audit.rows()) == ["prompt_promote", "prompt_rollback"]
