"""`destinations.yaml`: off until written out, and every mistake named with file, line and what to do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from insights_assets.settings import Settings
from insights_assets.shop import ShopError, default_shop_path, load_shop
from insights_assets.shop.destinations_file import Destinations

WRITTEN_OUT = """\
jira:
  issue_type: Task
  priorities: {1: Highest, 2: High}
  due_date: false
  transitions: {close: Done, reopen: To Do}
  statuses: {In Progress: start, Not an issue: dismiss}
  resolutions: {Duplicate: duplicate}
slack:
  channels: {"#quality-alerts": C0123ABCD}
promotion_feed:
  product_id: shop_{sku}
  excluded_destinations: [Shopping_ads]
hold_webhook:
  url: https://promotions.shop.example/holds
  hosts: [promotions.shop.example]
people: {5b10ac8d: quality.lead@shop.example}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_shop_path(), tmp_path / "shop"))


def test_the_sample_shop_sends_nothing_anywhere() -> None:
    assert load_shop().destinations == Destinations()
    assert all(owner.ticket_destination == owner.alert_destination == "desk" for owner in load_shop().owners.values())


def test_a_shop_without_the_file_has_everything_off(shop: Path) -> None:
    (shop / "destinations.yaml").unlink()
    assert load_shop(shop).destinations == Destinations()


def test_what_is_written_out_is_read(shop: Path) -> None:
    (shop / "destinations.yaml").write_text(WRITTEN_OUT)
    found = load_shop(shop).destinations
    assert found.jira is not None and found.jira.priorities == {1: "Highest", 2: "High"} and not found.jira.writes_due_date
    assert found.jira.statuses == {"in progress": "start", "not an issue": "dismiss"} and found.jira.close == "Done"
    assert found.slack is not None and found.slack.channels == {"#quality-alerts": "C0123ABCD"}
    assert found.promotion_feed is not None and found.promotion_feed.product_id == "shop_{sku}"
    assert found.hold_webhook is not None and found.hold_webhook.hosts == ("promotions.shop.example",)


def test_the_commented_lines_of_the_sample_are_right_once_the_marks_are_taken_off(shop: Path) -> None:
    path = shop / "destinations.yaml"
    lines: list[str] = []
    for line in path.read_text().splitlines():
        if (line.startswith("# ") and (line[2:].rstrip(":").isidentifier() and line.endswith(":"))) or line.startswith("#   "):
            lines.append(line[2:])
        elif not line.endswith(": off") and not line.startswith("#"):
            lines.append(line)
    path.write_text("\n".join(lines) + "\n")
    found = load_shop(shop).destinations
    assert None not in (found.jira, found.slack, found.promotion_feed, found.hold_webhook)


def test_what_the_docs_say_to_write_is_taken_and_every_setting_they_name_exists(shop: Path) -> None:
    docs = sorted((Path(__file__).resolve().parents[2] / "docs" / "destinations").glob("*.md"))
    assert len(docs) == 3
    seen = set()
    for page in docs:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"INSIGHTS_([A-Z_]+)", text):
            assert name.lower() in Settings.model_fields, f"{page.name} names a setting that is not there: INSIGHTS_{name}"
        for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
            parts = dedent(block)
            off = "".join(f"{part}: off\n" for part in ("jira", "slack", "promotion_feed", "hold_webhook") if f"{part}:" not in parts)
            (shop / "destinations.yaml").write_text(off + parts)
            found = load_shop(shop).destinations
            seen |= {part for part in ("jira", "slack", "promotion_feed", "hold_webhook") if getattr(found, part) is not None}
    assert seen == {"jira", "slack", "promotion_feed", "hold_webhook"}


@pytest.mark.parametrize(
    ("before", "after", "field", "says"),
    [
        ("  issue_type: Task\n", "", "jira.issue_type", "is missing"),
        ("issue_type: Task", "isue_type: Task", "jira.isue_type", "did you mean 'issue_type'"),
        ("{1: Highest, 2: High}", "{4: Highest}", "jira.priorities.4", "tiers 1, 2 and 3"),
        ("start, Not", "begin, Not", "jira.statuses.In Progress", "use one of acknowledge"),
        ("{In Progress: start,", "{In Progress: start, in progress: fix,", "jira.statuses.in progress", "named twice"),
        ("transitions: {close: Done,", "transitions: {shut: Done,", "jira.transitions.shut", "unknown key"),
        ('"#quality-alerts": C0123ABCD', '"quality-alerts": C0123ABCD', "slack.channels.quality-alerts", "#channel"),
        ("C0123ABCD", "quality", "slack.channels.#quality-alerts", "id of a channel"),
        ("shop_{sku}", "shop", "promotion_feed.product_id", "write {sku}"),
        ("shop_{sku}", "'=A{sku}'", "promotion_feed.product_id", "write {sku}"),
        ("[Shopping_ads]", "[]", "promotion_feed.excluded_destinations", "name what"),
        ("[Shopping_ads]", "[Shopping]", "promotion_feed.excluded_destinations[0]", "Shopping_ads"),
        ("https://promotions.shop.example/holds", "http://promotions.shop.example/holds", "hold_webhook.url", "https://host/path"),
        ("https://promotions.shop.example/holds", "https://u:p@promotions.shop.example/holds", "hold_webhook.url", "without a user"),
        ("https://promotions.shop.example/holds", "https://elsewhere.example/holds", "hold_webhook.url", "add the host"),
        ("hosts: [promotions.shop.example]", "hosts: [127.0.0.1]", "hold_webhook.hosts[0]", "numbers are refused"),
        ("hosts: [promotions.shop.example]", "hosts: [localhost]", "hold_webhook.hosts[0]", "is not a host name"),
        ("quality.lead@shop.example}", "quality}", "people.5b10ac8d", "e-mail"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(shop: Path, before: str, after: str, field: str, says: str) -> None:
    assert before in WRITTEN_OUT
    (shop / "destinations.yaml").write_text(WRITTEN_OUT.replace(before, after))
    with pytest.raises(ShopError) as found:
        load_shop(shop)
    assert found.value.field == field and says in str(found.value) and "destinations.yaml:" in str(found.value)


def test_on_without_lines_says_what_is_meant(shop: Path) -> None:
    (shop / "destinations.yaml").write_text(WRITTEN_OUT.replace(WRITTEN_OUT[: WRITTEN_OUT.index("slack:")], "jira: on\n"))
    with pytest.raises(ShopError, match="write off, or the lines"):
        load_shop(shop)
