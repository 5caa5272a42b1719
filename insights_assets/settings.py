"""Frozen settings, and the only reader of the environment.

Belongs here: every knob of an installation, its default and its environment name (`INSIGHTS_…`). Does not belong here: what
the business decides (that is `shop/`), and any effect. Settings never change the shape of the asset graph.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

Profile = Literal["embedded", "spark", "databricks"]
HeavySteps = Literal["here", "connect", "job"]
#: Names a folder of secrets: a file `insights_model_key` in it is the setting INSIGHTS_MODEL_KEY. What the environment says goes before it.
SECRETS_FOLDER = "INSIGHTS_SECRETS_DIR"
#: Names that stand in the environment of an installation made by deploy/ and are read by its files, not by these settings.
DEPLOYMENT_NAMES = frozenset({
    SECRETS_FOLDER, "INSIGHTS_BIND", "INSIGHTS_CODE_HOST", "INSIGHTS_CODE_MODULE", "INSIGHTS_CODE_PORT", "INSIGHTS_CONSOLE_PORT", "INSIGHTS_DAGSTER_STATE",
    "INSIGHTS_DAGSTER_UI", "INSIGHTS_DAGSTER_URL", "INSIGHTS_IMAGE", "INSIGHTS_LANDING_FOLDER", "INSIGHTS_MEMORY", "INSIGHTS_VERSION", "INSIGHTS_WEB_PORT",
})


class _SecretFiles(SecretsSettingsSource):
    """An empty file is a secret that is not there: a compose file has to name them all."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        return value or None, key, is_complex


class Settings(BaseSettings):
    """One installation. Paths are absolute after validation; nothing is created by reading settings."""

    model_config = SettingsConfigDict(env_prefix="INSIGHTS_", frozen=True, extra="ignore")

    home: Path = Field(Path("home"), description="The home: lake, Dagster instance, operational database, desk")
    landing: Path | None = Field(None, description="Folder that sources deliver files into; default <home>/landing")
    shop: Path | None = Field(None, description="Folder of what the business decides; default the packaged sample shop")
    profile: Profile = "embedded"
    as_of: date | None = Field(None, description="The shop's today; default today in the shop's time zone")
    spark_remote: str | None = Field(None, description="sc://… of a Spark Connect server, or local[N] for a JVM Spark of this machine; empty starts the embedded engine")
    operations_url: SecretStr | None = Field(None, description="SQLAlchemy URL; default SQLite in the home")
    customer_key_secret: SecretStr | None = Field(None, description="Key of the customer pseudonyms; default one per home")
    model: Literal["none", "azure", "compatible", "ai_functions"] = Field("none", description="Language model: none (local labels alone), azure (Azure OpenAI), compatible (any OpenAI-style endpoint), ai_functions (Databricks' ai_query, run by the engine)")
    platform_cost_per_month: float | None = Field(None, ge=0, description="What the platform costs a month in the reporting currency; ROI's cost side")
    people_cost_per_month: float | None = Field(None, ge=0, description="What the people who review, judge and maintain cost a month; ROI's cost side")
    console_url: str = Field("http://127.0.0.1:3001", pattern=r"^https?://[^\s]+$", description="Where people reach the console; links in Dagster's UI lead there")
    jira_url: str | None = Field(None, pattern=r"^https?://[^\s/]+/?$", description="https://….atlassian.net; with e-mail and token it connects `jira:PROJECT` of owners.yaml")
    jira_email: str | None = Field(None, description="Account the Jira token belongs to")
    jira_token: SecretStr | None = Field(None, description="Jira API token")
    slack_bot_token: SecretStr | None = Field(None, description="xoxb-…: connects `slack:#channel` of owners.yaml")
    slack_app_token: SecretStr | None = Field(None, description="xapp-…: Socket Mode, for the buttons of Slack messages; no inbound address is needed")
    slack_url: str = Field("https://slack.com/api/", pattern=r"^https?://[^\s]+/$", description="Slack's Web API; another address only for tests")
    hold_webhook_secret: SecretStr | None = Field(None, description="Key that signs the hold webhook of destinations.yaml")
    operators: tuple[str, ...] | None = Field(None, description='JSON list: who may act for every team on console and commands; default anybody at this machine while owners.yaml names only placeholders, then nobody')
    learning_seconds: int = Field(60, ge=5, description="How often the sensors of drift and retraining look")
    crash_at: str | None = Field(None, description="stage.table:before|after (also memo.BODY, governance.publication, outbox.STEP) — kills the process there, for tests of recovery")
    lock_wait_seconds: float = Field(600.0, description="How long a run waits for another writer of the same home")
    engine_deadline_seconds: float = Field(900.0, description="No call to the engine may take longer than this")
    cpu_threads: int = Field(2, ge=1, description="Threads of the embedded engine")
    heavy_steps: HeavySteps = Field("here", description="Where heavy steps run: in this process, over Spark Connect (spark_remote), or as Databricks jobs")
    databricks_host: str | None = Field(None, description="https://… of the workspace; default what the Databricks SDK finds (environment, profile)")
    databricks_token: SecretStr | None = Field(None, description="Access token; default the SDK's own sign-in")
    databricks_wheel: str | None = Field(None, description="The project's wheel, which a job's tasks run, e.g. /Volumes/main/insights/files/….whl")
    databricks_job_file: str | None = Field(None, description="Where insights_assets/job.py was put, for clusters that have the package already; default the wheel's entry point")
    databricks_serverless: str | None = Field(None, description="Version of the serverless environment that the tasks of a job share, e.g. 3; needs databricks_volume")
    databricks_cluster_id: str | None = Field(None, description="An existing cluster that the tasks share; its environment must carry the customer key")
    databricks_cluster: dict[str, Any] | None = Field(None, description="JSON: a cluster made for each task (new_cluster of the Jobs API)")
    databricks_volume: str | None = Field(None, description="/Volumes/catalog/schema/volume for the messages of jobs; default DBFS, which only classic clusters see")
    databricks_secret_scope: str = Field("insights", description="Secret scope that holds customer_key for jobs")
    databricks_poll_seconds: float = Field(5.0, gt=0, description="How often a job's state and messages are asked for")
    databricks_patience_seconds: int = Field(300, ge=1, description="How long a workspace may not answer before the step gives up")
    databricks_wait_minutes: int = Field(60, ge=0, description="How long later tasks of a job wait for Dagster's own steps before they are given up; 0 makes them a job run of their own")
    job_lake: str | None = Field(None, description="The lake's folder as a job sees it; default the same path as here")
    job_shop: str | None = Field(None, description="The shop's folder as a job sees it; default the same path as here")
    databricks_catalog: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,255}$", description="Unity Catalog that holds the tables (`insights databricks bootstrap` makes them); empty keeps the lake in the home's folder")
    databricks_env: Literal["dev", "staging", "prod"] = Field("dev", description="Which installation this is; part of the names of its catalog and its account groups")
    databricks_warehouse_id: str | None = Field(None, description="SQL warehouse that `insights databricks bootstrap --apply` runs on")
    model_endpoint: str | None = Field(None, description="azure: https://NAME.openai.azure.com; compatible: the base URL up to and with its /v1")
    model_deployment: str | None = Field(None, description="Deployment (azure), model name (compatible) or serving endpoint (ai_functions) that answers")
    model_batch_deployment: str | None = Field(None, description="Deployment of the Global-Batch kind; empty leaves the Batch API alone")
    model_auth: Literal["entra", "key"] | None = Field(None, description="How to sign in; default key where model_key is set, else Entra ID on azure")
    model_key: SecretStr | None = Field(None, description="API key, where one is used")
    model_snapshot: str | None = Field(None, description="The snapshot expected behind the deployment, e.g. gpt-4.1-mini-2025-04-14; part of every label's version")
    model_reply_format: Literal["json_schema", "json_object"] = Field("json_schema", description="json_object for servers without strict schemas; our own parse is the same")
    model_reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = Field(None, description="For reasoning models, which take no temperature")
    model_timeout_seconds: float = Field(60.0, gt=0, description="Longest wait for one reply")
    model_concurrency: int = Field(4, ge=1, description="Requests in flight at the start; the server's answers move it from there")
    model_concurrency_most: int = Field(32, ge=1, description="Requests in flight at most")
    model_wait_seconds: float = Field(600.0, ge=0, description="How long a run waits in all where the server says to wait; what is left is asked by the next run")
    model_tokens_per_run: int = Field(2_000_000, ge=0, description="Most tokens, read and written, that one run may use")
    model_tokens_per_day: int = Field(10_000_000, ge=0, description="Most tokens of a UTC day")
    model_cost_per_run: float = Field(5.0, ge=0, description="Most money of one run, in the price table's currency")
    model_cost_per_day: float = Field(20.0, ge=0, description="Most money of a UTC day, in the price table's currency")
    model_prices: Path | None = Field(None, description="Price table (YAML); default the packaged one, which is an example and no offer")
    model_share: float = Field(0.14, ge=0, le=1, description="Most of the distinct texts that go to the model: those whose local label is most likely wrong, and the random share")
    model_exploration: float = Field(0.02, ge=0, le=1, description="Random share of distinct texts that go to the model whatever their risk, so that the local path is seen on what it thinks easy")
    model_batch_hours: float = Field(12.0, gt=0, description="Our own deadline of a batch: then it is cancelled and the rest is asked one by one")
    model_batch_above: int = Field(200, ge=0, description="Where a batch deployment is named: so many new texts a run asks at once, in the order of their risk; more wait for a batch")
    model_batch_days: int = Field(7, ge=0, description="Where a batch deployment is named: texts last received longer ago than so many days are a backfill and wait for a batch")
    model_batch_least: int = Field(20, ge=1, description="Fewer questions that can wait make no batch: they are asked at once")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource, file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment, then a folder of secrets: a process's environment is seen by more people than a file."""
        folder = os.environ.get(SECRETS_FOLDER)
        if not folder:
            return (init_settings, env_settings)
        if not Path(folder).is_dir():
            raise ValueError(f"{SECRETS_FOLDER} names {folder}, which is no folder")
        return (init_settings, env_settings, _SecretFiles(settings_cls, secrets_dir=folder))

    @field_validator("home", "landing", "shop", "model_prices")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value is not None else None

    @field_validator("crash_at")
    @classmethod
    def _crash_point(cls, value: str | None) -> str | None:
        if value and (value.count(".") != 1 or value.rpartition(":")[2] not in ("before", "after")):
            raise ValueError(f"INSIGHTS_CRASH_AT must read stage.table:before or stage.table:after, got {value!r}")
        return value or None

    @model_validator(mode="after")
    def _heavy_steps_can_run(self) -> Settings:
        if self.heavy_steps == "connect" and not self.spark_remote:
            raise ValueError("heavy_steps=connect needs spark_remote (sc://… or local[N])")
        if self.heavy_steps == "job":
            if not (self.databricks_wheel or self.databricks_job_file):
                raise ValueError("heavy_steps=job needs databricks_wheel, or databricks_job_file where the cluster has the package")
            if sum(bool(one) for one in (self.databricks_serverless, self.databricks_cluster_id, self.databricks_cluster)) != 1:
                raise ValueError("heavy_steps=job needs exactly one of databricks_serverless, databricks_cluster_id and databricks_cluster")
            if self.databricks_serverless and not self.databricks_volume:
                raise ValueError("databricks_serverless needs databricks_volume: serverless compute does not see DBFS")
        return self

    @model_validator(mode="after")
    def _model_can_be_asked(self) -> Settings:
        if self.model == "none":
            return self
        if self.model == "ai_functions":
            if not self.model_deployment:
                raise ValueError("model=ai_functions needs model_deployment, the name of a serving endpoint")
            if self.model_batch_deployment or self.model_reasoning_effort:
                raise ValueError("model=ai_functions takes neither model_batch_deployment nor model_reasoning_effort: the engine sends the questions")
            return self
        missing = [name for name in ("model_endpoint", "model_deployment") if not getattr(self, name)]
        if missing:
            raise ValueError(f"model={self.model} needs {' and '.join(missing)}")
        address = urlsplit(self.model_endpoint or "")
        if address.username or address.password or not address.hostname:
            raise ValueError("model_endpoint must be an address with a host and without credentials in it")
        if address.scheme != "https" and address.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("model_endpoint must begin with https:// (http is for this machine alone)")
        if self.model_auth == "key" and self.model_key is None:
            raise ValueError("model_auth=key needs model_key")
        if self.model_auth == "entra" and self.model == "compatible":
            raise ValueError("model_auth=entra is for model=azure; a compatible endpoint takes model_key or nothing")
        return self

    @model_validator(mode="after")
    def _catalog_can_be_opened(self) -> Settings:
        if self.databricks_catalog and self.heavy_steps == "connect":
            raise ValueError("databricks_catalog goes with heavy_steps=here or job: with connect the light steps stay with the embedded engine, which cannot open managed tables")
        return self

    @property
    def landing_path(self) -> Path:
        return self.landing or self.home / "landing"

    @property
    def lake_path(self) -> Path:
        return self.home / "lake"

    @property
    def lake_address(self) -> str:
        """Where the tables are: the home's folder, or `unity:CATALOG`."""
        return f"unity:{self.databricks_catalog}" if self.databricks_catalog else str(self.lake_path)

    @property
    def missing_engine(self) -> str | None:
        """What to set where tables are in a catalog and no engine that opens it is named; `bootstrap` needs none, a run does."""
        if not self.databricks_catalog or self.spark_remote:
            return None
        return (
            f"the tables are in the catalog {self.databricks_catalog}, which only the workspace's Spark opens: set INSIGHTS_SPARK_REMOTE to "
            "sc://HOST:443/;token=TOKEN;x-databricks-cluster-id=ID, or unset INSIGHTS_DATABRICKS_CATALOG to keep them in the home"
        )

    @property
    def customer_key_path(self) -> Path:
        """The home's own key of the pseudonyms, used where no secret is set."""
        return self.home / "keys" / "customer_key"

    @property
    def operations_target(self) -> str:
        if self.operations_url is not None:
            return self.operations_url.get_secret_value()
        return f"sqlite:///{self.home / 'operations.db'}"
