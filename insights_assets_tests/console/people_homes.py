"""What people have to do with, written into the home of `homes.py`: approvals, holds, an outbox in all its states, stamps and loop time.

Belongs here: writing it, as of the present moment, because pages ask the wall clock. Does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from insights_assets.actions.commands import write_desired_state
from insights_assets.actions.loop_promise import summary_rows
from insights_assets.actions.loop_time import Stamps, loop_rows
from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.resources.operations.sending_tables import OutboxRow
from insights_assets.shop import Shop, load_shop
from insights_assets.tables import all_tables
from insights_assets_tests.console.homes import AS_OF, CARRIER, DAMAGE, DANGER, HOSTILE, HOSTILE_NAME, NOW, OLD, build_home, write

RUN_ID = "2f3c2a1b-5d6e-4f70-8a9b-0c1d2e3f4a5b"
ASKED_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=50)
TITLES = {
    DAMAGE: "Arrived damaged: glass lamps from WH-LEJ, packaging batch LEJ-PB07", CARRIER: f"Late delivery: parcels by Swift to Spain {HOSTILE[2]}",
    DANGER: "Safety report: Aurora glass lamp (LMP-1)", OLD: "Sizing is off: knitwear across the shop", "REP-00aa11bb": "How to change the bulb",
}  # fmt: skip


def ticket(insight_id: str, kind: str, state: str, *, tier: int = 2, owner: str = "quality", destination: str = "desk", **more: Any) -> dict[str, Any]:
    return {
        "action_id": f"ACT-{insight_id[4:8]}-{kind}", "insight_id": insight_id, "kind": kind, "tier": tier, "owner": owner, "destination": destination, "state": state,
        "idempotency_key": f"{insight_id}-{kind}", "topic": "damaged_on_arrival", "title": TITLES[insight_id], "body": f"## What happens\n\n41 people report breakage. {HOSTILE[0]}",
        "decided_day": AS_OF, "created_at": ASKED_AT, "run_id": RUN_ID, **more,
    }  # fmt: skip


TICKETS = (
    ticket(DAMAGE, "defect_ticket", "delivered", tier=1, destination="jira:QA", external_id="QA-12", delivered_at=ASKED_AT),
    ticket(DAMAGE, "notification", "delivered", tier=1, owner="product", destination="slack:#product", external_id="1700000000.0001", delivered_at=ASKED_AT),
    ticket(DAMAGE, "promo_hold", "proposed", tier=1, owner="marketing", state_reason=f"12 of 30 reviewed {HOSTILE_NAME}"),
    ticket(CARRIER, "defect_ticket", "planned", owner="supply_chain", destination="jira:SUP"),
    ticket(CARRIER, "notification", "planned", owner="support", destination="slack:#support"),
    ticket(CARRIER, "macro", "awaiting_approval", owner="support", state_reason="Support decides", external_id="macros/x.md", delivered_at=ASKED_AT),
    ticket(DANGER, "escalation", "awaiting_approval", tier=1, state_reason="Quality decides"),
    ticket(OLD, "copy_change", "approved", owner="merchandising", external_id="copy_changes/x.md", delivered_at=ASKED_AT),
    ticket("REP-00aa11bb", "article", "expired", owner="support", external_id="articles/x.md", delivered_at=ASKED_AT),
)
HELD = "H-0000aa31"


def build_people_home(home: Path, spark: Any) -> None:
    """`build_home`, and everything that waits for people on top of it."""
    build_home(home, spark)
    lake = Lake(home / "lake", lambda: spark)
    write(lake, "actions.action_tickets", TICKETS)
    write(lake, "actions.macros", [
        {"draft_id": f"x-{language}", "action_id": f"ACT-{CARRIER[4:8]}-macro", "insight_id": CARRIER, "topic": "shipping_delay", "language": language, "title": "t",
         "text": f"Dear customer, we are sorry that your parcel is late. {HOSTILE[3]}", "state": "awaiting_approval"} for language in ("de", "en")
    ])  # fmt: skip
    shop = load_shop()
    stamps = loop(shop)
    write(lake, "actions.loop_time", loop_rows(stamps))
    write(lake, "actions.loop_summary", summary_rows(stamps, shop.policy.loop))
    operations = open_operations(home / "operations.db")
    operations.migrate()
    operations.record_publication(RUN_ID, AS_OF, {str(spec): version for spec in all_tables() if (version := lake.version(spec)) is not None})
    answers(operations)
    write_desired_state(home, operations)
    operations.close()


def loop(shop: Shop) -> list[Stamps]:
    """24 actions that arrived, three of them late: two by an approval of two days, one by its detection."""
    said, found = NOW - timedelta(days=6), []
    for n in range(24):
        detect = 90 if n == 7 else 20 + n
        wait = 52 if n in (3, 4) else 2
        at = {
            "event": said, "arrival": said + timedelta(hours=1), "detect": said + timedelta(hours=detect), "label": ASKED_AT - timedelta(hours=wait + 1),
            "decide": ASKED_AT - timedelta(hours=wait), "route": ASKED_AT - timedelta(hours=wait) + timedelta(minutes=4),
        }  # fmt: skip
        if n < 6:
            at["approve"] = ASKED_AT
        if n % 2:
            at |= {"acknowledge": ASKED_AT + timedelta(hours=3), "start": ASKED_AT + timedelta(hours=9), "fix": ASKED_AT + timedelta(hours=30)}
        insight_id = (DAMAGE, CARRIER, DANGER)[n % 3]
        owner, kind = (("support", "macro") if n < 6 else ("quality", "defect_ticket")) if n % 3 else ("supply_chain", "notification")
        found.append(Stamps(f"ACT-{n:04d}", insight_id, kind, owner, 1 + n % 2, at, is_replayed=n > 12, needs_approval=n < 6))
    return found


def answers(operations: Operations) -> None:
    """Approvals asked, decided and run out; a hold proposed and one running; the outbox in every state; stamps."""
    later = datetime.now(UTC) + timedelta(hours=22)
    for row in TICKETS:
        if row["kind"] in ("macro", "escalation", "copy_change", "article"):
            operations.approvals.request(row["action_id"], row["insight_id"], row["kind"], row["owner"], expires_at=later if row["state"] != "expired" else datetime.now(UTC) - timedelta(hours=1))
        elif row["kind"] != "promo_hold":
            _sent(operations, row)
    operations.approvals.decide(f"ACT-{OLD[4:8]}-copy_change", True, by="mia", reason="reads well", through="slack")
    operations.approvals.expire()
    operations.holds.make(HELD, f"ACT-{DAMAGE[4:8]}-promo_hold", DAMAGE, ["LMP-1", "LMP-2"], reason="Arrived damaged", by="policy", revenue_share=0.021, placed_on=None, expires_on=None,
                          state_reason=f"too few records are reviewed yet {HOSTILE_NAME}")  # fmt: skip
    for stage, hours in (("acknowledge", 2), ("start", 5)):
        operations.answers.stamp(f"ACT-{DAMAGE[4:8]}-defect_ticket", stage, ASKED_AT + timedelta(hours=hours), by="dev", through="jira")


def _sent(operations: Operations, row: Mapping[str, Any]) -> None:
    """The outbox row of a ticket, in the state that its kind stands for here."""
    states = {(DAMAGE, "defect_ticket"): "delivered", (DAMAGE, "notification"): "delivered", (CARRIER, "defect_ticket"): "dead", (CARRIER, "notification"): "unknown"}
    state = states.get((row["insight_id"], row["kind"]), "waiting")
    with operations.writing() as session:
        session.add(
            OutboxRow(
                idempotency_key=row["idempotency_key"], action_id=row["action_id"], insight_id=row["insight_id"], kind=row["kind"], destination=row["destination"], payload={},
                content_sha256="0", state=state, created_at=ASKED_AT, owner=row["owner"], tier=row["tier"], external_id=row.get("external_id"),
                delivered_at=ASKED_AT if state == "delivered" else None, last_error=f"400 from Jira: no such project {HOSTILE_NAME}" if state == "dead" else None,
                url="https://hearth.atlassian.net/browse/QA-12" if row["destination"] == "jira:QA" else "https://evil.example/HOSTILE",
            )
        )  # fmt: skip
