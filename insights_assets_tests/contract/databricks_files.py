"""Files of the stand-in workspace: DBFS and Unity Catalog volumes, each a folder, spoken to in the bodies and errors of the REST API.

Belongs here: what a call does to files. Does not belong here: HTTP, who may call, the ledger (all in `databricks_server.py`).
"""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

_MOST_READ = 1_000_000


class ApiError(Exception):
    """An answer that is not 2xx, in the service's form. `headers` as the service sends them, e.g. Retry-After."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}


class Dbfs:
    """The files below `root`. Method names are the last word of the API's path."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)

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


class Volume:
    """One volume for the Files API. Its path is the folder's own, so a task that opens `<volume>/…` meets the file itself, as on a cluster."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)

    def local(self, path: str) -> Path:
        inside = Path(path).resolve()
        if not inside.is_relative_to(self.root):
            raise ApiError(403, "PERMISSION_DENIED", f"User does not have USE VOLUME on {path}.")
        return inside

    def directory(self, method: str, path: str) -> dict[str, Any]:
        """`/api/2.0/fs/directories`: PUT makes, HEAD asks, GET lists, DELETE removes an empty one."""
        folder = self.local(path)
        if method == "PUT":
            folder.mkdir(parents=True, exist_ok=True)
            return {}
        if not folder.is_dir():
            raise ApiError(404, "NOT_FOUND", f"The directory being accessed is not found: {path}")
        if method == "GET":
            return {"contents": [{"path": str(one), "name": one.name, "is_directory": one.is_dir(), "file_size": one.stat().st_size} for one in sorted(folder.iterdir())]}
        if method == "DELETE":
            if any(folder.iterdir()):
                raise ApiError(400, "BAD_REQUEST", f"The directory is not empty: {path}")
            folder.rmdir()
        return {}

    def file(self, method: str, path: str, data: bytes) -> bytes:
        """`/api/2.0/fs/files`: PUT uploads, GET downloads, HEAD asks, DELETE removes."""
        target = self.local(path)
        if method == "PUT":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            return b""
        if not target.is_file():
            raise ApiError(404, "NOT_FOUND", f"The file being accessed is not found: {path}")
        if method == "DELETE":
            target.unlink()
            return b""
        return target.read_bytes()
