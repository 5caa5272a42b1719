"""`make score`: planted incidents against what was found, seed by seed. The pipeline never reads the truth; only this does.

    python -m benchmarks.truth 1 2 3 [--records 50000] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.commands import insights
from insights_assets.rehearsal.scoring import score

LAST_DAY = "2026-11-22"


def one(seed: int, records: int, folder: Path) -> dict[str, Any]:
    """Simulate a shop, run over it, score it."""
    insights("simulate", str(folder / "shop"), "--records", str(records), "--seed", str(seed), "--last-day", LAST_DAY)
    ran = insights("run", "--landing", str(folder / "shop" / "landing"), "--home", str(folder / "home"), "--as-of", LAST_DAY)
    truth = json.loads((folder / "shop" / "truth.json").read_text(encoding="utf-8"))
    insights_found = ran.answer["insights"]
    for insight in insights_found:
        insight["onset_day"] = date.fromisoformat(insight["onset_day"])
    result = score(insights_found, truth)
    by_id = {insight["insight_id"]: insight for insight in insights_found}
    return {"seed": seed, "result": result, "insights": by_id, "truth": truth, "seconds": ran.seconds}


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
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards [default: a temporary one]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="insights-score-") as temporary:
        for seed in given.seeds:
            folder = (given.folder or Path(temporary)) / f"seed{seed}"
            shutil.rmtree(folder, ignore_errors=True)
            print("\n".join(lines(one(seed, given.records, folder))), flush=True)
            if given.folder is None:
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
