"""`destinations.yaml`: how the shop's Jira, Slack, promotion feed and hold webhook are set up. Each is off until it is written here.

Belongs here: reading and checking that file. Does not belong here: credentials (settings), which team's work goes where
(`owners.yaml`), and any call (`actions/destinations/`). A shop without the file has everything off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from insights_assets.shop.reading import Node

#: What a person's move in Jira can mean; the words of `actions/inbox.py`.
JIRA_ACTS = ("acknowledge", "start", "fix", "close", "confirm", "dismiss", "duplicate", "approve", "reject")
EXCLUDED_DESTINATIONS = ("Shopping_ads", "Display_ads", "Local_inventory_ads", "Free_listings", "Free_local_listings")
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


@dataclass(frozen=True)
class JiraSetup:
    """`priorities` by tier. `close` and `reopen` are transitions this house makes; `statuses` and `resolutions` say what people's moves mean."""

    issue_type: str
    priorities: Mapping[int, str] = field(default_factory=dict)
    writes_due_date: bool = True
    close: str = ""
    reopen: str = ""
    duplicate_link: str = "Duplicate"
    statuses: Mapping[str, str] = field(default_factory=dict)
    resolutions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SlackSetup:
    """Channel name -> id, where the name should not be looked up."""

    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FeedSetup:
    """`product_id`: how the catalogue's id is made of `{sku}`."""

    product_id: str
    excluded_destinations: tuple[str, ...]


@dataclass(frozen=True)
class WebhookSetup:
    url: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Destinations:
    """All of the file; what is None is off. `people`: a service's own id of a person -> e-mail address."""

    jira: JiraSetup | None = None
    slack: SlackSetup | None = None
    promotion_feed: FeedSetup | None = None
    hold_webhook: WebhookSetup | None = None
    people: Mapping[str, str] = field(default_factory=dict)


def read_destinations(node: Node) -> Destinations:
    """The file, checked. Raises ShopError with file, line and field."""
    top = node.mapping(("jira", "slack", "promotion_feed", "hold_webhook"), ("people",))
    return Destinations(
        jira=None if _is_off(top["jira"]) else _jira(top["jira"]),
        slack=None if _is_off(top["slack"]) else _slack(top["slack"]),
        promotion_feed=None if _is_off(top["promotion_feed"]) else _feed(top["promotion_feed"]),
        hold_webhook=None if _is_off(top["hold_webhook"]) else _webhook(top["hold_webhook"]),
        people=top["people"].each(_address) if "people" in top else {},
    )


def _is_off(node: Node) -> bool:
    if node.value is False or node.value == "off":
        return True
    if not isinstance(node.value, dict):
        node.fail(f"is {node.value!r}", "write off, or the lines that connect it (docs/destinations)")
    return False


def _address(node: Node) -> str:
    text = node.text()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        node.fail(f"{text!r} is not an e-mail address", "write the address that owners.yaml names")
    return text


def _jira(node: Node) -> JiraSetup:
    fields = node.mapping(("issue_type",), ("priorities", "due_date", "transitions", "duplicate_link", "statuses", "resolutions"))
    moves = fields["transitions"].mapping((), ("close", "reopen")) if "transitions" in fields else {}
    return JiraSetup(
        issue_type=fields["issue_type"].text(),
        priorities=_priorities(fields["priorities"]) if "priorities" in fields else {},
        writes_due_date=fields["due_date"].flag() if "due_date" in fields else True,
        close=moves["close"].text() if "close" in moves else "",
        reopen=moves["reopen"].text() if "reopen" in moves else "",
        duplicate_link=fields["duplicate_link"].text() if "duplicate_link" in fields else "Duplicate",
        statuses=_acts(fields["statuses"]) if "statuses" in fields else {},
        resolutions=_acts(fields["resolutions"]) if "resolutions" in fields else {},
    )


def _priorities(node: Node) -> dict[int, str]:
    found = {}
    for key, value in node.entries().items():
        if key not in ("1", "2", "3"):
            value.fail(f"{key!r} is no tier", "name the tiers 1, 2 and 3")
        found[int(key)] = value.text()
    return found


def _acts(node: Node) -> dict[str, str]:
    """Name at Jira, in small letters -> act."""
    found: dict[str, str] = {}
    for name, value in node.entries().items():
        if name.casefold() in found:
            value.fail("is named twice; Jira does not tell capital letters apart", "name it once")
        found[name.casefold()] = value.choice(JIRA_ACTS)
    return found


def _slack(node: Node) -> SlackSetup:
    fields = node.mapping((), ("channels",))
    channels = fields["channels"].entries() if "channels" in fields else {}
    for name, value in channels.items():
        if not name.startswith("#"):
            value.fail(f"{name!r} is not a channel", 'write it as "#channel": C0123ABCD')
        if not re.fullmatch(r"[CG][A-Z0-9]{6,}", value.text()):
            value.fail(f"{value.value!r} is not the id of a channel", "copy it from the channel's details in Slack: C and capital letters or digits")
    return SlackSetup({name: value.text() for name, value in channels.items()})


def _feed(node: Node) -> FeedSetup:
    fields = node.mapping(("product_id", "excluded_destinations"))
    product_id = fields["product_id"].text()
    if product_id.count("{sku}") != 1 or not re.fullmatch(r"[A-Za-z0-9_.:-]*\{sku\}[A-Za-z0-9_.:-]*", product_id):
        fields["product_id"].fail(f"{product_id!r} does not make a product id", "write {sku} with what your catalogue puts around it, e.g. shopify_US_{sku}")
    excluded = fields["excluded_destinations"].texts(EXCLUDED_DESTINATIONS)
    if not excluded:
        fields["excluded_destinations"].fail("is empty", f"name what a held product is taken out of: {', '.join(EXCLUDED_DESTINATIONS)}")
    return FeedSetup(product_id, excluded)


def _webhook(node: Node) -> WebhookSetup:
    fields = node.mapping(("url", "hosts"))
    hosts = fields["hosts"].texts()
    for item in fields["hosts"].items():
        if not _HOST.fullmatch(item.text()):
            item.fail(f"{item.value!r} is not a host name", "write a name in small letters, e.g. promotions.shop.example; addresses in numbers are refused")
    url = fields["url"].text()
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.fragment:
        fields["url"].fail("is not a plain https address", "write https://host/path, without a user, a password or a #")
    if parts.hostname not in hosts:
        fields["url"].fail(f"goes to {parts.hostname!r}, which `hosts` does not list", "add the host to `hosts` if it is meant")
    return WebhookSetup(url, hosts)
