"""*Health*: pipeline, labels and business beside each other, the alarm they raise together, and the weeks behind each figure.

Belongs here: the order on the page. Does not belong here: judging (the health stage did) and reading (`reading.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from insights_assets.console import frame
from insights_assets.console.elements import grid, say
from insights_assets.console.health_plots import WEEKS_AT_LEAST, trend_of, trend_plot, trend_words
from insights_assets.console.links import run_link
from insights_assets.console.opening import Opened
from insights_assets.health.layers import metric_name
from insights_assets.health.report import HealthView, LayerView, Row, health_view

#: Fixed words and colours for what a layer or metric can be.
COLOURS = {"green": ("well", "green"), "amber": ("watch", "orange"), "red": ("not well", "red"), "too_few": ("too few to judge", "blue"), "not_available": ("not available", "gray")}


def draw(found: Opened) -> None:
    rows = frame.health_rows(found)
    view = health_view(rows.pipeline, rows.model, rows.business, rows.layers, rows.alarms)
    st.header("Health", anchor=False)
    if view is None:
        st.write("Not available: no published run has measured it yet. The next `insights run` does, and this page fills by itself.")
        return
    say(f"As of {view.as_of:%a %d %b %Y}", "quiet", "as-of")
    draw_alarms(view)
    for column, layer in zip(st.columns(len(view.layers), gap="medium"), view.layers, strict=True):
        with column, st.container(border=True, key=f"card-layer-{layer.layer}"):
            draw_layer(layer)
    for layer in view.layers:
        draw_metrics(layer, rows.names)
    draw_runs(view)


def draw_alarms(view: HealthView) -> None:
    for n, alarm in enumerate(view.alarms):
        with st.container(key=f"refused-alarm-{n}"):
            say(alarm["says"], "step", f"alarm-{n}")


def badge(state: str) -> None:
    words, colour = COLOURS.get(state, COLOURS["not_available"])
    state = words
    st.badge(state, color=colour)  # type: ignore[arg-type]


def draw_layer(layer: LayerView) -> None:
    say(layer.title, "title", f"layer-{layer.layer}")
    badge(layer.state)
    measured = sum(row["value"] is not None for row in layer.metrics)
    say(f"{measured} of {len(layer.metrics)} things measured" if layer.metrics else "not measured yet", "quiet", f"layer-{layer.layer}-measured")


def draw_metrics(layer: LayerView, names: Mapping[str, str]) -> None:
    with st.container(key=f"heading-{layer.layer}"):
        say(layer.title, "shop", f"heading-{layer.layer}")
    known = [row for row in layer.metrics if row["state"] != "not_available"]
    for start in range(0, len(known), 2):
        for column, row in zip(st.columns(2, gap="medium"), known[start : start + 2], strict=False):
            with column, st.container(border=True, key=f"card-{layer.layer}-{row['metric']}"):
                draw_metric(layer, row)
    missing = [row for row in layer.metrics if row["state"] == "not_available"]
    if missing:
        say("\n".join(f"{metric_name(row['metric'])}: {row['says']}" for row in missing), "quiet", f"missing-{layer.layer}")
    if layer.products:
        st.caption("Products that are not well")
        grid(
            [{"product": f"{names.get(row['sku'], '')} {row['sku']}".strip(), "what": metric_name(row["metric"]), "state": COLOURS[row["state"]][0], "how": row["says"]} for row in layer.products],
            f"products-{layer.layer}", {"how": st.column_config.TextColumn(width="large")},
        )  # fmt: skip


def draw_metric(layer: LayerView, row: Row) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        say(metric_name(row["metric"]), "step", f"name-{layer.layer}-{row['metric']}")
        badge(row["state"])
    say(row["says"], "body", f"says-{layer.layer}-{row['metric']}")
    points = trend_of(row)
    if len(points) >= WEEKS_AT_LEAST:
        st.altair_chart(trend_plot(points, row["unit"] or ""), key=f"trend-{layer.layer}-{row['metric']}", alt=trend_words(points, row["unit"] or ""))
    say(f"{row['metric']}, from {row['source']}", "quiet", f"source-{layer.layer}-{row['metric']}")


def draw_runs(view: HealthView) -> None:
    st.subheader("Runs that did something, or failed", anchor=False)
    if not view.runs:
        st.caption("None has been measured yet.")
        return
    rows = [
        {
            "began": run["started_at"], "job": str(run["job"] or "").replace("_", " "), "ended": run["outcome"], "seconds": run.get("run_seconds"), "records read": run.get("ingestion_success_share"),
            "with a misfit": run.get("schema_mismatch_count"), "failed tasks": run.get("failed_task_count"), "failed checks": run.get("failed_check_count"),
            "in Dagster": run_link(run["run"]),
        }
        for run in view.runs
    ]  # fmt: skip
    columns = {
        "began": st.column_config.DatetimeColumn(format="ddd D MMM YYYY, HH:mm"), "seconds": st.column_config.NumberColumn(format="%.0f s"),
        "records read": st.column_config.NumberColumn(format="percent", help="Share of what came in that could be read"),
        "with a misfit": st.column_config.NumberColumn(help="Records with a column that does not fit what is known of their source"), "in Dagster": st.column_config.LinkColumn(display_text="open"),
    }  # fmt: skip
    grid(rows, "runs", columns)


draw(frame.opened())
