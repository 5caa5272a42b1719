"""What the stand-ins of vendors share: HTTP on loopback, a ledger of their own, and faults on demand.

Belongs here: serving, faults, the ledger. Does not belong here: what a vendor answers (`jira_server.py`, `slack_server.py`), and
whether that fits what the vendor publishes (`vendor_specs.py`).
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

HTML = "<html><head><title>Sign in</title></head><body>Please sign in to the corporate proxy.</body></html>"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call. `carries_out`: the call is carried out first, and only its answer is wrong.

    `kind`: lose_reply, half_reply, status, html or slow.
    """

    kind: str
    status: int = 500
    carries_out: bool = True
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def lost_reply() -> Fault:
    return Fault("lose_reply")


def rate_limited(retry_after: str, **headers: str) -> Fault:
    return Fault("status", 429, carries_out=False, headers={"Retry-After": retry_after, **{name.replace("_", "-"): value for name, value in headers.items()}})


@dataclass
class Call:
    """One request as the server saw it. `carried_out` says whether it changed or told anything."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    reply: Any
    carried_out: bool
    fault: str = ""


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class VendorServer(ABC):
    """`with Server() as server`: a thread serves; `calls` is the ledger; `problems` what did not fit the published description."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self.lock = threading.RLock()
        #: Faults for writes to a path in whose body a text stands, in the order they come: (ending of the path, text) -> faults.
        self.planned: dict[tuple[str, str], list[Fault]] = {}
        self._faults: list[tuple[str, str, Fault]] = []
        self._ahead = 0.0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    # -- time and faults -----------------------------------------------------------------------------------------------------

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the server's clock on, for what it does late."""
        self._ahead += seconds

    def fail(self, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """The next calls whose path ends so go wrong; a path of `*` means every call."""
        with self.lock:
            self._faults += [(method, path, fault)] * times

    def fault_of(self, method: str, path: str, body: Any = None) -> Fault | None:
        with self.lock:
            for (ending, text), faults in self.planned.items():
                if faults and method == "POST" and path.endswith(ending) and text in json.dumps(body, default=str):
                    return faults.pop(0)
            for number, (wanted, ending, fault) in enumerate(self._faults):
                if wanted in (method, "*") and (ending == "*" or path.endswith(ending)):
                    del self._faults[number]
                    return fault
        return None

    # -- the ledger ----------------------------------------------------------------------------------------------------------

    def count(self, method: str, path: str, carried_out: bool = True) -> int:
        """How many calls of that kind were carried out (or came in at all)."""
        return sum(call.method == method and call.path.endswith(path) and (call.carried_out or not carried_out) for call in self.calls)

    def everything_said(self) -> str:
        """All that reached the vendor, as one text to look for what must not be there."""
        return "\n".join(json.dumps([call.query, call.body], ensure_ascii=False, default=str) for call in self.calls)

    # -- what a vendor fills in ------------------------------------------------------------------------------------------------

    @abstractmethod
    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: Any) -> Reply:
        """What the vendor would say."""

    def check(self, call: Call) -> list[str]:
        """What does not fit the vendor's published description; nothing where that is not here."""
        return []

    def denies(self, headers: Any, path: str) -> Reply | None:
        """The answer to a caller who may not call; None for one who may."""
        return None


class _Handler(BaseHTTPRequestHandler):
    owner: VendorServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        owner, parts = self.owner, urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self._read()
        fault = owner.fault_of(self.command, parts.path, body)
        denied = owner.denies(self.headers, parts.path)
        carried_out = denied is None and (fault is None or fault.carries_out)
        if denied is not None:
            reply = denied
        elif carried_out:
            with owner.lock:
                reply = owner.answer(self.command, parts.path, query, body, self.headers)
        else:
            reply = Reply(0)
        call = Call(self.command, parts.path, query, body, reply.status, reply.body, carried_out and reply.status < 400, fault.kind if fault else "")
        with owner.lock:
            owner.calls.append(call)
            if carried_out:
                owner.problems += owner.check(call)
        self._give(reply, fault)

    def _read(self) -> Any:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get_content_type() if self.headers.get("Content-Type") else ""
        if kind == "application/json" or (kind in ("", "text/plain") and raw[:1] in b"{["):
            return json.loads(raw) if raw else None
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(raw.decode(), keep_blank_values=True))
        return raw

    def _give(self, reply: Reply, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault is not None and fault.kind == "lose_reply":
            self.close_connection = True
            self.connection.close()
            return
        if fault is not None and fault.kind == "html":
            reply = Reply(200, HTML, {"Content-Type": "text/html"})
        elif fault is not None and fault.kind == "status":
            reply = Reply(fault.status, fault.body or {"errorMessages": ["planned fault"], "ok": False, "error": "planned_fault"}, fault.headers)
        data = b"" if reply.body is None else reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        try:
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json;charset=utf-8", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if fault is not None and fault.kind == "half_reply" else data)
        except (BrokenPipeError, ConnectionResetError):
            return  # the caller did not wait
        if fault is not None and fault.kind == "half_reply":
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """The ledger is the log."""


Route = Callable[..., Reply]
