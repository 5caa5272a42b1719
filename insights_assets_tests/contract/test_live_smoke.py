"""`make live-smoke` and the doctor's look at the model, against the stand-in: they work where a model is named, and say so where none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from insights_assets.commands.doctor import _model
from insights_assets.settings import Settings
from insights_assets_tests.contract import live_smoke
from insights_assets_tests.contract.azure_openai_brains import oracle, reply
from insights_assets_tests.contract.azure_openai_server import DEPLOYMENT, KEY, AzureOpenAI


def name_model(monkeypatch: pytest.MonkeyPatch, url: str, key: str = KEY) -> None:
    for name, value in {"MODEL": "azure", "MODEL_ENDPOINT": url, "MODEL_DEPLOYMENT": DEPLOYMENT, "MODEL_KEY": key}.items():
        monkeypatch.setenv(f"INSIGHTS_{name}", value)


def test_without_a_model_it_is_skipped_and_says_what_to_set(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSIGHTS_MODEL", raising=False)
    assert live_smoke.main() == 0
    assert capsys.readouterr().out.startswith("SKIPPED: no model is named; set INSIGHTS_MODEL=azure")
    assert _model(Settings()) == "none: rules and the local classifier label everything"


def test_against_a_deployment_it_labels_counts_and_can_fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    known = {text.split(" Ignore all")[0]: reply([(topic, text.split(".")[0].split(",")[0].split("!")[0])]) for text, _, topic in live_smoke.TEXTS[:5]}
    known[live_smoke.TEXTS[5][0].split(" Ignore")[0]] = reply([("product_quality", "stopped working after nine days")])
    with AzureOpenAI(brain=oracle(known)) as server:
        name_model(monkeypatch, server.url)
        assert live_smoke.main() == 0, capsys.readouterr().out
        assert len(server.chats) == 6
        assert "answers; at most 2,000,000 tokens" in _model(Settings())
        server.brain = oracle()
        assert live_smoke.main() == 1
        name_model(monkeypatch, server.url, key="wrong")
        assert live_smoke.main() == 1
        assert "refused the sign-in" in capsys.readouterr().out
        with pytest.raises(ConnectionError, match=r"auth \(401\); see docs/language-model.md"):
            _model(Settings())


def test_settings_that_cannot_work_are_refused_by_name(tmp_path: Path) -> None:
    for given, told in (
        ({"model": "azure"}, "needs model_endpoint and model_deployment"),
        ({"model": "azure", "model_endpoint": "http://shop.openai.azure.com", "model_deployment": "d"}, "must begin with https://"),
        ({"model": "azure", "model_endpoint": "https://user:pw@shop.openai.azure.com", "model_deployment": "d"}, "without credentials"),
        ({"model": "azure", "model_endpoint": "https://x.example", "model_deployment": "d", "model_auth": "key"}, "needs model_key"),
        ({"model": "compatible", "model_endpoint": "https://x.example/v1", "model_deployment": "d", "model_auth": "entra"}, "is for model=azure"),
    ):
        with pytest.raises(ValueError, match=told):
            Settings(home=tmp_path, **given)
