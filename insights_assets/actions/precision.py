"""Alert precision by owner and detector, with n, interval and unknown share; and which closed tickets to ask for a verdict (R144).

Belongs here: how each insight stands in the eyes of people, counting that, and the question that is asked once. Does not belong here:
giving verdicts (`verdicts.py`), sending the question (the outbox), storing (`resources/operations/`). Only insights that something was
done about count: nobody can judge what nobody was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from insights_assets.actions.model import OPEN_STATES, day_of, text_of
from insights_assets.actions.verdicts import AlertPrecision, alert_precision
from insights_assets.labels.evaluation import wilson
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.models import TicketStamp, Verdict
from insights_assets.shop.answering import AnswerLimits
from insights_assets.shop.model import Acceptance

#: open: still runs; waiting: closed, and there is time left to say whether it was right; unknown: nobody said.
STANDINGS = ("confirmed", "dismissed", "duplicate", "unknown", "waiting", "open")
Stamped = Mapping[str, Mapping[str, TicketStamp]]


@dataclass(frozen=True)
class Standing:
    """One insight that something was done about, and what people make of it."""

    insight_id: str
    owner: str
    detector: str
    state: str


@dataclass(frozen=True)
class Question:
    """A ticket that was closed without a verdict: ask who closed it, once."""

    action_id: str
    insight_id: str
    owner: str
    title: str
    closed_by: str
    closed_at: datetime


def question_text(insight_id: str) -> str:
    """What a ticket is asked that was closed without a verdict, in the house's Markdown."""
    return (
        f"**Was it right?** This ticket was closed, and nobody said. `insights verdict {insight_id} confirmed`, or "
        f"`insights verdict {insight_id} dismissed --reason …`, or the buttons on the console's page Tickets. Without an answer it counts as unknown.\n"
    )


def standings(
    insights: Iterable[Mapping[str, Any]],
    tickets: Iterable[Mapping[str, Any]],
    verdicts: Mapping[str, Verdict],
    stamps: Stamped,
    limits: AnswerLimits,
    *,
    as_of: date,
    now: datetime,
) -> list[Standing]:
    """How each insight stands. `verdicts`: the latest of each; `as_of` is the shop's day, `now` the wall's: a ticket that was closed
    waits by the wall, an insight that merely ended waits by the shop's days.
    """
    acted: dict[str, list[str]] = {}
    for ticket in tickets:
        acted.setdefault(str(ticket["insight_id"]), []).append(str(ticket["action_id"]))
    return [
        Standing(
            insight_id=insight_id,
            owner=text_of(row.get("owner")) or "nobody",
            detector=text_of(row.get("detector")) or "unknown",
            state=_state(row, acted[insight_id], verdicts.get(insight_id), stamps, limits, as_of, now),
        )
        for row in sorted(insights, key=lambda row: str(row["insight_id"]))
        if (insight_id := str(row["insight_id"])) in acted
    ]


def _state(
    row: Mapping[str, Any], actions: Iterable[str], verdict: Verdict | None, stamps: Stamped, limits: AnswerLimits, as_of: date, now: datetime
) -> str:
    if verdict is not None:
        return verdict.verdict
    wait = timedelta(days=limits.unknown_after_days)
    closed = [there["close"].at for action_id in actions if "close" in (there := stamps.get(action_id, {}))]
    if closed:
        return "unknown" if min(closed) + wait <= now else "waiting"
    if text_of(row.get("state")) in OPEN_STATES:
        return "open"
    ended = day_of(row.get("last_seen_day")) or day_of(row.get("window_end"))
    return "waiting" if ended is not None and ended + wait > as_of else "unknown"


def precision_of(found: Iterable[Standing], acceptance: Acceptance) -> AlertPrecision:
    """Confirmed among judged, against what the shop accepts; silence is unknown and never counts as right."""
    given = [standing.state for standing in found if standing.state in ("confirmed", "dismissed", "unknown", "duplicate")]
    return alert_precision(given, closed=0, wanted_share=acceptance.alerts_confirmed_share, wanted_closed=acceptance.alerts_closed)


def precision_rows(found: Iterable[Standing], acceptance: Acceptance) -> list[dict[str, Any]]:
    """Rows of `actions.alert_precision`: all together, each owner, each detector."""
    listed = list(found)
    groups: dict[tuple[str, str], list[Standing]] = {("all", "all"): listed}
    for grouping in ("owner", "detector"):
        for standing in listed:
            groups.setdefault((grouping, getattr(standing, grouping)), []).append(standing)
    order = {"all": 0, "owner": 1, "detector": 2}
    return [_row(grouping, name, mine, acceptance) for (grouping, name), mine in sorted(groups.items(), key=lambda entry: (order[entry[0][0]], entry[0][1]))]


def _row(grouping: str, name: str, mine: list[Standing], acceptance: Acceptance) -> dict[str, Any]:
    result = precision_of(mine, acceptance)
    counts = {state: sum(standing.state == state for standing in mine) for state in STANDINGS}
    low, high = wilson(result.confirmed / result.judged, result.judged) if result.judged else (None, None)
    return {
        "grouping": grouping, "name": name, "insight_count": len(mine), "confirmed_count": result.confirmed,
        "dismissed_count": counts["dismissed"], "judged_count": result.judged, "duplicate_count": counts["duplicate"],
        "unknown_count": result.unknown, "waiting_count": counts["waiting"], "open_count": counts["open"], "precision": result.precision,
        "precision_low": low, "precision_high": high, "unknown_share": result.unknown_share, "answer": result.answer,
    }  # fmt: skip


def precision_words(row: Mapping[str, Any]) -> str:
    """`7 of 9 judged were right (78 %, 95 % interval 45 % to 94 %); 3 ended without an answer`"""
    if not row["judged_count"]:
        said = "nobody has judged one yet"
    else:
        said = (
            f"{row['confirmed_count']} of {row['judged_count']} judged were right ({row['precision'] * 100:.0f} %, "
            f"95 % interval {row['precision_low'] * 100:.0f} to {row['precision_high'] * 100:.0f} %)"
        )
    return said + (f"; {row['unknown_count']} ended without an answer" if row["unknown_count"] else "")


def tickets_to_ask(tickets: Iterable[Mapping[str, Any]], stamps: Stamped, verdicts: Mapping[str, Verdict]) -> list[Question]:
    """The closed tickets that are to be asked now: without a verdict, never asked before, one an insight, the first that was closed."""
    asked = set()
    closed: dict[str, list[tuple[datetime, Mapping[str, Any]]]] = {}
    for ticket in tickets:
        insight_id, there = str(ticket["insight_id"]), stamps.get(str(ticket["action_id"]), {})
        if "asked" in there:
            asked.add(insight_id)
        if "close" in there and insight_id not in verdicts:
            closed.setdefault(insight_id, []).append((there["close"].at, ticket))
    questions = []
    for insight_id in sorted(set(closed) - asked):
        _, ticket = min(closed[insight_id], key=lambda entry: (entry[0], str(entry[1]["action_id"])))
        action_id = str(ticket["action_id"])
        stamp = stamps[action_id]["close"]
        questions.append(Question(action_id, insight_id, text_of(ticket["owner"]), text_of(ticket.get("title")), stamp.by, stamp.at))
    return questions


def note_asked(operations: Operations, question: Question) -> bool:
    """Keep that it was asked, in the transaction that wants the message (`operations.writing()`); gives whether it was the first time."""
    return operations.answers.stamp(question.action_id, "asked", operations.clock(), by="policy", through="outbox")
