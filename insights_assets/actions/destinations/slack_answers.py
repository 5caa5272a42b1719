"""What people pressed in Slack: a click becomes an answer, and the message says what was decided and by whom.

Belongs here: Socket Mode (no inbound address is needed), reading a press, finding the person's address, replacing the buttons. Does
not belong here: carrying an answer out (`actions/inbox.py`). Slack may deliver a press twice; its `event_id` stays the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from insights_assets.actions.destinations import block_kit
from insights_assets.actions.destinations.port import NotSent, Refused, Unknown
from insights_assets.actions.destinations.slack_calls import Calls, quiet
from insights_assets.actions.escaping import inert
from insights_assets.actions.inbox import Answer, Outcome

if TYPE_CHECKING:
    from slack_sdk.socket_mode.builtin import SocketModeClient
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

LOG = logging.getLogger(__name__)
Take = Callable[[Answer], Outcome]
#: Acts that need a reason; a button has none of its own. A duplicate names the other insight, which no button can.
_REASONED = frozenset({"dismiss", "reject"})
FAILED = "This did not work just now and nothing was decided. Please press again in a minute."


def answer_of(payload: Mapping[str, Any], person: str, at: datetime) -> Answer | None:
    """The answer in an interactive payload; None where it is no press of a button of this house."""
    actions = payload.get("actions") or []
    if payload.get("type") != "block_actions" or len(actions) != 1 or actions[0].get("block_id") != block_kit.BUTTONS:
        return None
    pressed = actions[0]
    button = block_kit.read_button(str(pressed.get("value", "")))
    if button is None:
        return None
    act, subject, token = button
    container, user = payload.get("container") or {}, payload.get("user") or {}
    return Answer(
        event_id=f"slack:{container.get('channel_id')}:{container.get('message_ts')}:{user.get('id')}:{pressed.get('action_ts')}",
        act=act,
        subject=subject,
        person=person,
        through="slack",
        at=at,
        token=token,
        reason="by button in Slack" if act in _REASONED else "",
    )


class Listener:
    """Listens until it is stopped. `take` carries an answer out and says what became of it."""

    def __init__(self, calls: Calls, app_token: str, take: Take, people: Mapping[str, str]) -> None:
        self.calls, self._app_token, self._take, self._people = calls, app_token, take, people
        self._addresses: dict[str, str] = {}
        self._client: SocketModeClient | None = None
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        """Connect; presses are taken in a thread of the client from then on."""
        from slack_sdk.socket_mode.builtin import SocketModeClient

        # Connections end by themselves every few hours; the client opens the next one.
        client = SocketModeClient(app_token=self._app_token, web_client=self.calls.client, logger=quiet(), concurrency=2)
        client.socket_mode_request_listeners.append(self._on_request)
        client.connect()
        self._client = client

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected()

    def _on_request(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        from slack_sdk.socket_mode.response import SocketModeResponse

        # Slack wants to hear within three seconds that a press arrived, whatever becomes of it.
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        if request.type == "interactive":
            self.press(request.payload)

    def press(self, payload: Mapping[str, Any]) -> Outcome | None:
        """Take one press and show in the message what became of it."""
        user = str((payload.get("user") or {}).get("id", ""))
        answer = answer_of(payload, self.address(user), datetime.now(UTC))
        if answer is None:
            return None
        try:
            with self._one_at_a_time:
                outcome = self._take(answer)
        except Exception as error:  # noqa: BLE001 - one press that fails must not end listening; the person is told and can press again
            LOG.error("a press in Slack was not carried out: %s", type(error).__name__)
            outcome = Outcome(False, FAILED)
        self._show(payload, answer, outcome)
        return outcome

    def address(self, user: str) -> str:
        """The e-mail address of a user: as destinations.yaml or Slack says, or the id where neither does."""
        if user in self._people:
            return self._people[user]
        if user not in self._addresses:
            try:
                found = self.calls.reading("asking who pressed", lambda: self.calls.client.users_info(user=user))
            except (NotSent, Refused) as error:
                LOG.warning("the address of %s is not known: %s", user, error)
                return user
            self._addresses[user] = str(((found.get("user") or {}).get("profile") or {}).get("email") or user)
        return self._addresses[user]

    def _show(self, payload: Mapping[str, Any], answer: Answer, outcome: Outcome) -> None:
        """What was decided and by whom, in the place of the buttons; a press that was not taken is answered to the person alone."""
        container = payload.get("container") or {}
        channel, stamp, user = str(container.get("channel_id")), str(container.get("message_ts")), str((payload.get("user") or {}).get("id"))
        client = self.calls.client
        said = inert(outcome.said, 500)
        try:
            if outcome.is_taken:
                shown = (payload.get("message") or {}).get("blocks") or []
                text = block_kit.escaped(f"{said} ({inert(answer.person, 100)})")
                blocks = block_kit.decided(shown, f"{said} ({inert(answer.person, 100)})")
                self.calls.writing("showing what was decided", lambda: client.chat_update(channel=channel, ts=stamp, text=text, blocks=blocks, parse="none"))
            else:
                self.calls.writing(
                    "answering the person",
                    lambda: client.chat_postEphemeral(channel=channel, user=user, text=block_kit.escaped(said), parse="none", link_names=False),
                )
        except (NotSent, Unknown, Refused) as error:
            # The answer counts all the same; the outbox brings the message up to date with its next version.
            LOG.warning("a press was taken but its message was not changed: %s", error)
