"""Which destinations beside the desk an installation has: those that settings name.

Belongs here: building destinations from settings and shop. Does not belong here: calling them, the desk (it is always there).
"""

from __future__ import annotations

from insights_assets.actions.destinations.port import Destination
from insights_assets.settings import Settings
from insights_assets.shop.model import Shop


def connect(settings: Settings, shop: Shop) -> dict[str, Destination]:
    """Destinations by name. Without settings for a vendor there is none of it, and its messages fall back to the desk."""
    return {}
