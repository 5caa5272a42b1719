"""What is done once a minute with a home: one look at Jira, and holds brought to feed and webhook; each in a sentence.

Belongs here: opening the home and saying what happened. Does not belong here: Dagster (`actions/sensors.py`), what a look does
(`jira_answers.py`), what is published (`hold_state.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop


def looked_at_jira(settings: Settings) -> str:
    """One look at what people did in Jira."""
    from insights_assets.actions import inbox
    from insights_assets.actions.destinations.connect import connect_jira, not_connected
    from insights_assets.actions.destinations.jira_answers import look

    def work(operations: Operations, shop: Shop) -> str:
        jira = connect_jira(settings, shop)
        if jira is None:
            return not_connected(settings, shop).get("jira", "no team's tickets go to Jira")
        return str(look(operations, shop, jira, lambda answer: inbox.take(operations, shop, answer, home=settings.home)))

    return _on_home(settings, work)


def published_holds(settings: Settings) -> str:
    """Feed and webhook brought up to the running holds."""
    from insights_assets.actions.destinations.hold_state import publish

    def work(operations: Operations, shop: Shop) -> str:
        if shop.destinations.promotion_feed is None and shop.destinations.hold_webhook is None:
            return "promotion feed and hold webhook are off in destinations.yaml"
        return "; ".join(publish(operations, shop, settings)) or "nothing changed"

    return _on_home(settings, work)


def _on_home(settings: Settings, work: Callable[[Operations, Shop], str]) -> str:
    """Carry out on an existing home; a destination that does not answer is said and asked again the next time."""
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
