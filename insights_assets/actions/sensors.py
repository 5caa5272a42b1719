"""Sensors of the stage: what people did in Jira, and holds that feed and webhook do not show yet. They start no run and say what they did.

No `from __future__ import annotations`: Dagster reads annotations.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from insights_assets.actions.destinations.ticks import looked_at_jira, published_holds
from insights_assets.settings import Settings

INTERVAL_SECONDS = 60


def jira_answers(_jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Transitions and resolutions in Jira become answers; each counts once however often it is read."""

    @dg.sensor(
        name="jira_answers", minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reads back what people did to tickets in Jira: taken up, fixed, closed, and verdicts. Idle where Jira is not connected.",
    )
    def sense(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(looked_at_jira(settings))

    return sense


def hold_state(_jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Feed and webhook follow the running holds within a minute, whoever changed them."""

    @dg.sensor(
        name="hold_state", minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Brings the promotion feed and the hold webhook up to the running holds. Idle where both are off.",
    )
    def sense(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(published_holds(settings))

    return sense


SENSORS = [jira_answers, hold_state]
