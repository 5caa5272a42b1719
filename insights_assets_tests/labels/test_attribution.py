"""Attribution: by SKU, name and alias; the order and the text agree, conflict, or one of them is silent."""

from __future__ import annotations

import pandas as pd
import pytest

from insights_assets.labels.attribution import NOTHING, ProductIndex, attribute
from insights_assets.labels.words import fold

PRODUCTS = pd.DataFrame([
    {"sku": "LMP-100", "name": "Halo Desk Lamp", "aliases": ["halo lamp", "the halo"]},
    {"sku": "LMP-200", "name": "Halo Desk Lamp Pro", "aliases": None},
    {"sku": "JKT-7", "name": "Fjord Jacket", "aliases": ["fjord", "regenjacke"]},
    {"sku": "JKT-8", "name": "Fjord Vest", "aliases": ["fjord", "weste"]},
    {"sku": "CUP-1", "name": "Cup", "aliases": []},
])


@pytest.fixture(scope="module")
def index() -> ProductIndex:
    return ProductIndex(PRODUCTS)


@pytest.mark.parametrize(("text", "sku"), [
    ("my Halo Desk Lamp flickers", "LMP-100"), ("the halo desk lamp pro hums", "LMP-200"), ("LMP-200 came late", "LMP-200"),
    ("jkt-7 is too small", "JKT-7"), ("Die Regenjacke ist undicht", "JKT-7"), ("the fjord is torn", None), ("Fjord vest, torn", "JKT-8"),
    ("a nice cup", None), ("nothing of yours", None), ("", None), ("LMP-999 broke", None),
])
def test_what_a_text_names(index: ProductIndex, text: str, sku: str | None) -> None:
    assert index.mention(fold(text)).sku == sku


def test_order_and_text(index: ProductIndex) -> None:
    lamp, fjord = index.mention("halo lamp"), index.mention("fjord")
    assert attribute("LMP-100", "order", lamp) == ("LMP-100", "both")
    assert attribute("JKT-7", "order", lamp) == ("JKT-7", "conflict")
    assert attribute("JKT-7", "order", fjord) == ("JKT-7", "both")  # one of the two it could mean
    assert attribute("JKT-7", "order", NOTHING) == ("JKT-7", "order")
    assert attribute(None, None, lamp) == ("LMP-100", "text")
    assert attribute(None, None, fjord) == (None, None)


def test_rows_do_as_well_as_a_frame() -> None:
    assert ProductIndex(PRODUCTS.to_dict("records")).mention("halo lamp").sku == "LMP-100"
