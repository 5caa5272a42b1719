"""What the tests of this room run on: both databases, a clock that is turned, a server of tickets with its own ledger."""

from collections.abc import Iterator

import pytest

from insights_assets.resources.operations import Operations
from insights_assets_tests.chaos.shift import open_fast
from insights_assets_tests.chaos.ticket_server import TicketServer
from insights_assets_tests.hands import Hands


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def server(clock: Hands) -> Iterator[TicketServer]:
    made = TicketServer(clock)
    yield made
    made.close()


@pytest.fixture
def operations(target: str, clock: Hands) -> Iterator[Operations]:
    found = open_fast(target, clock)
    yield found
    found.close()
