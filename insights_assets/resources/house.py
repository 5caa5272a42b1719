"""The Dagster resources of the graph: the engine's session and the house that asset bodies work in.

Belongs here: binding settings to plain objects for the time of one run. Does not belong here: what any stage does.
No `from __future__ import annotations`: Dagster reads the annotations of resources at run time.
"""

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any

import dagster as dg
from dagster_pyspark import PySparkResource
from pydantic import PrivateAttr

from insights_assets.lake.holding import hold
from insights_assets.lake.spec import TableSpec
from insights_assets.lake.unity import UnityLake, address_of, open_lake
from insights_assets.resources.clock import Clock, shop_today, wall_clock
from insights_assets.resources.installation import installation_of
from insights_assets.resources.lock import database_lock, home_lock
from insights_assets.resources.runs import Runs
from insights_assets.resources.step import Step
from insights_assets.settings import Settings

#: Fact of a home whose files come from the simulator: its last simulated day.
SIMULATED_TODAY = "simulated_today"


class Engine(PySparkResource):
    """dagster-pyspark's resource, whose remote is found at run time: an embedded engine has no address before it starts."""

    spark_config: dict[str, Any] = {}
    remote: str | None = None

    _connected: Any = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        from insights_assets.engine.session import session

        # With heavy_steps=connect the remote is for heavy steps alone; everything else stays with the embedded engine.
        self._spark_session = session(None if Settings().heavy_steps == "connect" else self.remote)

    def over_connect(self, remote: str) -> Any:
        """The session of a second engine, for heavy steps. `getOrCreate` would hand out the first one again."""
        if self._connected is None:
            from pyspark.sql import SparkSession

            from insights_assets.engine.session import spark_config

            self._connected = SparkSession.builder.config(map=dict(spark_config(remote))).create()
        return self._connected


class LakeOnly:
    """Stands where the operational database would be: a heavy step may run on a cluster that has the lake and nothing else."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(f"a heavy step asked the operational database for {name!r}: it may touch the lake and nothing else, so declare it without heavy=True")


class AsOfTooEarly(dg.Failure):
    """A live run may not go back in time; rehearsals may."""


class House(dg.ConfigurableResource):
    """One home for the time of one run. Only names and dates are configured here; secrets come from settings at run time."""

    engine: dg.ResourceDependency[Engine]
    home: str | None = None
    landing: str | None = None
    shop: str | None = None
    as_of: str | None = None

    _settings: Any = PrivateAttr(default=None)
    _shop: Any = PrivateAttr(default=None)
    _operations: Any = PrivateAttr(default=None)
    _lake: Any = PrivateAttr(default=None)
    # A factory: pydantic would bind a function given as the default, and call it with the house.
    _clock: Clock = PrivateAttr(default_factory=lambda: wall_clock)
    _as_of: Any = PrivateAttr(default=None)
    _previous_as_of: Any = PrivateAttr(default=None)
    _runs: Any = PrivateAttr(default_factory=Runs)
    _jobs: Any = PrivateAttr(default=None)

    def settings(self) -> Settings:
        given = {name: getattr(self, name) for name in ("home", "landing", "shop", "as_of") if getattr(self, name)}
        return Settings(**given)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Any, None, None]:
        from insights_assets.resources.operations import open_operations
        from insights_assets.shop import load_shop

        settings = self.settings()
        with home_lock(settings.home, settings.lock_wait_seconds), ExitStack() as held:
            self._settings = settings
            self._runs = Runs(context.instance)
            self._shop = load_shop(settings.shop)
            self._operations = open_operations(settings.operations_target)
            self._operations.migrate()
            held.enter_context(database_lock(self._operations, settings.lock_wait_seconds))
            self._as_of = settings.as_of or self._today()
            latest = self._operations.latest_publication()
            self._previous_as_of = latest.as_of_day if latest is not None else None
            if self._previous_as_of is not None and self._as_of < self._previous_as_of:
                raise AsOfTooEarly(
                    f"as-of {self._as_of} is earlier than the last run's {self._previous_as_of}: what was published is not taken "
                    "back; rehearse with `insights backtest` or use another home"
                )
            local = settings.spark_remote is None or settings.heavy_steps == "connect"
            self._lake = open_lake(settings.lake_address, lambda: self.engine.spark_session, crash_at=settings.crash_at, is_embedded=local)
            if isinstance(self._lake, UnityLake):
                hold(self._lake, installation_of(self._operations, settings), self._clock())
            try:
                yield self
            finally:
                if self._jobs is not None:
                    self._jobs.end((context.log or logging.getLogger("insights_assets")).warning)

    @property
    def heavy_steps(self) -> str:
        """How heavy steps run: here, connect or job."""
        return str(self._settings.heavy_steps)

    def _today(self) -> date:
        """Today where the shop is; a simulated shop may be ahead of the calendar by the days that were simulated."""
        today = shop_today(self._clock, self._shop.shop_time_zone)
        simulated = self._operations.facts.get(SIMULATED_TODAY)
        return max(today, date.fromisoformat(simulated)) if simulated else today

    def step(self, *, reads: tuple[TableSpec, ...], writes: tuple[TableSpec, ...], run_id: str, log: Any, heavy: bool = False) -> Step:
        lake = self._lake
        if heavy and self.heavy_steps == "connect":
            lake = open_lake(address_of(lake), lambda: self.engine.over_connect(self._settings.spark_remote), crash_at=self._settings.crash_at, is_embedded=False)
        return Step(
            lake=lake, settings=self._settings, shop=self._shop, operations=self._operations, as_of=self._as_of, run_id=run_id,
            clock=self._clock, reads=frozenset(reads), writes=frozenset(writes), log=log, previous_as_of=self._previous_as_of, runs=self._runs,
        )

    def is_launched(self, name: str) -> bool:
        """Whether a job of this run already has a task for the step."""
        return self._jobs is not None and self._jobs.wave_with(name) is not None

    def run_as_job(self, context: dg.AssetExecutionContext, step: Step, name: str) -> list[dg.MaterializeResult | dg.AssetCheckResult]:
        """The heavy step of that name as a task of a Databricks job; returns what it reported."""
        from insights_assets.resources import heavy, jobs

        if self._jobs is None:
            self._jobs = jobs.JobRuns(self._settings, self._operations.facts, self._lake)
        return heavy.run_as_job(context, self._jobs, step, name)
