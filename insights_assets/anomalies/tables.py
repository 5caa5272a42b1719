"""Tables of the stage: the counted series, the judged days, issues, causes and insights; forecasts, shifts and data findings."""

from __future__ import annotations

from insights_assets.anomalies.soundness_tables import SOUNDNESS
from insights_assets.anomalies.splice_tables import SPLICE_TABLES
from insights_assets.lake.spec import Column, TableSpec

_RUN = (Column("run_id", "string", "Run that wrote the row", volatile=True),)
_MONEY = "reporting currency per day"


def _column(name: str, type_: str, description: str, unit: str | None = None, *, tier: str = "aggregate", nullable: bool = True) -> Column:
    return Column(name, type_, description, unit=unit, tier=tier, nullable=nullable)  # type: ignore[arg-type]


def _key(name: str, type_: str, description: str) -> Column:
    return _column(name, type_, description, nullable=False)


TOPIC_SERIES = TableSpec(
    stage="anomalies", name="topic_series", key=("topic", "attribute", "value", "day", "known_day"), write="replace_days", partition_by="known_day",
    grain="one row per topic, attribute value, day it happened and day it became known", medallion="gold",
    description="People who complain, by topic and by what cuts the shop. People, not posts: one person counts once in 14 days, copied posts once.",
    columns=(
        _key("topic", "string", "Topic of the label set, or cart_abandonment"),
        _key("attribute", "string", "all, product_line, warehouse, carrier, region, channel or sku"),
        _key("value", "string", "Value of the attribute; all for all"),
        _key("day", "date", "Day it happened"),
        _key("known_day", "date", "Day it became known"),
        _column("observed", "bigint", "People", "people"),
    ),
)

SERIES_DAYS = TableSpec(
    stage="anomalies", name="series_days", key=("known_day",), write="replace_all", public=False, grain="one row per day on which mentions became known",
    description="What each day of topic_series was counted from; a day whose mentions changed is counted again.",
    columns=(
        _key("known_day", "date", "Day on which the mentions became known"),
        _column("mentions", "bigint", "Mentions counted", "mentions"),
        _column("fingerprint", "bigint", "Sum of checksums of (record, topic)"),
    ),
)

EXPOSURE_SERIES = TableSpec(
    stage="anomalies", name="exposure_series", key=("basis", "attribute", "value", "day", "known_day"), write="replace_all", public=False,
    grain="one row per basis, attribute value and day",
    description="What could have complained: shipped and ordered lines, sessions; records where none of these exist.",
    columns=(
        _key("basis", "string", "shipped, ordered, sessions or records"),
        _key("attribute", "string", "As in topic_series"),
        _key("value", "string", "Value of the attribute"),
        _key("day", "date", "Day"),
        _key("known_day", "date", "Day it became known; that day itself, except for records"),
        _column("units", "double", "Order lines, sessions or records", "count"),
    ),
)

COMPLAINT_LAGS = TableSpec(
    stage="anomalies", name="complaint_lags", key=("topic", "basis", "lag_days", "known_day"), write="replace_all", public=False,
    grain="one row per topic, basis, lag and day it became known", description="How long after order or parcel people complain.",
    columns=(
        _key("topic", "string", "Topic"),
        _key("basis", "string", "shipped or ordered"),
        _key("lag_days", "int", "Days from parcel or order to complaint, 0 to 60"),
        _key("known_day", "date", "Day it became known"),
        _column("count", "bigint", "People", "people"),
    ),
)

ANOMALIES = TableSpec(
    stage="anomalies", name="anomalies", key=("as_of_day", "topic", "attribute", "value"), write="replace_days", partition_by="as_of_day",
    grain="one row per judged day and series", medallion="gold",
    description="Every series as judged on every day with what was known by then: statistic, CUSUM, state of its incident. The next day goes on from here.",
    columns=(
        _key("as_of_day", "date", "Day that was judged"),
        _key("topic", "string", "Topic"),
        _key("attribute", "string", "Attribute of the series"),
        _key("value", "string", "Value of the attribute"),
        _column("basis", "string", "What the rate is per: shipped, ordered, sessions, or records (share model)"),
        _column("state", "string", "none, open, active, watching or resolved"),
        _column("opened_day", "date", "Day its incident opened"),
        _column("quiet_days", "int", "Quiet days in a row", "days"),
        _column("closed_day", "date", "Day its incident closed"),
        _column("reopened_count", "int", "How often it re-opened"),
        _column("detector", "string", "rate_scan or cusum, where it would open today"),
        _column("window_days", "int", "Window that says most", "days"),
        _column("observed", "bigint", "People in the window", "people"),
        _column("expected", "double", "People usual in the window", "people"),
        _column("lift", "double", "observed / expected", "times"),
        _column("p_value", "double", "Chance of so many in a quiet series", "0 to 1"),
        _column("z_peak", "double", "Largest calibrated z of the windows"),
        _column("z_1d", "double", "z over one day"),
        _column("z_3d", "double", "z over three days"),
        _column("z_7d", "double", "z over seven days"),
        _column("scale_1d", "double", "Calibration of z over one day"),
        _column("scale_3d", "double", "Calibration of z over three days"),
        _column("scale_7d", "double", "Calibration of z over seven days"),
        _column("cusum", "double", "Running excess"),
        _column("cusum_since", "date", "First day of the running excess"),
        _column("baseline_rate", "double", "Complaints per unit of the basis on usual days"),
        _column("dispersion", "double", "Dispersion after shrinking"),
        _column("p_bound", "double", "Chance below which the scan opened an incident that day", "0 to 1"),
        _column("cusum_bound", "double", "Running excess above which one opened that day"),
        _column("smallest_visible", "double", "Excess people in that window that would have opened an incident", "people"),
        _column("mentions_known", "bigint", "Mentions known by that day over all topics; tells whether the day must be judged again", "mentions"),
        *_RUN,
    ),
)

ISSUE_DAYS = TableSpec(
    stage="anomalies", name="issue_days", key=("as_of_day", "insight_id"), write="replace_days", partition_by="as_of_day", public=False,
    grain="one row per judged day and issue that runs or may re-open", description="Issues day by day; the state from which the next day goes on.",
    columns=(
        _key("as_of_day", "date", "Day that was judged"),
        _key("insight_id", "string", "Issue"),
        _column("topic", "string", "Topic"),
        _column("signal_topic", "string", "Monitored topic it is measured by"),
        _column("state", "string", "open, active, watching or resolved"),
        _column("opened_day", "date", "Day it opened"),
        _column("quiet_days", "int", "Quiet days in a row", "days"),
        _column("closed_day", "date", "Day it closed"),
        _column("reopened_count", "int", "How often it re-opened"),
        _column("scope", "map<string,string>", "Where the alarm rang"),
        _column("cause", "map<string,string>", "Best cause, closed under implication"),
        _column("cell", "map<string,string>", "Best cause as found"),
        _column("cause_status", "string", "cause, possible, tied or not_localised"),
        _column("cause_score", "double", "Log likelihood ratio less penalty"),
        _column("alternatives", "string", "JSON list of causes that cannot be told from it"),
        _column("onset_day", "date", "First day of the excess"),
        _column("last_seen_day", "date", "Last day that was not quiet"),
        _column("last_alarm_day", "date", "Last day on which a series rang"),
        _column("observed", "double", "People in the window", "people"),
        _column("expected", "double", "People usual in the window", "people"),
        _column("p_value", "double", "Chance of so many", "0 to 1"),
        _column("detector", "string", "What found it"),
        _column("reports", "array<string>", "Safety: the independent reports", tier="summary"),
        _column("mentions_known", "bigint", "As in anomalies", "mentions"),
        *_RUN,
    ),
)

ROOT_CAUSES = TableSpec(
    stage="anomalies", name="root_causes", key=("insight_id", "rank"), write="upsert_small", medallion="gold",
    grain="one row per insight and rate that matters", description="The cause of each insight, what cannot be told from it, and the rates beside it.",
    columns=(
        _key("insight_id", "string", "Insight"),
        _key("rank", "int", "Order within the insight, from 0"),
        _column("role", "string", "cause, alternative, outside (the same but for one attribute) or inside (cut by one more attribute)"),
        _column("compared", "string", "Attribute that differs"),
        _column("attributes", "map<string,string>", "Attribute -> value"),
        _column("text", "string", "In words: other packaging batches of WH-LEJ and glass lamps"),
        _column("observed", "bigint", "People", "people"),
        _column("lines", "double", "Order lines that could complain in the window, weighted by lag", "order lines"),
        _column("rate", "double", "observed / lines", "complaints per order line"),
        _column("p_value", "double", "inside: chance of so many if all parts were equal", "0 to 1"),
        _column("status", "string", "cause: cause, possible, tied or not_localised"),
        _column("score", "double", "cause: log likelihood ratio less penalty"),
        *_RUN,
    ),
)

INSIGHTS = TableSpec(
    stage="anomalies", name="insights", key=("insight_id",), write="upsert_small", medallion="gold", grain="one row per issue",
    description="What is rising, why, and what it is worth a day: one row an issue, kept for ever.",
    columns=(
        _key("insight_id", "string", "Stable id"),
        _column("topic", "string", "Topic of the label set"),
        _column("title", "string", "Topic, product, cause", tier="summary"),
        _column("state", "string", "open, active, watching or resolved"),
        _column("tier", "int", "1, 2 or 3"),
        _column("is_urgent", "boolean", "Reaches a person at once whatever its tier (safety)"),
        _column("provisional", "boolean", "Too little is reviewed to act outside the house"),
        _column("use_case", "string", "Use case whose question it answers"),
        _column("risk_per_day", "double", "Expected money at risk", _MONEY),
        _column("risk_per_day_p10", "double", "Its 10 % bound", _MONEY),
        _column("currency", "string", "Reporting currency"),
        _column("revenue_risk_per_day", "double", "Part: refunds", _MONEY),
        _column("churn_risk_per_day", "double", "Part: customers who leave", _MONEY),
        _column("operational_risk", "double", "Part: handling", _MONEY),
        _column("excess_per_day", "double", "People above usual, lately", "people per day"),
        _column("excess_per_day_p10", "double", "Its 10 % bound", "people per day"),
        _column("silent_factor", "double", "Affected orders per complaint", "times"),
        _column("order_value", "double", "Mean amount of an order line in scope", "reporting currency"),
        _column("cost_per_order", "double", "Refund, churn and handling per affected order", "reporting currency"),
        _column("flagship_factor", "double", "1 to 1.5 by the share of complaints on flagship SKUs"),
        _column("peak_factor", "double", "1 to 2 by running seasons and promotions"),
        _column("trend_factor", "double", "Growth expected over the next three days"),
        _column("daily_margin", "double", "The shop's margin a day, last 28 days", "reporting currency"),
        _column("is_rising", "boolean", "The excess does not fall"),
        _column("harm_at", "timestamp", "When it does harm", "UTC"),
        _column("harm_reason", "string", "Why then"),
        _column("confidence", "double", "How sure that it is a real issue of this topic", "0 to 1"),
        _column("customers_count", "bigint", "Distinct people in the window", "people"),
        _column("owner", "string", "Team that owns it"),
        _column("scope", "map<string,string>", "Attribute -> value it concerns"),
        _column("cause", "map<string,string>", "Attribute -> value; empty when not localised"),
        _column("cause_status", "string", "cause, possible, tied or not_localised"),
        _column("cause_alternatives", "string", "JSON list of causes that cannot be told from it"),
        _column("related_event", "string", "Policy or launch of the calendar that began just before the onset"),
        _column("onset_day", "date", "First day of the excess"),
        _column("opened_day", "date", "Day it was seen"),
        _column("last_seen_day", "date", "Last day that was not quiet"),
        _column("detected_at", "timestamp", "End of the day on which it could be seen", "UTC"),
        _column("first_said_at", "timestamp", "First record of the window", "UTC"),
        _column("window_start", "date", "First day of the figures"),
        _column("window_end", "date", "Last day of the figures"),
        _column("observed_count", "bigint", "People in the window", "people"),
        _column("expected_count", "double", "People usual in the window", "people"),
        _column("lift", "double", "observed / expected", "times"),
        _column("p_value", "double", "Chance of so many", "0 to 1"),
        _column("exposure_kind", "string", "What the rate is per: order lines (as shipped), ordered lines (nothing is known of parcels), sessions, reports, or records for want of orders"),
        _column("detector", "string", "rate_scan, cusum or safety_report"),
        _column("evidence_ids", "array<string>", "Most typical and most recent records, at most two a person", tier="summary"),
        _column("record_ids", "array<string>", "All records of the window, at most 500", tier="summary"),
        _column("recommended_step", "string", "One next step"),
        _column("verdict", "string", "confirmed, dismissed, duplicate or unknown, by a person"),
        _column("verdict_reason", "string", "Why", tier="summary"),
        _column("verdict_by", "string", "Who", tier="summary"),
        _column("verdict_at", "timestamp", "When", "UTC"),
        _column("judged_through_day", "date", "Last day that moved it"),
        *_RUN,
    ),
)

DATA_FINDINGS = TableSpec(
    stage="anomalies", name="data_findings", key=("finding_id",), write="upsert_small", medallion="gold", grain="one row per finding about the data",
    description="What is wrong with the data, not with the shop: a source that fell silent or delivers too much, a flood of copied posts.",
    columns=(
        _key("finding_id", "string", "Stable id"),
        _column("kind", "string", "source_silent, source_spike, source_late or copied_posts"),
        _column("source", "string", "Source it concerns"),
        _column("started_day", "date", "First day"),
        _column("ended_day", "date", "Last day"),
        _column("detected_day", "date", "Day it could be seen"),
        _column("is_over", "boolean", "Usual again by the last judged day"),
        _column("observed_count", "bigint", "Records", "records"),
        _column("expected_count", "double", "Records usual", "records"),
        _column("late_count", "bigint", "Records of those days that came later", "records"),
        _column("text", "string", "In words"),
        *_RUN,
    ),
)

FORECASTS = TableSpec(
    stage="anomalies", name="forecasts", key=("insight_id", "day"), write="replace_all", medallion="gold", grain="one row per open issue and day ahead",
    description="What is likely next for each open issue, with an interval and how often such intervals held (R68).",
    columns=(
        _key("insight_id", "string", "Insight"),
        _key("day", "date", "Day ahead"),
        _column("expected_people", "double", "Complaints expected", "people"),
        _column("low", "double", "10 % bound", "people"),
        _column("high", "double", "90 % bound", "people"),
        _column("backcheck_count", "int", "Past days checked", "days"),
        _column("backcheck_inside", "int", "Of those, inside the interval", "days"),
        *_RUN,
    ),
)

SENTIMENT_SHIFTS = TableSpec(
    stage="anomalies", name="sentiment_shifts", key=("event_id", "attribute", "value"), write="upsert_small", medallion="gold",
    grain="one row per policy and part of the shop", description="Whether sentiment changed after a policy: 14 days after against 28 before (R60).",
    columns=(
        _key("event_id", "string", "Policy of the calendar"),
        _key("attribute", "string", "all, channel or topic"),
        _key("value", "string", "Value of the attribute"),
        _column("event_name", "string", "Name of the policy"),
        _column("event_day", "date", "Day it began"),
        _column("before_mean", "double", "Mean sentiment before", "-1 to 1"),
        _column("after_mean", "double", "Mean sentiment after", "-1 to 1"),
        _column("change", "double", "after - before"),
        _column("change_low", "double", "2.5 % bound"),
        _column("change_high", "double", "97.5 % bound"),
        _column("before_count", "bigint", "Records before", "records"),
        _column("after_count", "bigint", "Records after", "records"),
        _column("p_value", "double", "Two-sided"),
        _column("is_shift", "boolean", "Rejected at a false discovery rate of 5 %"),
        *_RUN,
    ),
)

TABLES = (
    TOPIC_SERIES, SERIES_DAYS, EXPOSURE_SERIES, COMPLAINT_LAGS, ANOMALIES, ISSUE_DAYS, ROOT_CAUSES, INSIGHTS, DATA_FINDINGS, FORECASTS, SENTIMENT_SHIFTS,
    *SPLICE_TABLES, *SOUNDNESS,
)  # fmt: skip
