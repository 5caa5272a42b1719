"""Where the language model is: the vendor's client behind settings, signed in, quiet, and without retries of its own.

Belongs here: the address, the sign-in, time limits, what an endpoint understands. Does not belong here: prompts, outcomes,
the ledger, when to ask again (all in `labels/model`), anything that sends a request.

The SDK's own retries are off: each of them could be paid and none of them is seen. `labels/model/client.py` asks again by the
same rules, with a ledger row for every attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from insights_assets.settings import Settings

ENTRA_SCOPE = "https://ai.azure.com/.default"
_CONNECT_SECONDS = 5.0
#: These print addresses and bodies when somebody turns their level up; the bodies hold customers' words.
_TALKATIVE = ("openai", "httpx2", "httpcore2", "azure.identity", "azure.core", "msal")


@dataclass(frozen=True)
class Connection:
    """One deployment that can be asked. `sdk` sends; everything else says what the deployment understands."""

    sdk: Any  # OpenAI; None where the engine sends the questions
    provider: str
    host: str
    deployment: str
    batch_deployment: str | None
    snapshot: str | None
    reply_format: str
    reasoning_effort: str | None

    @property
    def model_id(self) -> str:
        """What stands for the model in keys of stored replies: the deployment, and the snapshot where one is named."""
        return f"{self.host}/{self.deployment}" + (f"@{self.snapshot}" if self.snapshot else "")

    @property
    def is_azure(self) -> bool:
        return self.provider == "azure"

    def close(self) -> None:
        if self.sdk is not None:
            self.sdk.close()


def connect(settings: Settings, *, strict: bool = False, credential: Any = None) -> Connection | None:
    """The connection that settings name; None where no model is named. Sends nothing.

    `strict` makes the SDK check every reply against the vendor's types (tests). `credential` replaces Azure's default one.
    """
    if settings.model == "none":
        return None
    if settings.model == "ai_functions":
        return Connection(None, settings.model, "ai_query", str(settings.model_deployment), None, settings.model_snapshot, settings.model_reply_format, None)
    import httpx2
    from openai import OpenAI

    _be_quiet()
    base = base_url(settings.model, settings.model_endpoint or "")
    sdk = OpenAI(
        base_url=base, api_key=_key(settings, credential), timeout=httpx2.Timeout(settings.model_timeout_seconds, connect=_CONNECT_SECONDS),
        max_retries=0, _strict_response_validation=strict,
    )
    return Connection(
        sdk, settings.model, str(httpx2.URL(base).host), str(settings.model_deployment), settings.model_batch_deployment,
        settings.model_snapshot, settings.model_reply_format, settings.model_reasoning_effort,
    )


def base_url(provider: str, endpoint: str) -> str:
    """The address below which the API's paths lie.

    >>> base_url("azure", "https://shop.openai.azure.com")
    'https://shop.openai.azure.com/openai/v1/'
    >>> base_url("compatible", "https://gateway.example/serving/v1")
    'https://gateway.example/serving/v1/'
    """
    address = endpoint.rstrip("/")
    if provider == "azure" and not address.endswith("/openai/v1"):
        address = address.removesuffix("/openai") + "/openai/v1"
    return address + "/"


def _key(settings: Settings, credential: Any) -> str | Callable[[], str]:
    if settings.model_auth != "entra" and settings.model_key is not None:
        return settings.model_key.get_secret_value()
    if settings.model == "compatible":
        return "none"  # a server on this machine that asks for no key; the SDK wants some word
    from azure.identity import DefaultAzureCredential, get_bearer_token_provider

    provider: Callable[[], str] = get_bearer_token_provider(credential or DefaultAzureCredential(), ENTRA_SCOPE)
    return provider


def _be_quiet() -> None:
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
