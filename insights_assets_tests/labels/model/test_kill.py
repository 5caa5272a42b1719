"""A process that is killed in the middle of its questions: what was answered stays answered, what was paid is in the ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from insights_assets.labels.model.outcomes import Outcome
from insights_assets_tests.contract.azure_openai_server import FakeTime
from insights_assets_tests.labels.model.desk import Desk, complaints, open_desk

_RECORDS = 60


def label_in_a_process_of_its_own(folder: str, url: str) -> None:
    server = SimpleNamespace(url=url, deployments=set(), time=FakeTime())
    desk = open_desk(server, Path(folder))  # type: ignore[arg-type]
    desk.label(complaints(_RECORDS), desk.client("killed"))


def test_kill_amid_the_questions_then_a_rerun(desk: Desk, tmp_path: Path) -> None:
    desk.server.seconds_a_reply = 0.03
    root = Path(__file__).resolve().parents[3]
    code = f"from {__name__} import label_in_a_process_of_its_own as go; import sys; go(sys.argv[1], sys.argv[2])"
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), desk.server.url], cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    began = time.monotonic()
    while len(desk.server.chats) < 20 and time.monotonic() - began < 60:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.2)  # replies that were on their way reach nobody
    before = len(desk.server.billed)
    assert 20 <= before < _RECORDS
    labels = desk.label(complaints(_RECORDS), desk.client("after"))
    assert [one.outcome for one in labels] == [Outcome.OK] * _RECORDS
    ledger = desk.client().ledger.calls()
    unknown = [row for row in ledger if not row.is_usage_known]
    again = len(desk.server.billed) - _RECORDS
    assert 0 <= again <= 32, "only what was in flight at the kill is asked a second time"
    ours = Counter(row.request_id for row in ledger if row.is_usage_known)
    theirs = Counter(one.request_id for one in desk.server.billed)
    assert not ours - theirs and sum((theirs - ours).values()) <= len(unknown), "what was paid and not read is in the ledger as unknown"
    killed = desk.client().ledger.spent(run_id="killed").tokens
    assert killed >= sum(one.prompt_tokens + one.completion_tokens for one in desk.server.billed[:before])
