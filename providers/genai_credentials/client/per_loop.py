"""`per_loop_client`: an AsyncClient of httpx or httpx2 that works in more than one event loop.

A plain AsyncClient is bound to the first loop that used it (probed with httpx 0.28 and httpx2 2.16). In a second
`asyncio.run` its kept connections belong to a closed loop, and the request fails.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from importlib import import_module
from typing import Any, Protocol, cast

from genai_credentials.client.backends import Request, http_modules, over_http_modules
from genai_credentials.client.both_auths import both
from genai_credentials.client.httpx_auth import KeyAuth
from genai_credentials.errors import ConfigurationError
from genai_credentials.forks import at_work

_OF_ONE_LOOP = ("transport", "mounts")
_OF_CONNECTIONS = ("auth", "cert", "http1", "http2", "limits", "proxy", "trust_env", "verify")
"""Options that have no effect on a client that sends nothing."""


class AsyncClient(Protocol):
    """An AsyncClient of httpx or httpx2."""

    send: Callable[..., Any]

    async def aclose(self) -> None: ...


class _PerLoop:
    """A mixin for a client that sends through a client of the running loop.

    The outer client makes the requests, so its base URL, headers and cookies are used.
    """

    is_closed: bool
    cookies: Any

    def __init__(self, clients: _Clients, options: dict[str, object]) -> None:
        self._of_loops = clients
        # This transport is closed with this client. It also saves loading certificates here, which each loop's client
        # loads itself.
        transport = over_http_modules(_Unused, "AsyncBaseTransport")(clients)
        outside = {name: option for name, option in options.items() if name not in _OF_CONNECTIONS}
        super().__init__(**outside, transport=transport)  # type: ignore[call-arg]

    async def send(self, request: Request, **options: object) -> object:
        """Called by every method of the client that sends a request."""
        if self.is_closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        client = await self._of_loops.of_running_loop()
        response = await client.send(request, **options)
        for answered in (*response.history, response):
            self.cookies.extract_cookies(answered)
        return response


class _Unused:
    """The outer client's transport. It sends nothing, and closes the clients of all loops."""

    def __init__(self, clients: _Clients) -> None:
        self._clients = clients

    async def aclose(self) -> None:
        """Called when the outer client is closed."""
        await self._clients.close()


class _Clients:
    """One client for each event loop. A client ends with its loop."""

    def __init__(self, make: Callable[[], AsyncClient]) -> None:
        self._make = make
        # Each loop uses only its own entry, so no lock is necessary.
        self._open: dict[object, tuple[AsyncClient, AsyncGenerator[None, None]]] = {}

    async def of_running_loop(self) -> AsyncClient:
        """The running loop's client."""
        loop = _running_loop()
        if (found := self._open.get(loop)) is not None:
            return found[0]
        with at_work():
            client = self._make()
        closing = self._closing(loop, client)
        self._open[loop] = client, closing
        # When its loop ends, `asyncio.run` closes the generators that have not ended, and with this one the client.
        await anext(closing)
        return client

    async def _closing(self, loop: object, client: AsyncClient) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._open.pop(loop, None)
            await client.aclose()

    async def close(self) -> None:
        """Close the clients of all loops that are running."""
        here = _running_loop()
        clients, self._open = self._open, {}
        for loop, (_, closing) in clients.items():
            if loop is here:
                await closing.aclose()
            elif isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
                with contextlib.suppress(RuntimeError):  # the loop has just ended
                    asyncio.run_coroutine_threadsafe(closing.aclose(), loop)


def _running_loop() -> object:
    """An object that stands for the running loop of asyncio or trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return import_module("trio").lowlevel.current_trio_token()


def per_loop_client(auth: KeyAuth, kind: type | None, options: dict[str, object]) -> object:
    """An AsyncClient that sends through a client per event loop.

    Args:
        auth: Puts the key into the requests. An `auth` among the options sees each request that is sent.
        kind: The class of the clients; None means httpx's class, or httpx2's class if httpx isn't installed.
        options: The keywords with which each client is built.

    Raises:
        ConfigurationError: `kind` is not an AsyncClient class, or an option works in one event loop only.
    """
    if found := [name for name in _OF_ONE_LOOP if options.get(name) is not None]:
        raise ConfigurationError(
            f"async_httpx_client() does not accept {found[0]}: it would belong to one event loop.",
            remedy="Leave it out. Each loop's client uses proxy=, verify=, limits= and the environment's proxies.",
        )
    kind = kind or http_modules("httpx")[0].AsyncClient
    kinds = tuple(module.AsyncClient for module in http_modules())
    if not (isinstance(kind, type) and issubclass(kind, kinds)):
        raise ConfigurationError(
            f"async_httpx_client() needs a class, an AsyncClient of httpx or httpx2, not {kind!r}.",
            remedy="Pass httpx.AsyncClient, httpx2.AsyncClient, or a subclass such as openai.DefaultAsyncHttpxClient.",
        )
    inside = {**options, "auth": both(auth, options.get("auth"))}
    clients = _Clients(lambda: cast(AsyncClient, kind(**inside)))
    client: object = type(kind.__name__, (_PerLoop, kind), {"__module__": kind.__module__})(clients, options)
    return client
