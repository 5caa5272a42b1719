"""What a job is asked to do: the one thing that Dagster's side and the job's side of a heavy step both know.

Belongs here: the request and the check that both sides hold the same customer key. Does not belong here: launching (`jobs.py`) or
running (`insights_assets/job.py`). No secret is part of a request: the key reaches the job as a secret reference in its environment.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

#: The variable of a job's environment that carries the customer key.
KEY_VARIABLE = "INSIGHTS_CUSTOMER_KEY_SECRET"
#: Settings a heavy step may depend on. A list of what is sent, not of what is kept back: a new secret can then not slip in.
SENT_SETTINGS = ("profile", "crash_at", "engine_deadline_seconds", "cpu_threads")


@dataclass(frozen=True)
class JobRequest:
    """One heavy step of one run. Travels as the extras of Dagster Pipes, in a file beside the job, not in run config.

    `lake` and `shop` are folders as the job sees them; without a shop the job reads the packaged one.
    """

    step: str
    run_id: str
    lake: str
    shop: str | None
    as_of: date
    previous_as_of: date | None
    key_check: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_extras(self) -> dict[str, Any]:
        """The request as JSON values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}

    @classmethod
    def from_extras(cls, extras: Mapping[str, Any]) -> Self:
        """The request that `to_extras` wrote."""
        values = {name: extras[name] for name in cls.__dataclass_fields__}
        for name in ("as_of", "previous_as_of"):
            values[name] = date.fromisoformat(values[name]) if values[name] else None
        return cls(**values)


def key_check(secret: str) -> str:
    """A value by which two holders of the customer key can see that they hold the same, without showing it."""
    return hmac.new(secret.encode(), b"customer key check", hashlib.sha256).hexdigest()[:16]
