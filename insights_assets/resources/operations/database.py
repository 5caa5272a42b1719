"""`open_operations`: the database behind a URL or path, its transactions and its schema.

Belongs here: connecting, migrating, and the one object that hands out the repositories. Does not belong here: what a
table means (the repositories beside this module).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.orm import Session

from insights_assets.resources.clock import Clock, wall_clock
from insights_assets.resources.operations import asking_tables, sending_tables  # noqa: F401 - their tables are part of the schema
from insights_assets.resources.operations.models import SCHEMA_VERSION, HomeFact, Publication
from insights_assets.resources.operations.table_base import Base

if TYPE_CHECKING:
    from insights_assets.resources.audit import AuditLog
    from insights_assets.resources.operations.answers import Answers
    from insights_assets.resources.operations.calling import AlertStates, Escalations
    from insights_assets.resources.operations.holds import Holds
    from insights_assets.resources.operations.judgements import Approvals, Corrections, Verdicts
    from insights_assets.resources.operations.outbox import Outbox
    from insights_assets.resources.operations.running import Activations, Facts, Publications, Ticks

_READ_ONLY = "insights_read_only"
#: The advisory lock that writers of one PostgreSQL database share; it belongs to the database, so homes with their own do not wait for each other.
_WRITERS = 7_309_113


class SchemaTooNew(RuntimeError):
    """The database was written by a newer version of the product."""


def open_operations(target: str | Path, *, clock: Clock = wall_clock) -> Operations:
    """The operational database at a SQLAlchemy URL or a file path. Nothing is created before `migrate` or a first
    write.
    """
    url = str(target) if isinstance(target, str) and "://" in target else f"sqlite:///{Path(target).resolve()}"
    return Operations(_engine(url), clock)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _one_writer_at_a_time(create_engine(parsed, pool_pre_ping=True))
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # this module begins transactions itself, see below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A write transaction takes its lock at once: two that begin as readers could both fail when they come to write.
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _one_writer_at_a_time(engine: Engine) -> Engine:
    """What SQLite's write lock gives by itself, on PostgreSQL: the audit chain and the outbox read before they write, so writers take turns."""
    if engine.dialect.name == "postgresql":

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if not connection.get_execution_options().get(_READ_ONLY, False):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")

    return engine


def _add_columns(connection: Connection) -> None:
    """Columns that an older database lacks. A new column is nullable or has a default of the server, so that old rows stay true."""
    known = inspect(connection)
    compiler = connection.dialect.ddl_compiler(connection.dialect, None)
    for table in Base.metadata.sorted_tables:
        there = {column["name"] for column in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {compiler.get_column_specification(column)}")


class Operations:
    """The operational database: transactions and one repository a subject. `clock` gives UTC now; nothing else does."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self._running = threading.local()

    # -- transactions -----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that either happened whole or not at all.

        Begun inside another one of this thread it becomes a part of that (a savepoint): what it does is undone where it fails, and
        counts only when the whole does. So an act, its audit entry and the message about it can be one transaction.
        """
        outer = self._session
        if outer is not None:
            with outer.begin_nested():
                yield outer
            return
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            self._running.session = session
            try:
                yield session
            finally:
                self._running.session = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent look that never waits for a writer; inside a transaction of this thread it sees what that has done so far."""
        outer = self._session
        if outer is not None:
            yield outer
            return
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={_READ_ONLY: True})
            yield session

    @property
    def _session(self) -> Session | None:
        found: Session | None = getattr(self._running, "session", None)
        return found

    # -- schema -----------------------------------------------------------------------------------------------------

    @property
    def is_made(self) -> bool:
        """Whether the database has the product's tables; a server's is there before they are."""
        with self.engine.connect().execution_options(**{_READ_ONLY: True}) as connection:
            return inspect(connection).has_table(HomeFact.__tablename__)

    def migrate(self) -> int:
        """Create what is missing and bring an older schema up to date; gives the schema version. Safe to repeat."""
        if not self.is_made:
            with self.engine.begin() as connection:
                Base.metadata.create_all(connection)
        stored = self.facts.get("schema_version")
        if stored is not None and int(stored) > SCHEMA_VERSION:
            raise SchemaTooNew(
                f"the operational database has schema {stored}, this version of the product knows {SCHEMA_VERSION}; "
                "install the newer version or name another home"
            )
        if stored is None or int(stored) < SCHEMA_VERSION:
            with self.engine.begin() as connection:
                Base.metadata.create_all(connection)
                _add_columns(connection)
            self.facts.put("schema_version", str(SCHEMA_VERSION))
        return SCHEMA_VERSION

    def close(self) -> None:
        """Let go of the file; a later call opens it again."""
        self.engine.dispose()

    # -- repositories -----------------------------------------------------------------------------------------------

    @cached_property
    def publications(self) -> Publications:
        from insights_assets.resources.operations.running import Publications

        return Publications(self)

    @cached_property
    def activations(self) -> Activations:
        from insights_assets.resources.operations.running import Activations

        return Activations(self)

    @cached_property
    def ticks(self) -> Ticks:
        from insights_assets.resources.operations.running import Ticks

        return Ticks(self)

    @cached_property
    def facts(self) -> Facts:
        from insights_assets.resources.operations.running import Facts

        return Facts(self)

    @cached_property
    def verdicts(self) -> Verdicts:
        from insights_assets.resources.operations.judgements import Verdicts

        return Verdicts(self)

    @cached_property
    def approvals(self) -> Approvals:
        from insights_assets.resources.operations.judgements import Approvals

        return Approvals(self)

    @cached_property
    def answers(self) -> Answers:
        from insights_assets.resources.operations.answers import Answers

        return Answers(self)

    @cached_property
    def corrections(self) -> Corrections:
        from insights_assets.resources.operations.judgements import Corrections

        return Corrections(self)

    @cached_property
    def outbox(self) -> Outbox:
        from insights_assets.resources.operations.outbox import Outbox

        return Outbox(self)

    @cached_property
    def holds(self) -> Holds:
        from insights_assets.resources.operations.holds import Holds

        return Holds(self)

    @cached_property
    def alerts(self) -> AlertStates:
        from insights_assets.resources.operations.calling import AlertStates

        return AlertStates(self)

    @cached_property
    def escalations(self) -> Escalations:
        from insights_assets.resources.operations.calling import Escalations

        return Escalations(self)

    @cached_property
    def audit(self) -> AuditLog:
        from insights_assets.resources.audit import AuditLog

        return AuditLog(self)

    # -- what a starting run asks -----------------------------------------------------------------------------------

    def latest_publication(self) -> Publication | None:
        """The publication people see now."""
        return self.publications.latest()

    def record_publication(self, run_id: str, as_of_day: date, table_versions: dict[str, int]) -> Publication:
        """Publish a run; see `Publications.record`."""
        return self.publications.record(run_id, as_of_day, table_versions)
