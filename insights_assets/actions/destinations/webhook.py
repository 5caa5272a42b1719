"""The hold webhook: the whole desired state of holds, signed, to one allow-listed host over a connection that cannot be led elsewhere.

Belongs here: the body, its signature, and where a connection may go. Does not belong here: which holds run, and when to send
(`hold_state.py`). Since each call carries everything, a repeated one changes nothing; `generated_at` tells a receiver which is newer.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from insights_assets.actions.destinations.merchant_feed import is_running
from insights_assets.actions.destinations.port import NotSent, Refused, Unknown
from insights_assets.actions.escaping import inert, plain
from insights_assets.resources.operations.sending_tables import Hold
from insights_assets.shop.destinations_file import WebhookSetup

SCHEMA = "insights.holds/1"
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 15.0
_MOST_OF_AN_ANSWER = 65_536
Resolve = Callable[[str, int], list[str]]


def held_products(holds: Iterable[Hold], as_of_day: date | None = None) -> list[dict[str, str]]:
    """One entry a held product, in a fixed order. Texts are inert; a SKU stays what the catalogue calls it."""
    return [
        {
            "sku": plain(sku), "hold_id": hold.hold_id, "insight_id": hold.insight_id, "held_from": hold.placed_on.isoformat() if hold.placed_on else "",
            "held_until": hold.expires_on.isoformat() if hold.expires_on else "", "reason": inert(hold.reason, 300),
        }
        for hold in sorted(holds, key=lambda one: one.hold_id) if is_running(hold, as_of_day) for sku in hold.skus
    ]  # fmt: skip


def version(products: list[dict[str, str]]) -> str:
    """Names a desired state; equal for equal holds."""
    return hashlib.sha256(json.dumps(products, sort_keys=True).encode()).hexdigest()


def body(products: list[dict[str, str]], generated_at: datetime) -> bytes:
    document = {"schema": SCHEMA, "version": version(products), "generated_at": generated_at.isoformat(timespec="microseconds"), "holds": products}
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()


def signature(secret: str, timestamp: int, content: bytes) -> str:
    """`v1=` and HMAC-SHA256 of `timestamp.content`; a receiver refuses old timestamps, so that a copy is worth nothing later."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + content, hashlib.sha256).hexdigest()


class Webhook:
    """`allows_loopback` and `trusts` exist for tests alone: nothing that reads settings or `shop/` sets them."""

    def __init__(
        self, setup: WebhookSetup, secret: str, *, resolve: Resolve | None = None, allows_loopback: bool = False, trusts: ssl.SSLContext | None = None
    ) -> None:
        self.setup, self._secret = setup, secret
        self._resolve = resolve or addresses
        self._allows_loopback, self._trusts = allows_loopback, trusts

    def put(self, products: list[dict[str, str]], at: datetime) -> str:
        """Send the desired state; gives its version. Raises NotSent, Unknown or Refused; sending again is always right."""
        host, port, path = self._target()
        address = self._checked(host, port)
        content = body(products, at)
        timestamp = int(at.timestamp())
        headers = {
            "Content-Type": "application/json", "Host": host if port == 443 else f"{host}:{port}", "User-Agent": "insights-assets", "Connection": "close",
            "X-Insights-Timestamp": str(timestamp), "X-Insights-Signature": signature(self._secret, timestamp, content),
        }  # fmt: skip
        connection = _Pinned(host, port, address, self._trusts or ssl.create_default_context())
        try:
            try:
                connection.connect()
            except (OSError, ssl.SSLError) as error:
                raise NotSent(f"{host} was not reached ({type(error).__name__})") from None
            try:
                connection.request("POST", path, body=content, headers=headers)
                reply = connection.getresponse()
                reply.read(_MOST_OF_AN_ANSWER)
            except (OSError, http.client.HTTPException) as error:
                raise Unknown(f"no answer of {host} arrived ({type(error).__name__})") from None
        finally:
            connection.close()
        _judge(host, reply)
        return version(products)

    def _target(self) -> tuple[str, int, str]:
        """Host, port and path of the address. It was checked when the shop was read, and is checked again where it counts."""
        try:
            parts = urlsplit(self.setup.url)
            port = parts.port or 443
        except ValueError:
            raise Refused("the hold webhook's url in destinations.yaml is no address") from None
        host = parts.hostname or ""
        if parts.scheme != "https":
            raise Refused("the hold webhook's url in destinations.yaml must begin with https://")
        if "@" in parts.netloc:
            raise Refused("the hold webhook's url in destinations.yaml holds a user or password; the signature says who calls")
        if host not in self.setup.hosts:
            raise Refused(f"{host!r} is not among the `hosts` of the hold webhook in destinations.yaml")
        path = parts.path or "/"
        return host, port, f"{path}?{parts.query}" if parts.query else path

    def _checked(self, host: str, port: int) -> str:
        """The one address the connection is made to: looked up once, and refused where any address of the name is not public."""
        try:
            found = self._resolve(host, port)
        except OSError as error:
            raise NotSent(f"{host} cannot be looked up ({type(error).__name__})") from None
        if not found:
            raise NotSent(f"{host} has no address")
        for address in found:
            if not is_public(address) and not (self._allows_loopback and ipaddress.ip_address(address).is_loopback):
                raise Refused(f"{host} leads to {address}, which is no public address; a webhook is not sent into a network of its own")
        return found[0]


class _Pinned(http.client.HTTPSConnection):
    """A connection to one address, whose certificate must be the host's. Redirects and proxies are not followed."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=ANSWER_SECONDS, context=context)
        self._address, self._trust = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=CONNECT_SECONDS)
        try:
            self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)
        except (OSError, ssl.SSLError):
            plain.close()
            raise
        self.sock.settimeout(ANSWER_SECONDS)


def addresses(host: str, port: int) -> list[str]:
    """Every address of a name."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def is_public(address: str) -> bool:
    """Whether an address lies in the public internet, whatever notation an inner one is wrapped in."""
    try:
        found = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    return all(one.is_global and not (one.is_multicast or one.is_reserved or one.is_unspecified or one.is_loopback or one.is_link_local) for one in _unwrapped(found))


def _unwrapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[Any]:
    """The address and every IPv4 address it carries within: mapped, compatible, 6to4, Teredo, NAT64."""
    found: list[Any] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return [address.ipv4_mapped]
        found += [inner for inner in (address.sixtofour, *(address.teredo or ())) if inner is not None]
        if address in ipaddress.ip_network("64:ff9b::/96") or address in ipaddress.ip_network("::/96"):
            found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _judge(host: str, reply: http.client.HTTPResponse) -> None:
    status = reply.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Refused(f"{host} sends the call elsewhere ({status}), which is not followed; write the final address into destinations.yaml")
    if status in (408, 425, 429) or status >= 500:
        wait = reply.getheader("Retry-After") or ""
        raise NotSent(f"{host} answered {status}", retry_after=float(wait) if wait.isdigit() else None)
    advice = "it does not accept the signature: does it know INSIGHTS_HOLD_WEBHOOK_SECRET?" if status in (401, 403) else "it does not take this"
    raise Refused(f"{host} answered {status}: {advice}")
