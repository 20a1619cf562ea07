"""`PerLoopTransport`: one stock httpx client per event loop, behind what httpx takes for a transport.

The SDK keeps the interactions side on httpx where the rest is on aiohttp. A plain transport is bound to the loop
that used it first (probed: a second `asyncio.run` then fails), and takes neither the environment's proxies nor
`verify`; the stock client inside does both.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import ssl
import threading
from importlib import import_module
from typing import Any, Self


class PerLoopTransport:
    """Sends each request through the running loop's own client.

    Args:
        args: What to build each `AsyncClient` with, as in `async_client_args`; what it doesn't know is left out.
    """

    def __init__(self, args: dict[str, Any]) -> None:
        self._args = args
        self._verify: Any = None
        self._clients: dict[asyncio.AbstractEventLoop, Any] = {}
        self._lock = threading.Lock()

    async def handle_async_request(self, request: Any) -> Any:
        """Called by httpx, once per hop of a redirect."""
        return await self._client(request).send(request, stream=True, follow_redirects=False)

    async def aclose(self) -> None:
        """Close the running loop's client, and let go of the others."""
        with self._lock:
            clients, self._clients = self._clients, {}
        if (client := clients.get(asyncio.get_running_loop())) is not None:
            await client.aclose()

    def _client(self, request: Any) -> Any:
        loop = asyncio.get_running_loop()
        with self._lock:
            for closed in [other for other in self._clients if other.is_closed()]:
                del self._clients[closed]
            if loop not in self._clients:
                self._clients[loop] = self._build(request)
            return self._clients[loop]

    def _build(self, request: Any) -> Any:
        # Of the request's own module: which one the SDK took may be the environment's choice.
        module = import_module(type(request).__module__.partition(".")[0])
        known = inspect.signature(module.AsyncClient.__init__).parameters
        args = {name: value for name, value in self._args.items() if name in known}
        if self._verify is None:
            self._verify = args["verify"] if "verify" in args else _context(module)
        return module.AsyncClient(**{"timeout": None, **args, "verify": self._verify})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _context(module: Any) -> ssl.SSLContext:
    # httpx2 reads neither variable by itself, and the SDK does.
    cafile, capath = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return ssl.create_default_context(cafile=cafile, capath=capath) if cafile or capath else module.create_ssl_context()
