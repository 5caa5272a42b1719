"""Holds to whoever acts on them: the Merchant Center feed on the desk and the signed webhook, each the whole desired state.

Belongs here: bringing both up to date, and remembering what the webhook's host has accepted. Does not belong here: which holds run,
and `holds.csv` (`actions/holds.py`). A call that failed is made again by the next run, command or sensor tick.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations import merchant_feed, webhook
from insights_assets.actions.destinations.port import NotSent, Refused, Unknown
from insights_assets.actions.escaping import inert

if TYPE_CHECKING:
    from insights_assets.actions.destinations.webhook import Webhook
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop

#: Facts of the home: the version the host accepted last, and why the last call did not arrive.
ACCEPTED, FAILED = "hold_webhook_accepted", "hold_webhook_failed"


def publish(operations: Operations, shop: Shop, settings: Settings, as_of_day: date | None = None, hook: Webhook | None = None) -> list[str]:
    """Bring feed and webhook up to the running holds; gives a sentence for each thing that changed or failed. Nothing where both are off."""
    return [*write_feed(operations, shop, settings.home, as_of_day), *_webhook(operations, shop, settings, as_of_day, hook)]


def write_feed(operations: Operations, shop: Shop, home: Path, as_of_day: date | None = None) -> list[str]:
    """The feed alone, which is a file of the home: done at once by whoever changes a hold."""
    desk = Desk(home / "desk")
    if shop.destinations.promotion_feed is None:
        # A feed that was switched off must not hold products for ever: whoever still fetches it gets the header alone.
        if (desk.root / merchant_feed.PATH).is_file() and desk.put(merchant_feed.PATH, merchant_feed.HEADER.encode()):
            return ["the promotion feed is off now and was emptied"]
        return []
    made = merchant_feed.feed(operations.holds.active(), shop.destinations.promotion_feed, as_of_day)
    said = [f"promotion feed: {len(made.products)} held products"] if desk.put(merchant_feed.PATH, made.content) else []
    if made.left_out:
        said.append(f"promotion feed: {len(made.left_out)} held SKUs make no product id a feed can hold; hold them by hand: {', '.join(inert(sku, 40) for sku in made.left_out[:5])}")
    return said


def _webhook(operations: Operations, shop: Shop, settings: Settings, as_of_day: date | None, hook: Webhook | None) -> list[str]:
    setup = shop.destinations.hold_webhook
    if setup is None:
        return []
    if settings.hold_webhook_secret is None:
        return ["hold webhook: not connected, INSIGHTS_HOLD_WEBHOOK_SECRET is not set"]
    products = webhook.held_products(operations.holds.active(), as_of_day)
    wanted = f"{setup.url} {webhook.version(products)}"
    if operations.facts.get(ACCEPTED) == wanted:
        return []
    if not products and operations.facts.get(ACCEPTED) is None:
        return []  # nothing was ever held there
    sender = hook or webhook.Webhook(setup, settings.hold_webhook_secret.get_secret_value())
    try:
        sender.put(products, operations.clock())
    except (NotSent, Unknown, Refused) as error:
        operations.facts.put(FAILED, str(error)[:500])
        return [f"hold webhook: not accepted yet, sent again at the next run: {error}"]
    operations.facts.put(ACCEPTED, wanted)
    operations.facts.put(FAILED, "")
    return [f"hold webhook: {len(products)} held products accepted by {setup.hosts[0] if len(setup.hosts) == 1 else 'its host'}"]
