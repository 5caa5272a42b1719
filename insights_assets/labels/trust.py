"""Trust: how far a rule and the model's own word for how sure it is may be believed, by what people reviewed.

Belongs here: counting rules and stored replies against reviewed records. Does not belong here: asking for a reply (nothing here sends), joining.
What was never reviewed is not believed beyond its default: a rule does not beat the model, and the model's words keep their plain bands, marked so.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from insights_assets.labels.model.label import CONFIDENCE_OF_BAND
from insights_assets.labels.rules import TOPIC

if TYPE_CHECKING:
    from insights_assets.labels.cascade import Label

#: Precision from which a rule beats the model, and on how many reviewed records it must have fired.
RULE_PRECISION, RULE_REVIEWED = 0.95, 20
#: Reviewed records with a stored reply from which the model's bands are calibrated.
CALIBRATED_FROM = 200
_BANDS = ("low", "medium", "high")
#: Topics of a band are mixed with so many at the band's default, so that a thin band does not jump.
_PRIOR = 10.0


@dataclass(frozen=True)
class Trust:
    """What is believed. `rules` beat the model; `bands` is what low, medium and high are worth."""

    rules: frozenset[str] = frozenset()
    bands: Mapping[str, float] = field(default_factory=lambda: dict(CONFIDENCE_OF_BAND))
    is_calibrated: bool = False
    reviewed_count: int = 0

    def confidence_of(self, stated: float) -> float:
        """Calibrated confidence of a topic whose band stands for `stated`."""
        band = next((name for name, value in CONFIDENCE_OF_BAND.items() if value == stated), None)
        return self.bands[band] if band is not None else stated

    @property
    def digest(self) -> str:
        """Changes when a label of the model would come out differently."""
        bands = ",".join(f"{name}={self.bands[name]}" for name in _BANDS)
        return hashlib.sha256(f"{sorted(self.rules)}|{bands}".encode()).hexdigest()[:8]

    @property
    def basis(self) -> str:
        return "calibrated" if self.is_calibrated else "uncalibrated"


def trusted_rules(reviewed: Iterable[tuple[Label, frozenset[str]]]) -> frozenset[str]:
    """Rules of topics that were right often enough: (local label with its hits, right topics) in."""
    fired: defaultdict[str, list[bool]] = defaultdict(list)
    for label, right in reviewed:
        for rule_id, target in {(hit["rule_id"], hit["target"]) for hit in label.hits if hit["kind"] == TOPIC and hit["start"] >= 0}:
            fired[rule_id].append(target in right)
    return frozenset(rule for rule, hits in fired.items() if len(hits) >= RULE_REVIEWED and sum(hits) / len(hits) >= RULE_PRECISION)


def calibrated_bands(said: Sequence[tuple[Mapping[str, str], frozenset[str]]]) -> dict[str, float]:
    """What each band is worth: ({topic: band} of a reply, right topics) in. Rounded to 0.05, and never falling from low to high."""
    worth: dict[str, float] = {}
    for band in _BANDS:
        hits = [topic in right for bands, right in said for topic, own in bands.items() if own == band and topic != "other"]
        worth[band] = (sum(hits) + _PRIOR * CONFIDENCE_OF_BAND[band]) / (len(hits) + _PRIOR)
    for lower, higher in pairwise(_BANDS):
        worth[higher] = max(worth[higher], worth[lower])
    return {band: round(round(value * 20) / 20, 2) for band, value in worth.items()}


def trust_of(reviewed: Sequence[tuple[Label, frozenset[str]]], said: Sequence[tuple[Mapping[str, str], frozenset[str]]]) -> Trust:
    """What reviewed records say of rules and of the model's bands."""
    calibrated = len(said) >= CALIBRATED_FROM
    bands = calibrated_bands(said) if calibrated else dict(CONFIDENCE_OF_BAND)
    return Trust(trusted_rules(reviewed), bands, calibrated, len(said))
