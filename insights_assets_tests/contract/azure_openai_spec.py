"""Every call of the stand-in held against the vendor's published description (api-version 2024-10-21), in both directions.

Belongs here: reading that OpenAPI file as JSON Schema and naming what does not fit. Our fields of the newer v1 API that the description lacks
are listed, so that a further one shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from insights_assets_tests.contract.azure_openai_server import Seen

FILE = "azure_openai_2024-10-21.yaml"
#: In v1 the deployment is named in the body; `prompt_cache_key` came later than the description.
NEWER_FIELDS = {"model", "prompt_cache_key"}


class Description:
    """The published description, ready to judge bodies."""

    def __init__(self, shared: Path) -> None:
        path = shared / "specs" / FILE
        if not path.is_file():
            pytest.skip(f"needs the vendor's description, {path}, which is not here")
        document = _as_json_schema(yaml.safe_load(path.read_text(encoding="utf-8")))
        # The file asks for a `type` inside json_schema, which neither the documents nor the service know.
        document["components"]["schemas"]["ResponseFormatJsonSchema"]["properties"]["json_schema"].update(required=["name", "schema"])
        self._components = document["components"]
        request = self._components["schemas"]["createChatCompletionRequest"]
        common = self._components["schemas"]["chatCompletionsRequestCommon"]["properties"]
        self._known = set(common) | {name for part in request["allOf"] for name in part.get("properties", {})}

    def wrong(self, calls: list[Seen]) -> list[str]:
        """What of the chat calls does not fit."""
        found = []
        for number, call in enumerate(calls):
            found += [f"request {number}: {fault}" for fault in self._faults("createChatCompletionRequest", call.body)]
            found += [f"request {number}: unknown field {name}" for name in sorted(set(call.body) - self._known - NEWER_FIELDS)]
            if call.status == 200 and isinstance(call.reply, dict):
                found += [f"reply {number}: {fault}" for fault in self._faults("createChatCompletionResponse", call.reply)]
            elif isinstance(call.reply, dict):
                found += [f"error {number}: {fault}" for fault in self._faults("errorResponse", call.reply)]
        return found

    def _faults(self, name: str, value: Any) -> list[str]:
        validator = Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": self._components})
        return [f"{'/'.join(str(step) for step in error.path)}: {error.message[:160]}" for error in validator.iter_errors(value)]


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable`; JSON Schema says it in the type."""
    if isinstance(node, list):
        return [_as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _as_json_schema(value) for name, value in node.items()}
    if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made
