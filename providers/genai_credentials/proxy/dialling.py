"""WebSockets towards the API, by `websockets`: aiohttp's client hides the body of a refused handshake."""

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

# It would log each header, and so the key; this logger says nothing.
_SILENT = logging.Logger("genai_credentials.proxy.sockets")  # noqa: LOG001 (nobody may find it)
_SILENT.disabled = True


async def dial(upstream: Upstream, target: Target, headers: Pairs, protocols: list[str]) -> ClientConnection:
    """A WebSocket to the API.

    Args:
        upstream: Where to.
        target: A target of the upstream.
        headers: Those of the handshake, but its own.
        protocols: What the client offers.

    Raises:
        InvalidStatus: The API refused the handshake.
        InvalidHandshake: It is none.
        OSError: There is no connection; a TimeoutError if it takes too long.
    """

    class Exact(ClientConnection):
        async def handshake(self, *args: Any, **options: Any) -> None:
            # As it was sent: it went through no parser of URLs.
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
    """Redirects are the client's affair."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


def _ways(upstream: Upstream) -> dict[str, Any]:
    ways: dict[str, Any] = {"ssl": upstream.tls} if upstream.tls else {}
    # Older ones know no proxy, and take none from the environment.
    if "proxy" in inspect.signature(connect.__init__).parameters:
        ways["proxy"] = str(upstream.proxy) if upstream.proxy else None
    return ways
