"""Who may read which column: the three tiers written out as a matrix of roles and columns (R117)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from insights_assets.lake.spec import TableSpec
from insights_assets.lake.tiers import TIERS, allows

CONDITION = {"raw": "a reason, which is written into the audit log before any row is handed out"}


def access_rows(specs: Iterable[TableSpec]) -> list[dict[str, Any]]:
    """One row per role, table and column."""
    return [
        {
            "role": role, "table_name": str(spec), "column_name": column.name, "tier": column.tier, "may_read": allows(role, column.tier),
            "condition": CONDITION.get(role),
        }
        for role in TIERS for spec in specs for column in spec.columns
    ]  # fmt: skip
