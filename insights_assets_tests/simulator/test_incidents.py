"""The planted incidents: where they are, how large, what they leave in the records, and how to plant others."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from insights_assets.simulator import IncidentsFileError
from insights_assets.simulator.cases import TOPIC
from insights_assets.simulator.catalogue import load_catalogue
from insights_assets.simulator.incidents import KINDS, default_incidents
from insights_assets.simulator.logistics import batch_schedule
from insights_assets.simulator.orders import in_cause
from insights_assets.simulator.plan import SimulationPlan
from insights_assets.simulator.world import build_world
from insights_assets_tests.simulator.conftest import LAST_DAY, Simulated, simulated

SEEDS = (7, 8, 9, 10, 11)


def by_kind(shop: Simulated) -> dict[str, dict[str, Any]]:
    return {entry["kind"]: entry for entry in shop.truth["incidents"]}


def test_nine_are_planted_and_most_are_open_at_the_end(shop: Simulated) -> None:
    entries = shop.truth["incidents"]
    assert [entry["kind"] for entry in entries] == list(KINDS)
    assert sum(entry["is_open_at_end"] for entry in entries) >= 5
    assert sum(not entry["is_open_at_end"] for entry in entries) >= 2
    for entry in entries:
        assert entry["topic"] == KINDS[entry["kind"]].topic
        assert (entry["end_day"] is None) == entry["is_open_at_end"]
        assert entry["onset_day"] >= entry["cause_day"]
        assert (
            date.fromisoformat(entry["onset_day"])
            >= shop.report.first_day.replace(day=26) + (LAST_DAY - shop.report.first_day) / 2
        )
    assert by_kind(shop)["billing_policy"]["cause"] is None
    assert set(by_kind(shop)["damaged_batch"]["cause"]) == {"warehouse", "packaging_batch", "product_line"}
    assert set(by_kind(shop)["carrier_delay"]["cause"]) == {"carrier", "region"}


def test_places_and_days_vary_with_the_seed() -> None:
    catalogue = load_catalogue()
    seen: dict[str, set[str]] = {}
    days: dict[str, set[int]] = {}
    for seed in range(7, 17):
        plan = SimulationPlan(120, 50_000, seed, LAST_DAY)
        for incident in default_incidents(plan, catalogue, batch_schedule(plan)):
            seen.setdefault(incident.kind, set()).add(str(incident.cause))
            days.setdefault(incident.kind, set()).add(incident.start)
    for kind in KINDS:
        assert len(days[kind]) > 1
        if KINDS[kind].attributes:
            assert len(seen[kind]) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_sizes_are_realistic_at_full_size(seed: int) -> None:
    """40 to 160 complaints each; the affected orders complain far more often than usual, never most of them."""
    world = build_world(SimulationPlan(120, 50_000, seed, LAST_DAY))
    seen = world.cases.at < world.shop.clock.end
    for number, incident in enumerate(world.shop.incidents):
        mine = (world.cases.incident == number) & seen
        if incident.kind == "safety_pair":
            assert mine.sum() == 2
            assert len(set(world.cases.customer[mine].tolist())) == 2
            continue
        assert 30 <= mine.sum() <= 170, incident
        cell = in_cause(world.shop, incident.cause, world.lines)
        usual = (world.cases.topic == TOPIC[incident.topic]) & (world.cases.incident < 0) & seen
        usual_rate = usual.sum() / len(world.lines)
        start = world.shop.clock.starts[incident.start]
        end = world.shop.clock.end if incident.end is None else world.shop.clock.starts[incident.end]
        at = world.lines.shipped_at if incident.anchor == "shipped" else world.lines.ordered_at
        reached = cell & (at >= start) & (at < end) & (world.lines.delivered_at < world.shop.clock.end)
        rate = mine.sum() / reached.sum()
        assert rate < 0.3, incident
        assert rate / usual_rate > 2.5, incident


def test_the_large_one_has_money_on_it(shop: Simulated) -> None:
    entry = by_kind(shop)["damaged_batch"]
    assert entry["tier"] == 1 and entry["is_open_at_end"] and entry["cause"]["product_line"] == "glass lamps"
    running = [
        row
        for row in shop.rows("calendar")
        if row["kind"] == "promotion" and row["starts_at"] <= "2026-11-22T12" <= row["ends_at"] and row["budget"]
    ]
    flagships = {p["sku"] for p in shop.rows("products") if p["is_flagship"] and p["product_line"] == "glass lamps"}
    assert any(set(row["skus"]) & flagships & set(entry["skus"]) for row in running)


def test_records_of_an_incident_lie_in_its_cause(shop: Simulated) -> None:
    shipment = {(row["order_id"], row["sku"]): row for row in shop.rows("fulfilments")}
    line = {p["sku"]: p["product_line"] for p in shop.rows("products")}
    region = {row["order_id"]: row["region"] for row in shop.rows("orders")}
    checked = Counter()
    for source in ("reviews", "returns"):
        for ref, row in shop.records(source).items():
            incident = shop.truth["labels"][source][ref]["incident"]
            key = (row["order_id"], row["sku"])
            if incident is None or key not in shipment:
                continue
            entry = next((e for e in shop.truth["incidents"] if e["incident_id"] == incident), None)
            if entry is None or entry["cause"] is None:
                continue
            facts = {**shipment[key], "product_line": line[row["sku"]], "region": region[row["order_id"]]}
            assert {name: facts[name] for name in entry["cause"]} == entry["cause"]
            checked[entry["kind"]] += 1
    assert len(checked) >= 4 and sum(checked.values()) >= 20


def test_incidents_reach_several_sources_and_counts_agree(shop: Simulated) -> None:
    for entry in shop.truth["incidents"]:
        told = Counter()
        for source, labels in shop.truth["labels"].items():
            if source != "clickstream":
                told[source] += sum(label["incident"] == entry["incident_id"] for label in labels.values())
        assert {k: v for k, v in told.items() if v} == entry["records_by_source"]
        assert sum(told.values()) == entry["excess_records"] >= entry["excess_complaints"]
        if entry["excess_complaints"] > 10:
            assert len(entry["records_by_source"]) >= 3


def test_the_slow_carrier_delivers_late(shop: Simulated) -> None:
    entry = by_kind(shop)["carrier_delay"]
    region = {row["order_id"]: row["region"] for row in shop.rows("orders")}
    late = Counter()
    for row in shop.rows("fulfilments"):
        if row["delivered_at"] and entry["cause_day"] <= row["shipped_at"][:10] < entry["end_day"]:
            cell = row["carrier"] == entry["cause"]["carrier"] and region[row["order_id"]] == entry["cause"]["region"]
            late[(cell, row["delivered_at"] > row["promised_at"])] += 1
    share = {cell: late[(cell, True)] / (late[(cell, True)] + late[(cell, False)]) for cell in (True, False)}
    assert share[True] > 0.5 and share[False] < 0.2


def test_the_release_brings_errors_at_checkout(shop: Simulated) -> None:
    entry = by_kind(shop)["checkout_release"]
    assert any(row["kind"] == "launch" and row["starts_at"][:10] == entry["cause_day"] for row in shop.rows("calendar"))
    errors = Counter()
    for row in shop.rows("clickstream"):
        if row["event"] == "error" and row["page"] == "checkout":
            day = datetime.fromtimestamp(row["occurred_at"] / 1_000).date()
            errors["after" if str(day) >= entry["cause_day"] else "before"] += 1
    days_after = (LAST_DAY - date.fromisoformat(entry["cause_day"])).days + 1
    assert errors["after"] / days_after > 5 * (errors["before"] + 1) / (120 - days_after)
    assert entry["excess_sessions"] > 0


def test_the_policy_is_in_the_calendar(shop: Simulated) -> None:
    entry = by_kind(shop)["billing_policy"]
    assert any(row["kind"] == "policy" and row["starts_at"][:10] == entry["cause_day"] for row in shop.rows("calendar"))


def test_things_that_fail_after_days_do_so_days_after_delivery(shop: Simulated) -> None:
    entry = by_kind(shop)["late_failure"]
    families = set()
    for labels in shop.truth["labels"].values():
        for label in labels.values():
            if label["incident"] == entry["incident_id"] and label["topics"][0] == "product_quality":
                families |= {f for f in label["families"] if f.startswith("product_quality")}
    from insights_assets.simulator.wording.grammar import load_grammar

    after = {
        f.family_id
        for lang in ("en", "de", "fr", "es", "pt")
        for f in load_grammar(lang).frames["product_quality"]
        if f.flavours
    }
    assert families and families <= after


def test_safety_is_reported_once_alone_and_twice_together(shop: Simulated) -> None:
    alone, pair = shop.truth["safety_alone"], by_kind(shop)["safety_pair"]
    assert alone["sku"] != pair["cause"]["sku"] and alone["day"] < pair["onset_day"] and pair["tier"] == 1
    found = Counter()
    for labels in shop.truth["labels"].values():
        found.update(label["incident"] for label in labels.values() if "safety" in label["topics"])
    assert found == {"safety_alone": 1, pair["incident_id"]: 2}, "no safety report but the planted ones"


def test_a_file_plants_other_incidents(tmp_path: Path) -> None:
    path = tmp_path / "incidents.yaml"
    path.write_text(
        "- {kind: sizing_supplier, onset: 70, end: 95, excess: 30, cause: {product_line: knitwear}}\n", encoding="utf-8"
    )
    made = simulated(tmp_path / "out", records=3_000, incidents=path)
    (entry,) = made.truth["incidents"]
    assert entry["cause"] == {"product_line": "knitwear"} and entry["topic"] == "sizing_issue"
    assert entry["cause_day"] == str(SimulationPlan(120, 3_000, 7, LAST_DAY).day(70)) and not entry["is_open_at_end"]
    assert 18 <= entry["excess_complaints"] <= 44


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", ["file", "YAML"]),
        ("{}", ["file", "list"]),
        ("- 3", ["item 1", "map"]),
        ("- {kind: flood, onset: 80}", ["item 1", "'kind'", "damaged_batch"]),
        ("- {kind: carrier_delay, onset: 80, colour: red}", ["'colour'", "not known"]),
        ("- {kind: carrier_delay, onset: 80}\n- {kind: carrier_delay, onset: 500}", ["item 2", "'onset'", "119"]),
        ("- {kind: carrier_delay, onset: soon}", ["'onset'", "'soon'"]),
        ("- {kind: carrier_delay, onset: 80, end: 70}", ["'end'"]),
        ("- {kind: carrier_delay, onset: 80, excess: -1}", ["'excess'"]),
        ("- {kind: carrier_delay, onset: 80, topic: praise}", ["'topic'"]),
        ("- {kind: carrier_delay, onset: 80, cause: [de]}", ["'cause'"]),
        ("- {kind: carrier_delay, onset: 80, cause: {planet: mars}}", ["'cause.planet'"]),
        ("- {kind: carrier_delay, onset: 80, cause: {region: mars}}", ["'cause.region'", "us-east", "'mars'"]),
        ("- {kind: late_failure, onset: 80, cause: {sku: APP-301, product_line: knitwear}}", ["'cause.product_line'"]),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IncidentsFileError) as caught:
        simulated(tmp_path / "out", records=1_500, incidents=path)
    for word in ["mine.yaml", *words]:
        assert word in str(caught.value)
