"""The form of a ticket: golden files, the rules for every issue, and hostile text (DESIGN.md, section 1)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from insights_assets.actions.model import CauseRow, Issue, PlannedAction
from insights_assets.actions.policy import due_at
from insights_assets.actions.quotes import Quote, choose_quotes
from insights_assets.actions.ticket_form import MARKDOWN, PLAIN, HoldState, TicketFacts
from insights_assets.actions.tickets import MAX_LINES, render_ticket
from insights_assets.actions.whereabouts import where
from insights_assets.shop import Shop, load_shop
from insights_assets_tests.actions.conftest import AS_OF, CAUSES, LAMPS, PRODUCTS, complaint_records
from insights_assets_tests.actions.test_escaping import HOSTILE_TEXT, tokens

GOLDEN = Path(__file__).parent / "golden"
TOLD = PlannedAction("INS-7f3a", "notification", 1, "product", "desk", "planned")
HELD = HoldState("H-31aa00ff", "active", ("GL-100",), date(2026, 11, 30))


def facts_of(issue: Issue, shop: Shop, **changes: Any) -> TicketFacts:
    given_: dict[str, Any] = {
        "issue": issue,
        "shop": shop,
        "as_of": AS_OF,
        "due_at": due_at(shop.policy, shop, AS_OF, 1 if issue.topic == "safety" else issue.tier),
        "owner": issue.owner or shop.policy.owner_of(issue.topic),
        "causes": CAUSES,
        "quotes": choose_quotes(issue.topic, complaint_records(topic=issue.topic)),
        "actions": [TOLD],
        "hold": HELD,
        "products": PRODUCTS,
    }
    return TicketFacts(**{**given_, **changes})


def variants(shop: Shop) -> dict[str, TicketFacts]:
    """One ticket for each way a ticket can differ."""
    base = LAMPS
    nothing = {"causes": (), "hold": None, "actions": (), "quotes": ()}
    tied = replace(
        base, cause_status="tied", alternatives=({"carrier": "Swift"},), scope={"product_line": "glass lamps"},
        title="Arrived damaged: glass lamps from WH-LEJ",
    )  # fmt: skip
    return {
        "cause": facts_of(base, shop),
        "tied": facts_of(tied, shop),
        "possible": facts_of(replace(base, cause_status="possible", scope={"product_line": "glass lamps"},
                                     title="Arrived damaged: glass lamps"), shop),
        "not_localised": facts_of(
            replace(base, cause_status="not_localised", cause={}, scope={}, title="", topic="billing_confusion",
                    owner="finance", tier=2, recommended_step="", risk_per_day=None, risk_per_day_p10=None, expected_count=None),
            shop, causes=(), hold=None,
            actions=[PlannedAction("INS-7f3a", kind, 2, "support", "desk", "awaiting_approval") for kind in ("macro", "article")],
        ),
        "one_safety_report": facts_of(
            replace(base, topic="safety", owner="quality", tier=2, title="Safety report: Aurora glass lamp (GL-100)",
                    scope={"sku": "GL-100"}, cause={}, cause_status="not_localised", customers_count=1, observed_count=1,
                    expected_count=0.0, lift=0.0, p_value=None, window_start=date(2026, 11, 22), recommended_step="",
                    first_said_at=datetime(2026, 11, 18, 22, 30, tzinfo=UTC)),
            shop, causes=(), hold=None, quotes=choose_quotes("safety", complaint_records(1, topic="safety")),
            actions=[PlannedAction("INS-7f3a", "escalation", 2, "quality", "desk", "awaiting_approval")],
        ),
        "provisional": facts_of(
            replace(base, provisional=True), shop, provisional_reason="too few labels of this topic are reviewed: 12 of 30",
            hold=HoldState("H-31aa00ff", "proposed", ("GL-100",), reason="too few records are reviewed yet"),
        ),
        "resolved_and_judged": facts_of(
            replace(base, state="resolved", verdict="confirmed", verdict_by="ana", verdict_reason="batch was dropped"), shop,
            hold=HoldState("H-31aa00ff", "released", ("GL-100",), reason="the issue is over"),
        ),
        "bare": facts_of(
            Issue("INS-1", "shipping_delay", 3, "supply_chain", customers_count=6, observed_count=6), shop, **nothing
        ),
    }  # fmt: skip


SHOP = load_shop()
VARIANTS = variants(SHOP)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_golden_ticket(name: str) -> None:
    """`UPDATE_GOLDEN=1` writes the files anew; read the difference before committing it."""
    text = render_ticket(VARIANTS[name]) + "\n=== plain ===\n\n" + render_ticket(VARIANTS[name], PLAIN)
    path = GOLDEN / f"{name}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_what_cannot_be_told_apart_names_no_place_twice() -> None:
    other = {"product_line": "glass lamps", "warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB08"}
    text = render_ticket(replace(VARIANTS["tied"], issue=replace(VARIANTS["tied"].issue, alternatives=(other, {"warehouse": "WH-LEJ"}))), PLAIN)
    title, said = text.partition(" · ")[0], text[text.index("Not distinguishable") :].partition("\n")[0]
    assert title.endswith(", or packaging batch LEJ-PB08 or from WH-LEJ: not distinguishable yet"), title
    assert said.startswith("Not distinguishable yet from: packaging batch LEJ-PB08 or from WH-LEJ."), said


def test_a_ticket_leads_to_its_page_where_the_console_can_be_opened(inputs: Callable[..., Any]) -> None:
    facts = VARIANTS["cause"]
    assert "*Page*" not in render_ticket(facts)
    shown = render_ticket(replace(facts, console="https://insights.shop.example/"))
    assert "*Page* `https://insights.shop.example/?insight=INS-7f3a`." in shown and len(shown.splitlines()) <= MAX_LINES
    here, there = (inputs(console_url=url) for url in ("http://127.0.0.1:3001", "https://insights.shop.example"))
    assert [here.console_for(name) for name in ("desk", "jira:QA")] == ["http://127.0.0.1:3001", ""], "an address of this machine leads nobody elsewhere"
    assert there.console_for("jira:QA") == "https://insights.shop.example"


@pytest.mark.parametrize("status", ["cause", "possible", "tied", "not_localised"])
def test_a_wish_is_asked_for_and_nobody_complains(status: str) -> None:
    facts = VARIANTS["not_localised" if status == "not_localised" else "cause"]
    wish = replace(facts.issue, topic="feature_request", title="", cause_status=status, recommended_step="", verdict="", links_to="INS-1", links_closed_day=AS_OF)
    text = render_ticket(replace(facts, issue=wish, hold=None), PLAIN)
    for word in ("complain", "Not the carrier", "cause not located", "breakage"):
        assert word not in text, text
    assert "ask for something we do not offer" in text and "the same request, closed on" in text
    if status == "cause":
        assert "People ask for it on 4.1 % of orders from this batch, on 0.6 % of those from other batches" in text


@pytest.mark.parametrize("style", [MARKDOWN, PLAIN], ids=["markdown", "plain"])
@pytest.mark.parametrize("name", VARIANTS)
def test_every_ticket_keeps_the_rules(name: str, style: Any) -> None:
    facts = VARIANTS[name]
    text = render_ticket(facts, style)
    lines = text.splitlines()
    topic = SHOP.policy.topics[facts.issue.topic]
    assert len(lines) <= MAX_LINES
    assert lines[0].lstrip("*").startswith(f"{topic.title}: ")
    assert f"Tier {facts.issue.tier}" in lines[0] and "risk" in lines[0]
    head = "\n".join(lines[:5])
    assert not re.search(r"(INS|ACT|H|REP|TH)-[0-9a-f]|R-\d|[0-9a-f]{8}", head), "no internal id in the first five lines"
    assert re.search(r"Do next.*\((Quality|Finance|Supply chain), due (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w+, 12:00\)", text)
    assert text.count("Undo: ") == 1
    assert "Right or wrong?" in text and "Proof" in text and f"insights trace {facts.issue.insight_id}" in text
    assert "insights verify" not in text, "the ticket promises only what there is"
    assert "usual" in text or "needs orders" in text
    assert not re.search(r"\bNone\b|\bnan\b|[{}]", text)


def test_every_number_stands_beside_what_is_usual() -> None:
    text = render_ticket(VARIANTS["cause"], PLAIN)
    assert "41 customers in 6 days report breakage; 7 would be usual (5.9 x; chance alone does this once in 4,000 quiet weeks)." in text
    assert (
        "4.1 % of orders from this batch complain, 0.6 % of those from other batches of the same warehouse and "
        "product line. Not the carrier: about the same rate with all three carriers (3.9 % to 4.2 %)." in text
    )
    assert "Seen 31 h after the first complaint of Tue 17 Nov (promise 72 h)." in text


def test_a_cause_inside_which_carriers_differ_rules_no_carrier_out() -> None:
    uneven = [replace(row, p_value=0.001) if row.attributes == {"carrier": "Swift"} else row for row in CAUSES]
    assert "Not the carrier" not in render_ticket(replace(VARIANTS["cause"], causes=uneven), PLAIN)


def test_a_shop_that_tells_nothing_of_parcels_is_not_told_of_warehouses() -> None:
    known = VARIANTS["not_localised"]
    bare = replace(known, issue=replace(known.issue, exposure_kind="ordered lines"))
    assert "no single batch, warehouse, carrier, product or region stands out" in where(known, MARKDOWN)
    assert where(bare, MARKDOWN).startswith("Not located yet: no single product or region stands out.")


def test_rates_far_apart_are_not_called_the_same() -> None:
    """Too few complaints to tell parts apart is no proof that they are alike."""

    def with_carriers(lowest: float, highest: float) -> str:
        spread = {"Swift": lowest, "Postal": (lowest + highest) / 2, "Heron": highest}
        causes = [replace(r, rate=spread[r.attributes["carrier"]]) if r.role == "inside" else r for r in CAUSES]
        return render_ticket(replace(VARIANTS["cause"], causes=causes), PLAIN)

    assert "Not the carrier: no more apart than by chance with all three carriers (3.0 % to 6.0 %)." in with_carriers(0.03, 0.06)
    assert "Not the carrier" not in with_carriers(0.02, 0.06)


def test_a_region_is_called_by_its_name_and_a_rate_by_what_it_is_compared_with() -> None:
    own = CauseRow("INS-7f3a", 0, "cause", {"carrier": "Swift", "region": "fr"}, rate=0.041)
    other = CauseRow("INS-7f3a", 1, "outside", {"region": "fr"}, compared="carrier", rate=0.004)
    text = render_ticket(replace(VARIANTS["cause"], causes=[own, other]), PLAIN)
    assert "4.1 % of orders with Swift in France complain, 0.4 % of those with other carriers in the same region." in text


def test_a_safety_hold_is_placed_though_the_labels_are_provisional() -> None:
    held = replace(VARIANTS["one_safety_report"], hold=HELD, provisional_reason="too few labels are reviewed: 3 of 30")
    text = render_ticket(held, PLAIN)
    assert "too few labels are reviewed: 3 of 30; the hold is placed all the same, safety does not wait." in text
    assert "until enough are checked, only a person places a hold" in render_ticket(VARIANTS["provisional"], PLAIN)


def test_what_came_late_is_said_to_be_late() -> None:
    late = replace(LAMPS, first_said_at=datetime(2026, 11, 14, 22, 59, 59, tzinfo=UTC))
    assert "Seen 4 days after the first complaint of Sat 14 Nov (later than the promised 72 h)." in render_ticket(facts_of(late, SHOP))


def test_a_step_whose_day_has_passed_is_overdue() -> None:
    late = facts_of(LAMPS, SHOP, as_of=date(2026, 11, 26))
    assert "(Quality, overdue since Tue 24 Nov, 12:00)" in render_ticket(late, PLAIN)
    over = facts_of(replace(LAMPS, state="resolved"), SHOP, as_of=date(2026, 11, 26))
    assert "(Quality, due Tue 24 Nov, 12:00)" in render_ticket(over, PLAIN)


def test_three_quotes_with_their_records_and_no_more() -> None:
    quotes = [line for line in render_ticket(VARIANTS["cause"]).splitlines() if line.startswith("- ")]
    assert len(quotes) == 3
    assert all(re.search(r"\(review R-\d+, (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ Nov\)$", line) for line in quotes)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("promotion Black Week starts", "Time to harm: 4 days, until Fri 27 Nov (promotion Black Week starts)."),
        ("promotion Black Week runs until then", "Harm grows now: promotion Black Week goes on for 4 days, until Fri 27 Nov."),
        ("", "Time to harm: 4 days, until Fri 27 Nov."),
        ("no promotion or season end within reach; 14 days by default", "No promotion or season end is near: settle it by Fri 27 Nov (4 days)."),
    ],
)
def test_a_promotion_that_runs_does_harm_now(reason: str, said: str) -> None:
    assert said in render_ticket(facts_of(replace(LAMPS, harm_reason=reason), SHOP), PLAIN)


def test_a_quote_in_another_language_says_which() -> None:
    facts = VARIANTS["cause"]
    foreign = replace(facts.quotes[0], language="pt", text="Chegou partido")
    assert "Tue 17 Nov, in Portuguese)" in render_ticket(replace(facts, quotes=[foreign]), PLAIN)


def test_the_undo_fits_what_was_done() -> None:
    assert "Undo: `insights hold release H-31aa00ff`." in render_ticket(VARIANTS["cause"])
    assert "Undo: `insights verdict INS-7f3a dismissed --reason …` closes this ticket and drops the proposed hold." in render_ticket(VARIANTS["provisional"])
    assert "hold paid promotion of Aurora glass lamp (GL-100) (too few records are reviewed yet): `insights hold place H-31aa00ff`" in render_ticket(VARIANTS["provisional"])


def test_an_id_that_is_none_is_refused(shop: Shop, issue: Callable[..., Issue]) -> None:
    with pytest.raises(ValueError, match="is not an insight id"):
        render_ticket(facts_of(issue(insight_id="INS`; rm -rf"), shop))


ALLOWED = {
    "paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak", "strong_open", "strong_close",
    "em_open", "em_close", "code_inline", "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(hostile=HOSTILE_TEXT, place=HOSTILE_TEXT)
def test_hostile_text_anywhere_leaves_the_form_as_it_is(hostile: str, place: str) -> None:
    """The same marks as with harmless text: nothing from data adds a link, an image, code or a line."""
    moment = datetime(2026, 11, 18, 9, tzinfo=UTC)

    def ticket(text: str, where: str) -> TicketFacts:
        issue = replace(
            LAMPS, title=f"Arrived damaged: {where} x", cause={"warehouse": f"w{where}"}, harm_reason=f"promo {text}",
            recommended_step=f"Stop {where} now",
        )  # fmt: skip
        cause = CauseRow("INS-7f3a", 0, "cause", {"warehouse": f"w{where}"}, rate=0.04)
        other = CauseRow("INS-7f3a", 1, "outside", {}, f"other {where}", "warehouse", rate=0.01)
        quote = Quote(f"said {text}", "reviews", f"R{where}", "f1", moment, "en")
        return facts_of(issue, SHOP, causes=[cause, other], quotes=[quote])

    calm, wild = render_ticket(ticket("calm", "calm")), render_ticket(ticket(hostile, place))
    assert len(wild.splitlines()) == len(calm.splitlines())
    kinds = [token.type for token in tokens(wild) if token.type not in ("text", "text_special", "inline")]
    assert set(kinds) <= ALLOWED - {"text", "text_special", "inline"}
    assert kinds == [token.type for token in tokens(calm) if token.type not in ("text", "text_special", "inline")]
    assert [t.content for t in tokens(wild) if t.type == "code_inline"] == [t.content for t in tokens(calm) if t.type == "code_inline"]
