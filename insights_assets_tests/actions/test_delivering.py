"""Delivering on a lake: a destination that fails fails no run and says so; between runs what waits is sent with the published texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from insights_assets.actions import assets
from insights_assets.actions.assets import delivery_state
from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.desk import DeskDestination
from insights_assets.actions.destinations.port import Message, NotSent, Receipt
from insights_assets.actions.outbox import sensors
from insights_assets.actions.tables import ACTION_TICKETS, DELIVERIES, PLANNED_ACTIONS, TABLES
from insights_assets.resources.house import Engine, House
from insights_assets.resources.operations.outbox_people import standing, unsettled
from insights_assets_tests.actions.conftest import AS_OF
from insights_assets_tests.actions.test_assets import fill_lake
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow


class Board:
    """A ticket board in memory, up or down."""

    name, is_searchable, settles_after = "jira", True, 60.0

    def __init__(self) -> None:
        self.is_up = False
        self.kept: dict[str, str] = {}

    def find(self, message: Message, since: datetime) -> Receipt | None:
        return Receipt(message.key[:6]) if message.key in self.kept else None

    def create(self, message: Message) -> Receipt:
        if not self.is_up:
            raise NotSent("503 from the board")
        assert message.key not in self.kept, "created twice"
        return self.update(message, "")

    def update(self, message: Message, external_id: str) -> Receipt:
        self.kept[message.key] = message.body
        return Receipt(message.key[:6], url=f"https://board.test/{message.key[:6]}")


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    """The shop's tickets go to a board, everything else to the desk."""
    made = Board()

    def connect(settings: Any, _shop: Any) -> dict[str, Any]:
        return {"desk": DeskDestination(Desk(settings.home / "desk")), "jira": made}

    monkeypatch.setattr(assets, "destinations_of", connect)
    monkeypatch.setattr(sensors, "destinations_of", connect)
    return made


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> Iterator[TestHouse]:
    made = TestHouse(tmp_path / "home", spark, as_of=AS_OF)
    made.shop = replace(made.shop, owners={name: replace(owner, ticket_destination="jira:QUAL", alert_destination="desk") for name, owner in made.shop.owners.items()})
    fill_lake(made)
    yield made
    made.operations.close()


def publish(house: TestHouse, run_id: str) -> None:
    house.operations.record_publication(run_id, AS_OF, {str(spec): version for spec in TABLES if (version := house.lake.version(spec)) is not None})


def run_job(house: TestHouse) -> dg.ExecuteInProcessResult:
    resource = House(engine=Engine(), home=str(house.settings.home), as_of=AS_OF.isoformat())
    return sensors.deliver_waiting.execute_in_process(resources={"house": resource}, raise_on_error=True)


def test_a_board_that_is_down_fails_no_run_and_the_run_says_what_waits(house: TestHouse, board: Board) -> None:
    steps = house.run("actions")
    step = steps["actions__deliveries"]
    (outcome,) = (o for o in step.outcomes if o.name == "nothing_waits_too_long")
    assert outcome.passed, "it waits, but for no hour yet"
    waits = step.notes[DELIVERIES]["waiting"]
    assert waits >= 1 and step.notes[DELIVERIES]["dead"] == 0
    (ticket,) = (row for row in house.rows(ACTION_TICKETS) if row["kind"] == "defect_ticket")
    assert (ticket["destination"].partition(":")[0], ticket["state"], ticket["external_id"]) == ("jira", "planned", None)
    assert "alerts/INS-7f3a.md" in {row["external_id"] for row in house.rows(DELIVERIES)}, "the desk was served"
    assert all(row["why"].endswith("503 from the board") for row in unsettled(house.operations))
    # Time alone may let it be sent, so no later run is taken for a repetition.
    one, other = house.step("actions__deliveries", "run-2"), house.step("actions__deliveries", "run-3")
    assert delivery_state(one) != delivery_state(other)
    house.operations.clock = lambda: datetime(2026, 11, 23, 14, tzinfo=UTC)
    board.is_up = True
    house.run("actions", run_id="run-4")
    assert standing(house.operations).is_settled and len(board.kept) == waits
    (ticket,) = (row for row in house.rows(ACTION_TICKETS) if row["kind"] == "defect_ticket")
    assert (ticket["state"], ticket["external_id"]) == ("delivered", ticket["idempotency_key"][:6])
    assert delivery_state(one) == delivery_state(other)


def test_what_waits_for_hours_fails_the_check_and_not_the_run(house: TestHouse, board: Board) -> None:
    house.run("actions")
    house.operations.clock = lambda: datetime(2026, 11, 23, 15, tzinfo=UTC)
    from insights_assets.resources import table_assets

    body, _, _ = table_assets.BODIES["actions__deliveries"]
    step = house.step("actions__deliveries", "run-2")
    step.clock = house.operations.clock
    body(step)
    (outcome,) = step.outcomes
    assert not outcome.passed and outcome.metadata["oldest_hours"] == 3.0


def test_between_runs_the_job_sends_what_waits_with_the_published_texts(house: TestHouse, board: Board) -> None:
    house.run("actions")
    publish(house, "run-1")
    # The file of evidence beneath a ticket is made of the records themselves: a run brings it, not the job between runs.
    waiting = {row["key"] for row in unsettled(house.operations) if not row["key"].endswith(":evidence")}
    published = {row["idempotency_key"]: row["body"] for row in house.rows(PLANNED_ACTIONS)}
    # A later run wrote other texts and was stopped before it was published: they are not sent by the back door.
    frame = house.lake.read_pandas(PLANNED_ACTIONS)
    frame["body"] = "a text that no check has passed"
    house.lake.write(PLANNED_ACTIONS, frame)
    board.is_up = True
    assert run_job(house).success
    assert set(board.kept) == waiting and "a text that no check has passed" not in board.kept.values()
    assert all(board.kept[key] == published[key] for key in waiting & set(published))
    left = unsettled(house.operations)
    assert [row["key"].partition(":")[2] for row in left] == ["evidence"], "only what the next run brings"
    versions = {str(spec): house.lake.version(spec) for spec in TABLES}
    assert run_job(house).success, "again, for nothing"
    assert {str(spec): house.lake.version(spec) for spec in TABLES} == versions


def test_the_sensor_asks_only_when_something_is_due(house: TestHouse, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [datetime(2026, 11, 23, 12, tzinfo=UTC)]
    from insights_assets.resources import operations as rooms

    opened = rooms.open_operations
    monkeypatch.setattr(rooms, "open_operations", lambda target: opened(target, clock=lambda: now[0]))
    with dg.DagsterInstance.ephemeral() as instance:

        def asked() -> str:
            answer = sensors.due(instance, house.settings)
            return answer.skip_message or "" if isinstance(answer, dg.SkipReason) else "run"

        assert asked() == "nothing has been published yet"
        house.run("actions")
        publish(house, "run-1")
        assert "5 in the outbox; the next is due at 2026-11-23 12:0" in asked()
        now[0] += timedelta(minutes=5)
        assert asked() == "run"
        instance.add_run(dg.DagsterRun(job_name="whole_loop", run_id="00000000-0000-0000-0000-000000000001", status=dg.DagsterRunStatus.STARTED))
        assert asked() == "a run of whole_loop holds the home; what is due is looked at again after it"
        instance.delete_run("00000000-0000-0000-0000-000000000001")
        board.is_up = True
        assert run_job(house).success
        assert asked().startswith("1 in the outbox"), "the evidence waits for the next run"
