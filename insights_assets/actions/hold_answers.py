"""What a person does to a hold: place what was proposed, release what runs, ask for a later end, confirm it as the second person.

Belongs here: who may, and the sentence that says what happened. Does not belong here: the bounds of holds (`holds.py`), their rows
(`resources/operations/holds.py`), tokens and the audit entry (`inbox.py`).
"""

from __future__ import annotations

from datetime import date, timedelta

from insights_assets.actions import wording
from insights_assets.actions.roles import Person, must_approve, must_be_second
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.holds import RefusedHold
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.model import Shop

KIND = "promo_hold"


def carry_out(
    operations: Operations, shop: Shop, act: str, hold: Hold, person: Person, as_of: date | None, *, reason: str = "", until: date | None = None
) -> str:
    """Place, release or extend as this person; gives what is so now. Raises RefusedHold or RefusedJudgement with what to do."""
    must_approve(shop, person, KIND)
    if act == "release":
        if hold.state not in ("active", "proposed"):
            return f"{hold.hold_id} is {hold.state} already; nothing is held by it"
        was = hold.state
        operations.holds.release(hold.hold_id, by=person.name, reason=reason or "released by hand", on=as_of)
        return f"{hold.hold_id} is released by {person.name}: {_products(hold)} {'may be promoted again' if was == 'active' else 'were only proposed'}"
    if act == "place":
        return place(operations, shop, hold, person, as_of)
    return extend(operations, shop, hold, person, reason=reason, until=until)


def place(operations: Operations, shop: Shop, hold: Hold, person: Person, as_of: date | None) -> str:
    """Put a proposed hold into force; a person decides, so the cap does not bind."""
    if as_of is None:
        raise RefusedHold("nothing has been published yet, so no hold was proposed")
    last = as_of + timedelta(days=shop.policy.holds.expires_after_days)
    placed = operations.holds.place(hold.hold_id, by=person.name, placed_on=as_of, expires_on=last)
    return f"{hold.hold_id} holds {_products(hold)} until {wording.day(placed.expires_on or last)}; undo: insights hold release {hold.hold_id}"


def extend(operations: Operations, shop: Shop, hold: Hold, person: Person, *, reason: str = "", until: date | None = None) -> str:
    """The first person asks for a later end, a second one confirms it: one alone never keeps products off promotion for longer."""
    if hold.extension_until is not None and hold.extension_asked_by and (until is None or until == hold.extension_until):
        asked_by, last = hold.extension_asked_by, hold.extension_until
        must_be_second(person, (hold.extension_asked_by, hold.placed_by), f"extending {hold.hold_id}")
        operations.holds.extend(hold.hold_id, by=person.name, until=last, reason=reason or "extended by hand")
        return f"{hold.hold_id} is extended until {wording.day(last)}: asked by {asked_by}, confirmed by {person.name}"
    later = (hold.expires_on + timedelta(days=shop.policy.holds.extension_days)) if hold.expires_on is not None else None
    wanted = until or later
    if wanted is None or hold.state != "active":
        raise RefusedHold(f"{hold.hold_id} is {hold.state}; only an active hold can be extended")
    operations.holds.ask_extension(hold.hold_id, by=person.name, until=wanted)
    return f"{person.name} asks to hold {_products(hold)} until {wording.day(wanted)}; a second person confirms it: insights hold extend {hold.hold_id}"


def _products(hold: Hold) -> str:
    return f"{len(hold.skus)} product{'s' if len(hold.skus) != 1 else ''}"
