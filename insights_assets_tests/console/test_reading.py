"""Pages read published versions in the default tier, through the reader, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions.model import Issue
from insights_assets.console import details, judging, reading
from insights_assets.console.opening import Opened
from insights_assets.console.people import daily_people, place_of
from insights_assets.lake.lake import Lake
from insights_assets.lake.tiers import allows
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.tables import table
from insights_assets_tests.console.homes import AS_OF, CARRIER, DAMAGE, DANGER, OLD, ONSET, WISH, feedback_id, insights, write

pytestmark = pytest.mark.slow
KNOWN = {DAMAGE: "a", CARRIER: "b"}


@pytest.fixture
def today(opened: Opened) -> reading.TodayRows:
    return reading.read_today(opened.reader)


def test_today_holds_the_open_insights_records_and_no_others(today: reading.TodayRows) -> None:
    assert {row["insight_id"] for row in today.insights} == {DAMAGE, CARRIER, WISH, DANGER, OLD}
    wanted = {i for row in insights() if row["state"] != "resolved" for i in row["evidence_ids"]}
    assert set(today.evidence) == wanted
    assert today.evidence[feedback_id("D0")]["label"]["label_source"] == "classifier"


def test_the_bars_of_the_plot_add_up_to_the_people_of_the_sentence(today: reading.TodayRows) -> None:
    issue = Issue.from_row(next(row for row in today.insights if row["insight_id"] == DAMAGE))
    days = daily_people(today.mentions, place_of(issue, today.issue_days), ONSET - timedelta(days=28), AS_OF)
    assert sum(day.people for day in days if day.day >= ONSET) == issue.observed_count == 41
    # another batch of the same warehouse is not counted, and what was usual before is
    assert 0 < sum(day.people for day in days if day.day < ONSET) < 20


def test_no_column_above_the_default_tier_is_read(opened: Opened, today: reading.TodayRows) -> None:
    raw = [column.name for column in table("sources.reviews_raw").columns if not allows("summary", column.tier)]
    assert "payload" in raw
    row = reading.rows(opened.reader, "sources.reviews_raw")[0]
    assert not set(raw) & set(row)
    assert opened.operations.audit.verify_chain().rows == 0


def test_rows_written_after_the_publication_are_not_seen(opened: Opened, home: Path, spark: Any) -> None:
    lake = Lake(home / "lake", lambda: spark)
    write(lake, "anomalies.insights", [{**insights()[0], "insight_id": "INS-later"}])
    assert {row["insight_id"] for row in reading.rows(opened.reader, "anomalies.insights")} == {DAMAGE, CARRIER, WISH, DANGER, OLD}


def test_a_table_that_no_run_wrote_reads_as_no_rows(opened: Opened) -> None:
    assert reading.rows(opened.reader, "anomalies.forecasts") == []
    assert reading.rows(opened.reader, "no.such_table") == []
    assert reading.published(opened.reader, "canonical.feedback") is not None


def test_one_insight_brings_all_its_records_in_order_and_the_series_of_its_place(opened: Opened, today: reading.TodayRows) -> None:
    row = next(row for row in today.insights if row["insight_id"] == DAMAGE)
    issue = Issue.from_row(row)
    place = place_of(issue, today.issue_days)
    found = reading.read_insight(opened.reader, row, (issue.topic,), details.places_of(issue, place))
    assert [record["feedback_id"] for record in found.records] == list(dict.fromkeys([*issue.evidence_ids, *row["record_ids"]]))
    assert {(r["topic"], r["attribute"]) for r in found.series} == {("damaged_on_arrival", "warehouse"), ("damaged_on_arrival", "all")}
    assert {(r["topic"], r["attribute"]) for r in found.counts} == {("damaged_on_arrival", "warehouse"), ("damaged_on_arrival", "all")}


def test_a_verdict_is_recorded_as_the_person_with_the_console_named_and_audited(opened: Opened) -> None:
    said = judging.record(opened, DAMAGE, "confirmed", by=" ada ", known=KNOWN)
    assert said == f"{DAMAGE} is confirmed"
    given = opened.operations.verdicts.latest()[DAMAGE]
    assert (given.verdict, given.given_by, given.given_through) == ("confirmed", "ada", "console")
    assert opened.operations.audit.verify_chain().rows == 1


@pytest.mark.parametrize(
    ("judgement", "changes", "says"),
    [
        ("confirmed", {"by": "  "}, "write your name first"),
        ("dismissed", {"reason": "   "}, "needs a reason"),
        ("duplicate-of", {"reason": "INS-unknown"}, "names the insight"),
        ("snooze", {"until": AS_OF}, "ends after"),
        ("snooze", {}, "day on which it wakes"),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_leaves_nothing(opened: Opened, judgement: str, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedJudgement, match=says):
        judging.record(opened, DAMAGE, judgement, **{"by": "ada", "known": KNOWN, **changes})
    assert opened.operations.verdicts.history() == []
    assert opened.operations.verdicts.snoozed(AS_OF) == {}


def test_a_snooze_holds_until_its_day(opened: Opened) -> None:
    judging.record(opened, DAMAGE, "snooze", by="ada", known=KNOWN, reason="known", until=AS_OF + timedelta(days=2))
    assert opened.operations.verdicts.snoozed(AS_OF)[DAMAGE].snoozed_by == "ada"
    assert opened.operations.verdicts.snoozed(AS_OF + timedelta(days=2)) == {}
