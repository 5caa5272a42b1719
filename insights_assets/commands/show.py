"""`insights show`: what a person asks first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import emit_json, home_option, json_option, open_reader, settings_for
from insights_assets.sources.landing import ALWAYS

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader

#: subject -> (table, heading -> column of the short list, order)
SUBJECTS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "insights": (
        "anomalies.insights",
        {"id": "insight_id", "tier": "tier", "state": "state", "what": "title", "a day at risk": "risk_per_day", "people": "customers_count",
         "since": "onset_day", "owner": "owner"},
        ("tier", "-risk_per_day", "insight_id"),
    ),
    "tickets": (
        "actions.action_tickets",
        {"id": "action_id", "insight": "insight_id", "tier": "tier", "what": "kind", "for": "owner", "state": "state", "where": "external_id"},
        ("tier", "insight_id", "kind"),
    ),
    "themes": (
        "clusters.themes",
        {"id": "theme_id", "topic": "topic", "words": "name", "records": "size", "since": "born_day", "last seen": "last_seen_day"},
        ("-size", "theme_id"),
    ),
    "candidates": (
        "clusters.topic_candidates",
        {"id": "candidate_id", "called": "name", "records": "records_count", "people": "customers_count", "first seen": "first_seen_day", "last seen": "last_seen_day",
         "found by": "found_by", "theme": "theme_id", "known as": "known_as"},
        ("-records_count", "candidate_id"),
    ),
    "sources": (
        "canonical.source_completeness",
        {"source": "source", "in": "raw_count", "kept": "bronze_count", "replaced": "superseded_count", "set aside": "quarantined_count",
         "unexplained": "unexplained_count", "last received": "last_received_day"},
        ("source",),
    ),
}  # fmt: skip
#: Subjects about what people answered: read from the operational database beside what was published.
PEOPLE = ("verdicts", "approvals", "loop")
#: Columns wide enough for a title where the output is no terminal.
PIPED_WIDTH = 160


@click.command()
@click.argument("subject", type=click.Choice([*SUBJECTS, *PEOPLE, "health", "roi"]))
@home_option
@json_option
def show(subject: str, home: Path | None, as_json: bool) -> None:
    """Show insights, tickets, themes, candidates (for new topics), sources, health or roi of the last published run; verdicts, approvals and loop as they are now."""
    from insights_assets.tables import all_tables

    reader, shop = open_reader(settings_for(home=home))
    if subject in PEOPLE:
        from insights_assets.commands import show_people

        show_people.show(subject, reader, shop, as_json)
        return
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
    rows = sorted(_ordered(reader.rows(spec), order), key=lambda row: row.get("state") == "resolved")
    if as_json:
        emit_json(rows)
        return
    headings = columns or {column.name.replace("_", " "): column.name for column in spec.columns[:8]}
    print_table(rows, headings, f"{subject}, published as of {reader.publication.as_of_day}")


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


def print_table(rows: list[dict[str, Any]], columns: dict[str, str], title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading, column in columns.items():
        is_number = bool(rows) and isinstance(rows[0].get(column), (int, float))
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold", no_wrap=column.endswith(("_id", "_day")))
    for row in rows:
        # Text, not markup: what customers wrote may look like a style tag
        table.add_row(*[Text(_cell(row.get(column))) for column in columns.values()])
    console.print(table if rows else Text(f"{title}: none"))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if value == ALWAYS.date():
        return "undated"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
