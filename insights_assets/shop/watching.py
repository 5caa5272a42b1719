"""The `learning` section of `policy.yaml`: what counts as material drift, what leads to a retraining, what makes inputs unsound.

Belongs here: those limits as frozen values, their defaults, and reading them. Does not belong here: measuring anything
(`anomalies/drift.py`, `anomalies/trust.py`) or deciding to retrain (`learning/triggers.py`). Shares are 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from insights_assets.shop.reading import Node


@dataclass(frozen=True)
class DriftLimits:
    """What "materially" means in R103, and how large a window is before it is judged at all (runs are pooled until then)."""

    records: int = 2_000
    reference_days: int = 56
    top_three_points: float = 0.03
    top_three_relative: float = 0.15
    confidence_change: float = 0.02
    unsure_below: float = 0.6
    unsure_relative: float = 0.30
    runs: int = 2


@dataclass(frozen=True)
class RetrainingLimits:
    """When the classifier is trained anew: the base interval, the busy one (seasons, launches), and how much must be new (R98, R160)."""

    every_days: int = 28
    every_days_busy: int = 14
    launches_busy: int = 2
    new_reviewed: int = 30
    relabel_records: int = 200_000
    #: Days that both versions label at once after a promotion, so that trend lines are spliced; 0 for none. The longest window that is judged is 28.
    bridge_days: int = 28


@dataclass(frozen=True)
class TrustLimits:
    """What makes the inputs of an answer unsound."""

    quarantine_share: float = 0.05
    records: int = 30


@dataclass(frozen=True)
class WatchLimits:
    """All of the section."""

    drift: DriftLimits = field(default_factory=DriftLimits)
    retraining: RetrainingLimits = field(default_factory=RetrainingLimits)
    trust: TrustLimits = field(default_factory=TrustLimits)


def read_watch(node: Node | None) -> WatchLimits:
    """The section; what it leaves out keeps its default, so that a shop written before it had one still reads."""
    if node is None:
        return WatchLimits()
    top = node.mapping((), ("drift", "retraining", "trust"))
    return WatchLimits(_drift(top.get("drift")), _retraining(top.get("retraining")), _trust(top.get("trust")))


def _drift(node: Node | None) -> DriftLimits:
    whole = {"records": (50, 10_000_000), "reference_days": (7, 400), "runs": (1, 10)}
    shares = ("top_three_points", "top_three_relative", "confidence_change", "unsure_below", "unsure_relative")
    return DriftLimits(**_numbers(node, whole, shares))  # type: ignore[arg-type]


def _retraining(node: Node | None) -> RetrainingLimits:
    whole = {
        "every_days": (1, 366), "every_days_busy": (1, 366), "launches_busy": (1, 1000), "new_reviewed": (1, 1_000_000), "relabel_records": (1, 100_000_000),
        "bridge_days": (0, 120),
    }
    found = RetrainingLimits(**_numbers(node, whole, ()))  # type: ignore[arg-type]
    if node is not None and found.every_days_busy > found.every_days:
        node.fail("looks less often in busy times", "set every_days_busy to at most every_days")
    return found


def _trust(node: Node | None) -> TrustLimits:
    return TrustLimits(**_numbers(node, {"records": (1, 1_000_000)}, ("quarantine_share",)))  # type: ignore[arg-type]


def _numbers(node: Node | None, whole: dict[str, tuple[int, int]], shares: tuple[str, ...]) -> dict[str, float | int]:
    if node is None:
        return {}
    fields = node.mapping((), (*whole, *shares))
    return {name: value.whole(*whole[name]) if name in whole else value.number(0, 1) for name, value in fields.items()}
