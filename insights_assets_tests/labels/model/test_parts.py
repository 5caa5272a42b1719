"""The small parts by themselves: waits, pace, prices, budget, and the stores on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.labels.model.budget import Budget, Spend
from insights_assets.labels.model.ledger import Ledger, Receipt
from insights_assets.labels.model.outcomes import Fault, Outcome, retry_after
from insights_assets.labels.model.pace import Pace, backoff
from insights_assets.labels.model.prices import PriceError, Usage, load_prices, parse_prices
from insights_assets.labels.model.replies import Replies
from insights_assets.resources.operations import Operations, open_operations

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def operations(target: str) -> Iterator[Operations]:
    found = open_operations(target, clock=lambda: NOW)
    found.migrate()
    yield found
    found.close()


@pytest.mark.parametrize(("headers", "seconds"), [
    ({"retry-after-ms": "700", "retry-after": "9"}, 0.7), ({"retry-after": "130"}, 130.0), ({"retry-after": "0.5"}, 0.5), ({}, None),
    ({"retry-after": format_datetime(NOW + timedelta(seconds=45), usegmt=True)}, 45.0), ({"retry-after": "Mon, 23 Nov 2026 08:00:00 GMT"}, 0.0),
    ({"retry-after": "soon"}, None), ({"retry-after": "-5"}, 0.0), ({"retry-after": "nan"}, None), ({"retry-after": "inf"}, None),
    ({"retry-after-ms": "x", "retry-after": "2"}, 2.0),
])
def test_every_form_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_no_header_whatsoever_raises(value: str) -> None:
    found = retry_after({"retry-after": value, "retry-after-ms": value}, NOW)
    assert found is None or found >= 0


def test_the_pace_grows_by_one_a_round_halves_once_a_pause_and_obeys_what_is_left() -> None:
    pace = Pace(4, 16, 100.0, NOW)
    for _ in range(40):
        pace.answered(100, {})
    grown = pace.limit
    assert 8 <= grown <= 16
    assert pace.limited(NOW + timedelta(seconds=10), NOW) and grown // 2 <= pace.limit <= grown // 2 + 1
    halved = pace.limit
    assert pace.limited(NOW + timedelta(seconds=8), NOW + timedelta(seconds=1)) and pace.limit == halved, "the same pause"
    assert pace.waited_seconds == 10.0
    assert not pace.limited(NOW + timedelta(seconds=200), NOW + timedelta(seconds=2)), "longer than a run may wait"
    pace.answered(1000, {"x-ratelimit-remaining-tokens": "2500"})
    assert pace.limit == 2
    pace.answered(1000, {"x-ratelimit-remaining-requests": "0"})
    assert pace.limit == 1


def test_backoff_doubles_to_eight_seconds_and_differs_by_key() -> None:
    assert [round(backoff(number, "0000").total_seconds(), 2) for number in range(1, 7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert backoff(3, "ffff") == timedelta(seconds=1.5)


def test_prices_by_the_longest_name_and_the_tier() -> None:
    prices = load_prices()
    usage = Usage(input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)
    assert prices.cost(usage, snapshot="gpt-4.1-mini-2025-04-14", deployment="x") == pytest.approx(0.6 * 0.40 + 0.4 * 0.10 + 0.1 * 1.60)
    assert prices.cost(usage, snapshot="gpt-4.1-mini-2025-04-14", deployment="x", tier="batch") == pytest.approx((0.6 * 0.40 + 0.4 * 0.10 + 0.1 * 1.60) / 2)
    assert prices.cost(usage, snapshot="unheard-of", deployment="x") > prices.cost(usage, snapshot="gpt-4.1", deployment="x")


@pytest.mark.parametrize(("document", "told"), [
    ({}, "models: needs a mapping"), ({"models": {}}, "currency: missing"),
    ({"currency": "EUR", "as_of": "2026-01", "models": {"m": {"input": 1, "cached_input": 1, "output": 1}}}, "models.default: missing"),
    ({"currency": "EUR", "as_of": "2026-01", "models": {"default": {"input": -1, "cached_input": 1, "output": 1}}}, "models.default.input: needs a number"),
])
def test_a_broken_price_table_is_named(document: dict, told: str) -> None:
    with pytest.raises(PriceError, match=told):
        parse_prices(document, "mine.yaml")


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_spending_never_passes_a_limit_when_reservations_are_upper_bounds(calls: list[tuple[int, int]]) -> None:
    budget = Budget(Spend(200, 10.0), Spend(300, 10.0), day_spent=Spend(60, 0.0))
    spent, in_flight = 0, []
    for wanted, used in calls:
        if budget.reserve(Spend(wanted, 0.0)):
            in_flight.append((wanted, min(wanted, used)))
        if len(in_flight) > 3:
            reserved, took = in_flight.pop(0)
            budget.settle(Spend(reserved, 0.0), Spend(took, 0.0))
            spent += took
    assert spent + sum(took for _, took in in_flight) <= 200


def test_ledger_and_replies_on_both_databases(operations: Operations) -> None:
    ledger, replies = Ledger(operations, load_prices()), Replies(operations)
    first = ledger.sent(run_id="r", task="t", prompt_version="p", cache_key="k1", attempt=1, deployment="d", estimate=Spend(500, 0.5), at=NOW)
    assert ledger.spent(run_id="r") == Spend(500, 0.5), "what is under way counts"
    ledger.received(first, Receipt(Usage(100, 0, 20), "gpt-4.1-mini-x", None, "req", 200), "d", NOW)
    assert ledger.spent(run_id="r").tokens == 120
    ledger.judged(first, Outcome.OK, None)
    second = ledger.sent(run_id="r", task="t", prompt_version="p", cache_key="k2", attempt=1, deployment="d", estimate=Spend(500, 0.5), at=NOW)
    ledger.failed(second, Fault(Outcome.RATE_LIMITED_DEFERRED, "429", 429), NOW)
    third = ledger.sent(run_id="r", task="t", prompt_version="p", cache_key="k2", attempt=2, deployment="d", estimate=Spend(700, 0.5), at=NOW)
    ledger.failed(third, Fault(Outcome.TRANSPORT, "timeout", may_be_billed=True), NOW)
    assert ledger.spent(day=NOW.date()).tokens == 820
    assert ledger.spent(day=NOW.date() - timedelta(days=1)).tokens == 0
    given = {"task": "t", "prompt_version": "p", "detail": None, "snapshot": "s", "at": NOW}
    assert replies.keep("k1", outcome=Outcome.OK, content="{}", subjects=["ana", "ben"], **given) is not None
    again = replies.keep("k1", outcome=Outcome.OK, content="{1}", subjects=["cem"], **given)
    assert again is not None and again.content == "{}"
    assert replies.keep("k2", outcome=Outcome.TRANSPORT, content=None, subjects=["ana"], **given) is None
    replies.keep("k3", outcome=Outcome.REFUSED, content=None, subjects=["ana"], **given)
    replies.also_about({"k1": {"ana", "dora"}, "k3": set()})
    assert set(replies.known(["k1", "k2", "k3"], NOW)) == {"k1", "k3"}
    assert set(replies.known(["k1", "k3"], NOW + timedelta(days=8))) == {"k1"}
    assert [replies.forget(who) for who in ("ana", "ben", "cem", "dora")] == [1, 0, 0, 1]
    assert replies.known(["k1", "k3"], NOW) == {}
    replies.keep("k4", outcome=Outcome.REFUSED, content=None, subjects=["eva"], **given)
    assert (replies.drop_expired(NOW), replies.drop_expired(NOW + timedelta(days=8)), replies.forget("eva")) == (0, 1, 0)
