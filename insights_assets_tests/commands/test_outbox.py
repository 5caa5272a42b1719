"""`insights outbox`: people see what has not arrived, why and whose it is; try again; let go; each act is audited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from insights_assets.actions.outbox import drain, want
from insights_assets.cli import main
from insights_assets.resources.operations import Operations, open_operations
from insights_assets_tests.chaos.shift import by_key, outgoing
from insights_assets_tests.chaos.ticket_server import Tickets, TicketServer
from insights_assets_tests.hands import Hands


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def operations(home: Path) -> Iterator[Operations]:
    """A home where one letter arrived, one is dead, one is unknown and one waits."""
    clock = Hands()
    found = open_operations(f"sqlite:///{home / 'operations.db'}", clock=clock)
    found.migrate()
    items = [outgoing(n, tier=n % 2 + 1) for n in range(3)]
    server = TicketServer(clock, plan={items[1].message.fingerprint: ("lost",)}, refuse=frozenset({items[2].message.fingerprint}))
    want(found, items, {})
    drain(found, {"tickets": Tickets(server.port)}, by_key(items), worker="w", run_id="r", sleep=clock.turn)
    want(found, [outgoing(3)], {})
    server.close()
    yield found
    found.close()


def insights(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["outbox", *words, "--home", str(home)], env={"INSIGHTS_HOME": None})


def test_the_list_names_reason_owner_and_age_the_worst_first(operations: Operations, home: Path) -> None:
    result = insights(home, "list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[1] for line in lines[::2]] == ["dead", "unknown", "waiting"]
    assert "ACT-2  dead     defect_ticket of INS-2 -> tickets:Q  owner quality" in lines[0] and lines[1].strip() == "tickets refuses it: project is archived"
    assert lines[3].strip().startswith("the reply was lost") and lines[5].strip() == "not sent yet"
    found = json.loads(insights(home, "list", "--json").stdout)
    assert (found["waiting"], found["unknown"], found["dead"]) == (1, 1, 1)
    assert [row["action_id"] for row in found["rows"]] == ["ACT-2", "ACT-1", "ACT-3"]
    assert json.loads(insights(home, "list", "--state", "delivered", "--json").stdout)["rows"][0]["external_id"] == "T-1"
    assert insights(home, "list", "--state", "dropped").output == "nothing is dropped\n"


def test_retry_and_drop_act_and_leave_their_entry(operations: Operations, home: Path) -> None:
    assert insights(home, "retry", "ACT-2").output == "ACT-2 is sent with the next drain\n"
    assert insights(home, "drop", "ACT-1", "--reason", "told by phone").output == "ACT-1 is let go; it may have arrived: look at its destination\n"
    assert json.loads(insights(home, "retry", "ACT-1", "--json").stdout)[0]["state"] == "unknown"
    assert {row.action_id: row.state for row in operations.outbox.all()} == {"ACT-0": "delivered", "ACT-1": "unknown", "ACT-2": "waiting", "ACT-3": "waiting"}
    entries = [(row.action, row.subject) for row in reversed(operations.audit.rows())]
    assert entries == [("dead_letter", "ACT-2"), ("outbox_retry", "ACT-2"), ("outbox_drop", "ACT-1"), ("outbox_retry", "ACT-1")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("retry ACT-9", "nothing in the outbox is called 'ACT-9'; `insights outbox list` shows what waits, is unknown or dead"),
        ("retry ACT-0", "ACT-0 has arrived at tickets as T-1; there is nothing to do"),
        ("retry ACT-1", "ACT-1 may have arrived: it is looked up before any second try, next at 2026-11-23 09:01 UTC"),
        ("drop ACT-0 --reason no", "ACT-0 has arrived at tickets as T-1"),
        ("drop ACT-1", "Missing option '--reason'"),
        ("list --state lost", "'lost' is not one of 'waiting', 'sending', 'unknown'"),
    ],
)
def test_a_wrong_use_says_what_to_do(operations: Operations, home: Path, words: str, told: str) -> None:
    result = insights(home, *words.split())
    assert result.exit_code == 2 and told in " ".join(result.output.split())


def test_an_empty_outbox_says_so(home: Path) -> None:
    open_operations(f"sqlite:///{home / 'operations.db'}").migrate()
    assert insights(home, "list").output == "nothing waits, nothing is unknown, no letter is dead\n"
