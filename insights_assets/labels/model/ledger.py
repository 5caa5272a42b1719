"""The ledger of model calls: one row an attempt, written before it is sent and completed before its reply is judged.

Belongs here: those writes, and sums over them. Does not belong here: the money limits (`budget`), what a reply said (`replies`).
A row that stays `sent` is a call whose reply was never read: the process ended, or the reply was lost. It may have been charged, so
its estimate counts as spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select, update

from insights_assets.labels.model.budget import Spend
from insights_assets.labels.model.outcomes import Fault, Outcome
from insights_assets.labels.model.prices import Prices, Usage
from insights_assets.resources.operations.asking_tables import ModelBatch, ModelCall

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations

SENT, RECEIVED, JUDGED = "sent", "received", "judged"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a reply says about itself, before anybody reads its content."""

    usage: Usage | None
    snapshot: str | None
    service_tier: str | None
    request_id: str | None
    http_status: int


class Ledger:
    """Writes and sums `model_calls`."""

    def __init__(self, operations: Operations, prices: Prices) -> None:
        self._operations = operations
        self._prices = prices

    def sent(
        self, *, run_id: str, task: str, prompt_version: str, cache_key: str, attempt: int, deployment: str, estimate: Spend, at: datetime
    ) -> int:
        """A call is about to be sent; gives its id. Its estimate counts as spent until something better is known."""
        with self._operations.writing() as session:
            row = ModelCall(
                run_id=run_id, task=task, prompt_version=prompt_version, cache_key=cache_key, attempt=attempt, deployment=deployment,
                sent_on=at.date(), sent_at=at, state=SENT, estimated_tokens=estimate.tokens, cost=estimate.money, currency=self._prices.currency,
            )
            session.add(row)
            session.flush()
            return row.call_id

    def received(self, call_id: int, receipt: Receipt, deployment: str, at: datetime) -> float:
        """A reply came: what it used and costs stands from here on, whatever its content turns out to be. Gives the cost."""
        cost = self._cost(receipt, deployment)
        with self._operations.writing() as session:
            known = receipt.usage is not None
            session.execute(
                update(ModelCall).where(ModelCall.call_id == call_id).values(
                    state=RECEIVED, ended_at=at, http_status=receipt.http_status, request_id=receipt.request_id, model_snapshot=receipt.snapshot,
                    service_tier=receipt.service_tier, is_usage_known=known, **_counts(receipt.usage), **({"cost": cost} if known else {}),
                )
            )
        return cost

    def judged(self, call_id: int, outcome: Outcome, detail: str | None) -> None:
        """What the reply was worth."""
        with self._operations.writing() as session:
            session.execute(update(ModelCall).where(ModelCall.call_id == call_id).values(state=JUDGED, outcome=outcome.value, detail=_short(detail)))

    def failed(self, call_id: int, fault: Fault, at: datetime) -> None:
        """No reply came. An answer with a status is not charged; a lost one may have been, and keeps its estimate."""
        settled: dict[str, Any] = {} if fault.may_be_billed else {"is_usage_known": True, "cost": 0.0}
        with self._operations.writing() as session:
            session.execute(
                update(ModelCall).where(ModelCall.call_id == call_id).values(
                    state=JUDGED, outcome=fault.outcome.value, detail=_short(fault.detail), ended_at=at, http_status=fault.http_status,
                    request_id=fault.request_id, waited_seconds=fault.wait_seconds, **settled,
                )
            )

    def batch_line(self, batch: ModelBatch, cache_key: str, receipt: Receipt, outcome: Outcome, detail: str | None, at: datetime) -> None:
        """One line of a batch's results; reading the same file again adds nothing."""
        name = f"{batch.batch_id}:{cache_key}"
        with self._operations.writing() as session:
            if session.scalar(select(ModelCall.call_id).where(ModelCall.batch_line == name)) is not None:
                return
            session.add(
                ModelCall(
                    run_id=batch.run_id, task=batch.task, prompt_version=batch.prompt_version, cache_key=cache_key, attempt=1, deployment=batch.deployment,
                    sent_on=(batch.submitted_at or at).date(), sent_at=batch.submitted_at or at, ended_at=at, state=JUDGED, outcome=outcome.value,
                    detail=_short(detail), http_status=receipt.http_status, request_id=receipt.request_id, model_snapshot=receipt.snapshot,
                    service_tier="batch", is_usage_known=True, cost=self._cost(receipt, batch.deployment, "batch"), currency=self._prices.currency,
                    batch_line=name, **_counts(receipt.usage),
                )
            )

    def batch_lost(self, batch: ModelBatch, at: datetime) -> None:
        """A batch whose results nobody can read any more: one row with its estimate, which may have been charged."""
        name = f"{batch.batch_id}:lost"
        with self._operations.writing() as session:
            if session.scalar(select(ModelCall.call_id).where(ModelCall.batch_line == name)) is None:
                began = batch.submitted_at or batch.started_at
                session.add(
                    ModelCall(
                        run_id=batch.run_id, task=batch.task, prompt_version=batch.prompt_version, cache_key=batch.batch_key, attempt=1, deployment=batch.deployment,
                        sent_on=began.date(), sent_at=began, ended_at=at, state=JUDGED, outcome=Outcome.TRANSPORT.value, detail="batch lost", service_tier="batch",
                        estimated_tokens=batch.estimated_tokens, cost=batch.estimated_cost, currency=self._prices.currency, batch_line=name,
                    )
                )

    def _cost(self, receipt: Receipt, deployment: str, tier: str | None = None) -> float:
        if receipt.usage is None:
            return 0.0
        return self._prices.cost(receipt.usage, snapshot=receipt.snapshot, deployment=deployment, tier=tier or receipt.service_tier)

    # -- sums ----------------------------------------------------------------------------------------------------------

    def spent(self, *, run_id: str | None = None, day: date | None = None) -> Spend:
        """What a run or a UTC day has spent: counted tokens where they are known, else the estimate. Open batches count by their estimate."""
        tokens = case((ModelCall.is_usage_known, ModelCall.input_tokens + ModelCall.output_tokens), else_=ModelCall.estimated_tokens)
        calls = select(func.coalesce(func.sum(tokens), 0), func.coalesce(func.sum(ModelCall.cost), 0.0))
        batches = select(func.coalesce(func.sum(ModelBatch.estimated_tokens), 0), func.coalesce(func.sum(ModelBatch.estimated_cost), 0.0))
        batches = batches.where(ModelBatch.state != "ended")
        if run_id is not None:
            calls, batches = calls.where(ModelCall.run_id == run_id), batches.where(ModelBatch.run_id == run_id)
        if day is not None:
            calls = calls.where(ModelCall.sent_on == day)
        with self._operations.reading() as session:
            counted, money = session.execute(calls).one()
            waiting, estimate = session.execute(batches).one()
        return Spend(int(counted) + int(waiting), float(money) + float(estimate))

    def calls(self, *, run_id: str | None = None) -> Sequence[ModelCall]:
        """Every attempt (of a run), in the order they were sent."""
        query = select(ModelCall).order_by(ModelCall.call_id)
        with self._operations.reading() as session:
            return list(session.scalars(query.where(ModelCall.run_id == run_id) if run_id else query))


def _counts(usage: Usage | None) -> dict[str, int]:
    found = usage or Usage()
    return {
        "input_tokens": found.input_tokens, "cached_tokens": found.cached_tokens, "output_tokens": found.output_tokens,
        "reasoning_tokens": found.reasoning_tokens,
    }


def _short(detail: str | None) -> str | None:
    return detail[:200] if detail else None
