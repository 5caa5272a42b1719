"""Runs a command where no route leads out: loopback is brought up, and afterwards the kernel's own counters say what tried to leave.

Started inside a fresh network namespace (`unshare -rn python no_network.py COUNTERS COMMAND …`). The counters belong to the namespace, so
they hold whatever any process in it tried, in any language.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

_SIOCSIFFLAGS, _UP_AND_RUNNING = 0x8914, 0x1 | 0x40


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))


def tried_to_leave() -> dict[str, int]:
    """Packets for which the kernel found no route, over IPv4 and IPv6."""
    names, figures = [line.split()[1:] for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")]
    four = int(dict(zip(names, figures, strict=True))["OutNoRoutes"])
    six = next((int(line.split()[1]) for line in Path("/proc/net/snmp6").read_text().splitlines() if line.startswith("Ip6OutNoRoutes")), 0)
    return {"ipv4": four, "ipv6": six}


if __name__ == "__main__":
    raise_loopback()
    done = subprocess.run(sys.argv[2:], check=False)
    Path(sys.argv[1]).write_text(json.dumps(tried_to_leave()))
    raise SystemExit(done.returncode)
