"""Frozen settings, and the only reader of the environment.

Belongs here: every knob of an installation, its default and its environment name (`INSIGHTS_…`). Does not belong here: what
the business decides (that is `shop/`), and any effect. Settings never change the shape of the asset graph.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Profile = Literal["embedded", "spark", "databricks"]


class Settings(BaseSettings):
    """One installation. Paths are absolute after validation; nothing is created by reading settings."""

    model_config = SettingsConfigDict(env_prefix="INSIGHTS_", frozen=True, extra="ignore")

    home: Path = Field(Path("home"), description="The home: lake, Dagster instance, operational database, desk")
    landing: Path | None = Field(None, description="Folder that sources deliver files into; default <home>/landing")
    shop: Path | None = Field(None, description="Folder of what the business decides; default the packaged sample shop")
    profile: Profile = "embedded"
    as_of: date | None = Field(None, description="The shop's today; default today in the shop's time zone")
    spark_remote: str | None = Field(None, description="sc://… of a Spark Connect server; empty starts the embedded engine")
    operations_url: SecretStr | None = Field(None, description="SQLAlchemy URL; default SQLite in the home")
    customer_key_secret: SecretStr | None = Field(None, description="Key of the customer pseudonyms; default one per home")
    model: Literal["none", "azure"] = "none"
    crash_at: str | None = Field(None, description="stage.table:before|after — kills the process there, for tests of recovery")
    lock_wait_seconds: float = Field(600.0, description="How long a run waits for another writer of the same home")
    engine_deadline_seconds: float = Field(900.0, description="No call to the engine may take longer than this")
    cpu_threads: int = Field(2, ge=1, description="Threads of the embedded engine")

    @field_validator("home", "landing", "shop")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value is not None else None

    @field_validator("crash_at")
    @classmethod
    def _crash_point(cls, value: str | None) -> str | None:
        if value and (value.count(".") != 1 or value.rpartition(":")[2] not in ("before", "after")):
            raise ValueError(f"INSIGHTS_CRASH_AT must read stage.table:before or stage.table:after, got {value!r}")
        return value or None

    @property
    def landing_path(self) -> Path:
        return self.landing or self.home / "landing"

    @property
    def lake_path(self) -> Path:
        return self.home / "lake"

    @property
    def operations_target(self) -> str:
        if self.operations_url is not None:
            return self.operations_url.get_secret_value()
        return f"sqlite:///{self.home / 'operations.db'}"
