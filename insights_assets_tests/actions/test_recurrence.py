"""What comes back within 14 days of closing re-opens the same ticket; what comes back later is a new one that links to the old.

Driven from shipped lines and complaints through the detector, the tracker and the stage's runs, day by day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from insights_assets.actions.lives import Life, history_words, is_recurrence, state_word, with_lives
from insights_assets.actions.model import Issue, day_of
from insights_assets.anomalies.tracking import to_rows
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import LAMPS, complaint_records
from insights_assets_tests.actions.loops import Loop
from insights_assets_tests.anomalies.stages import tracked
from insights_assets_tests.anomalies.worlds import START, Plant, make_world

CLOSED = {"state": "resolved"}
PLACE = {"sku": "CHA-3"}


@pytest.fixture
def loop(shop: Shop, tmp_path: Path) -> Iterator[Loop]:
    made = Loop(shop, tmp_path)
    yield made
    made.operations.close()


def lives_of(issue_days: pd.DataFrame) -> dict[str, Life]:
    """The twin of `gather.life_rows` without an engine."""
    found = {}
    for key, rows in issue_days.groupby("insight_id"):
        closed = [day_of(day) for day in rows["closed_day"].dropna()]
        back = [day_of(row.as_of_day) for row in rows.itertuples() if row.state == "open" and row.reopened_count > 0]
        found[str(key)] = Life(min(filter(None, closed), default=None), max(filter(None, closed), default=None), int(rows["reopened_count"].max()), max(filter(None, back), default=None))
    return found


def run_through(loop: Loop, *plants: tuple[int, int]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Every day of a history with faults of one product in these days; gives the actions at its end, and insight id -> ticket."""
    made = tuple(Plant("product_quality", PLACE, first, last, 0.15) for first, last in plants)
    by_day = tracked(make_world(5, plants=made))
    rows = to_rows(by_day, {})
    known: dict[str, Issue] = {}
    for day in sorted(by_day):
        today = np.datetime64(day, "D").astype(object)
        loop.now = datetime(today.year, today.month, today.day, 20, tzinfo=UTC)
        for issue in by_day[day]:
            if issue.topic == "product_quality":
                known[issue.insight_id] = replace(
                    LAMPS, insight_id=issue.insight_id, topic=issue.topic, state=issue.incident.state, scope=dict(issue.cause), cause=dict(issue.cause), tier=1, title="",
                    opened_day=date(1970, 1, 1) + timedelta(days=issue.incident.opened), last_seen_day=date(1970, 1, 1) + timedelta(days=issue.last_seen),
                )  # fmt: skip
        past = rows[pd.to_datetime(rows["as_of_day"]) <= pd.Timestamp(today)]
        if known and (day - START) % 2 == 0:  # every other day, as a house that was off now and then
            loop.run(with_lives(known.values(), lives_of(past)), {key: complaint_records(10, topic="product_quality", sku="CHA-3") for key in known}, revenue_share={"CHA-3": 0.02})
    tickets = {known.action.insight_id: str(known.row["body"]) for known in loop.known.values() if known.action.kind == "defect_ticket"}
    return [dict(known.row) for known in loop.known.values()], tickets


def test_within_fourteen_days_the_same_ticket_reopens(loop: Loop) -> None:
    actions, tickets = run_through(loop, (45, 57), (76, 88))
    assert len(tickets) == 1, "one ticket, however often it comes back"
    ((key, body),) = tickets.items()
    assert "*Before* re-opened on Wed 21 Oct, first closed on Sun 11 Oct." in body
    assert {row["reopened_count"] for row in actions} == {1} and {row["kind"] for row in actions} == {"defect_ticket", "notification", "promo_hold"}
    again = [message for message in loop.sent if message.kind == "notification" and "it was over and is back" in message.body]
    assert len(again) == 1 and again[0].insight_id == key
    (hold,) = loop.operations.holds.all()
    assert hold.earlier_days > 0, "the hold came back with it"


def test_later_it_is_a_new_ticket_that_links_to_the_old(loop: Loop) -> None:
    actions, tickets = run_through(loop, (40, 52), (98, 112))
    assert len(tickets) == 2
    (old, new) = sorted(tickets, key=lambda key: min(row["decided_day"] for row in actions if row["insight_id"] == key))
    assert f"*Before* links to {old}, the same complaint, closed on Fri 9 Oct 2026." in tickets[new].replace("\\", "")
    assert {row["links_to"] for row in actions if row["insight_id"] == new} == {old}
    assert {row["links_to"] for row in actions if row["insight_id"] == old} == {None}
    assert {row["reopened_count"] for row in actions} == {0}
    first_five = "\n".join(tickets[new].splitlines()[:5])
    assert old not in first_five and len(tickets[new].splitlines()) <= 25


# -- what is the same --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "earlier", "same"),
    [
        ({"sku": "A", "product_line": "x"}, {"sku": "A", "product_line": "x"}, True),
        ({"product_line": "x"}, {"sku": "A", "product_line": "x"}, True),
        ({"sku": "B", "product_line": "x"}, {"sku": "A", "product_line": "x"}, False),
        ({"warehouse": "W", "packaging_batch": "2"}, {"warehouse": "W", "packaging_batch": "1"}, True),  # the next batch of the same fault
        ({"carrier": "S"}, {"sku": "A"}, False),
        ({}, {}, True),
        ({}, {"sku": "A"}, False),
    ],
)
def test_a_recurrence_is_the_same_topic_at_the_same_place(later: dict[str, str], earlier: dict[str, str], same: bool) -> None:
    one, two = replace(LAMPS, scope=later, cause={}), replace(LAMPS, scope=earlier, cause={})
    assert is_recurrence(one, two) is same
    assert not is_recurrence(replace(one, topic="price_value"), two)


def test_the_latest_closed_issue_is_linked_and_never_a_later_one() -> None:
    issues = [
        replace(LAMPS, insight_id=f"INS-{n}", opened_day=date(2026, month, 1), state=state)
        for n, (month, state) in enumerate(((3, "resolved"), (6, "resolved"), (9, "active"), (10, "resolved")))
    ]
    lives = {"INS-0": Life(date(2026, 3, 20), date(2026, 3, 20)), "INS-1": Life(date(2026, 6, 20), date(2026, 6, 20)), "INS-3": Life(date(2026, 10, 9), date(2026, 10, 9))}
    found = {issue.insight_id: issue.links_to for issue in with_lives(issues, lives)}
    assert found == {"INS-0": "", "INS-1": "INS-0", "INS-2": "INS-1", "INS-3": "INS-1"}


def test_words_of_the_past() -> None:
    again = replace(LAMPS, reopened_count=3, reopened_day=date(2026, 11, 20), first_closed_day=date(2026, 11, 10))
    assert history_words(again) == "re-opened on Fri 20 Nov for the 3rd time, first closed on Tue 10 Nov"
    assert (history_words(LAMPS), state_word(LAMPS), state_word(again)) == ("", "open", "reopened")
    assert state_word(replace(again, state="resolved")) == "closed" and state_word(replace(again, is_flapping=True)) == "flapping"


@pytest.mark.slow
def test_lives_are_read_from_the_days_of_issues(spark: Any) -> None:
    from insights_assets.actions.gather import life_rows

    days = pd.DataFrame(
        [
            ("A", date(2026, 10, 1), "open", None, 0), ("A", date(2026, 10, 2), "resolved", date(2026, 10, 2), 0), ("A", date(2026, 10, 3), "resolved", date(2026, 10, 2), 0),
            ("A", date(2026, 10, 5), "open", None, 1), ("A", date(2026, 10, 6), "active", None, 1), ("A", date(2026, 10, 9), "resolved", date(2026, 10, 9), 1),
            ("B", date(2026, 10, 1), "open", None, 0),
        ],
        columns=["insight_id", "as_of_day", "state", "closed_day", "reopened_count"],
    )  # fmt: skip
    frame = spark.createDataFrame(days.astype(object).where(days.notna(), None).values.tolist(), "insight_id string, as_of_day date, state string, closed_day date, reopened_count int")
    found = {row["insight_id"]: Life.from_row(row) for row in life_rows(frame)}
    assert found == {"A": Life(date(2026, 10, 2), date(2026, 10, 9), 1, date(2026, 10, 5))}
    assert lives_of(days)["A"] == found["A"]
