"""The use case's question: selection, attribution that adds up, ranking, and 30 lines of 100 columns."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from insights_assets.actions.answer import Answer, Review, answer_question, best_sellers, first_day_of, render_answer
from insights_assets.actions.model import Issue
from insights_assets.actions.ranking import Complaint
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import AS_OF, LAMPS, PRODUCTS

LAMP_ATTRIBUTES = {"product_line": "glass lamps", "warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07", "sku": "GL-100"}
REVENUE = {"GL-100": 700.0, "GL-200": 200.0, "TAIL": 100.0}


def review(key: str, day: date, topic: str, *, negative: bool = True, sku: str = "GL-100", **attributes: str) -> Review:
    return Review(Complaint(key, day, (topic,), key, sku, "reviews", negative, attributes or {"sku": sku}), negative)


def month() -> list[Review]:
    """November: 12 of the lamp batch since its onset, 6 of sizing, 4 of faults, 3 on a slow seller, 20 content; and
    before.
    """
    found = [
        review(f"lamp-{n}", date(2026, 11, 17 + n % 6), "damaged_on_arrival", **LAMP_ATTRIBUTES) for n in range(12)
    ]
    found += [review(f"size-{n}", date(2026, 11, 2 + n), "sizing_issue") for n in range(6)]
    found += [review(f"fault-{n}", date(2026, 11, 2 + n), "product_quality", sku="GL-200") for n in range(4)]
    found += [review(f"tail-{n}", date(2026, 11, 2 + n), "wrong_item", sku="TAIL") for n in range(3)]
    found += [review(f"fine-{n}", date(2026, 11, 1 + n), "praise", negative=False) for n in range(20)]
    found += [review(f"old-{n}", date(2026, 10, 31) - timedelta(days=n), "sizing_issue") for n in range(84)]
    found += [
        review(f"oldfine-{n}", date(2026, 10, 31) - timedelta(days=n % 84), "praise", negative=False)
        for n in range(252)
    ]
    return found


def answered(shop: Shop, issues: list[Issue] | None = None, **changes: Any) -> Answer:
    given: dict[str, Any] = {"revenue": REVENUE, "reviews": month(), "tickets": {"INS-7f3a": ["tickets/INS-7f3a.md"]}}
    given |= changes
    use_case = given.pop("use_case", shop.use_case())
    return answer_question(
        use_case, shop, [LAMPS] if issues is None else issues, given.pop("reviews"), given.pop("revenue"), PRODUCTS,
        given.pop("tickets"), AS_OF, **given,
    )  # fmt: skip


def test_the_question_is_about_negative_reviews_of_best_sellers_this_month(shop: Shop) -> None:
    found = answered(shop)
    assert (found.first_day, found.last_day) == (date(2026, 11, 1), AS_OF)
    assert (found.negative_records, found.all_records, found.best_sellers) == (22, 42, 2)
    assert found.usual_share == 0.25
    assert [(c.topic, c.records, c.insight_id) for c in found.causes] == [
        ("damaged_on_arrival", 12, "INS-7f3a"), ("sizing_issue", 6, None), ("product_quality", 4, None),
    ]  # fmt: skip
    assert found.causes[0].usual_records == 0.0
    assert found.causes[1].usual_records == 23.0, "84 in 84 days before is 23 in 23 days"
    assert sum(cause.records for cause in found.causes) == found.negative_records


def test_no_record_is_counted_for_two_causes(shop: Shop) -> None:
    wider = replace(LAMPS, insight_id="INS-wide", scope={"product_line": "glass lamps"}, cause={}, risk_per_day=10.0)
    found = answered(shop, [LAMPS, wider])
    ids = [key for cause in found.causes for key in cause.evidence]
    assert len(ids) == len(set(ids))
    assert "INS-wide" not in [cause.insight_id for cause in found.causes], "all its records have a dearer cause"


def test_an_issue_that_hardly_shows_in_reviews_does_not_lead_the_answer(shop: Shop) -> None:
    site = replace(
        LAMPS,
        insight_id="INS-site",
        title="Shop or app fails: across the shop",
        topic="app_or_site_problem",
        scope={},
        cause={},
        risk_per_day=9e5,
        record_ids=("size-0",),
    )
    found = answered(shop, [site, LAMPS])
    assert found.causes[0].insight_id == "INS-7f3a" and found.aside == ("INS-site",)
    assert "Also open, with few such records: Shop or app fails: across the shop" in render_answer(found)


def test_causes_rank_by_money_or_by_records(shop: Shop) -> None:
    cheap = replace(LAMPS, insight_id="INS-size", topic="sizing_issue", scope={}, cause={}, title="Sizing is off", risk_per_day=5.0,
                    onset_day=date(2026, 11, 1))  # fmt: skip
    rich = replace(LAMPS, risk_per_day=1.0)
    assert [c.insight_id for c in answered(shop, [rich, cheap]).causes[:2]] == ["INS-size", "INS-7f3a"]
    by_records = replace(shop.use_case(), rank_by="records")
    assert [c.insight_id for c in answered(shop, [rich, cheap], use_case=by_records).causes[:2]] == [
        "INS-7f3a",
        "INS-size",
    ]


@pytest.mark.parametrize("change", [{"state": "resolved"}, {"verdict": "dismissed"}, {"topic": "customer_service"}])
def test_issues_that_do_not_answer_the_question_are_left_out(shop: Shop, change: dict[str, str]) -> None:
    assert all(cause.insight_id is None for cause in answered(shop, [replace(LAMPS, **change)]).causes)  # type: ignore[arg-type]


def test_without_orders_every_sku_counts_and_it_says_so(shop: Shop) -> None:
    found = answered(shop, revenue={})
    assert (found.best_sellers_known, found.negative_records) == (False, 25)
    assert "all SKUs (needs orders to rank)" in render_answer(found)


def test_best_sellers_are_those_that_together_bring_the_share() -> None:
    assert best_sellers(REVENUE, 0.8) == ("GL-100", "GL-200")
    assert best_sellers(REVENUE, 0.7) == ("GL-100",)
    assert best_sellers({}, 0.8) == ()
    assert best_sellers({"a": 1.0, "b": 1.0}, 1.0) == ("a", "b")


def test_periods_end_today(shop: Shop) -> None:
    case = shop.use_case()
    assert [first_day_of(replace(case, period=p), AS_OF) for p in ("month", "week", "days_28")] == [
        date(2026, 11, 1), date(2026, 11, 17), date(2026, 10, 27),
    ]  # fmt: skip


def test_the_text_fits_a_screen_and_says_money_evidence_and_tickets(shop: Shop) -> None:
    long = replace(
        LAMPS, title="Arrived damaged: " + "a very long product name " * 20, recommended_step="Do " + "something " * 40
    )
    issues = [replace(long, insight_id=f"INS-{n}", topic=topic, scope={}, cause={}, onset_day=date(2026, 11, 1))
              for n, topic in enumerate(("damaged_on_arrival", "sizing_issue", "product_quality"))]  # fmt: skip
    for found in (answered(shop), answered(shop, issues), answered(shop, [], reviews=[])):
        lines = render_answer(found).splitlines()
        assert len(lines) <= 30 and max(map(len, lines)) <= 100
        assert lines[0] == "What is driving negative reviews on top-selling SKUs this month?"
    text = render_answer(answered(shop))
    assert "1. Arrived damaged: glass lamps from WH-LEJ, packaging batch LEJ-PB07" in text
    assert "about 1,940 USD a day at risk (at least 1,210) · Tier 1 · 12 records (54.5 %; 0 would be usual)" in text
    assert "Quality: Stop batch LEJ-PB07 and inspect 20 units · tickets/INS-7f3a.md" in text
    assert "Nothing: no negative record in this period." in render_answer(answered(shop, [], reviews=[]))


def test_untrusted_and_provisional_inputs_are_said(shop: Shop) -> None:
    broken = answered(shop, trusted=False, trust_reason="orders stopped on Fri 20 Nov")
    assert not broken.trusted and "NOT TRUSTED: orders stopped on Fri 20 Nov" in render_answer(broken)
    assert "Provisional: too few labels are reviewed" in render_answer(
        answered(shop, [replace(LAMPS, provisional=True)])
    )


def test_the_answer_as_json(shop: Shop) -> None:
    found = json.loads(json.dumps(answered(shop).as_dict()))
    assert found["causes"][0]["insight_id"] == "INS-7f3a" and found["first_day"] == "2026-11-01"
