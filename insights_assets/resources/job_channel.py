"""The folder through which a task tells Dagster what it does: on DBFS, or on a Unity Catalog volume.

Belongs here: where the folder of a task lies, making and removing it, and dagster-databricks' own readers pointed at it. The folder's name
follows from the job's token, so that whoever attaches to a job again, in another process even, reads all its messages from the first.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from dagster import PipesContextInjector
from dagster_databricks.pipes import PipesDbfsMessageReader, PipesUnityCatalogVolumesMessageReader, delete_volume_directory_recursive
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service import files

_FOLDER = "insights_pipes"


class Channel:
    """The message folders of jobs in one workspace. `volume` is a folder on a volume; without one they lie on DBFS."""

    def __init__(self, workspace: WorkspaceClient, volume: str | None, interval: float) -> None:
        self._workspace = workspace
        self._interval = interval
        self.kind = "volume" if volume else "dbfs"
        self._root = f"{volume.rstrip('/')}/{_FOLDER}" if volume else f"/{_FOLDER}"
        self._files = files.FilesAPI(workspace.api_client)

    def folder(self, token: str, step: str) -> str:
        return f"{self._root}/{token}/{step}"

    def make(self, token: str, step: str) -> None:
        """The folder of one task; one that is there stays as it is."""
        if self.kind == "dbfs":
            self._workspace.dbfs.mkdirs(self.folder(token, step))
        else:
            self._files.create_directory(self.folder(token, step))

    def remove(self, token: str) -> None:
        """All folders of a job."""
        folder = f"{self._root}/{token}"
        if self.kind == "dbfs":
            self._workspace.dbfs.delete(folder, recursive=True)
        else:
            with contextlib.suppress(NotFound):
                delete_volume_directory_recursive(self._files, folder)

    def parameters(self, token: str, step: str) -> dict[str, Any]:
        """What the task's message writer has to know. Output of the task stays in the workspace: Spark's words may quote rows."""
        return {"path": self.folder(token, step), "include_stdio_in_messages": False}

    def reader(self, token: str, step: str) -> Any:
        given = {"interval": self._interval, "client": self._workspace}
        if self.kind == "dbfs":
            reader: Any = _DbfsReader(**given)
        else:
            reader = _VolumeReader(**given, volume_path=self._root, include_stdio_in_messages=False)
        reader.fixed = self.parameters(token, step)
        return reader


class _DbfsReader(PipesDbfsMessageReader):
    """dagster-databricks' reader of a folder that is already there."""

    fixed: dict[str, Any]

    @contextlib.contextmanager
    def get_params(self) -> Iterator[dict[str, Any]]:
        yield self.fixed


class _VolumeReader(PipesUnityCatalogVolumesMessageReader):
    """The same on a volume."""

    fixed: dict[str, Any]

    @contextlib.contextmanager
    def get_params(self) -> Iterator[dict[str, Any]]:
        yield self.fixed


class ContextWithTask(PipesContextInjector):
    """Nothing to inject: the task was given its context as an argument when the job was launched, whoever attaches to it later."""

    @contextlib.contextmanager
    def inject_context(self, context_data: Any) -> Iterator[dict[str, Any]]:
        yield {"data": {}}

    def no_messages_debug_text(self) -> str:
        return "The context travels with the task's arguments."
