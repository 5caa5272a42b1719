"""Only what settings, destinations.yaml and owners.yaml all name is connected; the doctor and the sensors say what is so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from insights_assets.actions.destinations.connect import connect, not_connected
from insights_assets.actions.destinations.examine import JIRA_PERMISSIONS, examine
from insights_assets.actions.destinations.port import Refused
from insights_assets.actions.destinations.ticks import looked_at_jira, published_holds
from insights_assets.definitions import build_definitions
from insights_assets.resources.operations import open_operations
from insights_assets.settings import Settings
from insights_assets.shop import Shop, default_shop_path, load_shop
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL, TOKEN
from insights_assets_tests.contract.slack_server import APP_TOKEN, BOT_TOKEN, SlackServer
from insights_assets_tests.shop.test_destinations import WRITTEN_OUT

VENDORS = ("jira", "slack")


@pytest.fixture
def jira_server() -> Iterator[JiraServer]:
    with JiraServer() as running:
        yield running


@pytest.fixture
def slack_server() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop in which Quality works in Jira and Slack."""
    path = Path(shutil.copytree(default_shop_path(), tmp_path / "shop"))
    (path / "destinations.yaml").write_text(WRITTEN_OUT.replace("C0123ABCD", "C0QUALITY"))
    owners = path / "owners.yaml"
    owners.write_text(owners.read_text().replace("destination: {tickets: desk, alerts: desk}", 'destination: {tickets: "jira:QUAL", alerts: "slack:#quality-alerts"}', 1))
    return path


@pytest.fixture
def settings(shop: Path, tmp_path: Path, jira_server: JiraServer, slack_server: SlackServer) -> Settings:
    return Settings(
        home=tmp_path / "home", shop=shop, jira_url=jira_server.url, jira_email=EMAIL, jira_token=SecretStr(TOKEN), slack_bot_token=SecretStr(BOT_TOKEN),
        slack_app_token=SecretStr(APP_TOKEN), slack_url=slack_server.api,
    )  # fmt: skip


def without(settings: Settings, *names: str) -> Settings:
    return settings.model_copy(update=dict.fromkeys(names))


def connected(settings: Settings, shop: Shop) -> set[str]:
    return set(connect(settings, shop)) & set(VENDORS)


def test_what_everything_names_is_connected_and_nothing_is_called(settings: Settings, jira_server: JiraServer, slack_server: SlackServer) -> None:
    shop = load_shop(settings.shop)
    assert connected(settings, shop) == {"jira", "slack"} and not_connected(settings, shop) == {}
    assert jira_server.calls == [] and slack_server.calls == []


@pytest.mark.parametrize(
    ("unset", "missing", "says"),
    [
        (("jira_token",), "jira", "INSIGHTS_JIRA_TOKEN is not set"), (("jira_url", "jira_email"), "jira", "INSIGHTS_JIRA_URL, INSIGHTS_JIRA_EMAIL are not set"),
        (("slack_bot_token",), "slack", "INSIGHTS_SLACK_BOT_TOKEN is not set"),
    ],
)  # fmt: skip
def test_a_missing_credential_is_named(settings: Settings, unset: tuple[str, ...], missing: str, says: str) -> None:
    shop, poorer = load_shop(settings.shop), without(settings, *unset)
    assert connected(poorer, shop) == set(VENDORS) - {missing}
    assert not_connected(poorer, shop) == {missing: says}
    assert f"{missing} is not connected, its work arrives at the desk: {says}" in examine(poorer, shop)


def test_credentials_alone_connect_nothing(settings: Settings, shop: Path) -> None:
    sample = load_shop()
    assert connected(settings, sample) == set() and not_connected(settings, sample) == {}
    assert examine(settings, sample) == "local desk only: nothing is sent anywhere"
    (shop / "destinations.yaml").write_text("jira: off\nslack: off\npromotion_feed: off\nhold_webhook: off\n")
    off = load_shop(shop)
    assert connected(settings, off) == set()
    assert not_connected(settings, off)["jira"] == "jira is off in destinations.yaml; write it out there"


def test_a_token_does_not_travel_readable(settings: Settings) -> None:
    shop, other = load_shop(settings.shop), settings.model_copy(update={"jira_url": "http://jira.shop.example"})
    assert connected(other, shop) == {"slack"} and "write https://" in not_connected(other, shop)["jira"]
    other = settings.model_copy(update={"slack_url": "http://slack.shop.example/api/"})
    assert connected(other, shop) == {"jira"} and "INSIGHTS_SLACK_URL" in not_connected(other, shop)["slack"]


def test_the_doctor_asks_without_changing_anything(settings: Settings, jira_server: JiraServer, slack_server: SlackServer) -> None:
    said = examine(settings, load_shop(settings.shop))
    assert "Jira: Insights may write to QUAL" in said and "Slack: insights in Shop may write to #quality-alerts" in said
    assert {call.method for call in jira_server.calls} == {"GET"} and jira_server.issues == []
    assert {call.path.rpartition("/")[2] for call in slack_server.calls} == {"auth.test", "conversations.info"}
    assert jira_server.problems == [] and slack_server.problems == []


def test_the_doctor_says_what_would_not_work(settings: Settings, jira_server: JiraServer, slack_server: SlackServer) -> None:
    shop = load_shop(settings.shop)
    jira_server.projects["QUAL"].may_create = False
    with pytest.raises(Refused, match="lacks CREATE_ISSUES in QUAL"):
        examine(settings, shop)
    jira_server.projects["QUAL"].may_create = True
    jira_server.projects["QUAL"].is_open = False
    with pytest.raises(Refused, match=r"owners\.yaml"):
        examine(settings, shop)
    jira_server.projects["QUAL"].is_open = True
    slack_server.scopes.discard("channels:history")
    with pytest.raises(Refused, match="lacks channels:history"):
        examine(settings, shop)
    slack_server.scopes.add("channels:history")
    slack_server.channels[0].is_member = False
    with pytest.raises(Refused, match="/invite @insights"):
        examine(settings, shop)
    slack_server.channels[0].is_member, slack_server.channels[0].is_archived = True, True
    with pytest.raises(Refused, match="archived"):
        examine(settings, shop)
    wrong = settings.model_copy(update={"jira_token": SecretStr("wrong")})
    with pytest.raises(Refused, match="INSIGHTS_JIRA_TOKEN"):
        examine(wrong, shop)
    assert len(JIRA_PERMISSIONS) == 7


def test_the_sensors_say_why_they_are_idle(settings: Settings, tmp_path: Path) -> None:
    assert looked_at_jira(settings) == published_holds(settings) == "no run of this home yet"
    settings.home.mkdir()
    operations = open_operations(settings.operations_target)
    operations.migrate()
    operations.close()
    assert looked_at_jira(settings) == "nothing new in Jira"
    assert "is off" in looked_at_jira(settings.model_copy(update={"shop": None})) or "no team's" in looked_at_jira(settings.model_copy(update={"shop": None}))
    assert published_holds(settings.model_copy(update={"shop": None})) == "promotion feed and hold webhook are off in destinations.yaml"


def test_both_sensors_stand_in_the_definitions() -> None:
    loaded: Any = build_definitions(Settings())
    names = {sensor.name for sensor in loaded.sensors}
    assert {"jira_answers", "hold_state"} <= names
    assert all(isinstance(sensor, dg.SensorDefinition) for sensor in loaded.sensors)
