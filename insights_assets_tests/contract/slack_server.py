"""A stand-in for Slack: its Web API over HTTP and Socket Mode over a WebSocket, with channels, threads and people.

Belongs here: how Slack behaves, as its documentation says. Does not belong here: serving and faults (`vendor_server.py`), Block Kit
(`slack_world.py`). Errors come as 200 with `ok: false`, as the real ones do.
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any, Self

from insights_assets_tests.contract import vendor_specs
from insights_assets_tests.contract.slack_world import active_parts, block_problems
from insights_assets_tests.contract.vendor_server import Call, Reply, VendorServer

BOT_TOKEN, APP_TOKEN = "xoxb-a-bot-token", "xapp-an-app-token"
BOT_USER, PERSON = "U0BOT0000", "U0PERSON1"
_SCOPES = {
    "chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.postEphemeral": "chat:write", "conversations.history": "channels:history", "conversations.replies": "channels:history",
    "conversations.list": "channels:read", "conversations.info": "channels:read", "users.info": "users:read",
}  # fmt: skip


@dataclass
class Channel:
    channel_id: str
    name: str
    is_member: bool = True
    is_archived: bool = False
    is_private: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)


class SlackError(Exception):
    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.reply = Reply(200, {"ok": False, "error": code, **more})


class SlackServer(VendorServer):
    """`scopes` of the app; `pace` answers 429 to a second message within a second and channel."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = [Channel("C0QUALITY", "quality-alerts"), Channel("C0SUPPLY1", "supply-alerts")]
        self.people = {BOT_USER: ("insights", ""), PERSON: ("quinn", "quality.lead@shop.example")}
        self.scopes = set(_SCOPES.values()) | {"users:read.email", "groups:read", "groups:history"}
        self.pace = False
        self.acknowledged: list[str] = []
        self.active: list[str] = []
        self.whispered: list[tuple[str, str]] = []
        self._last_post: dict[str, float] = {}
        self._stamp = 0
        self._sockets: list[Any] = []
        self._socket_server: Any = None

    def __enter__(self) -> Self:
        from websockets.sync.server import serve

        self._socket_server = serve(self._socket, "127.0.0.1", 0)
        threading.Thread(target=self._socket_server.serve_forever, daemon=True).start()
        return super().__enter__()

    def __exit__(self, *args: object) -> None:
        self._socket_server.shutdown()
        super().__exit__(*args)

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    def somebody_says(self, channel: Channel, text: str, **more: Any) -> None:
        """A message of another person or app."""
        self._stamp += 1
        channel.messages.append({"type": "message", "user": PERSON, "team": "T0SHOP000", "ts": f"{int(self.now())}.{self._stamp:06d}", "text": text, **more})

    # -- Socket Mode -----------------------------------------------------------------------------------------------------------------

    def _socket(self, connection: Any) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0INSIGHTS"}, "debug_info": {}}))
        self._sockets.append(connection)
        try:
            for said in connection:
                self.acknowledged.append(json.loads(said)["envelope_id"])
        finally:
            self._sockets.remove(connection)

    def is_listened_to(self) -> bool:
        return bool(self._sockets)

    def press(self, channel_id: str, stamp: str, number: int = 0, by: str = PERSON, envelope: str = "", action_ts: str = "") -> str:
        """A person presses a button; gives the envelope's id. The same envelope again is a second delivery of the same press."""
        message = self._message(self._channel(channel_id), stamp)
        element = next(block for block in message["blocks"] if block["type"] == "actions")["elements"][number]
        envelope = envelope or str(uuid.uuid4())
        payload = {
            "type": "block_actions", "user": {"id": by, "username": self.people[by][0], "name": self.people[by][0], "team_id": "T0SHOP"}, "api_app_id": "A0INSIGHTS",
            "token": "verification-token", "trigger_id": f"1.2.{envelope}", "team": {"id": "T0SHOP", "domain": "shop"}, "container": {"type": "message", "message_ts": stamp, "channel_id": channel_id},
            "channel": {"id": channel_id, "name": "quality-alerts"}, "message": message, "response_url": f"{self.url}/actions/T0SHOP/1/2",
            "actions": [{"type": "button", "block_id": "insights_buttons", "action_id": element["action_id"], "value": element["value"], "text": element["text"],
                         "action_ts": action_ts or f"{self.now():.6f}"}],
        }  # fmt: skip
        text = json.dumps({"envelope_id": envelope, "type": "interactive", "accepts_response_payload": True, "payload": payload})
        for socket in list(self._sockets):
            socket.send(text)
        return envelope

    # -- VendorServer ------------------------------------------------------------------------------------------------------------------

    def denies(self, headers: Any, path: str) -> Reply | None:
        wanted = APP_TOKEN if path.endswith("apps.connections.open") else BOT_TOKEN
        return None if headers.get("Authorization") == f"Bearer {wanted}" else Reply(200, {"ok": False, "error": "invalid_auth"})

    def check(self, call: Call) -> list[str]:
        return vendor_specs.slack_problems(call.path, {**call.query, **(call.body if isinstance(call.body, dict) else {})}, call.reply)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: Any) -> Reply:
        name = path.rpartition("/")[2]
        given = {**query, **(body if isinstance(body, dict) else {})}
        try:
            if (scope := _SCOPES.get(name)) and scope not in self.scopes:
                raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))
            handler = getattr(self, "_" + name.replace(".", "_"), None)
            if handler is None:
                raise SlackError("unknown_method")
            answered = handler(given)
            return answered if isinstance(answered, Reply) else Reply(200, {"ok": True, **answered})
        except SlackError as error:
            return error.reply

    # -- methods ---------------------------------------------------------------------------------------------------------------------

    def _auth_test(self, _given: dict[str, Any]) -> Reply:
        told = {"ok": True, "url": "https://shop.slack.com/", "team": "Shop", "user": "insights", "team_id": "T0SHOP000", "user_id": BOT_USER, "bot_id": "B0BOT0000"}
        return Reply(200, told, {"x-oauth-scopes": ",".join(sorted(self.scopes))})

    def _apps_connections_open(self, _given: dict[str, Any]) -> dict[str, Any]:
        host, port = self._socket_server.socket.getsockname()[:2]
        return {"url": f"ws://{host}:{port}/link/?ticket=1"}

    def _conversations_list(self, given: dict[str, Any]) -> dict[str, Any]:
        if "private_channel" in given.get("types", "") and "groups:read" not in self.scopes:
            raise SlackError("missing_scope", needed="groups:read", provided=",".join(sorted(self.scopes)))
        start, size = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        listed = [self._shown(channel) for channel in self.channels if not channel.is_private or channel.is_member]
        more = str(start + size) if start + size < len(listed) else ""
        return {"channels": listed[start : start + size], "response_metadata": {"next_cursor": more}}

    def _conversations_info(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"channel": self._shown(self._channel(given.get("channel", "")))}

    def _conversations_history(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given.get("channel", ""))
        self._must_be_member(channel)
        listed = [one for one in reversed(channel.messages) if one.get("thread_ts", one["ts"]) == one["ts"]]
        page, more = self._page(listed, given)
        return {"messages": page, "has_more": bool(more), "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0, "response_metadata": {"next_cursor": more}}

    def _conversations_replies(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given.get("channel", ""))
        self._must_be_member(channel)
        listed = [one for one in channel.messages if one["ts"] == given["ts"] or one.get("thread_ts") == given["ts"]]
        if not listed:
            raise SlackError("thread_not_found")
        page, more = self._page(listed, given)
        return {"messages": page, "has_more": bool(more), "response_metadata": {"next_cursor": more}}

    def _page(self, listed: list[dict[str, Any]], given: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        oldest = float(given.get("oldest") or 0)
        found = [one for one in listed if float(one["ts"]) > oldest]
        start, size = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        shown = found[start : start + size]
        if str(given.get("include_all_metadata", "")).lower() not in ("1", "true"):
            shown = [{key: value for key, value in one.items() if key != "metadata"} for one in shown]
        return shown, str(start + size) if start + size < len(found) else ""

    def _chat_postMessage(self, given: dict[str, Any]) -> dict[str, Any] | Reply:
        channel = self._channel(given.get("channel", ""))
        if channel.is_archived:
            raise SlackError("is_archived")
        self._must_be_member(channel)
        if self.pace and self.now() - self._last_post.get(channel.channel_id, 0) < 1:
            return Reply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"})
        self._last_post[channel.channel_id] = self.now()
        self._must_be_valid(given)
        if given.get("thread_ts") and not any(one["ts"] == given["thread_ts"] for one in channel.messages):
            raise SlackError("thread_not_found")
        self._stamp += 1
        stamp = f"{int(self.now())}.{self._stamp:06d}"
        message = {"type": "message", "user": BOT_USER, "ts": stamp, "team": "T0SHOP000", "text": given.get("text", ""), "blocks": given["blocks"]}
        message |= {key: given[key] for key in ("metadata", "thread_ts") if given.get(key)}
        channel.messages.append(message)
        return {"channel": channel.channel_id, "ts": stamp, "message": message}

    def _chat_update(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(given.get("channel", ""))
        message = self._message(channel, given["ts"])
        self._must_be_valid(given)
        message |= {"text": given.get("text", ""), "blocks": given["blocks"]}
        if given.get("metadata"):  # left out means: as it was
            message["metadata"] = given["metadata"]
        return {"channel": channel.channel_id, "ts": given["ts"], "text": message["text"], "message": message}

    def _chat_postEphemeral(self, given: dict[str, Any]) -> dict[str, Any]:
        self._must_be_member(self._channel(given.get("channel", "")))
        self.active += active_parts(given)
        self.whispered.append((given["user"], given["text"]))
        return {"message_ts": f"{self.now():.6f}"}

    def _users_info(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("user") not in self.people:
            raise SlackError("user_not_found")
        name, address = self.people[given["user"]]
        picture = {f"image_{size}": "https://shop.example/x.png" for size in (24, 32, 48, 72, 192, 512)}
        profile = {"avatar_hash": "0", "display_name": name, "display_name_normalized": name, "fields": {}, "phone": "", "real_name": name, "real_name_normalized": name, "skype": "",
                   "status_emoji": "", "status_text": "", "title": "", "team": "T0SHOP000", **picture}  # fmt: skip
        if address and "users:read.email" in self.scopes:
            profile["email"] = address
        return {"user": {"id": given["user"], "name": name, "is_app_user": False, "updated": 1, "profile": profile, "team_id": "T0SHOP000", "deleted": False, "is_bot": name == "insights"}}

    # -- rules -------------------------------------------------------------------------------------------------------------------------

    def _channel(self, wanted: str) -> Channel:
        for channel in self.channels:
            if channel.channel_id == wanted and (not channel.is_private or channel.is_member):
                return channel
        raise SlackError("channel_not_found")

    def _message(self, channel: Channel, stamp: str) -> dict[str, Any]:
        for message in channel.messages:
            if message["ts"] == stamp:
                return message
        raise SlackError("message_not_found")

    def _must_be_member(self, channel: Channel) -> None:
        if not channel.is_member:
            raise SlackError("not_in_channel")

    def _must_be_valid(self, given: dict[str, Any]) -> None:
        found = block_problems(given.get("blocks"))
        if len(given.get("text", "")) > 4000:
            found.append("text of more than 4000 characters")
        self.problems += found
        self.active += active_parts(given)
        if found:
            raise SlackError("invalid_blocks", response_metadata={"messages": found[:3]})

    def _shown(self, channel: Channel) -> dict[str, Any]:
        return {
            "id": channel.channel_id, "name": channel.name, "name_normalized": channel.name, "is_channel": True, "is_group": False, "is_im": False, "is_mpim": False,
            "is_archived": channel.is_archived, "is_member": channel.is_member, "is_private": channel.is_private, "created": 1, "creator": BOT_USER, "is_general": False,
            "is_shared": False, "is_org_shared": False, "unlinked": 0, "previous_names": [], "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }  # fmt: skip
