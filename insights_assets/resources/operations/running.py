"""What runs leave behind: publications, activations, ticks of sensors and triggers, and the home's small facts.

Belongs here: writing and reading those four tables. Does not belong here: deciding to publish, activate or fire.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from insights_assets.resources.operations.models import Activation, HomeFact, Publication, Tick

if TYPE_CHECKING:
    from insights_assets.resources.operations.database import Operations


class Publications:
    """Which Delta version of each table people see. One row a run; the latest counts."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def record(self, run_id: str, as_of_day: date, table_versions: dict[str, int]) -> Publication:
        """Publish a run. The same run again changes nothing and gives what was recorded first."""
        with self._operations.writing() as session:
            known = session.scalar(select(Publication).where(Publication.run_id == run_id))
            if known is not None:
                return known
            row = Publication(
                run_id=run_id,
                as_of_day=as_of_day,
                created_at=self._operations.clock(),
                table_versions=dict(sorted(table_versions.items())),
            )
            session.add(row)
            session.flush()
            return row

    def latest(self) -> Publication | None:
        with self._operations.reading() as session:
            return session.scalar(select(Publication).order_by(Publication.publication_id.desc()).limit(1))

    def first(self) -> Publication | None:
        """The publication with which this home began."""
        with self._operations.reading() as session:
            return session.scalar(select(Publication).order_by(Publication.publication_id).limit(1))

    def recent(self, days: int) -> list[Publication]:
        """Publications of the last `days` days by the clock, oldest first: what VACUUM must keep readable."""
        since = self._operations.clock() - timedelta(days=days)
        with self._operations.reading() as session:
            query = select(Publication).where(Publication.created_at >= since).order_by(Publication.publication_id)
            return list(session.scalars(query))


class Activations:
    """Versions in force: models, prompts, label sets, rules. Going back is another activation."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def activate(self, kind: str, version: str, *, by: str, reason: str) -> Activation:
        """Bring a version into force. Activating what is active already changes nothing."""
        with self._operations.writing() as session:
            latest = session.scalar(_latest_activation(kind))
            if latest is not None and latest.version == version:
                return latest
            row = Activation(
                kind=kind,
                version=version,
                previous_version=latest.version if latest is not None else None,
                reason=reason,
                activated_by=by,
                activated_at=self._operations.clock(),
            )
            session.add(row)
            session.flush()
            return row

    def active(self, kind: str) -> Activation | None:
        """The version in force, or None where the packaged default still holds."""
        with self._operations.reading() as session:
            return session.scalar(_latest_activation(kind))

    def history(self, kind: str | None = None) -> list[Activation]:
        """All activations (of a kind), oldest first."""
        query = select(Activation).order_by(Activation.activation_id)
        with self._operations.reading() as session:
            return list(session.scalars(query.where(Activation.kind == kind) if kind else query))


def _latest_activation(kind: str) -> Any:
    return select(Activation).where(Activation.kind == kind).order_by(Activation.activation_id.desc()).limit(1)


class Ticks:
    """What sensors and triggers decided, and why, in words."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def record(
        self, name: str, fired: bool, reason: str, *, details: dict[str, Any] | None = None, run_key: str | None = None
    ) -> Tick:
        if not reason.strip():
            raise ValueError(f"tick of {name}: a tick without a reason tells nobody anything")
        with self._operations.writing() as session:
            row = Tick(
                name=name,
                fired=fired,
                reason=reason,
                details=details or {},
                run_key=run_key,
                ticked_at=self._operations.clock(),
            )
            session.add(row)
            session.flush()
            return row

    def recent(self, name: str | None = None, limit: int = 50) -> list[Tick]:
        """The latest ticks (of one sensor), newest first."""
        query = select(Tick).order_by(Tick.tick_id.desc()).limit(limit)
        with self._operations.reading() as session:
            return list(session.scalars(query.where(Tick.name == name) if name else query))


class Facts:
    """Small facts of the home by name: schema version, when it was made, where a cursor stands."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def get(self, name: str) -> str | None:
        with self._operations.reading() as session:
            row = session.get(HomeFact, name)
            return row.value if row is not None else None

    def put(self, name: str, value: str) -> None:
        with self._operations.writing() as session:
            row = session.get(HomeFact, name)
            if row is None:
                session.add(HomeFact(name=name, value=value, changed_at=self._operations.clock()))
            elif row.value != value:
                row.value, row.changed_at = value, self._operations.clock()
