"""The whole graph on the embedded engine and on a JVM Spark through Connect: same files in, same insights, tickets and tables out.

`make parity`: a sample shop, a run on each engine, a day more, a run more on each. Every published table is compared as the design
defines equal, every ticket of the desk byte by byte. Ends with code 1 at the first day on which something differs undeclared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from insights_assets.engine.jvm import JvmServer
from insights_assets.engine.session import session
from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import open_operations
from insights_assets.simulator import simulate, simulate_next_day
from insights_assets.tables import all_tables
from insights_assets_tests.parity.differences import ROWS
from insights_assets_tests.parity.houses import QUICK

#: They tell when a home worked, not what it found.
OF_THE_HOME = frozenset({"actions.loop_time", "actions.loop_summary", "actions.deliveries", "health.pipeline_health", "health.layers", "governance.audit_log"})
LAST_DAY = date(2026, 11, 22)
ENGINES = ("embedded", "connect")


def run(home: Path, landing: Path, day: date, remote: str | None) -> dict[str, Any]:
    """`insights run` in a process of its own, as a person would start it."""
    environment = {**os.environ, "INSIGHTS_CUSTOMER_KEY_SECRET": "test"}
    environment |= {"INSIGHTS_PROFILE": "spark", "INSIGHTS_SPARK_REMOTE": remote} if remote else {"INSIGHTS_PROFILE": "embedded"}
    words = ["run", "--landing", str(landing), "--home", str(home), "--as-of", day.isoformat(), "--json"]
    done = subprocess.run([sys.executable, "-m", "insights_assets.cli", *words], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"the run on {remote or 'the embedded engine'} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def rows(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Every published table, read by the embedded engine whoever wrote it: by key, without volatile columns."""
    publication = open_operations(f"sqlite:///{home / 'operations.db'}").latest_publication()
    assert publication is not None
    lake = Lake(home / "lake", lambda: session(None), versions=dict(publication.table_versions))
    return {
        str(spec): lake.read_arrow(spec).sort_by([(name, "ascending") for name in spec.key]).select(spec.stable_columns).to_pylist()
        for spec in all_tables() if lake.exists(spec) and str(spec) not in OF_THE_HOME
    }  # fmt: skip


def tickets(home: Path) -> dict[str, bytes]:
    folder = home / "desk" / "tickets"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def differences(mine: dict[str, list[dict[str, Any]]], other: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What differs and is declared nowhere, one line each."""
    found = [f"{name}: only one engine wrote it" for name in sorted(mine.keys() ^ other.keys())]
    for name in sorted(mine.keys() & other.keys()):
        left, right = mine[name], other[name]
        if len(left) != len(right):
            found.append(f"{name}: {len(left)} rows on one, {len(right)} on the other")
            continue
        unequal = [(one, two) for one, two in zip(left, right, strict=True) if one != two]
        columns = sorted({column for one, two in unequal for column in one if one[column] != two[column]} - set(ROWS.get(name, {})))
        if columns:
            one, two = next(pair for pair in unequal if any(pair[0][column] != pair[1][column] for column in columns))
            found.append(f"{name}: {len(unequal)} of {len(left)} rows differ in {', '.join(columns)}; first {[(one[c], two[c]) for c in columns][:3]}"[:600])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, default=Path("parity"), help="scratch folder; emptied first")
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--more-days", type=int, default=1, help="further days, one run each")
    asked = parser.parse_args(arguments)
    shutil.rmtree(asked.home, ignore_errors=True)
    folder: Path = asked.home.resolve()
    simulate(folder / "shop", days=asked.days, records=asked.records, seed=asked.seed, last_day=LAST_DAY)
    landing = folder / "shop" / "landing"
    server = JvmServer("local[2]", {**QUICK, "spark.local.dir": str(folder)}, log=folder / "jvm.log")
    try:
        for later in range(asked.more_days + 1):
            if later:
                simulate_next_day(landing)
            day = LAST_DAY + timedelta(days=later)
            for engine in ENGINES:
                began = time.monotonic()
                report = run(folder / engine, landing, day, None if engine == "embedded" else server.url)
                print(f"{day} {engine:9} {time.monotonic() - began:6.1f} s, {len(report['insights'])} insights, {len(report['actions'])} actions", flush=True)
            embedded, connect = (rows(folder / engine) for engine in ENGINES)
            found = differences(embedded, connect)
            desks = [tickets(folder / engine) for engine in ENGINES]
            found += [f"ticket {name} differs" for name in sorted({*desks[0], *desks[1]}) if desks[0].get(name) != desks[1].get(name)]
            count = sum(len(table) for table in embedded.values())
            print(f"{day} compared {len(embedded)} tables, {count:,} rows, {len(desks[0])} files of tickets: {len(found)} differ", flush=True)
            print("\n".join(found), end="\n" if found else "", flush=True)
            if found:
                return 1
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
