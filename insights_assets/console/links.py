"""Where the console's links lead: Dagster's run and assets, and the console's own page of an insight.

Belongs here: making addresses, on loopback only, and letting through those of connected destinations. Nothing from data becomes part of an address without looking like an id.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from urllib.parse import quote

DAGSTER = "http://127.0.0.1:3000"
_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d{2,5}")
_ADDRESS = re.compile(r"https?://(?P<host>[A-Za-z0-9.-]+)(?::\d{2,5})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?")
INSIGHT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def dagster_address(arguments: Sequence[str] = ()) -> str:
    """Dagster's UI: `--dagster-url` among the arguments of the console's script, else the port that `insights dev` takes."""
    given = list(arguments or sys.argv[1:])
    for flag, value in pairwise(given):
        if flag == "--dagster-url" and _LOOPBACK.fullmatch(value):
            return value
    return DAGSTER


def run_link(run_id: str | None) -> str | None:
    """Dagster's page of a run; None for anything that is no run id (rows of tests, hand-made ids)."""
    return f"{dagster_address()}/runs/{run_id}" if run_id and _RUN_ID.fullmatch(run_id) else None


def insight_link(insight_id: str) -> str | None:
    """The console's page of an insight, below its own address; None for what does not look like an id."""
    return f"/insight?insight={insight_id}" if INSIGHT_ID.fullmatch(insight_id) else None


def destination_link(url: str | None, hosts: Iterable[str]) -> str | None:
    """Where a message is at its destination; None unless it leads to one of these hosts (or below one) and nowhere else.

    The address came with the destination's answer, so it is looked at like any other text from outside.
    """
    parts = _ADDRESS.fullmatch(url or "")
    if parts is None:
        return None
    host = parts["host"].casefold()
    return url if any(host == known or host.endswith(f".{known}") for known in hosts) else None


def hosts_of(addresses: Iterable[str | None]) -> tuple[str, ...]:
    """The hosts of addresses from settings."""
    found = (_ADDRESS.fullmatch(address.rstrip("/")) for address in addresses if address)
    return tuple(parts["host"].casefold() for parts in found if parts is not None)


def asset_link(table: str) -> str:
    """Dagster's page of a table `stage.name`."""
    return f"{dagster_address()}/assets/{quote(table.replace('.', '/', 1))}"


def path_of(sources: Iterable[str], pinned: Iterable[str]) -> list[list[str]]:
    """The tables between the raw records and the action, as far as this publication has them: a way in for each of these sources,
    then the way that all of them share."""
    have = set(pinned)
    ways = [[f"sources.{source}_raw", f"sources.{source}"] for source in sorted(set(sources))]
    tables = ["canonical.feedback", "labels.feedback_labels", "clusters.theme_members", "clusters.themes"]
    tables += ["anomalies.topic_series", "anomalies.anomalies", "anomalies.root_causes", "anomalies.insights"]
    tables += ["actions.planned_actions", "actions.action_tickets", "actions.deliveries"]
    found = ([name for name in way if name in have] for way in [*ways, tables])
    return [way for way in found if way]
