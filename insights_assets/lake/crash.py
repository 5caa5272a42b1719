"""Dying at a named point, so that recovery can be tested by anybody: `INSIGHTS_CRASH_AT=canonical.feedback:before insights run …`.

Belongs here: the death. Does not belong here: which points there are; each stands where a process could die between two writes:
`stage.table` (a commit of the lake), `memo.stage__body` (a body is remembered), `governance.publication` (a run becomes visible),
`outbox.step` (a message is on its way), `model.batch_upload`, `model.batch_submit` and `model.batch_results` (questions go by batch, and come back).
"""

from __future__ import annotations

import os
import signal


def crash_here(crash_at: str | None, point: str) -> None:
    """Kill this process, as the system would, where the setting names this point (`stage.table:before`)."""
    if crash_at == point:
        os.kill(os.getpid(), signal.SIGKILL)
