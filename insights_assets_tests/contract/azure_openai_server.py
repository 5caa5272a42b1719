"""A stand-in for Azure OpenAI's v1 API over real HTTP on loopback: chat completions, files and batches, with its own token ledger.

Belongs here: the wire: paths, sign-in, headers, rate limits, faults a test scripts, what is billed, a log of all that came in. Who answers is in
`azure_openai_brains.py`, files and batches in `azure_openai_batches.py`, bodies of faults in `azure_openai_faults.py`, the published description
in `azure_openai_spec.py`.

What has thereby not met the real service: Entra ID's tokens, the real content filter and its prompt shields, the real tokenizer, the acceptance
of our schema, headers that the service adds since its published description, the life of a batch, and any model's quality.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from insights_assets_tests.contract.azure_openai_batches import Batches
from insights_assets_tests.contract.azure_openai_faults import Wire, error_body, fault_wire

SNAPSHOT = "gpt-4.1-mini-2025-04-14"
DEPLOYMENT, BATCH_DEPLOYMENT, KEY = "labels-mini", "labels-mini-batch", "key-of-the-stand-in-8842"
Brain = Callable[[dict[str, Any]], str]


class FakeTime:
    """Time that passes only when somebody sleeps; shared by client and server."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self._now, self._lock, self.slept = start, threading.Lock(), timedelta()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep_until(self, moment: datetime) -> None:
        with self._lock:
            if moment > self._now:
                self.slept += moment - self._now
                self._now = moment
        time.sleep(0.0005)


@dataclass(frozen=True)
class Billed:
    """One line of the server's own ledger."""

    request_id: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    batch_id: str | None = None
    reply_reached_client: bool = True


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    body: Any
    status: int
    reply: Any


@dataclass
class AzureOpenAI:
    """The server. `faults` gives the name of a fault for the n-th chat request (from 0), or None for a plain answer."""

    brain: Brain
    time: FakeTime = field(default_factory=FakeTime)
    faults: Callable[[int, dict[str, Any]], str | None] = lambda _number, _body: None
    keys: set[str] = field(default_factory=lambda: {KEY})
    deployments: set[str] = field(default_factory=lambda: {DEPLOYMENT})
    tokens_a_minute: int | None = None
    seconds_a_reply: float = 0.0
    filtered_words: tuple[str, ...] = ()
    billed: list[Billed] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    raw_log: list[str] = field(default_factory=list)
    too_early: list[str] = field(default_factory=list)
    arrivals: list[datetime] = field(default_factory=list)
    fault_counts: Counter[str] = field(default_factory=Counter)
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._chats = 0
        self._in_flight = 0
        self._allowed_from: dict[str, datetime] = {}
        self._prefixes: set[str] = set()
        self._window: tuple[datetime, int] = (self.time.now(), 0)
        self.batches = Batches(self)
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def chats(self) -> list[Seen]:
        return [one for one in self.seen if one.path.endswith("/chat/completions")]

    # -- one chat completion ----------------------------------------------------------------------------------------------

    def chat(self, body: dict[str, Any]) -> Wire:
        """What a chat request is answered with. Billing happens here, before the reply may be lost."""
        with self._lock:
            number, self._chats = self._chats, self._chats + 1
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            now, same = self.time.now(), json.dumps(body, sort_keys=True)
            self.arrivals.append(now)
            if now < self._allowed_from.get(same, now):
                self.too_early.append(f"request {number}: {self._allowed_from[same] - now} early")
            fault = self.faults(number, body)
            if fault:
                self.fault_counts[fault.split(":")[0] if not fault.startswith("429") else fault] += 1
        try:
            if self.seconds_a_reply:
                time.sleep(self.seconds_a_reply)
            wire = self._answer(body, fault, number)
            if wire.wait_seconds:
                with self._lock:
                    self._allowed_from[same] = now + timedelta(seconds=wire.wait_seconds)
            return wire
        finally:
            with self._lock:
                self._in_flight -= 1

    def _answer(self, body: dict[str, Any], fault: str | None, number: int) -> Wire:
        request_id = f"req-{number:05d}"
        if body.get("model") not in self.deployments:
            return Wire(404, error_body("DeploymentNotFound", "The API deployment for this resource does not exist."), request_id=request_id)
        rejected = fault_wire(fault, request_id, self.time.now())
        if rejected is not None:
            return rejected
        limited = self._limit(body, request_id)
        if limited is not None:
            return limited
        text = json.loads(body["messages"][-1]["content"]).get("text", "") if body["messages"][-1]["content"].startswith("{") else ""
        if any(word in text for word in self.filtered_words):
            return fault_wire("filtered_prompt", request_id, self.time.now()) or Wire(500, None)
        reply = self.completion(body, fault, request_id, lost=fault in ("drop", "html"))
        headers = self._limit_headers()
        if fault == "drop":
            return Wire(200, None, drop=True, request_id=request_id)
        if fault == "html":
            return Wire(200, "<html><body>Gateway sign-in</body></html>", content_type="text/html", request_id=request_id)
        if fault and fault.startswith("slow:"):
            time.sleep(float(fault.split(":")[1]))
        return Wire(200, reply, headers=headers, request_id=request_id)

    def completion(self, body: dict[str, Any], fault: str | None, request_id: str, *, batch_id: str | None = None, lost: bool = False) -> dict[str, Any]:
        """A chat completion, billed."""
        content: str | None = self.brain(body)
        finish, refusal = "stop", None
        if fault == "refused":
            content, refusal = None, "I'm sorry, but I can't help with that."
        elif fault == "filtered_output":
            content, finish = None, "content_filter"
        elif fault == "truncated":
            content, finish = (content or "")[: len(content or "") // 2], "length"
        elif fault == "invalid_json":
            content = "Sure! Here are the labels: " + (content or "")
        elif fault == "off_schema":
            content = json.dumps({**json.loads(content or "{}"), "severity": "tier 1"})
        elif fault == "quote_mismatch":
            forged = json.loads(content or "{}")
            forged["topics"][0]["quote"] = "the driver threw it over the fence"
            content = json.dumps(forged)
        elif fault == "empty_content":
            content = ""
        usage = self._bill(body, content or "", request_id, batch_id, lost)
        safe = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
        flagged = {**safe, "violence": {"filtered": True, "severity": "medium"}} if fault == "filtered_output" else safe
        choice = {
            "index": 0, "finish_reason": finish, "logprobs": None, "content_filter_results": flagged,
            "message": {"role": "assistant", "content": content, "refusal": refusal},
        }
        if fault == "filter_down":
            choice["content_filter_results"] = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
        jailbreak = {"detected": fault == "jailbreak_noted", "filtered": False}
        reply = {
            "id": f"chatcmpl-{request_id}", "object": "chat.completion", "created": int(self.time.now().timestamp()), "model": SNAPSHOT,
            "system_fingerprint": "fp_standin", "choices": [choice], "usage": usage,
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {**safe, "jailbreak": jailbreak}}],
        }
        if fault == "empty_choices":
            reply["choices"] = []
        if fault == "wrong_types":
            choice["finish_reason"] = "because"
        return reply

    def _bill(self, body: dict[str, Any], content: str, request_id: str, batch_id: str | None, lost: bool) -> dict[str, Any]:
        prefix = json.dumps(body["messages"][0]) + json.dumps(body.get("response_format")) + str(body.get("prompt_cache_key"))
        prompt = sum(tokens(message["content"]) for message in body["messages"]) + tokens(json.dumps(body.get("response_format")))
        completion = tokens(content)
        with self._lock:
            cached = tokens(body["messages"][0]["content"]) // 128 * 128 if prefix in self._prefixes and batch_id is None else 0
            cached = cached if cached >= 1024 else 0
            self._prefixes.add(prefix)
            self.billed.append(Billed(request_id, prompt, cached, completion, batch_id, not lost))
            self._window = (self._window[0], self._window[1] + prompt + completion)
        return {
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }

    def _limit(self, body: dict[str, Any], request_id: str) -> Wire | None:
        if self.tokens_a_minute is None:
            return None
        with self._lock:
            now = self.time.now()
            if now - self._window[0] >= timedelta(minutes=1):
                self._window = (now, 0)
            if self._window[1] < self.tokens_a_minute:
                return None
            wait = 60 - int((now - self._window[0]).total_seconds())
            self.fault_counts["429 by rate"] += 1
        return fault_wire(f"429:seconds:{wait}", request_id, now)

    def _limit_headers(self) -> dict[str, str]:
        left = 1_000_000 if self.tokens_a_minute is None else max(0, self.tokens_a_minute - self._window[1])
        return {"x-ratelimit-remaining-tokens": str(left), "x-ratelimit-remaining-requests": "900", "x-ratelimit-limit-tokens": str(self.tokens_a_minute or 1_000_000)}


def tokens(text: str) -> int:
    """The stand-in's tokenizer: four bytes are one."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


class _Handler(BaseHTTPRequestHandler):
    server_of: AzureOpenAI
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body are two writes; the second would wait 40 ms for the first's receipt

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""

    def _serve(self) -> None:
        server = self.server_of
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        server.raw_log.append(f"{self.command} {self.path}\n{data.decode(errors='replace')}")
        body = json.loads(data) if data and "json" in (self.headers.get("content-type") or "") else data
        given = (self.headers.get("authorization") or "").removeprefix("Bearer ") or self.headers.get("api-key") or ""
        if given not in server.keys:
            wire = Wire(401, error_body("401", "Access denied due to invalid subscription key or wrong API endpoint."))
        elif path.endswith("/chat/completions"):
            wire = server.chat(body)
        elif path.endswith("/models"):
            wire = Wire(200, {"object": "list", "data": [{"id": one, "object": "model", "created": 0, "owned_by": "azure"} for one in sorted(server.deployments)]})
        else:
            wire = server.batches.serve(self.command, path.split("/v1/", 1)[-1], body, self.headers.get("content-type") or "")
        server.seen.append(Seen(self.command, path, body, wire.status, wire.body))
        self._send(wire)

    do_GET = do_POST = do_DELETE = _serve

    def _send(self, wire: Wire) -> None:
        if wire.drop:
            self.close_connection = True
            self.connection.close()
            return
        data = wire.body.encode() if isinstance(wire.body, str) else json.dumps(wire.body).encode()
        self.send_response(wire.status)
        self.send_header("content-type", wire.content_type)
        self.send_header("content-length", str(len(data)))
        self.send_header("x-request-id", wire.request_id)
        self.send_header("apim-request-id", wire.request_id)
        for name, value in wire.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
