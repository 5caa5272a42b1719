"""The model as a request sees it: what of a connection is part of a question and of its key.

Belongs here: how a message, a schema and parameters are put to one deployment; the same for every task. Does not belong here: what a task asks
(`request`, `task_prompt`), sending (`client`), opening a connection (`resources.language_model`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from insights_assets.resources.language_model import Connection


@dataclass(frozen=True, slots=True)
class AskedModel:
    """What a deployment is called and what it understands; equal for two connections that would be asked the same."""

    model_id: str
    deployment: str
    is_azure: bool
    reply_format: str
    reasoning_effort: str | None

    @classmethod
    def of(cls, connection: Connection) -> AskedModel:
        return cls(connection.model_id, connection.deployment, connection.is_azure, connection.reply_format, connection.reasoning_effort)

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """How the model is asked. Reasoning models take no temperature; only newer servers know `max_completion_tokens`."""
        chosen: dict[str, Any] = {"max_completion_tokens" if self.is_azure else "max_tokens": int(given["max_output_tokens"])}
        if self.reasoning_effort is not None:
            chosen["reasoning_effort"] = self.reasoning_effort
        else:
            chosen["temperature"] = given["temperature"]
        return chosen

    def system(self, text: str, schema: Mapping[str, Any]) -> str:
        """The static message; a server that takes no schema is told it in words."""
        return text + "\nThe schema of the JSON object:\n" + json.dumps(schema["schema"], ensure_ascii=False) if self.reply_format == "json_object" else text

    def body(self, system: str, user: str, schema: Mapping[str, Any], parameters: Mapping[str, Any], cache_key: str) -> dict[str, Any]:
        """A chat completion's body. `cache_key` steers the vendor's prompt cache where there is one."""
        body: dict[str, Any] = {
            "model": self.deployment,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            "response_format": {"type": "json_schema", "json_schema": schema} if self.reply_format == "json_schema" else {"type": "json_object"},
            **parameters,
        }
        if self.is_azure:
            body["prompt_cache_key"] = cache_key[-64:]
        return body
