"""Which destinations an installation has: the desk always, the others where settings name them.

Belongs here: building destinations from settings and shop. Does not belong here: calling them.
"""

from __future__ import annotations

from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.desk import DeskDestination
from insights_assets.actions.destinations.port import Destination
from insights_assets.settings import Settings
from insights_assets.shop.model import Shop


def connect(settings: Settings, shop: Shop) -> dict[str, Destination]:
    """Destinations by name. Without settings for a vendor there is none of it, and its messages fall back to the desk."""
    return {"desk": DeskDestination(Desk(settings.home / "desk"))}
