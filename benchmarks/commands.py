"""Running `insights` as a person would, and what the process used. Nothing about what is measured belongs here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Used:
    """Wall and CPU seconds of one command and the most memory it held, with what it printed."""

    seconds: float
    cpu_seconds: float
    peak_gib: float
    answer: dict[str, Any]


def insights(*arguments: str) -> Used:
    """Run a command that answers in JSON. A command that fails ends the measurement with its own words."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "insights_assets.cli", *arguments, "--json"], stdout=subprocess.PIPE)
    printed: list[bytes] = []
    reader = threading.Thread(target=lambda: printed.append(process.stdout.read() if process.stdout else b""))
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    if process.returncode != 0:
        raise SystemExit(f"insights {' '.join(arguments)} ended with {process.returncode}")
    return Used(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20, json.loads(printed[0]))


def folder_gib(path: Path) -> float:
    """Size of a folder's files."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**30
