"""Change preview: what a prompt, label set, rules or classifier would do, before it does (design, promise 4).

Belongs here: the order of the work and the rows. Does not belong here: how labels come out (`relabelling`, `asking_ahead`), how they are compared.
It reads the live tables and writes to a shadow of them alone. Two sides are replayed: labels as they are, and labels as they would be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from insights_assets.actions import wording
from insights_assets.anomalies.judging import MEMORY_DAYS
from insights_assets.anomalies.series import KNOWN_GAP_DAYS
from insights_assets.anomalies.situations import REACH
from insights_assets.anomalies.splices import without_splices
from insights_assets.anomalies.tables import ANOMALIES, TOPIC_SERIES
from insights_assets.anomalies.versions import Ratio, paired_ratio
from insights_assets.labels.prompt_versions import active_label_set
from insights_assets.labels.renaming import fresh_topics
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.rehearsal.asking_ahead import AskedAhead, ask_ahead, free_of_calls
from insights_assets.rehearsal.change import Change
from insights_assets.rehearsal.findings import KINDS, Finding
from insights_assets.rehearsal.flips import Looked, flip_findings
from insights_assets.rehearsal.insight_changes import insight_findings
from insights_assets.rehearsal.relabelling import changed_labels
from insights_assets.rehearsal.replay import first_day, replay
from insights_assets.rehearsal.ticket_evidence import open_tickets, said_by, ticket_findings, unnamed_count
from insights_assets.rehearsal.trends import UNKNOWN_DISPERSION, trend_finding, weeks_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step

#: Days that are judged again on both sides.
DAYS = 28
#: Distinct texts a prompt is asked about unless a person says otherwise.
SAMPLE = 200
#: Days before the replayed ones that their baselines, and the people counted in them, reach back to.
_BEFORE = max(MEMORY_DAYS + 7, REACH + 21) + KNOWN_GAP_DAYS
_SCRATCH = ("preview_new", "preview_changed", "preview_both", "preview_moves", "preview_texts")


@dataclass(frozen=True)
class Preview:
    """All findings of one change, in the order of telling."""

    preview_id: str
    change: Change
    as_of: date
    findings: tuple[Finding, ...]

    def rows(self, **stamp: Any) -> list[dict[str, Any]]:
        head = {
            "preview_id": self.preview_id, "change_kind": self.change.kind, "version": self.change.version, "against_version": self.change.against, "as_of_day": self.as_of,
        }
        return [one.row(**head, place=place, **stamp) for place, one in enumerate(self.findings)]


def preview_change(step: Step, change: Change, *, sample: int = SAMPLE, days: int = DAYS) -> Preview:
    """Everything a change would do, judged up to the step's as-of day."""
    first = first_day(step, days) or step.as_of
    reach = first - timedelta(days=_BEFORE)
    try:
        findings = _by_sample(step, change, first, reach, sample) if change.prompt is not None else _worked_out(step, change, first, reach)
    finally:
        step.lake.clear_scratch(*_SCRATCH)
    ordered = sorted([_summary(change, findings), *findings], key=lambda one: KINDS.index(one.finding))
    return Preview(_preview_id(step, change, sample), change, step.as_of, tuple(ordered))


def _worked_out(step: Step, change: Change, first: date, reach: date) -> list[Finding]:
    """A change that needs no model: every record is labelled again."""
    from pyspark.sql import functions as F

    changed = changed_labels(step, change, reach)
    looked = Looked(step.read(FEEDBACK_LABELS).where(F.col("received_day") >= F.lit(reach)).count())
    cost = free_of_calls(step, reach, asks_anew=change.kind == "label_set")
    new = fresh_topics(active_label_set(step.operations), change.label_set) if change.label_set is not None else ()
    unheard = [
        Finding("flip", topic, "unknown", f"{topic} is new: no record has it until a classifier was trained on it or a model is asked") for topic in new
    ]
    return [*flip_findings(step, changed, looked), *unheard, *_consequences(step, changed, first), cost]


def _by_sample(step: Step, change: Change, first: date, reach: date, sample: int) -> list[Finding]:
    """A prompt: what the sample says, and where it is the whole, what follows from it to the record."""
    assert change.prompt is not None
    tickets = open_tickets(step)
    asked = ask_ahead(step, change.prompt, reach, sample=sample, evidence={one for ticket in tickets for one in ticket["records"]})
    changed = _frame(step, asked.changed)
    if asked.is_whole:
        return [*flip_findings(step, changed, asked.looked), *_consequences(step, changed, first), asked.cost]
    from pyspark.sql import functions as F

    drawn = step.lake.scratch("preview_new", changed.where(F.col("feedback_id").isin(sorted(asked.drawn))))
    after, before = said_by(step, _over(step, changed), _evidence(tickets)), said_by(step, step.read(FEEDBACK_LABELS), _evidence(tickets))
    untold = Finding(
        "insight", "all", "not_replayed", f"insights are judged again only when every text was asked: {asked.looked.sampled_texts:,} of {asked.looked.population_texts:,} were"
    )
    return [*flip_findings(step, drawn, asked.looked), *_sampled_trends(step, asked, drawn), untold, *_tickets(step, tickets, before, after), asked.cost]


def _consequences(step: Step, changed: DataFrame, first: date) -> list[Finding]:
    """Trends, insights and tickets, from labels that are known for every record."""
    labels = _over(step, changed)
    frames: Mapping[TableSpec, DataFrame] = {FEEDBACK_LABELS: labels, **without_splices(step)}
    now, then = replay(step, "before", first), replay(step, "after", first, frames)
    tickets = open_tickets(step)
    before, after = (said_by(step, one, _evidence(tickets)) for one in (step.read(FEEDBACK_LABELS), labels))
    old, new = _daily(now.series.to_dict("records")), _daily(then.series.to_dict("records"))
    spread = _dispersions(step)
    trends = [
        trend_finding(topic, weeks_of(old.get(topic, {}), step.as_of, spread.get(topic, UNKNOWN_DISPERSION), after=new.get(topic, {}))) for topic in sorted({*old, *new})
    ]
    return [*_in_order(trends), *insight_findings(now.insights, then.insights), *_tickets(step, tickets, before, after)]


def _sampled_trends(step: Step, asked: AskedAhead, drawn: DataFrame) -> list[Finding]:
    """The ratio of people in the sample, for the share of each topic's people that rests on the model at all."""
    from pyspark.sql import functions as F

    before, after = said_by(step, step.read(FEEDBACK_LABELS), asked.drawn), said_by(step, _over(step, drawn), asked.drawn)
    whole = step.read(TOPIC_SERIES).where("attribute = 'all'").groupBy("topic", "day").agg(F.sum("observed").alias("observed")).toArrow().to_pylist()
    old, spread, shares = _daily(whole), _dispersions(step), _model_shares(step)
    found = []
    for topic in sorted({*old, *(topic for _, topic in before | after)}):
        mine, theirs = ({one for one, name in side if name == topic} for side in (before, after))
        ratio = paired_ratio(len(mine & theirs), len(mine - theirs), len(theirs - mine))
        part = shares.get(topic, 0.0)
        mixed = Ratio(1.0 + part * (ratio.factor - 1.0), ratio.variance * (part * ratio.factor / max(1.0 + part * (ratio.factor - 1.0), 1e-9)) ** 2)
        found.append(trend_finding(topic, weeks_of(old.get(topic, {}), step.as_of, spread.get(topic, UNKNOWN_DISPERSION), ratio=mixed), mixed))
    return _in_order(found)


def _model_shares(step: Step) -> dict[str, float]:
    """Topic -> share of the labels with it that rest on a model's reply."""
    from pyspark.sql import functions as F

    each = step.read(FEEDBACK_LABELS).select((F.col("prompt_version") != "none").cast("double").alias("by_model"), F.explode("topics.topic").alias("topic"))
    return {row["topic"]: row["share"] for row in each.groupBy("topic").agg(F.avg("by_model").alias("share")).toArrow().to_pylist()}


def _tickets(step: Step, tickets: Sequence[Mapping[str, Any]], before: set[tuple[str, str]], after: set[tuple[str, str]]) -> list[Finding]:
    found = ticket_findings(tickets, before, after)
    unnamed = unnamed_count(step)
    if unnamed:
        found.append(Finding("ticket", "repeated questions", "not_looked_at", f"{unnamed:,} actions on repeated questions name no records of an insight; they are not looked at", count=unnamed))
    return found


def _evidence(tickets: Sequence[Mapping[str, Any]]) -> set[str]:
    return {one for ticket in tickets for one in ticket["records"]}


def _over(step: Step, changed: DataFrame) -> DataFrame:
    """Every label, the changed ones in place of the stored."""
    columns = FEEDBACK_LABELS.column_names
    return step.read(FEEDBACK_LABELS).join(changed.select("feedback_id"), "feedback_id", "left_anti").select(*columns).unionByName(changed.select(*columns))


def _frame(step: Step, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    import pyarrow as pa

    from insights_assets.labels.relabel import beside, is_same
    from insights_assets.lake.conform import arrow_to_spark

    kinds = [pa.field(one.name, one.type) for one in FEEDBACK_LABELS.arrow_schema]
    table = pa.table({one.name: pa.array([row[one.name] for row in rows], one.type) for one in kinds}, pa.schema(kinds))
    answered = step.lake.scratch("preview_new", arrow_to_spark(table, step.lake.spark))
    differs = beside(answered, step.read(FEEDBACK_LABELS), ["feedback_id"]).where(~is_same()).select("feedback_id")
    return step.lake.scratch("preview_changed", answered.join(differs, "feedback_id", "left_semi").select(*FEEDBACK_LABELS.column_names))


def _daily(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[date, float]]:
    found: dict[str, dict[date, float]] = {}
    for row in rows:
        found.setdefault(str(row["topic"]), {})[row["day"]] = float(row["observed"])
    return found


def _dispersions(step: Step) -> dict[str, float]:
    """What the detector last took for the dispersion of each topic's whole line."""
    rows = step.read(ANOMALIES).where("attribute = 'all' AND dispersion IS NOT NULL").select("topic", "as_of_day", "dispersion").toArrow().to_pylist()
    return {row["topic"]: float(row["dispersion"]) for row in sorted(rows, key=lambda row: row["as_of_day"])}


def _in_order(trends: Sequence[Finding | None]) -> list[Finding]:
    order = {"leaves": 0, "may_leave": 1, "holds": 2}
    return sorted((one for one in trends if one is not None), key=lambda one: (order[one.answer], one.subject))


def _summary(change: Change, findings: Sequence[Finding]) -> Finding:
    def counted(kind: str, *answers: str) -> int:
        return sum(one.finding == kind and one.answer in answers for one in findings)

    flips = next(one for one in findings if one.finding == "flip" and one.subject == "records")
    cost = next(one for one in findings if one.finding == "cost")
    if flips.answer == "unknown":
        return Finding(
            "summary", "all", "unknown", f"{change.version} instead of {change.against}: {flips.words}", low=0.0, high=1.0, sampled_count=0,
            population_count=flips.population_count, calls_count=cost.calls_count, tokens=cost.tokens, cost=cost.cost, currency=cost.currency,
        )
    bends, tickets = counted("trend", "leaves"), counted("ticket", "loses", "loses_most")
    told = [f"{flips.count or 0:,} records flip ({wording.share(flips.share)})", _many(bends, "trend line leaves its interval", "trend lines leave their interval")]
    told += [f"{_many(counted('insight', 'appears'), 'insight appears', 'insights appear')}, {counted('insight', 'vanishes')} vanish"] if not counted("insight", "not_replayed") else []
    told += [_many(tickets, "open ticket loses evidence", "open tickets lose evidence"), f"{cost.cost or 0.0:.2f} {cost.currency} and {cost.calls_count or 0:,} calls to bring it into force"]
    words = f"{change.version} instead of {change.against}: " + "; ".join(told)
    is_quiet = not (flips.count or bends or tickets)
    return Finding(
        "summary", "all", "changes" if not is_quiet else "nothing_changes" if flips.high is None else "nothing_seen", words, count=flips.count, share=flips.share, low=flips.low, high=flips.high,
        sampled_count=flips.sampled_count, population_count=flips.population_count, calls_count=cost.calls_count, tokens=cost.tokens, cost=cost.cost, currency=cost.currency,
    )


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _preview_id(step: Step, change: Change, sample: int) -> str:
    text = json.dumps([change.kind, change.version, change.against, step.as_of.isoformat(), sample if change.prompt is not None else 0])
    return "PRV-" + hashlib.sha256(text.encode()).hexdigest()[:8]
