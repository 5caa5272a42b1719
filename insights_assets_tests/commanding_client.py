"""Asking for a command to be run by a fork: the few words that go over the socket, and the program that a typed page's shell starts in its place.

Belongs here: what needs nothing but Python's own library, since it is started once a command. Does not belong here: any import of the product.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any


def ask(address: str, order: dict[str, Any], files: list[int]) -> socket.socket:
    """Send an order with its three files; the fork's number and then its exit code come as answers."""
    asked = socket.socket(socket.AF_UNIX)
    asked.connect(address)
    words = json.dumps(order).encode()
    socket.send_fds(asked, [len(words).to_bytes(8, "big")], files)
    asked.sendall(words)
    return asked


def taken(asked: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The other side of `ask`."""
    length, files, _, _ = socket.recv_fds(asked, 8, 3)
    words = received(asked, int.from_bytes(length, "big"))
    return json.loads(words), files


def answer(asked: socket.socket) -> int:
    return int.from_bytes(received(asked, 8), "big", signed=True)


def received(asked: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = asked.recv(count - len(found))
        if not part:
            raise RuntimeError("the process that forks commands ended")
        found += part
    return found


def main() -> None:
    address, module, *words = sys.argv[1:]
    asked = ask(address, {"module": module, "words": words, "environment": dict(os.environ), "cwd": os.getcwd()}, [0, 1, 2])  # noqa: PTH109
    answer(asked)
    code = answer(asked)
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
