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

from insights_assets.labels.model.asked_model import AskedModel
from insights_assets.labels.model.questions import Judged, Question
from insights_assets.labels.prompts import Prompt, prompt_text

if TYPE_CHECKING:
    from insights_assets.resources.language_model import Connection


@dataclass(frozen=True)
class TaskPrompt:
    """Everything of a task's request that is the same for every question."""

    prompt: Prompt
    model: AskedModel

    @classmethod
    def of(cls, prompt: Prompt, connection: Connection) -> TaskPrompt:
        return cls(prompt, AskedModel.of(connection))

    @cached_property
    def schema(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(prompt_text(f"{self.prompt.task}/{self.prompt.front_matter['schema']}"))
        return document

    @cached_property
    def system(self) -> str:
        return self.model.system(self.prompt.body, self.schema)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        return self.model.parameters(self.prompt.front_matter["parameters"])

    @cached_property
    def fingerprint(self) -> str:
        """Prompt, schema, model and parameters: what every key of this prompt holds beside the question itself."""
        return digest("\x1f".join([
            self.prompt.version_id, self.system, json.dumps(self.schema, sort_keys=True), self.model.model_id, self.model.reply_format, json.dumps(self.parameters, sort_keys=True),
        ]))  # fmt: skip

    def question(self, given: Mapping[str, Any], judge: Callable[[str], Judged], subjects: Iterable[str] = ()) -> Question:
        """The request about what is given; `subjects` are the people whose words are in it."""
        user = json.dumps(given, ensure_ascii=False)
        body = self.model.body(self.system, user, self.schema, self.parameters, self.prompt.version_id)
        return Question(digest(f"{self.fingerprint}\x1f{user}"), self.prompt.task, self.prompt.version_id, body, judge, frozenset(subjects))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
