"""The learning section of policy.yaml: its defaults are those of the sample shop, and a fault is named with line and field."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from insights_assets.shop import ShopError, default_shop_path, load_shop
from insights_assets.shop.watching import WatchLimits


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_shop_path(), tmp_path / "shop"))


def change(shop: Path, old: str, new: str) -> None:
    policy = shop / "policy.yaml"
    text = policy.read_text()
    assert old in text
    policy.write_text(text.replace(old, new))


def test_the_sample_shop_says_the_defaults(shop: Path) -> None:
    assert load_shop(shop).policy.learning == WatchLimits()


def test_a_shop_without_the_section_reads_as_before(shop: Path) -> None:
    text = (shop / "policy.yaml").read_text()
    start = text.index("learning:\n")
    (shop / "policy.yaml").write_text(text[:start] + text[text.index("# --- The 72 hours") :])
    assert load_shop(shop).policy.learning == WatchLimits()


def test_a_change_is_taken(shop: Path) -> None:
    change(shop, "drift: {records: 2000, ", "drift: {records: 500, ")
    assert load_shop(shop).policy.learning.drift.records == 500


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("confidence_change: 0.02", "confidence_change: 2", "learning.drift.confidence_change"),
        ("records: 2000", "records: 3", "learning.drift.records"),
        ("every_days: 28", "every_day: 28", "learning.retraining.every_day"),
        ("every_days: 28", "every_days: 7", "learning.retraining"),
        ("trust: {quarantine_share", "trust: {quarantined_share", "learning.trust.quarantined_share"),
    ],
)
def test_a_fault_is_named(shop: Path, old: str, new: str, field: str) -> None:
    change(shop, old, new)
    with pytest.raises(ShopError, match=field) as found:
        load_shop(shop)
    assert "policy.yaml:" in str(found.value)
