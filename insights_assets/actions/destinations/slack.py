"""Slack: a message for each alert, replies in its thread, and the message changed in place when there is more to say.

Belongs here: which of a message becomes which argument, and finding it again by the key in its metadata. Does not belong here: faults
and the client (`slack_calls.py`), blocks (`block_kit.py`), people's answers (`slack_answers.py`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from insights_assets.actions.destinations import block_kit
from insights_assets.actions.destinations.beneath import EVIDENCE
from insights_assets.actions.destinations.haste import must_be_soon
from insights_assets.actions.destinations.port import Message, NotSent, Receipt, Refused
from insights_assets.actions.destinations.slack_calls import Calls
from insights_assets.shop.destinations_file import SlackSetup

#: `metadata.event_type` of everything this house wrote.
EVENT = "insights_action"
#: Seconds by which Slack's clock may be behind ours.
CLOCKS_APART = 300.0
_MOST_PAGES = 50
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
_EXTERNAL_ID = re.compile(r"([CGD][A-Z0-9]{6,}):([0-9]+\.[0-9]+)")


class Slack:
    """The destination `slack:#channel`. An `external_id` is channel id and time stamp, `C0123ABCD:1700000000.000100`."""

    name = "slack"
    is_searchable = True
    settles_after = 5.0

    def __init__(self, calls: Calls, setup: SlackSetup) -> None:
        self.calls, self.setup = calls, setup
        self._ids: dict[str, str] = {}
        self._address: str | None = None

    def find(self, message: Message, since: datetime) -> Receipt | None:
        """By the key in the metadata, in the thread or in the channel's history since then."""
        channel, thread = self._place(message)
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = self._page(channel, thread, since.timestamp() - CLOCKS_APART, cursor)
            for one in page.get("messages") or ():
                held = one.get("metadata") or {}
                if held.get("event_type") == EVENT and (held.get("event_payload") or {}).get("key") == message.key:
                    return self._receipt(channel, str(one["ts"]))
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        raise NotSent(f"more than {_MOST_PAGES * 200} messages since {since:%Y-%m-%d %H:%M}; the look-up did not reach its end")

    def create(self, message: Message) -> Receipt:
        begun = time.monotonic()
        channel, thread = self._place(message)
        must_be_soon(begun, "Slack")
        said = _content(message)
        more: dict[str, Any] = {"thread_ts": thread} if thread else {}
        sent = self.calls.writing(
            "posting the message",
            lambda: self.calls.client.chat_postMessage(channel=channel, unfurl_links=False, unfurl_media=False, link_names=False, parse="none", **more, **said),
        )
        return self._receipt(str(sent.get("channel") or channel), str(sent["ts"]))

    def update(self, message: Message, external_id: str) -> Receipt:
        channel, stamp = split(external_id)
        said = _content(message)
        self.calls.writing("changing the message", lambda: self.calls.client.chat_update(channel=channel, ts=stamp, link_names=False, parse="none", **said))
        return self._receipt(channel, stamp)

    # -- places --------------------------------------------------------------------------------------------------------------

    def _place(self, message: Message) -> tuple[str, str]:
        """Channel id, and the time stamp of the thread's first message where it belongs beneath one."""
        if message.kind == EVIDENCE:
            raise Refused("evidence goes to tickets: Slack gets no file")
        if message.parent_id:
            return split(message.parent_id)
        return self.channel_id(message.place), ""

    def channel_id(self, place: str) -> str:
        """The id of `#channel`: as destinations.yaml says, or looked up once."""
        if _CHANNEL_ID.fullmatch(place):
            return place
        name = place if place.startswith("#") else f"#{place}"
        if name in self.setup.channels:
            return self.setup.channels[name]
        if name not in self._ids:
            self._ids |= self._listed(name)
        if name not in self._ids:
            raise Refused(f"Slack shows the app no channel {name}: check owners.yaml, and invite the app where the channel is private")
        return self._ids[name]

    def _listed(self, wanted: str) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            at = cursor
            page = self.calls.reading(
                f"looking for {wanted}",
                lambda at=at: self.calls.client.conversations_list(types="public_channel,private_channel", exclude_archived=False, limit=200, cursor=at),
            )
            found |= {f"#{one['name']}": str(one["id"]) for one in page.get("channels") or ()}
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor or wanted in found:
                break
        return found

    def _page(self, channel: str, thread: str, oldest: float, cursor: str | None) -> dict[str, Any]:
        client = self.calls.client
        if thread:
            return self.calls.reading(
                "looking for the reply", lambda: client.conversations_replies(channel=channel, ts=thread, include_all_metadata=True, limit=200, cursor=cursor)
            )
        return self.calls.reading(
            "looking for the message",
            lambda: client.conversations_history(channel=channel, oldest=f"{oldest:.6f}", include_all_metadata=True, limit=200, cursor=cursor),
        )

    def _receipt(self, channel: str, stamp: str) -> Receipt:
        return Receipt(f"{channel}:{stamp}", f"{self.workspace}archives/{channel}/p{stamp.replace('.', '')}" if self.workspace else "")

    @property
    def workspace(self) -> str:
        """Address of the workspace for links, asked once; empty where Slack does not say, since a message without a link has arrived all the same."""
        if self._address is None:
            try:
                self._address = str(self.calls.reading("asking for the workspace", self.calls.client.auth_test).get("url") or "")
            except (NotSent, Refused):
                return ""
        return self._address


def split(external_id: str) -> tuple[str, str]:
    """Channel and time stamp of an external id."""
    match = _EXTERNAL_ID.fullmatch(external_id)
    if match is None:
        raise Refused(f"{external_id!r} is not a message of Slack")
    return match[1], match[2]


def _content(message: Message) -> Mapping[str, Any]:
    try:
        shown = block_kit.blocks(message)
    except ValueError as error:
        raise Refused(str(error)) from None
    return {"text": block_kit.text(message), "blocks": shown, "metadata": {"event_type": EVENT, "event_payload": {"key": message.key, "action_id": message.action_id}}}
