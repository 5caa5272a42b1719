"""What a job is asked to do: the one thing that Dagster's side and the job's side of a heavy step both know.

Belongs here: the request, how it travels, and the check that both sides hold the same customer key. Does not belong here: launching
(`jobs.py`) or running (`insights_assets/job.py`). No secret is part of a request: the key reaches the job through the workspace's secrets.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Self

#: The variable of a job's environment that carries the customer key.
KEY_VARIABLE = "INSIGHTS_CUSTOMER_KEY_SECRET"
#: Name of the customer key in the secret scope.
KEY_NAME = "customer_key"
#: Settings a heavy step may depend on. A list of what is sent, not of what is kept back: a new secret can then not slip in.
SENT_SETTINGS = ("profile", "crash_at", "engine_deadline_seconds", "cpu_threads")
#: Where a message channel lies: on DBFS, or on a volume of Unity Catalog.
CHANNELS = ("dbfs", "volume")


@dataclass(frozen=True)
class JobRequest:
    """One heavy step of one run. Travels as arguments of the task, so that people read step and days on the task's page.

    `lake` (an address, see `lake/unity.py`) and `shop` are as the job sees them; without a shop the job reads the packaged one. The days of a step are those that
    became known after `previous_as_of` and by `as_of`. `token` names the job's folder of receipts, `gate` the task that this one waits behind.
    """

    step: str
    run_id: str
    lake: str
    shop: str | None
    as_of: date
    previous_as_of: date | None
    key_check: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret_scope: str = "insights"  # noqa: S105 - the name of a scope
    channel: str = "dbfs"
    token: str = ""
    gate: str = ""

    def to_arguments(self) -> list[str]:
        """The request as arguments of a command."""
        shown = {"step": self.step, "from_day": self.previous_as_of.isoformat() if self.previous_as_of else "start", "to_day": self.as_of.isoformat()}
        rest = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("step", "as_of", "previous_as_of")}
        return ["--step", shown["step"], "--from-day", shown["from_day"], "--to-day", shown["to_day"], "--request", json.dumps(rest, sort_keys=True)]

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Self:
        """The request that `to_arguments` wrote; other arguments (those of Pipes) are left alone. Ends the process where it is none."""
        parser = argparse.ArgumentParser("insights-step", description="One heavy step of the graph. Dagster launches this as a task of a Databricks job.", allow_abbrev=False)
        parser.add_argument("--step", required=True, help="name of the step, e.g. canonical__feedback")
        parser.add_argument("--from-day", required=True, help="as-of day of the last run that was published, or `start`")
        parser.add_argument("--to-day", required=True, type=date.fromisoformat, help="as-of day of this run")
        parser.add_argument("--request", required=True, type=json.loads, help="the rest of the request, JSON")
        given, _ = parser.parse_known_args(list(arguments))
        before = None if given.from_day == "start" else date.fromisoformat(given.from_day)
        return cls(step=given.step, as_of=given.to_day, previous_as_of=before, **given.request)


def key_check(secret: str) -> str:
    """A value by which two holders of the customer key can see that they hold the same, without showing it."""
    return hmac.new(secret.encode(), b"customer key check", hashlib.sha256).hexdigest()[:16]
