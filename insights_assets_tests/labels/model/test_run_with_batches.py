"""`insights run` killed right after the server took its batch: the next run finds it, nobody pays twice, and the server's own ledger is the judge."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.labels.model.ledger import Ledger
from insights_assets.labels.model.prices import load_prices
from insights_assets.resources.operations import open_operations
from insights_assets.simulator import simulate
from insights_assets_tests import commanding
from insights_assets_tests.contract.azure_openai_brains import oracle
from insights_assets_tests.contract.azure_openai_server import BATCH_DEPLOYMENT, DEPLOYMENT, KEY, AzureOpenAI

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LAST_DAY = date(2026, 11, 22)


@pytest.fixture
def server() -> Iterator[AzureOpenAI]:
    with AzureOpenAI(brain=oracle()) as running:
        running.deployments.update({DEPLOYMENT, BATCH_DEPLOYMENT})
        yield running


def test_kill_after_batch_submit(server: AzureOpenAI, tmp_path: Path) -> None:
    simulate(tmp_path / "shop", days=70, records=1_000, seed=5, last_day=LAST_DAY)
    environment = {
        "INSIGHTS_CUSTOMER_KEY_SECRET": "test", "INSIGHTS_MODEL": "azure", "INSIGHTS_MODEL_ENDPOINT": server.url, "INSIGHTS_MODEL_DEPLOYMENT": DEPLOYMENT,
        "INSIGHTS_MODEL_BATCH_DEPLOYMENT": BATCH_DEPLOYMENT, "INSIGHTS_MODEL_BATCH_LEAST": "1", "INSIGHTS_MODEL_KEY": KEY,
        "INSIGHTS_MODEL_SHARE": "0.6",  # room beside what is severe, which never waits
    }
    home = tmp_path / "home"

    def labels_asked() -> int:
        """Questions about labels that were asked one by one; names of themes are asked too, and never wait."""
        return sum(one.body["response_format"]["json_schema"]["name"].startswith("feedback_label") for one in server.chats)

    def run(**more: str) -> Any:
        words = ("run", "--landing", str(tmp_path / "shop" / "landing"), "--home", str(home), "--as-of", LAST_DAY.isoformat(), "--json")
        return commanding.insights(*words, environment={**environment, **more})

    killed = run(INSIGHTS_CRASH_AT="model.batch_submit:after")
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
    assert list(server.batches.batches) == ["batch_0000"] and labels_asked(), "some were asked at once, most wait"
    at_once = labels_asked()
    second = json.loads(run().stdout)
    assert second["succeeded"] and list(server.batches.batches) == ["batch_0000"] and labels_asked() == at_once, "found again, and nothing is asked twice"
    waiting = {row["step"]: row["records"] for row in second["cascade"]}
    assert second["model"]["month"]["open_batches"] == 1 and second["model"]["month"]["set_aside"] > 0
    server.batches.work("batch_0000", seed=7)
    third = json.loads(run().stdout)
    labelled = {row["step"]: row["records"] for row in third["cascade"]}
    assert third["succeeded"] and labelled["model"] > waiting["model"] and labels_asked() == at_once and list(server.batches.batches) == ["batch_0000"]
    assert third["model"]["month"]["saved_by_batch"] > 0 and third["model"]["month"]["open_batches"] == 0
    operations = open_operations(f"sqlite:///{home / 'operations.db'}")
    ours = Ledger(operations, load_prices()).calls()
    assert Counter((row.request_id, row.input_tokens, row.output_tokens) for row in ours) == Counter((one.request_id, one.prompt_tokens, one.completion_tokens) for one in server.billed)
    assert max(Counter(row.cache_key for row in ours).values()) == 1 and server.batches.files == {}
    before = operations.latest_publication()
    fourth = json.loads(run().stdout)
    after = operations.latest_publication()
    assert fourth["succeeded"] and before is not None and after is not None and after.table_versions == before.table_versions
    assert len(server.billed) == len(ours), "and a run more costs nothing and changes nothing"
