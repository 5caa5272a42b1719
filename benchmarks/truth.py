"""`make score`: planted incidents against what was found, seed by seed. The pipeline never reads the truth; only this does.

    python -m benchmarks.truth 1 2 3 [--records 50000] [--folder DIR] [--days-more 14]

With `--days-more` the shop lives on: that many days land one after the other, each with an incident of its own and a run, and what any of
the runs told is scored.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.commands import insights
from insights_assets.rehearsal.scoring import score

LAST_DAY = "2026-11-22"


def one(seed: int, records: int, folder: Path, days_more: int = 0) -> dict[str, Any]:
    """Simulate a shop, run over it, let it live on, score it. An insight counts as it was told first."""
    home, day = folder / "home", date.fromisoformat(LAST_DAY)
    insights("simulate", str(home), "--records", str(records), "--seed", str(seed), "--last-day", LAST_DAY)
    ran = insights("run", "--home", str(home), "--as-of", LAST_DAY)
    told, seconds = {insight["insight_id"]: insight for insight in ran.answer["insights"]}, ran.seconds
    for _ in range(days_more):
        day += timedelta(days=1)
        insights("simulate", "--next-day", "--home", str(home))
        ran = insights("run", "--home", str(home), "--as-of", day.isoformat())
        told = {insight["insight_id"]: insight for insight in ran.answer["insights"]} | told
        seconds += ran.seconds
    truth = truth_of(home)
    for insight in told.values():
        insight["onset_day"] = date.fromisoformat(insight["onset_day"])
    return {"seed": seed, "result": score(told.values(), truth), "insights": told, "truth": truth, "seconds": seconds}


def truth_of(home: Path) -> dict[str, Any]:
    """The truth about the history, with the incidents and records of the days that were added."""
    truth: dict[str, Any] = json.loads((home / "truth.json").read_text(encoding="utf-8"))
    for file in sorted(home.glob("truth-*.json")):
        day = json.loads(file.read_text(encoding="utf-8"))
        truth["incidents"] += day["incidents"]
        for source, labels in day["labels"].items():
            truth["labels"].setdefault(source, {}).update(labels)
    return truth


def lines(scored: dict[str, Any]) -> list[str]:
    result, insights_found = scored["result"], scored["insights"]
    said = [
        f"seed {scored['seed']}: planted {result.planted}, found {result.found}, first cause right {result.causes_right} of {result.causes_named}, "
        f"decoys raised {result.decoys_raised}, unexplained {len(result.unexplained)}, duplicates {len(result.duplicates)}, wrong topic {len(result.wrong_topic)}"
    ]
    incidents = {incident["incident_id"]: incident for incident in scored["truth"]["incidents"]}
    for name, found in result.by_incident.items():
        onset = date.fromisoformat(incidents[name]["onset_day"])
        for one_id in found:
            seen = date.fromisoformat(insights_found[one_id]["detected_at"][:10])
            said.append(f"  {name}: {insights_found[one_id]['title']} · tier {insights_found[one_id]['tier']} · seen after {(seen - onset).days} days")
        if not found:
            said.append(f"  {name}: missed ({incidents[name]['topic']}, {incidents[name].get('cause')})")
    for kind, ids in (("unexplained", result.unexplained), ("duplicate", result.duplicates), ("wrong topic", result.wrong_topic)):
        said += [f"  {kind}: {insights_found[one_id]['title']}" for one_id in ids]
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--days-more", type=int, default=0, help="days that land one after the other behind the history")
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards [default: a temporary one]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="insights-score-") as temporary:
        for seed in given.seeds:
            folder = (given.folder or Path(temporary)) / f"seed{seed}"
            shutil.rmtree(folder, ignore_errors=True)
            print("\n".join(lines(one(seed, given.records, folder, given.days_more))), flush=True)
            if given.folder is None:
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
