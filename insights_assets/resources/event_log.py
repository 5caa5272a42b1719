"""Dagster's SQLite event log with its connections kept open, for a home's dagster.yaml.

Dagster opens and closes a connection for each event. Closing the last one of a database makes SQLite write its log back and wait
for the disk: 500 events of one run then cost 3 to 20 s, by how busy the disk is. Nothing else differs: same files, same tables.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SQLITE_BUSY_TIMEOUT_SECONDS, SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

#: Databases kept open: the index, the run under way, and those a person looks at in the UI.
MOST_OPEN = 16


class SteadyEventLog(SqliteEventLogStorage):
    """The event log of a home, in `<DAGSTER_HOME>/history/runs` as Dagster's default has it."""

    _open: OrderedDict[str, Engine]

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(base_dir=str(Path(config_value["base_dir"]) / "history" / "runs"), inst_data=inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        if not hasattr(self, "_open"):
            self._open = OrderedDict()
        engine = self._open.pop(shard, None) or _engine(self.conn_string_for_shard(shard))
        self._open[shard] = engine
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)[1].dispose()
        return engine

    def dispose(self) -> None:
        for engine in getattr(self, "_open", {}).values():
            engine.dispose()
        super().dispose()


def _engine(url: str) -> Engine:
    # The storage's own lock lets one thread in at a time, so a connection may pass from thread to thread.
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _no_wait_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
        # Safe against a killed process; a power cut may cost the last events of a run's history, never a table or an action.
        connection.execute("PRAGMA synchronous=NORMAL").close()

    return engine
