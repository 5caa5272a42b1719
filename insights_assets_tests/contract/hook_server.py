"""A host that receives the hold webhook: HTTPS on loopback with a certificate made for the occasion, and its own check of signatures.

Belongs here: serving, verifying as a receiver would by the docs, the ledger. Does not belong here: the product's own signing code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

SECRET = "a-hook-secret"


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate with its key in one file."""
    path = folder / f"{name}.pem"
    if not path.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj", f"/CN={name}",
             "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(folder / "key"), "-out", str(folder / "cert")],
            check=True, capture_output=True,
        )  # fmt: skip
        path.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return path


class HookServer:
    """`received` holds each accepted body, `answers` the status to give next (default 204)."""

    def __init__(self, pem: Path) -> None:
        self.received: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.loses_reply = False
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._http.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: HookServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        owner = self.owner
        content = self.rfile.read(int(self.headers["Content-Length"]))
        stamp = self.headers.get("X-Insights-Timestamp", "0")
        right = "v1=" + hmac.new(SECRET.encode(), stamp.encode() + b"." + content, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, self.headers.get("X-Insights-Signature", "")):
            owner.refused.append("signature")
            self._say(401, {})
        elif abs(time.time() - int(stamp)) > 300:
            owner.refused.append("timestamp")
            self._say(401, {})
        elif owner.answers:
            self._say(*owner.answers.pop(0))
        else:
            owner.received.append(json.loads(content))
            if owner.loses_reply:
                self.close_connection = True
                self.connection.close()
                return
            self._say(204, {})

    def _say(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The ledger is the log."""
