"""Budget: how many tokens and how much money a run and a day may use, asked before each call and never overrun by calls in flight.

Belongs here: limits, what is spent, what is reserved. Does not belong here: where spending is recorded (`ledger`), prices.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from insights_assets.settings import Settings


@dataclass(frozen=True, slots=True)
class Spend:
    """Tokens and money, spent or to be spent."""

    tokens: int = 0
    money: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(self.tokens + other.tokens, self.money + other.money)

    def __sub__(self, other: Spend) -> Spend:
        return Spend(self.tokens - other.tokens, self.money - other.money)

    def fits(self, limit: Spend) -> bool:
        return self.tokens <= limit.tokens and self.money <= limit.money + 1e-9


class Budget:
    """Two limits at once. A reservation that does not fit is refused whole."""

    def __init__(self, run_limit: Spend, day_limit: Spend, *, run_spent: Spend = Spend(), day_spent: Spend = Spend()) -> None:
        self._lock = threading.Lock()
        self._limits = {"run": run_limit, "day": day_limit}
        self._spent = {"run": run_spent, "day": day_spent}
        self._reserved = Spend()
        self.refused_count = 0

    @classmethod
    def of(cls, settings: Settings, run_spent: Spend, day_spent: Spend) -> Budget:
        return cls(
            Spend(settings.model_tokens_per_run, settings.model_cost_per_run), Spend(settings.model_tokens_per_day, settings.model_cost_per_day),
            run_spent=run_spent, day_spent=day_spent,
        )

    def reserve(self, wanted: Spend) -> bool:
        """Set aside what a call may use at most; False where it does not fit beside what is spent and in flight."""
        with self._lock:
            if all((self._spent[name] + self._reserved + wanted).fits(limit) for name, limit in self._limits.items()):
                self._reserved = self._reserved + wanted
                return True
            return False

    def refuse(self) -> None:
        """Note that something was not asked for want of budget."""
        with self._lock:
            self.refused_count += 1

    def settle(self, reserved: Spend, used: Spend) -> None:
        """Turn a reservation into what was used."""
        with self._lock:
            self._reserved = self._reserved - reserved
            self._spent = {name: spent + used for name, spent in self._spent.items()}

    @property
    def exhausted(self) -> str | None:
        """Which limit refused, in words; None while everything fitted."""
        if not self.refused_count:
            return None
        named = [
            f"{name} ({self._spent[name].tokens:,} of {limit.tokens:,} tokens, {self._spent[name].money:.2f} of {limit.money:.2f})"
            for name, limit in self._limits.items()
        ]
        return "the model budget is used up: " + ", ".join(named)
