"""The parts of production as processes, started by deploy/entrypoint.sh exactly as a container starts them.

Belongs here: starting, ending and asking them. Does not belong here: any expectation.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from insights_assets_tests.resources import postgres

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
#: With the characters that libpq's password file escapes.
PASSWORD = r"pass:word\with'signs"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Production:
    """One installation: its folder, the environment of its parts, and the processes that run."""

    folder: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, part: str, **environment: str) -> None:
        """Start a part; a process group of its own, as a container is one."""
        with (self.folder / f"{part}.log").open("ab") as log:
            self.running[part] = subprocess.Popen(
                [str(DEPLOY / "entrypoint.sh"), part], env={**self.environment, **environment}, cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
            )

    def kill(self, part: str, number: int = signal.SIGKILL) -> None:
        """End a part with everything it started; as a container engine does, by force what does not end by itself."""
        process = self.running.pop(part)
        for asked in (number, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, asked)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
                return
        raise TimeoutError(f"{part} outlived SIGKILL")

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command beside the parts, as `docker compose exec` gives it."""
        return subprocess.run([str(DEPLOY / "entrypoint.sh"), *words], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)

    def log(self, part: str) -> str:
        return (self.folder / f"{part}.log").read_text(errors="replace")[-3000:]


@contextmanager
def production(folder: Path, changed: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Production]:
    """PostgreSQL with a password, a home and the settings of deploy/ with those that a test cannot wait for changed (`section.key`)."""
    home = folder / "deploy"
    home.mkdir(parents=True)
    shutil.copy(DEPLOY / "workspace.yaml", home)
    settings = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    for path, value in changed.items():
        *sections, key = path.split(".")
        section = settings
        for name in sections:
            section = section[name]
        assert key in section, f"deploy/dagster.yaml has no {path}"
        section[key] = value
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "postgres_password").write_text(PASSWORD, encoding="utf-8")
    (folder / "tmp").mkdir()
    with postgres.server(PASSWORD) as address:
        postgres.fresh_database(address, "dagster", PASSWORD)
        postgres.fresh_database(address, "insights", PASSWORD)
        plain = address.replace("+psycopg", "+psycopg2")
        one = Production(folder, {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder / "tmp"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore", "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1", "POSTGRES_PASSWORD_FILE": str(folder / "postgres_password"),
            "INSIGHTS_DAGSTER_URL": f"{plain}dagster", "INSIGHTS_OPERATIONS_URL": f"{address}insights", "INSIGHTS_DAGSTER_STATE": str(folder / "state"),
            "INSIGHTS_HOME": str(folder / "home"), "INSIGHTS_BIND": "127.0.0.1", "INSIGHTS_CODE_HOST": "127.0.0.1", "INSIGHTS_CODE_PORT": str(free_port()),
            "INSIGHTS_WEB_PORT": str(free_port()), **environment,
        })
        try:
            yield one
        finally:
            for part in list(one.running):
                one.kill(part)
