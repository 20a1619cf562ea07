"""WebSockets to the API. They use `websockets`, because aiohttp's client hides the body of a refused handshake."""

from __future__ import annotations

import dataclasses
import inspect
import logging
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from genai_credentials.proxy.headers import Pairs
from genai_credentials.proxy.target import Target
from genai_credentials.proxy.upstream import CONNECT_SECONDS, Upstream

CLOSE_SECONDS = 5.0

# The library's own logger would log each header, and with it the key. This logger logs nothing.
_SILENT = logging.Logger("genai_credentials.proxy.websocket_relay")  # noqa: LOG001 (nobody may find it)
_SILENT.disabled = True


async def dial(upstream: Upstream, target: Target, headers: Pairs, protocols: list[str]) -> ClientConnection:
    """A WebSocket to the API.

    Args:
        upstream: The API.
        target: A target of the upstream.
        headers: The headers of the handshake, without the headers that the library adds.
        protocols: The subprotocols that the client offers.

    Raises:
        InvalidStatus: The API refused the handshake.
        InvalidHandshake: The answer is not a handshake.
        OSError: There is no connection. A TimeoutError if connecting takes more than 10 s.
    """

    class Exact(ClientConnection):
        async def handshake(self, *args: Any, **options: Any) -> None:
            # The target goes out as the client sent it, without a URL parser in between.
            self.protocol.uri = dataclasses.replace(self.protocol.uri, path=str(target), query="")
            await super().handshake(*args, **options)

    secure = upstream.scheme == "https"
    return await _Straight(
        f"{'wss' if secure else 'ws'}://{upstream.authority}/",
        additional_headers=headers,
        subprotocols=[Subprotocol(protocol) for protocol in protocols] or None,
        user_agent_header=None,
        compression=None,
        open_timeout=CONNECT_SECONDS,
        close_timeout=CLOSE_SECONDS,
        ping_interval=None,
        max_size=None,
        logger=_SILENT,
        create_connection=Exact,
        **_ways(upstream),
    )


class _Straight(connect):
    """A connection that does not follow redirects. The client gets the redirect."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


def _ways(upstream: Upstream) -> dict[str, Any]:
    ways: dict[str, Any] = {"ssl": upstream.tls} if upstream.tls else {}
    # Older versions of websockets have no option for a proxy, and use none from the environment.
    if "proxy" in inspect.signature(connect.__init__).parameters:
        ways["proxy"] = str(upstream.proxy) if upstream.proxy else None
    return ways
