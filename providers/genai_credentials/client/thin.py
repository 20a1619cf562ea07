"""`ThinClients`: stock clients that differ only in their placeholder and share the connections of one client.

A full client takes 60 ms and 2.4 MB, mostly for TLS contexts. Thin clients are built with the SDK's public options.
They use the HTTP clients, the sessions and the TLS context of the first client.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any, Self

from google import genai
from google.genai import types

from genai_credentials.client import probe, sdk
from genai_credentials.client.assembly import assembled, check_served, finish
from genai_credentials.client.engines import Engines
from genai_credentials.client.options import copied
from genai_credentials.client.sessions import PerLoopSessions
from genai_credentials.client.sockets import Sockets, guarded
from genai_credentials.key import ApiKey
from genai_credentials.sealing import OfThisProcess


class ThinClients:
    """Makes clients, each for one placeholder.

    Args:
        engines: The engines whose keys the clients send.
        options: Every keyword of `genai.Client` except `api_key` and `credentials`.
        verify: Whether each new client first lists one model.
        allow_plain_http: Whether the keys may travel unencrypted to another machine.

    Raises:
        ConfigurationError: An option cannot work with a key that is inserted into each request.
    """

    def __init__(self, engines: Engines, options: dict[str, Any], *, verify: bool, allow_plain_http: bool) -> None:
        self._engines, self._verify = engines, verify
        with assembled(engines, options, allow_plain_http=allow_plain_http) as parts:
            self._parts = parts
            self._connection = guarded(parts.home)
            self._sessions = getattr(parts.options, "aiohttp_client", None) or PerLoopSessions(parts.client)
            self._tls = sdk.tls_of(parts.client)
            self._mounts = _shared((parts.options.async_client_args or {}).get("mounts"))
        # Without this, the garbage collector could free a socket before the object that closes it.
        self._close = weakref.finalize(self, parts.client.close)

    def make(self, placeholder: str) -> genai.Client:
        """The client whose requests carry this placeholder.

        Args:
            placeholder: The placeholder, which names the tenant.

        Raises:
            CredentialsError: With `verify`, the API did not serve the request.
        """
        client = self._make(placeholder)
        if self._verify:
            check_served(client)
        return client

    def close(self) -> None:
        """Close the connections of the synchronous sides. Later requests fail."""
        self._close()

    async def aclose(self) -> None:
        """Close the connections of the asynchronous sides, for every event loop that is running."""
        if isinstance(self._sessions, PerLoopSessions):
            await self._sessions.aclose()
        await self._parts.client.aio.aclose()

    def _make(self, placeholder: str) -> genai.Client:
        parts = self._parts
        client = parts.make(lambda: placeholder, self._http_options() if parts.on_aiohttp else self._httpx_options())
        exchange = partial(self._exchange, placeholder)
        finish(parts, client, Sockets(exchange, self._of_key, partial(self._ask, placeholder), parts.home))
        sdk.hold(client, self)
        return client

    def _exchange(self, placeholder: str) -> Any:
        return self._engines.exchange(self._engines.whose(placeholder))

    def _ask(self, placeholder: str) -> probe.Answer:
        return probe.ask_with(self._make(placeholder))

    async def _of_key(self, key: ApiKey) -> genai.Client:
        """The client for one WebSocket."""
        options = self._httpx_options()
        theirs = self._parts.theirs.async_client_args or {}
        options.async_client_args = {"create_connection": self._connection, **self._tls_args(), **theirs}
        return self._parts.make(key.get_secret_value, options)

    def _http_options(self) -> types.HttpOptions:
        """The options with aiohttp. The SDK still makes an httpx client, for interactions."""
        options = self._shared_options()
        args = self._parts.options.async_client_args or {}
        options.async_client_args = {**self._tls_args(), **args, "mounts": self._mounts}
        # The SDK's annotation asks for an aiohttp session, but the SDK calls only `request`.
        options.aiohttp_client = self._sessions  # type: ignore[assignment]
        return options

    def _httpx_options(self) -> types.HttpOptions:
        options = self._shared_options()
        options.httpx_async_client = sdk.async_http_client_of(self._parts.client)
        options.async_client_args = self._tls_args()
        return options

    def _shared_options(self) -> types.HttpOptions:
        options = copied(self._parts.theirs)
        options.httpx_client = sdk.http_client_of(self._parts.client)
        # With this context, the SDK makes none for the clients that exist already.
        options.client_args = {"verify": self._tls}
        return options

    def _tls_args(self) -> dict[str, Any]:
        return {"verify": self._tls, "ssl": self._tls}


def _shared(mounts: Any) -> dict[str, Shared]:
    return {pattern: Shared(transport) for pattern, transport in (mounts or {}).items()}


class Shared(OfThisProcess):
    """A transport that stays open when a client in which it is mounted is closed.

    Args:
        transport: The transport that sends.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def handle_async_request(self, request: Any) -> Any:
        """Called by httpx."""
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Do nothing, because other clients use the transport."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
