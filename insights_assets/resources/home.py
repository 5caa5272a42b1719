"""A home: `<home>/{dagster,lake,operations.db,keys,desk,models,landing}`. Making one, and opening its Dagster instance."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

FOLDERS = ("dagster", "lake", "keys", "desk", "models", "landing")


def prepare_home(home: Path) -> Path:
    """Create what a home needs; an existing home is left as it is. Returns its DAGSTER_HOME."""
    for name in FOLDERS:
        (home / name).mkdir(parents=True, exist_ok=True, mode=0o700 if name == "keys" else 0o755)
    settings = home / "dagster" / "dagster.yaml"
    if not settings.exists():
        settings.write_text(resources.files("insights_assets.resources").joinpath("dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return home / "dagster"


def open_instance(home: Path) -> dg.DagsterInstance:
    """The Dagster instance of a home: the runs of a command are the runs seen in the UI."""
    import dagster as dg

    folder = prepare_home(home)
    os.environ["DAGSTER_HOME"] = str(folder)
    return dg.DagsterInstance.from_config(str(folder))
