"""Assets of the stage: three layers of health, the layers together with their alarm, and ROI."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import pandas as pd

from insights_assets.actions.people_tables import ALERT_PRECISION
from insights_assets.actions.tables import ACTION_TICKETS, LOOP_TIME
from insights_assets.anomalies.soundness_tables import DRIFT
from insights_assets.anomalies.tables import INSIGHTS
from insights_assets.canonical.tables import FEEDBACK, ORDERS, QUARANTINE, SESSIONS, SOURCE_COMPLETENESS
from insights_assets.health import before_after, pipeline, roi
from insights_assets.health.business import BusinessDays, business_metrics
from insights_assets.health.business_days import business_days
from insights_assets.health.layers import BEHIND_GREEN, alarms, layer_of
from insights_assets.health.layers import LAYERS as LAYER_NAMES
from insights_assets.health.model import accuracy_metrics, alert_metric, confidence_days, confidence_metrics, drift_metric, prompt_regression_metric
from insights_assets.health.tables import ALARMS, BUSINESS_HEALTH, LAYERS, MODEL_HEALTH, PIPELINE_HEALTH, ROI
from insights_assets.labels.model.spending import Spending, spending_of
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY
from insights_assets.lake.spec import TableSpec
from insights_assets.learning.tables import EVALUATIONS
from insights_assets.resources.clock import end_of_day
from insights_assets.resources.memo import nothing_else
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets
from insights_assets.sources.tables import BRONZE

_TICKETS, _RETURNS, _FX = BRONZE["support_tickets"], BRONZE["returns"], BRONZE["fx"]
_BUSINESS = (FEEDBACK, _TICKETS, SESSIONS, ORDERS, _RETURNS, _FX)
#: How far back windows of drift are looked at.
DRIFT_DAYS = 120
#: A run that changed none of these did nothing that health could measure.
_WORKED = (SOURCE_COMPLETENESS, QUARANTINE, FEEDBACK, FEEDBACK_LABELS, INSIGHTS, ACTION_TICKETS)


@table_assets(PIPELINE_HEALTH, reads=_WORKED)
def pipeline_health(step: Step) -> None:
    """This run measured, and the failed ones since the last that was."""
    stored = step.read_pandas(PIPELINE_HEALTH) if step.exists(PIPELINE_HEALTH) else pd.DataFrame(columns=PIPELINE_HEALTH.column_names)
    known = set(stored["measured_run_id"])
    runs = step.runs.latest()
    rows = []
    for run in runs:
        if run.outcome in ("failed", "canceled") and run.run_id not in known:
            tasks = pipeline.task_metrics(step.runs.failed_steps(run.run_id), *step.runs.failed_checks(run.run_id), run.outcome)
            rows += [_pipeline_row(step, metric, run.run_id, run.job, run.outcome, run.started_at) for metric in tasks]
    if step.run_id not in known and (stored.empty or _did_something(step)):
        current = next((run for run in runs if run.run_id == step.run_id), None)
        started = current.started_at if current is not None else None
        job = current.job if current is not None else "by hand"
        completeness = step.read_pandas(SOURCE_COMPLETENESS).to_dict("records")
        metrics = [
            *pipeline.intake_metrics(_intake(step)),
            *pipeline.latency_metrics((step.clock() - started).total_seconds() if started else None, completeness, step.as_of),
            *pipeline.task_metrics(step.runs.failed_steps(step.run_id), *step.runs.failed_checks(step.run_id), "succeeded"),
            pipeline.success_metric(runs, step.run_id, job, step.clock(), step.shop.policy.acceptance),
        ]
        rows += [_pipeline_row(step, metric, step.run_id, job, "succeeded", started) for metric in metrics]
    if rows:
        step.write(PIPELINE_HEALTH, _frame(PIPELINE_HEALTH, rows))
    step.note(PIPELINE_HEALTH, runs_measured=len({row["measured_run_id"] for row in rows}), red=sum(row["state"] == "red" for row in rows))


def _pipeline_row(step: Step, metric: Any, run_id: str, job: str, outcome: str, started: Any) -> dict[str, Any]:
    return metric.row(measured_run_id=run_id, job=job, outcome=outcome, as_of_day=step.as_of, started_at=started)


def _did_something(step: Step) -> bool:
    """Whether what this run left differs from what people see; a run over the same files on the same day leaves no row."""
    latest = step.operations.latest_publication()
    if latest is None or latest.as_of_day != step.as_of:
        return True
    return any(step.lake.version(spec) != latest.table_versions.get(str(spec)) for spec in _WORKED)


def _intake(step: Step) -> pipeline.Intake:
    """What this run appended to raw (rows by the Delta log, without reading payloads) and set aside."""
    counts = step.read(QUARANTINE).where(f"run_id = '{step.run_id}'").selectExpr("count(*) n", "count(field) misfits").toArrow().to_pylist()[0]
    latest = step.operations.latest_publication()
    taken = sum(_added(step, spec, latest.table_versions if latest is not None else {}) for spec in (SOURCE_COMPLETENESS,))
    return pipeline.Intake(max(taken, counts["n"]), counts["n"], counts["misfits"])


def _added(step: Step, spec: TableSpec, pinned: Any) -> int:
    """Growth of raw since the last publication, from the completeness table then and now."""
    now = step.read(spec).selectExpr("coalesce(sum(raw_count), 0) n").toArrow().to_pylist()[0]["n"]
    if str(spec) not in pinned:
        return int(now)
    before = step.lake.read(spec, version=pinned[str(spec)]).selectExpr("coalesce(sum(raw_count), 0) n").toArrow().to_pylist()[0]["n"]
    return max(0, int(now) - int(before))


@table_assets(MODEL_HEALTH, reads=(FEEDBACK_LABELS, LABEL_QUALITY, DRIFT, EVALUATIONS, ALERT_PRECISION), memo=nothing_else)
def model_health(step: Step) -> None:
    """Label confidence, drift, prompt regression and accuracy on the reviewed sample."""
    metrics = [
        *confidence_metrics(confidence_days(step.read(FEEDBACK_LABELS), step.as_of), step.as_of),
        drift_metric(_recent_drift(step), step.shop.policy.learning.drift.runs),
        prompt_regression_metric(step.read_pandas(EVALUATIONS).to_dict("records") if step.exists(EVALUATIONS) else []),
        *accuracy_metrics(step.read_pandas(LABEL_QUALITY).to_dict("records")),
        alert_metric(step.read_pandas(ALERT_PRECISION).to_dict("records") if step.exists(ALERT_PRECISION) else []),
    ]
    step.write(MODEL_HEALTH, _frame(MODEL_HEALTH, [metric.row(as_of_day=step.as_of, run_id=step.run_id) for metric in metrics]))
    step.note(MODEL_HEALTH, **{metric.metric: metric.state for metric in metrics})


def _costs_and_start(step: Step) -> str:
    """What ROI depends on beside its tables: configured costs, what models cost, and the day of the first run."""
    settings = step.settings
    return f"{settings.platform_cost_per_month}|{settings.people_cost_per_month}|{_first_run(step)}|{_model_month(step)}|{_confirmed(step)}"


def _model_month(step: Step) -> Spending:
    """What the last 30 days cost by the ledger, whether a model is still named or not."""
    return spending_of(step.operations, step.settings, since=_month_ago(step))


def _month_ago(step: Step) -> date:
    return (step.clock() - timedelta(days=30)).date()


def _confirmed(step: Step) -> int:
    """Issues whose verdict, as it stands, confirmed them in the last 30 days."""
    return sum(row.verdict == "confirmed" and row.given_at.date() >= _month_ago(step) for row in step.operations.verdicts.latest().values())


def _first_run(step: Step) -> date:
    first = step.operations.publications.first()
    return first.as_of_day if first is not None else step.as_of


def _recent_drift(step: Step) -> list[dict[str, Any]]:
    """Drift of the last windows: enough for the rule of consecutive runs."""
    if not step.exists(DRIFT):
        return []
    since = step.as_of - timedelta(days=DRIFT_DAYS)
    return [dict(row) for row in step.read(DRIFT).where(f"as_of_day >= DATE'{since}' AND as_of_day <= DATE'{step.as_of}'").toArrow().to_pylist()]


@table_assets(BUSINESS_HEALTH, ROI, reads=(*_BUSINESS, INSIGHTS, LOOP_TIME), memo=_costs_and_start)
def business_and_roi(step: Step) -> None:
    """Business health of the shop and of the products that sell most; and from the same sums what the loop earned, each number with its source."""
    days = _business(step, step.as_of)
    found = business_metrics(days, step.as_of)
    step.write(BUSINESS_HEALTH, _frame(BUSINESS_HEALTH, [metric.row(sku=sku, as_of_day=step.as_of, run_id=step.run_id) for sku, metric in found]))
    step.note(BUSINESS_HEALTH, products=len({sku for sku, _ in found}) - 1, **{metric.metric: metric.state for sku, metric in found if sku == "all"})
    rows = [line.row(position, as_of_day=step.as_of, run_id=step.run_id) for lines in _roi_parts(step, days) for position, line in enumerate(lines)]
    step.write(ROI, _frame(ROI, rows))
    step.note(ROI, measured=sum(row["state"] == "measured" for row in rows), not_measurable=sum(row["state"].startswith("not") for row in rows))


def _business(step: Step, day: date) -> BusinessDays:
    return business_days(
        feedback=step.read(FEEDBACK), tickets=step.read(_TICKETS), sessions=step.read(SESSIONS), orders=step.read(ORDERS), returns=step.read(_RETURNS), fx=step.read(_FX),
        as_of=day, as_of_end=end_of_day(day, step.zone), currency=step.shop.reporting_currency, negative_rating_at_most=step.shop.use_case().negative_rating_at_most,
    )  # fmt: skip


@table_assets(
    LAYERS, ALARMS, reads=(PIPELINE_HEALTH, MODEL_HEALTH, BUSINESS_HEALTH), memo=nothing_else,
    checks=(
        Check(
            "business_well_where_pipeline_is", ALARMS, "The business is not red while every run and source is well (R109). A warning to look at the shop: no fault of the run, and nothing is held back.", severity=dg.AssetCheckSeverity.WARN,
        ),
    ),
)  # fmt: skip
def layers(step: Step) -> None:
    """The three layers together."""
    technical = step.read_pandas(PIPELINE_HEALTH)
    day = {name: step.read_pandas(spec).query("as_of_day == @step.as_of") for name, spec in (("model", MODEL_HEALTH), ("business", BUSINESS_HEALTH))}
    day["technical"] = _latest_run(technical)
    found = [layer_of(name, day[name].to_dict("records")) for name in LAYER_NAMES]
    raised = alarms(found, step.as_of)
    step.write(LAYERS, _frame(LAYERS, [
        {"as_of_day": step.as_of, "layer": layer.layer, "state": layer.state, "says": layer.says, "red_metrics": list(layer.red),
         "unavailable_count": layer.unavailable, "run_id": step.run_id}
        for layer in found
    ]))  # fmt: skip
    if raised:
        step.write(ALARMS, _frame(ALARMS, [
            {"alarm_id": alarm.alarm_id, "kind": alarm.kind, "raised_day": alarm.raised_day, "metrics": list(alarm.metrics), "says": alarm.says, "run_id": step.run_id}
            for alarm in raised
        ]))  # fmt: skip
    # Where the pipeline is red itself nothing is said of the business: its own checks and `health.alarms` tell of that.
    step.check("business_well_where_pipeline_is", all(alarm.kind != BEHIND_GREEN for alarm in raised), says=" ".join(alarm.says for alarm in raised))
    step.note(LAYERS, **{layer.layer: layer.state for layer in found})


def _latest_run(rows: pd.DataFrame) -> pd.DataFrame:
    """The metrics of the run that was measured last and succeeded; failed runs before it count through the share of success."""
    done = rows[rows["outcome"] == "succeeded"]
    if done.empty:
        return rows
    last = done.sort_values(["as_of_day", "started_at"], na_position="first")["measured_run_id"].iloc[-1]
    return done[done["measured_run_id"] == last]


def _roi_parts(step: Step, days: BusinessDays) -> list[list[roi.Line]]:
    """The report's four parts in order."""
    currency, settings, first = step.shop.reporting_currency, step.settings, _first_run(step)
    benefits = roi.benefit_lines(currency)
    model = _model_month(step)
    asked = (model.calls, model.cost, model.currency, model.saved, model.set_aside)
    costs = roi.cost_lines(roi.Costs(settings.platform_cost_per_month, settings.people_cost_per_month, *asked), currency)
    insights = step.read(INSIGHTS).select("detected_at", "first_said_at").toArrow().to_pylist()
    fixes = step.read(LOOP_TIME).where("stage IN ('decide', 'fix')").select("action_id", "stage", "at").toArrow().to_pylist()
    before = _business(step, first) if before_after.is_after(first, step.as_of) else days
    compared = roi.before_after_lines(
        before_after.detection(insights, step.shop.policy.loop.baseline_hours), before_after.remediation(fixes),
        before_after.support_load(before, days, first, step.as_of), before_after.revenue_leakage(before, days, first, step.as_of),
    )
    results = [*roi.result_lines(benefits, costs, currency), roi.confirmed_line(costs, _confirmed(step), currency)]
    return [benefits, costs, results, compared]


def _frame(spec: TableSpec, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=spec.column_names)


ASSETS = [pipeline_health, model_health, business_and_roi, layers]
