"""`make bench-engines`: rows a second of single heavy steps on the embedded engine and on JVM Spark over Connect, with one core and two.

    python -m benchmarks.engines 200000 [--folder DIR]

One home is prepared by the embedded engine; each engine then does the same steps over a copy of it, in a process of its own held to its
cores. CPU seconds are those of every process the engine has, so that a busy machine changes the seconds and hardly the rows a CPU second.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from insights_assets.anomalies.tables import TOPIC_SERIES
from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.spec import TableSpec
from insights_assets.sources.tables import BRONZE

LAST_DAY = date(2026, 11, 22)
#: Step -> the table whose rows it is measured by.
STEPS: dict[str, TableSpec] = {
    "sources__reviews": BRONZE["reviews"], "canonical__feedback": FEEDBACK, "labels__feedback_labels": FEEDBACK_LABELS, "anomalies__topic_series": TOPIC_SERIES,
}  # fmt: skip
#: Done first and not told: a JVM that has just begun says more of its compiler than of the step.
WARMING = "sources__support_tickets"
#: What must be there before the steps, in this order; made once.
BEFORE = ("sources", "canonical", "labels")
TICKS = os.sysconf("SC_CLK_TCK")


def steps_in(home: Path, landing: Path, engine: str, cores: int, names: list[str] | None) -> list[dict[str, Any]]:
    """Run steps on one engine in this process; without names, all that the measured ones stand on."""
    from insights_assets.engine.jvm import JvmServer
    from insights_assets.engine.session import session
    from insights_assets.lake.lake import Lake
    from insights_assets.resources import table_assets
    from insights_assets.resources.clock import wall_clock
    from insights_assets.resources.operations import open_operations
    from insights_assets.resources.step import Step
    from insights_assets.settings import Settings
    from insights_assets.shop import load_shop

    server = JvmServer(f"local[{cores}]", {"spark.driver.memory": "4g"}) if engine == "jvm" else None
    spark = session(server.url if server else None)
    settings = Settings(home=home, landing=landing, as_of=LAST_DAY, customer_key_secret="bench")  # noqa: S106 - of a home that is thrown away
    operations, lake = open_operations(settings.operations_target), Lake(settings.lake_path, lambda: spark, is_embedded=server is None)
    operations.migrate()
    measured = []
    for name in names if names is not None else _all_before():
        importlib.import_module(f"insights_assets.{name.partition('__')[0]}.assets")
        body, reads, writes = table_assets.BODIES[name]
        step = Step(
            lake=lake, settings=settings, shop=load_shop(None), operations=operations, as_of=LAST_DAY, run_id="bench", clock=wall_clock,
            reads=frozenset(reads), writes=frozenset(writes),
        )  # fmt: skip
        began, cpu = time.monotonic(), _cpu(server)
        body(step)
        used = {"step": name, "seconds": time.monotonic() - began, "cpu_seconds": _cpu(server) - cpu}
        measured.append({**used, "rows": lake.row_count(STEPS[name]) if name in STEPS else 0})
    if server:
        spark.stop()
        server.stop()
    return measured


def _all_before() -> list[str]:
    from insights_assets_tests.house import in_order

    found = []
    for stage in BEFORE:
        importlib.import_module(f"insights_assets.{stage}.assets")
        from insights_assets.resources import table_assets

        found += in_order([name for name in table_assets.BODIES if name.partition("__")[0] == stage])
    return found


def _cpu(server: Any) -> float:
    """CPU seconds of this process and of every process of the engine so far."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    total = mine.ru_utime + mine.ru_stime
    if server is not None:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # a process that ended while we looked
            if int(fields[3]) == server.pid:  # the session that the engine's processes share
                total += sum(int(field) for field in fields[11:15]) / TICKS
    return total


def measure(records: int, folder: Path) -> list[dict[str, Any]]:
    from insights_assets.simulator import simulate

    simulate(folder, days=120, records=records, seed=7, last_day=LAST_DAY)
    base, landing = folder / "base", folder / "landing"
    _process(base, landing, "embedded", 2, None)
    measured = []
    for engine in ("embedded", "jvm"):
        for cores in (1, 2):
            home = folder / f"{engine}-{cores}"
            shutil.copytree(base, home)
            for name in (WARMING, *STEPS):
                _forget(home, name)
            for one in _process(home, landing, engine, cores, [WARMING, *STEPS])[1:]:
                measured.append({"records": records, "engine": engine, "cores": cores, **one})
                print(line(measured[-1]), flush=True)
            shutil.rmtree(home)
    return measured


def _forget(home: Path, name: str) -> None:
    """What the step writes is not there yet."""
    from insights_assets.resources import table_assets

    importlib.import_module(f"insights_assets.{name.partition('__')[0]}.assets")
    for spec in table_assets.BODIES[name][2]:
        shutil.rmtree(home / "lake" / spec.stage / spec.name, ignore_errors=True)


def _process(home: Path, landing: Path, engine: str, cores: int, names: list[str] | None) -> list[dict[str, Any]]:
    """The same in a process of its own, which is held to its cores with everything that it starts."""
    asked = json.dumps([str(home), str(landing), engine, cores, names])
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.engines", "--here", asked], stdout=subprocess.PIPE, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, allowed)
    )
    answer: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def line(one: dict[str, Any]) -> str:
    rate, core_rate = one["rows"] / one["seconds"], one["rows"] / max(one["cpu_seconds"], 0.01)
    where = f"{one['engine']:<9} {one['cores']} core{'s' if one['cores'] > 1 else ' '}"
    return f"{where} {one['step']:<26} {one['rows']:>9,} rows {one['seconds']:>8.1f} s {one['cpu_seconds']:>8.1f} CPU s {rate:>9,.0f} rows/s {core_rate:>9,.0f} rows/CPU s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("records", type=int, nargs="*", default=[200_000])
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards [default: a temporary one]")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        home, landing, engine, cores, names = json.loads(given.here)
        print(json.dumps(steps_in(Path(home), Path(landing), engine, cores, names)))
        return
    with tempfile.TemporaryDirectory(prefix="insights-engines-") as temporary:
        for records in given.records:
            folder = (given.folder or Path(temporary)) / str(records)
            shutil.rmtree(folder, ignore_errors=True)
            measured = measure(records, folder)
            if given.folder is not None:
                (given.folder / f"engines-{records}.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
