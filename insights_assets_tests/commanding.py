"""`insights …` in processes of their own, forked from one that has imported the product already: what is tested is the command, not Python's imports.

Belongs here: starting that process once a session, and handing each command to a fork of it with its words, environment and folder. A fork
is a process like any other: it is killed, exits and writes as one. Does not belong here: any expectation. Tests of starting up itself
(`insights demo`, `insights dev`, the closed network, the spreadsheet's commands) start Python anew.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FOREMAN: subprocess.Popen[bytes] | None = None


def insights(*words: str, environment: Mapping[str, str] | None = None, timeout: float = 400, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command with this process's environment and `environment` over it; how it ended, as `subprocess.run` tells it."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        order = {"words": words, "environment": {**os.environ, **(environment or {})}, "cwd": str(cwd or Path.cwd()), "out": str(out), "err": str(err)}
        number = _ask(order)["pid"]
        try:
            ended = _answer(timeout)
        except TimeoutError:
            os.kill(number, signal.SIGKILL)
            _answer(60)
            raise subprocess.TimeoutExpired(words, timeout, out.read_bytes(), err.read_bytes()) from None
        return subprocess.CompletedProcess(words, ended["returncode"], out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def _ask(order: dict[str, Any]) -> dict[str, Any]:
    global _FOREMAN
    if _FOREMAN is None or _FOREMAN.poll() is not None:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("INSIGHTS_", "DAGSTER_"))}
        _FOREMAN = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=own, cwd=Path(__file__).parents[1])
        atexit.register(_dismiss, _FOREMAN)
    assert _FOREMAN.stdin is not None
    _FOREMAN.stdin.write(json.dumps(order).encode() + b"\n")
    return _answer(120)


def _answer(seconds: float) -> dict[str, Any]:
    assert _FOREMAN is not None and _FOREMAN.stdout is not None
    if not select.select([_FOREMAN.stdout], [], [], seconds)[0]:
        raise TimeoutError
    line = _FOREMAN.stdout.readline()
    if not line:
        raise RuntimeError(f"the process that forks commands ended with {_FOREMAN.wait()}")
    return json.loads(line)


def _dismiss(foreman: subprocess.Popen[bytes]) -> None:
    assert foreman.stdin is not None
    foreman.stdin.close()
    foreman.wait(30)


def _prepare() -> None:
    """Import what nearly every command imports; start nothing: a process with one thread is the only one that can be forked."""
    import gc
    import importlib

    from insights_assets.definitions import build_definitions

    build_definitions()
    for name in ("insights_assets.cli", "insights_assets.run", "insights_assets.commands.run", "pyspark.sql.connect.session", "alembic.command", "deltalake"):
        importlib.import_module(name)
    importlib.import_module("insights_assets_tests.conftest")  # SQLite waits for no disk, as in the tests' own process
    gc.collect()
    gc.freeze()


def _follow_orders() -> list[str] | None:
    """Fork for each order on stdin and tell how the fork ended. Returns in a fork, with its words; None at the end of the orders."""
    answers = os.dup(1)
    while line := sys.stdin.readline():
        order = json.loads(line)
        if (number := os.fork()) == 0:
            os.close(answers)
            return _become(order)
        os.write(answers, json.dumps({"pid": number}).encode() + b"\n")
        _, status = os.waitpid(number, 0)
        os.write(answers, json.dumps({"returncode": os.waitstatus_to_exitcode(status)}).encode() + b"\n")
    return None


def _become(order: dict[str, Any]) -> list[str]:
    """This fork's own files, folder and environment."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, os.open(order["out"], os.O_WRONLY | os.O_CREAT)), (2, os.open(order["err"], os.O_WRONLY | os.O_CREAT))):
        os.dup2(target, number)
        os.close(target)
    return list(order["words"])


def main() -> None:
    _prepare()
    words = _follow_orders()
    if words is not None:
        from insights_assets.cli import main as command

        command(words, prog_name="insights")


if __name__ == "__main__":
    main()
