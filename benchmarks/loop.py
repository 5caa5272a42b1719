"""`make bench`: the whole loop by number of records and by stage; what a second run and one more day cost beside the first.

    python -m benchmarks.loop 50000 200000 [--folder DIR]

Ratios stand side by side in one run, since seconds alone say more of the machine than of the product.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.commands import Used, folder_gib, insights

LAST_DAY = "2026-11-22"


def measure(records: int, folder: Path) -> dict[str, Any]:
    """Simulate, run, run again over the same files, then take in one more day."""
    home = folder / "home"
    simulated = insights("simulate", str(home), "--records", str(records), "--seed", "7", "--last-day", LAST_DAY)
    first = insights("run", "--home", str(home), "--as-of", LAST_DAY)
    again = insights("run", "--home", str(home), "--as-of", LAST_DAY)
    insights("simulate", "--next-day", "--home", str(home))
    # One day and no more: today may be later than the simulated shop's, and the days between would be judged too.
    following = date.fromisoformat(LAST_DAY) + timedelta(days=1)
    next_day = insights("run", "--home", str(home), "--as-of", following.isoformat())
    return {
        "records": records, "simulate_seconds": round(simulated.seconds, 1), "lake_gib": round(folder_gib(home / "lake"), 2),
        "first": _facts(first), "again": _facts(again), "next_day": _facts(next_day),
    }


def _facts(used: Used) -> dict[str, Any]:
    inside = sum(used.answer["seconds"].values())
    return {
        "seconds": round(used.seconds, 1), "cpu_seconds": round(used.cpu_seconds, 1), "peak_gib": round(used.peak_gib, 2), "by_stage": used.answer["seconds"],
        "start_up_seconds": round(used.seconds - inside, 1), "by_step": used.answer["seconds_by_step"],
    }


def table(measured: list[dict[str, Any]]) -> str:
    """Rows for a person: one column a size."""
    def row(name: str, values: list[str]) -> str:
        return f"{name:<34}" + "".join(f"{value:>14}" for value in values)

    lines = [row("records", [f"{m['records']:,}" for m in measured])]
    for stage in measured[0]["first"]["by_stage"]:
        lines.append(row(f"  {stage}, s", [f"{m['first']['by_stage'][stage]:.1f}" for m in measured]))
    lines.append(row("first run, s", [f"{m['first']['seconds']:.1f}" for m in measured]))
    lines.append(row("  of it start-up, s", [f"{m['first']['start_up_seconds']:.1f}" for m in measured]))
    lines.append(row("  CPU, s", [f"{m['first']['cpu_seconds']:.1f}" for m in measured]))
    lines.append(row("  records a second", [f"{m['records'] / m['first']['seconds']:,.0f}" for m in measured]))
    lines.append(row("  peak memory, GiB", [f"{m['first']['peak_gib']:.2f}" for m in measured]))
    lines.append(row("same files again, s", [f"{m['again']['seconds']:.1f}" for m in measured]))
    lines.append(row("  share of the first run", [f"{m['again']['seconds'] / m['first']['seconds']:.2f}" for m in measured]))
    lines.append(row("one more day, s", [f"{m['next_day']['seconds']:.1f}" for m in measured]))
    lines.append(row("  share of the first run", [f"{m['next_day']['seconds'] / m['first']['seconds']:.2f}" for m in measured]))
    lines.append(row("lake, GiB", [f"{m['lake_gib']:.2f}" for m in measured]))
    last = measured[-1]
    for name, run in (("first run", "first"), ("one more day", "next_day")):
        slowest = sorted(last[run]["by_step"].items(), key=lambda item: -item[1])[:12]
        lines.append(f"slowest steps of the {name} at {last['records']:,}: " + ", ".join(f"{step.replace('__', '.')} {took:.1f}" for step, took in slowest))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=int, nargs="*", default=[50_000, 200_000])
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards [default: a temporary one]")
    given = parser.parse_args()
    measured = []
    with tempfile.TemporaryDirectory(prefix="insights-bench-") as temporary:
        for records in given.records:
            folder = (given.folder or Path(temporary)) / str(records)
            shutil.rmtree(folder, ignore_errors=True)
            measured.append(measure(records, folder))
            if given.folder is None:
                shutil.rmtree(folder)
            print(table(measured), flush=True)
        if given.folder is not None:
            (given.folder / "bench.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
