"""The port every destination implements: find by key, create, update; and what can become of one attempt.

Belongs here: the message as it is handed over, the answers and the faults a sender tells apart. Does not belong here: any vendor,
any retry. A destination never tries a write twice: after a fault the outbox decides (`outbox/sender.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

#: The fact that tells drafts of one action apart.
LANGUAGE = "Language"


@dataclass(frozen=True)
class Button:
    """Something a person can press beside a message. `act`: approve, reject, confirm, dismiss, duplicate, snooze, release or place.

    `subject`: the action, insight or hold it is about. `token`: one-shot, from `approvals.issue_token`; empty where the act needs none.
    """

    act: str
    label: str
    subject: str
    token: str = ""


@dataclass(frozen=True)
class Message:
    """One effect, the same for every destination. `body` is Markdown of the house in which text from data is inert already.

    `key`: idempotency key of the outbox row. `place`: what stands after the colon of the destination (a project, a channel).
    `parent_key`: key of the message it belongs beneath (a thread, a comment on a ticket); empty for one that stands alone.
    `facts`: short values that a destination may show in fields of its own (owner, tier, money a day, products), already inert.
    `move`: reopen or close, what becomes of the message it belongs beneath, where that has a workflow. `links_to`: external id of an
    earlier message at the same destination that the one above repeats.
    """

    key: str
    action_id: str
    insight_id: str
    kind: str
    tier: int
    owner: str
    title: str
    body: str
    place: str = ""
    due_at: datetime | None = None
    buttons: tuple[Button, ...] = ()
    parent_key: str = ""
    parent_id: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    move: str = ""
    links_to: str = ""

    @property
    def fingerprint(self) -> str:
        """What the message is found by at a destination that can be searched: `ins-` and 12 hex characters of the key."""
        head, _, part = self.key.partition(":")
        return f"ins-{head[:12]}" + (f"-{part}" if part else "")


@dataclass(frozen=True)
class Receipt:
    """Where a message is now: its name at the destination, and the address a person opens (empty where there is none)."""

    external_id: str
    url: str = ""
    note: str = ""


class NotSent(Exception):
    """The write certainly did not happen and may be tried again; `retry_after` in seconds where the destination names it."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Unknown(Exception):
    """Nobody knows whether the write happened (a lost reply, a 5xx after the request was read): look it up before any second try."""


class Refused(Exception):
    """The destination will never take this message as it is; the text says what a person has to change."""


class Destination(Protocol):
    """One place where actions arrive.

    One where making an effect twice is the same as once (a file, a desired state) may say so by `is_repeatable = True`: it needs no lease
    and no look-up.
    """

    #: desk, jira, slack, …: what stands before the colon in `owners.yaml`.
    name: str
    #: Whether `find` can tell that something is not there; where it cannot, delivery is at least once and the docs say so.
    is_searchable: bool
    #: Seconds after a write until `find` can be trusted to see it.
    settles_after: float

    def find(self, message: Message, since: datetime) -> Receipt | None:
        """Look the message up by its fingerprint among what was written since then. Raises NotSent where the look-up failed."""
        ...

    def create(self, message: Message) -> Receipt:
        """Write it for the first time. Raises NotSent, Unknown or Refused."""
        ...

    def update(self, message: Message, external_id: str) -> Receipt:
        """Bring what is there up to this version; doing it twice is the same as once. Raises NotSent, Unknown or Refused."""
        ...
