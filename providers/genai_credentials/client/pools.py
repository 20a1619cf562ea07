"""`PerLoopTransport`: one stock httpx client per event loop, with the interface of an httpx transport.

The SDK uses httpx for interactions even if it uses aiohttp for everything else. A plain transport is bound to the first
loop that used it (probed: a second `asyncio.run` then fails). It also ignores the environment's proxies and `verify`.
The stock client inside this transport uses both.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import ssl
from collections.abc import Awaitable, Callable
from importlib import import_module
from types import ModuleType
from typing import Protocol, Self, cast

from genai_credentials.client.backends import Request, Response
from genai_credentials.forks import Lock, at_work
from genai_credentials.sealing import OfThisProcess


class Stream(Protocol):
    """The body of an answer that is being received."""

    aclose: Callable[[], Awaitable[None]]


class AsyncResponse(Response, Protocol):
    """An answer whose body has not been read yet."""

    stream: Stream
    is_closed: bool


class AsyncClient(Protocol):
    """An asynchronous client of httpx or httpx2."""

    async def send(self, request: Request, *, stream: bool, follow_redirects: bool) -> AsyncResponse: ...
    async def aclose(self) -> None: ...


class PerLoopTransport(OfThisProcess):
    """Sends each request through the running loop's own client.

    Args:
        args: The keywords for each `AsyncClient`, as in `async_client_args`. Unknown keywords are left out.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._args = args
        self._verify: object = None
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}
        self._lock = Lock()

    async def handle_async_request(self, request: Request) -> AsyncResponse:
        """Called by httpx, once per hop of a redirect."""
        return await self._pool(request).send(request)

    async def aclose(self) -> None:
        """Close the clients of all loops that are running.

        If two clients share one `http_options()` and one of them is closed, the running requests of the other one still
        end. Its next request opens a new connection.
        """
        with self._lock:
            pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            if loop is asyncio.get_running_loop():
                await pool.close()
            elif loop.is_running():
                with contextlib.suppress(RuntimeError):  # the loop has just ended
                    asyncio.run_coroutine_threadsafe(pool.close(), loop)

    def _pool(self, request: Request) -> _Pool:
        loop = asyncio.get_running_loop()
        if (pool := self._pools.get(loop)) is not None:
            return pool
        # The client is made outside of the lock, because a fork takes that lock and loading certificates takes time.
        with at_work():
            made = _Pool(self._build(request))
        with self._lock:
            for closed in [other for other in self._pools if other.is_closed()]:
                del self._pools[closed]
            return self._pools.setdefault(loop, made)

    def _build(self, request: Request) -> AsyncClient:
        # The class comes from the request's own module, because the environment may have decided which module the SDK
        # uses.
        module = import_module(type(request).__module__.partition(".")[0])
        known = inspect.signature(module.AsyncClient.__init__).parameters
        args = {name: value for name, value in self._args.items() if name in known}
        if self._verify is None:
            self._verify = args["verify"] if "verify" in args else _context(module)
        client: AsyncClient = module.AsyncClient(**{"timeout": None, **args, "verify": self._verify})
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Pool:
    """One loop's client. After `close` it is closed as soon as its last answer has been read."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._busy, self._wanted = 0, True

    async def send(self, request: Request) -> AsyncResponse:
        self._busy += 1
        try:
            response = await self._client.send(request, stream=True, follow_redirects=False)
        except BaseException:
            await self._done()
            raise
        if response.is_closed:
            await self._done()
        else:
            self._note_end(response.stream)
        return response

    async def close(self) -> None:
        self._wanted = False
        if not self._busy:
            await self._client.aclose()

    def _note_end(self, stream: Stream) -> None:
        close, stream.aclose = stream.aclose, lambda: ended()

        async def ended() -> None:
            stream.aclose = close
            try:
                await close()
            finally:
                await self._done()

    async def _done(self) -> None:
        self._busy -= 1
        if not self._wanted:
            await self.close()


def _context(module: ModuleType) -> ssl.SSLContext:
    # httpx2 does not read these variables itself, and the SDK does.
    cafile, capath = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return (
        ssl.create_default_context(cafile=cafile, capath=capath)
        if cafile or capath
        else cast(ssl.SSLContext, module.create_ssl_context())
    )
