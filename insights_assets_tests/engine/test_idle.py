"""How long the embedded engine waits for a session: long enough for any query and any break, and it is our figure that decides."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from insights_assets.engine import embedded

pytestmark = pytest.mark.slow
#: A query that takes longer than the engine waits, and a question after it.
ASKED = """
import time
from insights_assets.engine import embedded
embedded.IDLE_SECONDS = {seconds}
from insights_assets.engine.session import session
def slow(batches):
    time.sleep(6)
    yield from batches
spark = session(None)
rows = spark.range(3).coalesce(1).mapInArrow(slow, "id bigint").count()
time.sleep(3)
print(rows, spark.range(4).count())
"""


@pytest.mark.parametrize(("seconds", "is_kept"), [(2, False), (60, True)])
def test_a_session_lives_as_long_as_it_is_told(seconds: int, is_kept: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SAIL_SPARK__SESSION_TIMEOUT_SECS"}
    done = subprocess.run([sys.executable, "-c", ASKED.format(seconds=seconds)], capture_output=True, text=True, timeout=120, check=False, env=environment)
    if is_kept:
        assert done.stdout == "3 4\n", done.stderr[-1000:]
    else:
        assert "is not running" in done.stderr, "else the engine no longer forgets, and the figure can go"


def test_it_is_told_longer_than_any_step_or_break_lasts() -> None:
    assert embedded.IDLE_SECONDS >= 7 * 24 * 3600
