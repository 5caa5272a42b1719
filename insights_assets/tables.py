"""Every table of the house, in flow order: collected from the stages' own `tables.py`, for readers that reach across stages."""

from __future__ import annotations

import importlib
from functools import cache

from insights_assets.flow import STAGES
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


def table(name: str) -> TableSpec:
    """The spec called `stage.table`. Raises LookupError that lists what there is."""
    for spec in all_tables():
        if str(spec) == name:
            return spec
    stage = name.partition(".")[0]
    near = [str(spec) for spec in all_tables() if spec.stage == stage] or [s.name for s in STAGES]
    raise LookupError(f"there is no table {name!r}; choose from {', '.join(near)}")
