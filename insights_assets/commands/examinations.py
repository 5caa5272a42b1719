"""What `insights doctor` looks at beside python, shop, home and engine: every setting, the operational database, keys, heavy steps, retention.

Belongs here: looking, and saying what was seen in a line. Nothing is created, migrated, sent or started that stays; no secret is shown.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from insights_assets.settings import Settings


def settings_set(settings: Settings) -> str:
    """Which settings are not their defaults, by name; a name that no setting has is most often a slip of the keyboard."""
    from insights_assets.settings import DEPLOYMENT_NAMES

    known = {f"INSIGHTS_{name.upper()}" for name in type(settings).model_fields} | DEPLOYMENT_NAMES
    unknown = sorted(name for name in os.environ if name.startswith("INSIGHTS_") and name not in known)
    if unknown:
        raise ValueError(f"no setting is called {', '.join(unknown)}: correct the name, or unset it")
    if settings.crash_at:
        raise ValueError(f"INSIGHTS_CRASH_AT is set: a run kills itself at {settings.crash_at}; unset it outside tests of recovery")
    changed = sorted(name for name in type(settings).model_fields if getattr(settings, name) != type(settings).model_fields[name].default)
    return f"{len(changed)} of {len(type(settings).model_fields)} differ from their defaults: {', '.join(changed) or 'none'}"


def operational_database(settings: Settings) -> str:
    """Whether it answers, and of which schema; looked at without creating or migrating it."""
    from sqlalchemy import make_url, text

    from insights_assets.resources.operations.database import open_operations
    from insights_assets.resources.operations.models import SCHEMA_VERSION, HomeFact

    url = make_url(settings.operations_target)
    if url.get_backend_name() == "sqlite" and not (url.database and os.path.exists(url.database)):  # noqa: PTH110 - a URL's path, not ours
        return f"SQLite, made by the first run at {url.database}"
    operations = open_operations(settings.operations_target)
    try:
        if not operations.is_made:
            return f"{url.get_backend_name()} answers; its tables are made by the first run"
        with operations.reading() as session:
            stored = session.get(HomeFact, "schema_version")
            if url.get_backend_name() == "sqlite":
                sound = session.execute(text("PRAGMA quick_check")).scalar()
                if sound != "ok":
                    raise RuntimeError(f"SQLite finds the file damaged: {sound}")
    finally:
        operations.close()
    version = int(stored.value) if stored is not None else 0
    if version > SCHEMA_VERSION:
        raise RuntimeError(f"its schema {version} is newer than this version of the product knows ({SCHEMA_VERSION})")
    return f"{url.get_backend_name()} answers; schema {version}" + ("" if version == SCHEMA_VERSION else f", which the next run brings to {SCHEMA_VERSION}")


def audit_chain(settings: Settings) -> str:
    """Whether the audit log still holds together."""
    from insights_assets.resources.operations import open_operations

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return "begins with the first run"
    operations = open_operations(settings.operations_target)
    try:
        if not operations.is_made:
            return "begins with the first run"
        found = operations.audit.verify_chain()
    finally:
        operations.close()
    if not found.holds:
        raise RuntimeError(f"broken at entry {found.broken_at}: {found.reason}")
    return found.reason


def customer_key(settings: Settings) -> str:
    """Whether the key of the pseudonyms is there, and only its owner can read it."""
    if settings.customer_key_secret is not None:
        return "set by INSIGHTS_CUSTOMER_KEY_SECRET: homes with the same secret give the same pseudonyms"
    path = settings.customer_key_path
    if not path.exists():
        return f"made by the first run at {path}; set INSIGHTS_CUSTOMER_KEY_SECRET to share it between homes"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise PermissionError(f"{path} can be read by others ({mode:o}); chmod 600 it")
    return f"{path}, readable by its owner alone"


def heavy_steps(settings: Settings) -> str:
    """Where heavy steps run, and whether what that needs is named. Databricks itself is not contacted."""
    if settings.heavy_steps == "here":
        return "in this process"
    if settings.heavy_steps == "connect":
        return "over Spark Connect"  # settings refuse this without spark_remote, and the engine's check asks that server
    named = settings.databricks_host or os.environ.get("DATABRICKS_HOST") or os.environ.get("DATABRICKS_CONFIG_PROFILE")
    if not named:
        raise LookupError("as Databricks jobs, but no workspace is named: set INSIGHTS_DATABRICKS_HOST or sign in with the Databricks SDK")
    if not settings.databricks_wheel:
        raise LookupError("as Databricks jobs, but INSIGHTS_DATABRICKS_WHEEL names no wheel for their environment")
    return "as Databricks jobs; the workspace is named and was not contacted"


def lake_tables(settings: Settings) -> str:
    """Whether the tables of the home fit this version of the product, and what the next run will do to those that do not."""
    from insights_assets.lake.lake import Lake
    from insights_assets.tables import all_tables

    if settings.databricks_catalog:
        return f"in the catalog {settings.databricks_catalog}; `insights doctor --profile databricks` looks at them"

    def engine() -> Any:
        raise LookupError("looking at tables needs no engine")

    lake = Lake(settings.lake_path, engine)
    there = [spec for spec in all_tables() if lake.exists(spec)]
    gained = [f"{spec} ({', '.join(column.name for column in columns)})" for spec in there if (columns := lake.gained(spec))]
    if not there:
        return "made by the first run"
    if not gained:
        return f"{len(there)} tables, all of this version"
    return f"{len(there)} tables; the next run adds columns, null in old rows: {'; '.join(gained)}"


def retention(_settings: Settings) -> str:
    """What is kept how long, and that nothing is removed by itself."""
    from insights_assets.tables import all_tables

    days: dict[int, int] = {}
    for spec in all_tables():
        if spec.retention_days is not None:
            days[spec.retention_days] = days.get(spec.retention_days, 0) + 1
    kept = ", ".join(f"{count} tables {number} days" for number, count in sorted(days.items()))
    return f"{kept}; nothing is removed before `insights retention --apply`"


EXAMINATIONS: tuple[tuple[str, Any], ...] = (
    ("settings", settings_set), ("operations", operational_database), ("audit", audit_chain), ("key", customer_key), ("heavy steps", heavy_steps), ("tables", lake_tables),
    ("retention", retention),
)
