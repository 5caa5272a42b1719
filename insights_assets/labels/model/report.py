"""What a run's model work came to: calls, tokens, money, outcomes, and the sentences a person should read.

Belongs here: summing the ledger of one run for metadata and for the run's last lines. Does not belong here: costs over time (`health`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from insights_assets.labels.model.client import ModelClient


@dataclass(frozen=True)
class ModelReport:
    """Figures of one run, from its ledger; `answers` counts questions, stored replies included."""

    calls_count: int
    unknown_count: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost: float
    currency: str
    snapshots: tuple[str, ...]
    call_outcomes: dict[str, int]
    answers: dict[str, int]
    waited_seconds: float
    sentences: tuple[str, ...]

    def metadata(self) -> dict[str, int | float | str]:
        """Numbers and short texts for an asset's metadata."""
        return {
            "model_calls": self.calls_count, "model_input_tokens": self.input_tokens, "model_cached_tokens": self.cached_tokens,
            "model_output_tokens": self.output_tokens, "model_cost": self.cost, "model_currency": self.currency,
            **({"model_snapshots": ", ".join(self.snapshots)} if self.snapshots else {}),
            **{f"model_{name}": count for name, count in self.answers.items()},
        }

    def cost_per_thousand(self, records_count: int) -> float | None:
        """Money for a thousand of the records that were looked at, whether they needed a call or not."""
        return round(1000 * self.cost / records_count, 4) if records_count else None


def run_report(client: ModelClient) -> ModelReport:
    """The report of the client's run so far."""
    calls = client.ledger.calls(run_id=client.run_id)
    snapshots = tuple(sorted({row.model_snapshot for row in calls if row.model_snapshot}))
    sentences = [sentence for sentence in (client.stopped, client.budget.exhausted) if sentence]
    expected = client.connection.snapshot
    if expected and any(name != expected for name in snapshots):
        sentences.append(f"the deployment answers with {', '.join(snapshots)}, but INSIGHTS_MODEL_SNAPSHOT expects {expected}: name the new one, and labels are asked anew")
    unfiltered = sum("unfiltered" in (row.detail or "") for row in calls)
    if unfiltered:
        sentences.append(f"the vendor's content filter was down for {unfiltered} calls; their texts went unfiltered")
    known = [row for row in calls if row.is_usage_known]
    return ModelReport(
        len(calls), len(calls) - len(known), sum(row.input_tokens for row in known), sum(row.cached_tokens for row in known),
        sum(row.output_tokens for row in known), sum(row.reasoning_tokens for row in known), round(sum(row.cost for row in calls), 6),
        client.prices.currency, snapshots, dict(sorted(Counter(row.outcome or row.state for row in calls).items())),
        {outcome.value: count for outcome, count in sorted(client.outcomes.items())}, round(client.pace.waited_seconds, 1), tuple(sentences),
    )
