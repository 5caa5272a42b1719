"""Commands in processes of their own, forked from one that has imported the product already: what is tested is the command, not Python's imports.

Belongs here: starting that process once a session, handing it each command of a test, and the line of shell by which a typed page hands it one. A
fork is a process like any other: it is killed, exits and writes as one. What the process itself does is `commanding_forks.py`'s. Does not belong
here: any expectation. Tests of starting up itself (`insights demo`, `insights dev`, the closed network, the spreadsheet's commands) start Python anew.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from insights_assets_tests import commanding_client as client

#: The module whose `main` is `insights`.
INSIGHTS = "insights_assets.cli"
_FOREMAN: tuple[subprocess.Popen[bytes], str] | None = None


def insights(*words: str, environment: Mapping[str, str] | None = None, timeout: float = 400, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command with this process's environment and `environment` over it; how it ended, as `subprocess.run` tells it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as open_files:
        out, err = Path(folder) / "out", Path(folder) / "err"
        files = [open_files.enter_context(open(path, mode)) for path, mode in ((os.devnull, "rb"), (out, "wb"), (err, "wb"))]
        order = {"module": INSIGHTS, "words": ["insights", *words], "environment": {**os.environ, **(environment or {})}, "cwd": str(cwd or Path.cwd())}
        asked = open_files.enter_context(client.ask(foreman(), order, [file.fileno() for file in files]))
        asked.settimeout(120)
        number = client.answer(asked)
        asked.settimeout(timeout)
        try:
            code = client.answer(asked)
        except TimeoutError:
            os.kill(number, signal.SIGKILL)
            asked.settimeout(60)
            client.answer(asked)
            raise subprocess.TimeoutExpired(words, timeout, out.read_bytes(), err.read_bytes()) from None
        return subprocess.CompletedProcess(words, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def line(name: str, module: str) -> str:
    """A line of shell that is the command `name`: `main` of the module, with the shell's own environment, folder and files."""
    return f'exec {sys.executable} -I -S {shlex.quote(client.__file__)} {foreman()} {module} {name} "$@"'


def foreman() -> str:
    """Where the process that forks listens; started by whoever asks first in this one."""
    global _FOREMAN
    if _FOREMAN is None or _FOREMAN[0].poll() is not None:
        address = str(Path(tempfile.mkdtemp(prefix="commands-")) / "socket")
        own = {name: value for name, value in os.environ.items() if not name.startswith(("INSIGHTS_", "DAGSTER_", "DATABRICKS_"))}
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(address)
            listening.listen(64)
            words = [sys.executable, "-m", "insights_assets_tests.commanding_forks", str(listening.fileno())]
            process = subprocess.Popen(words, stdin=subprocess.PIPE, env=own, cwd=Path(__file__).parents[1], pass_fds=[listening.fileno()])
        atexit.register(_dismiss, process, address)
        _FOREMAN = process, address
    return _FOREMAN[1]


def _dismiss(process: subprocess.Popen[bytes], address: str) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait(30)
    Path(address).unlink()
    Path(address).parent.rmdir()
