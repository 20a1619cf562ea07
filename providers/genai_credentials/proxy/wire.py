"""The proxy's side towards its clients: aiohttp's server, with neither its own headers nor its view of half a close."""

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

from genai_credentials.proxy import peers
from genai_credentials.proxy.headers import Pairs
from genai_credentials.proxy.refusals import Refused

LONGEST_LINE = 65_536
IDLE_SECONDS = 300.0
LINGERING_SECONDS = 2.0
CLOSE_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.25

# aiohttp logs what it cannot read, and so what a client sent; this logger says nothing.
_SILENT = logging.Logger("genai_credentials.proxy")  # noqa: LOG001 (nobody may find it)
_SILENT.disabled = True

_ADDED = ("Content-Type", "Date", "Server")


class Connection(RequestHandler):
    """One client's connection."""

    __slots__ = ("ending", "half_closed")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ending = False
        """Whether the proxy ends, and takes no further request from here."""
        self.half_closed = False

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client has sent its last byte: keep the connection while it waits for an answer."""
        if self._payload_parser is not None or not self.is_busy or self._is_gone():
            return None
        request = self._current_request
        if request is not None and not request.content.is_eof():
            return None
        self.half_closed = True
        self._loop.call_later(_LOOK_AGAIN_SECONDS, self._look)
        return True

    @property
    def is_busy(self) -> bool:
        """Whether a request has come that is not yet answered."""
        return self._waiter is None or self._waiter.done() or bool(self._messages)

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with the request that is being answered."""
        return self.ending or (self.half_closed and not self._messages)

    def end(self) -> None:
        """Take no further request: an idle connection closes now, any other after its answer."""
        self.ending = True
        if not self.is_busy:
            self.force_close()

    def reset(self) -> None:
        """Break the connection off, so that the client does not take it for a clean end."""
        if self.transport is not None:
            if (sock := self.transport.get_extra_info("socket")) is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def _look(self) -> None:
        if self.transport is None:
            return
        if not self.is_busy or self._is_gone():
            self.transport.abort()
        else:
            self._loop.call_later(_LOOK_AGAIN_SECONDS, self._look)

    def _is_gone(self) -> bool:
        sock: socket.socket | None = self.transport.get_extra_info("socket") if self.transport else None
        return sock is None or peers.is_gone(sock)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What aiohttp could not read, or a fault of ours."""
        if request.writer.output_size > 0:
            raise ConnectionResetError
        if status == 400:
            return Refused(400, "BAD_REQUEST", "This is no HTTP/1.1 request.").response(close=True)
        return Refused(status, "PROXY_FAULT", f"The proxy failed ({type(exc).__name__}).").response(close=True)


def connection_of(request: web.BaseRequest) -> Connection:
    """The connection that a request came over."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    return connection


class Server(web.Server):
    """aiohttp's low-level server, of our connections.

    Args:
        handler: Answers a request.
    """

    def __init__(self, handler: Callable[[web.BaseRequest], Any]) -> None:
        # Cancelled when the client goes away: the API would go on to make an answer, and to charge for it.
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
        """Take no further request over any connection."""
        for connection in self._connections:
            if isinstance(connection, Connection):
                connection.end()

    async def wait(self, seconds: float) -> None:
        """Wait until all connections have closed, or for so many seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        # aiohttp tells nobody when it forgets a connection.
        while self._connections and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class _Bare(web.StreamResponse):
    """An answer to which aiohttp adds no header of its own, but those of the connection."""

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
        reason: Its words.
        headers: Names and values, in order.
        at_once: Whether the headers go before the first byte of the body is there.
    """

    def __init__(self, status: int, reason: str | None, headers: Pairs, *, at_once: bool) -> None:
        super().__init__(status=status, reason=reason or "", headers=CIMultiDict(headers))
        self._send_headers_immediately = at_once


class Accepted(_Bare, web.WebSocketResponse):
    """The client's side of a WebSocket; messages are as long as they are, and no close is answered by itself.

    Args:
        protocol: What the API chose of the protocols that the client offered; None for none.
    """

    def __init__(self, protocol: str | None) -> None:
        offered = (protocol,) if protocol else ()
        super().__init__(protocols=offered, compress=False, max_msg_size=0, autoclose=False, timeout=CLOSE_SECONDS)
