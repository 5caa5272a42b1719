"""The commands with a model behind real HTTP: a run prints what each step of the cascade cost, a second asks nothing, an outage stops neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.resources.operations import open_operations
from insights_assets.simulator import simulate
from insights_assets_tests import commanding
from insights_assets_tests.contract.azure_openai_brains import oracle
from insights_assets_tests.contract.azure_openai_server import DEPLOYMENT, KEY, AzureOpenAI

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LAST_DAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def server() -> Iterator[AzureOpenAI]:
    with AzureOpenAI(brain=oracle()) as running:
        running.deployments.add(DEPLOYMENT)
        yield running


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shop")
    simulate(out, days=70, records=1_000, seed=5, last_day=LAST_DAY)
    return out


def insights(server: AzureOpenAI, *words: str, expect: int = 0, **more: str) -> Any:
    environment = {
        "INSIGHTS_CUSTOMER_KEY_SECRET": "test", "INSIGHTS_MODEL": "azure", "INSIGHTS_MODEL_ENDPOINT": server.url, "INSIGHTS_MODEL_DEPLOYMENT": DEPLOYMENT,
        "INSIGHTS_MODEL_KEY": KEY, "INSIGHTS_MODEL_WAIT_SECONDS": "60", **more,
    }
    done = commanding.insights(*words, environment=environment)
    assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def test_a_run_tells_cost_by_step_and_a_second_run_asks_nothing(server: AzureOpenAI, sample: Path, tmp_path: Path) -> None:
    words = ("run", "--landing", str(sample / "landing"), "--home", str(tmp_path / "home"), "--as-of", LAST_DAY.isoformat())
    server.faults = lambda _number, _body: "503-no-retry"
    first = json.loads(insights(server, *words, "--json").stdout)
    assert first["succeeded"] and {row["step"]: row["records"] for row in first["cascade"]}["model"] == 0, "an outage stops no run"
    server.faults = lambda number, _body: "429:ms:20" if number % 3 == 0 else None
    second = json.loads(insights(server, *words, "--json").stdout)
    steps = {row["step"]: row for row in second["cascade"]}
    assert second["succeeded"] and steps["model"]["records"] > 0 and steps["model"]["cost_per_thousand_of_all"] > 0
    assert 0 < steps["model"]["share"] <= 0.2 and steps["all"]["records"] == sum(steps[name]["records"] for name in ("rule", "classifier", "model", "person"))
    operations = open_operations(f"sqlite:///{tmp_path / 'home' / 'operations.db'}")
    before, publication = len(server.chats), operations.latest_publication()
    assert publication is not None
    third = insights(server, *words)
    assert len(server.chats) == before, "nothing is left to ask"
    assert "Model:" in third.stdout and "a thousand records by step: rule 0.0000" in third.stdout
    after = operations.latest_publication()
    assert after is not None and after.table_versions == publication.table_versions, "and no table changes"
    evaluated = json.loads(insights(server, "prompts", "eval", "--home", str(tmp_path / "home"), "--json").stdout)
    assert (evaluated["answer"], evaluated["records"], evaluated["calls"]) == ("too_few", 0, 0), "nobody reviewed anything yet"
    none = insights(server, "prompts", "eval", "--home", str(tmp_path / "home"), expect=2, INSIGHTS_MODEL="none")
    assert "no model is named" in none.stderr
