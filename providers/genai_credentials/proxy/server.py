"""`Proxy`: listens, admits requests, and ends without interrupting requests that can still be answered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiohttp import web

from genai_credentials.credentials import CredentialProvider
from genai_credentials.errors import CredentialsError
from genai_credentials.proxy.admission import Admitted, Door
from genai_credentials.proxy.refusals import Refused, own_answer
from genai_credentials.proxy.relay import Outcome, Relay, no_key
from genai_credentials.proxy.token import Token
from genai_credentials.proxy.uploads import Uploads
from genai_credentials.proxy.upstream import Upstream
from genai_credentials.proxy.websocket_relay import SocketRelay
from genai_credentials.proxy.wire import Server, connection_of

HEALTH = "/healthz"
GRACE_SECONDS = 30.0
CLIENT_GONE = 499
"""The status in the log of a request whose client disconnected. No client receives it."""


class Line(NamedTuple):
    """The log line of one request. It has no header, no body and no query.

    Args:
        method: The HTTP method.
        path: The path.
        status: The status that the client received.
        milliseconds: From the request's headers to the end of its answer.
        fingerprint: The fingerprint of the key; None if no key was sent.
    """

    method: str
    path: str
    status: int
    milliseconds: float
    fingerprint: str | None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status} {self.milliseconds:.1f} ms {self.fingerprint or '-'}"


class Proxy:
    """A reverse proxy that adds the current key to the requests of clients with the token.

    Args:
        credentials: The provider of the key.
        token: The token of the clients.
        upstream: The API.
        any_host: Whether the Host header is not checked, as on a Unix socket.
        log: Called with the log line of each request.
    """

    def __init__(
        self,
        credentials: CredentialProvider,
        token: Token,
        upstream: Upstream,
        *,
        any_host: bool = False,
        log: Callable[[Line], object] = lambda line: None,
    ) -> None:
        uploads = Uploads(token, upstream)
        self._credentials, self._upstream, self._log = credentials, upstream, log
        self._door = Door(token, uploads, any_host=any_host)
        self._relay = Relay(credentials.engine, upstream, uploads)
        self._sockets = SocketRelay(credentials.engine, upstream)
        self._server: Server | None = None
        self._listeners: list[asyncio.Server] = []

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on these sockets, which listen already."""
        await self._upstream.open()
        self._server = Server(self._handle)
        loop = asyncio.get_running_loop()
        for sock in sockets:
            make = loop.create_unix_server if sock.family == socket.AF_UNIX else loop.create_server
            self._listeners.append(await make(self._server, sock=sock))

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Accept no further request, and wait for the running requests.

        Args:
            grace: Seconds to wait. After that time, WebSockets are closed and all other requests are broken off.
        """
        for listener in self._listeners:
            listener.close()
        if self._server is not None:
            self._server.end()
            await self._server.wait(grace)
            await self._sockets.end()
            await self._server.shutdown(0.1)
        await self._upstream.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        begun, outcome = asyncio.get_running_loop().time(), Outcome()
        connection = connection_of(request)
        outcome.status = CLIENT_GONE
        try:
            response = await self._answered(request, outcome)
            outcome.status = response.status
            if connection.is_last:
                response.force_close()
            return response
        finally:
            self._tell(request, outcome, begun)

    async def _answered(self, request: web.BaseRequest, outcome: Outcome) -> web.StreamResponse:
        try:
            admitted = self._door.admit(request)
            if admitted.target.path == HEALTH and not admitted.signed:
                return await self._health()
            if _is_handshake(request, admitted):
                return await self._sockets.answer(request, admitted, outcome)
            return await self._relay.answer(request, admitted, outcome)
        except Refused as refused:
            if request.writer.output_size > 0:
                # A part of another answer has been sent already.
                raise ConnectionResetError from None
            return refused.response(close=not request.content.is_eof())
        except ConnectionResetError:
            if request.version < (1, 1):
                # In HTTP/1.0 the end of the connection is the end of the answer.
                connection_of(request).reset()
            raise

    async def _health(self) -> web.StreamResponse:
        try:
            key = await self._credentials.aget()
        except CredentialsError as error:
            raise no_key(error) from None
        return own_answer(200, {"fingerprint": key.fingerprint, "provider": key.provider, "version": key.version})

    def _tell(self, request: web.BaseRequest, outcome: Outcome, begun: float) -> None:
        milliseconds = (asyncio.get_running_loop().time() - begun) * 1000
        fingerprint = outcome.key.fingerprint if outcome.key else None
        path = request.raw_path.partition("?")[0]
        self._log(Line(request.method, path, outcome.status, milliseconds, fingerprint))


def _is_handshake(request: web.BaseRequest, admitted: Admitted) -> bool:
    asked = request.headers.get("Upgrade", "").lower() == "websocket"
    return asked and request.method == "GET" and not admitted.signed
