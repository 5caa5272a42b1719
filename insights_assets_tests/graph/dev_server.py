"""`insights dev` as a test starts it: on a free port, without the console, with nobody at the keyboard; and looking at its runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from insights_assets.resources.home import open_instance


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "insights_assets.cli", *words]


def wait_for(found: Callable[[], Any], seconds: float, what: str, said: Callable[[], Any] = str) -> Any:
    """Wait until something is found; what is missing then is named, with what `said` gives beside it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds:.0f} s {said()}")


def runs(home: Path) -> list[Any]:
    """The latest runs of a home, newest first."""
    with open_instance(home) as instance:
        return [record.dagster_run for record in instance.get_run_records(limit=20)]


def of_sensor(home: Path, name: str = "landing_sensor") -> list[Any]:
    return [run for run in runs(home) if run.tags.get("dagster/sensor_name") == name]


def processes_with(mark: str) -> list[str]:
    """Command lines of living processes whose environment or command names the home."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                words = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
            if f"INSIGHTS_HOME={mark}".encode() in words.split(b"\0"):
                found.append(words.decode(errors="replace")[:200])
    return found


def end(dev: subprocess.Popen[bytes], home: Path) -> None:
    """End the servers as a person does; they say that all is well, and nothing of them lives on."""
    dev.send_signal(signal.SIGTERM)
    assert dev.wait(timeout=30) == 0
    assert processes_with(str(home)) == []


@contextmanager
def dev_server(home: Path, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The servers, up and answering; ended with their whole tree."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "dev.log").open("wb") as log:
        words = command("dev", "--home", str(home), "--port", str(port), "--no-console")
        started = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder, start_new_session=True, env={**os.environ, **(environment or {})})

    def answers() -> bool:
        assert started.poll() is None, (folder / "dev.log").read_text()[-3000:]
        try:
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=2))
        except OSError:
            return False

    try:
        wait_for(answers, 120, "Dagster's UI")
        yield started
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGTERM)
            started.wait(timeout=30)
