"""DBFS of the stand-in workspace: a folder, spoken to in the bodies and errors of the REST API.

Belongs here: what a call does to files. Does not belong here: HTTP, who may call, the ledger (all in `databricks_server.py`).
"""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

_MOST_READ = 1_000_000


class ApiError(Exception):
    """An answer that is not 2xx, in the service's form."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Dbfs:
    """The files below `root`. Method names are the last word of the API's path."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True)

    def local(self, path: str) -> Path:
        """The file behind a DBFS path; nothing outside the folder."""
        inside = (self.root / path.removeprefix("dbfs:").lstrip("/")).resolve()
        if not inside.is_relative_to(self.root):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Path must be absolute: {path}")
        return inside

    def existing(self, path: str) -> Path:
        found = self.local(path)
        if not found.exists():
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"No file or directory exists on path {path}.")
        return found

    def mkdirs(self, body: dict[str, Any]) -> dict[str, Any]:
        self.local(body["path"]).mkdir(parents=True, exist_ok=True)
        return {}

    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        target, contents = self.local(body["path"]), base64.b64decode(body["contents"])
        if len(contents) > _MOST_READ:
            raise ApiError(400, "MAX_BLOCK_SIZE_EXCEEDED", "The data exceeds 1 MB.")
        if target.exists() and not body.get("overwrite"):
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"A file already exists at {body['path']}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents)
        return {}

    def get_status(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._status(self.existing(body["path"]))

    def read(self, body: dict[str, Any]) -> dict[str, Any]:
        start, length = int(body.get("offset", 0)), min(int(body.get("length", 500_000)), _MOST_READ)
        data = self.existing(body["path"]).read_bytes()[start : start + length]
        return {"bytes_read": len(data), "data": base64.b64encode(data).decode()}

    def list(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self.existing(body["path"])
        return {"files": [self._status(one) for one in (sorted(found.iterdir()) if found.is_dir() else [found])]}

    def delete(self, body: dict[str, Any]) -> dict[str, Any]:
        target = self.local(body["path"])
        if target.is_dir():
            if any(target.iterdir()) and not body.get("recursive"):
                raise ApiError(400, "IO_ERROR", f"{body['path']} is not empty")
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        return {}

    def _status(self, found: Path) -> dict[str, Any]:
        facts = found.stat()
        path = "/" + str(found.relative_to(self.root)).removeprefix(".")
        return {"path": path, "is_dir": found.is_dir(), "file_size": 0 if found.is_dir() else facts.st_size, "modification_time": int(facts.st_mtime * 1000)}
