"""Every table of the house, in flow order: collected from the stages' own `tables.py`, for readers that reach across stages.

A catalog has one more, which no step writes and nobody publishes: whose it is (`lake/holding.py`).
"""

from __future__ import annotations

import importlib
from functools import cache

from insights_assets.flow import STAGES
from insights_assets.lake.holding import HOLDER
from insights_assets.lake.spec import TableSpec


@cache
def all_tables() -> tuple[TableSpec, ...]:
    """All TableSpecs of all stages."""
    specs: list[TableSpec] = []
    for stage in STAGES:
        name = f"insights_assets.{stage.name}.tables"
        try:
            specs.extend(importlib.import_module(name).TABLES)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    return tuple(specs)


@cache
def catalog_tables() -> tuple[TableSpec, ...]:
    """All tables that a catalog holds."""
    return (*all_tables(), HOLDER)


def table(name: str) -> TableSpec:
    """The spec called `stage.table`. Raises LookupError that lists what there is."""
    for spec in all_tables():
        if str(spec) == name:
            return spec
    stage = name.partition(".")[0]
    near = [str(spec) for spec in all_tables() if spec.stage == stage] or [s.name for s in STAGES]
    raise LookupError(f"there is no table {name!r}; choose from {', '.join(near)}")
