"""Three of the twelve accidents of `make chaos-databricks`: one for each way in which they end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from insights_assets_tests.chaos import databricks_chaos as chaos

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Path:
    home = tmp_path_factory.mktemp("prepared") / "home"
    chaos.prepare(home)
    return home


@pytest.fixture(scope="module")
def undisturbed(prepared: Path, tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Any:
    return chaos.undisturbed(Path(shutil.copytree(prepared, tmp_path_factory.mktemp("undisturbed") / "home")), spark)


@pytest.mark.parametrize(
    ("victim", "moment"), [("worker", "while it writes"), ("job", "while it writes"), ("workspace", "while it writes")]
)
def test_no_work_is_lost_or_doubled_and_both_sides_tell_the_same(
    victim: str, moment: str, prepared: Path, undisturbed: Any, tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster._core.pipes.utils.WAIT_FOR_LOGS_AFTER_EXECUTION_INTERVAL", 1)
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    assert chaos.faults_of(chaos.play(victim, moment, home, tmp_path / "workspace", spark), victim, moment, *undisturbed) == []


def test_every_case_has_its_expected_end() -> None:
    assert set(chaos.EXPECTED) == {(victim, moment) for victim in chaos.VICTIMS for moment in chaos.MOMENTS}
