"""The landing sensor: new files start a run. Its cursor moves only after a run over those files succeeded.

Correctness does not hang on it: each run computes what is undone from its tables, so a lost tick or a run too many changes nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from insights_assets.settings import Settings
from insights_assets.sources.landing_files import walk

LANDING_TAG = "insights/landing"
MOST_ATTEMPTS = 3


def landing_state(landing: Path) -> str:
    """A fingerprint of the landing folder: names, sizes and times of its files; unfinished ones left out."""
    digest = hashlib.sha256()
    for path in sorted(walk(landing)):
        facts = path.stat()
        digest.update(f"{path.relative_to(landing).as_posix()}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def landing_sensor(jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """The sensor of a home's landing folder, which launches the whole loop."""
    landing = settings.landing_path

    @dg.sensor(
        name="landing_sensor", job=jobs["whole_loop"], minimum_interval_seconds=20, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a run when files arrive in landing/; at most three tries for the same files.",
    )
    def sense(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        seen = json.loads(context.cursor) if context.cursor else {"done": None}
        state = landing_state(landing)
        if state == seen["done"]:
            return dg.SkipReason(f"nothing new in {landing.name}/ since files {state} were taken in")
        runs = context.instance.get_runs(filters=dg.RunsFilter(tags={LANDING_TAG: state}))
        if any(run.status == dg.DagsterRunStatus.SUCCESS for run in runs):
            return dg.SensorResult(skip_reason=dg.SkipReason(f"files {state} were taken in"), cursor=json.dumps({"done": state}))
        if any(not run.is_finished for run in runs):
            return dg.SkipReason(f"a run over files {state} is under way")
        if len(runs) >= MOST_ATTEMPTS:
            return dg.SkipReason(f"{len(runs)} runs over files {state} failed; mend the cause, then touch a file or start a run by hand")
        # A run key is spent for ever, so each attempt has its own.
        request = dg.RunRequest(run_key=f"{state}-{len(runs)}", tags={LANDING_TAG: state})
        return dg.SensorResult(run_requests=[request])

    return sense


SENSORS = [landing_sensor]
