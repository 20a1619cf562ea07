"""The proxy's side towards its clients, which is aiohttp's server with two changes.

aiohttp's own headers are left out, and half-closed connections are handled here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from genai_credentials.proxy import half_closed
from genai_credentials.proxy.headers import Pairs
from genai_credentials.proxy.refusals import Refused

LONGEST_LINE = 65_536
IDLE_SECONDS = 300.0
LINGERING_SECONDS = 2.0
CLOSE_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.25

# aiohttp logs a request that it cannot parse, and with it the client's text. This logger logs nothing.
_SILENT = logging.Logger("genai_credentials.proxy")  # noqa: LOG001 (nobody may find it)
_SILENT.disabled = True

_ADDED = ("Content-Type", "Date", "Server")


class Connection(RequestHandler):
    """The connection of one client."""

    __slots__ = ("ending", "half_closed")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ending = False
        """Whether the proxy ends and accepts no further request on this connection."""
        self.half_closed = False

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Called when the client has sent its last byte. Keeps the connection while the client waits for an answer."""
        if self._payload_parser is not None or not self.is_busy or self._is_gone():
            return None
        if self._is_cut_short():
            return None
        self.half_closed = True
        self._loop.call_later(_LOOK_AGAIN_SECONDS, self._look)
        return True

    def _is_cut_short(self) -> bool:
        """Whether the body of the current request is not complete. After the client's last byte it never will be."""
        request = self._current_request
        return request is not None and not request.content.is_eof()

    @property
    def is_busy(self) -> bool:
        """Whether a request has arrived that is not answered yet."""
        return self._waiter is None or self._waiter.done() or bool(self._messages)

    @property
    def is_last(self) -> bool:
        """Whether the connection ends after the current answer."""
        return self.ending or (self.half_closed and not self._messages)

    def end(self) -> None:
        """Accept no further request. An idle connection is closed now, any other one after its answer."""
        self.ending = True
        if not self.is_busy:
            self.force_close()

    def reset(self) -> None:
        """Break the connection off. The client must not see a clean end."""
        if self.transport is not None:
            if (sock := self.transport.get_extra_info("socket")) is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def _look(self) -> None:
        if self.transport is None:
            return
        # The last byte may arrive just before aiohttp begins with the request.
        if not self.is_busy or self._is_cut_short() or self._is_gone():
            self.transport.abort()
        else:
            self._loop.call_later(_LOOK_AGAIN_SECONDS, self._look)

    def _is_gone(self) -> bool:
        sock: socket.socket | None = self.transport.get_extra_info("socket") if self.transport else None
        return sock is None or half_closed.is_gone(sock)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to a request that aiohttp could not parse, or to an internal error of the proxy."""
        if request.writer.output_size > 0:
            raise ConnectionResetError
        if status == 400:
            return Refused(400, "BAD_REQUEST", "This is not an HTTP/1.1 request.").response(close=True)
        return Refused(status, "PROXY_FAULT", f"The proxy failed ({type(exc).__name__}).").response(close=True)


def connection_of(request: web.BaseRequest) -> Connection:
    """The connection of a request."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    return connection


class Server(web.Server):
    """aiohttp's low-level server with our connections.

    Args:
        handler: Answers a request.
    """

    def __init__(self, handler: Callable[[web.BaseRequest], Any]) -> None:
        # The handler is cancelled when the client disconnects. Otherwise the API would still make an answer and charge
        # for it.
        super().__init__(handler, handler_cancellation=True)

    def __call__(self) -> Connection:
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            logger=_SILENT,
            access_log=None,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGERING_SECONDS,
            auto_decompress=False,
        )

    def end(self) -> None:
        """Accept no further request on any connection."""
        for connection in self._connections:
            if isinstance(connection, Connection):
                connection.end()

    async def wait(self, seconds: float) -> None:
        """Wait until all connections are closed, or until this time is over.

        Args:
            seconds: Seconds to wait at most.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        # aiohttp has no callback for a connection that ends, so the server polls.
        while self._connections and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class _Bare(web.StreamResponse):
    """An answer to which aiohttp adds no header of its own, except the headers of the connection."""

    async def _prepare_headers(self) -> None:
        assert self._req is not None
        if connection_of(self._req).is_last:
            self.force_close()
        added = [name for name in _ADDED if name not in self.headers]
        await super()._prepare_headers()
        for name in added:
            self.headers.pop(name, None)


class Answer(_Bare):
    """An answer of the API.

    Args:
        status: The HTTP status.
        reason: The reason phrase; None without one.
        headers: Names and values, in order.
        at_once: Whether the headers are sent before the first byte of the body has arrived.
    """

    def __init__(self, status: int, reason: str | None, headers: Pairs, *, at_once: bool) -> None:
        super().__init__(status=status, reason=reason or "", headers=CIMultiDict(headers))
        self._send_headers_immediately = at_once


class Accepted(_Bare, web.WebSocketResponse):
    """The client's side of a WebSocket. Messages may have any length, and a close is not answered automatically.

    Args:
        protocol: The subprotocol that the API chose; None for none.
    """

    def __init__(self, protocol: str | None) -> None:
        offered = (protocol,) if protocol else ()
        super().__init__(protocols=offered, compress=False, max_msg_size=0, autoclose=False, timeout=CLOSE_SECONDS)
