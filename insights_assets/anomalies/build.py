"""Building the stage's tables: which days need work, what is read for them, and the rows. Called by the assets with a `Step`.

Work to do is computed from the tables, so a lost tick or a repeated run changes nothing. Every body first asks for days; with
none it reads little and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from insights_assets.anomalies import insights as writing
from insights_assets.anomalies import series, splices, topics
from insights_assets.anomalies.forecasts import forecast
from insights_assets.anomalies.incidents import RESOLVED, RUNNING, IncidentRules
from insights_assets.anomalies.issues import Issue
from insights_assets.anomalies.judging import MEMORY_DAYS, days_to_judge, judge_days, known_by_day
from insights_assets.anomalies.lags import MAX_LAG
from insights_assets.anomalies.leaves import Ledger, build_ledger
from insights_assets.anomalies.panel import build_panel, day_numbers, lag_model
from insights_assets.anomalies.priority import rules_of
from insights_assets.anomalies.safety import named_by_orders
from insights_assets.anomalies.scopes import Business, Event, business_of, events_of
from insights_assets.anomalies.situations import REACH, situate
from insights_assets.anomalies.splice_tables import SPLICED_DAYS
from insights_assets.anomalies.tables import (
    ANOMALIES,
    COMPLAINT_LAGS,
    EXPOSURE_SERIES,
    FORECASTS,
    INSIGHTS,
    ISSUE_DAYS,
    ROOT_CAUSES,
    SERIES_DAYS,
    TOPIC_SERIES,
)
from insights_assets.anomalies.tracking import ROW as ISSUE_ROW
from insights_assets.anomalies.tracking import TrackingRules, from_rows, to_rows, track
from insights_assets.canonical.tables import FEEDBACK, ORDERS, PRODUCTS, SESSIONS, SHIPMENTS
from insights_assets.engine.bounds import pandas_on_driver
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY
from insights_assets.lake.together import together
from insights_assets.resources.clock import end_of_day
from insights_assets.sources.tables import BRONZE

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step

#: Days of history before the first judgement: below it nothing is usual yet.
WARM_UP_DAYS = 28
#: Lines beyond which the cause search works on a sample.
LINES_AT_MOST = 600_000

def build_anomalies(step: Step) -> pd.DataFrame | None:
    """Judge the days that are new, or of which more became known. Returns the rows, or None where there was nothing to do."""
    from pyspark.sql import functions as F

    known = _mentions_known(step)
    if not known:
        return None
    last, first = day_number(step.as_of), min(known) + WARM_UP_DAYS
    stored = _stored_days(step, ANOMALIES)
    days = days_to_judge(known_by_day(known, first, last), stored, min(stored, default=first), last)
    if not days:
        return None
    start = date_of(days[0])
    recent = step.read(TOPIC_SERIES).where((F.col("day") >= start - timedelta(days=MEMORY_DAYS + 7)) & (F.col("known_day") <= step.as_of))
    counts, seam = pandas_on_driver(recent, "the series of topics and scopes"), step.read_pandas(SPLICED_DAYS)
    panel = build_panel(
        splices.spliced(counts, seam), step.read_pandas(EXPOSURE_SERIES), step.read_pandas(COMPLAINT_LAGS), as_of=last, splice_variance=splices.doubt(counts, seam)
    )
    earlier = step.read(ANOMALIES).where((F.col("as_of_day") < start) & (F.col("as_of_day") >= start - timedelta(days=MEMORY_DAYS)))
    rows = judge_days(panel, days, stored=pandas_on_driver(earlier, "what was judged of the last days"), mentions_known=known_by_day(known, days[0], last))
    if rows.empty:
        return None
    step.write(ANOMALIES, rows.assign(run_id=step.run_id), days=[date_of(day) for day in days])
    return rows


def build_issues(step: Step) -> dict[str, Any]:
    """Issues of the days that were judged since: their days, causes, insights and forecasts. The days are written last.

    They are what the next run goes on from, so a run that died on the way does all of it again.
    """
    judged, stored = _stored_days(step, ANOMALIES), _stored_days(step, ISSUE_DAYS)
    again = [day for day in stored if stored[day] != judged.get(day)]
    done = max(stored, default=min(judged, default=0) - 1)
    days = sorted(day for day in judged if day > done or (again and day >= min(again)))
    if days:
        _judge_issues(step, days, judged)
    rows = step.read_pandas(INSIGHTS)
    if not rows.empty:
        step.write(INSIGHTS, _with_verdicts(step, rows))
    running = rows[rows["state"].isin(RUNNING)] if not rows.empty else rows
    return {"days_judged": len(days), "insights": len(rows), "insights_running": len(running)}


def _judge_issues(step: Step, days: list[int], judged: dict[int, int]) -> None:
    import pandas as pd
    from pyspark.sql import functions as F

    first, last = date_of(days[0]), date_of(days[-1])
    opened = step.read(ANOMALIES).where((F.col("as_of_day") >= first) & (F.col("as_of_day") <= last))
    alarming = pandas_on_driver(opened.where("state = 'open' OR z_peak >= 2"), "alarms of the days to judge")
    earlier = step.read(ISSUE_DAYS).where(F.col("as_of_day") == first - timedelta(days=1)).select(*ISSUE_ROW).toArrow()
    before = from_rows(_with_maps(earlier.to_pandas(maps_as_pydicts="strict")), days[0] - 1)
    ledger, occurred = build_evidence(step, first, last)
    rules = TrackingRules(life=IncidentRules(reopen_days=step.shop.policy.alerts.reopens_within_days))
    by_day = track(ledger, alarming, days, before=before, rules=rules)
    final: dict[str, tuple[int, Issue]] = {issue.insight_id: (day, issue) for day in days for issue in by_day[day]}
    business = read_business(step)
    shop = step.shop
    pen = writing.Writing(
        shop, business, rules_of(shop.policy.tiers, shop.policy.harm_horizon_days, shop.policy.thresholds.safety_reports_for_tier_1),
        lambda day: end_of_day(date_of(day), step.zone), occurred, _proven_topics(step),
    )  # fmt: skip
    rows, causes = writing.insight_rows(ledger, final.values(), pen)
    stamp = {"run_id": step.run_id}
    gone = withdrawn(step.read_pandas(INSIGHTS), set(final), [date_of(day) for day in days])
    if not gone.empty:
        step.write(INSIGHTS, gone)
    if rows:
        step.write(ROOT_CAUSES, pd.DataFrame([{**row, **stamp} for row in causes], columns=ROOT_CAUSES.column_names))
        step.write(INSIGHTS, pd.DataFrame([{**row, **stamp} for row in rows], columns=INSIGHTS.column_names))
    ahead = _forecast_rows(ledger, days[-1], by_day[days[-1]])
    step.write(FORECASTS, pd.DataFrame([{**row, **stamp} for row in ahead], columns=FORECASTS.column_names))
    step.write(ISSUE_DAYS, to_rows(by_day, judged).assign(run_id=step.run_id), days=[date_of(day) for day in days])


def withdrawn(stored: pd.DataFrame, found: set[str], days: list[date]) -> pd.DataFrame:
    """Rows of issues that an earlier judgement of the same day opened and this one does not see: they are over, and stay told.

    Only today can be judged again (corrected labels, files that came late in the day), so only what opened on these days can be gone.
    """
    if stored.empty:
        return stored
    gone = stored[stored["opened_day"].isin(days) & stored["state"].isin(RUNNING) & ~stored["insight_id"].isin(found)]
    return gone.assign(state=RESOLVED, is_rising=False, judged_through_day=days[-1])


def build_evidence(step: Step, first: date, last: date) -> tuple[Ledger, dict[str, Any]]:
    """Mentions and lines that the days [first, last] can need, and when each record was said."""
    from pyspark.sql import functions as F

    reach = first - timedelta(days=REACH + 21)
    feedback = step.read(FEEDBACK).where((F.col("known_day") <= last) & (F.col("occurred_day") >= reach))
    mentions = series.mentions(feedback, step.read(FEEDBACK_LABELS)).drop("received_day")

    def delivered(basis: str, spec: TableSpec, exposed: Callable[..., DataFrame]) -> pd.DataFrame:
        column = f"{basis}_day"
        lines = step.read(spec).where((F.col(column) >= reach - timedelta(days=MAX_LAG)) & (F.col(column) <= last))
        rows = step.lake.row_count(spec)  # by the log; counting these lines is worth it only where all might be too many
        return pandas_on_driver(exposed(lines, LINES_AT_MOST, rows if rows <= LINES_AT_MOST else lines.count()), f"{basis} lines")

    sessions = step.read(SESSIONS).where((F.col("occurred_day") >= reach) & (F.col("occurred_day") <= last))
    said, shipped, ordered, visited = together([
        partial(pandas_on_driver, mentions, "complaints of the days to judge"),
        partial(delivered, "shipped", SHIPMENTS, series.exposed_lines), partial(delivered, "ordered", ORDERS, series.exposed_orders),
        partial(pandas_on_driver, series.exposed_sessions(sessions), "sessions by day"),
    ])  # fmt: skip
    said, seam = _named_by_orders(step, said), step.read_pandas(SPLICED_DAYS)
    said = said.assign(weight=splices.weights(said, seam)) if len(seam) else said
    sides = {basis: lines for basis, lines in (("shipped", shipped), ("ordered", ordered)) if len(lines)}
    if not sides:
        sides["records"] = pandas_on_driver(series.exposed_records(feedback), "records by day")
    if len(visited):
        sides["sessions"] = visited
    bases = frozenset(sides) | {"records"}
    lags = lag_model(step.read_pandas(COMPLAINT_LAGS), day_number(last))
    import pandas as pd

    times = pd.to_datetime(said["occurred_at"], utc=True)
    occurred = {ref: stamp.to_pydatetime() for ref, stamp in zip(said["feedback_id"], times, strict=True)}
    return build_ledger(said, sides, lags, bases), occurred


def _named_by_orders(step: Step, said: pd.DataFrame) -> pd.DataFrame:
    """Safety reports about an order of several lines, named by what was reported before (`safety.named_by_orders`)."""
    from pyspark.sql import functions as F

    unnamed = said[said["topic"].isin(topics.BY_REPORT) & said["sku"].isna() & said["order_id"].notna()]
    if unnamed.empty:
        return said
    lines = step.read(ORDERS).where(F.col("order_id").isin(sorted(set(unnamed["order_id"])))).select("order_id", "sku").toPandas()
    return named_by_orders(said, lines)


def read_business(step: Step) -> Business:
    """Products, sales and the calendar, on the driver."""
    from pyspark.sql import functions as F

    # Whole numbers: a sum of floats would end in what the order of the rows happened to be.
    amount = F.round(F.col("amount") * 10_000).cast("bigint")
    sold = step.read(ORDERS).where(F.col("ordered_day") <= step.as_of).groupBy("sku", "ordered_day").agg(
        F.count("*").alias("lines"), (F.sum(amount) / 1e4).alias("amount"), F.sum("quantity").alias("quantity")
    )  # fmt: skip
    return business_of(step.read_pandas(PRODUCTS), sold.toPandas(), read_events(step))


def read_events(step: Step) -> tuple[Event, ...]:
    """The shop's calendar."""
    from pyspark.sql import functions as F

    events = step.read(BRONZE["calendar"]).select(
        "event_id", F.lower("kind").alias("kind"), "name", F.col("happened_day").alias("starts_day"),
        F.to_date(F.from_utc_timestamp(F.expr("ends_at - INTERVAL 1 SECOND"), step.zone)).alias("ends_day"), "skus", "regions",
    )  # fmt: skip
    return events_of(events.toPandas())


def _forecast_rows(ledger: Ledger, day: int, issues: list[Issue]) -> list[dict[str, Any]]:
    rows = []
    for issue in issues:
        if not issue.incident.is_running or issue.topic in topics.BY_REPORT:
            continue
        situation = situate(ledger, issue.signal_topic, day, baseline_end=max(issue.onset, day - 56))
        observed, expected = situation.daily(issue.place, max(issue.onset, day - 41))
        ahead = forecast(observed, expected)
        rows += [
            {
                "insight_id": issue.insight_id, "day": date_of(day + 1 + i), "expected_people": float(ahead.mean[i]), "low": float(ahead.low[i]),
                "high": float(ahead.high[i]), "backcheck_count": ahead.checked, "backcheck_inside": ahead.inside,
            }
            for i in range(len(ahead.mean))
        ]  # fmt: skip
    return rows


def _mentions_known(step: Step) -> dict[int, int]:
    """Mentions by the day they became known."""
    rows = step.read_pandas(SERIES_DAYS)
    return {int(day): int(count) for day, count in zip(day_numbers(rows["known_day"]), rows["mentions"], strict=True)}


def _stored_days(step: Step, spec: Any) -> dict[int, int]:
    """Judged days of a table with the mentions that were known then."""
    from pyspark.sql import functions as F

    rows = step.read(spec).groupBy("as_of_day").agg(F.max("mentions_known").alias("mentions_known")).toPandas()
    return {int(day): int(count) for day, count in zip(day_numbers(rows["as_of_day"]), rows["mentions_known"], strict=True)}


def _proven_topics(step: Step) -> frozenset[str]:
    """Topics whose labels passed their gate; insights of all others are provisional."""
    rows = step.read_pandas(LABEL_QUALITY)
    return frozenset(rows[rows["gate"] == "pass"]["topic"]) if not rows.empty else frozenset()


def _with_maps(rows: pd.DataFrame) -> pd.DataFrame:
    for name in ("scope", "cause", "cell"):
        rows[name] = [dict(value or ()) for value in rows[name]]
    return rows


def _with_verdicts(step: Step, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what people judged since, and with what the label gate says now."""
    latest = step.operations.verdicts.latest()
    proven = _proven_topics(step)
    records = rows.to_dict("records")
    for row in records:
        row["provisional"] = row["topic"] not in proven
        verdict = latest.get(row["insight_id"])
        if verdict is not None:
            row |= {"verdict": verdict.verdict, "verdict_reason": verdict.reason, "verdict_by": verdict.given_by, "verdict_at": verdict.given_at}
    import pandas as pd

    return pd.DataFrame(records, columns=INSIGHTS.column_names)


def date_of(day: int) -> date:
    """A day number as a date."""
    return date(1970, 1, 1) + timedelta(days=day)


def day_number(day: date) -> int:
    """A date as a day number."""
    return (day - date(1970, 1, 1)).days
