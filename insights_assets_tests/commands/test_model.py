"""`insights model`: people see which classifier labels, bring one into force past its gate or not at all, and go back; each act is audited."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from insights_assets.cli import main
from insights_assets.labels.candidate import gate_fact
from insights_assets.labels.models import CANDIDATE_KIND, SHIPPED, active_version, model_file, shipped_version
from insights_assets.resources.operations import Operations, open_operations

BETTER, WORSE = "local@better", "local@worse"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def operations(home: Path) -> Iterator[Operations]:
    """A home that trained two candidates; the gate let one through."""
    (home / "models").mkdir(parents=True)
    found = open_operations(f"sqlite:///{home / 'operations.db'}")
    found.migrate()
    for version, answer, reason in ((WORSE, "fail", "worse on 12 of 40 records"), (BETTER, "pass", "better on 21 of 40 records")):
        shutil.copyfile(SHIPPED, model_file(home, version))
        found.activations.activate(CANDIDATE_KIND, version, by="test", reason="trained")
        found.facts.put(gate_fact(version), json.dumps({"answer": answer, "reason": reason}))
    yield found
    found.close()


def insights(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["model", *words, "--home", str(home)], env={"INSIGHTS_HOME": None})


def test_the_list_names_what_is_in_force_and_what_waits(operations: Operations, home: Path) -> None:
    said = insights(home, "list").output.splitlines()
    assert said == [f"In force: {shipped_version()} (the shipped one)", f"Candidate: {BETTER}; its gate says pass: better on 21 of 40 records"]
    assert json.loads(insights(home, "list", "--json").stdout)["history"] == []
    assert insights(home, "promote", BETTER, "--reason", "it hears devices").output == f"{BETTER} labels new records from the next run on\n"
    found = json.loads(insights(home, "list", "--json").stdout)
    assert found["active"] == BETTER == active_version(home, operations) and found["candidate"] is None
    assert [(row["version"], row["reason"]) for row in found["history"]] == [(shipped_version(), "the classifier that came with the package"), (BETTER, "it hears devices")]
    said = insights(home, "list").output.splitlines()
    assert said[1].endswith(": it hears devices") and said[2:] == [f"In force: {BETTER}"]


def test_what_failed_its_gate_comes_into_force_only_past_it(operations: Operations, home: Path) -> None:
    refused = insights(home, "promote", WORSE, "--reason", "a hunch")
    assert refused.exit_code == 3 and f"{WORSE} failed its gate: worse on 12 of 40 records" in refused.output
    assert active_version(home, operations) == shipped_version() and operations.audit.rows() == []
    assert insights(home, "promote", WORSE, "--reason", "a hunch", "--past-the-gate").exit_code == 0
    assert active_version(home, operations) == WORSE
    [row] = operations.audit.rows()
    assert (row.action, row.subject) == ("model_promote", WORSE)


def test_the_way_back_is_one_more_entry(operations: Operations, home: Path) -> None:
    first = insights(home, "rollback", "--reason", "a drill")
    assert first.exit_code == 2 and "none to go back to" in first.output
    insights(home, "promote", BETTER, "--reason", "it hears devices")
    back = insights(home, "rollback", "--reason", "it hears too much")
    assert back.exit_code == 0 and back.output.startswith(f"{shipped_version()} is in force again")
    assert active_version(home, operations) == shipped_version()
    assert [(row.action, row.subject) for row in reversed(operations.audit.rows())] == [("model_promote", BETTER), ("model_rollback", shipped_version())]
    found = json.loads(insights(home, "list", "--json").stdout)
    assert found["candidate"] is None, "what was taken back does not come back by itself"
    assert [row["version"] for row in found["history"]] == [shipped_version(), BETTER, shipped_version()]


def test_wrong_use_says_what_to_do(operations: Operations, home: Path, tmp_path: Path) -> None:
    missing = insights(home, "promote", "local@never", "--reason", "a guess")
    assert missing.exit_code == 2 and "train it first" in missing.output
    assert "Missing option '--reason'" in insights(home, "promote", BETTER).output
    nowhere = insights(tmp_path / "nowhere", "list")
    assert nowhere.exit_code == 2 and "is not a home yet" in nowhere.output
