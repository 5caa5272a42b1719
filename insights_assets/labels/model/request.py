"""Requests: one text in a prompt, static part first, with a key that is equal exactly when the question is.

Belongs here: filling prompt and schema from the label set, the body of a chat completion, the key under which its reply is kept. Does not
belong here: sending (`client`), what of a text may be sent (`defence`).
A stored reply is read anew each time, so our own reading is no part of the key. What a reply may depend on is sent and nothing else: the text, its language, the products it could name. Stars, order and customer are not
sent, so a thousand people with the same words are one question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from insights_assets.labels.attribution import ProductIndex
from insights_assets.labels.label_set import LabelSet
from insights_assets.labels.model.asked_model import AskedModel
from insights_assets.labels.model.defence import Prepared
from insights_assets.labels.model.parse import judge_reply
from insights_assets.labels.model.questions import Question
from insights_assets.labels.prompts import Prompt, prompt_text
from insights_assets.labels.words import fold

if TYPE_CHECKING:
    from insights_assets.resources.language_model import Connection

_MOST_CANDIDATES = 8
_SHARDS = 4  # a vendor's prompt cache serves about fifteen requests a minute and key


@dataclass(frozen=True)
class LabelPrompt:
    """Everything of a request that is the same for every text."""

    prompt: Prompt
    label_set: LabelSet
    model: AskedModel

    @classmethod
    def of(cls, prompt: Prompt, label_set: LabelSet, connection: Connection) -> LabelPrompt:
        if str(prompt.front_matter["label_set"]) != label_set.version:
            raise ValueError(f"{prompt.version_id} is written for label set {prompt.front_matter['label_set']}, not {label_set.version}")
        return cls(prompt, label_set, AskedModel.of(connection))

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The strict schema with the closed lists filled in."""
        document = json.loads(prompt_text(f"{self.prompt.task}/{self.prompt.front_matter['schema']}"))
        lists = {"{{topic_ids}}": self.label_set.topic_ids, "{{risk_tag_ids}}": self.label_set.risk_tag_ids}
        filled: dict[str, Any] = _filled(document, lists)
        return filled

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of things that the schema asks for; none where it asks for no things."""
        named = self.schema["schema"]["properties"].get("entities")
        return tuple(named["items"]["properties"]["kind"]["enum"]) if named else ()

    @cached_property
    def system(self) -> str:
        """The static message: rules, topics, tags."""
        topics = "\n".join(
            f"- `{one.topic}`: {_line(one.definition)} For: {_line(one.include)} Not for: {_line(one.exclude)} "
            f"For example: {' / '.join(_line(example) for example in one.examples)}"
            for one in self.label_set.topics if one.deprecated_to is None
        )
        tags = "\n".join(f"- `{one.risk_tag}`: {_line(one.definition)} For: {_line(one.include)} Not for: {_line(one.exclude)}" for one in self.label_set.risk_tags)
        text = self.prompt.body.replace("{{topics}}", topics).replace("{{risk_tags}}", tags)
        return self.model.system(text, self.schema)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        return self.model.parameters(self.prompt.front_matter["parameters"])

    @cached_property
    def fingerprint(self) -> str:
        """Prompt, label set, schema, model, parameters: what every key of this prompt holds beside the text."""
        return _digest(
            [self.prompt.version_id, _digest(self.system), _digest(repr(self.label_set)), _digest(json.dumps(self.schema, sort_keys=True)), self.model.model_id,
             self.model.reply_format, json.dumps(self.parameters, sort_keys=True)]
        )

    def question(self, text: Prepared, language: str | None, candidates: Sequence[Mapping[str, str]], subjects: Iterable[str] = ()) -> Question:
        """The request for one prepared text."""
        given = {"language": language or "und", "candidates": list(candidates), "mark": text.mark, "text": text.marked}
        user = json.dumps(given, ensure_ascii=False)
        key = _digest([self.fingerprint, user])
        body = self.model.body(self.system, user, self.schema, self.parameters, f"{self.prompt.version_id}:{int(key[0], 16) % _SHARDS}")
        skus = frozenset(one["sku"] for one in candidates)
        return Question(
            key, self.prompt.task, self.prompt.version_id, body, lambda content: judge_reply(content, text, self.label_set, skus, self.kinds), frozenset(subjects)
        )


class Candidates:
    """Which products a text could speak of, to choose from."""

    def __init__(self, products: Iterable[Mapping[str, Any]]) -> None:
        rows = list(products)
        self._names = {str(row["sku"]): str(row.get("name") or "") for row in rows}
        self._index = ProductIndex(rows)

    def of(self, text: str) -> list[dict[str, str]]:
        """Products the text names or half names, by SKU; none where it names too many to mean one."""
        skus = sorted(self._index.mention(fold(text)).skus)
        return [{"sku": sku, "name": self._names[sku]} for sku in skus] if len(skus) <= _MOST_CANDIDATES else []


def _filled(node: Any, lists: Mapping[str, Sequence[str]]) -> Any:
    if isinstance(node, dict):
        return {name: _filled(value, lists) for name, value in node.items()}
    if isinstance(node, list):
        if len(node) == 1 and node[0] in lists:
            return list(lists[node[0]])
        return [_filled(value, lists) for value in node]
    return node


def _line(text: str) -> str:
    return " ".join(text.split())


def _digest(parts: str | Sequence[str]) -> str:
    text = parts if isinstance(parts, str) else "\x1f".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()
