"""`insights cost`: what a year costs by records a year, from measured seconds, the ledger's tokens and a table of assumptions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from insights_assets.commands.frame import WRONG_USE, emit_json, home_option, json_option, settings_for, stop

if TYPE_CHECKING:
    from insights_assets.health.cost import Assumptions, Estimate, Measured
    from insights_assets.settings import Settings


@click.command()
@home_option
@click.option("--records-per-year", type=click.IntRange(min=1), multiple=True, help="Records a year; may be given more than once [default: 1,000,000 and 100,000,000].")
@click.option("--benchmark", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A bench.json of `make bench` [default: the packaged one].")
@click.option("--assumptions", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A copy of cost.yaml with your prices [default: the packaged one].")
@json_option
def cost(home: Path | None, records_per_year: tuple[int, ...], benchmark: Path | None, assumptions: Path | None, as_json: bool) -> None:
    """Estimate a year's cost, on one machine and on Databricks. Looks at a home's ledger where there is one; asks nobody."""
    from insights_assets.health.cost import CostInput, estimate, load_assumptions, load_measured
    from insights_assets.labels.model.prices import PriceError, load_prices

    settings = settings_for(home=home)
    try:
        given, measured, prices = load_assumptions(assumptions), load_measured(benchmark), load_prices(settings.model_prices)
    except (CostInput, PriceError) as error:
        stop(str(error), WRONG_USE)
    tokens = ledger_tokens(settings)
    model_name = settings.model_snapshot or settings.model_deployment or "gpt-4.1-mini"
    found = [estimate(count, measured, given, prices, tokens=tokens, model_name=model_name) for count in records_per_year or (1_000_000, 100_000_000)]
    spent = model_spent(settings)
    if as_json:
        emit_json({**_document(found, measured, given, prices.as_of, tokens), "model_spent": spent})
    else:
        if spent is not None:
            click.echo(f"The language model cost {spent['says']} in 30 days by this home's ledger\n")
        _print(found, measured, given, prices.as_of, tokens)


def model_spent(settings: Settings) -> dict[str, Any] | None:
    """What a home's ledger says of the last 30 days; None where there is no home, or nothing was asked."""
    from datetime import timedelta

    from insights_assets.labels.model.spending import spending_of, spending_words
    from insights_assets.resources.operations import open_operations

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return None
    operations = open_operations(settings.operations_target)
    operations.migrate()
    month = spending_of(operations, settings, since=(operations.clock() - timedelta(days=30)).date())
    return None if month.is_nothing else {**asdict(month), "saved": month.saved, "says": spending_words(month)}


def ledger_tokens(settings: Settings) -> dict[str, float] | None:
    """Tokens of an answered label call on average, where a home's ledger knows at least thirty."""
    from sqlalchemy import func, select

    from insights_assets.resources.operations import open_operations
    from insights_assets.resources.operations.asking_tables import ModelCall

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return None
    operations = open_operations(settings.operations_target)
    operations.migrate()
    averages = [func.avg(getattr(ModelCall, name)) for name in ("input_tokens", "cached_tokens", "output_tokens")]
    with operations.reading() as session:
        known = select(func.count(), *averages).where(ModelCall.is_usage_known, ModelCall.outcome == "ok", ModelCall.task == "label_feedback")
        count, *found = session.execute(known).one()
    return dict(zip(("input_tokens", "cached_tokens", "output_tokens"), map(float, found), strict=True)) if count >= 30 else None


def _document(found: list[Estimate], measured: Measured, given: Assumptions, prices_of: str, tokens: dict[str, float] | None) -> dict[str, Any]:
    return {
        "currency": given.currency, "estimates": [{**asdict(one), "cheapest": one.cheapest.name if one.cheapest else None, "totals": {way.name: way.total for way in one.ways}} for one in found],
        "measured_records": measured.sizes, "growth": {name: {"seconds_a_million": round(growth.at(1e6), 1), "slope": round(growth.slope, 2)} for name, growth in measured.steps()},
        "tokens_of": "the home's ledger" if tokens else "assumed", "model_prices_of": prices_of, "assumptions": dict(given.rows),
    }


def _print(found: list[Estimate], measured: Measured, given: Assumptions, prices_of: str, tokens: dict[str, float] | None) -> None:
    sizes = ", ".join(f"{size:,}" for size in measured.sizes)
    click.echo(f"A year in {given.currency}, from benchmarks at {sizes} records and model prices of {prices_of}; every other value: insights cost --json")
    for one in found:
        click.echo(f"\n{one.records_a_year:,} records a year: {one.cpu_seconds_a_day:,.0f} CPU-s a day, {one.peak_gib:,.1f} GiB of memory, {one.lake_gib:,.1f} GiB of tables, {one.calls:,} model calls "
                   f"({sum(one.tokens[name] for name in ('input_tokens', 'output_tokens')):,} tokens, {'by the ledger' if tokens else 'assumed'})")
        if one.beyond_measured > 3:
            click.echo(f"  drawn out to {one.beyond_measured:,.0f} times the largest measured history: an order of magnitude, no offer")
        for way in one.ways:
            parts = ", ".join(f"{name} {value:,.0f}" for name, value in way.money.items())
            click.echo(f"  {way.total:>12,.0f}  {way.name} ({parts})" + (f", {way.dbu:,.0f} DBU" if way.dbu else "") + (f"   not possible: {way.why_not}" if way.why_not else ""))
        if one.cheapest is not None:
            click.echo(f"  cheapest that can be run: {one.cheapest.name}")
    slow = ", ".join(f"{name.replace('__', '.')} {growth.at(1e6):,.0f} s (n^{growth.slope:.2f})" for name, growth in measured.steps()[:6])
    click.echo(f"\nLongest steps of a first run, drawn to 1,000,000 records: {slow}")
