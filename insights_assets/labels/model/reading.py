"""Reading a reply's envelope: what was used, who answered, how it ended. For single requests and for lines of a batch alike.

Belongs here: usage, snapshot, service tier, finish reason, refusal, content filter. Does not belong here: the content itself (`parse`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from insights_assets.labels.model.ledger import Receipt
from insights_assets.labels.model.outcomes import Outcome, filter_categories
from insights_assets.labels.model.prices import Usage

_MOST_TOKENS = 1_000_000_000  # beyond this a count is nonsense, and a database may not take it
NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # what neither database nor lake can hold


@dataclass(frozen=True, slots=True)
class Reading:
    """An envelope that was opened. `content` is the model's text; `ok` here says only that there is one."""

    receipt: Receipt
    outcome: Outcome
    content: str | None = None
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read_reply(raw: Any) -> Reading:
    """The envelope of the SDK's raw response. A body that is no JSON object raises ValueError; the vendor's types are checked by the SDK."""
    headers = {str(name).lower(): str(value) for name, value in raw.headers.items()}
    body = raw.http_response.json()
    if not isinstance(body, Mapping):
        raise ValueError("the reply is no JSON object")
    receipt = receipt_of(body, headers.get("x-request-id") or headers.get("apim-request-id"), int(raw.http_response.status_code))
    try:
        raw.parse()
    except Exception as error:  # noqa: BLE001 - a paid reply outside the vendor's types still has its receipt
        return Reading(receipt, Outcome.TRANSPORT, None, f"outside the vendor's types: {type(error).__name__}", headers)
    return read_body(body, receipt, headers)


def receipt_of(body: Mapping[str, Any], request_id: str | None, status: int) -> Receipt:
    """What a reply says about itself."""
    usage = body.get("usage")
    counted = None  # counts that are not numbers are unknown, never 0
    if isinstance(usage, Mapping) and all(_is_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens")):
        counted = Usage(
            _count(usage, "prompt_tokens"), _count(usage.get("prompt_tokens_details"), "cached_tokens"), _count(usage, "completion_tokens"),
            _count(usage.get("completion_tokens_details"), "reasoning_tokens"),
        )
    return Receipt(counted, _text(body.get("model")), _text(body.get("service_tier")), request_id, status)


def read_body(body: Mapping[str, Any], receipt: Receipt, headers: Mapping[str, str] | None = None) -> Reading:
    """How a chat completion ended, and its text."""
    told = headers or {}
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else None
    if choice is None:
        return Reading(receipt, Outcome.TRANSPORT, None, "no choice in the reply", told)
    message = choice.get("message") if isinstance(choice.get("message"), Mapping) else {}
    finish = choice.get("finish_reason")
    filters = filter_categories(choice.get("content_filter_results"))
    detail = " ".join(word for word in (filters, _prompt_filters(body)) if word) or None
    if finish == "content_filter":
        return Reading(receipt, Outcome.FILTERED_OUTPUT, None, detail or "content_filter", told)
    if message.get("refusal"):
        return Reading(receipt, Outcome.REFUSED, None, detail, told)
    content = message.get("content")
    if finish == "length":
        return Reading(receipt, Outcome.TRUNCATED, None, detail, told)
    if finish != "stop" or not isinstance(content, str) or not content:
        return Reading(receipt, Outcome.INVALID_JSON, None, f"finished by {_text(finish) or 'nothing'} without a text", told)
    if NO_TEXT.search(content):
        return Reading(receipt, Outcome.INVALID_JSON, None, "characters that no text has", told)
    return Reading(receipt, Outcome.OK, content, detail, told)


def _prompt_filters(body: Mapping[str, Any]) -> str:
    """What the filter noted about the prompt though it let it through: a detected jailbreak goes to a person."""
    results = body.get("prompt_filter_results")
    found = [filter_categories(one.get("content_filter_results")) for one in results if isinstance(one, Mapping)] if isinstance(results, list) else []
    words = " ".join(word for word in found if word)
    return f"prompt {words}" if words else ""


def _count(holder: Any, name: str) -> int:
    value = holder.get(name) if isinstance(holder, Mapping) else None
    return value if _is_count(value) else 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS


def _text(value: Any) -> str | None:
    return NO_TEXT.sub("", value[:120]) or None if isinstance(value, str) else None
