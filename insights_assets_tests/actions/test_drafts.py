"""Macros and articles: in the customers' languages, from approved sentences, waiting for a person (R94); and queues."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from insights_assets.actions.drafts import article_drafts, draft_languages, macro_drafts, product_of
from insights_assets.actions.model import PlannedAction
from insights_assets.actions.queues import WaitingAction, approval_queue, queue_files, record_queues
from insights_assets.actions.repeated import SupportRecord, find_repeated, plan_repeated
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import PRODUCTS, UNTIL, complaint_records
from insights_assets_tests.actions.test_escaping import tokens

TOPIC = "billing_confusion"


def support(
    number: int, *, theme: str = "T-1", topic: str = TOPIC, people: int | None = None, macro: bool = False
) -> list[SupportRecord]:
    records = complaint_records(number, topic=topic, prefix=f"S{theme[-1]}")
    return [
        SupportRecord(
            replace(record, source="support_tickets", customer_key=f"{theme}-{n % (people or number)}",
                    occurred_at=datetime(2026, 11, 20, 8, n % 60, tzinfo=UTC)),
            topic, theme, "invoice shows two charges", macro,
        )
        for n, record in enumerate(records)
    ]  # fmt: skip


def test_every_language_with_a_tenth_of_the_records_gets_its_own_draft(shop: Shop) -> None:
    records = complaint_records(10)
    assert draft_languages(records, shop) == ("en", "de", "fr")
    assert draft_languages([replace(r, language="fi") for r in records], shop) == ("en",)
    macros = {
        draft.language: draft.text for draft in macro_drafts("damaged_on_arrival", records, shop, PRODUCTS["GL-100"])
    }
    assert set(macros) == {"en", "de", "fr"}
    assert "goods that arrived damaged with Aurora glass lamp" in macros["en"]
    assert "beschädigt angekommene Ware bei Aurora glass lamp" in macros["de"]
    assert all("{" not in text for text in macros.values())


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
def test_every_topic_can_be_answered_in_every_language(shop: Shop, language: str) -> None:
    for topic in shop.policy.topics:
        records = [replace(r, language=language) for r in complaint_records(3, topic=topic)]
        (macro,) = macro_drafts(topic, records, shop, None)
        (article,) = article_drafts(topic, records, shop, None)
        assert macro.language == article.language == language
        assert "{" not in macro.text + article.text + macro.title


def test_an_article_quotes_customers_in_its_own_language_and_nothing_in_it_is_active(shop: Shop) -> None:
    records = complaint_records(10)
    records[0] = replace(
        records[0], quotes={"damaged_on_arrival": "[x](https://evil.example) the glass box was broken"}
    )
    for draft in article_drafts("damaged_on_arrival", records, shop, product_of(("GL-100",), PRODUCTS)):
        assert not {"link_open", "image", "html_inline"} & {token.type for token in tokens(draft.text)}
    german = next(d for d in article_drafts("damaged_on_arrival", records, shop, None) if d.language == "de")
    assert "Die Lampe kam zerbrochen an" in german.text and "cassée" not in german.text


def test_product_is_named_only_when_there_is_one() -> None:
    assert product_of(("GL-100",), PRODUCTS) == PRODUCTS["GL-100"]
    assert product_of(("GL-100", "GL-200"), PRODUCTS) is None


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (support(20), 1),
        (support(19), 0),
        (support(30, people=14), 0),
        (support(30, people=15), 1),
        (support(20, macro=True), 0),
        (support(20, topic="product_quality"), 0),
        ([replace(r, evidence=replace(r.evidence, source="reviews")) for r in support(20)], 0),
        (
            [
                replace(r, evidence=replace(r.evidence, occurred_at=datetime(2026, 11, 1, tzinfo=UTC)))
                for r in support(20)
            ],
            0,
        ),
    ],
)
def test_r94_threshold_of_a_repeated_issue(shop: Shop, records: list[SupportRecord], found: int) -> None:
    assert len(find_repeated(records, shop, UNTIL)) == found


def test_r94_a_macro_and_an_article_wait_for_support_once(shop: Shop) -> None:
    repeated = find_repeated([*support(25), *support(22, theme="T-2")], shop, UNTIL)
    assert [issue.tickets for issue in repeated] == [25, 22]
    planned = plan_repeated(repeated, shop, {}, [])
    assert [(a.kind, a.owner, a.state) for a in planned] == [
        ("macro", "support", "awaiting_approval"), ("article", "support", "awaiting_approval"),
    ], "one answer for a topic at a time"  # fmt: skip
    known = {(a.insight_id, a.kind): a for a in planned}
    assert plan_repeated(repeated, shop, known, [TOPIC], decided_today=1) == []
    assert plan_repeated(repeated, shop, {}, [TOPIC]) == [], "an insight already answers the topic"
    assert plan_repeated(repeated, shop, {}, [], decided_today=5) == [], "no more than the day's number"


def record(**changes: Any) -> dict[str, Any]:
    made = {
        "feedback_id": "f1", "source": "chats", "record_ref": "C-1", "sku": "GL-100", "urgency": "normal", "risk_tags": [],
        "occurred_at": datetime(2026, 11, 20, tzinfo=UTC), "text": "Worked at first, dead after three days", "primary_topic": "product_quality",
    }  # fmt: skip
    return {**made, **changes}


@pytest.mark.parametrize(
    ("changes", "queue", "owner"),
    [
        ({"risk_tags": ["quality_review"]}, "quality_review", "quality"),
        ({"risk_tags": ["fraud_like"]}, "escalation", "finance"),
        ({"primary_topic": "safety"}, "escalation", "quality"),
        ({"urgency": "critical"}, "escalation", "support"),
    ],
)
def test_records_land_in_their_teams_queue(shop: Shop, changes: dict[str, Any], queue: str, owner: str) -> None:
    (row,) = record_queues([record(**changes)], shop)
    assert (row["queue"], row["owner"], row["item_id"]) == (queue, owner, "f1")


def test_an_ordinary_record_lands_in_no_queue(shop: Shop) -> None:
    assert record_queues([record()], shop) == []


def test_queue_files_are_there_even_when_empty_and_safe(shop: Shop) -> None:
    rows = record_queues([record(risk_tags=["quality_review"], text='=HYPERLINK("http://evil.example")')], shop)
    action = PlannedAction("REP-1", "macro", 2, "support", "desk", "awaiting_approval", "Support decides")
    rows += approval_queue([WaitingAction(action, "Unclear charges", None, False)])
    files = queue_files(rows)
    assert set(files) == {"queues/quality_review.csv", "queues/escalation.csv", "queues/approval.csv"}
    (quality,) = csv.DictReader(io.StringIO(files["queues/quality_review.csv"].decode()))
    assert quality["summary"].startswith("'=HYPERLINK") and "http://" not in quality["summary"]
    assert list(csv.DictReader(io.StringIO(files["queues/escalation.csv"].decode()))) == []
    (waiting,) = csv.DictReader(io.StringIO(files["queues/approval.csv"].decode()))
    assert (waiting["item_id"], waiting["state"]) == (action.action_id, "waiting")
