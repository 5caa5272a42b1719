"""What a year costs: the fit, the arithmetic, the sources of every figure, and the command."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given as drawn
from hypothesis import strategies as st

from insights_assets.cli import main
from insights_assets.health.cost import Assumptions, CostInput, Measured, estimate, fit, load_assumptions, load_measured
from insights_assets.labels.model.prices import Prices

PRICES = Prices("USD", "2025-06", {"default": {"input": 1.0, "cached_input": 0.5, "output": 2.0}}, {"default": 1.0})


def row(records: int, *, first: float, again: float, next_day: float, peak: float = 1.0, lake: float = 0.1) -> dict[str, Any]:
    return {
        "records": records, "lake_gib": lake, "first": {"cpu_seconds": first, "peak_gib": peak, "by_step": {"labels__feedback_labels": first / 2, "canonical__feedback": first / 4}},
        "again": {"cpu_seconds": again}, "next_day": {"cpu_seconds": next_day},
    }  # fmt: skip


#: Work that grows as the records do, and a rerun that costs the same at any size.
LINEAR = Measured((row(100_000, first=100, again=10, next_day=20), row(1_000_000, first=1000, again=10, next_day=110, peak=10.0, lake=1.0)))


@drawn(st.floats(0.001, 1000), st.floats(0.2, 2.5), st.lists(st.integers(10, 10**8), min_size=2, max_size=6, unique=True))
def test_a_power_of_the_records_is_found_again(factor: float, slope: float, sizes: list[int]) -> None:
    growth = fit([(n, factor * n**slope) for n in sizes])
    assert growth.slope == pytest.approx(slope, abs=1e-6) and growth.at(max(sizes)) == pytest.approx(factor * max(sizes) ** slope, rel=1e-6)


def test_one_size_is_taken_as_linear_and_none_as_nothing() -> None:
    assert fit([(100, 5.0)]).at(1000) == pytest.approx(50.0)
    assert fit([(100, 0.0)]).at(1000) == 0.0


def test_what_every_run_costs_does_not_make_a_large_shop_cheap() -> None:
    growth = fit([(10_000, 40 + 6.0), (40_000, 40 + 24.0)])  # forty seconds whatever the size, and 0.6 ms a record
    assert growth.slope < 0.3 and growth.at(1_000_000) == pytest.approx(640.0)
    assert growth.at(20_000) < 60, "inside what was measured the curve through the points counts"


def test_a_year_is_what_its_parts_say() -> None:
    given = load_assumptions()
    year = int(100_000 * 365 / 120)  # the history that 100,000 records were measured over
    found = estimate(year, LINEAR, given, PRICES)
    a_day = 24 * 10 + (20 - 10)
    assert found.cpu_seconds_a_day == pytest.approx(a_day, rel=1e-3) and found.cpu_hours == pytest.approx(a_day * 365 / 3600, abs=0.1)
    calls = int(year * 0.75 * 0.8 * 0.14)
    assert found.calls == calls and found.tokens["input_tokens"] == calls * 3100
    assert found.model_money == pytest.approx(calls * (600 * 1.0 + 2500 * 0.5 + 150 * 2.0) / 1e6, abs=0.01)
    jobs = next(way for way in found.ways if "jobs" in way.name)
    node_hours = found.cpu_hours / 4 / 0.6
    assert jobs.dbu == pytest.approx(node_hours * 0.75, abs=0.2) and jobs.money["dbu"] == pytest.approx(jobs.dbu * 0.30, abs=0.1)
    assert all(value >= 0 for way in found.ways for value in way.money.values())


def test_the_ledgers_tokens_take_the_place_of_the_assumed_ones() -> None:
    tokens = {"input_tokens": 1000.0, "cached_tokens": 0.0, "output_tokens": 50.0}
    found = estimate(1_000_000, LINEAR, load_assumptions(), PRICES, tokens=tokens)
    assert found.tokens == {"input_tokens": found.calls * 1000, "cached_tokens": 0, "output_tokens": found.calls * 50}


def test_a_small_shop_is_told_the_machine_and_a_large_one_why_not() -> None:
    given = load_assumptions()
    small, large = estimate(300_000, LINEAR, given, PRICES), estimate(100_000_000, LINEAR, given, PRICES)
    assert small.cheapest is not None and "one machine" in small.cheapest.name
    machine = large.ways[0]
    assert "GiB" in machine.why_not and large.cheapest is large.ways[1], "memory that a machine lacks is said, not priced"
    assert small.beyond_measured < 1 < large.beyond_measured
    fitting = {**given.rows, "one_machine.memory_gib": {"value": 10_000, "source": "x", "as_of": "y"}}
    assert not estimate(100_000_000, LINEAR, replace(given, rows=fitting), PRICES).ways[0].why_not


def test_more_records_never_cost_less() -> None:
    given = load_assumptions()
    totals = [[way.total for way in estimate(count, LINEAR, given, PRICES).ways] for count in (10_000, 1_000_000, 100_000_000)]
    assert all(before <= after for one, other in itertools.pairwise(totals) for before, after in zip(one, other, strict=True))


def test_every_assumption_has_its_source_and_date_and_faults_name_the_field(tmp_path: Path) -> None:
    given = load_assumptions()
    assert len(given.rows) > 15 and all(row["source"] and row["as_of"] for row in given.rows.values())
    document = yaml.safe_load((Path(__file__).parents[2] / "insights_assets" / "health" / "cost.yaml").read_text(encoding="utf-8"))
    for spoil, said in (
        (lambda one: one["databricks"].pop("price_a_dbu"), "databricks.price_a_dbu needs"), (lambda one: one["storage"]["copies"].update(value="many"), "storage.copies must be a number"),
        (lambda one: one["work"]["busy_share"].update(value=0), "work.busy_share must be above 0"), (lambda one: one["model"]["sent_share"].pop("as_of"), "model.sent_share needs"),
    ):  # fmt: skip
        spoiled = yaml.safe_load(yaml.safe_dump(document))
        spoil(spoiled)
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(spoiled), encoding="utf-8")
        with pytest.raises(CostInput, match=said):
            load_assumptions(tmp_path / "own.yaml")


@pytest.mark.parametrize("text", ["[]", "{}", "no json", '[{"records": 5}]'])
def test_a_file_that_is_no_benchmark_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bench.json").write_text(text, encoding="utf-8")
    with pytest.raises(CostInput, match=r"bench\.json"):
        load_measured(tmp_path / "bench.json")


def test_the_packaged_measurement_is_one_of_make_bench() -> None:
    measured = load_measured()
    assert len(measured.sizes) >= 2 and len(measured.steps()) > 20
    assert {name.partition("__")[0] for name, _ in measured.steps()} >= {"sources", "canonical", "labels", "clusters", "anomalies", "actions"}


def test_the_command_speaks_and_counts_for_programs(tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(LINEAR.rows), encoding="utf-8")
    words = ["cost", "--home", str(tmp_path / "nowhere"), "--benchmark", str(tmp_path / "bench.json"), "--records-per-year", "1000000"]
    spoken = CliRunner().invoke(main, words)
    assert spoken.exit_code == 0, spoken.output
    assert "1,000,000 records a year" in spoken.output and "cheapest that can be run" in spoken.output and "DBU" in spoken.output
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert told["tokens_of"] == "assumed" and told["estimates"][0]["records_a_year"] == 1_000_000 and told["assumptions"]["databricks.price_a_dbu"]["source"]
    assert not (tmp_path / "nowhere").exists(), "looking costs and makes nothing"
    wrong = CliRunner().invoke(main, ["cost", "--assumptions", str(tmp_path / "bench.json")])
    assert wrong.exit_code == 2


def test_assumptions_are_read_as_numbers() -> None:
    assert Assumptions({"a": {"value": "3"}})["a"] == 3.0
