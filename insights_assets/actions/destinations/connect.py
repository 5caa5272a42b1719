"""Which destinations are connected: those that settings have credentials for, `destinations.yaml` writes out and `owners.yaml` names.

Belongs here: that rule, and a sentence for each destination that is not connected. Does not belong here: what a destination does, and
the local desk, which is always there (`actions/desk.py`). Nothing is called by connecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from insights_assets.actions.destinations.port import Destination

if TYPE_CHECKING:
    from insights_assets.actions.destinations.jira import Jira
    from insights_assets.actions.destinations.slack import Slack
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop


def connect(settings: Settings, shop: Shop) -> dict[str, Destination]:
    """The connected destinations by name: what stands before the colon in `owners.yaml`."""
    found: dict[str, Destination] = {}
    if (jira := connect_jira(settings, shop)) is not None:
        found[jira.name] = jira
    if (slack := connect_slack(settings, shop)) is not None:
        found[slack.name] = slack
    return found


def not_connected(settings: Settings, shop: Shop) -> dict[str, str]:
    """Destination -> why it is not connected and what would connect it; empty where owners name the desk alone."""
    found = {}
    for name in ("jira", "slack"):
        if places(shop, name) and (why := _missing(settings, shop, name)):
            found[name] = why
    return found


def places(shop: Shop, name: str) -> tuple[str, ...]:
    """Projects or channels that owners name behind a destination."""
    named = {address.partition(":") for owner in shop.owners.values() for address in (owner.ticket_destination, owner.alert_destination)}
    return tuple(sorted(place for kind, _, place in named if kind == name and place))


def connect_jira(settings: Settings, shop: Shop) -> Jira | None:
    setup = shop.destinations.jira
    if setup is None or not places(shop, "jira") or _missing(settings, shop, "jira"):
        return None
    from insights_assets.actions.destinations.jira import Jira
    from insights_assets.actions.destinations.jira_calls import Calls, open_client

    assert settings.jira_url and settings.jira_email and settings.jira_token
    return Jira(Calls(open_client(settings.jira_url, settings.jira_email, settings.jira_token.get_secret_value())), setup, shop.zone)


def connect_slack(settings: Settings, shop: Shop) -> Slack | None:
    setup = shop.destinations.slack
    if setup is None or not places(shop, "slack") or _missing(settings, shop, "slack"):
        return None
    from insights_assets.actions.destinations.slack import Slack
    from insights_assets.actions.destinations.slack_calls import Calls, open_client

    assert settings.slack_bot_token
    return Slack(Calls(open_client(settings.slack_url, settings.slack_bot_token.get_secret_value())), setup)


def _missing(settings: Settings, shop: Shop, name: str) -> str:
    """What keeps a destination from being connected; empty where nothing does."""
    if getattr(shop.destinations, name) is None:
        return f"{name} is off in destinations.yaml; write it out there"
    needed = {"jira": ("jira_url", "jira_email", "jira_token"), "slack": ("slack_bot_token",)}[name]
    unset = [f"INSIGHTS_{field.upper()}" for field in needed if not _is_set(getattr(settings, field))]
    if unset:
        return f"{', '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set"
    url = str(settings.jira_url if name == "jira" else settings.slack_url)
    if url.startswith("http://") and not _is_loopback(url):
        return f"INSIGHTS_{name.upper()}_URL begins with http://; the token would travel readable, write https://"
    return ""


def _is_set(value: object) -> bool:
    return bool(getattr(value, "get_secret_value", lambda: value)())


def _is_loopback(url: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
