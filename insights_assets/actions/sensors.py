"""Sensors of the stage: what people did in Jira, and holds that a host has not accepted yet. They start no run and say what they did.

No `from __future__ import annotations`: Dagster reads annotations.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import dagster as dg

from insights_assets.settings import Settings

INTERVAL_SECONDS = 60
Work = Callable[[Any, Any], str]


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


def looked_at_jira(settings: Settings) -> str:
    """One look at Jira, in a sentence."""
    from insights_assets.actions import inbox
    from insights_assets.actions.destinations.connect import connect_jira, not_connected
    from insights_assets.actions.destinations.jira_answers import look

    def work(operations: Any, shop: Any) -> str:
        jira = connect_jira(settings, shop)
        if jira is None:
            return not_connected(settings, shop).get("jira", "no team's tickets go to Jira")
        return str(look(operations, shop, jira, lambda answer: inbox.take(operations, shop, answer, home=settings.home)))

    return _on_home(settings, work)


def published_holds(settings: Settings) -> str:
    """Feed and webhook brought up to date, in a sentence."""
    from insights_assets.actions.destinations.hold_state import publish

    def work(operations: Any, shop: Any) -> str:
        if shop.destinations.promotion_feed is None and shop.destinations.hold_webhook is None:
            return "promotion feed and hold webhook are off in destinations.yaml"
        return "; ".join(publish(operations, shop, settings)) or "nothing changed"

    return _on_home(settings, work)


def _on_home(settings: Settings, work: Work) -> str:
    """Carry out on an existing home; a destination that does not answer is said and asked again at the next tick."""
    from insights_assets.actions.destinations.port import NotSent, Refused, Unknown
    from insights_assets.resources.operations import open_operations
    from insights_assets.shop import load_shop

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return "no run of this home yet"
    shop = load_shop(settings.shop)
    with closing(open_operations(settings.operations_target)) as operations:  # a sensor's process lives long: no connection is left open
        operations.migrate()
        try:
            return work(operations, shop)
        except (NotSent, Unknown, Refused) as fault:
            return f"not now: {fault}"


SENSORS = [jira_answers, hold_state]
