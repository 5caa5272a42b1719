"""A small published home for the console's tests: known insights, records, series and actions, and hostile text in all of them.

Belongs here: writing that home through `Lake` and the TableSpecs, without running any stage. Does not belong here: assertions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.tables import table

AS_OF = date(2026, 11, 23)
ONSET = date(2026, 11, 17)
NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
RUN_ID = "0f3c2a1b-5d6e-4f70-8a9b-0c1d2e3f4a5b"
DAMAGE, CARRIER, WISH, DANGER, OLD = "INS-da3a9e01", "INS-ca221e02", "INS-f1e50003", "INS-5afe0004", "INS-01d00005"

#: Text that would do something if it were rendered as anything but text. Each names itself, so that a page can be searched for it.
HOSTILE = (
    "# HOSTILE1 a heading **bold** _it_ `code`",
    "HOSTILE2 :red[alarm] :material/delete: :smile: $E=mc^2$ $$x$$",
    '<script>document.title="HOSTILE3"</script><img src=x onerror="document.title=1"><b>bold</b>',
    "HOSTILE4 [click](javascript:alert(1)) ![i](https://evil.example/p.png) https://evil.example/x www.evil.example",
    "=HYPERLINK(\"https://evil.example\",\"HOSTILE5\") +1 -1 @SUM(A1)",
    "HOSTILE6 | a | b |\n|---|---|\n| 1 | 2 |\n\n---\n- item",
    "HOSTILE7 \u202egnorw\u202c \u200bzero\u0000null &lt;b&gt; &#60;i&#62; {{7*7}} ${7*7} {datum.x}",
)
HOSTILE_NAME = "Lamp <b>HOSTILE8</b> :red[x] $y$ [l](javascript:1)"


def feedback_id(number: int | str) -> str:
    return hashlib.sha256(f"reviews|R-{number}".encode()).hexdigest()[:32]


_NEUTRAL: dict[str, Any] = {"string": "-", "int64": 0, "int32": 0, "double": 0.0, "bool": False}


def write(lake: Lake, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """Rows into a table by the spec's types; columns that are left out are null, or something neutral where they must be there."""
    spec = table(name)
    given = list(rows)
    for row in given:
        unknown = set(row) - set(spec.column_names)
        if unknown:
            raise KeyError(f"{name} has no {sorted(unknown)}")
    schema = pa.schema([pa.field(field.name, field.type) for field in spec.arrow_schema])
    needed = {field.name: _NEUTRAL[str(field.type)] for field in spec.arrow_schema if not field.nullable and str(field.type) in _NEUTRAL}
    frame = pa.Table.from_pylist([{column: row.get(column, needed.get(column)) for column in spec.column_names} for row in given], schema=schema)
    days = {row[spec.partition_by] for row in given} if spec.write == "replace_days" and spec.partition_by else None
    lake.write(spec, frame, days=days)


def voice(number: int | str, day: date, text: str | None, *, customer: str | None = None, topic: str = "damaged_on_arrival", **changes: Any) -> dict[str, Any]:
    """A row of canonical.feedback, with `topic` for its label beside it."""
    said = datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)
    row = {
        "feedback_id": feedback_id(number), "source": "reviews", "record_ref": f"R-{number}", "kind": "text", "channel": "storefront",
        "customer_key": customer or f"c-{number}", "occurred_at": said, "received_at": said, "known_at": said, "occurred_day": day, "known_day": day,
        "language": "en", "rating": 1.0, "text": text, "order_id": f"O-{number}", "order_ref_status": "valid", "sku": "LMP-1", "sku_source": "order",
        "product_line": "glass lamps", "region": "de", "warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07", "carrier": "NordPost",
        "fulfilment_id": f"F-{number}", "duplicate_weight": 1.0, "text_hash": str(number), "raw_table": "sources.reviews_raw",
        "payload_sha256": hashlib.sha256(str(number).encode()).hexdigest(), "received_day": day, "run_id": RUN_ID, "ingested_at": said,
    }  # fmt: skip
    return {**row, **changes, "_topic": topic}


def voices() -> list[dict[str, Any]]:
    """41 people of one batch since the onset, a usual trickle before; the first records carry the hostile corpus."""
    found = [voice(f"B{n}", AS_OF - timedelta(days=7 + n), "The shade was cracked.") for n in range(0, 34, 2)]
    found += [voice(f"P{n}", AS_OF - timedelta(days=2), "Cracked.", packaging_batch="LEJ-PB05") for n in range(5)]
    for n in range(41):
        text = HOSTILE[n] if n < len(HOSTILE) else f"Number {n}: the glass was shattered when I opened the parcel."
        found.append(voice(f"D{n}", ONSET + timedelta(days=n % 7), text, record_ref=f"R-D{n} <i>HOSTILE9</i>" if n == 0 else f"R-D{n}"))
    # the same person again: not one more complaint, and never a third record on the page
    found += [voice(f"E{n}", AS_OF, f"Again broken, time {n}.", customer="c-D7") for n in range(3)]
    late = {"topic": "shipping_delay", "carrier": "Swift", "region": "es"}
    found += [voice(f"C{n}", AS_OF - timedelta(days=n % 8), "Still waiting for my parcel.", **late) for n in range(16)]
    wish = {"topic": "feature_request", "rating": 4.0}
    found += [voice(f"W{n}", AS_OF - timedelta(days=n % 20), "Please add a gift wrap option.", **wish) for n in range(24)]
    found += [voice("S0", AS_OF, "The plug gave me a shock.", topic="safety", sku="LMP-1"), voice("S1", AS_OF, None, topic="safety", sku="LMP-1")]
    return found


def label(row: dict[str, Any]) -> dict[str, Any]:
    quote = (row["text"] or "")[:40]
    topic = {"topic": row["_topic"], "confidence": 0.93, "quote": quote, "start": 0, "end": len(quote), "sentiment": "negative"}
    return {
        "feedback_id": row["feedback_id"], "topics": [topic], "primary_topic": row["_topic"], "sentiment": "negative", "sentiment_score": -0.8,
        "urgency": "normal", "risk_tags": [], "label_source": "classifier", "confidence": 0.93, "rules_version": "r1", "model_version": "clf-1",
        "label_set_version": "v1", "run_id": RUN_ID,
    }  # fmt: skip


def insight(insight_id: str, topic: str, title: str, **changes: Any) -> dict[str, Any]:
    base = {
        "insight_id": insight_id, "topic": topic, "title": title, "state": "active", "tier": 2, "is_urgent": False, "provisional": True,
        "use_case": "negative_reviews_on_top_sellers", "risk_per_day": 420.0, "risk_per_day_p10": 180.0, "currency": "USD", "confidence": 0.9,
        "customers_count": 16, "owner": "supply_chain", "scope": {}, "cause": {}, "cause_status": "not_localised", "cause_alternatives": "[]",
        "onset_day": AS_OF - timedelta(days=7), "opened_day": AS_OF - timedelta(days=5), "last_seen_day": AS_OF,
        "detected_at": NOW - timedelta(days=5), "first_said_at": NOW - timedelta(days=7), "window_start": AS_OF - timedelta(days=7),
        "window_end": AS_OF, "observed_count": 16, "expected_count": 4.0, "lift": 4.0, "p_value": 1e-6, "detector": "rate_scan",
        "exposure_kind": "order lines", "evidence_ids": [], "record_ids": [], "judged_through_day": AS_OF, "run_id": RUN_ID,
    }  # fmt: skip
    return {**base, **changes}


def insights() -> list[dict[str, Any]]:
    batch = {"warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07"}
    damage = [feedback_id(f"D{n}") for n in range(41)]
    return [
        insight(
            DAMAGE, "damaged_on_arrival", f"Arrived damaged: {HOSTILE_NAME} from WH-LEJ, packaging batch LEJ-PB07", tier=1, owner="quality",
            risk_per_day=1940.0, risk_per_day_p10=1210.0, revenue_risk_per_day=1500.0, churn_risk_per_day=300.0, operational_risk=140.0,
            excess_per_day=5.2, excess_per_day_p10=3.3, silent_factor=1.6, order_value=84.0, cost_per_order=55.2, flagship_factor=1.5, peak_factor=1.3,
            trend_factor=1.1, daily_margin=21000.0, customers_count=41, scope={**batch, "product_line": "glass lamps"}, cause=batch, cause_status="cause",
            onset_day=ONSET, window_start=ONSET, observed_count=41, expected_count=7.0, lift=5.9, p_value=3.6e-5,
            evidence_ids=[*(feedback_id(f"E{n}") for n in range(3)), feedback_id("D7"), *damage[:7]], record_ids=damage,
            harm_at=NOW + timedelta(days=4), harm_reason=f"promotion {HOSTILE_NAME}", recommended_step="Stop batch LEJ-PB07 and inspect 20 units",
        ),
        insight(CARRIER, "shipping_delay", "Late delivery: orders with Swift in es", state="watching", scope={"carrier": "Swift", "region": "es"},
                cause={"carrier": "Swift", "region": "es"}, cause_status="tied", cause_alternatives='[{"warehouse": "WH-BCN"}]',
                evidence_ids=[feedback_id(f"C{n}") for n in range(8)], record_ids=[feedback_id(f"C{n}") for n in range(16)]),
        insight(WISH, "feature_request", "Wish: across the shop", state="open", tier=3, owner="product", risk_per_day=12.0, risk_per_day_p10=1.0,
                detector="cusum", evidence_ids=[feedback_id(f"W{n}") for n in range(8)], record_ids=[feedback_id(f"W{n}") for n in range(24)]),
        insight(DANGER, "safety", "Safety: Aurora glass lamp (LMP-1)", state="open", tier=1, is_urgent=True, owner="quality", risk_per_day=90.0,
                risk_per_day_p10=0.0, customers_count=2, observed_count=2, expected_count=0.0, lift=0.0, p_value=None, detector="safety_report",
                onset_day=AS_OF, window_start=AS_OF, scope={"sku": "LMP-1"}, evidence_ids=[feedback_id("S0"), feedback_id("S1")],
                record_ids=[feedback_id("S0"), feedback_id("S1")]),
        insight(OLD, "sizing_issue", f"Sizing: knitwear {HOSTILE_NAME}", state="resolved", tier=2, onset_day=AS_OF - timedelta(days=40),
                last_seen_day=AS_OF - timedelta(days=20), window_end=AS_OF - timedelta(days=20)),
    ]  # fmt: skip


def root_causes() -> list[dict[str, Any]]:
    empty = dict.fromkeys(("compared", "observed", "lines", "rate", "p_value", "status", "score"))
    base = {**empty, "insight_id": DAMAGE, "attributes": {"packaging_batch": "LEJ-PB07"}, "run_id": RUN_ID}
    here = {"role": "cause", "text": "WH-LEJ, packaging batch LEJ-PB07", "status": "cause", "score": 31.0}
    beside = {"role": "outside", "compared": "packaging_batch", "text": f"other packaging batches of {HOSTILE_NAME}"}
    part = {"role": "inside", "compared": "carrier", "p_value": 0.5}
    other = {"role": "alternative", "text": "warehouse WH-BCN", "attributes": {"warehouse": "WH-BCN"}, "status": "tied"}
    return [
        {**base, **here, "rank": 0, "observed": 41, "lines": 1000.0, "rate": 0.041},
        {**base, **beside, "rank": 1, "observed": 12, "lines": 2000.0, "rate": 0.006},
        {**base, **part, "rank": 2, "text": "NordPost", "observed": 20, "lines": 490.0, "rate": 0.0408},
        {**base, **part, "rank": 3, "text": "Swift", "observed": 21, "lines": 510.0, "rate": 0.0412},
        {**base, **other, "insight_id": CARRIER, "rank": 0, "observed": 15},
    ]


def series() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(topic_series, anomalies): the warehouse that rang and whole topics, judged on 40 days."""
    counts, judged = [], []
    for back in range(40):
        day = AS_OF - timedelta(days=back)
        hot = day >= ONSET
        for topic, attribute, value, usual in (
            ("damaged_on_arrival", "warehouse", "WH-LEJ", 1.0), ("damaged_on_arrival", "all", "all", 3.0), ("shipping_delay", "all", "all", 12.0),
            ("sizing_issue", "all", "all", 8.0),
        ):  # fmt: skip
            rang = hot and topic == "damaged_on_arrival"
            key = {"topic": topic, "attribute": attribute, "value": value}
            counts.append({**key, "day": day, "known_day": day, "observed": int(usual) + (6 if rang else 0)})
            judged.append({
                **key, "as_of_day": day, "basis": "shipped", "state": ("open" if day == ONSET + timedelta(days=2) else "active") if rang else "none",
                "window_days": 7, "observed": int(usual * 7), "expected": usual * 7, "z_peak": 5.5 if rang else 0.4, "scale_3d": 1.15, "cusum": 2.0,
                "dispersion": 0.05, "baseline_rate": 0.01, "p_bound": 1e-5, "cusum_bound": 8.0, "run_id": RUN_ID, "mentions_known": 10,
            })  # fmt: skip
    return counts, judged


def action(kind: str, state: str, **changes: Any) -> dict[str, Any]:
    return {
        "action_id": f"ACT-{kind}", "insight_id": DAMAGE, "kind": kind, "tier": 1, "owner": "quality", "destination": "desk", "state": state,
        "idempotency_key": kind, "topic": "damaged_on_arrival", "title": "t", "body": "b", "due_at": datetime(2026, 11, 24, 11, 0, tzinfo=UTC),
        "created_at": NOW, "run_id": RUN_ID, **changes,
    }  # fmt: skip


def build_home(home: Path, spark: Any, *, quiet: bool = False) -> None:
    """Write the home and publish it. `quiet`: every insight is resolved."""
    lake = Lake(home / "lake", lambda: spark)
    said = voices()
    found = [{**row, "state": "resolved"} for row in insights()] if quiet else insights()
    write(lake, "canonical.feedback", [{name: value for name, value in row.items() if name != "_topic"} for row in said])
    write(lake, "labels.feedback_labels", [{**label(row), "received_day": row["received_day"]} for row in said])
    write(lake, "canonical.products", [{"sku": "LMP-1", "name": HOSTILE_NAME, "product_line": "glass lamps", "is_flagship": True}])
    brought = {"payload": "{}", "source_file": "reviews-2026-11.jsonl", "run_id": RUN_ID}
    raw = [{**brought, "line": n, **{name: row[name] for name in ("record_ref", "payload_sha256")}} for n, row in enumerate(said, start=1)]
    write(lake, "sources.reviews_raw", raw)
    counts, judged = series()
    write(lake, "anomalies.topic_series", counts)
    write(lake, "anomalies.anomalies", [{**row, "state": "none"} for row in judged] if quiet else judged)
    write(lake, "anomalies.insights", found)
    write(lake, "anomalies.root_causes", root_causes())
    write(lake, "anomalies.data_findings", [
        {"finding_id": "DAT-1", "kind": "source_silent", "source": "surveys", "started_day": AS_OF - timedelta(days=1), "ended_day": AS_OF, "is_over": False,
         "observed_count": 0, "expected_count": 40.0, "text": f"surveys delivered 0 records where 40 are usual {HOSTILE[0]}"},
        {"finding_id": "DAT-2", "kind": "copied_posts", "source": "social", "started_day": AS_OF - timedelta(days=60), "ended_day": AS_OF - timedelta(days=60),
         "is_over": True, "observed_count": 300, "expected_count": 3.0, "text": "300 copied posts in social on 1 day; counted once"},
    ])  # fmt: skip
    write(lake, "actions.action_tickets", [
        action("defect_ticket", "delivered", external_id=f"tickets/{DAMAGE}.md", delivered_at=NOW), action("promo_hold", "planned", owner="marketing"),
        action("macro", "awaiting_approval", owner="support", state_reason=f"needs a person {HOSTILE_NAME}"),
    ])  # fmt: skip
    publish(home, lake)


def publish(home: Path, lake: Lake) -> Operations:
    from insights_assets.tables import all_tables

    operations = open_operations(f"sqlite:///{home / 'operations.db'}", clock=lambda: NOW)
    operations.migrate()
    versions = {str(spec): version for spec in all_tables() if (version := lake.version(spec)) is not None}
    operations.record_publication(RUN_ID, AS_OF, versions)
    bounds = {"revenue_share": 0.02, "placed_on": AS_OF, "expires_on": date(2026, 11, 30)}
    operations.holds.make("H-31", "ACT-promo_hold", DAMAGE, ["LMP-1"], reason="breaks", by="policy", **bounds)
    operations.close()
    return operations
