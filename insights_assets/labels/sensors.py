"""The sensor of the stage: batches at the model's server are looked at between runs. What a look does is in `batching`.

It reads and writes the operational database alone and starts no run: answers that came in are made labels by the next run of the loop, and a look
too many changes nothing. No `from __future__ import annotations`: Dagster reads annotations.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from insights_assets.settings import Settings

INTERVAL_SECONDS = 300


def model_batches(_jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Results are taken in once they are there, and our own deadline is kept, without a run that waits."""

    @dg.sensor(
        name="model_batches", minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks at open batches of the language model: takes results in, cancels what is late or asked under a prompt no longer in force. Idle without any.",
    )
    def sense(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from insights_assets.labels.batching import look_at_home

        return dg.SkipReason(look_at_home(settings))

    return sense


SENSORS = [model_batches]
