"""Faults of the stand-in by name, with the bodies that the vendor's documents and reports show.

Belongs here: what goes over the wire for a fault. Does not belong here: when one happens (a test says so), what is billed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

#: Every way in which a server says how long to wait; the second number is seconds.
RATE_LIMITS = ("429:ms:700", "429:seconds:3", "429:date:5", "429:seconds:130", "429:seconds:0.5", "429:none:0")
#: Faults that leave no chat completion: name -> outcome the client must find.
WITHOUT_A_REPLY = {
    "filtered_prompt": "filtered_prompt", "context_length": "truncated", "401": "auth", "403": "auth", "404": "deployment_missing",
    "500": "transport", "502": "transport", "503-no-retry": "transport", "400": "transport", "408": "transport", "html": "transport",
    "empty_choices": "transport", "drop": "transport", "reset": "transport", "wrong_types": "transport",
}
WITH_A_REPLY = {
    "refused": "refused", "filtered_output": "filtered_output", "truncated": "truncated", "invalid_json": "invalid_json",
    "off_schema": "off_schema", "quote_mismatch": "quote_mismatch", "empty_content": "invalid_json",
}


@dataclass
class Wire:
    """What is written on the connection."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    request_id: str = "req-none"
    drop: bool = False
    wait_seconds: float = 0.0


def error_body(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


def fault_wire(fault: str | None, request_id: str, now: datetime) -> Wire | None:
    """The answer of a fault that comes before the model; None for those that need a reply."""
    name = (fault or "").split(":")[0]
    wire = _plain(name)
    if name == "429":
        _, form, seconds = str(fault).split(":")
        wire = Wire(429, error_body("429", "Requests to the ChatCompletions_Create Operation have exceeded the token rate limit of your current pricing tier."))
        wire.wait_seconds = float(seconds)
        moment = format_datetime(now + timedelta(seconds=float(seconds)), usegmt=True)
        header = {"ms": ("retry-after-ms", f"{float(seconds):g}"), "seconds": ("retry-after", f"{float(seconds):g}"), "date": ("retry-after", moment)}.get(form)
        if form == "ms":
            wire.wait_seconds = float(seconds) / 1000
        elif form == "date":  # a date of HTTP has no fractions of a second
            wire.wait_seconds = float(seconds) - (now + timedelta(seconds=float(seconds))).microsecond / 1_000_000
        wire.headers = dict([header]) if header else {}
    if name == "503":
        seconds = str(fault).split(":")[2]
        wire = Wire(503, error_body("ServiceUnavailable", "The service is busy."), headers={"retry-after": seconds}, wait_seconds=float(seconds))
    if wire is not None:
        wire.request_id = request_id
    return wire


def _plain(name: str) -> Wire | None:
    if name == "filtered_prompt":
        categories = {
            "hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, "detected": False}, "self_harm": {"filtered": False, "severity": "safe"},
            "sexual": {"filtered": False, "severity": "safe"}, "violence": {"filtered": True, "severity": "medium"},
        }
        message = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry."
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": categories}
        return Wire(400, error_body("content_filter", message, param="prompt", status=400, innererror=inner))
    table = {
        "context_length": (400, "context_length_exceeded", "This model's maximum context length is 1047576 tokens."),
        "400": (400, "unsupported_value", "Unsupported value: 'temperature' does not support 0 with this model."),
        "401": (401, "PermissionDenied", "The principal lacks the required data action."),
        "403": (403, "AccessDenied", "Public access is disabled."),
        "404": (404, "DeploymentNotFound", "The API deployment for this resource does not exist."),
        "408": (408, "Timeout", "The operation was timeout."),
        "500": (500, "InternalServerError", "The server had an error while processing your request."),
        "502": (502, "BadGateway", "Bad gateway"),
        "503-no-retry": (503, "ServiceUnavailable", "The service is temporarily unable to process your request."),
    }
    if name == "reset":
        return Wire(0, None, drop=True)
    if name not in table:
        return None
    status, code, message = table[name]
    return Wire(status, error_body(code, message), headers={"x-should-retry": "false"} if name == "503-no-retry" else {})
