"""The message of a planned action, the same for every destination: one an action, one a language for drafts.

Belongs here: which actions are shown, and what of an action a message carries. Does not belong here: what a text says (`finish.py`),
how a destination shows it (`destinations/`), when it is sent (`outbox/`). Functions of rows alone: the same rows give the same message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from insights_assets.actions import wording
from insights_assets.actions.destinations.port import LANGUAGE, Button, Message
from insights_assets.actions.escaping import inert, markdown
from insights_assets.actions.model import text_of, time_of
from insights_assets.actions.outbox import Outgoing
from insights_assets.actions.policy import SAFETY
from insights_assets.shop.model import Shop

#: States in which an action has something to show; a digest entry is shown in its team's digest instead.
SHOWN_STATES = ("planned", "proposed", "awaiting_approval", "approved", "rejected", "expired", "ended")

_DRAFTS = {
    "macro": ("Macro draft", "A yes lets the team answer with it; nothing is sent to customers by itself."),
    "article": ("Article draft", "A yes lets the team publish it; nothing is published by itself."),
}

Buttons = Callable[[Mapping[str, Any]], tuple[Button, ...]]


def no_buttons(_action: Mapping[str, Any]) -> tuple[Button, ...]:
    """Where nobody hands out tokens; `approvals.buttons_for` does."""
    return ()


def messages_of(actions: Iterable[Mapping[str, Any]], drafts: Iterable[Mapping[str, Any]], shop: Shop, buttons: Buttons = no_buttons) -> list[Outgoing]:
    """Messages by key. A draft says in its first line that it waits, or who decided."""
    by_action: dict[str, list[Mapping[str, Any]]] = {}
    for draft in drafts:
        by_action.setdefault(str(draft["action_id"]), []).append(draft)
    made = []
    for action in actions:
        if action["state"] not in SHOWN_STATES or not text_of(action.get("body")):
            continue
        parts = by_action.get(str(action["action_id"]), [])
        texts = [(str(draft["language"]), _draft_page(action, draft, shop)) for draft in parts]
        made += [_outgoing(action, part, body, shop, buttons) for part, body in texts or [("", str(action["body"]))]]
    return sorted(made, key=lambda outgoing: outgoing.message.key)


def _outgoing(action: Mapping[str, Any], part: str, body: str, shop: Shop, buttons: Buttons) -> Outgoing:
    key, tier, topic = str(action["idempotency_key"]), int(action["tier"]), text_of(action.get("topic"))
    destination = str(action["destination"])
    _, _, place = destination.partition(":")
    owner = str(action["owner"])
    message = Message(
        key=f"{key}:{part}" if part else key,
        action_id=str(action["action_id"]),
        insight_id=str(action["insight_id"]),
        kind=str(action["kind"]),
        tier=tier,
        owner=owner,
        title=text_of(action.get("title")),
        body=body,
        place=place,
        due_at=time_of(action.get("due_at")),
        buttons=buttons(action),
        facts={
            "Owner": shop.owners[owner].name, "Topic": shop.policy.topics[topic].title if topic in shop.policy.topics else "",
            **({LANGUAGE: language_name(part)} if part else {}),
        },
    )
    # A danger does not wait behind money.
    return Outgoing(message, destination, urgency=1 if topic == SAFETY else tier, not_before=time_of(action.get("not_before")))


def _draft_page(action: Mapping[str, Any], draft: Mapping[str, Any], shop: Shop) -> str:
    """In the order in which a lead decides: what it is about, who decides until when, what a yes does, the words, how to say it."""
    kind, effect = _DRAFTS.get(text_of(action["kind"]), ("Draft", ""))
    about = f"**{markdown(text_of(action.get('title')))}**"
    language = language_name(str(draft["language"]))
    reason = text_of(action.get("state_reason")).rstrip(". ")
    if text_of(action["state"]) != "awaiting_approval":
        return f"{about}\n\n*{kind}* in {language}: {inert(reason) or text_of(action['state'])}.\n\n---\n\n{draft['text']}"
    team, due = shop.owners[str(action["owner"])].name, time_of(action.get("due_at"))
    until = f", due {wording.moment(due, shop.zone)}" if due is not None else ""
    asked = reason.partition("; ")[2]  # `Support decides; 34 tickets from 30 customers`
    why = f" Asked in {inert(asked)}." if asked else ""
    head = f"*{kind}* in {language}, waits for {team}{until}.{why} {effect}".rstrip()
    decide = f"*Decide* `insights approve {action['action_id']}`, with `--reject --reason …` for a no; one decision counts for every language."
    return f"{about}\n\n{head}\n\n---\n\n{draft['text'].rstrip(chr(10))}\n\n---\n\n{decide}\n"


def language_name(code: str) -> str:
    """`French` for `fr`; a code that has no name here as it is."""
    return wording.LANGUAGES.get(code, inert(code, 20))
