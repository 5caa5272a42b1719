"""The truth about a simulated shop, as a file that the pipeline never reads.

Belongs here: what was planted, in the words in which a pipeline's answer can be compared with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from insights_assets.simulator.cases import SAFETY_ALONE, Cases
from insights_assets.simulator.files import dated_file
from insights_assets.simulator.fresh import FRESH
from insights_assets.simulator.reports import SOURCE, Reports
from insights_assets.simulator.sessions import Sessions
from insights_assets.simulator.telling import Truth
from insights_assets.simulator.world import World


def incident_entry(
    world: World, number: int, cases: Cases, reports: Reports, sessions: Sessions | None = None
) -> dict[str, Any]:
    """One incident, planted or fresh, with what became of it in these records."""
    incident = world.fresh[number - FRESH] if number >= FRESH else world.shop.incidents[number]
    last_day = world.plan.days - 1 + world.extra_days
    mine = cases.incident[reports.case] == number
    told = reports.taken(np.flatnonzero(mine))
    reached = np.unique(told.case)
    days = world.shop.clock.day_of(told.at) if len(told) else np.array([incident.start])
    with_lines = reached[cases.line[reached] >= 0]
    struck = sorted({world.shop.catalogue.products[int(p)].sku for p in cases.product[with_lines]})
    localised = any(name in incident.cause for name in ("product_line", "sku"))
    is_open = incident.end is None or incident.end > last_day
    customers = len(np.unique(cases.customer[reached]))
    by_source = np.bincount(told.source, minlength=len(SOURCE)) if len(told) else np.zeros(len(SOURCE), dtype=int)
    entry: dict[str, Any] = {
        "incident_id": incident.incident_id,
        "kind": incident.kind,
        "topic": incident.topic,
        "scope": dict(incident.cause),
        "cause": dict(incident.cause) or None,
        "cause_day": str(world.plan.day(incident.start)),
        "onset_day": str(world.plan.day(int(days.min()))),
        "end_day": None if is_open else str(world.plan.day(int(days.max()))),
        "is_open_at_end": is_open,
        "tier": incident.tier,
        "excess_complaints": len(reached),
        "excess_customers": customers,
        "excess_records": len(told),
        "records_by_source": {name: int(by_source[i]) for name, i in SOURCE.items() if by_source[i]},
        "skus": struck if localised else [],
    }
    if sessions is not None and incident.kind == "checkout_release":
        entry["excess_sessions"] = int((sessions.incident == number).sum())
    return entry


def decoy_entries(world: World) -> list[dict[str, Any]]:
    plan, decoys = world.plan, world.shop.decoys
    return [
        {
            "decoy_id": "decoy-promotion",
            "kind": "promotion",
            "product_line": decoys.promotion_line,
            "first_day": str(plan.day(decoys.promotion_start)),
            "last_day": str(plan.day(decoys.promotion_end - 1)),
            "what": "orders of the line double, complaints with them; the rate stays",
        },
        {
            "decoy_id": "decoy-flood",
            "kind": "copied_posts",
            "source": "social",
            "topic": decoys.flood_topic,
            "first_day": str(plan.day(decoys.flood_start)),
            "last_day": str(plan.day(decoys.flood_start + 1)),
            "posts": decoys.flood_posts,
            "authors": ["@dealwatch_1", "@dealwatch_2", "@dealwatch_3"],
            "what": "near-identical posts of three accounts, no orders",
        },
        {
            "decoy_id": "decoy-silent-source",
            "kind": "silent_source",
            "source": decoys.silent_source,
            "first_day": str(plan.day(decoys.silent_start)),
            "last_day": str(plan.day(decoys.silent_end - 1)),
            "delivered_on": str(plan.day(decoys.silent_end)),
            "file": dated_file(decoys.silent_source, plan.day(decoys.silent_end), "-late", "jsonl"),
            "what": "nothing for some days, then everything in one file",
        },
    ]


def lone_report(world: World, cases: Cases, reports: Reports) -> dict[str, Any] | None:
    """The safety report that stands alone."""
    rows = np.flatnonzero(cases.incident[reports.case] == SAFETY_ALONE)
    if not len(rows):
        return None
    product = world.shop.catalogue.products[int(cases.product[reports.case[rows[0]]])]
    day = world.plan.day(int(world.shop.clock.day_of(reports.at[rows[:1]])[0]))
    return {
        "incident_id": "safety_alone",
        "topic": "safety",
        "sku": product.sku,
        "product_line": product.line,
        "day": str(day),
    }


def write_truth(path: Path, head: dict[str, Any], truth: Truth) -> None:
    """The truth file: the head in readable lines, then the labels, one record a line."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write("{\n")
        for key, value in head.items():
            out.write(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n")
        out.write('"labels": {')
        for number, (source, entries) in enumerate(truth.labels.items()):
            out.write((",\n" if number else "\n") + json.dumps(source) + ": {\n")
            out.write(",\n".join(entries))
            out.write("}")
        out.write("}}\n")
