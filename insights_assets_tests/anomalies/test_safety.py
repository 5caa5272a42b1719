"""Safety reports: one reaches a person, two independent ones are an issue of Tier 1, whatever the volume."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from insights_assets.anomalies import safety
from insights_assets.anomalies.issues import Issue
from insights_assets.anomalies.leaves import Coding, Mentions
from insights_assets.anomalies.topics import CAUSE_ATTRIBUTES

CODING = Coding(dict.fromkeys(CAUSE_ATTRIBUTES, ()) | {"sku": ("CHA-1", "CHA-2"), "product_line": ("chargers",), "region": ("de",)})
DAY = 20_700


def reports(*rows: tuple[str, str, int, int, float]) -> Mentions:
    """(record, person, day after DAY, sku code, confidence)."""
    columns = list(zip(*rows, strict=True))
    n = len(rows)
    codes = {name: np.full(n, -1) for name in CAUSE_ATTRIBUTES}
    codes["sku"] = np.array(columns[3])
    codes["product_line"] = np.where(codes["sku"] >= 0, 0, -1)
    days = DAY + np.array(columns[2])
    return Mentions(
        np.array(columns[0], dtype=object), np.array(["safety"] * n, dtype=object), np.array(columns[1], dtype=object), days, days,
        np.array(columns[4]), codes,
    )  # fmt: skip


def live(mentions: Mentions, last: int) -> dict[int, list[Issue]]:
    issues: list[Issue] = []
    history = {}
    for day in range(DAY, DAY + last + 1):
        issues = safety.judge(mentions, CODING, "safety", day, issues)
        history[day - DAY] = issues
    return history


def test_one_report_is_an_issue_on_its_day() -> None:
    history = live(reports(("F1", "anna", 3, 0, 0.9)), 10)
    assert history[2] == []
    assert [i.incident.state for i in history[3]] == ["open"]
    assert history[3][0].reports == ("F1",)
    assert history[3][0].cause == {"sku": "CHA-1", "product_line": "chargers"} and history[3][0].cause_status == "cause"


def test_a_second_person_joins_the_issue_of_the_same_sku() -> None:
    history = live(reports(("F1", "anna", 3, 0, 0.9), ("F2", "ben", 20, 0, 0.9)), 25)
    assert len(history[25]) == 1
    assert history[25][0].reports == ("F1", "F2") and history[25][0].observed == 2
    assert history[25][0].insight_id == history[3][0].insight_id


def test_the_same_person_twice_is_one_report() -> None:
    history = live(reports(("F1", "anna", 3, 0, 0.9), ("F2", "anna", 5, 0, 0.9)), 8)
    assert len(history[8]) == 1 and len(history[8][0].reports) == 1


def test_another_sku_is_another_issue() -> None:
    history = live(reports(("F1", "anna", 3, 0, 0.9), ("F2", "ben", 4, 1, 0.9)), 8)
    assert len(history[8]) == 2


def test_a_report_long_after_the_last_one_closed_is_another_issue() -> None:
    history = live(reports(("F1", "anna", 0, 0, 0.9), ("F2", "ben", 45, 0, 0.9)), 46)
    assert {i.incident.state for i in history[35]} == {"resolved"} and history[35][0].incident.closed == DAY + 30
    assert sorted(len(i.reports) for i in history[46]) == [1, 1]
    assert len({i.insight_id for i in history[46]}) == 2


def test_a_report_within_fourteen_days_of_closing_reopens_the_issue() -> None:
    history = live(reports(("F1", "anna", 0, 0, 0.9), ("F2", "ben", 44, 0, 0.9)), 46)
    (issue,) = history[44]
    assert issue.insight_id == history[0][0].insight_id and issue.reports == ("F1", "F2")
    assert (issue.incident.state, issue.incident.opened, issue.incident.reopened) == ("open", DAY, 1)
    assert [(i.incident.state, i.incident.reopened) for i in history[46]] == [("active", 1)]
    assert len(live(reports(("F1", "anna", 0, 0, 0.9), ("F2", "ben", 44, 1, 0.9)), 46)[46]) == 2, "another product is another issue"


def test_a_doubtful_label_is_no_report() -> None:
    assert live(reports(("F1", "anna", 3, 0, 0.4)), 5)[5] == []


def test_a_report_without_product_stands_alone() -> None:
    history = live(reports(("F1", "anna", 3, -1, 0.9), ("F2", "ben", 4, -1, 0.9)), 8)
    assert len(history[8]) == 2
    assert {i.cause_status for i in history[8]} == {"not_localised"}


def said(*rows: tuple[str, str, str | None, str | None, int]) -> pd.DataFrame:
    """(record, person, sku, order, day) of safety reports, known on their day."""
    frame = pd.DataFrame(rows, columns=["feedback_id", "person", "sku", "order_id", "day"])
    days = [date(2026, 11, 1) + timedelta(days=day) for day in frame["day"]]
    return frame.assign(day=days, known_day=days, topic="safety", product_line=["chargers" if sku else None for sku in frame["sku"]])


LINES = pd.DataFrame([("O1", "CHA-1"), ("O1", "APP-2"), ("O2", "APP-2")], columns=["order_id", "sku"])


def test_a_report_about_an_order_of_several_lines_takes_the_sku_reported_before() -> None:
    found = safety.named_by_orders(said(("F1", "anna", "CHA-1", None, 3), ("F2", "ben", None, "O1", 4)), LINES)
    assert list(found["sku"]) == ["CHA-1", "CHA-1"] and list(found["product_line"]) == ["chargers", "chargers"]


def test_it_is_not_named_by_what_comes_later_by_another_order_or_by_its_own_writer() -> None:
    later = said(("F1", "anna", "CHA-1", None, 5), ("F2", "ben", None, "O1", 4))
    other = said(("F1", "anna", "CHA-1", None, 3), ("F2", "ben", None, "O2", 4))
    long_ago = said(("F1", "anna", "CHA-1", None, 3), ("F2", "ben", None, "O1", 40))
    own = said(("F1", "anna", "CHA-1", None, 3), ("F2", "anna", None, "O1", 4))
    two = said(("F0", "cleo", "APP-2", None, 3), ("F1", "anna", "CHA-1", None, 3), ("F2", "ben", None, "O1", 4))
    for frame in (later, other, long_ago, own, two):
        assert safety.named_by_orders(frame, LINES)["sku"].isna().sum() == 1
