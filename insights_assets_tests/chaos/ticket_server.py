"""A ticket system over real HTTP with a ledger of its own, which fails by plan, and the thin adapter that calls it.

Belongs here: creating, searching (late, by an injected clock), updating; lost replies, 429, 5xx before and after the write. Does not
belong here: any expectation. The ledger is what the server committed, never what a client believes.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from insights_assets.actions.destinations.port import Message, NotSent, Receipt, Refused, Unknown
from insights_assets.resources.clock import Clock

#: What can become of one write. `lost` and `500` commit first; `429` and `503` do not.
FAULTS = ("", "lost", "429", "503", "500")


@dataclass
class Ticket:
    """One committed ticket."""

    ticket_id: str
    fingerprint: str
    content: str
    parent: str
    written_at: datetime
    worker: str


@dataclass
class TicketServer:
    """The server and its ledger. `plan`: fingerprint -> faults of its writes, one after the other; `lags`: seconds until search sees it."""

    clock: Clock
    plan: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lags: Mapping[str, float] = field(default_factory=dict)
    #: Answers every write so while it is set: an outage, a storm.
    storm: str = ""
    retry_after: str | None = None
    ledger: list[Ticket] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    sent_at: list[datetime] = field(default_factory=list)
    refuse: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    # -- what it does -------------------------------------------------------------------------------------------------

    def write(self, fingerprint: str, commit: Callable[[], Ticket]) -> tuple[str, Ticket | None]:
        """The fault of this write, and the ticket where it was committed."""
        with self._lock:
            number = self.writes[fingerprint]
            self.writes[fingerprint] += 1
            self.sent_at.append(self.clock())
            planned = self.plan.get(fingerprint, ())
            fault = self.storm or (planned[number] if number < len(planned) else "")
            return fault, None if fault in ("429", "503", "400") else commit()

    def create(self, body: dict[str, Any], worker: str) -> Ticket:
        ticket = Ticket(f"T-{len(self.ledger) + 1}", body["fingerprint"], body["content"], body["parent"], self.clock(), worker)
        self.ledger.append(ticket)
        return ticket

    def update(self, ticket_id: str, body: dict[str, Any]) -> Ticket:
        (ticket,) = (ticket for ticket in self.ledger if ticket.ticket_id == ticket_id)
        ticket.content = body["content"]
        return ticket

    def search(self, fingerprint: str) -> Ticket | None:
        """The first ticket that the search index has caught up with."""
        with self._lock:
            seen = [t for t in self.ledger if t.fingerprint == fingerprint and t.written_at + timedelta(seconds=self.lags.get(fingerprint, 0)) <= self.clock()]
        return seen[0] if seen else None

    # -- what it shows ------------------------------------------------------------------------------------------------

    def duplicates(self) -> list[str]:
        return sorted(name for name, count in Counter(t.fingerprint for t in self.ledger).items() if count > 1)

    def missing(self, wanted: Sequence[str]) -> list[str]:
        return sorted(set(wanted) - {t.fingerprint for t in self.ledger})


def _handler(server: TicketServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            server.requests["GET"] += 1
            found = server.search(parse_qs(urlsplit(self.path).query)["fingerprint"][0])
            self._answer(200, {"ticket": found.ticket_id if found else None})

        def do_POST(self) -> None:
            body = self._body()
            self._write(body, lambda: server.create(body, self.headers.get("X-Worker", "")))

        def do_PUT(self) -> None:
            body = self._body()
            self._write(body, lambda: server.update(self.path.rsplit("/", 1)[1], body))

        def _body(self) -> dict[str, Any]:
            server.requests[f"{self.command} {self.headers.get('X-Worker', '')}"] += 1
            return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _write(self, body: dict[str, Any], commit: Callable[[], Ticket]) -> None:
            if body["fingerprint"] in server.refuse:
                self._answer(400, {"error": "project is archived"})
                return
            fault, ticket = server.write(body["fingerprint"], commit)
            if fault == "lost":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault:
                self._answer(int(fault), {})
            else:
                assert ticket is not None
                self._answer(200, {"ticket": ticket.ticket_id})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            if status == 429 and server.retry_after is not None:
                self.send_header("Retry-After", server.retry_after)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


class Tickets:
    """The adapter: one request a call, no retries of its own."""

    is_searchable = True

    def __init__(self, port: int, *, name: str = "tickets", worker: str = "", settles_after: float = 60.0) -> None:
        self.port, self.name, self.worker, self.settles_after = port, name, worker, settles_after

    def find(self, message: Message, since: datetime) -> Receipt | None:
        status, answer, _ = self._call("GET", f"/tickets?fingerprint={message.fingerprint}", None)
        if status != 200:
            raise NotSent(f"the search answered {status}")
        return Receipt(answer["ticket"]) if answer["ticket"] else None

    def create(self, message: Message) -> Receipt:
        return self._write("POST", "/tickets", message)

    def update(self, message: Message, external_id: str) -> Receipt:
        return self._write("PUT", f"/tickets/{external_id}", message)

    def _write(self, method: str, path: str, message: Message) -> Receipt:
        body = {"fingerprint": message.fingerprint, "content": message.body, "parent": message.parent_id}
        status, answer, retry_after = self._call(method, path, body)
        if status == 429:
            raise NotSent("too many requests", float(retry_after) if retry_after is not None else None)
        if status >= 500:
            raise Unknown(f"the server answered {status}")
        if status >= 400:
            raise Refused(answer["error"])
        return Receipt(answer["ticket"], url=f"http://127.0.0.1:{self.port}/{answer['ticket']}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any], str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise NotSent(f"no connection: {type(error).__name__}") from None
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None, {"X-Worker": self.worker})
                reply = connection.getresponse()
                return reply.status, json.loads(reply.read()), reply.headers.get("Retry-After")
            except (OSError, http.client.HTTPException) as error:
                raise (NotSent if method == "GET" else Unknown)(f"the reply was lost: {type(error).__name__}") from None
        finally:
            connection.close()
