"""One call to Slack's Web API through `slack_sdk`, and what its end means: NotSent, Unknown or Refused.

Belongs here: the client as this house sets it up and reading the service's answers. Does not belong here: what a message says
(`slack.py`, `block_kit.py`). Retry handlers of the client are off, for reads too: the outbox decides what is tried again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from insights_assets.actions.destinations.port import NotSent, Refused, Unknown

if TYPE_CHECKING:
    from slack_sdk.web import SlackResponse, WebClient

#: Seconds to wait for an answer.
TIMEOUT = 8

_ADVICE = {
    "not_in_channel": "invite the app to the channel: /invite @… there",
    "channel_not_found": "there is no such channel for the app: check its name in owners.yaml, and invite the app where it is private",
    "is_archived": "the channel is archived: name another one in owners.yaml, or bring it back",
    "invalid_auth": "Slack does not accept the token: put the app's Bot User OAuth Token into INSIGHTS_SLACK_BOT_TOKEN",
    "not_authed": "no token arrived: put the app's Bot User OAuth Token into INSIGHTS_SLACK_BOT_TOKEN",
    "account_inactive": "the token's app was taken out of the workspace: install it again",
    "token_revoked": "the token was revoked: install the app again and take its new token",
    "token_expired": "the token has expired: install the app again and take its new token",
    "missing_scope": "the app lacks a permission that docs/destinations/slack.md lists: add it and install the app again",
    "no_permission": "the app lacks a permission that docs/destinations/slack.md lists: add it and install the app again",
    "restricted_action": "the workspace does not let the app post there: ask its owners",
    "message_not_found": "the message is gone: somebody deleted it",
    "cant_update_message": "the message is not the app's own, so it cannot be changed",
    "thread_not_found": "the thread's first message is gone",
    "not_allowed_token_type": "this needs the bot token (xoxb-…)",
}
#: Slack says of these that part of it may have happened, or does not say that it did not.
_DOUBTFUL = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})


def open_client(url: str, token: str, timeout: int = TIMEOUT) -> WebClient:
    """The vendor's client. Nothing is called yet."""
    from slack_sdk.web import WebClient

    return WebClient(token=token, base_url=url, timeout=timeout, retry_handlers=[], logger=quiet())


def quiet() -> logging.Logger:
    """A logger for the client, which would write bodies of requests and answers."""
    logger = logging.getLogger("insights_assets.slack_client")
    logger.setLevel(logging.CRITICAL)
    return logger


class Calls:
    """The client with every fault named. `reading` is for what changes nothing, `writing` for what does."""

    def __init__(self, client: WebClient) -> None:
        self.client = client

    def reading(self, what: str, call: Callable[[], SlackResponse]) -> dict[str, Any]:
        """Raises NotSent where the answer can be had later, Refused where a person has to change something."""
        return _carried_out(what, call, writes=False)

    def writing(self, what: str, call: Callable[[], SlackResponse]) -> dict[str, Any]:
        """Raises NotSent where nothing happened, Unknown where nobody knows, Refused where a person has to change something."""
        return _carried_out(what, call, writes=True)


def _carried_out(what: str, call: Callable[[], SlackResponse], writes: bool) -> dict[str, Any]:
    from http.client import HTTPException
    from urllib.error import URLError

    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        data = call().data
    except SlackApiError as error:
        raise _meaning(what, error.response, writes) from None
    except URLError as error:
        if _never_connected(error.reason):
            raise NotSent(f"{what}: Slack was not reached ({type(error.reason).__name__})") from None
        raise _doubtful(writes, f"{what}: no answer of Slack arrived ({type(error.reason).__name__})") from None
    except (OSError, HTTPException, ValueError, SlackClientError) as error:
        raise _doubtful(writes, f"{what}: no answer of Slack arrived ({type(error).__name__})") from None
    return data if isinstance(data, dict) else {}


def _never_connected(reason: object) -> bool:
    import socket
    import ssl

    return isinstance(reason, (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError))


def _meaning(what: str, response: Any, writes: bool) -> Exception:
    """The port's word for an answer of Slack that is no success."""
    status = int(getattr(response, "status_code", 0) or 0)
    headers = {str(name).lower(): value for name, value in (getattr(response, "headers", None) or {}).items()}
    data = response.data if isinstance(getattr(response, "data", None), dict) else {}
    code = str(data.get("error", ""))
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return NotSent(f"{what}: Slack asks to wait", retry_after=_seconds(headers.get("retry-after")))
    if status >= 500 or code in _DOUBTFUL:
        return _doubtful(writes, f"{what}: Slack failed ({code if status < 500 else status})", _seconds(headers.get("retry-after")))
    if not re.fullmatch(r"[a-z0-9_]{2,60}", code):
        return _doubtful(writes, f"{what}: what answered is not Slack's interface (no JSON); is there a proxy or a sign-in page before it?")
    advice = _ADVICE.get(code, "Slack refuses it")
    details = [str(data["needed"])] if data.get("needed") else []
    details += [str(one)[:200] for one in (data.get("response_metadata") or {}).get("messages") or ()][:2]
    return Refused(f"{what}: {advice} ({', '.join([code, *details])})")


def _doubtful(writes: bool, why: str, retry_after: float | None = None) -> Exception:
    return Unknown(why) if writes else NotSent(why, retry_after)


def _seconds(header: object) -> float | None:
    try:
        return max(0.0, float(str(header))) if header is not None else None
    except ValueError:
        return None
