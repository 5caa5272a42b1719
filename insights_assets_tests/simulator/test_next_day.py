"""One more day behind the history, with a fresh incident, and another one behind it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from insights_assets.simulator import STATE_FILE, SimulationReport, SimulatorError, simulate_next_day
from insights_assets_tests.simulator.conftest import IDS, Simulated, read_rows, simulated
from insights_assets_tests.simulator.test_history import digest


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulated, set[Path], list[SimulationReport]]:
    made = simulated(tmp_path_factory.mktemp("grown"), records=8_000)
    before = set(made.landing.rglob("*.*"))
    return made, before, [simulate_next_day(made.landing), simulate_next_day(made.landing)]


def truth_of(report: SimulationReport) -> dict[str, object]:
    return json.loads(report.truth_file.read_text(encoding="utf-8"))


def test_the_day_comes_as_dated_files(grown: tuple[Simulated, set[Path], list[SimulationReport]]) -> None:
    made, before, reports = grown
    new = set(made.landing.rglob("*.*")) - before
    assert [str(report.last_day) for report in reports] == ["2026-11-23", "2026-11-24"]
    first = {path.parent.name for path in new if "2026-11-23" in path.name}
    assert first >= {*IDS, "clickstream", "orders", "fulfilments", "fx"}
    assert all("2026-11-23" in path.name or "2026-11-24" in path.name for path in new)


def test_a_fresh_incident_is_large_enough_to_be_seen(
    grown: tuple[Simulated, set[Path], list[SimulationReport]],
) -> None:
    made, _, reports = grown
    causes = []
    for report in reports:
        (entry,) = report.incidents
        assert entry["excess_customers"] >= 25 and entry["is_open_at_end"]
        assert entry["onset_day"] == str(report.last_day)
        causes.append(entry["cause"]["packaging_batch"])
        batch_of = {row["order_id"]: set() for row in made.rows("fulfilments")}
        for row in made.rows("fulfilments"):
            batch_of[row["order_id"]].add(row["packaging_batch"])
        labels = truth_of(report)["labels"]
        named = 0
        for source in ("reviews", "support_tickets", "returns"):
            records = {row[IDS[source]]: row for row in made.rows(source)}
            for ref, label in labels[source].items():  # type: ignore[index]
                order = records[ref]["order_id"]
                if label["incident"] == entry["incident_id"] and order in batch_of:
                    assert entry["cause"]["packaging_batch"] in batch_of[order]
                    named += 1
        assert named >= 15
    planted = {i["cause"].get("packaging_batch") for i in made.truth["incidents"] if i["cause"]} - {None}
    assert len(set(causes)) == 2 and not set(causes) & planted


def test_earlier_incidents_go_on(grown: tuple[Simulated, set[Path], list[SimulationReport]]) -> None:
    _, _, reports = grown
    told = Counter()
    for labels in truth_of(reports[1])["labels"].values():  # type: ignore[attr-defined]
        told.update(label["incident"] for label in labels.values())
    assert told["N1-fresh_batch"] >= 5 and told["I5-checkout_release"] >= 1
    assert told["safety_alone"] == 0 and told["decoy-flood"] == 0


def test_records_of_the_day_are_new_and_of_that_day(grown: tuple[Simulated, set[Path], list[SimulationReport]]) -> None:
    made, _, reports = grown
    for source in IDS:
        old = set(made.truth["labels"][source])
        days = [set(truth_of(report)["labels"][source]) for report in reports]  # type: ignore[index]
        assert days[0] and days[1] and not (old & days[0]) and not (days[0] & days[1])
    for report in reports:
        usual = made.report.records / 120
        assert 0.9 * usual < report.records < 1.6 * usual
        rows = list(read_rows(made.landing / "orders" / f"orders-{report.last_day}.csv.gz"))
        assert len(rows) == report.order_lines and {row["ordered_at"][:10] for row in rows} == {str(report.last_day)}


def test_shipments_of_the_history_move_on(grown: tuple[Simulated, set[Path], list[SimulationReport]]) -> None:
    made, before, _ = grown
    old = {row["fulfilment_id"]: row for path in before if path.parent.name == "fulfilments" for row in read_rows(path)}
    new = list(read_rows(made.landing / "fulfilments" / "fulfilments-2026-11-23.parquet"))
    moved = [row for row in new if row["fulfilment_id"] in old]
    assert len(moved) > 20
    for row in moved:
        before_row = old[row["fulfilment_id"]]
        assert before_row["status"] != row["status"] and before_row["order_id"] == row["order_id"]
        assert before_row["promised_at"] == row["promised_at"]
        if before_row["packaging_batch"]:
            assert before_row["packaging_batch"] == row["packaging_batch"]


def test_the_state_may_lie_elsewhere_and_the_same_day_gives_the_same_bytes(tmp_path: Path) -> None:
    made = simulated(tmp_path / "a", records=1_500)
    shutil.copytree(made.landing, tmp_path / "home" / "landing")
    (tmp_path / "kept").mkdir()
    shutil.copy(made.out / STATE_FILE, tmp_path / "kept" / "state.json")
    simulate_next_day(made.landing)
    report = simulate_next_day(tmp_path / "home" / "landing", state=tmp_path / "kept" / "state.json")
    assert digest(made.landing) == digest(tmp_path / "home" / "landing")
    assert report.truth_file.parent == tmp_path / "kept"


def test_incidents_of_a_file_go_on_too(tmp_path: Path) -> None:
    path = tmp_path / "incidents.yaml"
    path.write_text("- {kind: billing_policy, onset: 100, excess: 60}\n", encoding="utf-8")
    made = simulated(tmp_path / "out", records=1_500, incidents=path)
    path.unlink()
    report = simulate_next_day(made.landing)
    assert report.incidents[0]["incident_id"] == "N1-fresh_batch"


OTHER_VERSION = {"days": 120, "records": 1500, "seed": 7, "last_day": "2026-11-22", "days_added": 0, "incidents": None}


@pytest.mark.parametrize("text", [None, "{", '{"version": 1}', json.dumps({"version": 99, **OTHER_VERSION})])
def test_without_a_usable_state_there_is_no_next_day(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "landing").mkdir()
    if text is not None:
        (tmp_path / STATE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(SimulatorError, match=STATE_FILE):
        simulate_next_day(tmp_path / "landing")
