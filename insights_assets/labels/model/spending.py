"""What asking cost in a run or a period, what open batches have set aside, and what was not paid: half prices and the prompt cache, from the ledger alone.

Belongs here: those sums and their sentence. Does not belong here: one run's outcomes (`report`), what a year would cost (`health/cost`), limits (`budget`).
What was saved is what the same tokens would have cost at once and uncached, by the price table; it is no benefit of the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from insights_assets.labels.model.batch_rows import ENDED
from insights_assets.labels.model.prices import load_prices
from insights_assets.resources.operations.asking_tables import ModelBatch, ModelCall

if TYPE_CHECKING:
    from insights_assets.labels.model.prices import Prices
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings

BATCH = "batch"


@dataclass(frozen=True)
class Spending:
    """Sums over the ledger. `unknown_cost` is the part of `cost` that is an estimate, because its reply was lost."""

    calls: int = 0
    batch_calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    unknown_cost: float = 0.0
    saved_by_batch: float = 0.0
    saved_by_prompt_cache: float = 0.0
    currency: str | None = None
    open_batches: int = 0
    set_aside: float = 0.0

    @property
    def saved(self) -> float:
        return round(self.saved_by_batch + self.saved_by_prompt_cache, 6)

    @property
    def is_nothing(self) -> bool:
        return not self.calls and not self.open_batches


def spending(operations: Operations, prices: Prices, *, run_id: str | None = None, since: date | None = None, before: date | None = None) -> Spending:
    """What a run spent, or what was sent from `since` on and before a day (UTC). Open batches count where they began in it."""
    known = ModelCall.is_usage_known
    columns = (
        ModelCall.model_snapshot, ModelCall.deployment, ModelCall.service_tier, ModelCall.currency, func.count(), func.coalesce(func.sum(ModelCall.cost), 0.0),
        func.coalesce(func.sum(case((known, ModelCall.cost), else_=0.0)), 0.0), func.coalesce(func.sum(case((known, ModelCall.cached_tokens), else_=0)), 0),
        func.coalesce(func.sum(case((known, ModelCall.input_tokens + ModelCall.output_tokens), else_=ModelCall.estimated_tokens)), 0),
    )  # fmt: skip
    calls = select(*columns).group_by(*columns[:4])
    batches = select(func.count(), func.coalesce(func.sum(ModelBatch.estimated_cost), 0.0)).where(ModelBatch.state != ENDED)
    if run_id is not None:
        calls, batches = calls.where(ModelCall.run_id == run_id), batches.where(ModelBatch.run_id == run_id)
    if since is not None:
        calls, batches = calls.where(ModelCall.sent_on >= since), batches.where(ModelBatch.started_at >= datetime.combine(since, time(), UTC))
    if before is not None:
        calls, batches = calls.where(ModelCall.sent_on < before), batches.where(ModelBatch.started_at < datetime.combine(before, time(), UTC))
    with operations.reading() as session:
        groups = session.execute(calls.order_by(*columns[:4])).all()
        open_count, set_aside = session.execute(batches).one()
    found = Spending(open_batches=int(open_count), set_aside=round(float(set_aside), 6), currency=prices.currency if open_count else None)
    for group in groups:
        found = _plus(found, prices, *group)
    return found


def _plus(
    found: Spending, prices: Prices, snapshot: str | None, deployment: str, tier: str | None, currency: str, calls: int, cost: float, known_cost: float, cached: int, tokens: int
) -> Spending:
    share = prices.tier_shares.get(tier or "default", 1.0)
    by_batch = known_cost / share - known_cost if tier == BATCH and 0 < share < 1 else 0.0
    by_cache = prices.saved_by_cache(cached, snapshot=snapshot, deployment=deployment, tier=tier) if currency == prices.currency else 0.0
    return Spending(
        found.calls + calls, found.batch_calls + (calls if tier == BATCH else 0), found.tokens + int(tokens), round(found.cost + cost, 6),
        round(found.unknown_cost + cost - known_cost, 6), round(found.saved_by_batch + by_batch, 6), round(found.saved_by_prompt_cache + by_cache, 6), currency,
        found.open_batches, found.set_aside,
    )  # fmt: skip


def spending_of(operations: Operations, settings: Settings, *, run_id: str | None = None, since: date | None = None, before: date | None = None) -> Spending:
    """The same with the prices that settings name."""
    return spending(operations, load_prices(settings.model_prices), run_id=run_id, since=since, before=before)


def spending_words(found: Spending) -> str:
    """1.2400 USD by 310 calls (120 in batches); not paid: 0.8100 by batches, 0.2200 by the prompt cache; 0.4000 set aside for 2 open batches"""
    if found.is_nothing:
        return "nothing"
    batches = f" ({found.batch_calls:,} in batches)" if found.batch_calls else ""
    parts = [f"{found.cost:.4f} {found.currency} by {found.calls:,} calls{batches}"]
    if found.unknown_cost:
        parts.append(f"of which {found.unknown_cost:.4f} is an estimate, because replies were lost")
    saved = [f"{money:.4f} by {word}" for money, word in ((found.saved_by_batch, "batches"), (found.saved_by_prompt_cache, "the prompt cache")) if money]
    if saved:
        parts.append(f"not paid: {', '.join(saved)}")
    if found.open_batches:
        parts.append(f"{found.set_aside:.4f} set aside for {found.open_batches} open batch{'es' if found.open_batches != 1 else ''}")
    return "; ".join(parts)
