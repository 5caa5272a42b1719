"""Loop time by stage and clock, the count-based promise, and alert precision with its n and unknown share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from insights_assets.actions.loop_promise import judge_loop
from insights_assets.actions.loop_time import Stamps, loop_hours, loop_rows
from insights_assets.actions.verdicts import alert_precision, give_verdict, verdict_rows
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.shop import Shop

EVENT = datetime(2026, 11, 17, 16, tzinfo=UTC)
RUN = datetime(2027, 3, 1, 8, tzinfo=UTC)  # a replay: this house works months after the shop's days


def stamps(
    number: int = 1, *, detect_hours: float = 31, route_hours: float = 0.1, approve_hours: float | None = None
) -> Stamps:
    at = {
        "event": EVENT,
        "arrival": EVENT + timedelta(hours=1),
        "detect": EVENT + timedelta(hours=detect_hours),
        "decide": RUN,
        "route": RUN + timedelta(hours=route_hours + (approve_hours or 0)),
    }
    if approve_hours is not None:
        at["approve"] = RUN + timedelta(hours=approve_hours)
    return Stamps(f"ACT-{number:03d}", f"INS-{number}", "defect_ticket", "quality", 1, at)


def test_the_two_clocks_are_never_subtracted_from_each_other() -> None:
    rows = {row["stage"]: row for row in loop_rows([stamps()])}
    assert [rows[s]["clock"] for s in ("event", "arrival", "detect", "decide", "route")] == [
        "shop",
        "shop",
        "shop",
        "wall",
        "wall",
    ]
    assert rows["event"]["hours"] is None and rows["decide"]["hours"] is None
    assert rows["arrival"]["hours"] == 1.0 and rows["detect"]["hours"] == 30.0 and rows["route"]["hours"] == 0.1
    assert loop_hours(stamps()) == 31.1
    assert loop_hours(Stamps("a", "i", "macro", "support", 2, {"event": EVENT, "detect": EVENT})) is None


@pytest.mark.parametrize(("late", "answer"), [(5, "pass"), (6, "fail")])
def test_of_the_last_fifty_at_most_five_may_be_late(shop: Shop, late: int, answer: str) -> None:
    found = judge_loop(
        [stamps(n, detect_hours=80 if n < late else 20) for n in range(50)], shop.policy.loop
    )  # fmt: skip
    assert (found.counted, found.late, found.answer) == (50, late, answer)
    assert found.listed == ()
    assert (found.p50_hours, found.p90_hours) == (20.1, 20.1 if late == 5 else 80.1)


def test_below_twenty_they_are_listed_one_by_one(shop: Shop) -> None:
    found = judge_loop([stamps(n, detect_hours=10 + n) for n in range(3)], shop.policy.loop)
    assert found.answer == "too_few"
    assert found.listed == (("ACT-000", 10.1), ("ACT-001", 11.1), ("ACT-002", 12.1))
    assert judge_loop([], shop.policy.loop).answer == "too_few"


def test_the_stage_that_ate_the_hours_is_named(shop: Shop) -> None:
    quick = [stamps(n, detect_hours=20) for n in range(20)]
    slow = [stamps(90 + n, detect_hours=30, approve_hours=48) for n in range(6)]
    found = judge_loop([*quick, *slow], shop.policy.loop)
    assert (found.late, found.slowest_stage) == (6, "approve"), "a two-day approval is the cause"
    assert judge_loop(quick, shop.policy.loop).slowest_stage == "detect"


@pytest.mark.parametrize(
    ("verdicts", "closed", "share", "answer"),
    [
        (["confirmed"] * 15 + ["dismissed"] * 5, 20, 0.75, "pass"),
        (["confirmed"] * 14 + ["dismissed"] * 6, 20, 0.70, "fail"),
        (["confirmed"] * 19, 40, 1.0, "too_few"),
        ([], 0, None, "too_few"),
    ],
)
def test_alert_precision_answers_pass_fail_or_too_few(
    verdicts: list[str], closed: int, share: float | None, answer: str
) -> None:
    found = alert_precision(verdicts, closed=closed, wanted_share=0.75, wanted_closed=20)
    assert (found.precision, found.answer) == (share, answer)


def test_silence_is_unknown_and_duplicates_judge_nothing() -> None:
    found = alert_precision(
        ["confirmed"] * 6 + ["duplicate"] * 3 + ["unknown"], closed=10, wanted_share=0.75, wanted_closed=1
    )
    assert (found.judged, found.unknown, found.unknown_share, found.precision) == (6, 4, 0.4, 1.0)


KNOWN = ["INS-1", "INS-2"]


def test_a_verdict_is_recorded_and_audited(operations: Operations) -> None:
    assert give_verdict(operations, "INS-1", "confirmed", by="ana", known_insights=KNOWN) == "INS-1 is confirmed"
    said = give_verdict(operations, "INS-2", "duplicate-of", by="ana", reason="INS-1", known_insights=KNOWN)
    assert said == "INS-2 repeats INS-1"
    assert [(r["insight_id"], r["verdict"], r["is_latest"]) for r in verdict_rows(operations)] == [
        ("INS-1", "confirmed", True), ("INS-2", "duplicate", True),
    ]  # fmt: skip
    give_verdict(operations, "INS-1", "dismissed", by="ben", reason="a known promotion", known_insights=KNOWN)
    assert [r["is_latest"] for r in verdict_rows(operations)] == [False, True, True]
    assert [(r.actor, r.subject) for r in operations.audit.rows()] == [
        ("ben", "INS-1"),
        ("ana", "INS-2"),
        ("ana", "INS-1"),
    ]


def test_a_snooze_judges_nothing(operations: Operations) -> None:
    give_verdict(operations, "INS-1", "snooze", by="ana", until=date(2026, 12, 1), known_insights=KNOWN)
    assert verdict_rows(operations) == []
    assert set(operations.verdicts.snoozed(date(2026, 11, 30))) == {"INS-1"}


@pytest.mark.parametrize(
    ("insight", "judgement", "more", "message"),
    [
        ("INS-9", "confirmed", {}, "there is no insight INS-9"),
        ("INS-1", "dismissed", {}, "needs a reason"),
        ("INS-1", "snooze", {}, "day on which it wakes"),
        ("INS-1", "duplicate-of", {"reason": "INS-9"}, "names the insight it repeats"),
        ("INS-1", "duplicate-of", {"reason": "INS-1"}, "of itself"),
        ("INS-1", "right", {}, "use one of confirmed"),
    ],
)
def test_a_judgement_that_cannot_be_recorded_says_what_to_do(
    operations: Operations, insight: str, judgement: str, more: dict[str, str], message: str
) -> None:
    with pytest.raises(RefusedJudgement, match=message):
        give_verdict(operations, insight, judgement, by="ana", known_insights=KNOWN, **more)  # type: ignore[arg-type]
    assert verdict_rows(operations) == [] and operations.audit.count() == 0
