"""One run of the simulator: a history into an empty folder, or one more day behind it.

Belongs here: the order of writing, the state that lets a history go on, the report. Everything else is decided in
`world.py` and written by the modules of the sources.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from insights_assets.simulator.fresh import FRESH
from insights_assets.simulator.plan import REPORTING_CURRENCY, SHOP_TIME_ZONE, Progress, SimulationPlan, no_progress
from insights_assets.simulator.sessions import draw_sessions
from insights_assets.simulator.shop_files import (
    write_calendar,
    write_fx,
    write_orders,
    write_orders_of_day,
    write_products,
    write_stock,
)
from insights_assets.simulator.telling import Truth, Window, complaint_orders, write_feedback, write_sessions
from insights_assets.simulator.truth import decoy_entries, incident_entry, lone_report, write_truth
from insights_assets.simulator.world import build_world, told

STATE_FILE = "simulator-state.json"
TRUTH_FILE = "truth.json"
STATE_VERSION = 1


class SimulatorError(RuntimeError):
    """A folder that the simulator cannot write into or go on from."""


@dataclass(frozen=True)
class SimulationReport:
    """What was written. Callers print the complaint rate: a shop where 2 to 6 % of orders complain is a usual one."""

    landing: Path
    truth_file: Path
    first_day: date
    last_day: date
    seed: int
    records: int  # feedback records
    counts: dict[str, int]  # records of each source; clickstream counts troubled sessions
    orders: int
    order_lines: int
    complaint_orders: int
    complaint_rate: float  # share of orders with at least one complaint
    incidents: list[dict[str, Any]]
    decoys: list[dict[str, Any]]
    broken: int

    def lines(self) -> list[str]:
        """The report in a few lines for a person."""
        said = [
            f"{self.records:,} feedback records and {self.orders:,} orders, "
            f"{self.first_day} to {self.last_day} (seed {self.seed})",
            f"{100 * self.complaint_rate:.1f} % of orders complain; {self.broken} records broken on purpose",
        ]
        for entry in self.incidents:
            where = ", ".join((entry["cause"] or {}).values()) or "everywhere"
            until = "still open" if entry["is_open_at_end"] else f"until {entry['end_day']}"
            size = f"{entry['excess_complaints']} complaints"
            said.append(f"{entry['incident_id']}: {size}, {where}, from {entry['onset_day']}, {until}")
        return said


def simulate(
    out: Path,
    *,
    days: int = 120,
    records: int = 50_000,
    seed: int = 7,
    last_day: date,
    incidents: Path | None = None,
    progress: Progress = no_progress,
) -> SimulationReport:
    """Write `out/landing/`, `out/truth.json` and the state that `simulate_next_day` needs."""
    plan = SimulationPlan(days=days, records=records, seed=seed, last_day=last_day)
    landing = Path(out) / "landing"
    if landing.exists() and any(landing.iterdir()):
        raise SimulatorError(f"{landing} is not empty; simulate into a new folder or remove it first")
    world = build_world(plan, incidents, progress=progress)
    landing.mkdir(parents=True, exist_ok=True)
    sessions = draw_sessions(world, None)
    cases, reports = told(world, None, int(sessions.is_troubled.sum()))
    truth = Truth()
    write_orders(world, landing)
    progress("shop", 1, 2)
    write_products(world.shop.catalogue, plan, landing)
    write_calendar(world, landing)
    write_fx(plan, landing)
    write_stock(world, landing)
    progress("shop", 2, 2)
    window = Window(world, landing, None)
    write_feedback(window, cases, reports, truth, progress)
    write_sessions(window, sessions, truth)
    order_count = len(np.unique(world.order_key(np.arange(len(world.lines)))))
    complaining = complaint_orders(world, cases, reports)
    entries = [incident_entry(world, number, cases, reports, sessions) for number in range(len(world.shop.incidents))]
    head = {
        "seed": seed,
        "first_day": str(plan.first_day),
        "last_day": str(last_day),
        "records": sum(truth.counts.values()),
        "counts": truth.counts,
        "orders": order_count,
        "order_lines": len(world.lines),
        "complaint_rate": round(complaining / order_count, 4),
        "reporting_currency": REPORTING_CURRENCY,
        "shop_time_zone": SHOP_TIME_ZONE,
        "incidents": entries,
        "safety_alone": lone_report(world, cases, reports),
        "decoys": decoy_entries(world),
        "broken": truth.faults.broken,
        "redelivered": truth.faults.redelivered,
        "late_files": truth.late_files,
        "personal_data": truth.personal,
    }
    write_truth(Path(out) / TRUTH_FILE, head, truth)
    text = incidents.read_text(encoding="utf-8") if incidents is not None else None
    _write_state(Path(out) / STATE_FILE, plan, 0, text)
    return SimulationReport(
        landing=landing,
        truth_file=Path(out) / TRUTH_FILE,
        first_day=plan.first_day,
        last_day=last_day,
        seed=seed,
        records=sum(truth.counts.values()),
        counts=truth.counts,
        orders=order_count,
        order_lines=len(world.lines),
        complaint_orders=complaining,
        complaint_rate=complaining / order_count,
        incidents=entries,
        decoys=decoy_entries(world),
        broken=len(truth.faults.broken),
    )


def simulate_next_day(
    landing: Path, *, state: Path | None = None, progress: Progress = no_progress
) -> SimulationReport:
    """Write one more day with a fresh incident into an existing landing folder, as dated files.

    `state` is the file that `simulate` left beside the landing folder (the default place) wherever it lies now; it is
    updated. The truth about the day goes into `truth-<day>.json` beside the state.
    """
    state_file = Path(state) if state is not None else Path(landing).parent / STATE_FILE
    plan, days_before, incidents_text = _read_state(state_file)
    extra = days_before + 1
    incidents_file = None
    if incidents_text is not None:
        incidents_file = state_file.with_name("simulator-incidents.yaml")
        incidents_file.write_text(incidents_text, encoding="utf-8")
    world = build_world(plan, incidents_file, extra_days=extra, progress=progress)
    day = plan.days - 1 + extra
    date_of_day = plan.day(day)
    sessions = draw_sessions(world, extra)
    cases, reports = told(world, extra, int(sessions.is_troubled.sum()))
    truth = Truth()
    landing = Path(landing)
    written = write_orders_of_day(world, landing, extra)
    write_fx(plan, landing, extra)
    write_stock(world, landing, extra)
    window = Window(world, landing, extra)
    write_feedback(window, cases, reports, truth, progress)
    write_sessions(window, sessions, truth)
    rows = np.flatnonzero(world.lines.day == day)
    order_count = len(np.unique(world.order_key(rows)))
    complaining = complaint_orders(world, cases, reports)
    entries = [incident_entry(world, FRESH + extra - 1, cases, reports)]
    head = {
        "seed": plan.seed,
        "first_day": str(date_of_day),
        "last_day": str(date_of_day),
        "records": sum(truth.counts.values()),
        "counts": truth.counts,
        "orders": order_count,
        "order_lines": written["orders"],
        "complaint_rate": round(complaining / max(order_count, 1), 4),
        "incidents": entries,
        "decoys": [],
        "broken": truth.faults.broken,
        "redelivered": truth.faults.redelivered,
        "personal_data": truth.personal,
    }
    truth_file = state_file.with_name(f"truth-{date_of_day}.json")
    write_truth(truth_file, head, truth)
    _write_state(state_file, plan, extra, incidents_text)
    return SimulationReport(
        landing=landing,
        truth_file=truth_file,
        first_day=date_of_day,
        last_day=date_of_day,
        seed=plan.seed,
        records=sum(truth.counts.values()),
        counts=truth.counts,
        orders=order_count,
        order_lines=written["orders"],
        complaint_orders=complaining,
        complaint_rate=complaining / max(order_count, 1),
        incidents=entries,
        decoys=[],
        broken=len(truth.faults.broken),
    )


def _write_state(path: Path, plan: SimulationPlan, days_added: int, incidents: str | None) -> None:
    state = {
        "version": STATE_VERSION,
        **{name: str(value) if name == "last_day" else value for name, value in asdict(plan).items()},
        "days_added": days_added,
        "incidents": incidents,
    }
    # Written whole or not at all: a half-written state would end the history.
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(state, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def _read_state(path: Path) -> tuple[SimulationPlan, int, str | None]:
    if not path.exists():
        raise SimulatorError(f"{path} is missing: `simulate` writes it beside landing/, and a further day needs it")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        plan = SimulationPlan(state["days"], state["records"], state["seed"], date.fromisoformat(state["last_day"]))
        added, incidents, version = int(state["days_added"]), state["incidents"], state["version"]
    except (KeyError, ValueError, TypeError) as error:
        raise SimulatorError(f"{path} cannot be read: {error!r}") from error
    if version != STATE_VERSION:
        raise SimulatorError(f"{path} was written by another version ({version}) of the simulator")
    return plan, added, incidents
