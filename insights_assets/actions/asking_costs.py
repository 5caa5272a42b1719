"""What the brief says of the language model's cost: this week beside the week before, from the ledger.

Belongs here: that sentence. Does not belong here: the sums (`labels/model/spending`), the page (`brief`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from insights_assets.labels.model.spending import spending_of, spending_words

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings


def week_words(operations: Operations, settings: Settings) -> str:
    """Nothing where no model was asked in either week: then the brief has no such line."""
    today = operations.clock().date()
    first, second = today - timedelta(days=6), today - timedelta(days=13)
    week, before = spending_of(operations, settings, since=first), spending_of(operations, settings, since=second, before=first)
    if week.is_nothing and before.is_nothing:
        return ""
    return f"the language model cost {spending_words(week)} in 7 days; in the 7 days before {spending_words(before)}"
