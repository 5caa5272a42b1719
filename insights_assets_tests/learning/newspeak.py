"""Complaints in words that no phrase of the corpus knows: smart-home devices, which a shop begins to sell one day. Same for the same count."""

from __future__ import annotations

import random

_THINGS = ("hub", "bridge", "beacon", "repeater", "dongle", "gateway", "transponder", "puck")
_DOES = (
    "desyncs from the zigbee mesh", "drops its bluetooth handshake", "loops through firmware flashing", "forgets the thread network", "throttles the telemetry",
    "spams phantom toggles", "refuses the matter commissioning", "reverts to beacon mode", "stutters over the mesh", "unpairs from the coordinator",
)  # fmt: skip
_WHEN = ("overnight", "after each reboot", "twice an hour", "since the latest firmware", "whenever the router roams", "during every scene", "at dusk", "on channel eleven")
_OPEN = ("The {thing} {does} {when}.", "My {thing} {does} {when}, sigh.", "{when}, the {thing} {does}.", "Somehow this {thing} {does} {when}.")


def complaints(count: int, seed: int = 5) -> list[str]:
    """Distinct texts, as far as there are so many."""
    draw = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        text = draw.choice(_OPEN).format(thing=draw.choice(_THINGS), does=draw.choice(_DOES), when=draw.choice(_WHEN))
        found[text[0].upper() + text[1:]] = None
    return list(found)
