"""The embedded engine: Sail, a Spark Connect server inside this process.

Started once per process, on first use, on a free port of loopback, and never stopped before the process ends: stopping it and
starting another blocked the next run for good. No JVM, no credentials, nothing listens beyond this machine.
"""

from __future__ import annotations

import os
import threading
from typing import Any

#: The engine forgets a session that asked nothing for so long, also while a query of its runs: its own quarter of an hour is less than a step over ten
#: million records takes, and than a console lies open over lunch.
IDLE_SECONDS = 30 * 24 * 3600
_LOCK = threading.Lock()
_SERVER: Any = None
_URL: str | None = None


def embedded_url() -> str:
    """`sc://127.0.0.1:<port>` of this process's engine, starting it on the first call."""
    global _SERVER, _URL
    with _LOCK:
        if _URL is None:
            # The engine logs each session at INFO to stderr; a person running a command should not see that.
            os.environ.setdefault("RUST_LOG", "error")
            os.environ.setdefault("SAIL_SPARK__SESSION_TIMEOUT_SECS", str(IDLE_SECONDS))
            # Wide rows (texts) in default batches of 8,192 are quick to move and keep Python's share of memory flat.
            from pysail.spark import SparkConnectServer

            _SERVER = SparkConnectServer(ip="127.0.0.1", port=0)
            _SERVER.start()
            _, port = _SERVER.listening_address
            _URL = f"sc://127.0.0.1:{port}"
        return _URL
