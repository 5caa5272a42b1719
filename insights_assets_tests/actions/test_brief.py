"""The weekly brief: exactly five pain points, no empty section, one self-contained inert page, the same bytes every
time.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from insights_assets.actions.brief import BriefFacts, brief_rows, render_brief, week_of
from insights_assets.actions.gather import complaints
from insights_assets.actions.model import Issue, PlannedAction
from insights_assets.actions.ranking import Complaint, rank_pain_points
from insights_assets.actions.ticket_form import HoldState
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS, PRODUCTS

LATE = replace(
    LAMPS, insight_id="INS-00aa", topic="shipping_delay", owner="supply_chain", title="Late delivery: orders with Swift in DE",
    scope={"carrier": "Swift", "region": "DE"}, cause={"carrier": "Swift", "region": "DE"}, risk_per_day=300.0, tier=2,
    onset_day=date(2026, 11, 3), detected_at=datetime(2026, 11, 5, 22, 59, tzinfo=UTC),
)  # fmt: skip
VOLUME = {
    "sizing_issue": 3,
    "shipping_delay": 2,
    "billing_confusion": 1,
    "damaged_on_arrival": 1,
    "product_quality": 4,
    "praise": 9,
}


def complaints_of(days: int = 28, topics: dict[str, int] | None = None) -> list[Complaint]:
    """So many complaints a day of each topic, and five a day of the lamp batch since its onset."""
    made = []
    for back in range(days):
        day = AS_OF - timedelta(days=back)
        for topic, number in (VOLUME if topics is None else topics).items():
            made += [
                Complaint(
                    f"{topic}-{back}-{n}", day, (topic,), f"{topic}-{back}-{n}", "S-1", "reviews", topic != "praise", {}
                )
                for n in range(number)
            ]
        if day >= date(2026, 11, 17):
            attributes = {
                "product_line": "glass lamps",
                "warehouse": "WH-LEJ",
                "packaging_batch": "LEJ-PB07",
                "sku": "GL-100",
            }
            made += [
                Complaint(
                    f"lamp-{back}-{n}",
                    day,
                    ("damaged_on_arrival",),
                    f"lamp-{back}-{n}",
                    "GL-100",
                    "reviews",
                    True,
                    attributes,
                )
                for n in range(5)
            ]
    return made


def facts_of(shop: Shop, issues: list[Issue], **changes: Any) -> BriefFacts:
    points = rank_pain_points(issues, complaints_of(), AS_OF)
    given: dict[str, Any] = {
        "shop": shop, "as_of": AS_OF, "points": points, "products": PRODUCTS, "previous_ranks": {}, "closed": [],
        "actions": [PlannedAction("INS-7f3a", "macro", 1, "support", "desk", "awaiting_approval")], "holds": {},
        "due": {"INS-7f3a": datetime(2026, 11, 24, 11, tzinfo=UTC)}, "open_issues": len(issues),
    }  # fmt: skip
    return BriefFacts(**{**given, **changes})


class Page(HTMLParser):
    """What a page holds: tags with attributes, and text by section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_issues_come_first_by_money_and_steady_topics_fill_up() -> None:
    points = rank_pain_points([LATE, LAMPS], complaints_of(), AS_OF)
    assert [(p.rank, p.topic, p.issue is not None) for p in points] == [
        (1, "damaged_on_arrival", True), (2, "shipping_delay", True),
        (3, "product_quality", False), (4, "sizing_issue", False), (5, "billing_confusion", False),
    ]  # fmt: skip
    assert (points[0].this_week, points[0].last_week) == (35, 0)
    assert points[0].usual_per_day == 0.0
    assert (points[2].this_week, points[2].last_week, points[2].score) == (28, 28, 0.0)


def test_five_issues_leave_no_room_for_steady_topics_and_dismissed_ones_do_not_rank() -> None:
    many = [replace(LAMPS, insight_id=f"INS-{n}", risk_per_day=float(n)) for n in range(7)]
    points = rank_pain_points(
        [*many, replace(LAMPS, insight_id="INS-x", risk_per_day=9e9, verdict="dismissed")], complaints_of(), AS_OF
    )
    assert [p.issue.insight_id for p in points if p.issue] == ["INS-6", "INS-5", "INS-4", "INS-3", "INS-2"]


def test_a_record_counts_for_its_issue_and_not_again_for_the_steady_topic() -> None:
    only = {"damaged_on_arrival": 1, "sizing_issue": 1, "wrong_item": 1, "other": 1, "availability": 1}
    points = rank_pain_points([LAMPS], complaints_of(topics=only), AS_OF)
    assert "damaged_on_arrival" not in [p.topic for p in points if p.issue is None]
    few = {"damaged_on_arrival": 1, "sizing_issue": 1, "wrong_item": 1, "other": 1}
    last = rank_pain_points([LAMPS], complaints_of(topics=few), AS_OF)[4]
    assert (last.topic, last.issue, last.this_week) == ("damaged_on_arrival", None, 7), "without the 35 of the issue"
    alone = rank_pain_points([], complaints_of(topics=only), AS_OF)
    assert alone[0].topic == "damaged_on_arrival" and alone[0].this_week == 42


def test_a_wish_that_is_said_politely_counts_for_its_issue_and_for_no_steady_topic() -> None:
    row = {"feedback_id": "F-w", "occurred_day": AS_OF, "source": "reviews", "customer_key": "c", "sentiment": "neutral", "primary_topic": "feature_request", "topics": []}
    wish = replace(LAMPS, insight_id="INS-w", topic="feature_request", scope={}, cause={}, evidence_ids=("F-w",))
    found = complaints([row, {**row, "feedback_id": "F-p", "primary_topic": "sizing_issue"}])
    assert [one.feedback_id for one in found] == ["F-w"], "what is neutral counts where the topic counts in any tone"
    point, *rest = rank_pain_points([wish], found, AS_OF)
    assert (point.this_week, rest) == (1, [])
    assert rank_pain_points([], found, AS_OF) == []


@pytest.mark.parametrize("issues", [[], [LAMPS], [LAMPS, LATE]], ids=["none", "one", "two"])
def test_the_page_has_exactly_five_pain_points_and_no_empty_section(shop: Shop, issues: list[Issue]) -> None:
    page = render_brief(facts_of(shop, issues))
    assert page.count("<article") == 5
    assert page.count("<svg ") == 5
    for title in ("Five pain points", "Closed last week", "Done without asking"):
        after = page.split(f"<h2>{title}</h2>")[1].split("<h2>")[0].split("<footer>")[0]
        assert len(re.sub(r"<[^>]*>|\s", "", after)) > 20, title
    for rank in range(1, 6):
        assert f"<h3>{rank}. " in page
    assert page.count("<b>Owner</b>") == page.count("<b>Next step</b>") == 5
    assert page.count("the week before") >= 5, "every count stands beside the week before"
    assert ("no open issue<" in page) is (len(issues) < 5)


def test_four_pain_points_are_refused(shop: Shop) -> None:
    facts = facts_of(shop, [LAMPS])
    with pytest.raises(ValueError, match="needs 5 pain points, there are 4"):
        render_brief(replace(facts, points=facts.points[:4]))


def test_the_page_is_self_contained_and_the_same_every_time(shop: Shop) -> None:
    page = render_brief(facts_of(shop, [LAMPS, LATE]))
    assert page == render_brief(facts_of(shop, [LAMPS, LATE]))
    found = Page(page)
    policy = next(a["content"] for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'")
    assert not {"script", "link", "img", "iframe", "object", "form", "a"} & {tag for tag, _ in found.tags}
    for _, attributes in found.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert not (name in ("src", "href", "xlink:href") and not str(value).startswith("#")), (name, value)
    assert not re.search(r"url\((?!#)", page)
    assert "2026-11-23T" not in page, "no time of writing"


def test_ids_of_the_plots_do_not_collide(shop: Shop) -> None:
    found = Page(render_brief(facts_of(shop, [LAMPS, LATE])))
    clips = [a["id"] for t, a in found.tags if t == "clippath" and a.get("id")]
    assert len(clips) == len(set(clips))


def test_hostile_names_stay_text(shop: Shop) -> None:
    evil = replace(
        LAMPS,
        title='Arrived damaged: <script>alert(1)</script> "onload=x http://evil.example',
        recommended_step="<img src=x>",
    )
    found = Page(render_brief(facts_of(shop, [evil])))
    assert "script" not in {tag for tag, _ in found.tags} and "img" not in {tag for tag, _ in found.tags}
    assert any("<script>alert(1)</script>" in text for text in found.text)
    assert not any("http://evil" in text for text in found.text)


def test_movement_against_last_week(shop: Shop) -> None:
    ranks = {"INS-7f3a": 3, "INS-00aa": 1, "product_quality": 3}
    rows = brief_rows(facts_of(shop, [LAMPS, LATE], previous_ranks=ranks))
    assert [row["movement"] for row in rows] == [
        "up from number 3", "down from number 1", "unchanged, number 3 last week", "new this week", "new this week",
    ]  # fmt: skip
    first = brief_rows(facts_of(shop, [replace(LAMPS, detected_at=datetime(2026, 11, 10, tzinfo=UTC)), LATE]))
    assert first[0]["movement"] == "rising"
    assert first[1]["movement"] == "unchanged"
    assert brief_rows(facts_of(shop, [LAMPS]))[0]["movement"] == "new this week"


def test_closed_and_done_are_named(shop: Shop) -> None:
    over = replace(LATE, state="resolved")
    held = HoldState("H-31aa00ff", "active", ("GL-100",), date(2026, 11, 30))
    page = render_brief(facts_of(shop, [LAMPS], closed=[(over, date(2026, 11, 20))], holds={"INS-7f3a": held}))
    assert "Late delivery: orders with Swift in DE: back to what is usual on Fri 20 Nov (INS-00aa)." in page
    assert "Paid promotion of Aurora glass lamp (GL-100) held until Mon 30 Nov (INS-7f3a); undo: insights hold release H-31aa00ff." in page
    quiet = render_brief(facts_of(shop, [LAMPS]))
    assert "Nothing was closed last week. The oldest of the five has run for 6 days: Arrived damaged: glass lamps from WH-LEJ, packaging batch LEJ-PB07 (INS-7f3a)." in quiet
    assert "Nothing was open last week, so nothing was closed." in render_brief(facts_of(shop, []))


def test_weeks_follow_the_iso_calendar() -> None:
    assert [week_of(day) for day in (AS_OF, date(2027, 1, 1), date(2027, 1, 4))] == ["2026-W48", "2026-W53", "2027-W01"]
