"""What the engine's client says beside what it raises."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASKED_WRONGLY = """
import logging.config
from insights_assets.engine.session import session
spark = session()
logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})  # as Dagster does
try:
    spark.sql("SELECT element_at(array(1), 7) AS x").toArrow()
except Exception as error:
    print("raised", type(error).__name__)
"""


@pytest.mark.slow
def test_an_error_is_raised_and_not_printed_too() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED_WRONGLY], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("raised") and done.stderr == ""
