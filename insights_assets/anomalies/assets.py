"""Assets of the stage: counted series, judged days, insights with their causes, forecasts, findings about the data, sentiment shifts."""

from typing import Any

import pandas as pd

from insights_assets.anomalies import build, build_context
from insights_assets.anomalies.incidents import OPEN
from insights_assets.anomalies.tables import (
    ANOMALIES,
    COMPLAINT_LAGS,
    DATA_FINDINGS,
    EXPOSURE_SERIES,
    FORECASTS,
    INSIGHTS,
    ISSUE_DAYS,
    ROOT_CAUSES,
    SENTIMENT_SHIFTS,
    SERIES_DAYS,
    TOPIC_SERIES,
)
from insights_assets.canonical.tables import DUPLICATES, FEEDBACK, ORDERS, PRODUCTS, SESSIONS, SHIPMENTS
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY
from insights_assets.resources import previews
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets
from insights_assets.sources.tables import BRONZE


@table_assets(
    TOPIC_SERIES, SERIES_DAYS, EXPOSURE_SERIES, COMPLAINT_LAGS,
    reads=(FEEDBACK, FEEDBACK_LABELS, SHIPMENTS, ORDERS, SESSIONS, TOPIC_SERIES, SERIES_DAYS, COMPLAINT_LAGS), heavy=True,
)
def topic_series(step: Step) -> None:
    """People who complain, by topic and place, beside what could have complained."""
    done = build.build_series(step)
    step.note(TOPIC_SERIES, days_counted=done.days, mentions=done.mentions)


@table_assets(ANOMALIES, reads=(TOPIC_SERIES, SERIES_DAYS, EXPOSURE_SERIES, COMPLAINT_LAGS, ANOMALIES))
def anomalies(step: Step) -> None:
    """Every series judged on every day with what was known by then."""
    rows = build.build_anomalies(step)
    if rows is None:
        step.note(ANOMALIES, days_judged=0)
        return
    today = rows[rows["as_of_day"] == rows["as_of_day"].max()]
    roof = today[(today["attribute"] == "all")]
    step.note(
        ANOMALIES, days_judged=rows["as_of_day"].nunique(), series_judged=len(today), series_opened=int((rows["state"] == OPEN).sum()),
        smallest_visible_excess=round(float(roof["smallest_visible"].median()), 1) if len(roof) else 0.0,
    )


@table_assets(
    ROOT_CAUSES, INSIGHTS, FORECASTS, ISSUE_DAYS,
    reads=(
        ANOMALIES, FEEDBACK, FEEDBACK_LABELS, LABEL_QUALITY, SHIPMENTS, ORDERS, SESSIONS, PRODUCTS, BRONZE["calendar"], COMPLAINT_LAGS, INSIGHTS,
        ISSUE_DAYS,
    ),
    checks=(
        Check("insights_are_distinct", INSIGHTS, "No two running insights share topic and cause.", blocking=True),
        Check("risk_is_sum_of_parts", INSIGHTS, "Money at risk is the sum of its three parts (R130).", blocking=True),
    ),
)
def insights(step: Step) -> None:
    """One insight per issue: what is rising, why, what it is worth a day, and the next step."""
    step.note(INSIGHTS, **build.build_issues(step))
    rows = step.read_pandas(INSIGHTS)
    step.note(INSIGHTS, preview=_running(rows, step.settings.console_url), console=previews.link(step.settings.console_url))
    running = rows[~rows["state"].isin(["resolved"]) & (rows["topic"] != "safety")]
    places = [(row.topic, tuple(sorted((row.cause or {}).items()))) for row in running.itertuples(index=False) if row.cause]
    step.check("insights_are_distinct", len(places) == len(set(places)), running=len(running))
    parts = rows["revenue_risk_per_day"] + rows["churn_risk_per_day"] + rows["operational_risk"]
    apart = int(((rows["risk_per_day"] - parts).abs() > 0.02).sum()) if len(rows) else 0
    step.check("risk_is_sum_of_parts", apart == 0, insights=len(rows), apart=apart)


def _running(rows: pd.DataFrame, console: str) -> Any:
    """Running issues, dearest first, each with its page in the console."""
    running = rows[rows["state"] != "resolved"].sort_values(["tier", "risk_per_day"], ascending=[True, False])
    shown = [
        {**row, "risk": round(row["risk_per_day"]) if row["risk_per_day"] == row["risk_per_day"] else None, "page": previews.Link.to("open", f"{console}/insight?insight={row['insight_id']}")}
        for row in running[["insight_id", "tier", "title", "customers_count", "risk_per_day"]].to_dict("records")
    ]
    return previews.table(shown, {"Tier": "tier", "Issue": "title", "People": "customers_count", "At risk a day": "risk", "Console": "page"})


@table_assets(DATA_FINDINGS, reads=(FEEDBACK, DUPLICATES, DATA_FINDINGS))
def data_findings(step: Step) -> None:
    """What is wrong with the data rather than with the shop."""
    step.note(DATA_FINDINGS, findings=build_context.build_data_findings(step))


@table_assets(SENTIMENT_SHIFTS, reads=(FEEDBACK, FEEDBACK_LABELS, ORDERS, PRODUCTS, BRONZE["calendar"], SENTIMENT_SHIFTS))
def sentiment_shifts(step: Step) -> None:
    """Whether sentiment changed after a policy."""
    step.note(SENTIMENT_SHIFTS, parts_shifted=build_context.build_sentiment_shifts(step))


ASSETS = [topic_series, anomalies, insights, data_findings, sentiment_shifts]
