"""`insights show`: what a person asks first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import emit_json, home_option, json_option, open_reader, settings_for

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader

#: subject -> (table, columns of the short list, order)
SUBJECTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "insights": ("anomalies.insights", ("insight_id", "tier", "state", "title", "risk_per_day", "customers_count", "onset_day", "owner"), ("tier", "-risk_per_day", "insight_id")),
    "tickets": ("actions.action_tickets", ("action_id", "insight_id", "kind", "tier", "owner", "destination", "state"), ("tier", "insight_id", "kind")),
    "themes": ("clusters.themes", ("theme_id", "topic", "name", "size", "born_day", "last_seen_day"), ("-size", "theme_id")),
    "sources": ("canonical.source_completeness", ("source", "raw_count", "bronze_count", "superseded_count", "quarantined_count", "unexplained_count", "last_received_day"), ("source",)),
}


@click.command()
@click.argument("subject", type=click.Choice([*SUBJECTS, "health", "roi"]))
@home_option
@json_option
def show(subject: str, home: Path | None, as_json: bool) -> None:
    """Show insights, tickets, themes, sources, health or roi of the last published run."""
    from insights_assets.tables import all_tables

    reader, _ = open_reader(settings_for(home=home))
    if subject in ("health", "roi"):
        (_health if subject == "health" else _roi)(reader, as_json)
        return
    name, columns, order = SUBJECTS[subject]
    spec = next((spec for spec in all_tables() if str(spec) == name), None)
    if spec is None or not reader.lake.exists(spec):
        message = f"{subject}: not available: no run has written {name} yet"
        if as_json:
            emit_json({"subject": subject, "rows": [], "available": False, "reason": message})
        else:
            click.echo(message)
        return
    rows = _ordered(reader.rows(spec), order)
    if as_json:
        emit_json(rows)
        return
    _table(rows, columns or tuple(column.name for column in spec.columns)[:8], f"{subject}, published as of {reader.publication.as_of_day}")


def _health(reader: Reader, as_json: bool) -> None:
    """The three layers of health, the alarm they raise together, and what is not available."""
    from insights_assets.health.report import health_lines, health_view
    from insights_assets.health.tables import ALARMS, BUSINESS_HEALTH, LAYERS, MODEL_HEALTH, PIPELINE_HEALTH

    tables = {spec.name: reader.rows(spec) if reader.lake.exists(spec) else [] for spec in (PIPELINE_HEALTH, MODEL_HEALTH, BUSINESS_HEALTH, LAYERS, ALARMS)}
    view = health_view(tables["pipeline_health"], tables["model_health"], tables["business_health"], tables["layers"], tables["alarms"])
    if as_json:
        emit_json(tables)
    else:
        click.echo("\n".join(health_lines(view)) if view else "health: not available: no run has measured it yet")


def _roi(reader: Reader, as_json: bool) -> None:
    """What the loop earned and cost, and before against after, each number with its source."""
    from insights_assets.health.report import roi_day, roi_lines
    from insights_assets.health.tables import ROI

    rows = reader.rows(ROI) if reader.lake.exists(ROI) else []
    if as_json:
        emit_json(roi_day(rows))
    else:
        click.echo("\n".join(roi_lines(rows)) or "roi: not available: no run has measured it yet")


def _ordered(rows: list[dict[str, Any]], order: tuple[str, ...]) -> list[dict[str, Any]]:
    for name in reversed(order):
        column = name.lstrip("-")
        rows.sort(key=lambda row, column=column: (row[column] is None, row[column]), reverse=name.startswith("-"))
    return rows


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right" if rows and isinstance(rows[0].get(column), (int, float)) else "left", overflow="fold")
    for row in rows:
        # Text, not markup: what customers wrote may look like a style tag
        table.add_row(*[Text(_cell(row.get(column))) for column in columns])
    Console().print(table if rows else Text(f"{title}: none"))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value)
