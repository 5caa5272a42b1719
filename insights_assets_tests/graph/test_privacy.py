"""Two hundred personal values through a whole run: none in anything that people, programs or Dagster see below the raw tier."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from insights_assets.resources.operations import open_operations
from insights_assets.simulator import simulate
from insights_assets.tables import all_tables, table
from insights_assets_tests import commanding
from insights_assets_tests.graph.canaries import Person, plant
from insights_assets_tests.scanning import files_below, hits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LAST_DAY = date(2026, 11, 22)
CONSOLE = Path(__file__).resolve().parents[2] / "insights_assets" / "console"


def insights(*words: str) -> subprocess.CompletedProcess[str]:
    done = commanding.insights(*words, environment={"INSIGHTS_CUSTOMER_KEY_SECRET": "test"}, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Person], Path]:
    """(home, the people, a folder with everything the run printed)."""
    folder = tmp_path_factory.mktemp("canaries")
    simulate(folder / "shop", days=75, records=1_500, seed=11, last_day=LAST_DAY)
    found = plant(folder / "shop")
    done = insights("run", "--landing", str(folder / "shop" / "landing"), "--home", str(folder / "home"), "--as-of", LAST_DAY.isoformat(), "--json")
    said = folder / "said"
    said.mkdir()
    (said / "run.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder / "home", found, said


@pytest.fixture(scope="module")
def values(planted: tuple[Path, list[Person], Path]) -> list[str]:
    return [value for person in planted[1] for value in person.values]


@pytest.fixture(scope="module")
def reader(planted: tuple[Path, list[Person], Path]) -> Any:
    from insights_assets.governance.reader import Reader
    from insights_assets.settings import Settings

    home = planted[0]
    return Reader(Settings(home=home), open_operations(home / "operations.db"), who="test")


@pytest.fixture(scope="module")
def exports(planted: tuple[Path, list[Person], Path], reader: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every table there is, exported in every format below the raw tier."""
    from insights_assets.governance.export import export_table

    out = tmp_path_factory.mktemp("exports")
    for spec in all_tables():
        if reader.lake.exists(spec) and any(column.tier != "raw" for column in spec.columns):
            for tier in ("summary", "aggregate"):
                if any(column.tier == "aggregate" or (tier == "summary" and column.tier == "summary") for column in spec.columns):
                    export_table(reader, spec, out / f"{spec}.{tier}.jsonl", tier, None)  # type: ignore[arg-type]
    return out


def test_the_values_are_there_in_raw_and_drive_an_insight(planted: tuple[Path, list[Person], Path], values: list[str], reader: Any) -> None:
    assert len(set(values)) == 200
    seen = {value for _, value in hits([planted[0] / "lake" / "sources"], values)}
    assert len(seen) == 200, f"not even raw holds {sorted(set(values) - seen)[:3]}: the run would prove nothing"
    ours = {row["feedback_id"] for row in reader.rows(table("canonical.feedback")) if str(row["record_ref"]).startswith("CANARY-")}
    assert len(ours) >= 50
    evidence = {key for row in reader.rows(table("anomalies.insights")) for key in row["evidence_ids"] or ()}
    assert ours & evidence, "their words must be evidence somewhere, or the desk would be clean for want of them"


def test_nothing_below_the_raw_tier_holds_one(planted: tuple[Path, list[Person], Path], values: list[str], exports: Path) -> None:
    home, _, said = planted
    places = [home / "desk", home / "dagster", home / "operations.db", exports, said]
    assert all(any(files_below([place])) for place in places)
    assert hits(places, values) == set()


def test_no_column_below_the_raw_tier_holds_one_on_disk(planted: tuple[Path, list[Person], Path], values: list[str]) -> None:
    clean = [planted[0] / "lake" / spec.stage / spec.name for spec in all_tables() if not any(column.tier == "raw" for column in spec.columns)]
    assert hits([place for place in clean if place.exists()], values) == set()
    logs = [path for path in (planted[0] / "lake").rglob("_delta_log/*") if path.is_file()]
    assert logs and hits(logs, values) == set(), "statistics of the Delta log hold values"


def test_neither_surnames_nor_mail_boxes_alone_slip_through(planted: tuple[Path, list[Person], Path], exports: Path) -> None:
    home, found, said = planted
    parts = {person.name.rpartition(" ")[2] for person in found} | {person.email.partition("@")[0] for person in found}
    assert hits([home / "desk", home / "dagster", home / "operations.db", exports, said], parts) == set()


def test_commands_that_people_read_hold_none(planted: tuple[Path, list[Person], Path], values: list[str], reader: Any, tmp_path: Path) -> None:
    home = ("--home", str(planted[0]))
    insight = reader.rows(table("anomalies.insights"))[0]["insight_id"]
    ours = next(row["feedback_id"] for row in reader.rows(table("canonical.feedback")) if str(row["record_ref"]).startswith("CANARY-"))
    for n, words in enumerate((("answer",), ("trace", insight), ("trace", ours, "--json"), ("show", "insights", "--json"), ("show", "tickets", "--json"), ("show", "health"), ("show", "roi"))):
        (tmp_path / f"{n}.txt").write_text(insights(*words, *home).stdout, encoding="utf-8")
    assert hits([tmp_path], values) == set()


def shown(block: Any) -> Iterator[str]:
    """Everything a page shows or sends: texts, tables, plots."""
    for child in getattr(block, "children", {}).values():
        proto = getattr(child, "proto", None)
        if proto is not None:
            yield str(proto)
            yield proto.SerializeToString().decode("utf-8", "replace") if hasattr(proto, "SerializeToString") else ""
        value = getattr(child, "value", None)
        if value is not None:
            yield value.to_json() if hasattr(value, "to_json") else str(value)
        yield from shown(child)


def test_no_page_of_the_console_holds_one(planted: tuple[Path, list[Person], Path], values: list[str], reader: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("INSIGHTS_HOME", str(planted[0]))
    pages = [AppTest.from_file(str(CONSOLE / "app.py"), default_timeout=180).run()]
    for view in sorted((CONSOLE / "views").glob("[a-z]*.py")):
        pages.append(AppTest.from_file(str(CONSOLE / "app.py"), default_timeout=180).run().switch_page(f"views/{view.name}").run())
    for row in reader.rows(table("anomalies.insights")):
        app = AppTest.from_file(str(CONSOLE / "app.py"), default_timeout=180)
        app.query_params["insight"] = row["insight_id"]
        pages.append(app.run())
    for n, page in enumerate(pages):
        assert not page.exception
        (tmp_path / f"page-{n}.txt").write_text("\n".join(shown(page._tree)), encoding="utf-8")
    text = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("page-*.txt"))
    assert "[" in text and len(text) > 20_000, "the pages must hold something"
    assert hits([tmp_path], values) == set()


def test_the_scan_finds_what_is_there(tmp_path: Path, values: list[str]) -> None:
    (tmp_path / "a.txt").write_text(f"x {values[0].upper()} y", encoding="utf-8")
    assert hits([tmp_path], values) == {("a.txt", values[0])}
    assert json.dumps(values[0]).strip('"') == values[0]
