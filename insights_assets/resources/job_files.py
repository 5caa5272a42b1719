"""Files of a job that lie beside the tables, from Dagster's side: in the lake's folder, or on a volume that may not be mounted here.

Belongs here: writing and removing such files wherever they lie. Does not belong here: what stands in them (`receipts.py`, `job_gate.py`).
"""

import contextlib
import io
import shutil
from pathlib import Path

from dagster_databricks.pipes import delete_volume_directory_recursive
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service import files

from insights_assets.lake.frames import SCRATCH_FOLDER
from insights_assets.lake.lake import Lake
from insights_assets.lake.unity import UnityLake
from insights_assets.resources.receipts import FOLDER


def write_beside(workspace: WorkspaceClient, lake: Lake, path: Path, text: str) -> None:
    """Put a small file there, in place of one that is there."""
    if _is_away(lake):
        files.FilesAPI(workspace.api_client).upload(str(path), io.BytesIO(text.encode()), overwrite=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def remove_receipts(workspace: WorkspaceClient, lake: Lake, token: str) -> None:
    """All that a job left to say."""
    _remove(workspace, lake, lake.root / FOLDER / token)


def remove_scratch(workspace: WorkspaceClient, lake: Lake, token: str) -> None:
    """The frames that tasks of a job kept for themselves: those that were killed could not."""
    _remove(workspace, lake, lake.root / SCRATCH_FOLDER / token)


def _remove(workspace: WorkspaceClient, lake: Lake, folder: Path) -> None:
    if _is_away(lake):
        with contextlib.suppress(NotFound):
            delete_volume_directory_recursive(files.FilesAPI(workspace.api_client), str(folder))
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _is_away(lake: Lake) -> bool:
    return isinstance(lake, UnityLake) and not lake.root.is_dir()
