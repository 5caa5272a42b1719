"""What is remembered about calling people, on every database: states as they were put, steps once for ever with their audit entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from insights_assets.actions.alerts import Seen
from insights_assets.resources.operations import Operations, open_operations

NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
SEEN = Seen(
    "INS-1", True, 2, (NOW - timedelta(hours=3), NOW), "slack:#quality", "glass lamps | product_quality", NOW, NOW + timedelta(hours=8), 2, 41, 1, ("INS-2", "INS-3"),
)  # fmt: skip
STEP = {"action_id": "ACT-1", "step": 1, "insight_id": "INS-1", "team": "product", "reason": "Quality did not answer within 4 h", "due_at": NOW}


@pytest.fixture
def operations(target: str) -> Iterator[Operations]:
    made = open_operations(target, clock=lambda: NOW)
    made.migrate()
    yield made
    made.close()


def test_what_an_alert_remembers_comes_back_as_it_was(operations: Operations) -> None:
    assert operations.alerts.put([SEEN.as_row(), Seen("INS-2").as_row()]) == 2
    assert {key: Seen.from_row(row.as_dict()) for key, row in operations.alerts.all().items()} == {"INS-1": SEEN, "INS-2": Seen("INS-2")}
    assert operations.alerts.put([SEEN.as_row()]) == 0, "the same again changes nothing"
    later = replace(SEEN, told_volume=80, told_members=())
    assert operations.alerts.put([later.as_row()]) == 1
    assert Seen.from_row(operations.alerts.all()["INS-1"].as_dict()) == later


def test_a_step_is_made_once_with_its_audit_entry(operations: Operations) -> None:
    (made,) = operations.escalations.make([STEP])
    assert (made.raised_at, made.team) == (NOW, "product")
    assert operations.escalations.make([STEP, {**STEP, "team": "someone else"}]) == []
    assert [(row.step, row.team) for row in operations.escalations.make([{**STEP, "step": 2, "team": "marketing"}])] == [(2, "marketing")]
    assert [(row.step, row.team, row.due_at) for row in operations.escalations.all()] == [(1, "product", NOW), (2, "marketing", NOW)]
    entries = [row for row in operations.audit.rows() if row.action == "escalate"]
    assert {row.details["step"] for row in entries} == {1, 2} and {row.subject for row in entries} == {"ACT-1"}
    assert operations.audit.verify_chain().holds
