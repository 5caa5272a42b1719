"""Files and batches of the stand-in: accepted at once, worked on when a test says so.

Belongs here: validation as the vendor lists it, the states of a batch, results in another order than the questions. Does not belong here: HTTP,
the ledger, who answers (all in `azure_openai_server.py`).
"""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

from insights_assets_tests.contract.azure_openai_faults import Wire, error_body

if TYPE_CHECKING:
    from insights_assets_tests.contract.azure_openai_server import AzureOpenAI


class Batches:
    """What lies at the server."""

    def __init__(self, server: AzureOpenAI) -> None:
        self.server = server
        self.files: dict[str, tuple[str, str, str]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.lose_reply_to_create = 0
        self.refuses_to_create = 0

    def serve(self, method: str, path: str, body: Any, content_type: str) -> Wire:
        parts = path.split("/")
        if parts[0] == "files":
            return self._files(method, parts[1:], body, content_type)
        if parts[0] != "batches":
            return Wire(404, error_body("404", "Resource not found"))
        if method == "POST" and len(parts) == 1:
            if self.refuses_to_create:
                self.refuses_to_create -= 1
                return Wire(400, error_body("BatchNotSupported", "The deployment is not of a batch kind."))
            batch = self._create(body)
            if self.lose_reply_to_create:
                self.lose_reply_to_create -= 1
                return Wire(200, None, drop=True)
            return Wire(200, batch)
        if len(parts) == 1:
            return Wire(200, {"object": "list", "data": list(self.batches.values()), "has_more": False})
        batch = self.batches.get(parts[1])
        if batch is None:
            return Wire(404, error_body("404", "Batch not found"))
        if len(parts) == 3 and parts[2] == "cancel" and batch["status"] in ("validating", "in_progress"):
            batch.update(status="cancelling", cancelling_at=self._now())
        return Wire(200, batch)

    def _files(self, method: str, parts: list[str], body: Any, content_type: str) -> Wire:
        if method == "POST":
            name, data = _multipart(body, content_type)
            file_id = f"file-{len(self.files):04d}"
            self.files[file_id] = (name, "batch", data)
            return Wire(200, self._file(file_id))
        if not parts:
            return Wire(200, {"object": "list", "data": [self._file(one) for one in self.files], "has_more": False})
        if parts[0] not in self.files:
            return Wire(404, error_body("404", "File not found"))
        if method == "DELETE":
            self.deleted.append(parts[0])
            del self.files[parts[0]]
            return Wire(200, {"id": parts[0], "object": "file", "deleted": True})
        if parts[1:] == ["content"]:
            return Wire(200, self.files[parts[0]][2], content_type="application/octet-stream")
        return Wire(200, self._file(parts[0]))

    def _file(self, file_id: str) -> dict[str, Any]:
        name, purpose, data = self.files[file_id]
        return {"id": file_id, "object": "file", "bytes": len(data.encode()), "created_at": self._now(), "filename": name, "purpose": purpose, "status": "processed"}

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        batch_id = f"batch_{len(self.batches):04d}"
        self.batches[batch_id] = {
            "id": batch_id, "object": "batch", "endpoint": body["endpoint"], "input_file_id": body["input_file_id"], "completion_window": body["completion_window"],
            "status": "validating", "created_at": self._now(), "metadata": body.get("metadata"), "output_file_id": None, "error_file_id": None, "errors": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        return self.batches[batch_id]

    # -- what a test makes happen -------------------------------------------------------------------------------------

    def work(self, batch_id: str, *, share: float = 1.0, ends: str = "completed", seed: int = 3, faults: dict[int, str] | None = None) -> None:
        """Answer a share of a batch's lines, shuffled, and let it end. `faults`: line number -> fault of that line."""
        batch = self.batches[batch_id]
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]][2].splitlines()]
        wrong = self._invalid(lines)
        if wrong:
            batch.update(status="failed", failed_at=self._now(), errors={"object": "list", "data": [{"code": wrong, "message": wrong, "line": 1, "param": None}]})
            return
        done = lines[: round(len(lines) * share)]
        good, bad = [], []
        for number, line in enumerate(done):
            fault = (faults or {}).get(number)
            request_id = f"{batch_id}-{number}"
            if fault == "filtered_prompt":
                from insights_assets_tests.contract.azure_openai_faults import fault_wire

                body = fault_wire(fault, request_id, self.server.time.now()).body  # type: ignore[union-attr]
                bad.append({"id": request_id, "custom_id": line["custom_id"], "response": {"status_code": 400, "request_id": request_id, "body": body}, "error": None})
                continue
            reply = self.server.completion(line["body"], fault, request_id, batch_id=batch_id)
            good.append({"id": request_id, "custom_id": line["custom_id"], "response": {"status_code": 200, "request_id": request_id, "body": reply}, "error": None})
        random.Random(seed).shuffle(good)
        for field, rows in (("output_file_id", good), ("error_file_id", bad)):
            file_id = f"file-{batch_id}-{field[:3]}"
            self.files[file_id] = (f"{file_id}.jsonl", "batch_output", "".join(json.dumps(row) + "\n" for row in rows))
            batch[field] = file_id
        batch.update(status=ends, request_counts={"total": len(lines), "completed": len(good), "failed": len(bad)})

    def _invalid(self, lines: list[dict[str, Any]]) -> str | None:
        if not lines:
            return "empty_file"
        if len({line["custom_id"] for line in lines}) != len(lines):
            return "duplicate_custom_id"
        if len({line["body"]["model"] for line in lines}) != 1 or lines[0]["body"]["model"] not in self.server.deployments:
            return "model_mismatch"
        return "url_mismatch" if any(line["url"] != "/v1/chat/completions" for line in lines) else None

    def _now(self) -> int:
        return int(self.server.time.now().timestamp())


def _multipart(body: bytes, content_type: str) -> tuple[str, str]:
    boundary = content_type.split("boundary=")[1].strip('"').encode()
    for part in body.split(b"--" + boundary):
        head, _, data = part.partition(b"\r\n\r\n")
        found = re.search(rb'filename="([^"]+)"', head)
        if found:
            return found.group(1).decode(), data.removesuffix(b"\r\n").decode()
    raise ValueError("no file in the upload")
