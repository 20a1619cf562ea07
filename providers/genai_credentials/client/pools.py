"""`PerLoopTransport`: one stock httpx client per event loop, behind what httpx takes for a transport.

The SDK keeps the interactions side on httpx where the rest is on aiohttp. A plain transport is bound to the loop
that used it first (probed: a second `asyncio.run` then fails), and takes neither the environment's proxies nor
`verify`; the stock client inside does both.
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
    """The body of an answer, as it comes."""

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
        args: What to build each `AsyncClient` with, as in `async_client_args`; what it doesn't know is left out.
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
        """Close the clients of all loops that run.

        Who made two clients from one `http_options()` closes one of them: requests of the other are let finish, and
        its next one opens a new connection.
        """
        with self._lock:
            pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            if loop is asyncio.get_running_loop():
                await pool.close()
            elif loop.is_running():
                with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                    asyncio.run_coroutine_threadsafe(pool.close(), loop)

    def _pool(self, request: Request) -> _Pool:
        loop = asyncio.get_running_loop()
        if (pool := self._pools.get(loop)) is not None:
            return pool
        # Outside of the lock, which a fork takes: it waits for certificates to be loaded.
        with at_work():
            made = _Pool(self._build(request))
        with self._lock:
            for closed in [other for other in self._pools if other.is_closed()]:
                del self._pools[closed]
            return self._pools.setdefault(loop, made)

    def _build(self, request: Request) -> AsyncClient:
        # Of the request's own module: which one the SDK took may be the environment's choice.
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
    """One loop's client, closed when it is no longer wanted and its last answer is read."""

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
    # httpx2 reads neither variable by itself, and the SDK does.
    cafile, capath = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return (
        ssl.create_default_context(cafile=cafile, capath=capath)
        if cafile or capath
        else cast(ssl.SSLContext, module.create_ssl_context())
    )
