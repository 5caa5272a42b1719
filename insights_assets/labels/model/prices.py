"""Prices: what tokens cost, from a table that an installation replaces with its own contract.

Belongs here: reading and checking the table, the cost of a usage. Does not belong here: limits (`budget`), what was used (`ledger`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

_MILLION = 1_000_000
_FIELDS = ("input", "cached_input", "output")


class PriceError(ValueError):
    """A price table that cannot be used; the message names file and field."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the server counts them. Cached ones are part of the input, reasoning ones part of the output."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class Prices:
    """Money per million tokens and model."""

    currency: str
    as_of: str
    models: Mapping[str, Mapping[str, float]]
    tier_shares: Mapping[str, float]

    def cost(self, usage: Usage, *, snapshot: str | None, deployment: str, tier: str | None = None) -> float:
        """What a usage costs, rounded to a millionth. The longest name that begins the snapshot, else the deployment's name, sets the price."""
        price = self._price(snapshot, deployment)
        cached = min(usage.cached_tokens, usage.input_tokens)
        money = (usage.input_tokens - cached) * price["input"] + cached * price["cached_input"] + usage.output_tokens * price["output"]
        return round(money / _MILLION * self.tier_shares.get(tier or "default", 1.0), 6)

    def saved_by_cache(self, cached_tokens: int, *, snapshot: str | None, deployment: str, tier: str | None = None) -> float:
        """What cached tokens would have cost more, had none been cached."""
        price = self._price(snapshot, deployment)
        return round(cached_tokens * (price["input"] - price["cached_input"]) / _MILLION * self.tier_shares.get(tier or "default", 1.0), 6)

    def _price(self, snapshot: str | None, deployment: str) -> Mapping[str, float]:
        for name in (snapshot, deployment):
            known = [model for model in self.models if name and name.startswith(model)]
            if known:
                return self.models[max(known, key=len)]
        return self.models["default"]


def load_prices(path: Path | None = None) -> Prices:
    """The table at `path`, else the packaged one."""
    import yaml

    where = str(path) if path is not None else "prices.yaml"
    try:
        text = path.read_text(encoding="utf-8") if path is not None else resources.files(__package__).joinpath("prices.yaml").read_text(encoding="utf-8")
        document = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        raise PriceError(f"{where}: not readable as a price table: {type(error).__name__}; set INSIGHTS_MODEL_PRICES to a file like the packaged one") from error
    return parse_prices(document, where)


def parse_prices(document: Any, where: str) -> Prices:
    """Check a table; every error names file and field."""
    if not isinstance(document, Mapping) or not isinstance(document.get("models"), Mapping):
        raise PriceError(f"{where}: models: needs a mapping of model name to prices")
    for field in ("currency", "as_of"):
        if not str(document.get(field) or "").strip():
            raise PriceError(f"{where}: {field}: missing")
    models = {str(name): _numbers(entry, f"{where}: models.{name}", _FIELDS) for name, entry in document["models"].items()}
    if "default" not in models:
        raise PriceError(f"{where}: models.default: missing; it prices a model that the table does not name, so take the dearest")
    shares = document.get("tier_shares") or {}
    return Prices(str(document["currency"]), str(document["as_of"]), models, _numbers(shares, f"{where}: tier_shares", tuple(shares)))


def _numbers(entry: Any, where: str, fields: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(entry, Mapping):
        raise PriceError(f"{where}: needs a mapping")
    for field in fields:
        value = entry.get(field)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise PriceError(f"{where}.{field}: needs a number of 0 or more")
    return {field: float(entry[field]) for field in fields}
