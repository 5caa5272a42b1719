"""Tables of the stage: three layers of health as metrics, the layers beside each other, alarms, and what the loop earned (R106 to R109, R136, R137)."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

_RUN = (Column("run_id", "string", "Run that wrote the row", tier="aggregate", volatile=True),)


def _column(name: str, type_: str, description: str, unit: str | None = None, *, nullable: bool = True, volatile: bool = False) -> Column:
    return Column(name, type_, description, unit=unit, tier="aggregate", nullable=nullable, volatile=volatile)


def _key(name: str, type_: str, description: str) -> Column:
    return _column(name, type_, description, nullable=False)


#: What every metric of every layer has; a metric that cannot be measured has no value and says what it needs.
METRIC = (
    _key("metric", "string", "Name of the metric"),
    _column("state", "string", "green, amber, red, too_few, or not_available", nullable=False),
    _column("value", "double", "What was measured; empty where it could not be"),
    _column("unit", "string", "What it is measured in"),
    _column("low", "double", "95 % bound"),
    _column("high", "double", "95 % bound"),
    _column("previous", "double", "The same over the period before, or the level it is held against"),
    _column("z", "double", "How sure the change from `previous` is; positive is worse"),
    _column("sample_count", "bigint", "What the value was measured on", "count"),
    _column("says", "string", "The metric in a sentence", nullable=False),
    _column("source", "string", "Tables and columns the value comes from", nullable=False),
    _column("needs", "string", "What is missing where it is not available"),
)
_TREND = _column("trend", "array<struct<day:date,value:double>>", "The same week by week, oldest first; each point is the week up to that day")

PIPELINE_HEALTH = TableSpec(
    stage="health", name="pipeline_health", key=("measured_run_id", "metric"), write="upsert_small", medallion="gold",
    grain="one row per run that did something, or failed, and metric",
    description="Technical health run by run: ingestion success, latency, failed tasks, schema mismatches (R106). A run that finds nothing to do leaves no row.",
    columns=(
        _key("measured_run_id", "string", "Run that was measured"),
        _column("job", "string", "Its job"),
        _column("outcome", "string", "succeeded, failed or canceled", nullable=False),
        _column("as_of_day", "date", "The shop's today of the run that wrote the row"),
        _column("started_at", "timestamp", "When it began", "UTC", volatile=True),
        *METRIC,
    ),
)

MODEL_HEALTH = TableSpec(
    stage="health", name="model_health", key=("as_of_day", "metric"), write="upsert_small", medallion="gold", grain="one row per day and metric; the day's last run counts",
    description="Model health: label confidence, topic-distribution drift, prompt regression, accuracy on the reviewed sample (R107).",
    columns=(_key("as_of_day", "date", "The shop's day"), *METRIC, _TREND, *_RUN),
)

BUSINESS_HEALTH = TableSpec(
    stage="health", name="business_health", key=("as_of_day", "metric", "sku"), write="upsert_small", medallion="gold",
    grain="one row per day, metric and product (`all` for the shop); the day's last run counts",
    description="Business health of the last 28 days beside the 28 before: negative reviews, ticket deflection, first response, conversion, refunds (R108, R5).",
    columns=(
        _key("as_of_day", "date", "The shop's day"),
        _key("sku", "string", "Product, or `all`"),
        *METRIC,
        _TREND,
        *_RUN,
    ),
)

LAYERS = TableSpec(
    stage="health", name="layers", key=("as_of_day", "layer"), write="upsert_small", medallion="gold", grain="one row per day and layer",
    description="The three layers of health beside each other, each as bad as its worst metric (R109).",
    columns=(
        _key("as_of_day", "date", "The shop's day"),
        _key("layer", "string", "technical, model or business"),
        _column("state", "string", "green, amber, red or not_available", nullable=False),
        _column("says", "string", "Why, in a sentence", nullable=False),
        _column("red_metrics", "array<string>", "Metrics that are red"),
        _column("unavailable_count", "bigint", "Metrics that could not be measured", "metrics"),
        *_RUN,
    ),
)

ALARMS = TableSpec(
    stage="health", name="alarms", key=("alarm_id",), write="upsert_small", medallion="gold", grain="one row per alarm and day on which it first rang",
    description="Alarms of the layers together: business red behind a green pipeline means that the figures are right and the shop is not (R109).",
    columns=(
        _key("alarm_id", "string", "Kind and day"),
        _column("kind", "string", "business_red_behind_green_pipeline or untrusted_figures", nullable=False),
        _column("raised_day", "date", "The shop's day", nullable=False),
        _column("metrics", "array<string>", "Red metrics behind it"),
        _column("says", "string", "What it means and what to look at", nullable=False),
        *_RUN,
    ),
)

ROI = TableSpec(
    stage="health", name="roi", key=("as_of_day", "part", "line"), write="upsert_small", medallion="gold", grain="one row per day and line; the day's last run counts",
    description="What the loop earned and cost, and before against after; only proven effects count (R7, R14, R136, R137). No figure of how often anybody looked.",
    columns=(
        _key("as_of_day", "date", "The shop's day"),
        _key("part", "string", "benefit, cost, result or before_after"),
        _key("line", "string", "Line of the report"),
        _column("position", "int", "Order within its part", nullable=False),
        _column("title", "string", "The line in words", nullable=False),
        _column("state", "string", "measured, configured, benchmark, not_measurable or not_available", nullable=False),
        _column("value", "double", "Benefit or cost in the period, or the ratio; empty where it could not be measured"),
        _column("low", "double", "95 % bound"),
        _column("high", "double", "95 % bound"),
        _column("before", "double", "before_after: before the first run"),
        _column("after", "double", "before_after: since then"),
        _column("unit", "string", "What it is measured in"),
        _column("says", "string", "The line in a sentence", nullable=False),
        _column("source", "string", "Where each number comes from", nullable=False),
        _column("needs", "string", "What is missing where there is no number"),
        *_RUN,
    ),
)

TABLES = (PIPELINE_HEALTH, MODEL_HEALTH, BUSINESS_HEALTH, LAYERS, ALARMS, ROI)
