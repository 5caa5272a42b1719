"""Holds as others see them: the promotion feed and the signed webhook over real TLS, and where a webhook may not go."""

from __future__ import annotations

import csv
import io
import json
import shutil
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from insights_assets.actions.destinations import hold_state, webhook
from insights_assets.actions.destinations.merchant_feed import HEADER, PATH, feed
from insights_assets.actions.destinations.port import NotSent, Refused, Unknown
from insights_assets.actions.destinations.webhook import Webhook
from insights_assets.cli import main
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.settings import Settings
from insights_assets.shop import default_shop_path, load_shop
from insights_assets.shop.destinations_file import Destinations, FeedSetup, WebhookSetup
from insights_assets_tests.contract.destination_cases import HOSTILE
from insights_assets_tests.contract.hook_server import SECRET, HookServer, certificate

HOST = "promotions.shop.example"
DAY = date(2026, 11, 23)
FEED = FeedSetup("shop_US_{sku}", ("Shopping_ads", "Display_ads"))


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture
def server(pem: Path) -> Iterator[HookServer]:
    with HookServer(pem) as running:
        yield running


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[Operations]:
    found = open_operations(tmp_path / "operations.db", clock=lambda: datetime.now(UTC))
    found.migrate()
    yield found
    found.close()


def hook(server: HookServer, pem: Path, *, secret: str = SECRET, resolve: Callable[[str, int], list[str]] | None = None, url: str = "", **more: Any) -> Webhook:
    setup = WebhookSetup(url or f"https://{HOST}:{server.port}/holds?shop=1", (HOST,))
    trusts = ssl.create_default_context(cafile=str(pem))
    return Webhook(setup, secret, resolve=resolve or (lambda host, port: ["127.0.0.1"]), **{"allows_loopback": True, "trusts": trusts, **more})


def hold(operations: Operations, number: int = 1, skus: tuple[str, ...] = ("GL-100",), reason: str = "glass arrives broken") -> str:
    made = operations.holds.make(f"H-{number}", f"ACT-{number}", f"INS-{number}", list(skus), reason=reason, by="policy", revenue_share=0.01,
                                 placed_on=DAY, expires_on=DAY + timedelta(days=7))  # fmt: skip
    return made.hold_id


def house(tmp_path: Path, port: int, **parts: Any) -> tuple[Any, Settings]:
    on = Destinations(promotion_feed=FEED, hold_webhook=WebhookSetup(f"https://{HOST}:{port}/holds", (HOST,)))
    settings = Settings(home=tmp_path, hold_webhook_secret=SecretStr(SECRET))
    return SimpleNamespace(destinations=parts.get("destinations", on)), settings


# -- the webhook ---------------------------------------------------------------------------------------------------------------------


def test_the_desired_state_arrives_signed_and_whole(server: HookServer, pem: Path, operations: Operations) -> None:
    hold(operations, 1, ("GL-100", "GL-200"))
    hold(operations, 2, ("TB-1",))
    products = webhook.held_products(operations.holds.active(), DAY)
    told = hook(server, pem).put(products, datetime.now(UTC))
    received = server.received[0]
    assert [one["sku"] for one in received["holds"]] == ["GL-100", "GL-200", "TB-1"]
    assert received["version"] == told and received["schema"] == "insights.holds/1"
    assert received["holds"][0] == {"sku": "GL-100", "hold_id": "H-1", "insight_id": "INS-1", "held_from": "2026-11-23", "held_until": "2026-11-30", "reason": "glass arrives broken"}


def test_a_wrong_key_and_an_old_stamp_are_refused(server: HookServer, pem: Path) -> None:
    with pytest.raises(Refused, match="INSIGHTS_HOLD_WEBHOOK_SECRET"):
        hook(server, pem, secret="another").put([], datetime.now(UTC))
    with pytest.raises(Refused):
        hook(server, pem).put([], datetime.now(UTC) - timedelta(hours=1))
    assert server.refused == ["signature", "timestamp"] and server.received == []


def test_a_lost_answer_is_unknown_and_sending_again_is_the_same(server: HookServer, pem: Path) -> None:
    server.loses_reply = True
    with pytest.raises(Unknown):
        hook(server, pem).put([], datetime.now(UTC))
    server.loses_reply = False
    hook(server, pem).put([], datetime.now(UTC))
    assert server.received[0]["version"] == server.received[1]["version"]


@pytest.mark.parametrize(("status", "fault"), [(503, NotSent), (429, NotSent), (500, NotSent), (400, Refused), (404, Refused), (410, Refused)])
def test_how_a_call_ends(server: HookServer, pem: Path, status: int, fault: type[Exception]) -> None:
    server.answers = [(status, {"Retry-After": "17"})]
    with pytest.raises(fault) as found:
        hook(server, pem).put([], datetime.now(UTC))
    assert getattr(found.value, "retry_after", None) == (17.0 if fault is NotSent else None)


def test_a_host_that_is_not_there_is_not_sent(server: HookServer, pem: Path) -> None:
    with pytest.raises(NotSent):
        hook(server, pem, url=f"https://{HOST}:9/x").put([], datetime.now(UTC))


# -- where it may not go --------------------------------------------------------------------------------------------------------------

INNER = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::10.0.0.1", "2001:db8::1", "not an address",
)  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_a_name_that_leads_inside_is_refused_before_any_connection(server: HookServer, pem: Path, address: str) -> None:
    for found in ([address], ["93.184.216.34", address]):
        with pytest.raises(Refused, match="no public address"):
            hook(server, pem, resolve=lambda host, port, found=found: found, allows_loopback=False).put([], datetime.now(UTC))
    assert server.received == []


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_public_addresses_are_public(address: str) -> None:
    assert webhook.is_public(address)


def test_the_switch_for_tests_lets_loopback_in_and_nothing_else(server: HookServer, pem: Path) -> None:
    with pytest.raises(Refused):
        hook(server, pem, resolve=lambda host, port: ["10.0.0.1"]).put([], datetime.now(UTC))
    with pytest.raises(Refused):
        hook(server, pem, allows_loopback=False).put([], datetime.now(UTC))


def test_the_name_is_looked_up_once_and_the_connection_goes_there(server: HookServer, pem: Path) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    hook(server, pem, resolve=rebinding).put([], datetime.now(UTC))
    assert asked == [HOST] and len(server.received) == 1


def test_the_certificate_must_be_the_host_s(server: HookServer, pem: Path, tmp_path: Path) -> None:
    with pytest.raises(NotSent, match="SSL"):
        hook(server, pem, trusts=ssl.create_default_context()).put([], datetime.now(UTC))
    other = ssl.create_default_context(cafile=str(pem))
    with pytest.raises(NotSent, match="SSL"):
        Webhook(WebhookSetup(f"https://other.shop.example:{server.port}/x", ("other.shop.example",)), SECRET, resolve=lambda h, p: ["127.0.0.1"], allows_loopback=True,
                trusts=other).put([], datetime.now(UTC))  # fmt: skip
    assert server.received == []


def test_a_redirect_is_not_followed(server: HookServer, pem: Path) -> None:
    for status in (301, 302, 303, 307, 308):
        server.answers = [(status, {"Location": f"https://{HOST}:{server.port}/elsewhere"})]
        with pytest.raises(Refused, match="not followed"):
            hook(server, pem).put([], datetime.now(UTC))
    assert server.received == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://promotions.shop.example/x", "https"), ("https://user:word@promotions.shop.example/x", "user or password"), ("https://elsewhere.example/x", "among"),
        ("https://promotions.shop.example.evil.example/x", "among"), ("https://promotions.shop.example@evil.example/x", "user or password"), ("https://127.0.0.1/x", "among"),
        ("https://[::1]/x", "among"), ("https://2130706433/x", "among"), ("https://0x7f.1/x", "among"), ("https:///x", "among"), ("file:///etc/passwd", "https"),
        ("https://promotions.shop.example:99999/x", "no address"), ("https://promotions.shop.example\\@evil.example/", "user or password"),
    ],
)  # fmt: skip
def test_an_address_that_was_not_allowed_is_refused(server: HookServer, pem: Path, url: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        hook(server, pem, url=url).put([], datetime.now(UTC))


def test_no_proxy_of_the_environment_is_used(server: HookServer, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    hook(server, pem).put([], datetime.now(UTC))
    assert len(server.received) == 1


# -- the feed ------------------------------------------------------------------------------------------------------------------------


def test_the_feed_holds_running_holds_and_is_emptied_on_release(operations: Operations) -> None:
    hold(operations, 1, ("GL-100", "GL-200"))
    made = feed(operations.holds.all(), FEED, DAY)
    assert made.content.decode() == HEADER + "shop_US_GL-100\tShopping_ads,Display_ads\nshop_US_GL-200\tShopping_ads,Display_ads\n"
    operations.holds.release("H-1", by="quinn", reason="mended")
    assert feed(operations.holds.all(), FEED, DAY).content.decode() == HEADER


def test_a_hold_past_its_last_day_is_out_of_the_feed(operations: Operations) -> None:
    hold(operations)
    assert feed(operations.holds.all(), FEED, DAY + timedelta(days=7)).products
    assert not feed(operations.holds.all(), FEED, DAY + timedelta(days=8)).products


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60), st.sampled_from(["=1+1", "-1", "@x", "a\tb", "a\nb", "GL-100"])), max_size=8))
def test_no_sku_breaks_the_feed_or_begins_a_formula(skus: list[str]) -> None:
    held: Any = SimpleNamespace(state="active", expires_on=None, skus=skus)
    made = feed([held], FeedSetup("{sku}", ("Shopping_ads",)))
    rows = list(csv.reader(io.StringIO(made.content.decode()), delimiter="\t"))
    assert rows[0] == ["id", "excluded_destination"] and len(rows) == 1 + len(made.products)
    assert all(row[1] == "Shopping_ads" and row[0][0] not in "=+-@" for row in rows[1:])
    assert set(made.left_out) | set(made.products) == set(skus)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_inert_in_the_webhook(text: str) -> None:
    held: Any = SimpleNamespace(state="active", expires_on=DAY, placed_on=DAY, skus=[text], hold_id="H-1", insight_id="INS-1", reason=text)
    content = webhook.body(webhook.held_products([held]), datetime(2026, 11, 23, tzinfo=UTC))
    said = json.loads(content)["holds"][0]
    assert content.isascii()
    assert said["sku"].isprintable() and said["reason"].isprintable()
    assert "://" not in said["reason"] and "@" not in said["reason"]


def test_a_sku_is_named_as_the_catalogue_names_it() -> None:
    held: Any = SimpleNamespace(state="active", expires_on=DAY, placed_on=DAY, skus=["GL.DE-100"], hold_id="H-1", insight_id="INS-1", reason="")
    assert webhook.held_products([held])[0]["sku"] == "GL.DE-100"


# -- both together -------------------------------------------------------------------------------------------------------------------


def test_publishing_brings_both_up_to_date_once(server: HookServer, pem: Path, operations: Operations, tmp_path: Path) -> None:
    shop, settings = house(tmp_path, server.port)
    sender = hook(server, pem)
    path = tmp_path / "desk" / PATH
    hook_only = hold_state.publish(operations, shop, settings, DAY, sender)
    assert path.read_text() == HEADER and server.received == [] and len(hook_only) == 1, "nothing was ever held, so the host is not called"
    hold(operations)
    assert len(hold_state.publish(operations, shop, settings, DAY, sender)) == 2
    assert hold_state.publish(operations, shop, settings, DAY, sender) == []
    assert "GL-100" in path.read_text() and len(server.received) == 1
    operations.holds.release("H-1", by="quinn", reason="mended")
    hold_state.publish(operations, shop, settings, DAY, sender)
    assert path.read_text() == HEADER and server.received[-1]["holds"] == []


def test_a_host_that_fails_is_told_again_and_the_failure_is_said(server: HookServer, pem: Path, operations: Operations, tmp_path: Path) -> None:
    shop, settings = house(tmp_path, server.port)
    hold(operations)
    server.answers = [(503, {})]
    said = hold_state.publish(operations, shop, settings, DAY, hook(server, pem))
    assert any("sent again" in sentence and "503" in sentence for sentence in said)
    assert operations.facts.get(hold_state.FAILED)
    hold_state.publish(operations, shop, settings, DAY, hook(server, pem))
    assert len(server.received) == 1 and operations.facts.get(hold_state.FAILED) == ""


def test_what_is_off_does_nothing_and_a_feed_switched_off_holds_nobody(server: HookServer, pem: Path, operations: Operations, tmp_path: Path) -> None:
    hold(operations)
    off, settings = house(tmp_path, server.port, destinations=Destinations())
    assert hold_state.publish(operations, off, settings, DAY, hook(server, pem)) == []
    assert not (tmp_path / "desk").exists() and server.received == []
    on, _ = house(tmp_path, server.port, destinations=Destinations(promotion_feed=FEED))
    hold_state.publish(operations, on, settings, DAY)
    assert "GL-100" in (tmp_path / "desk" / PATH).read_text()
    assert hold_state.publish(operations, off, settings, DAY) == ["the promotion feed is off now and was emptied"]
    assert (tmp_path / "desk" / PATH).read_text() == HEADER


def test_without_a_key_nothing_is_sent(server: HookServer, operations: Operations, tmp_path: Path) -> None:
    shop, settings = house(tmp_path, server.port)
    hold(operations)
    assert any("INSIGHTS_HOLD_WEBHOOK_SECRET" in said for said in hold_state.publish(operations, shop, settings.model_copy(update={"hold_webhook_secret": None}), DAY))
    assert server.received == []


def test_a_command_that_releases_a_hold_empties_the_feed_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever way a command takes through the house, what others read follows at once, and it is said."""
    shop = Path(shutil.copytree(default_shop_path(), tmp_path / "shop"))
    (shop / "destinations.yaml").write_text(
        'jira: off\nslack: off\npromotion_feed: {product_id: "shop_{sku}", excluded_destinations: [Shopping_ads]}\n'
        "hold_webhook: {url: https://promotions.shop.example/holds, hosts: [promotions.shop.example]}\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("INSIGHTS_SHOP", str(shop))
    settings = Settings(home=home, shop=shop)
    operations = open_operations(settings.operations_target, clock=lambda: datetime.now(UTC))
    operations.migrate()
    hold(operations)
    hold_state.publish(operations, load_shop(shop), settings, DAY)
    operations.close()
    assert "shop_GL-100" in (home / "desk" / PATH).read_text()
    result = CliRunner().invoke(main, ["hold", "release", "H-1", "--home", str(home)])
    assert result.exit_code == 0, result.output
    assert (home / "desk" / PATH).read_text() == HEADER
    assert "INSIGHTS_HOLD_WEBHOOK_SECRET is not set" in result.output
