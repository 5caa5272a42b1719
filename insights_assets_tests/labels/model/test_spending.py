"""What asking cost and what was not paid, from the ledger: token for token what the stand-in's own ledger comes to by the price table."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from insights_assets.actions.asking_costs import week_words
from insights_assets.cli import main
from insights_assets.health import roi
from insights_assets.labels.model.batch import submit
from insights_assets.labels.model.batch_results import poll
from insights_assets.labels.model.label import questions_of
from insights_assets.labels.model.prices import Usage, load_prices
from insights_assets.labels.model.request import Candidates
from insights_assets.labels.model.spending import Spending, spending, spending_words
from insights_assets_tests.contract.azure_openai_server import SNAPSHOT
from insights_assets_tests.labels.model.desk import PRODUCTS, Desk, complaints

PRICES = load_prices()


def worth(desk: Desk, *, batch: bool, at_once: bool = False) -> float:
    """What the server's ledger comes to. `at_once`: as if nothing had been cached or batched."""
    total = 0.0
    for one in desk.server.billed:
        if (one.batch_id is not None) == batch:
            usage = Usage(one.prompt_tokens, 0 if at_once else one.cached_tokens, one.completion_tokens)
            total += PRICES.cost(usage, snapshot=SNAPSHOT, deployment="labels-mini", tier=None if at_once or not batch else "batch")
    return total


def test_cost_and_savings_are_the_servers_ledger_by_the_price_table(desk: Desk) -> None:
    desk.label(complaints(30))
    submit(desk.client("run-2"), desk.operations, questions_of(complaints(50), desk.prompt, Candidates(PRODUCTS)))
    waiting = spending(desk.operations, PRICES, run_id="run-2")
    assert (waiting.calls, waiting.cost, waiting.open_batches) == (0, 0.0, 1) and waiting.set_aside > 0
    assert f"{waiting.set_aside:.4f} set aside for 1 open batch" in spending_words(waiting)
    desk.server.batches.work("batch_0000")
    poll(desk.operations, desk.client("run-3"))
    one_by_one, batched = (spending(desk.operations, PRICES, run_id=run) for run in ("run-1", "run-2"))
    assert one_by_one.calls == 30 and one_by_one.cost == pytest.approx(worth(desk, batch=False), abs=1e-5)
    assert one_by_one.saved_by_prompt_cache == pytest.approx(worth(desk, batch=False, at_once=True) - worth(desk, batch=False), abs=1e-4) and one_by_one.saved_by_batch == 0
    assert batched.calls == batched.batch_calls == 20 and batched.cost == pytest.approx(worth(desk, batch=True), abs=1e-5)
    assert batched.saved_by_batch == pytest.approx(worth(desk, batch=True, at_once=True) - worth(desk, batch=True), abs=1e-4)
    assert batched.set_aside == 0 and 0 < batched.cost < waiting.set_aside
    whole = spending(desk.operations, PRICES)
    assert whole.calls == len(desk.server.billed) and whole.cost == pytest.approx(one_by_one.cost + batched.cost)
    assert whole.tokens == sum(one.prompt_tokens + one.completion_tokens for one in desk.server.billed)


def test_a_period_holds_what_was_sent_in_it_and_a_lost_reply_is_an_estimate(desk: Desk) -> None:
    desk.server.faults = lambda number, _body: "drop" if number == 0 else None
    desk.label(complaints(3))
    today = desk.server.time.now().date()
    found = spending(desk.operations, PRICES, since=today)
    assert found.calls == 4 and 0 < found.unknown_cost < found.cost and "is an estimate" in spending_words(found)
    assert spending(desk.operations, PRICES, since=today + timedelta(days=1)) == Spending() == spending(desk.operations, PRICES, before=today)
    assert spending_words(Spending()) == "nothing"


def test_the_brief_names_the_week_beside_the_week_before_and_is_silent_without_a_model(desk: Desk) -> None:
    assert week_words(desk.operations, desk.settings) == ""
    desk.label(complaints(2))
    assert "2 calls" in week_words(desk.operations, desk.settings) and week_words(desk.operations, desk.settings).endswith("in the 7 days before nothing")
    desk.server.time.sleep_until(desk.server.time.now() + timedelta(days=7))
    assert week_words(desk.operations, desk.settings).startswith("the language model cost nothing in 7 days; in the 7 days before 0.")


def test_the_cost_command_tells_what_the_ledger_knows(desk: Desk, tmp_path: Path) -> None:
    desk.label(complaints(2))
    environment = {"INSIGHTS_OPERATIONS_URL": f"sqlite:///{tmp_path / 'operations.db'}"}
    # The stand-in's time is not the command's, so the calls are given the day of today.
    from datetime import UTC, datetime

    from sqlalchemy import update

    from insights_assets.resources.operations.asking_tables import ModelCall

    with desk.operations.writing() as session:
        session.execute(update(ModelCall).values(sent_on=datetime.now(UTC).date()))
    told = CliRunner().invoke(main, ["cost", "--home", str(tmp_path / "home"), "--json"], env=environment)
    assert told.exit_code == 0, told.output
    spent = json.loads(told.output)["model_spent"]
    assert spent["calls"] == 2 and spent["cost"] == pytest.approx(worth(desk, batch=False), abs=1e-5)
    plain = CliRunner().invoke(main, ["cost", "--home", str(tmp_path / "home")], env=environment)
    assert plain.output.startswith(f"The language model cost {spent['cost']:.4f} USD by 2 calls")
    empty = CliRunner().invoke(main, ["cost", "--home", str(tmp_path / "nowhere"), "--json"])
    assert json.loads(empty.output)["model_spent"] is None


def test_roi_tells_what_was_not_paid_and_what_a_confirmed_issue_cost() -> None:
    costs = roi.cost_lines(roi.Costs(500.0, 1_500.0, 310, 10.0, "USD", 4.0, 2.5), "USD")
    assert costs[2].value == 10.0 and costs[2].says == "310 calls in 30 days; 4.00 USD not paid, by batches and the prompt cache; 2.50 USD set aside for open batches"
    each = roi.confirmed_line(costs, 5, "USD")
    assert (each.state, each.value) == ("measured", 402.0), "what was saved or is set aside is in no sum"
    none = roi.confirmed_line(costs, 0, "USD")
    assert none.value is None and none.needs == "a verdict confirmed in 30 days"
    partial = roi.confirmed_line(roi.cost_lines(roi.Costs(None, 1_500.0, 310, 10.0, "USD"), "USD"), 5, "USD")
    assert partial.value is None and "INSIGHTS_PLATFORM_COST_PER_MONTH" in partial.says and "302.00 USD an issue over 5 confirmed" in partial.says
