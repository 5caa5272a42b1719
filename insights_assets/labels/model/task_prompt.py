"""A prompt of one task as it is asked: static message, strict schema, and a key that is equal exactly when the question is.

Belongs here: what every task's request has in common, and how a language model that may do something is asked for it. Does not belong here:
labelling (`request`, whose prompt is filled from the label set), what a task's reply is worth (its own module), sending (`client`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from insights_assets.labels.model.questions import Judged, Question
from insights_assets.labels.prompts import Prompt, prompt_text

if TYPE_CHECKING:
    from insights_assets.resources.language_model import Connection


@dataclass(frozen=True)
class TaskPrompt:
    """Everything of a task's request that is the same for every question."""

    prompt: Prompt
    model_id: str
    deployment: str
    is_azure: bool
    reply_format: str
    reasoning_effort: str | None

    @classmethod
    def of(cls, prompt: Prompt, connection: Connection) -> TaskPrompt:
        return cls(prompt, connection.model_id, connection.deployment, connection.is_azure, connection.reply_format, connection.reasoning_effort)

    @cached_property
    def schema(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(prompt_text(f"{self.prompt.task}/{self.prompt.front_matter['schema']}"))
        return document

    @cached_property
    def system(self) -> str:
        told = "\nThe schema of the JSON object:\n" + json.dumps(self.schema["schema"], ensure_ascii=False) if self.reply_format == "json_object" else ""
        return self.prompt.body + told

    @cached_property
    def parameters(self) -> dict[str, Any]:
        return parameters_of(self.prompt.front_matter["parameters"], is_azure=self.is_azure, reasoning_effort=self.reasoning_effort)

    @cached_property
    def fingerprint(self) -> str:
        """Prompt, schema, model and parameters: what every key of this prompt holds beside the question itself."""
        return digest("\x1f".join([
            self.prompt.version_id, self.system, json.dumps(self.schema, sort_keys=True), self.model_id, self.reply_format, json.dumps(self.parameters, sort_keys=True),
        ]))  # fmt: skip

    def question(self, given: Mapping[str, Any], judge: Callable[[str], Judged], subjects: Iterable[str] = ()) -> Question:
        """The request about what is given; `subjects` are the people whose words are in it."""
        user = json.dumps(given, ensure_ascii=False)
        body: dict[str, Any] = {
            "model": self.deployment, "messages": [{"role": "system", "content": self.system}, {"role": "user", "content": user}],
            "response_format": {"type": "json_schema", "json_schema": self.schema} if self.reply_format == "json_schema" else {"type": "json_object"},
            **self.parameters,
        }
        if self.is_azure:
            body["prompt_cache_key"] = self.prompt.version_id[-64:]
        return Question(digest(f"{self.fingerprint}\x1f{user}"), self.prompt.task, self.prompt.version_id, body, judge, frozenset(subjects))


def parameters_of(given: Mapping[str, Any], *, is_azure: bool, reasoning_effort: str | None) -> dict[str, Any]:
    """How a model is asked. Reasoning models take no temperature; only newer servers know `max_completion_tokens`."""
    chosen: dict[str, Any] = {"max_completion_tokens" if is_azure else "max_tokens": int(given["max_output_tokens"])}
    if reasoning_effort is not None:
        chosen["reasoning_effort"] = reasoning_effort
    else:
        chosen["temperature"] = given["temperature"]
    return chosen


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
