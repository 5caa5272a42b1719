"""The stage on a lake: insights in, a desk full of finished action out; a second run writes nothing."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from insights_assets.actions import commands
from insights_assets.actions.answer import render_answer
from insights_assets.actions.inbox import take_here
from insights_assets.actions.tables import (
    ACTION_TICKETS,
    APPROVALS,
    ARTICLES,
    DELIVERIES,
    EXECUTIVE_BRIEF,
    LOOP_TIME,
    MACROS,
    NOTICES,
    PLANNED_ACTIONS,
    PROMO_HOLDS,
    QUEUES,
    TABLES,
    VERDICTS,
)
from insights_assets.anomalies.tables import INSIGHTS, ROOT_CAUSES
from insights_assets.canonical.tables import FEEDBACK, ORDERS, PRODUCTS
from insights_assets.clusters.tables import THEME_MEMBERS, THEMES
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY
from insights_assets.lake.spec import Column, TableSpec
from insights_assets.shop import load_shop
from insights_assets_tests.actions.conftest import AS_OF, CAUSES, LAMPS, WORDS
from insights_assets_tests.house import TestHouse

STEADY = ("sizing_issue", "billing_confusion", "shipping_delay", "product_quality", "wrong_item")
DEFAULTS: dict[str, Any] = {
    "string": "", "bigint": 0, "int": 0, "double": 0.0, "boolean": False, "date": AS_OF,
    "timestamp": datetime(2026, 11, 20, tzinfo=UTC), "binary": b"",
}  # fmt: skip


def fill(column: Column) -> Any:
    """A value for a column a test does not care about."""
    return None if column.nullable else DEFAULTS.get(column.type, [])


def put(house: TestHouse, spec: TableSpec, rows: list[dict[str, Any]]) -> None:
    assert all(set(row) <= set(spec.column_names) for row in rows), (
        f"{spec}: {set().union(*rows) - set(spec.column_names)}"
    )
    frame = pd.DataFrame(
        [{c.name: row.get(c.name, fill(c)) for c in spec.columns} for row in rows],
        columns=spec.column_names,
        dtype=object,
    )
    days = {row[spec.partition_by] for row in frame.to_dict("records")} if spec.write == "replace_days" else None
    house.lake.write(spec, frame, days=days)


def feedback(key: str, source: str, day: date, text: str, **more: Any) -> dict[str, Any]:
    moment = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return {
        "feedback_id": key, "source": source, "record_ref": key.upper(), "kind": "text", "channel": "storefront", "customer_key": f"c-{key}",
        "occurred_at": moment, "received_at": moment + timedelta(hours=1), "known_at": moment, "occurred_day": day, "known_day": day,
        "language": "en", "text": text, "order_ref_status": "valid", "duplicate_weight": 1.0, "raw_table": "x", "payload_sha256": "x",
        "received_day": day, "rating": 1.0, **more,
    }  # fmt: skip


def label(key: str, topic: str, text: str, day: date, **more: Any) -> dict[str, Any]:
    entry = {"topic": topic, "confidence": 0.96, "quote": text, "start": 0, "end": len(text), "sentiment": "negative"}
    made = {"feedback_id": key, "topics": [entry], "primary_topic": topic, "sentiment": "negative", "urgency": "normal",
            "risk_tags": [], "labelled_at": datetime(2026, 11, 23, 11, tzinfo=UTC), "received_day": day, **more}  # fmt: skip
    return {name: value for name, value in made.items() if name in FEEDBACK_LABELS.column_names}


def fill_lake(house: TestHouse) -> None:
    """The lamp issue with 41 complaints, four weeks of steady topics, a repeated question, one record for quality review."""
    records, labels = [], []
    for n in range(41):
        day = date(2026, 11, 17) + timedelta(days=n % 6)
        place = {"sku": "GL-100", "product_line": "glass lamps", "warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07"}
        records.append(feedback(f"lamp{n:02d}", "reviews", day, WORDS[n % 10], **place))
        labels.append(label(f"lamp{n:02d}", "damaged_on_arrival", WORDS[n % 10], day))
    for back in range(28):
        day = AS_OF - timedelta(days=back)
        for number, topic in enumerate(STEADY):
            for n in range(number + 1):
                key = f"{topic[:4]}{back:02d}{n}"
                records.append(
                    feedback(
                        key, "reviews", day, f"Something about {topic} again", sku="GL-200", product_line="glass lamps"
                    )
                )
                labels.append(label(key, topic, f"Something about {topic} again", day))
    for n in range(25):
        key = f"ask{n:02d}"
        records.append(feedback(key, "support_tickets", AS_OF, f"How do I change the bulb, please, number {n}?"))
        labels.append(label(key, "usability_confusion", "How do I change the bulb", AS_OF))
    records.append(feedback("early", "chats", AS_OF, "=worked on arrival but fails after three days", sku="GL-200"))
    labels.append(label("early", "product_quality", "fails after three days", AS_OF, risk_tags=["quality_review"]))
    put(house, FEEDBACK, records)
    put(house, FEEDBACK_LABELS, labels)
    issue = {
        name: getattr(LAMPS, name)
        for name in vars(LAMPS)
        if name in INSIGHTS.column_names and name not in ("verdict", "verdict_reason", "verdict_by")
    }
    ids = [row["feedback_id"] for row in records if row["feedback_id"].startswith("lamp")]
    put(
        house,
        INSIGHTS,
        [{**issue, "observed_count": 41, "evidence_ids": ids[:8], "record_ids": ids, "cause_alternatives": "[]"}],
    )
    put(
        house,
        ROOT_CAUSES,
        [{**vars(row), "observed": int(row.observed or 0), "attributes": dict(row.attributes)} for row in CAUSES],
    )
    put(
        house,
        PRODUCTS,
        [{"sku": "GL-100", "name": "Aurora glass lamp"}, {"sku": "GL-200", "name": "Nimbus glass lamp"}],
    )
    put(house, ORDERS, [
        {"order_id": f"O{n}", "sku": sku, "amount": amount, "ordered_day": date(2026, 11, 10), "received_day": date(2026, 11, 10),
         "known_day": date(2026, 11, 10), "payload_sha256": "x"}
        for n, (sku, amount) in enumerate([("GL-100", 95.0), ("GL-200", 60.0), *((f"OTHER-{k}", 94.0) for k in range(9))])
    ])  # fmt: skip
    put(house, LABEL_QUALITY, [{"topic": "damaged_on_arrival", "reviewed_count": 12, "gate": "too_few", "reason": "12 of 30 reviewed"}])
    put(house, THEMES, [{"theme_id": "TH-1", "name": "change the bulb", "topic": "usability_confusion"}])
    put(house, THEME_MEMBERS, [
        {"feedback_id": f"ask{n:02d}", "theme_id": "TH-1", "topic": "usability_confusion", "counts": True, "known_day": AS_OF, "received_day": AS_OF}
        for n in range(25)
    ])  # fmt: skip


def desk_files(house: TestHouse) -> dict[str, bytes]:
    desk = house.settings.home / "desk"
    return {p.relative_to(desk).as_posix(): p.read_bytes() for p in sorted(desk.rglob("*")) if p.is_file()}


@pytest.fixture
def house(tmp_path: Path, spark: Any) -> TestHouse:
    made = TestHouse(tmp_path / "home", spark, as_of=AS_OF)
    fill_lake(made)
    return made


def test_insights_in_finished_action_out_and_a_second_run_writes_nothing(house: TestHouse) -> None:
    steps = house.run("actions")
    outcomes = {outcome.name: outcome.passed for step in steps.values() for outcome in step.outcomes}
    assert outcomes == dict.fromkeys(
        (
            "actions_have_owner_and_destination",
            "one_action_per_issue_and_kind",
            "tickets_keep_their_form",
            "holds_stay_under_cap",
            "no_insight_is_left_without_owner",
            "nothing_waits_too_long",
        ),
        True,
    )
    tickets = {(row["insight_id"], row["kind"]): row for row in house.rows(ACTION_TICKETS)}
    lamp = {kind: row for (insight, kind), row in tickets.items() if insight == "INS-7f3a"}
    assert {kind: row["state"] for kind, row in lamp.items()} == dict.fromkeys(
        ("defect_ticket", "notification", "promo_hold"), "delivered"
    )
    repeated = [row for (insight, _), row in tickets.items() if insight.startswith("REP-")]
    assert {row["kind"]: row["state"] for row in repeated} == {
        "macro": "awaiting_approval",
        "article": "awaiting_approval",
    }
    files = desk_files(house)
    assert lamp["defect_ticket"]["body"].encode() == files["tickets/INS-7f3a.md"]
    assert b"41 customers in 6 days report breakage; 7 would be usual" in files["tickets/INS-7f3a.md"]
    assert files["tickets/INS-7f3a.md"].count("\n- “".encode()) == 3
    assert [row["sku"] for row in csv.DictReader(io.StringIO(files["holds.csv"].decode()))] == ["GL-100"]
    (queued,) = csv.DictReader(io.StringIO(files["queues/quality_review.csv"].decode()))
    assert (queued["item_id"], queued["owner"]) == ("early", "quality") and queued["summary"].startswith("'=worked")
    brief = house.rows(EXECUTIVE_BRIEF)
    assert [row["rank"] for row in brief] == [1, 2, 3, 4, 5] and brief[0]["insight_id"] == "INS-7f3a"
    assert files["brief/2026-W48.html"].count(b"<article") == 5
    stages = [row["stage"] for row in house.rows(LOOP_TIME) if row["action_id"] == lamp["defect_ticket"]["action_id"]]
    assert set(stages) == {"event", "arrival", "label", "detect", "decide", "route"}
    assert len(house.rows(DELIVERIES)) == len(
        [name for name in files if name.split("/")[0] in ("tickets", "alerts", "holds", "macros", "articles")]
    )

    versions = {str(spec): house.lake.version(spec) for spec in TABLES}
    stamps = {p: p.stat().st_mtime_ns for p in (house.settings.home / "desk").rglob("*")}
    again = house.run("actions", run_id="run-2")
    assert {str(spec): house.lake.version(spec) for spec in TABLES} == versions
    assert not any(result.changed for step in again.values() for result in step.results.values())
    assert {p: p.stat().st_mtime_ns for p in (house.settings.home / "desk").rglob("*")} == stamps
    assert len(house.rows(PLANNED_ACTIONS)) == len(tickets)


def test_judgements_between_runs_reach_tables_and_desk(house: TestHouse) -> None:
    house.run("actions")
    (hold,) = house.rows(PROMO_HOLDS)
    macro = next(row for row in house.rows(MACROS))
    for act, subject, by, reason in (("approve", macro["action_id"], "sue", ""), ("dismiss", "INS-7f3a", "ana", "a test batch")):
        assert take_here(house.operations, load_shop(), act, subject, by=by, through="command", reason=reason).is_taken
    house.run("actions", run_id="run-2")
    assert house.rows(PROMO_HOLDS)[0]["state"] == "released" and hold["state"] == "active"
    assert [(row["insight_id"], row["verdict"], row["is_latest"]) for row in house.rows(VERDICTS)] == [
        ("INS-7f3a", "dismissed", True)
    ]
    assert {row["action_id"]: row["state"] for row in house.rows(APPROVALS)}[macro["action_id"]] == "approved"
    approved = next(row for row in house.rows(ACTION_TICKETS) if row["action_id"] == macro["action_id"])
    assert approved["state"] == "approved" and approved["approved_at"] is not None
    assert next(row for row in house.rows(MACROS))["text"] == macro["text"]
    files = desk_files(house)
    assert files["holds.csv"].count(b"\n") == 1, "emptied on release"
    assert b"dismissed by ana (a test batch)" in files["tickets/INS-7f3a.md"]
    assert b"approved by sue" in files[next(name for name in files if name.startswith("macros/"))]
    assert all(row["state"] != "waiting" for row in house.rows(QUEUES) if row["item_id"] == macro["action_id"])
    assert len(house.rows(ARTICLES)) == 1


def test_a_provisional_issue_says_how_far_the_review_is(house: TestHouse) -> None:
    row = house.rows(INSIGHTS)[0]
    put(house, INSIGHTS, [{**row, "provisional": True, **{n: dict(row[n]) for n in ("scope", "cause")}}])
    house.run("actions")
    told = desk_files(house)["tickets/INS-7f3a.md"].decode()
    assert "*Provisional* people have checked 12 of 30 records of this topic; until enough are checked, only a person places a hold." in told
    assert [hold["state"] for hold in house.rows(PROMO_HOLDS)] == ["proposed"]


def test_the_answer_from_published_tables(house: TestHouse) -> None:
    house.run("actions")
    published = commands.Published(
        insights=house.rows(INSIGHTS), tickets=house.rows(ACTION_TICKETS), products=house.rows(PRODUCTS),
        feedback=house.lake.read(FEEDBACK), labels=house.lake.read(FEEDBACK_LABELS), orders=house.lake.read(ORDERS),
    )  # fmt: skip
    found = commands.answer(published, house.operations, house.shop, AS_OF)
    assert found.causes[0].insight_id == "INS-7f3a" and found.causes[0].tickets[0] == "tickets/INS-7f3a.md"
    assert len(found.causes) == 1, "the best sellers here bring only broken lamps"
    text = render_answer(found)
    assert text.splitlines()[0] == "What is driving negative reviews on top-selling SKUs this month?"
    assert json.loads(json.dumps(found.as_dict()))["negative_records"] == found.negative_records


def test_a_remembered_body_runs_again_when_anybody_decided_anything(house: TestHouse) -> None:
    from insights_assets.actions.assets import delivery_state, judgement_state

    house.run("actions")
    step = house.step("actions__planned_actions")
    seen = [judgement_state(step)]
    assert judgement_state(step) == seen[0]
    (hold,) = house.operations.holds.active()
    for act in (
        lambda: house.operations.verdicts.give("INS-7f3a", "confirmed", by="ana"),
        lambda: house.operations.verdicts.snooze("INS-7f3a", date(2026, 12, 1), by="ana"),
        lambda: house.operations.approvals.decide(house.operations.approvals.waiting()[0].action_id, True, by="sue"),
        lambda: take_here(house.operations, load_shop(), "release", hold.hold_id, by="mia", through="command", home=house.settings.home),
    ):
        act()
        seen.append(judgement_state(step))
    assert len(set(seen)) == 5
    before = delivery_state(step)
    house.operations.outbox.want(
        [
            {
                "idempotency_key": "k",
                "action_id": "a",
                "insight_id": "i",
                "kind": "macro",
                "destination": "desk",
                "payload": {},
            }
        ]
    )
    assert delivery_state(step) != before


def test_a_shop_without_orders_proposes_its_holds(house: TestHouse) -> None:
    put(
        house,
        ORDERS,
        [{"order_id": "O0", "sku": "GL-100", "amount": None, "ordered_day": date(2026, 11, 10), "payload_sha256": "x"}],
    )
    house.lake.write(ORDERS, house.lake.read_pandas(ORDERS).head(0), days=[date(2026, 11, 10), AS_OF])
    house.run("actions")
    (hold,) = house.rows(PROMO_HOLDS)
    assert (hold["state"], hold["state_reason"]) == ("proposed", "its share of revenue is not known: needs orders")


def test_a_ticket_nobody_answered_is_told_on_between_runs(house: TestHouse) -> None:
    """The job of `unanswered_sensor`: notices and deliveries alone, hours later, with no file come in."""
    from insights_assets.resources import table_assets

    house.run("actions")
    assert house.rows(NOTICES) == []
    house.operations.clock = lambda: datetime(2026, 11, 23, 16, 1, tzinfo=UTC)
    for run_id in ("run-2", "run-3"):
        for name in ("actions__notices", "actions__deliveries"):
            table_assets.BODIES[name][0](house.step(name, run_id))
    (notice,) = house.rows(NOTICES)
    assert (notice["kind"], notice["tier"], notice["owner"], notice["issues_count"], notice["run_id"]) == ("unanswered", 1, "product", 1, "run-2")
    files = [name for name in desk_files(house) if name.startswith("unanswered/")]
    assert files == [f"unanswered/{notice['action_id']}.md"]
    told = desk_files(house)[files[0]].decode()
    assert "1 ticket nobody answered" in told and "Quality did not answer within 4 h" in told and "tickets/INS-7f3a.md" in told
    assert len([row for row in house.operations.outbox.all() if row.kind == "unanswered"]) == 1
    assert {row["insight_id"] for row in house.rows(ACTION_TICKETS)} == {row["insight_id"] for row in house.rows(PLANNED_ACTIONS)}
