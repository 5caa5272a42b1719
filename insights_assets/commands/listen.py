"""`insights listen`: what people press in Slack is carried out; over Socket Mode, so that no inbound address is needed."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from insights_assets.commands.frame import FAILED, WRONG_USE, home_option, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.actions.inbox import Answer, Outcome
    from insights_assets.settings import Settings


@click.command()
@home_option
def listen(home: Path | None) -> None:
    """Carry out what people press in Slack until Ctrl-C. Needs INSIGHTS_SLACK_BOT_TOKEN and INSIGHTS_SLACK_APP_TOKEN."""
    from insights_assets.actions.destinations.connect import connect_slack
    from insights_assets.actions.destinations.slack_answers import Listener
    from insights_assets.shop import ShopError, load_shop

    settings = settings_for(home=home)
    try:
        shop = load_shop(settings.shop)
    except ShopError as error:
        stop(str(error), WRONG_USE)
    if why := why_not(settings):
        stop(why, WRONG_USE)
    slack = connect_slack(settings, shop)
    assert slack is not None and settings.slack_app_token is not None
    listener = Listener(slack.calls, settings.slack_app_token.get_secret_value(), lambda answer: _take(settings, answer), shop.destinations.people)
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    try:
        listener.start()
    except Exception as error:  # noqa: BLE001 - whatever the client says of a connection that failed, the person who typed the command is told
        stop(f"Slack was not reached, or does not accept INSIGHTS_SLACK_APP_TOKEN ({type(error).__name__})", FAILED)
    click.echo("listening to Slack; Ctrl-C ends it")
    ended.wait()
    listener.stop()


def why_not(settings: Settings) -> str:
    """What keeps this home from listening; empty where nothing does."""
    from insights_assets.actions.destinations.connect import connect_slack, not_connected
    from insights_assets.shop import load_shop

    if settings.slack_app_token is None:
        return "INSIGHTS_SLACK_APP_TOKEN is not set: there is nothing to listen to (docs/destinations/slack.md)"
    shop = load_shop(settings.shop)
    if connect_slack(settings, shop) is None:
        return not_connected(settings, shop).get("slack", "no team of owners.yaml names slack:#channel, so no message with buttons is sent")
    return ""


def _take(settings: Settings, answer: Answer) -> Outcome:
    """Each press with the shop and the database as they are then: roles may have changed since the command began."""
    from insights_assets.actions import inbox
    from insights_assets.resources.operations import open_operations
    from insights_assets.shop import load_shop

    shop = load_shop(settings.shop)
    with closing(open_operations(settings.operations_target)) as operations:
        operations.migrate()
        outcome: Outcome = inbox.take(operations, shop, answer, home=settings.home)
        return outcome
