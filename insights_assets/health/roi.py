"""What the loop earned and cost, line by line, and the before/after table (R4, R7, R14, R136, R137, R161).

Belongs here: which lines there are, and what each may count. Only proven effects are a benefit: until tickets' effects are measured, a
line says so and holds no number. Nothing here counts how often anybody looked at anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from insights_assets.health.metric import rounded

State = Literal["measured", "configured", "benchmark", "not_measurable", "not_available"]
#: What others reported for such programmes; shown beside the result, never in it (R7).
BENCHMARK_RATIO = 3.5
NEEDS_EFFECTS = "actions.effects"
#: Days after the first run before an "after" is one.
AFTER_DAYS = 14
#: (line, title, what it will be summed from once effects are measured), in the report's order (R136, R161).
BENEFITS = (
    ("fewer_negative_reviews", "Fewer negative reviews", "effects whose metric is the negative-review share"),
    ("lower_handle_time", "Lower handle time", "effects whose metric is handle_seconds in support_tickets"),
    ("fewer_refunds", "Fewer refunds", "effects whose metric is refund_amount in returns"),
    ("better_conversion", "Better conversion on corrected pages", "effects of copy changes, on purchases of canonical.sessions"),
    ("recovered_seasonal_revenue", "Recovered seasonal revenue", "effects inside a season or promotion of sources.calendar"),
    ("faster_resolution", "Faster resolution", "effects on first_response_at and solved_at in support_tickets"),
)


@dataclass(frozen=True)
class Line:
    """One line of the report."""

    part: Literal["benefit", "cost", "result", "before_after"]
    line: str
    title: str
    state: State
    says: str
    source: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    after: float | None = None
    unit: str = ""
    needs: str | None = None

    def row(self, position: int, **more: Any) -> dict[str, Any]:
        figures = {name: rounded(getattr(self, name)) for name in ("value", "low", "high", "before", "after")}
        names = ("part", "line", "title", "state", "says", "source", "unit", "needs")
        return {**{name: getattr(self, name) for name in names}, **figures, "position": position, **more}


@dataclass(frozen=True)
class Costs:
    """The cost side, in the reporting currency. None where nobody named a figure; model calls None where there is no ledger."""

    platform_per_month: float | None
    people_per_month: float | None
    model_calls: int | None
    model_cost: float | None
    #: Currency of the price table, where it is not the reporting one: then nothing is added up.
    model_currency: str | None = None
    #: What was not paid for the same tokens, and what open batches may still cost; neither enters a sum.
    model_saved: float = 0.0
    model_set_aside: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """One figure before the first run and since. `after` is None while too little time has passed; `waits` says how long."""

    before: float | None
    after: float | None
    before_n: int
    after_n: int
    waits: str = ""


def benefit_lines(currency: str) -> list[Line]:
    """The six lines. None is measurable before effects are: a fall after a ticket is no proof that the ticket caused it."""
    return [
        Line(
            "benefit", line, title, "not_measurable", f"not measurable yet: needs {NEEDS_EFFECTS}", f"{NEEDS_EFFECTS}: {source}; verdict effective only",
            unit=f"{currency} a month", needs=NEEDS_EFFECTS,
        )
        for line, title, source in BENEFITS
    ]


def cost_lines(costs: Costs, currency: str) -> list[Line]:
    """Platform, people and model calls; a cost that nobody named is not 0."""
    unit = f"{currency} a month"
    lines = [
        _configured("platform", "Platform", costs.platform_per_month, "INSIGHTS_PLATFORM_COST_PER_MONTH", unit),
        _configured("people", "People who review, judge and maintain", costs.people_per_month, "INSIGHTS_PEOPLE_COST_PER_MONTH", unit),
    ]
    source = "the model-call ledger; setting INSIGHTS_MODEL"
    if costs.model_calls is None:
        lines.append(Line("cost", "model_calls", "Model calls", "not_available", "not available: needs the model-call ledger", source, unit=unit, needs="the model-call ledger"))
    elif costs.model_currency is not None and costs.model_currency != currency:
        needs = f"a price table in {currency} (INSIGHTS_MODEL_PRICES)"
        says = f"{costs.model_calls:,} calls, priced in {costs.model_currency}: needs {needs}"
        lines.append(Line("cost", "model_calls", "Model calls", "not_available", says, source, unit=unit, needs=needs))
    else:
        says = f"{costs.model_calls:,} calls" + (" in 30 days" if costs.model_calls else "") + (" (no model is asked)" if not costs.model_calls else "")
        says += f"; {costs.model_saved:,.2f} {currency} not paid, by batches and the prompt cache" if costs.model_saved else ""
        says += f"; {costs.model_set_aside:,.2f} {currency} set aside for open batches" if costs.model_set_aside else ""
        lines.append(Line("cost", "model_calls", "Model calls", "measured", says, source, costs.model_cost, unit=unit))
    return lines


def _configured(line: str, title: str, amount: float | None, setting: str, unit: str) -> Line:
    source = f"setting {setting}"
    if amount is None:
        return Line("cost", line, title, "not_available", f"not available: needs {setting}", source, unit=unit, needs=setting)
    return Line("cost", line, title, "configured", f"{amount:,.0f} {unit}, as configured", source, amount, unit=unit)


def result_lines(benefits: Sequence[Line], costs: Sequence[Line], currency: str) -> list[Line]:
    """Benefit, cost and their ratio from the lines above; the benchmark stands apart and enters nothing."""
    unit = f"{currency} a month"
    # Proven benefits add up to at least so much; a cost that lacks a part would flatter the ratio, so it is none.
    benefit, cost = _sum(benefits), _sum(costs) if all(line.value is not None for line in costs) else None
    lines = [_total("benefit", "Benefit, proven effects only", benefit, benefits, unit), _total("cost", "Cost", cost, costs, unit)]
    missing = sorted({line.needs for line in (*benefits, *costs) if line.value is None and line.needs})
    if benefit is not None and cost:
        says = f"{benefit / cost:.2f} returned for each 1 spent" + (f"; still without {', '.join(missing)}" if missing else "")
        lines.append(Line("result", "ratio", "Return on spend", "measured", says, "the two lines above", benefit / cost, unit="times"))
    else:
        lines.append(Line("result", "ratio", "Return on spend", "not_measurable", f"not measurable yet: needs {', '.join(missing) or 'a cost'}", "the two lines above", unit="times", needs=", ".join(missing) or "a cost"))
    lines.append(Line("result", "benchmark", "What others report", "benchmark", f"{BENCHMARK_RATIO} times, for comparison only; no figure here is made from it", "the product's brief, not measured here", BENCHMARK_RATIO, unit="times"))
    return lines


def confirmed_line(costs: Sequence[Line], confirmed: int, currency: str) -> Line:
    """What an issue that a person confirmed cost: all costs of the period over the issues confirmed in it."""
    unit, source = f"{currency} an issue", "the cost lines over verdicts confirmed in 30 days"
    missing = sorted({line.needs for line in costs if line.value is None and line.needs})
    if missing or not confirmed:
        needs = ", ".join([*missing, *(() if confirmed else ("a verdict confirmed in 30 days",))])
        known = sum(line.value for line in costs if line.value is not None)
        part = f"; what is known comes to {known / confirmed:,.2f} {unit} over {confirmed:,} confirmed" if confirmed and known else ""
        return Line("result", "cost_per_confirmed", "Cost per confirmed issue", "not_measurable", f"not measurable yet: needs {needs}{part}", source, unit=unit, needs=needs)
    cost = sum(line.value for line in costs if line.value is not None) / confirmed
    return Line("result", "cost_per_confirmed", "Cost per confirmed issue", "measured", f"{cost:,.2f} {unit} over {confirmed:,} confirmed in 30 days", source, cost, unit=unit)


def _sum(lines: Sequence[Line]) -> float | None:
    known = [line.value for line in lines if line.value is not None]
    return sum(known) if known else None


def _total(name: str, title: str, amount: float | None, lines: Sequence[Line], unit: str) -> Line:
    known, source = sum(line.value is not None for line in lines), f"the {name} lines"
    if amount is None:
        needs = ", ".join(sorted({line.needs for line in lines if line.needs}))
        return Line("result", name, title, "not_measurable", f"not measurable yet: needs {needs}", source, unit=unit, needs=needs)
    return Line("result", name, title, "measured", f"{amount:,.0f} {unit} over {known} of {len(lines)} lines", source, amount, unit=unit)


def before_after_lines(detection: Comparison, remediation: Comparison | None, support: Comparison | None, leakage: Comparison | None) -> list[Line]:
    """R137: four rows, both columns, the source of each number. `detection.before` is the configured baseline (R4)."""
    return [
        _row("detection", "Issue detection time", detection, "hours", lambda v: f"{v:,.0f} h", before="loop.baseline_hours in policy.yaml (configured)",
             after="anomalies.insights: first_said_at to detected_at, median over issues, each day judged with what was known by then", configured=True),
        _row("remediation", "Average remediation delay", remediation, "hours", lambda v: f"{v:,.0f} h", before="nothing records fixes from before the first run",
             after="actions.loop_time: decide to fix", needs="fix stamps in actions.loop_time"),
        _row("support_load", "Support load", support, "tickets per 100 orders", lambda v: f"{v:.1f}", before="sources.support_tickets over canonical.orders, the 12 weeks before the first run",
             after="the same since", needs="support_tickets and orders"),
        _row("revenue_leakage", "Revenue leakage", leakage, "share of ordered revenue refunded, 0 to 1", lambda v: f"{v * 100:.1f} %",
             before="refund_amount in returns over amount in canonical.orders, the 12 weeks before the first run", after="the same since", needs="refund_amount in returns, and orders"),
    ]  # fmt: skip


def _row(line: str, title: str, found: Comparison | None, unit: str, shape: Any, *, before: str, after: str, needs: str = "", configured: bool = False) -> Line:
    source = f"before: {before}; after: {after}"
    if found is None or (found.before is None and found.after is None):
        wanted = (found.waits if found is not None and found.waits else "") or needs
        return Line("before_after", line, title, "not_available", f"not available: needs {wanted}", source, unit=unit, needs=wanted)
    said = [
        f"{shape(found.before)} before" + (" (configured)" if configured else f" (n {found.before_n:,})") if found.before is not None else "before: not recorded",
        f"{shape(found.after)} after ({found.after_n:,} {'issues' if line in ('detection', 'remediation') else 'order lines'})" if found.after is not None else f"after: not measurable yet, needs {found.waits or needs}",
    ]
    state: State = "measured" if found.after is not None else "not_measurable"
    return Line("before_after", line, title, state, "; ".join(said), source, before=found.before, after=found.after, unit=unit, needs=None if found.after is not None else found.waits or needs)
