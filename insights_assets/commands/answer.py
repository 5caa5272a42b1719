"""`insights answer`: the use case's question, answered from the last published run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import DONE, STOPPED, WRONG_USE, emit_json, home_option, json_option, open_reader, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.actions.answer import Answer
    from insights_assets.governance.reader import Reader
    from insights_assets.shop import Shop


@click.command()
@click.argument("use_case", required=False)
@home_option
@json_option
def answer(use_case: str | None, home: Path | None, as_json: bool) -> None:
    """Answer the use case's question: ranked causes, money, evidence, tickets. Exit code 3: its inputs are not trusted."""
    from insights_assets.actions.answer import render_answer

    reader, shop = open_reader(settings_for(home=home))
    try:
        found = published_answer(reader, shop, use_case)
    except LookupError as error:
        stop(str(error.args[0]), WRONG_USE)
    if as_json:
        emit_json(found.as_dict())
    else:
        click.echo(render_answer(found))
    raise SystemExit(DONE if found.trusted else STOPPED)


def published_answer(reader: Reader, shop: Shop, use_case: str | None) -> Answer:
    """The answer from what was last published. Raises LookupError for an unknown use case."""
    from insights_assets.actions.commands import Published
    from insights_assets.actions.commands import answer as answer_use_case
    from insights_assets.tables import table

    def frame(name: str) -> Any:
        return reader.view(table(name)).frame

    published = Published(
        insights=reader.rows(table("anomalies.insights")), tickets=reader.rows(table("actions.action_tickets")), products=reader.rows(table("canonical.products")),
        feedback=frame("canonical.feedback"), labels=frame("labels.feedback_labels"),
        orders=frame("canonical.orders") if reader.lake.row_count(table("canonical.orders")) else None,
    )
    trusted, reason = trust_of(reader)
    return answer_use_case(published, reader.operations, shop, reader.publication.as_of_day, use_case, trusted=trusted, trust_reason=reason)


def trust_of(reader: Reader) -> tuple[bool, str]:
    """Whether the inputs of what was published are sound, by their trust certificate, and why not. A home of before it had one is trusted."""
    from insights_assets.anomalies.trust import OVERALL
    from insights_assets.tables import table

    spec = table("anomalies.trust_certificate")
    if str(spec) not in reader.publication.table_versions:
        return True, ""
    day = reader.publication.as_of_day
    found = reader.view(spec).frame.where(f"condition = '{OVERALL}' AND as_of_day <= DATE'{day.isoformat()}'").toArrow().to_pylist()
    latest = max(found, key=lambda row: row["as_of_day"], default=None)
    return (True, "") if latest is None or latest["answer"] != "fail" else (False, str(latest["reason"]))
