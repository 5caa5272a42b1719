"""`insights demo`: its closing words on a small shop, and what they name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from insights_assets_tests.shared_homes import demo_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def insights(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "insights_assets.cli", *words], cwd=folder, capture_output=True, text=True, check=False)


def test_the_closing_words_fit_a_screen_and_name_what_is_there(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    folder, ended = demo_run(tmp_path_factory)
    assert ended["returncode"] == 0, ended["stdout"][-2000:] + ended["stderr"][-3000:]
    lines = [line for line in ended["stdout"].splitlines() if line.strip()]
    assert len(lines) <= 30 and max(map(len, lines)) <= 100, "\n".join(lines)
    assert "arning" not in ended["stdout"] + ended["stderr"] and "ERROR" not in ended["stdout"] + ended["stderr"]
    said = "\n".join(lines)
    assert "What is driving negative reviews on top-selling SKUs this month?" in said
    assert [line[:3] for line in lines if re.match(r"[1-5]\. ", line)] == ["1. ", "2. ", "3. ", "4. ", "5. "]
    assert re.search(r"On the desk: \d+ tickets?", said)
    assert re.search(r"Truth check: planted \d+, never read by the pipeline: found \d+, first cause right \d+ of \d+,\n  decoys raised \d+", said)
    assert re.search(r"A simulated analyst reviewed \d+ records", said)
    accounted = re.search(r"Accounted: ([\d,]+) records in = ([\d,]+) kept \+ ([\d,]+) replaced by later versions \+ ([\d,]+) in quarantine", said)
    assert accounted is not None
    total, *parts = (int(number.replace(",", "")) for number in accounted.groups())
    assert total == sum(parts)
    assert re.search(r"INSIGHTS_MODEL=azure would send [\d,]+ distinct redacted texts, about \d+ USD; no model was asked", said)
    opened = [line.removeprefix("Open:").split()[0] for line in lines[-4:-1]]
    assert opened[2] == "make" and all((folder / path).exists() for path in opened[:2])
    hold = re.search(r"insights hold (release|place) (H-[0-9a-f]{8})$", said, re.MULTILINE)
    if hold is not None:
        assert hold[2] in insights(folder, "hold", "list").stdout, "after a demo, a command without --home means the demo's home"

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    refused = insights(tmp_path, "demo", "--home", "mine")
    assert refused.returncode == 2 and "a home of your own" in refused.stderr and (tmp_path / "mine" / "file").exists()
