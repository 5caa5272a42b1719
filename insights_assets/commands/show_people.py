"""`insights show verdicts/approvals/loop`: what people answered, what waits for them, and where the hours went.

Belongs here: printing. Does not belong here: counting (`actions/precision.py`, `actions/loop_promise.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import emit_json

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader
    from insights_assets.shop import Shop


def show(subject: str, reader: Reader, shop: Shop, as_json: bool) -> None:
    {"verdicts": _verdicts, "approvals": _approvals, "loop": _loop}[subject](reader, shop, as_json)


def _rows(reader: Reader, name: str) -> list[dict[str, Any]]:
    from insights_assets.tables import table

    spec = table(name)
    return reader.rows(spec) if reader.lake.exists(spec) else []


def _verdicts(reader: Reader, shop: Shop, as_json: bool) -> None:
    """How often alerts were right: all, by owner, by detector, with what people said up to now."""
    from insights_assets.actions.precision import precision_rows, precision_words, standings
    from insights_assets.commands.show import print_table

    operations = reader.operations
    found = standings(
        _rows(reader, "anomalies.insights"), _rows(reader, "actions.action_tickets"), operations.verdicts.latest(), operations.answers.stamps(),
        shop.policy.answers, as_of=reader.publication.as_of_day, now=operations.clock(),
    )  # fmt: skip
    rows = precision_rows(found, shop.policy.acceptance)
    if as_json:
        emit_json(rows)
        return
    columns = {"of": "grouping", "name": "name", "insights": "insight_count", "right": "confirmed_count", "judged": "judged_count", "precision": "precision",
               "low": "precision_low", "high": "precision_high", "unknown": "unknown_count", "unknown share": "unknown_share", "answer": "answer"}  # fmt: skip
    print_table(rows, columns, f"verdicts, alerts up to {reader.publication.as_of_day}: {precision_words(rows[0])}")


def _approvals(reader: Reader, shop: Shop, as_json: bool) -> None:
    """What waits for a person, and what was decided lately."""
    from insights_assets.commands.show import print_table

    now = reader.operations.clock()
    order = {"waiting": 0, "expired": 1, "approved": 2, "rejected": 2}
    rows = [row.as_dict() for row in reader.operations.approvals.all()]
    for row in rows:
        if row["state"] == "waiting" and row["expires_at"] is not None and row["expires_at"] <= now:
            row["state"] = "expired"
    rows.sort(key=lambda row: (order[row["state"]], row["requested_at"], row["action_id"]))
    if as_json:
        emit_json(rows)
        return
    titles = {row["action_id"]: row["title"] for row in _rows(reader, "actions.action_tickets")}
    shown = [{**row, "what": titles.get(row["action_id"]), "until": f"{row['expires_at']:%Y-%m-%d %H:%M}" if row["expires_at"] else None} for row in rows]
    columns = {"action": "action_id", "kind": "kind", "for": "team", "state": "state", "until (UTC)": "until", "by": "decided_by", "what": "what"}
    print_table(shown, columns, "approvals")


def _loop(reader: Reader, shop: Shop, as_json: bool) -> None:
    """The promise, counted; hours by stage; each late action with the stage that ate its hours."""
    from insights_assets.actions.loop_promise import judge_loop, promise_words, summary_rows
    from insights_assets.actions.loop_time import stamps_of
    from insights_assets.commands.show import print_table

    states = {row["action_id"]: row["state"] for row in _rows(reader, "actions.action_tickets")}
    stamps = stamps_of(_rows(reader, "actions.loop_time"), states, {row.action_id for row in reader.operations.approvals.all()})
    promise, now = shop.policy.loop, reader.operations.clock()
    result, summary = judge_loop(stamps, promise, now), summary_rows(stamps, promise, now)
    late = [{"action_id": entry.stamps.action_id, "kind": entry.stamps.kind, "owner": entry.stamps.owner, "hours": entry.hours, "stage": entry.stage,
             "why": entry.words(promise.promise_hours, shop.zone)} for entry in result.late_actions]  # fmt: skip
    if as_json:
        emit_json({"counted": result.counted, "late": result.late, "answer": result.answer, "p50_hours": result.p50_hours, "p90_hours": result.p90_hours,
                   "slowest_stage": result.slowest_stage, "late_actions": late, "summary": summary})  # fmt: skip
        return
    click.echo(promise_words(result, promise))
    columns = {"of": "grouping", "name": "name", "stage": "stage", "clock": "clock", "actions": "action_count", "p50 h": "p50_hours", "p90 h": "p90_hours", "late": "late_count"}
    print_table(summary, columns, f"hours by stage, as of the run of {reader.publication.as_of_day}")
    for entry in late:
        click.echo(f"{entry['action_id']} {entry['kind']} for {entry['owner']}: {entry['why']}")
