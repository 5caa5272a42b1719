"""What `insights doctor` says of destinations: who the credentials belong to and whether they may do what is needed. Reads alone.

Belongs here: asking, and the sentence. Does not belong here: anything that changes something at a destination.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from insights_assets.actions.destinations.connect import connect_jira, connect_slack, not_connected, places
from insights_assets.actions.destinations.port import Refused

if TYPE_CHECKING:
    from insights_assets.actions.destinations.jira import Jira
    from insights_assets.actions.destinations.slack import Slack
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop

JIRA_PERMISSIONS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "CREATE_ATTACHMENTS", "TRANSITION_ISSUES", "LINK_ISSUES")
SLACK_SCOPES = ("chat:write", "channels:read", "channels:history", "groups:read", "groups:history", "users:read", "users:read.email")


def examine(settings: Settings, shop: Shop) -> str:
    """A line for people. Raises NotSent or Refused where something that is connected would not work."""
    said = [f"{name} is not connected, its work arrives at the desk: {why}" for name, why in not_connected(settings, shop).items()]
    if (jira := connect_jira(settings, shop)) is not None:
        said.append(examine_jira(jira, places(shop, "jira")))
    if (slack := connect_slack(settings, shop)) is not None:
        said.append(examine_slack(slack, places(shop, "slack"), bool(settings.slack_app_token)))
    if shop.destinations.promotion_feed is not None:
        said.append("the promotion feed is on")
    if (hook := shop.destinations.hold_webhook) is not None:
        said.append(f"the hold webhook goes to {', '.join(hook.hosts)}" + ("" if settings.hold_webhook_secret else ", but INSIGHTS_HOLD_WEBHOOK_SECRET is not set"))
    return "; ".join(said) or "local desk only: nothing is sent anywhere"


def examine_jira(jira: Jira, projects: tuple[str, ...]) -> str:
    """Whose token it is, and whether it may do in each project what is done there."""
    account = jira.calls.get("asking Jira who the token belongs to", "myself")
    for project in projects:
        asked = ",".join(JIRA_PERMISSIONS)
        found = jira.calls.get(f"asking what is allowed in {project}", "mypermissions", projectKey=project, permissions=asked).get("permissions") or {}
        lacking = [name for name in JIRA_PERMISSIONS if not (found.get(name) or {}).get("havePermission")]
        if lacking:
            raise Refused(f"Jira: the account lacks {', '.join(lacking)} in {project}; docs/destinations/jira.md says who gives them")
    return f"Jira: {account.get('displayName', 'the account')} may write to {', '.join(projects)}"


def examine_slack(slack: Slack, channels: tuple[str, ...], has_app_token: bool) -> str:
    """Whose token it is, whether it has every scope, and whether the app is in each channel."""
    client = slack.calls.client
    scopes: list[str] = []

    def test() -> object:
        answered = client.auth_test()
        headers = {str(name).lower(): value for name, value in answered.headers.items()}
        scopes.extend(part.strip() for part in str(headers.get("x-oauth-scopes", "")).split(",") if part.strip())
        return answered

    account = slack.calls.reading("asking Slack who the token belongs to", test)
    lacking = [scope for scope in SLACK_SCOPES if scopes and scope not in scopes]
    if lacking:
        raise Refused(f"Slack: the app lacks {', '.join(lacking)}; add it under OAuth & Permissions and install the app again")
    for channel in channels:
        number = slack.channel_id(channel)
        found = slack.calls.reading(f"asking for {channel}", lambda number=number: client.conversations_info(channel=number)).get("channel") or {}
        if found.get("is_archived"):
            raise Refused(f"Slack: {channel} is archived; name another one in owners.yaml")
        if not found.get("is_member"):
            raise Refused(f"Slack: the app is not in {channel}; type /invite @{account.get('user', 'the app')} there")
    listens = "buttons work while `insights listen` runs" if has_app_token else "no buttons: INSIGHTS_SLACK_APP_TOKEN is not set"
    return f"Slack: {account.get('user', 'the app')} in {account.get('team', 'the workspace')} may write to {', '.join(channels)}; {listens}"
