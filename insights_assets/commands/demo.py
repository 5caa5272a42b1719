"""`insights demo` (make demo): the whole loop on a sample shop, told in at most thirty lines."""

from __future__ import annotations

import json
import shutil
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import DEMO_MARK, FAILED, WRONG_USE, new_home_option, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader
    from insights_assets.settings import Settings

WIDTH = 100
REVIEWED = 400
#: What a labelling model costs, for the closing estimate only: list prices of gpt-4.1-mini class models and the prompt's own size.
USD_PER_MILLION_IN, USD_PER_MILLION_OUT = 0.40, 1.60
PROMPT_TOKENS, REPLY_TOKENS, CHARACTERS_PER_TOKEN = 1_400, 120, 4


@click.command()
@new_home_option
@click.option("--days", type=click.IntRange(70, 400), default=120, show_default=True)
@click.option("--records", type=click.IntRange(2_000), default=50_000, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--last-day", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the sample history [default: today].")
def demo(home: Path | None, days: int, records: int, seed: int, last_day: datetime | None) -> None:
    """The whole loop on a sample shop, from files to a ticket. Starts anew each time; only a demo's own home is ever replaced."""
    from insights_assets.commands.simulate import today

    settings = settings_for(home=home)
    day = last_day.date() if last_day else today()
    began = time.monotonic()
    _fresh_home(settings.home)
    truth = _simulate(settings.home, days, records, seed, day)
    settings = settings_for(home=settings.home, as_of=day)
    _run(settings)
    first_ticket = time.monotonic() - began
    reviewed = review_from_truth(settings, truth)
    if reviewed:
        _run(settings)
    _tell(settings, truth, reviewed, first_ticket, time.monotonic() - began)


def _fresh_home(home: Path) -> None:
    """An empty home with the demo's mark; a home of somebody's own is never touched."""
    if home.exists() and any(home.iterdir()):
        if not (home / DEMO_MARK).exists():
            stop(f"{home} is a home of your own, not a demo's; name another with --home", WRONG_USE)
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / DEMO_MARK).write_text("made by `insights demo`, which may replace this folder\n", encoding="utf-8")


def _simulate(home: Path, days: int, records: int, seed: int, day: date) -> dict[str, Any]:
    from insights_assets.commands.simulate import progress_bar
    from insights_assets.simulator import simulate

    with progress_bar(quiet=False) as progress:
        report = simulate(home, days=days, records=records, seed=seed, last_day=day, progress=progress)
    click.echo(
        f"{report.records:,} customer voices and {report.orders:,} orders of a sample shop, {report.first_day} to {report.last_day}; "
        f"{100 * report.complaint_rate:.1f} % complain"
    )
    truth: dict[str, Any] = json.loads(report.truth_file.read_text(encoding="utf-8"))
    return truth


def _run(settings: Settings) -> None:
    from insights_assets.commands.run import run_with_progress

    outcome = run_with_progress(settings, quiet=False)
    if not outcome.succeeded:
        held = outcome.stopped_by
        stop(f"the run failed: {outcome.error or (f'{held.name} on {held.table}' if held else 'see the log')}", FAILED)


def review_from_truth(settings: Settings, truth: dict[str, Any]) -> int:
    """The step named "simulated analyst": fills the review sample from what was planted, as a person would from reading it."""
    from insights_assets.canonical.enrich import feedback_id
    from insights_assets.governance.reader import Reader
    from insights_assets.labels.review import correction_rows
    from insights_assets.resources.operations import open_operations
    from insights_assets.tables import table

    operations = open_operations(settings.operations_target)
    reader = Reader(settings, operations)
    queue = sorted(reader.rows(table("labels.review_queue")), key=lambda row: (row["inclusion_weight"] == 0, row["place"]))[:REVIEWED]
    answers = {feedback_id(source, ref): {"topics": label["topics"]} for source, labels in truth["labels"].items() for ref, label in labels.items()}
    rows = correction_rows(queue, answers)
    operations.corrections.add_many(rows, by="simulated analyst", through="demo")
    return len({row["feedback_id"] for row in rows})


def _tell(settings: Settings, truth: dict[str, Any], reviewed: int, first_ticket: float, everything: float) -> None:
    from insights_assets.actions.answer import render_answer
    from insights_assets.commands.answer import published_answer
    from insights_assets.commands.frame import open_reader
    from insights_assets.tables import table

    reader, shop = open_reader(settings)
    insights = reader.rows(table("anomalies.insights"))
    tickets = reader.rows(table("actions.action_tickets"))
    found = published_answer(reader, shop, None)
    answered = render_answer(found).splitlines()
    (settings.home / "answer.txt").write_text("\n".join(answered) + "\n", encoding="utf-8")
    # The question and its five causes; what the answer adds below them is in answer.txt.
    end = next((n for n, line in enumerate(answered) if line.startswith(("Also open", "Provisional", "NOT TRUSTED"))), len(answered))
    lines = [line for line in answered[:end] if line.strip()]
    lines += [*_work_done(reader, tickets, reviewed), *_truth_check(insights, truth), *_accounts(reader)]
    lines += _look_at(settings.home, [path for cause in found.causes for path in cause.tickets])
    lines.append(f"First tickets after {first_ticket:.0f} s, everything after {everything:.0f} s; all of this is in {_shown(settings.home)}/demo.txt")
    (settings.home / "demo.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo("\n".join(line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in lines))


#: How the closing words call each kind of action: one, several.
_KINDS = {
    "defect_ticket": ("ticket", "tickets"), "copy_change": ("page change", "page changes"), "notification": ("alert", "alerts"),
    "escalation": ("escalation", "escalations"), "macro": ("macro", "macros"), "article": ("article", "articles"),
}  # fmt: skip


def _work_done(reader: Reader, tickets: list[dict[str, Any]], reviewed: int) -> list[str]:
    """What was opened, held and drafted, and who reviewed the labels."""

    def said(kinds: tuple[str, ...]) -> str:
        counts = {kind: sum(ticket["kind"] == kind for ticket in tickets) for kind in kinds}
        return ", ".join(f"{n} {_KINDS[kind][n != 1]}" for kind, n in counts.items() if n)

    holds = reader.operations.holds.all()
    active = [hold for hold in holds if hold.state == "active"]
    proposed = [hold for hold in holds if hold.state == "proposed"]
    opened = said(("defect_ticket", "copy_change", "notification", "escalation")) or "nothing"
    drafts = said(("macro", "article"))
    lines = [
        f"On the desk: {opened}" + (f"; for approval: {drafts}." if drafts else "."),
        f"A simulated analyst reviewed {reviewed} records, so that the gates can answer.",
    ]
    if active:
        until = f"{active[0].expires_on:%a %-d %b}" if active[0].expires_on else "further notice"
        skus = list(dict.fromkeys(sku for hold in active for sku in hold.skus))
        named = skus[0] if len(skus) == 1 else f"{len(skus)} products"
        waits = f" ({len(proposed)} more proposed)" if proposed else ""
        lines.append(f"Promotion of {named} held until {until}{waits}; undo: insights hold release {active[0].hold_id}")
    elif proposed:
        lines.append(f"No promotion is held, {len(proposed)} proposed; place one: insights hold place {proposed[0].hold_id}")
    return lines


def _truth_check(insights: list[dict[str, Any]], truth: dict[str, Any]) -> list[str]:
    from insights_assets.rehearsal.scoring import score

    result = score(insights, truth)
    return [
        f"Truth check: planted {result.planted}, never read by the pipeline: found {result.found}, "
        f"first cause right {result.causes_right} of {result.causes_named},",
        f"  decoys raised {result.decoys_raised}, unexplained {len(result.unexplained)}, duplicates {len(result.duplicates)}"
        + (f", missed {', '.join(name.partition('-')[0] for name in result.missed)}" if result.missed else ""),
    ]


def _accounts(reader: Reader) -> list[str]:
    from pyspark.sql import functions as F

    from insights_assets.tables import table

    sources = reader.rows(table("canonical.source_completeness"))
    raw, bronze, superseded, aside = (sum(row[name] for row in sources) for name in ("raw_count", "bronze_count", "superseded_count", "quarantined_count"))
    texts = reader.view(table("canonical.feedback")).frame.where("text IS NOT NULL").groupBy("text_hash").agg(F.max(F.length("text")).alias("size"))
    facts = texts.agg(F.count("*").alias("n"), F.sum("size").alias("characters")).toArrow().to_pylist()[0]
    tokens_in = facts["n"] * PROMPT_TOKENS + (facts["characters"] or 0) / CHARACTERS_PER_TOKEN
    cost = (tokens_in * USD_PER_MILLION_IN + facts["n"] * REPLY_TOKENS * USD_PER_MILLION_OUT) / 1e6
    return [
        f"Accounted: {raw:,} records in = {bronze:,} kept + {superseded:,} replaced by later versions + {aside:,} in quarantine.",
        f"INSIGHTS_MODEL=azure would send {facts['n']:,} distinct redacted texts, about {cost:.0f} USD; no model was asked.",
    ]


def _look_at(home: Path, tickets: list[str]) -> list[str]:
    """Three things to open: the first cause's ticket, the brief, the lineage."""
    shown = _shown(home)
    brief = max((path.name for path in (home / "desk" / "brief").glob("*.html")), default="")
    return [
        f"Open: {shown}/desk/{tickets[0] if tickets else 'tickets/'}",
        f"      {shown}/desk/brief/{brief}",
        "      make dev   (lineage, runs and checks in Dagster; insights and verdicts in the console)",
    ]


def _shown(home: Path) -> str:
    try:
        return home.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(home)
