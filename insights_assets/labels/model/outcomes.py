"""Outcomes: the closed set of what can come of asking a model, and which of them a fault or a reply is.

Belongs here: telling faults of the vendor's SDK and finish reasons apart, what each means for the run and for stored replies. Does not
belong here: sending and asking again (`client`), reading a reply's content (`parse`). No text of a customer is in a detail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What came of one question."""

    OK = "ok"
    REFUSED = "refused"
    FILTERED_PROMPT = "filtered_prompt"
    FILTERED_OUTPUT = "filtered_output"
    TRUNCATED = "truncated"
    INVALID_JSON = "invalid_json"
    OFF_SCHEMA = "off_schema"
    QUOTE_MISMATCH = "quote_mismatch"
    RATE_LIMITED_DEFERRED = "rate_limited_deferred"
    TRANSPORT = "transport"
    AUTH = "auth"
    DEPLOYMENT_MISSING = "deployment_missing"
    BUDGET = "budget"
    #: Not an outcome of a call: the text is in a batch that the server still works on.
    WAITS_FOR_BATCH = "waits_for_batch"


#: Every further call would fail alike: the run's model work ends, the run goes on.
STOPS_MODEL_WORK = frozenset({Outcome.AUTH, Outcome.DEPLOYMENT_MISSING})
#: How long an answer is kept so that it is not paid for again. None: for good. What is absent is never kept.
KEPT_FOR: Mapping[Outcome, timedelta | None] = {
    Outcome.OK: None,
    **dict.fromkeys(
        (Outcome.REFUSED, Outcome.FILTERED_PROMPT, Outcome.FILTERED_OUTPUT, Outcome.TRUNCATED, Outcome.INVALID_JSON, Outcome.OFF_SCHEMA,
         Outcome.QUOTE_MISMATCH),
        timedelta(days=7),
    ),
}
#: A wait longer than this is not slept through for one request: it goes back into the queue. The SDK gives up at the same length.
LONGEST_SLEEP_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no reply. `asks_again`: the same request may succeed; `wait_seconds`: what the server said, None when it said nothing."""

    outcome: Outcome
    detail: str
    http_status: int | None = None
    request_id: str | None = None
    wait_seconds: float | None = None
    asks_again: bool = False
    #: The server may have worked and charged although no reply came.
    may_be_billed: bool = False


def fault_of(error: Exception, now: datetime) -> Fault:
    """The fault behind whatever the SDK raised. Its message is not kept: it may quote the request."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return Fault(Outcome.TRANSPORT, "timeout", asks_again=True, may_be_billed=True)
    if isinstance(error, openai.APIConnectionError):
        return Fault(Outcome.TRANSPORT, "connection", asks_again=True, may_be_billed=True)
    if isinstance(error, openai.APIStatusError):
        return status_fault(error.status_code, _error_body(error.body), error.response.headers, now)
    if type(error).__module__.startswith(("azure.", "msal")) or isinstance(error, openai.OAuthError):
        return Fault(Outcome.AUTH, f"sign-in: {type(error).__name__}")
    return Fault(Outcome.TRANSPORT, f"reply unreadable: {type(error).__name__}", may_be_billed=True)


def _error_body(body: Any) -> Mapping[str, Any]:
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def status_fault(status: int, body: Mapping[str, Any], headers: Mapping[str, str], now: datetime) -> Fault:
    """The fault behind a status and the vendor's error object, of a request or of a line in a batch."""
    code = _word(body.get("code")) or _word(body.get("type")) or "no code"
    request_id = headers.get("x-request-id") or headers.get("apim-request-id")
    wait = retry_after(headers, now)
    told = headers.get("x-should-retry")
    if status == 429:
        return Fault(Outcome.RATE_LIMITED_DEFERRED, code, status, request_id, wait, asks_again=told != "false")
    if status in (401, 403):
        return Fault(Outcome.AUTH, code, status, request_id)
    if status == 404:
        return Fault(Outcome.DEPLOYMENT_MISSING, code, status, request_id)
    if is_filtered(body):
        return Fault(Outcome.FILTERED_PROMPT, filter_words(body), status, request_id)
    if code == "context_length_exceeded":
        return Fault(Outcome.TRUNCATED, code, status, request_id)
    if status in (408, 409) or status >= 500:
        return Fault(Outcome.TRANSPORT, f"{status} {code}", status, request_id, wait, asks_again=told != "false")
    return Fault(Outcome.TRANSPORT, f"request not accepted: {code}", status, request_id)


def is_filtered(body: Mapping[str, Any]) -> bool:
    """Whether an error is the content filter's, in either of the two ways it is written."""
    inner = body.get("innererror") or body.get("inner_error")
    return body.get("code") == "content_filter" or (isinstance(inner, Mapping) and inner.get("code") == "ResponsibleAIPolicyViolation")


def filter_words(body: Mapping[str, Any]) -> str:
    """Which categories fired, as words: `violence:high jailbreak`."""
    inner = body.get("innererror") or body.get("inner_error") or body
    found = (inner.get("content_filter_result") or inner.get("content_filter_results")) if isinstance(inner, Mapping) else None
    return filter_categories(found) or "content_filter"


def filter_categories(results: Any) -> str:
    """Categories that were filtered or detected, in order of name; `unfiltered` where the filter itself was down."""
    words = []
    for name, result in sorted(results.items() if isinstance(results, Mapping) else ()):
        if name == "error":
            words.append("unfiltered")
        elif isinstance(result, Mapping) and (result.get("filtered") or result.get("detected")):
            severity = _word(result.get("severity"))
            words.append(f"{_word(name)}:{severity}" if severity else _word(name))
    return " ".join(words)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks to wait: `retry-after-ms`, else seconds, else a date of HTTP. None where it says nothing readable."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        given = headers.get(name)
        if given is None:
            continue
        try:
            seconds = float(given) / unit
        except ValueError:
            try:
                moment = parsedate_to_datetime(given)
            except ValueError:
                continue
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - now).total_seconds()
        if seconds == seconds and seconds != float("inf"):
            return max(0.0, seconds)
    return None


def _word(value: Any) -> str:
    """A short code of the vendor's, never a sentence: sentences may quote the request."""
    text = value if isinstance(value, str) else ""
    return text if len(text) <= 60 and not any(blank in text for blank in " \n\t") else ""
