"""*Insight*: series, money, rates, moments and trace as rows; links that lead to this machine only."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from insights_assets.actions.model import Issue
from insights_assets.console import details, links
from insights_assets.console.people import Place
from insights_assets.console.reading import InsightRows
from insights_assets.console.timeline import timeline
from insights_assets.resources.operations.models import Snooze, Verdict
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets_tests.console.homes import AS_OF, DAMAGE, NOW, ONSET, RUN_ID, action, insights, root_causes, series

ROW = next(row for row in insights() if row["insight_id"] == DAMAGE)
ISSUE = Issue.from_row(ROW)
COUNTS, JUDGED = series()
FOUND = InsightRows(records=[], series=[r for r in JUDGED if r["topic"] == "damaged_on_arrival"], counts=COUNTS, deliveries=[], rules=[])


def test_series_that_may_have_rung_are_the_attributes_of_the_place_and_the_whole_shop() -> None:
    place = Place("damaged_on_arrival", {"packaging_batch": "LEJ-PB07", "carrier": "Swift"})
    assert details.places_of(ISSUE, place) == (
        ("product_line", "glass lamps"), ("warehouse", "WH-LEJ"), ("carrier", "Swift"), ("all", "all"),
    )  # fmt: skip


def test_a_series_has_its_days_since_before_the_onset_with_people_usual_z_and_state() -> None:
    found = details.judged_series(ISSUE, FOUND)
    assert {series.name for series in found} == {"damaged on arrival, warehouse WH-LEJ", "damaged on arrival, whole shop"}
    days = {day.day: day for day in next(s for s in found if s.name.endswith("WH-LEJ")).days}
    assert min(days) == ONSET - timedelta(days=28)
    assert (days[AS_OF].observed, days[AS_OF].usual, days[AS_OF].z, days[AS_OF].state) == (7, 1.0, 5.5, "active")
    assert days[ONSET - timedelta(days=1)].state == "none"


def test_the_series_that_stood_out_most_comes_first() -> None:
    loud = [{**row, "z_peak": 9.0} if row["attribute"] == "all" and row["as_of_day"] == AS_OF else row for row in FOUND.series]
    assert details.judged_series(ISSUE, InsightRows([], loud, COUNTS, [], []))[0].name.endswith("whole shop")


def test_an_insight_of_single_reports_has_no_series() -> None:
    assert details.judged_series(ISSUE, InsightRows([], [], [], [], [])) == ()


def test_money_parts_carry_value_meaning_and_unit_and_leave_out_what_is_not_known() -> None:
    parts = {part["stored as"].replace("_", " "): part for part in details.money_parts(ROW)}
    assert parts["risk per day"]["value"] == 1940.0
    assert parts["excess per day"]["unit"] == "people a day"
    assert parts["risk per day"]["unit"] == "USD a day"
    assert all(part["what it is"] for part in parts.values())
    assert details.money_parts({"risk_per_day": None}) == []


def test_every_compared_rate_is_listed_with_what_differs() -> None:
    table = details.compared_rates([row for row in root_causes() if row["insight_id"] == DAMAGE])
    assert [row["what"] for row in table] == [
        "here: cause", "the same but for the packaging batch", "here, cut by carrier", "here, cut by carrier",
    ]  # fmt: skip
    assert [row["share of orders"] for row in table] == [4.1, 0.6, 4.08, 4.12]


def test_the_score_names_the_detector_and_the_figures_it_stood_on() -> None:
    said = details.score_words(ISSUE, ROW)
    assert said == (
        "Raised by the scan of rates, which looks for more complaints than the parcels of those days explain. 41 people wrote from Tue 17 Nov to Mon 23 Nov; "
        "7.0 would be usual, so 5.9 times as many. By chance that happens once in 4,000 quiet weeks (p = 3.6e-05). Confidence 0.90 of 1."
    )


def test_a_traced_record_names_label_rule_file_and_line() -> None:
    record = {
        "feedback_id": "f1", "source": "reviews", "record_ref": "R-1", "order_id": "O-1", "shipment": {"fulfilment_id": "F-1"},
        "label": {"topics": [{"topic": "safety"}], "label_source": "rule", "rules_version": "r1", "model_version": "m1"},
        "raw": {"table": "sources.reviews_raw", "payload_sha256": "ab" * 32, "file": "reviews/a.jsonl", "line": 7},
    }  # fmt: skip
    row = details.traced_records({"records": [record]}, [{"feedback_id": "f1", "rule_id": "danger"}, {"feedback_id": "f2", "rule_id": "x"}])[0]
    assert (row["labels"], row["labelled by"], row["rules that fired"]) == ("safety", "rule r1", "danger")
    assert (row["raw file and line"], row["shipment"]) == ("reviews/a.jsonl:7", "F-1")
    session = {**record, "raw": {"table": "sources.clickstream_raw", "payload_sha256": "cd" * 32}, "shipment": None, "label": None}
    assert details.traced_records({"records": [session]})[0]["raw file and line"] == "not one line"


def test_records_without_a_theme_are_counted_not_named() -> None:
    themes = [{"theme_id": None, "name": None, "records": 4}, {"theme_id": "TH-1", "name": "torn box", "records": 2}]
    assert details.theme_words({"themes": themes}) == "Themes: torn box (2 records); 4 records in none"
    assert details.theme_words({}) == "Themes: none of its records is in a theme"


def test_moments_keep_the_shops_clock_apart_from_this_machines() -> None:
    said = [
        Verdict(insight_id=DAMAGE, verdict="confirmed", reason="seen", duplicate_of=None, given_by="ada", given_at=NOW, given_through="console"),
        Snooze(insight_id=DAMAGE, until_day=AS_OF, reason=None, snoozed_by="bob", snoozed_at=NOW - timedelta(hours=1)),
        Hold(hold_id="H-31", state="released", placed_at=NOW - timedelta(hours=3), released_at=NOW - timedelta(hours=2), released_by="eve"),
    ]
    waits = action("macro", "awaiting_approval", created_at=NOW - timedelta(hours=6))
    acts = [waits, action("defect_ticket", "delivered", created_at=NOW - timedelta(hours=5))]
    moments = timeline(ISSUE, ROW, actions=acts, deliveries=[], judged=said, zone=ZoneInfo("Europe/Berlin"))
    assert [m.what for m in moments if m.clock == "shop"] == [
        "first record of the window was written", "onset: first day of the excess",
        "detected: first day on which it could be seen, at its end", "last day that was not quiet",
    ]  # fmt: skip
    assert [m.what for m in moments if m.clock == "house"] == [
        "macro decided, now awaiting approval", "defect ticket decided", "promotion hold H-31 placed", "promotion hold H-31 released by eve",
        f"put off until {AS_OF:%a} {AS_OF.day} Nov by bob", "confirmed by ada (console): seen",
    ]  # fmt: skip


def test_links_lead_to_this_machine_and_only_ids_become_part_of_them() -> None:
    assert links.run_link(RUN_ID) == f"http://127.0.0.1:3000/runs/{RUN_ID}"
    assert links.run_link("run-1") is None
    assert links.run_link(f"{RUN_ID}/../x") is None
    assert links.asset_link("sources.reviews_raw") == "http://127.0.0.1:3000/assets/sources/reviews_raw"
    assert links.insight_link("INS-7f3a") == "/insight?insight=INS-7f3a"
    assert links.insight_link("INS-1&x=javascript:") is None


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["--dagster-url", "http://127.0.0.1:3100"], "http://127.0.0.1:3100"),
        (["--dagster-url", "https://evil.example"], links.DAGSTER),
        (["--dagster-url"], links.DAGSTER),
        (["--other"], links.DAGSTER),
    ],
)
def test_dagsters_address_can_be_named_but_never_leads_away(arguments: list[str], address: str) -> None:
    assert links.dagster_address(arguments) == address


def test_the_path_is_in_flow_order_and_holds_only_what_is_published() -> None:
    pinned = ["anomalies.insights", "sources.reviews", "canonical.feedback", "sources.reviews_raw", "sources.chats_raw"]
    ways = links.path_of(["reviews", "social", "reviews"], pinned)
    assert ways == [["sources.reviews_raw", "sources.reviews"], ["canonical.feedback", "anomalies.insights"]]
