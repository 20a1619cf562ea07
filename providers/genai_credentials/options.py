"""The keyword arguments of the public classes, for type checkers and editors. No code imports it at run time."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypedDict

from google.genai.client import DebugConfig
from google.genai.types import HttpOptions, HttpOptionsDict

from genai_credentials.events import Event


class ProviderOptions(TypedDict, total=False):
    """The keyword arguments of `CredentialProvider`; see there."""

    ttl: float
    max_stale: float
    min_refresh_interval: float
    fetch_timeout: float
    patience: float
    redact_logs: bool
    on_event: Callable[[Event], object] | None
    clock: Callable[[], float]
    random: Random | None


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of `genai.Client`, except `api_key` and `credentials`."""

    enterprise: bool | None
    vertexai: bool | None
    project: str | None
    location: str | None
    debug_config: DebugConfig | None
    http_options: HttpOptions | HttpOptionsDict | None


class HttpKeywords(HttpOptionsDict, total=False):
    """The fields of `types.HttpOptions`."""

    httpx_client: object
    httpx_async_client: object
    aiohttp_client: object
