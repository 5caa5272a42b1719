"""Nobody is called more often than the policy says, and nobody is called too late about what cannot wait."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.actions import wording
from insights_assets.actions.alerts import Seen, is_flapping, is_urgent, observe
from insights_assets.actions.model import Issue
from insights_assets.resources.operations.sending_tables import OutboxRow
from insights_assets.shop import Shop
from insights_assets.shop.alerting import AlertLimits
from insights_assets_tests.actions.conftest import LAMPS, complaint_records
from insights_assets_tests.actions.loops import NOON, Loop, record

TOPICS = ("product_quality", "damaged_on_arrival", "shipping_delay", "customer_service", "price_value", "availability", "billing_confusion", "app_or_site_problem")
SMALL = replace(LAMPS, tier=2, lift=2.0, cause={}, cause_status="not_localised", title="", customers_count=10, risk_per_day_p10=10.0)


@pytest.fixture
def in_slack(shop: Shop) -> Shop:
    """The sample shop with one channel for all teams: the worst case for whoever reads it."""
    return replace(shop, owners={team: replace(owner, alert_destination="slack:#alerts", alert_budget_per_week=1000) for team, owner in shop.owners.items()})


@pytest.fixture
def loop(in_slack: Shop, tmp_path: Path) -> Iterator[Loop]:
    made = Loop(in_slack, tmp_path)
    yield made
    made.operations.close()


def small(number: int, topic: str = "price_value", **changes: object) -> Issue:
    """A Tier 2 issue of its own product line."""
    return replace(SMALL, insight_id=f"INS-{number:04d}", topic=topic, owner="", scope={"product_line": f"line {number}"}, **changes)  # type: ignore[arg-type]


# -- storms ------------------------------------------------------------------------------------------------------------


def storm(seed: int) -> list[Issue]:
    """500 signals of all topics over 40 product lines; a Tier 1 defect in one line and dangerous reports about one product among them."""
    chance = random.Random(seed)
    issues = [
        replace(small(number, chance.choice(TOPICS)), tier=chance.choice((2, 2, 3)), scope={"product_line": f"line {chance.randrange(40)}"}, customers_count=chance.randint(3, 40))
        for number in range(496)
    ]  # fmt: skip
    issues += [replace(small(900 + n, "product_quality"), tier=1, scope={"product_line": "line 7", "sku": f"L7-{n}"}, risk_per_day_p10=900.0) for n in range(2)]
    issues += [replace(small(950 + n, "safety"), tier=1, owner="quality", scope={"sku": "CHA-1", "product_line": "chargers"}, customers_count=2) for n in range(2)]
    chance.shuffle(issues)
    return issues


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_500_signals_in_an_hour_are_six_messages_and_nothing_urgent_is_held_back(loop: Loop, seed: int) -> None:
    issues = storm(seed)
    urgent = {issue.insight_id for issue in issues if is_urgent(issue)}
    # The two of each urgent pair are seen together; anything else comes in any order, over twelve runs.
    pairs = [issue for issue in issues if is_urgent(issue)]
    rest = [issue for issue in issues if not is_urgent(issue)]
    arrival = {issue.insight_id: n % 12 for n, issue in enumerate(rest)} | {issue.insight_id: (seed * 3) % 12 if issue.topic == "safety" else 11 for issue in pairs}
    for turn in range(12):
        there = [issue for issue in issues if arrival[issue.insight_id] <= turn]
        evidence = {i.insight_id: [record(i, n) for n in range(2)] for i in there}
        loop.run(there, evidence)
        loop.later(minutes=5)
    calls = loop.calls()
    assert len(calls) <= 6, [(call.at, call.kind, call.insight_id) for call in calls]
    told = "\n".join(call.body for call in calls)
    assert all(f"tickets/{key}.md" in told for key in urgent), "every Tier 1 and safety report is in a message"
    states = loop.states("notification")
    assert {states[key] for key in urgent} <= {"planned", "grouped"}
    assert all(call.at - NOON < timedelta(hours=1) for call in calls)
    assert len(loop.states("defect_ticket")) > 300, "the tickets are there all the same"
    # What was held back is one message, the next morning.
    held = [key for key, state in states.items() if state == "digest"]
    assert len(held) > 200
    loop.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    loop.later(minutes=1)
    (digest,) = [call for call in loop.calls() if call.kind == "digest"]
    assert digest.at == datetime(2026, 11, 24, 8, 0, tzinfo=UTC) and f"Digest: {len(held)} alerts of Mon 23 Nov" in digest.body
    assert f"and {len(held) - 10} more" in digest.body and not any(key in digest.body for key in urgent)


def test_urgent_alerts_pass_however_many_there_are(loop: Loop) -> None:
    issues = [replace(small(n, "product_quality"), tier=1, scope={"sku": f"S-{n}"}) for n in range(9)] + [small(100 + n) for n in range(9)]
    loop.run(issues)
    states = loop.states("notification")
    assert all(states[issue.insight_id] == "planned" for issue in issues[:9])
    assert {states[issue.insight_id] for issue in issues[9:]} == {"digest"}


def test_the_hour_starts_anew_and_every_channel_has_its_own(shop: Shop, in_slack: Shop, loop: Loop, tmp_path: Path) -> None:
    loop.run([small(n) for n in range(6)])
    assert sorted(loop.states("notification").values()) == ["digest"] * 3 + ["planned"] * 3, "two of five are kept for what cannot wait"
    loop.later(minutes=61)
    loop.run([small(n) for n in range(8)])
    assert [loop.states("notification")[f"INS-000{n}"] for n in (6, 7)] == ["planned"] * 2
    apart = replace(in_slack, owners={**in_slack.owners, "support": replace(in_slack.owners["support"], alert_destination="slack:#support")})
    other = Loop(apart, tmp_path / "other")
    other.run([small(n) for n in range(6)] + [small(20 + n, "customer_service") for n in range(6)])
    by_channel = [known.action.destination for known in other.known.values() if known.action.kind == "notification" and known.action.state == "planned"]
    assert sorted(by_channel) == ["slack:#alerts"] * 3 + ["slack:#support"] * 3


# -- grouping, inhibition ----------------------------------------------------------------------------------------------


def test_issues_of_one_line_and_topic_are_one_message(loop: Loop) -> None:
    mates = [replace(small(n), scope={"product_line": "glass lamps", "region": region}) for n, region in enumerate(("de", "fr", "uk"))]
    loop.run([*mates, small(9)])
    first, other = loop.calls()
    assert {first.insight_id, other.insight_id} == {"INS-0000", "INS-0009"}
    assert "*Also*" in first.body and "tickets/INS-0001.md" in first.body and "tickets/INS-0002.md" in first.body
    assert loop.states("notification")["INS-0001"] == "grouped"
    ticket = next(known.row["body"] for known in loop.known.values() if known.action.insight_id == "INS-0001" and known.action.kind == "defect_ticket")
    assert "told together with INS-0000" in ticket


def test_a_group_whose_first_issue_is_over_tells_the_next_by_itself(loop: Loop) -> None:
    first, second = (replace(small(n), scope={"product_line": "glass lamps", "region": region}) for n, region in enumerate(("de", "fr")))
    loop.run([first, second])
    loop.later(hours=2)
    loop.run([replace(first, state="resolved"), second])
    assert loop.states("notification") == {"INS-0000": "planned", "INS-0001": "planned"} and len(loop.calls()) == 2


def test_a_tier_1_of_a_sku_silences_the_rest_about_it_until_it_is_over(loop: Loop) -> None:
    loud = replace(small(1, "product_quality"), tier=1, scope={"sku": "GL-100"})
    quiet, elsewhere = replace(small(2), scope={"sku": "GL-100"}), replace(small(3), scope={"sku": "GL-200"})
    loop.run([loud, quiet, elsewhere])
    assert loop.states("notification") == {"INS-0001": "planned", "INS-0002": "inhibited", "INS-0003": "planned"}
    assert loop.states("defect_ticket")["INS-0002"] == "planned", "the ticket is there; only nobody is called for it"
    loop.later(hours=30)
    loop.run([replace(loud, state="resolved"), quiet, elsewhere])
    assert loop.states("notification")["INS-0002"] == "planned"


def test_what_is_about_no_product_or_about_more_of_them_is_not_silenced(loop: Loop) -> None:
    loud = replace(small(1, "product_quality"), tier=1, scope={"sku": "GL-100"})
    shop_wide = replace(small(2, "billing_confusion"), scope={})
    wider = replace(small(3), scope={"product_line": "glass lamps"})
    evidence = {
        "INS-0001": complaint_records(3, topic="product_quality"), "INS-0002": complaint_records(3, topic="billing_confusion", prefix="B"),
        "INS-0003": [*complaint_records(3, topic="price_value", prefix="P"), *complaint_records(3, topic="price_value", prefix="Q", sku="GL-200")],
    }  # fmt: skip
    loop.run([loud, shop_wide, wider], evidence)
    assert set(loop.states("notification").values()) == {"planned"}


# -- again -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "change", "again"),
    [
        (2.0, {"customers_count": 14}, ""),
        (2.0, {"customers_count": 15}, "15 customers now, 10 when it was told"),
        (0.5, {"customers_count": 99}, ""),  # a message that grows is not sent again within the hour
        (0.5, {"tier": 1}, "it is Tier 1 now, it was Tier 2"),
        (23.9, {}, ""),
        (24.1, {}, "nobody answered within 24 hours"),
        (2.0, {"reopened_count": 1, "reopened_day": NOON.date()}, "it was over and is back"),
        (2.0, {"risk_per_day": 99_999.0, "p_value": 1e-9, "title": "another title"}, ""),  # new figures alone call nobody
    ],
)
def test_an_alert_is_told_again_only_for_a_reason(loop: Loop, hours: float, change: dict[str, object], again: str) -> None:
    loop.run([small(1)])
    loop.later(hours=hours)
    loop.run([replace(small(1), **change)])  # type: ignore[arg-type]
    bodies = [call.body for call in loop.calls("notification")]
    assert len(bodies) == (2 if again else 1)
    assert not again or f"*Again* told Mon 23 Nov, 12:00; {again}." in bodies[1]
    loop.run([replace(small(1), **change)])  # type: ignore[arg-type]
    assert len(loop.calls("notification")) == len(bodies), "and then not again"


def test_what_is_told_again_counts_for_the_hour_too(loop: Loop) -> None:
    told, new = [small(n) for n in range(3)], [small(10 + n) for n in range(3)]
    loop.run(told)
    loop.later(minutes=61)
    loop.run([*told, *new])
    loop.later(minutes=5)
    loop.run([*(replace(issue, customers_count=40) for issue in told), *new])
    assert len(loop.calls("notification")) == 3 + 5
    loop.later(minutes=61)
    loop.run([*(replace(issue, customers_count=40) for issue in told), *new])
    assert len(loop.calls("notification")) == 3 + 5 + 1, "the last one had to wait for room, and is not lost"


def test_what_somebody_took_up_is_not_repeated_by_the_day(loop: Loop) -> None:
    loop.run([small(1)])
    loop.operations.verdicts.give("INS-0001", "confirmed", by="ana")
    loop.later(hours=25)
    loop.run([small(1)])
    assert len(loop.calls()) == 1
    loop.run([replace(small(1), customers_count=30)])
    assert len(loop.calls()) == 2, "but that it doubled is news"


def test_a_danger_that_joins_a_told_group_goes_out_at_once(loop: Loop) -> None:
    report = replace(small(1, "safety"), tier=2, owner="quality", scope={"sku": "CHA-1"}, customers_count=2)
    evidence = {key: [record(report, n) for n in range(2)] for key in ("INS-0001", "INS-0002")}
    loop.run([report], evidence)
    loop.later(minutes=1)
    loop.run([report, replace(report, insight_id="INS-0002")], evidence)
    _, second = loop.calls()
    assert "a further issue came to it that cannot wait" in second.body and "tickets/INS-0002.md" in second.body


# -- night, snooze -----------------------------------------------------------------------------------------------------


def test_at_night_only_tier_1_and_safety_call(loop: Loop, tmp_path: Path, shop: Shop) -> None:
    loop.now = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # 22:00 in Berlin
    urgent = replace(small(1, "product_quality"), tier=1, scope={"sku": "S-1"})
    danger = replace(small(2, "safety"), tier=2, owner="quality", scope={"sku": "S-2"}, customers_count=2)
    for hour in range(6):
        night = [urgent, danger, *(small(n) for n in range(10, 12 + 2 * hour))]
        loop.run(night, {i.insight_id: [record(i, n) for n in range(2)] for i in night})
        loop.later(hours=1)
    assert {call.insight_id for call in loop.calls("notification")} == {"INS-0001", "INS-0002"}
    assert [call.body.count("Tier 2") for call in loop.calls("unanswered")] == [0], "only the Tier 1 ticket goes up at night"
    loop.now = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    loop.later()
    morning = loop.calls("notification", since=datetime(2026, 11, 24, 6, 0, tzinfo=UTC))
    assert len(morning) == 3 and {call.at for call in morning} == {datetime(2026, 11, 24, 6, 0, tzinfo=UTC)}, "07:00 in Berlin, not a night's pile"
    ticket = next(known.row["body"] for known in loop.known.values() if known.action.insight_id == morning[0].insight_id and known.action.kind == "defect_ticket")
    assert "told on Tue 24 Nov, 07:00, after the quiet hours" in ticket
    on_desk = Loop(shop, tmp_path / "desk", now=datetime(2026, 11, 23, 21, 0, tzinfo=UTC))
    on_desk.run([small(1)])
    assert len(on_desk.calls()) == 1, "a file wakes nobody"


def test_what_waits_for_the_morning_goes_out_when_it_becomes_urgent(loop: Loop) -> None:
    loop.now = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    loop.run([small(1)])
    loop.later(hours=2)
    assert loop.calls() == []
    loop.run([replace(small(1), tier=1)])
    (call,) = loop.calls("notification")
    assert call.at == datetime(2026, 11, 23, 23, 0, tzinfo=UTC) and "*Again*" not in call.body
    loop.later(hours=8)
    assert len(loop.calls("notification")) == 1


def test_the_outbox_keeps_what_waits_and_says_why(loop: Loop) -> None:
    """The same through the real outbox: nothing leaves before its time, an urgent text leaves at once, and waiting on purpose is not late."""
    from insights_assets.actions.deliver import deliver
    from insights_assets.actions.desk import Desk
    from insights_assets.actions.destinations.desk import DeskDestination
    from insights_assets.actions.messages import messages_of
    from insights_assets.resources.operations.outbox_people import standing, unsettled

    loop.now = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    destination = {"desk": DeskDestination(Desk(loop.folder / "desk"))}

    def send(issue: Issue) -> list[tuple[str, str]]:
        rows = loop.run([issue]).actions
        with loop.operations.writing() as session:  # the loop's own notes of what arrived
            for row in session.query(OutboxRow).filter(OutboxRow.content_sha256 == "x"):
                session.delete(row)
        deliver(loop.operations, destination, messages_of(rows, [], loop.shop), "run")
        return sorted((row.kind, row.state) for row in loop.operations.outbox.all())

    assert send(small(1)) == [("defect_ticket", "delivered"), ("notification", "waiting")]
    loop.now += timedelta(hours=3)
    assert standing(loop.operations).as_facts(loop.now)["oldest_hours"] == 0.0, "it waits on purpose"
    assert "waits for its time" in unsettled(loop.operations)[0]["why"]
    assert send(replace(small(1), tier=1)) == [("defect_ticket", "delivered"), ("notification", "delivered")]


def test_a_snooze_holds_until_its_day_unless_it_becomes_urgent(loop: Loop) -> None:
    loop.run([small(1)])
    loop.operations.verdicts.snooze("INS-0001", NOON.date() + timedelta(days=3), by="ana")
    loop.later(hours=25)
    loop.run([replace(small(1), customers_count=40)])
    assert len(loop.calls()) == 1
    loop.run([replace(small(1), tier=1)])
    assert "it is Tier 1 now" in loop.calls()[-1].body
    loop.operations.verdicts.snooze("INS-0002", NOON.date() + timedelta(days=9), by="ana")
    loop.run([replace(small(1), tier=1), small(2)])
    assert "INS-0002" not in loop.states("defect_ticket")
    loop.later(days=9)
    loop.run([replace(small(1), tier=1), small(2)])
    assert loop.states("notification")["INS-0002"] == "planned", "awake again"


# -- flapping ----------------------------------------------------------------------------------------------------------


def test_flapping_is_one_incident_that_stays_open_and_is_marked(loop: Loop) -> None:
    lamp = replace(LAMPS, scope={"sku": "GL-100"}, cause={})
    evidence = {LAMPS.insight_id: complaint_records()}
    for turn in range(20):  # every hour the other state
        state = "active" if turn % 2 == 0 else "resolved"
        decided = loop.run([replace(lamp, state=state)], evidence)
        loop.later(hours=1)
    rows = {row["kind"]: row for row in decided.actions}
    assert set(rows) == {"defect_ticket", "notification", "promo_hold"} and len(decided.actions) == 3
    assert rows["defect_ticket"]["issue_state"] == "flapping" and "*Before* flapping: it opens and closes again and again" in rows["defect_ticket"]["body"]
    assert len(loop.calls("notification")) == 1, "nobody is called again for it"
    loop.later(hours=25)
    over = loop.run([replace(lamp, state="resolved")], evidence)
    assert {row["issue_state"] for row in over.actions} == {"closed"}, "steady for a day: what it is counts again"
    assert all(hold.state in ("released", "expired") for hold in over.holds)


def test_three_changes_are_no_flapping(loop: Loop) -> None:
    for state in ("active", "resolved", "active", "resolved"):
        decided = loop.run([replace(LAMPS, state=state)], {LAMPS.insight_id: complaint_records()})
        loop.later(hours=1)
    assert {row["issue_state"] for row in decided.actions} == {"closed"}


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 30)), min_size=1, max_size=40))
def test_changes_are_counted_over_a_day_and_never_pile_up(signals: list[tuple[bool, float]]) -> None:
    limits, now, states, changed, last = AlertLimits(), NOON, {}, [], None
    for is_open, hours in signals:
        now += timedelta(hours=hours)
        issue = replace(LAMPS, state="active" if is_open else "resolved")
        states = observe([issue], states, now, limits)
        changed += [now] if last is not None and last != is_open else []
        last = is_open
        assert is_flapping(states[LAMPS.insight_id], now, limits) == (sum(moment > now - timedelta(hours=24) for moment in changed) >= 4)
        assert len(states[LAMPS.insight_id].changes) <= len(changed)
        assert Seen.from_row(states[LAMPS.insight_id].as_row()) == states[LAMPS.insight_id]


# -- runs that die -----------------------------------------------------------------------------------------------------


def test_a_run_that_dies_before_it_remembers_tells_the_same_and_once(loop: Loop, issue: Callable[..., Issue]) -> None:
    from insights_assets.actions.decide import decide_actions
    from insights_assets.actions.finish import Inputs

    loop.run([small(1)])
    loop.later(hours=2)
    grown = replace(small(1), customers_count=30)
    given = Inputs(
        issues=[grown], causes={}, evidence={grown.insight_id: [record(grown)]}, products={}, revenue_share=None, repeated=[], known=loop.known, known_drafts={},
        shop=loop.shop, as_of=loop.as_of, until=loop.now,
    )  # fmt: skip
    lost = decide_actions(given, loop.operations)
    again = decide_actions(given, loop.operations)
    assert again.actions == lost.actions and again.seen == lost.seen and "30 customers now" in str(again.actions)
    loop.run([grown])
    loop.run([grown])
    assert len(loop.calls()) == 2


def test_a_message_says_where_its_ticket_is() -> None:
    assert wording.ticket_place("desk", "INS-0001") == "tickets/INS-0001.md"
    assert wording.ticket_place("jira:CARE", "INS-0001") == "in Jira, project CARE: search for INS-0001"
