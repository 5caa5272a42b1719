"""The catalogue of sources under the stage's own name. It lies with the shop's files (`shop/catalogue.py`), which are checked against it."""

from insights_assets.shop.catalogue import BY_NAME, MAX_TEXT, SOURCES, Field, Kind, Source

__all__ = ["BY_NAME", "MAX_TEXT", "SOURCES", "Field", "Kind", "Source"]
