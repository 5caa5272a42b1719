"""A code location for the tests of production: parcels that arrive as files, each one run, and a ledger of what really happened.

A line of the ledger is written by the run's own process: `begin NAME VERSION PID`, `end NAME VERSION PID`. Between them a run waits until a file
`go-NAME` lets it go, so that a test can end processes in the middle.
"""

import os
import time
from pathlib import Path

import dagster as dg

FOLDER = Path(os.environ.get("PARCELS", "parcels"))
VERSION = os.environ.get("PARCELS_VERSION", "1")


def note(word: str, name: str) -> None:
    with open(FOLDER / "ledger", "a", encoding="utf-8") as ledger:
        ledger.write(f"{word} {name} {VERSION} {os.getpid()}\n")


class Parcel(dg.Config):
    name: str


@dg.asset(code_version=VERSION)
def parcel(config: Parcel) -> None:
    note("begin", config.name)
    while not (FOLDER / f"go-{config.name}").exists():
        time.sleep(0.1)
    note("end", config.name)


deliver = dg.define_asset_job("deliver", selection=[parcel], tags={"dagster/retry_strategy": "ALL_STEPS"})


@dg.sensor(job=deliver, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def arrivals(_context: dg.SensorEvaluationContext):
    for path in sorted(FOLDER.glob("in-*")):
        name = path.name.removeprefix("in-")
        yield dg.RunRequest(run_key=name, run_config={"ops": {"parcel": {"config": {"name": name}}}}, tags={"parcel": name})


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[parcel], jobs=[deliver], sensors=[arrivals], executor=dg.in_process_executor)
