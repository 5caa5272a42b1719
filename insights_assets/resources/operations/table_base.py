"""What every table of the operational database stands on: moments in UTC, lists and maps as JSON, rows as plain values.

Belongs here: the types and the common base. Does not belong here: any table.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Dialect, TypeDecorator
from sqlalchemy.orm import DeclarativeBase


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no offset, so it is checked on the way in and put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None else None


class Base(DeclarativeBase):
    """Common ground of the tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcTime, dict[str, Any]: JSON, list[str]: JSON}

    def as_dict(self) -> dict[str, Any]:
        """The row as plain values, in the order of the columns."""
        return {column.key: getattr(self, column.key) for column in self.__table__.columns}
