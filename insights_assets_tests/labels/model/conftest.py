"""One stand-in a test, with the oracle behind it unless the test puts another brain in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from insights_assets_tests.contract.azure_openai_brains import oracle
from insights_assets_tests.contract.azure_openai_server import AzureOpenAI
from insights_assets_tests.labels.model.desk import Desk, open_desk


@pytest.fixture
def server() -> Iterator[AzureOpenAI]:
    with AzureOpenAI(brain=oracle()) as running:
        yield running


@pytest.fixture
def desk(server: AzureOpenAI, tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(server, tmp_path)
    yield opened
    opened.operations.close()
    opened.connection.close()
