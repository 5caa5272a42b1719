"""The loader of `shop/`: what the business decides, as frozen values, checked when it is read.

Belongs here: reading YAML with line numbers, validation, and look-ups that are pure reading (`Policy.owner_of`). Does
not belong here: deciding anything about an issue (that is `actions/policy.py`) and the decisions themselves (they are
YAML in `shop/`).
"""

from insights_assets.shop.load import default_shop_path, load_shop
from insights_assets.shop.model import (
    ACTION_KINDS,
    CostParameters,
    Decision,
    Gate,
    HoldLimits,
    Owner,
    Policy,
    Shop,
    Slice,
    SourceMapping,
    Tier,
    TopicPolicy,
    UseCase,
)
from insights_assets.shop.reading import ShopError

__all__ = [
    "ACTION_KINDS",
    "CostParameters",
    "Decision",
    "Gate",
    "HoldLimits",
    "Owner",
    "Policy",
    "Shop",
    "ShopError",
    "Slice",
    "SourceMapping",
    "Tier",
    "TopicPolicy",
    "UseCase",
    "default_shop_path",
    "load_shop",
]
