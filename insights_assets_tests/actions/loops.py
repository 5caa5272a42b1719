"""Runs of the stage one after the other, as the assets string them, with a clock that a test sets; and every message that would leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from insights_assets.actions.decide import decide_actions
from insights_assets.actions.escalation import raise_due
from insights_assets.actions.finish import Decided, Inputs, Known
from insights_assets.actions.messages import messages_of
from insights_assets.actions.model import Evidence, Issue
from insights_assets.actions.notices import digest_notices, unanswered_notices
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.resources.operations.sending_tables import OutboxRow
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import PRODUCTS

#: Kinds that call somebody; tickets and drafts lie where they are until somebody looks.
CALLS = ("notification", "digest", "unanswered")
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """One message, new or again."""

    at: datetime
    kind: str
    insight_id: str
    destination: str
    body: str


@dataclass
class Loop:
    """One home. `run` is one run of the stage; `sent` what left it so far. A delivery is instant and never fails here."""

    shop: Shop
    folder: Path
    now: datetime = NOON
    known: dict[str, Known] = field(default_factory=dict)
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    _shown: dict[str, str] = field(default_factory=dict)
    _waiting: dict[str, tuple[datetime, Sent]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.operations: Operations = open_operations(self.folder / "operations.db", clock=lambda: self.now)
        self.operations.migrate()

    @property
    def as_of(self) -> date:
        return self.now.astimezone(self.shop.zone).date()

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)
        for key, (at, message) in list(self._waiting.items()):
            if at <= self.now:
                self.sent.append(replace(message, at=at))
                del self._waiting[key]

    def run(self, issues: Sequence[Issue], evidence: Mapping[str, Sequence[Evidence]] | None = None, **changes: Any) -> Decided:
        """One run over these issues; evidence of one record an issue where none is given."""
        given: dict[str, Any] = {
            "issues": issues, "causes": {}, "evidence": evidence or {i.insight_id: [record(i)] for i in issues}, "products": PRODUCTS,
            "revenue_share": {"GL-100": 0.04}, "repeated": [], "known": self.known, "known_drafts": {}, "shop": self.shop, "as_of": self.as_of,
            "until": self.now,
        }  # fmt: skip
        decided = decide_actions(Inputs(**{**given, **changes}), self.operations)
        rows = [{"created_at": self.now, **row, **({"created_at": self.known[row["action_id"]].row["created_at"]} if row["action_id"] in self.known else {})} for row in decided.actions]
        self.known |= {str(row["action_id"]): Known.from_row(row) for row in rows}
        self.operations.alerts.put(decided.seen)
        self.tell()
        return decided

    def tell(self) -> None:
        """What `notices` and `deliveries` do: also between runs, when only time went by."""
        rows = [known.row for known in self.known.values()]
        raise_due(self.operations, rows, self.shop, asleep=self.operations.verdicts.snoozed(self.as_of))
        made = digest_notices(rows, self.notices, self.shop, self.now)
        made += unanswered_notices(self.operations.escalations.all(), rows, self.notices, self.shop)
        self.notices |= {str(row["action_id"]): row for row in made}
        outgoing = {str(row["idempotency_key"]): row for row in [*rows, *self.notices.values()]}
        for item in messages_of(outgoing.values(), [], self.shop):
            message = item.message
            if self._shown.get(message.key) == message.body:
                continue
            self._shown[message.key] = message.body
            sent = Sent(self.now, message.kind, message.insight_id, item.destination, message.body)
            if item.not_before is not None and item.not_before > self.now:
                self._waiting[message.key] = (item.not_before, sent)
            else:
                self._waiting.pop(message.key, None)
                self.sent.append(sent)
            self._arrived(message.key, message.action_id, message.insight_id, message.kind)

    def calls(self, *kinds: str, since: datetime | None = None) -> list[Sent]:
        """Messages that call somebody (of these kinds), in the order in which they left."""
        return [message for message in sorted(self.sent, key=lambda m: m.at) if message.kind in (kinds or CALLS) and (since is None or message.at >= since)]

    def states(self, kind: str) -> dict[str, str]:
        """insight id -> state of its action of a kind."""
        return {known.action.insight_id: known.action.state for known in self.known.values() if known.action.kind == kind}

    def _arrived(self, key: str, action_id: str, insight_id: str, kind: str) -> None:
        with self.operations.writing() as session:
            if session.get(OutboxRow, key) is None:
                session.add(OutboxRow(
                    idempotency_key=key, action_id=action_id, insight_id=insight_id, kind=kind, destination="desk", payload={}, content_sha256="x",
                    state="delivered", created_at=self.now, delivered_at=self.now,
                ))  # fmt: skip


def record(issue: Issue, number: int = 0) -> Evidence:
    return Evidence(
        f"r-{issue.insight_id}-{number}", "reviews", f"R-{issue.insight_id}-{number}", "It is broken", NOON - timedelta(days=1),
        customer_key=f"c-{issue.insight_id}-{number}", sku=issue.scope.get("sku", ""), confidences={issue.topic: 0.96},
    )  # fmt: skip
