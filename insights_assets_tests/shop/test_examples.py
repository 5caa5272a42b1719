"""Shops that the documentation shows load as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from insights_assets.labels.label_set import load_label_set
from insights_assets.shop import load_shop

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


@pytest.mark.parametrize("name", ["olist"])
def test_an_example_shop_loads_with_the_shipped_label_set(name: str) -> None:
    shop = load_shop(EXAMPLES / name, label_topics=load_label_set().topic_ids)
    assert shop.sources and shop.enabled_use_cases


def test_the_public_shop_fetches_no_date_of_delivery() -> None:
    """What is found there is found in what customers wrote: the proof of it rests on these columns alone."""
    shop = load_shop(EXAMPLES / "olist")
    fetched = {theirs for blocks in shop.sources.values() for block in blocks for join in block.joins for theirs in join.columns}
    assert "order_purchase_timestamp" in fetched
    assert not any("deliver" in name or "estimated" in name for name in fetched)
    assert "fulfilments" not in shop.sources
