"""What a ticket is rendered from, and how a rendering marks text.

Belongs here: the facts handed to a ticket and its two styles, Markdown and plain text. Does not belong here: the
sentences (`tickets.py`, `whereabouts.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from insights_assets.actions import escaping
from insights_assets.actions.model import CauseRow, Issue, PlannedAction, Product
from insights_assets.actions.named import Named
from insights_assets.actions.quotes import Quote
from insights_assets.shop.model import Shop


@dataclass(frozen=True)
class HoldState:
    """What a ticket says of its promotion hold."""

    hold_id: str
    state: str
    skus: tuple[str, ...]
    expires_on: date | None = None
    reason: str = ""


@dataclass(frozen=True)
class TicketFacts:
    """Everything a ticket is rendered from. `first_complaint_at` and `due_at` are UTC; `as_of` is the shop's today; `console`: its address, empty
    where whoever reads this cannot open it.
    """

    issue: Issue
    shop: Shop
    as_of: date
    due_at: datetime
    owner: str
    causes: Sequence[CauseRow] = ()
    quotes: Sequence[Quote] = ()
    actions: Sequence[PlannedAction] = ()
    hold: HoldState | None = None
    products: Mapping[str, Product] = field(default_factory=dict)
    first_complaint_at: datetime | None = None
    provisional_reason: str = ""
    parts: Sequence[Named] = ()
    console: str = ""

    @property
    def page(self) -> str:
        """Address of the issue's page in the console; empty where there is none to open."""
        return f"{self.console.rstrip('/')}/?insight={self.issue.insight_id}" if self.console else ""


class Style(Protocol):
    """How a rendering marks text; `outside` makes text from data inert."""

    def strong(self, text: str) -> str: ...
    def label(self, text: str) -> str: ...
    def command(self, text: str) -> str: ...
    def outside(self, text: str) -> str: ...


class MarkdownStyle:
    """Markdown in which text from data renders as itself and nothing else."""

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def label(self, text: str) -> str:
        return f"*{text}*"

    def command(self, text: str) -> str:
        return f"`{text}`"

    def outside(self, text: str) -> str:
        return escaping.markdown(text, 160)


class PlainStyle:
    """Plain text."""

    def strong(self, text: str) -> str:
        return text

    def label(self, text: str) -> str:
        return f"{text}:" if text[-1] not in "?:" else text

    def command(self, text: str) -> str:
        return text

    def outside(self, text: str) -> str:
        return escaping.inert(text, 160)


MARKDOWN: Style = MarkdownStyle()
PLAIN: Style = PlainStyle()
