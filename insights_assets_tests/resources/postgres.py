"""A PostgreSQL server of the tests' own, where the machine has one: made anew, on loopback, gone afterwards.

Belongs here: starting it, and an empty database for each test. Does not belong here: any expectation.
"""

from __future__ import annotations

import getpass
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def programs() -> Path | None:
    """The folder of initdb and postgres, or None."""
    found = shutil.which("initdb") or next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
    return Path(found).resolve().parent if found else None


def why_not() -> str | None:
    """Why no server can be started here; None where one can."""
    if programs() is None:
        return "needs a PostgreSQL server (initdb, postgres), and there is none on this machine"
    if importlib.util.find_spec("psycopg") is None:
        return "needs the driver psycopg: install the extra `postgres`"
    if os.geteuid() == 0 and not _plain_user():
        return "PostgreSQL runs under no root, and this machine has no user `postgres` or `nobody` to run it"
    return None


def _plain_user() -> str | None:
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


@contextmanager
def server(password: str | None = None) -> Iterator[str]:
    """`postgresql+psycopg://…/` of a new server, without a database name. With a password it lets nobody in who does not know it."""
    folder, binaries = Path(tempfile.mkdtemp(prefix="insights-postgres-")), programs()
    assert binaries is not None
    user = _plain_user() if os.geteuid() == 0 else None
    options: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    if user:
        shutil.chown(folder, user)
        options["user"] = user
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    sign_in = ["--auth=trust"]
    if password is not None:
        (folder / "password").write_text(password, encoding="utf-8")
        (folder / "password").chmod(0o644)  # its folder is the server's own
        sign_in = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    new = [str(binaries / "initdb"), "-D", str(data), "-U", "insights", *sign_in, "--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run(new, check=True, timeout=120, **options)
    command = [str(binaries / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
    running = subprocess.Popen(command, **options)
    try:
        address = f"postgresql+psycopg://insights@127.0.0.1:{port}/"
        _await(address, running, password)
        yield address
    finally:
        running.send_signal(signal.SIGINT)  # at once: what SIGTERM asks for waits until the last pooled connection is closed
        running.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _await(address: str, running: subprocess.Popen[bytes], password: str | None) -> None:
    import psycopg

    for _ in range(300):
        if running.poll() is not None:
            raise RuntimeError(f"the PostgreSQL server of {getpass.getuser()} ended with {running.returncode}")
        try:
            psycopg.connect(address.replace("+psycopg", "") + "postgres", password=password).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise TimeoutError("the PostgreSQL server did not answer")


def fresh_database(address: str, name: str, password: str | None = None) -> str:
    """The URL of a new, empty database."""
    import psycopg

    with psycopg.connect(address.replace("+psycopg", "") + "postgres", password=password, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return address + name


def emptied_database(address: str) -> str:
    """The URL of the server's database with nothing in it; whoever still holds it is sent away. A new one each time would be 300 files each time."""
    import psycopg

    with psycopg.connect(address.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return address + "postgres"
