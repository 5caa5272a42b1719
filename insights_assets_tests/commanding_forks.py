"""The process that forks commands: it imports what they import, starts nothing, and forks for each order that comes over its socket.

Belongs here: what is imported beforehand, the forks, and what a fork becomes. It ends when its standard input does, that is with whoever started it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import socket
import sys
from typing import Any

from insights_assets_tests import commanding_client as client

IMPORTED = (
    "insights_assets.cli", "insights_assets.run", "insights_assets.commands.run", "pyspark.sql.connect.session", "alembic.command", "deltalake", "databricks.sdk",
    "insights_assets_tests.conftest",  # SQLite waits for no disk, as in the tests' own process
)  # fmt: skip


def prepare() -> None:
    """Import what nearly every command imports; start nothing: a process with one thread is the only one that can be forked."""
    from insights_assets.definitions import build_definitions

    build_definitions()
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def follow(listening: socket.socket) -> dict[str, Any] | None:
    """Take orders until standard input ends; gives an order in the fork that is to carry it out, None where orders have ended."""
    while True:
        readable = select.select([listening, sys.stdin], [], [], 5)[0]
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # those beside it that have told how their command ended
                pass
        if sys.stdin in readable:
            return None
        if listening in readable:
            asked, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                return attend(asked)
            asked.close()


def attend(asked: socket.socket) -> dict[str, Any]:
    """In a process beside the foreman: fork the command, tell its number and its end. Gives the order in the command itself."""
    order, files = client.taken(asked)
    if (number := os.fork()) == 0:
        asked.close()
        become(order, files)
        return order
    for file in files:
        os.close(file)
    with contextlib.suppress(BrokenPipeError):  # whoever asked was ended meanwhile
        asked.sendall(number.to_bytes(8, "big", signed=True))
        code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        asked.sendall(code.to_bytes(8, "big", signed=True))
    os._exit(0)


def become(order: dict[str, Any], files: list[int]) -> None:
    """This fork's own files, folder, environment and words."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    sys.argv = list(order["words"])


def main() -> None:
    listening = socket.socket(fileno=int(sys.argv[1]))
    prepare()
    order = follow(listening)
    if order is not None:
        command = importlib.import_module(order["module"]).main
        command(sys.argv[1:], prog_name=sys.argv[0])


if __name__ == "__main__":
    main()
