"""Each engine is asked the same questions: what differs is declared with its answer, and what is declared still differs (R15)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from insights_assets.engine.jvm import JvmServer
from insights_assets.tables import all_tables
from insights_assets_tests.parity.differences import BEHAVIOUR, ROWS
from insights_assets_tests.parity.probes import PROBES

pytestmark = pytest.mark.slow

Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def answers(spark: Any, connect: Any, jvm: JvmServer, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Probe -> engine -> answer."""
    found: Answers = {}
    for name, probe in PROBES.items():
        folder: Path = tmp_path_factory.mktemp(name)
        classic = jvm.ask(do="probe", names=[name], folder=str(folder / "classic"))[name]
        found[name] = {"embedded": probe(spark, folder / "embedded"), "connect": probe(connect, folder / "connect"), "classic": classic}
    return found


@pytest.mark.parametrize("name", list(PROBES))
def test_engines_answer_as_declared(answers: Answers, name: str) -> None:
    said, declared = answers[name], BEHAVIOUR.get(name)
    assert said["classic"] == said["connect"], f"{name}: the two ways into one JVM differ"
    if declared is None:
        assert said["embedded"] == said["connect"], f"{name} differs and is not declared in differences.py"
        return
    assert said["embedded"] != said["connect"], f"{name} is declared in differences.py and differs no more; take it out"
    assert (said["embedded"], said["connect"]) == (declared.embedded, declared.jvm)


@pytest.mark.parametrize("engine", ["embedded", "connect", "classic"])
def test_text_for_a_number_is_refused_before_every_write(answers: Answers, engine: str) -> None:
    assert answers["lake_refuses"][engine] == "canonical.counts: n is string, the table wants bigint"


def test_every_declaration_is_asked_and_says_what_follows() -> None:
    assert set(BEHAVIOUR) <= set(PROBES)
    assert all(len(one.therefore) > 15 for one in BEHAVIOUR.values())


def test_declared_columns_exist() -> None:
    known = {str(spec): set(spec.column_names) for spec in all_tables()}
    assert all(set(columns) <= known[name] and all(columns.values()) for name, columns in ROWS.items())
