"""Verdicts: what people said of insights, as rows and as a share (R144), and the act of giving one.

Belongs here: reading a judgement in the words of the command, and precision with its n and unknown share. Does not
belong here: storing (`resources/operations/judgements.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.judgements import RefusedJudgement

JUDGEMENTS = ("confirmed", "dismissed", "duplicate-of", "snooze", "unknown")


@dataclass(frozen=True)
class AlertPrecision:
    """Confirmed among judged insights. `answer`: pass, fail or too_few."""

    confirmed: int
    judged: int
    unknown: int
    answer: str

    @property
    def precision(self) -> float | None:
        return round(self.confirmed / self.judged, 4) if self.judged else None

    @property
    def unknown_share(self) -> float:
        total = self.judged + self.unknown
        return round(self.unknown / total, 4) if total else 0.0


def give_verdict(
    operations: Operations,
    insight_id: str,
    judgement: str,
    *,
    by: str,
    reason: str | None = None,
    until: date | None = None,
    known_insights: Iterable[str] | None = None,
    as_of: date | None = None,
    through: str = "command",
) -> str:
    """Record a judgement and say in words what was recorded.

    `judgement`: confirmed | dismissed (with reason) | duplicate-of (reason names the other insight, or
    duplicate-of=INS-…) | snooze (with until, a day after the shop's `as_of`) | unknown. Raises RefusedJudgement with what to do. The audit log gets an entry.
    """
    known = set(known_insights) if known_insights is not None else None
    if known is not None and insight_id not in known:
        raise RefusedJudgement(f"there is no insight {insight_id}; see `insights show insights`")
    if judgement.startswith("duplicate-of="):
        judgement, _, reason = judgement.partition("=")
    if judgement == "snooze":
        if until is None:
            raise RefusedJudgement("a snooze needs the day on which it wakes: --until 2026-12-01")
        if as_of is not None and until <= as_of:
            raise RefusedJudgement(f"a snooze until {until} is over already: the shop's today is {as_of}")
        operations.verdicts.snooze(insight_id, until, by=by, reason=reason)
        said = f"{insight_id} sleeps until {until}; nothing is judged by that"
    elif judgement == "duplicate-of":
        other = (reason or "").strip()
        if not other or (known is not None and other not in known):
            raise RefusedJudgement("a duplicate names the insight it repeats: duplicate-of --reason INS-…")
        operations.verdicts.give(insight_id, "duplicate", by=by, duplicate_of=other, through=through)
        said = f"{insight_id} repeats {other}"
    elif judgement in ("confirmed", "dismissed", "unknown"):
        operations.verdicts.give(insight_id, judgement, by=by, reason=reason, through=through)
        said = f"{insight_id} is {judgement}" + (f": {reason}" if reason else "")
    else:
        raise RefusedJudgement(f"{judgement!r} is not a judgement; use one of {', '.join(JUDGEMENTS)}")
    operations.audit.append(by, "verdict", insight_id, judgement=judgement, until=until)
    return said


def alert_precision(verdicts: Iterable[str], *, closed: int, wanted_share: float, wanted_closed: int) -> AlertPrecision:
    """Precision over latest verdicts. `closed` insights without a verdict count as unknown, never as right.

    Duplicates are left out: they say nothing of the detector's judgement of the issue itself.
    """
    given = [verdict for verdict in verdicts if verdict != "duplicate"]
    confirmed = given.count("confirmed")
    judged = confirmed + given.count("dismissed")
    unknown = given.count("unknown") + max(0, closed - len(given))
    if judged < wanted_closed:
        return AlertPrecision(confirmed, judged, unknown, "too_few")
    return AlertPrecision(confirmed, judged, unknown, "pass" if confirmed / judged >= wanted_share else "fail")


def verdict_rows(operations: Operations) -> list[dict[str, Any]]:
    """Every verdict as a row of `actions.verdicts`; `is_latest` marks the one that counts."""
    latest = {row.verdict_id for row in operations.verdicts.latest().values()}
    return [{**row.as_dict(), "is_latest": row.verdict_id in latest} for row in operations.verdicts.history()]
