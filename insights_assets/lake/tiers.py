"""The three tiers of data (R117) and which of them a role may read. Enforcement is in the readers, not here."""

from __future__ import annotations

from typing import Literal, get_args

Tier = Literal["aggregate", "summary", "raw"]
TIERS: tuple[Tier, ...] = get_args(Tier)
DEFAULT_TIER: Tier = "summary"


def allows(granted: str, needed: str) -> bool:
    """Whether a reader granted one tier may see data of another; tiers are ordered aggregate < summary < raw."""
    for tier in (granted, needed):
        if tier not in TIERS:
            raise ValueError(f"unknown tier {tier!r}; one of {', '.join(TIERS)}")
    return TIERS.index(needed) <= TIERS.index(granted)  # type: ignore[arg-type]
