"""docs/production.md typed from its first command to its last: first start, backup, upgrade, rollback, restore, with a real PostgreSQL.

Docker's commands are taken by `docker_words.py`: what runs inside a container runs here as a process, through the image's own entrypoint. Not as the
page has it are only what `instead` names: where containers keep their volumes, who owns files, and the lock that would ask the package index.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from insights_assets_tests.contract.page_walk import Typed, install, walk
from insights_assets_tests.deploy.docker_words import WORLD
from insights_assets_tests.resources import postgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "production.md"


def machine(folder: Path, address: str) -> dict[str, str]:
    """A host with this repository's deploy/ and what stands for Docker; gives its environment."""
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets", ".env"))
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / "empty.in").touch()
    for name in ("home", "dagster", "landing", "tmp"):
        (folder / "var" / name).mkdir(parents=True)
    where, binaries = urlsplit(address.replace("+psycopg", "")), postgres.programs()
    path = f"{folder / 'bin'}:{binaries}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    dagster_home = folder / "dagster_home"
    dagster_home.mkdir()
    shutil.copy(ROOT / "deploy" / "dagster.yaml", dagster_home)
    code = {
        "ENTRYPOINT": str(ROOT / "deploy" / "entrypoint.sh"), "PATH": path, "HOME": str(folder / "var" / "tmp"), "TMPDIR": str(folder / "var" / "tmp"), "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore", "DAGSTER_HOME": str(dagster_home), "DAGSTER_DISABLE_TELEMETRY": "1", "INSIGHTS_DAGSTER_URL": f"{address.replace('+psycopg', '+psycopg2')}dagster",
        "INSIGHTS_OPERATIONS_URL": f"{address}insights", "INSIGHTS_DAGSTER_STATE": str(folder / "var" / "dagster"), "INSIGHTS_HOME": str(folder / "var" / "home"),
        "INSIGHTS_CODE_HOST": "code", "INSIGHTS_CODE_PORT": "4000", "INSIGHTS_IMAGE": "as .env has it", "INSIGHTS_LANDING_FOLDER": "/srv", "INSIGHTS_MEMORY": "8g",
        "INSIGHTS_LANDING": str(folder / "var" / "landing"), "INSIGHTS_SECRETS_DIR": str(folder / "deploy" / "secrets"), "POSTGRES_PASSWORD_FILE": str(folder / "deploy/secrets/postgres_password"),
    }  # fmt: skip
    environments = {"code": code, "postgres": {"PATH": path, "PGHOST": str(where.hostname), "PGPORT": str(where.port)}}
    (folder / "docker.json").write_text(json.dumps({"images": [], "running": [], "seen": [], "environments": environments}), encoding="utf-8")
    install(folder, {"bin/docker": f'PYTHONPATH={ROOT} exec {sys.executable} -m insights_assets_tests.deploy.docker_words "$@"', ".venv/bin/python": f'exec {sys.executable} "$@"'})
    return {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", WORLD: str(folder / "docker.json")}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page, typed."""
    if reason := postgres.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("host")
    with postgres.server() as address:
        for name in ("dagster", "insights"):
            postgres.fresh_database(address, name)
        instead = {"/var/lib/insights": f"{folder}/var", "chown -R 10001": f"chown -R {os.geteuid()}", "pip compile pyproject.toml --extra postgres": "pip compile empty.in"}
        found = walk(PAGE, folder, instead, machine(folder, address), 560)
        yield SimpleNamespace(typed=found, folder=folder, state=json.loads((folder / "docker.json").read_text(encoding="utf-8")))


def said(host: SimpleNamespace, part: str) -> list[Typed]:
    found = [one for one in host.typed if part in one.on_page]
    assert found, f"the page no longer has `{part}`"
    return found


def test_secrets_are_files_that_only_their_owner_reads_and_the_product_finds_them(host: SimpleNamespace) -> None:
    secrets = host.folder / "deploy" / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700 and all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in secrets.iterdir())
    first, *_ = said(host, "exec code insights doctor")
    assert "set by INSIGHTS_CUSTOMER_KEY_SECRET" in first.output and "postgresql answers" in first.output and "FAIL" not in first.output
    for one in host.typed:
        assert not any(text in one.output for name in secrets.iterdir() if (text := name.read_text(encoding="utf-8").strip())), one.on_page


def test_the_upgrade_starts_the_new_image_and_the_rollback_the_old_one(host: SimpleNamespace) -> None:
    assert [image.rpartition(":")[2] for image in host.state["seen"]] == ["0.1.0", "0.2.0", "0.1.0", "0.1.0"]
    assert set(host.state["running"]) == {"code", "console", "daemon", "postgres", "webserver"}


def test_a_backup_is_what_the_restore_brings_back(host: SimpleNamespace) -> None:
    assert all((host.folder / "backup" / name).stat().st_size > 1_000 for name in ("insights.dump", "dagster.dump", "home.tar"))
    (verified,) = said(host, "insights audit verify")
    assert "1" in verified.output, verified.output
    assert (host.folder / "var" / "home" / "desk" / "ticket.md").read_text(encoding="utf-8") == "a ticket"


def test_the_locks_command_has_options_that_are_ones(host: SimpleNamespace) -> None:
    assert (host.folder / "deploy" / "requirements.lock").read_text(encoding="utf-8").strip() == "", "an empty list of wishes was resolved, without the index"
