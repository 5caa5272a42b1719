"""What a step that ran as a job has to report, in two ways: through Dagster Pipes, and as a receipt in the lake itself.

Belongs here: the forms of a report and the receipt's file. Does not belong here: who believes which (`job_outcome.py`).
A receipt is written after the step's last commit and before anything is told, beside the tables it is about. A message channel may be lost
on the way; what the lake says is then read where the lake is: in its folder, or for Unity Catalog on the volume of its scratch files.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.metadata.external_metadata import metadata_map_from_external  # what Pipes itself reads metadata with

Result = dg.MaterializeResult | dg.AssetCheckResult
FOLDER = "_jobs"

_KINDS = {
    dg.TextMetadataValue: "text", dg.UrlMetadataValue: "url", dg.PathMetadataValue: "path", dg.MarkdownMetadataValue: "md", dg.JsonMetadataValue: "json",
    dg.IntMetadataValue: "int", dg.FloatMetadataValue: "float", dg.BoolMetadataValue: "bool", dg.TimestampMetadataValue: "timestamp", dg.NullMetadataValue: "null",
}


def external(value: Any) -> Any:
    """A metadata value as Pipes carries it: plain values as they are, Dagster's own with their type."""
    if isinstance(value, dict):
        return {"type": "json", "raw_value": value}
    if not isinstance(value, dg.MetadataValue):
        return value
    kind = next((name for dagster_type, name in _KINDS.items() if isinstance(value, dagster_type)), None)
    if kind is None:
        raise TypeError(f"a heavy step cannot report metadata of type {type(value).__name__}")
    return {"type": kind, "raw_value": value.value}


def told(result: Result) -> dict[str, Any]:
    """One result as JSON values."""
    said: dict[str, Any] = {
        "asset_key": result.asset_key.to_escaped_user_string() if result.asset_key else None,
        "metadata": {name: external(value) for name, value in (result.metadata or {}).items()},
    }
    if isinstance(result, dg.AssetCheckResult):
        return {**said, "check_name": result.check_name or "", "passed": bool(result.passed), "severity": result.severity.value}
    return {**said, "data_version": result.data_version.value if result.data_version else None}


def heard(said: dict[str, Any]) -> Result:
    """The result that `told` wrote, as it would have come through Pipes."""
    metadata = metadata_map_from_external({name: value if isinstance(value, dict) else {"type": "__infer__", "raw_value": value} for name, value in said["metadata"].items()})
    key = dg.AssetKey.from_escaped_user_string(said["asset_key"])
    if "check_name" in said:
        return dg.AssetCheckResult(
            check_name=said["check_name"], asset_key=key, passed=said["passed"], severity=dg.AssetCheckSeverity(said["severity"]), metadata=metadata
        )
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(said["data_version"]) if said["data_version"] else None)


def receipt_path(lake: Path, token: str, step: str) -> Path:
    return lake / FOLDER / token / f"{step}.json"


def write_receipt(lake: Path, token: str, step: str, results: Sequence[Result]) -> None:
    """Leave beside the tables what the step has to say of them."""
    path = receipt_path(lake, token, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"step": step, "results": [told(result) for result in results]}), encoding="utf-8")


def read_receipt(lake: Path, token: str, step: str) -> list[Result] | None:
    """What the step left behind, or None where it left nothing whole."""
    path = receipt_path(lake, token, step)
    return parsed(path.read_text(encoding="utf-8")) if path.is_file() else None


def parsed(text: str) -> list[Result] | None:
    """The results in a receipt; None for one that was cut off while it was written: the step had not ended."""
    try:
        kept = json.loads(text)
    except json.JSONDecodeError:
        return None
    return [heard(said) for said in kept["results"]]


def versions_of(results: Sequence[Result]) -> dict[str, str | None]:
    """The version of each table that the results are about: `stage.table` -> data version."""
    return {
        ".".join(result.asset_key.path): result.data_version.value if result.data_version else None
        for result in results if isinstance(result, dg.MaterializeResult) and result.asset_key
    }
