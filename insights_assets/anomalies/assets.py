"""Assets of the stage: counted series, judged days, insights with their causes, forecasts, findings about the data, sentiment
shifts; and what stands behind all of them: drift, corrected shares, the trust certificate.
"""

from typing import Any

import dagster as dg
import pandas as pd

from insights_assets.anomalies import build, build_context, build_drift, build_series, build_trust
from insights_assets.anomalies.incidents import OPEN
from insights_assets.anomalies.soundness_tables import CORRECTED_SHARES, DRIFT, TRUST_CERTIFICATE
from insights_assets.anomalies.splice_tables import LABEL_SPLICES, SPLICED_DAYS
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
from insights_assets.anomalies.trust import OVERALL
from insights_assets.canonical.tables import DUPLICATES, FEEDBACK, ORDERS, PRODUCTS, SESSIONS, SHIPMENTS, SOURCE_COMPLETENESS
from insights_assets.clusters.tables import EMBEDDINGS, THEME_MEMBERS, THEMES
from insights_assets.labels.models import active_version
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY, LABEL_VERSIONS
from insights_assets.labels.version_tables import RELABELLED
from insights_assets.resources import previews
from insights_assets.resources.memo import nothing_else
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets
from insights_assets.sources.tables import BRONZE


@table_assets(
    TOPIC_SERIES, SERIES_DAYS, EXPOSURE_SERIES, COMPLAINT_LAGS, LABEL_SPLICES, SPLICED_DAYS,
    reads=(FEEDBACK, FEEDBACK_LABELS, LABEL_VERSIONS, RELABELLED, SHIPMENTS, ORDERS, SESSIONS, TOPIC_SERIES, SERIES_DAYS, COMPLAINT_LAGS, LABEL_SPLICES), heavy=True, memo=nothing_else,
)
def topic_series(step: Step) -> None:
    """People who complain, by topic and place, beside what could have complained."""
    done = build_series.build_series(step)
    step.note(TOPIC_SERIES, days_counted=done.days, mentions=done.mentions, days_spliced=done.spliced)


@table_assets(ANOMALIES, reads=(TOPIC_SERIES, SERIES_DAYS, EXPOSURE_SERIES, COMPLAINT_LAGS, SPLICED_DAYS, ANOMALIES))
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
        ANOMALIES, FEEDBACK, FEEDBACK_LABELS, LABEL_QUALITY, SHIPMENTS, ORDERS, SESSIONS, PRODUCTS, BRONZE["calendar"], COMPLAINT_LAGS, SPLICED_DAYS,
        INSIGHTS, ISSUE_DAYS,
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


@table_assets(DATA_FINDINGS, reads=(FEEDBACK, DUPLICATES, DATA_FINDINGS), heavy=True, memo=nothing_else)
def data_findings(step: Step) -> None:
    """What is wrong with the data rather than with the shop."""
    step.note(DATA_FINDINGS, findings=build_context.build_data_findings(step))


@table_assets(SENTIMENT_SHIFTS, reads=(FEEDBACK, FEEDBACK_LABELS, ORDERS, PRODUCTS, BRONZE["calendar"], SENTIMENT_SHIFTS), heavy=True, memo=nothing_else)
def sentiment_shifts(step: Step) -> None:
    """Whether sentiment changed after a policy."""
    step.note(SENTIMENT_SHIFTS, parts_shifted=build_context.build_sentiment_shifts(step))


def model_in_force(step: Step) -> str:
    """What drift depends on beside its tables: whose confidence is looked at."""
    return active_version(step.settings.home, step.operations)


@table_assets(
    DRIFT, reads=(FEEDBACK, FEEDBACK_LABELS, THEMES, THEME_MEMBERS, EMBEDDINGS, PRODUCTS, BRONZE["calendar"], INSIGHTS, DRIFT), memo=model_in_force,
)
def drift(step: Step) -> None:
    """Whether what comes in still looks like before, window by window."""
    rows = build_drift.build_drift(step)
    material = [row for row in rows if row["is_material"]]
    step.note(
        DRIFT, windows_judged=len({row["as_of_day"] for row in rows}), material_rows=len(material),
        latest="; ".join(row["reason"] for row in material if row["as_of_day"] == rows[-1]["as_of_day"]) or "nothing material",
    )


@table_assets(CORRECTED_SHARES, reads=(FEEDBACK, FEEDBACK_LABELS, LABEL_QUALITY), memo=nothing_else)
def corrected_shares(step: Step) -> None:
    """Weekly shares of topics, corrected for what reviewers found wrong with the labels."""
    rows = build_trust.build_corrected_shares(step)
    step.note(CORRECTED_SHARES, topics_corrected=len({row["topic"] for row in rows if row["answer"] == "corrected"}))


def reviews_done(step: Step) -> str:
    """What the certificate depends on beside its tables: how far model reviews went."""
    return step.operations.facts.get(build_trust.REVIEWED_THROUGH) or ""


@table_assets(
    TRUST_CERTIFICATE, reads=(SOURCE_COMPLETENESS, DATA_FINDINGS, FEEDBACK, LABEL_QUALITY, DRIFT, CORRECTED_SHARES, TRUST_CERTIFICATE), memo=reviews_done,
    checks=(
        Check("inputs_may_be_published", TRUST_CERTIFICATE, "Every record is accounted for and no text holds a contact detail; otherwise nothing is published.", blocking=True),
        Check("inputs_are_trusted", TRUST_CERTIFICATE, "No condition of the certificate fails; otherwise `insights answer` ends with 3.", blocking=False,
              severity=dg.AssetCheckSeverity.WARN),
    ),
)  # fmt: skip
def trust_certificate(step: Step) -> None:
    """Whether the inputs of today's figures are sound: condition by condition, and overall."""
    rows = build_trust.build_certificate(step)
    failed = {row["condition"]: row["reason"] for row in rows if row["answer"] == "fail" and row["condition"] != OVERALL}
    step.check("inputs_may_be_published", not any(row["stops_publication"] and row["answer"] == "fail" for row in rows), failed=failed)
    step.check("inputs_are_trusted", rows[-1]["answer"] != "fail", failed=failed)
    step.note(TRUST_CERTIFICATE, answer=rows[-1]["answer"], reason=rows[-1]["reason"])


ASSETS = [topic_series, anomalies, insights, data_findings, sentiment_shifts, drift, corrected_shares, trust_certificate]
