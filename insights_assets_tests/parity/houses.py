"""The same bodies on several engines, each in a house of its own: what the suite runs in this process and in the driver's.

Belongs here: which stages are run and how a house is opened on a session. Does not belong here: starting engines (`conftest.py`,
`driver.py`), and any expectation.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from insights_assets.lake.lake import Lake
from insights_assets.resources import table_assets
from insights_assets_tests.house import TestHouse

AS_OF = date(2026, 11, 22)
STAGES = ("sources", "canonical", "labels", "anomalies", "health")
#: Read no other way than those that stay; each costs a JVM a second or two. The program of the whole graph leaves nothing out.
LEFT_OUT = frozenset(f"sources__{name}" for name in ("stock", "calendar", "social", "surveys"))
#: Small frames: compiling each plan costs more than interpreting it, and so does a JVM that optimises for hours.
QUICK = {
    "spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false", "spark.driver.memory": "1g", "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.autoBroadcastJoinThreshold": "64MB",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
}  # fmt: skip


def open_house(home: Path, landing: Path, session: Any, *, is_embedded: bool) -> TestHouse:
    house = TestHouse(home, session, as_of=AS_OF, landing=landing)
    house.lake = Lake(house.settings.lake_path, lambda: session, is_embedded=is_embedded)
    return house


def run_stages(house: TestHouse) -> None:
    """Every body of the stages but those left out, in the order of a run."""
    house.run(*STAGES, without=LEFT_OUT)


def run_bodies(house: TestHouse, names: Iterable[str]) -> None:
    """Single bodies on a house in which what they read is there."""
    for name in names:
        importlib.import_module(f"insights_assets.{name.partition('__')[0]}.assets")
        table_assets.BODIES[name][0](house.step(name))


def copy_before(home: Path, names: Iterable[str], copy: Path) -> Path:
    """A copy of a house's lake as it was before the bodies ran: what they write is not there."""
    shutil.copytree(home / "lake", copy / "lake")
    for name in names:
        for spec in table_assets.BODIES[name][2]:
            shutil.rmtree(copy / "lake" / spec.stage / spec.name, ignore_errors=True)
    return copy
