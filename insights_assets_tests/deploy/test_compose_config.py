"""`docker compose config` over deploy/compose.yaml, by Compose itself: it interpolates, merges and checks, and needs no engine for it.

Skips, saying why, where Compose 2.24 or later is not installed; `test_deploy_files.py` holds the file to the published specification everywhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
#: `env_file` with `required: false` is known from here on.
OLDEST = (2, 24)
BESIDE = {"postgres", "migrate", "code", "daemon", "webserver", "console"}


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """The words that start Compose here."""
    found = []
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]) is None:
            continue
        said = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, timeout=60, check=False)
        version = re.match(r"v?(\d+)\.(\d+)", said.stdout)
        if said.returncode == 0 and version:
            if (int(version[1]), int(version[2])) >= OLDEST:
                return words
            found.append(f"{' '.join(words)} {said.stdout.strip()}")
    pytest.skip(f"needs Docker Compose {OLDEST[0]}.{OLDEST[1]} or later; here is {', '.join(found) or 'none'}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What docs/production.md has lie there before the first start."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", ".env"))
    return tmp_path / "deploy"


def config(compose: list[str], folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [*compose, "-f", str(folder / "compose.yaml"), "--env-file", str(folder / ".env"), "config", "--format", "json", *more]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.home())})


def test_compose_takes_the_file_with_the_example_settings(compose: list[str], folder: Path) -> None:
    shutil.copy(folder / ".env.example", folder / ".env")
    done = config(compose, folder)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    services = found["services"]
    assert set(services) == BESIDE and found["name"] == "insights"
    ours = BESIDE - {"postgres"}
    assert {services[name]["image"] for name in ours} == {"registry.example/insights-assets:0.1.0"}
    assert all(services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"] for name in ours), "what services share is merged into each"
    landing = next(volume for volume in services["code"]["volumes"] if volume["target"] == "/var/lib/insights/landing")
    assert (landing["source"], landing["read_only"]) == ("/srv/insights/landing", True)
    published = {name: [(port["host_ip"], str(port["published"])) for port in service["ports"]] for name, service in services.items() if service.get("ports")}
    assert published == {"webserver": [("127.0.0.1", "3000")], "console": [("127.0.0.1", "3001")]}
    assert services["code"]["environment"]["INSIGHTS_CONSOLE_URL"] == "https://insights.example/console", "settings of .env reach the graph"
    assert "INSIGHTS_CONSOLE_URL" not in services["daemon"]["environment"]
    assert {Path(secret["file"]).parent for secret in found["secrets"].values()} == {folder / "secrets"}


def test_what_must_be_named_is_asked_for_in_words(compose: list[str], folder: Path) -> None:
    (folder / ".env").write_text("", encoding="utf-8")
    done = config(compose, folder)
    assert done.returncode != 0 and ("name the image" in done.stderr or "name the folder that sources deliver into" in done.stderr), done.stderr


def test_the_services_start_in_the_order_of_what_they_need(compose: list[str], folder: Path) -> None:
    shutil.copy(folder / ".env.example", folder / ".env")
    services = json.loads(config(compose, folder).stdout)["services"]
    needs = {name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()} for name, service in services.items()}
    assert needs["code"] == {"migrate": "service_completed_successfully"} and needs["migrate"] == {"postgres": "service_healthy"}
    assert needs["daemon"] == needs["webserver"] == {"code": "service_healthy"}
