"""The public shop Olist through the whole graph by its mapping alone, measured: `python -m insights_assets_tests.real_data.olist` (`make olist`).

Belongs here: running it, the account of every row of every file, and what was found on which day beside the waves that the delivery dates tell.
Those dates are read here, by the judge; the pipeline never fetches them. Does not belong here: any expectation (`test_olist.py`).
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "docs" / "examples" / "olist"
DATA = ROOT.parent / "shared" / "data" / "olist_orders"
AS_OF = date(2018, 10, 31)
#: The waves as they are known of the full data set: months of purchase whose parcels came late; and until when their customers can be heard.
WAVES = {"2017-11": (date(2017, 11, 1), date(2018, 1, 15)), "2018-02 and 03": (date(2018, 2, 1), date(2018, 5, 15))}


@dataclass(frozen=True)
class FileAccount:
    """What became of the rows of one file."""

    file: str
    rows: int
    fate: str
    accounted: int


def run(data: Path, home: Path) -> dict[str, Any]:
    """The whole graph once over the data set's folder as it is; the report of `insights run --json`."""
    from insights_assets.commands.run import describe
    from insights_assets.run import run_whole_loop
    from insights_assets.settings import Settings

    settings = Settings(home=home, landing=data, shop=SHOP, as_of=AS_OF)
    began = time.monotonic()
    outcome = run_whole_loop(settings)
    report = describe(settings, outcome)
    report["took_seconds"] = round(time.monotonic() - began, 1)
    report["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report


def accounts(data: Path, home: Path) -> list[FileAccount]:
    """Every file of the folder with its rows, and how many of them are in raw, fetched by joins or declared unused."""
    from insights_assets.shop import load_shop

    shop = load_shop(SHOP)
    raw = {name: _rows_in_raw(home, name) for name in shop.sources}
    found = []
    for path in sorted(data.glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as stream:
            rows = sum(1 for _ in csv.reader(stream)) - 1
        taken = [name for name, blocks in shop.sources.items() if any(fnmatchcase(path.name, pattern) for block in blocks for pattern in block.files)]
        joined = [name for name, blocks in shop.sources.items() if any(fnmatchcase(path.name, join.file) for block in blocks for join in block.joins)]
        reason = next((why for pattern, why in shop.unused_files.items() if fnmatchcase(path.name, pattern)), None)
        if taken:
            payloads, held = raw[taken[0]]
            merged = f", {held - payloads} rows counted into another row's record" if held > payloads else ""
            found.append(FileAccount(path.name, rows, f"{taken[0]}: {payloads} records{merged}", held))
        elif joined:
            found.append(FileAccount(path.name, rows, f"columns fetched for {' and '.join(joined)}", rows))
        else:
            found.append(FileAccount(path.name, rows, f"unused: {reason}" if reason else "NOT ACCOUNTED FOR", rows if reason else 0))
    return found


def _rows_in_raw(home: Path, source: str) -> tuple[int, int]:
    """(payloads, rows of files inside them) of a source."""
    from insights_assets.engine.session import session
    from insights_assets.lake.lake import Lake
    from insights_assets.sources.mapping import REPEATED
    from insights_assets.sources.tables import RAW

    table = Lake(home / "lake", lambda: session(None)).read(RAW[source]).select("payload").toArrow()
    payloads = table.column(0).to_pylist()
    return len(payloads), sum(1 + len(json.loads(payload).get(REPEATED, ())) for payload in payloads)


def late_by_week(data: Path) -> dict[date, tuple[int, int, int]]:
    """Week of the answer -> (reviews, of orders delivered after their promise, of orders never delivered): what the delivery dates say."""
    with open(data / "orders.csv", encoding="utf-8", newline="") as stream:
        orders = {row["order_id"]: row for row in csv.DictReader(stream)}
    counts: dict[date, Counter[str]] = {}
    with open(data / "order_reviews.csv", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            day = date.fromisoformat(row["review_answer_timestamp"][:10])
            week = counts.setdefault(day - timedelta(days=day.weekday()), Counter())
            delivered, promised = orders[row["order_id"]]["order_delivered_customer_date"], orders[row["order_id"]]["order_estimated_delivery_date"]
            week.update(["reviews", "never" if not delivered else "late" if delivered[:10] > promised[:10] else "in time"])
    return {week: (count["reviews"], count["late"], count["never"]) for week, count in sorted(counts.items())}


def found_waves(insights: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Wave -> shipping_delay insights that were detected inside it."""
    late = [one for one in insights if one["topic"] == "shipping_delay"]
    return {name: [one for one in late if start <= _day(one["detected_at"]) <= end] for name, (start, end) in WAVES.items()}


def _day(value: Any) -> date:
    return date.fromisoformat(str(value)[:10])


def show(report: dict[str, Any], data: Path, home: Path) -> None:
    """Everything on the terminal, in lines a person reads."""
    print(f"The run {'succeeded' if report['succeeded'] else 'failed: ' + str(report['error'])} in {report['took_seconds']} s with {report['peak_megabytes']} MB at most")
    print("\nEvery row of every file:")
    for one in accounts(data, home):
        print(f"  {one.file:<40} {one.rows:>6} rows, {one.accounted:>6} accounted for   {one.fate}")
    print(f"  in quarantine: {report['tables'].get('canonical.quarantine', 0)}; customer voices: {report['tables'].get('canonical.feedback', 0)}")
    print("\nThe two waves of late delivery, judged day by day from review text, score and orders alone:")
    for name, insights in found_waves(report["insights"]).items():
        days = ", ".join(f"{one['insight_id']} detected {_day(one['detected_at'])} (from {one['onset_day']}, {one['observed_count']:.0f} people, {one['expected_count']:.0f} usual)" for one in insights)
        print(f"  {name}: {days or 'not found'}")
    inside = {one["insight_id"] for found in found_waves(report["insights"]).values() for one in found}
    others = [one for one in report["insights"] if one["insight_id"] not in inside]
    print(f"\nEvery other insight of the 20 months ({len(others)}):")
    for one in sorted(others, key=lambda row: str(row["detected_at"])):
        print(f"  {_day(one['detected_at'])} {one['topic']} {one['observed_count']:.0f} people, {one['expected_count']:.0f} usual: {one['title']}")
    print("\nWhat the delivery dates say, which the pipeline never saw (reviews by week of answer; delivered late; never delivered):")
    weeks = [(week, counts) for week, counts in late_by_week(data).items() if date(2017, 10, 1) <= week <= date(2018, 5, 31)]
    for start in range(0, len(weeks), 6):
        print("  " + "   ".join(f"{week} {a:>3} {b:>2} {c:>2}" for week, (a, b, c) in weeks[start : start + 6]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the eight CSV files")
    parser.add_argument("--home", type=Path, default=ROOT / "olist", help="home to make; it is made anew")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"{given.data} is not here: put the data set's CSV files there, or name their folder with --data", file=sys.stderr)
        return 2
    shutil.rmtree(given.home, ignore_errors=True)
    report = run(given.data.resolve(), given.home.resolve())
    show(report, given.data, given.home)
    return 0 if report["succeeded"] else 1


if __name__ == "__main__":
    sys.exit(main())
