"""What the tests of the model step share: a stand-in, a client of it, and records to ask about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model.client import ModelClient
from insights_assets.labels.model.label import ModelLabel, label_texts
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.prompts import load_prompt
from insights_assets.resources.language_model import Connection, connect
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.settings import Settings
from insights_assets_tests.contract.azure_openai_server import BATCH_DEPLOYMENT, DEPLOYMENT, KEY, AzureOpenAI

PRODUCTS = (
    {"sku": "LMP-100", "name": "Aurora desk lamp", "aliases": ["Aurora lamp"]},
    {"sku": "JKT-200", "name": "Ridge rain jacket", "aliases": ["Ridge jacket"]},
)
WORDS = ("hinge", "strap", "cable", "lid", "button", "screen", "wheel", "zip", "handle", "motor", "filter", "cover")


@dataclass
class Desk:
    """Server, database and client of one test."""

    server: AzureOpenAI
    operations: Operations
    connection: Connection
    settings: Settings

    def client(self, run_id: str = "run-1", **settings: Any) -> ModelClient:
        chosen = self.settings.model_copy(update=settings)
        return ModelClient(self.connection, self.operations, chosen, run_id, time=self.server.time)

    @property
    def prompt(self) -> LabelPrompt:
        return LabelPrompt.of(load_prompt("label_feedback"), load_label_set(), self.connection)

    def label(self, records: list[dict[str, Any]], client: ModelClient | None = None, **more: Any) -> list[ModelLabel]:
        return list(label_texts(records, client or self.client(), self.prompt, Candidates(PRODUCTS), rules_version="rules-1", **more))


def open_desk(server: AzureOpenAI, folder: Path, **settings: Any) -> Desk:
    server.deployments.update({DEPLOYMENT, BATCH_DEPLOYMENT})
    given = {
        "home": folder / "home", "model": "azure", "model_endpoint": server.url, "model_deployment": DEPLOYMENT, "model_batch_deployment": BATCH_DEPLOYMENT,
        "model_key": KEY, "model_timeout_seconds": 5.0, "model_wait_seconds": 100_000.0, "model_tokens_per_run": 50_000_000, "model_tokens_per_day": 100_000_000,
        "model_cost_per_run": 1000.0, "model_cost_per_day": 1000.0, **settings,
    }
    chosen = Settings(**given)
    operations = open_operations(folder / "operations.db", clock=server.time.now)
    operations.migrate()
    connection = connect(chosen, strict=True)
    assert connection is not None
    return Desk(server, operations, connection, chosen)


def complaints(count: int, *, customers: int | None = None) -> list[dict[str, Any]]:
    """Records with a text each of their own."""
    return [
        {
            "feedback_id": f"f{number:04d}", "text": f"The {WORDS[number % len(WORDS)]} of item {number} broke after a week.", "language": "en",
            "customer_key": f"c{number % (customers or count):04d}", "rating": 1.0, "order_id": "O-1",
        }
        for number in range(count)
    ]
