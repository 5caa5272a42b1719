"""Health and ROI as a leader reads them: what `insights show` prints and the console's pages say.

Belongs here: order, grouping and the words round the stored sentences. Does not belong here: reading tables, layout on a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from insights_assets.health.layers import LAYERS, metric_name, still_rings

Row = Mapping[str, Any]
STATE_WORDS = {"green": "well", "amber": "watch", "red": "not well", "too_few": "too few to judge", "not_available": "not available"}
LAYER_TITLES = {"technical": "Pipeline", "model": "Labels", "business": "Business"}
PART_TITLES = {"benefit": "What it earned (proven effects only)", "cost": "What it costs", "result": "Return", "before_after": "Before and after"}
_ORDER = ("red", "amber", "too_few", "green", "not_available")
#: Lines of single products shown; the table holds them all.
PRODUCTS_SHOWN = 8


@dataclass(frozen=True)
class LayerView:
    """One layer: its colour and sentence, metrics of the whole, and the products that are not well."""

    layer: str
    title: str
    state: str
    says: str
    metrics: tuple[Row, ...]
    products: tuple[Row, ...] = ()


@dataclass(frozen=True)
class HealthView:
    """The page. `runs` are the latest measured runs, newest first; `alarms` those of the shown day."""

    as_of: date
    layers: tuple[LayerView, ...]
    alarms: tuple[Row, ...]
    runs: tuple[Row, ...]


def health_view(pipeline: Sequence[Row], model: Sequence[Row], business: Sequence[Row], layers: Sequence[Row], alarms: Sequence[Row]) -> HealthView | None:
    """The latest day's health; None before any run measured it."""
    if not layers:
        return None
    day = max(row["as_of_day"] for row in layers)
    coloured = {row["layer"]: row for row in layers if row["as_of_day"] == day}
    of_day = {"model": [row for row in model if row["as_of_day"] == day], "business": [row for row in business if row["as_of_day"] == day]}
    of_day["technical"] = latest_run(pipeline)
    views = []
    for name in LAYERS:
        whole = sorted((row for row in of_day[name] if row.get("sku", "all") == "all"), key=lambda row: (_ORDER.index(row["state"]), row["metric"]))
        parts = sorted(
            (row for row in of_day[name] if row.get("sku", "all") != "all" and row["state"] in ("red", "amber")), key=lambda row: (_ORDER.index(row["state"]), -(row["z"] or 0.0))
        )
        row = coloured.get(name)
        views.append(LayerView(name, LAYER_TITLES[name], row["state"] if row else "not_available", row["says"] if row else "not measured", tuple(whole), tuple(parts[:PRODUCTS_SHOWN])))
    return HealthView(day, tuple(views), tuple(row for row in alarms if row["raised_day"] == day and still_rings(row["kind"], {name: one["state"] for name, one in coloured.items()})), tuple(run_rows(pipeline)))


def latest_run(pipeline: Sequence[Row]) -> list[Row]:
    """Metrics of the run that was measured last and succeeded."""
    done = [row for row in pipeline if row["outcome"] == "succeeded"]
    if not done:
        return []
    last = max(done, key=lambda row: (row["as_of_day"], str(row["started_at"]), row["measured_run_id"]))["measured_run_id"]
    return [row for row in done if row["measured_run_id"] == last]


def run_rows(pipeline: Sequence[Row], limit: int = 20) -> list[dict[str, Any]]:
    """One row a run, newest first: when, how it ended, and its figures."""
    runs: dict[str, dict[str, Any]] = {}
    for row in pipeline:
        run = runs.setdefault(row["measured_run_id"], {"run": row["measured_run_id"], "job": row["job"], "outcome": row["outcome"], "started_at": row["started_at"]})
        run[row["metric"]] = row["value"]
    return sorted(runs.values(), key=lambda run: (str(run["started_at"]), run["run"]), reverse=True)[:limit]


def health_lines(view: HealthView) -> list[str]:
    """A screen of text."""
    out = [f"Health as of {view.as_of}", ""]
    out += [f"ALARM  {row['says']}" for row in view.alarms]
    for layer in view.layers:
        out.append(f"{layer.title}: {STATE_WORDS[layer.state]}")
        out += [f"  {_state(row)}{metric_name(row['metric'])}: {row['says']}" for row in layer.metrics]
        out += [f"  {_state(row)}{metric_name(row['metric'])} of {row['sku']}: {row['says']}" for row in layer.products]
        out.append("")
    return out[:-1]


def roi_day(rows: Sequence[Row]) -> list[Row]:
    """The rows of the latest day, in the report's order."""
    if not rows:
        return []
    day = max(row["as_of_day"] for row in rows)
    parts = list(PART_TITLES)
    return sorted((row for row in rows if row["as_of_day"] == day), key=lambda row: (parts.index(row["part"]), row["position"]))


def roi_lines(rows: Sequence[Row]) -> list[str]:
    """A screen of text: each line with its number or what it lacks, and where the number comes from."""
    shown = roi_day(rows)
    if not shown:
        return []
    out = [f"Return as of {shown[0]['as_of_day']}"]
    part = ""
    for row in shown:
        if row["part"] != part:
            part = row["part"]
            out += ["", PART_TITLES[part]]
        out.append(f"  {row['title']}: {row['says']}")
        out.append(f"      source: {row['source']}")
    return out


def _state(row: Row) -> str:
    """Its colour in a word, in a column; a metric that is not available says so in its own sentence."""
    return f"{'-' if row['state'] == 'not_available' else STATE_WORDS[row['state']]:<19}"
