"""Whose a catalog is: one installation writes it, and another is refused before it writes anything.

Belongs here: the one-row table that says it, holding and taking over. Does not belong here: where an installation's id comes from
(`resources/installation.py`). A folder of files needs none of this: it lies in its home, whose lock lets one writer in.

Not a lock: it says whose the tables are between runs too. Two homes that begin on a new catalog at the same instant both try to write the row;
each looks again afterwards, so at most the one whose row stands goes on, the other at the latest not with its next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from insights_assets.lake.spec import Column, TableSpec
from insights_assets.lake.unity import UnityLake

HOLDER = TableSpec(
    stage="governance", name="catalog_holder", key=("catalog",), write="replace_all", medallion="gold", public=False, owner="team:data-platform",
    grain="one row: the installation that writes this catalog", description="Whose the catalog is: runs of any other installation are refused; `insights databricks take-over` changes it.",
    columns=(
        Column("catalog", "string", nullable=False, tier="aggregate"),
        Column("installation_id", "string", "Id that the operational database of the installation keeps", nullable=False, tier="aggregate"),
        Column("home", "string", "Machine and folder of its home when it took the catalog"),
        Column("operations", "string", "Address of its operational database, without password"),
        Column("held_since", "timestamp", unit="UTC", tier="aggregate"),
        Column("taken_from", "string", "installation_id of the one before, where it was taken over", tier="aggregate"),
        Column("taken_by", "string", "Who took it over"),
        Column("reason", "string", "Why it was taken over"),
    ),
)  # fmt: skip


class CatalogHeld(PermissionError):
    """Another installation writes this catalog."""


@dataclass(frozen=True)
class Installation:
    """One operational database and the homes that work with it."""

    installation_id: str
    home: str
    operations: str

    def __str__(self) -> str:
        return f"{self.installation_id} ({self.home}, operational database {self.operations})"


def holder_of(lake: UnityLake) -> dict[str, Any] | None:
    """The row that says whose the catalog is; None where it is nobody's yet. Raises TableMissing where `bootstrap` has not made the table."""
    lake.ensure(HOLDER)
    rows = lake.read_arrow(HOLDER).slice(0, 1).to_pylist()
    return dict(rows[0]) if rows else None


def hold(lake: UnityLake, mine: Installation, now: datetime) -> None:
    """Go on only where the catalog is this installation's or nobody's, which makes it this one's. Raises CatalogHeld elsewhere."""
    found = holder_of(lake)
    if found is None:
        _write(lake, mine, now)
        found = holder_of(lake)
    if found is None or found["installation_id"] != mine.installation_id:
        raise CatalogHeld(refusal(lake.catalog, found or {}, mine))


def take_over(lake: UnityLake, mine: Installation, now: datetime, *, taken_from: str | None, by: str, reason: str) -> None:
    """Make the catalog this installation's, whoever held it."""
    _write(lake, mine, now, taken_from=taken_from, taken_by=by, reason=reason)


def refusal(catalog: str, held: dict[str, Any], mine: Installation) -> str:
    """What a person reads who comes with the wrong home: whose the catalog is, and the three ways on."""
    since = f", since {held['held_since']:%Y-%m-%d %H:%M} UTC" if held.get("held_since") else ""
    theirs = Installation(str(held.get("installation_id")), str(held.get("home")), str(held.get("operations")))
    return (
        f"the catalog {catalog} belongs to the installation {theirs}{since}; this is {mine}. Two on one catalog would replace each other's rows: name another "
        "catalog (INSIGHTS_DATABRICKS_CATALOG), or work with that operational database (INSIGHTS_OPERATIONS_URL), or, when that installation has stopped "
        f"for good, `insights databricks take-over --catalog {catalog} --reason TEXT`"
    )


def _write(lake: UnityLake, mine: Installation, now: datetime, **more: str | None) -> None:
    row = {
        "catalog": lake.catalog, "installation_id": mine.installation_id, "home": mine.home, "operations": mine.operations, "held_since": now,
        "taken_from": None, "taken_by": None, "reason": None, **more,
    }  # fmt: skip
    lake.write(HOLDER, pa.Table.from_pylist([row], schema=HOLDER.arrow_schema))
