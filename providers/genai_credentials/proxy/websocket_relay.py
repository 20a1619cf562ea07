"""Forwards one WebSocket through the proxy.

While the API refuses the key, the proxy connects again and sends the client's messages again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from aiohttp import WSMsgType, web
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.http11 import Response

from genai_credentials.client.exchange import Exchange, exchange
from genai_credentials.engine import Engine
from genai_credentials.key import ApiKey
from genai_credentials.proxy.admission import Admitted
from genai_credentials.proxy.bodies import MOST_KEPT
from genai_credentials.proxy.headers import Pairs, end_to_end, for_handshake, values
from genai_credentials.proxy.judging import decompressed
from genai_credentials.proxy.masking import KeyMask
from genai_credentials.proxy.refusals import Refused
from genai_credentials.proxy.relay import Outcome, key_header, next_key, unreachable
from genai_credentials.proxy.upstream import Upstream
from genai_credentials.proxy.websocket_upstream import dial
from genai_credentials.proxy.wire import Accepted, Answer
from genai_credentials.rejection import ACCEPTED, Verdict, classify, classify_close

GOING_AWAY, FAILED, NORMAL, NO_STATUS = 1001, 1011, 1000, 1005


class Close(NamedTuple):
    """The API's close of a WebSocket.

    Args:
        code: The close code; None if the connection broke off without a close.
        reason: The close reason; "" without one.
    """

    code: int | None
    reason: str = ""


class SocketRelay:
    """Connects the clients' WebSockets with WebSockets to the API.

    Args:
        engine: The engine whose keys the WebSockets carry.
        upstream: The API.
    """

    def __init__(self, engine: Engine, upstream: Upstream) -> None:
        self._engine, self._upstream = engine, upstream
        self._talks: set[_Talk] = set()

    async def answer(self, request: web.BaseRequest, admitted: Admitted, outcome: Outcome) -> web.StreamResponse:
        """Forward a WebSocket until it ends. Returns its answer, or the API's refusal of the handshake.

        Args:
            request: The client's request.
            admitted: Its parts.
            outcome: Receives the key and the status, for the log.

        Raises:
            Refused: There is no key, the request is not a handshake, or the API cannot be reached.
        """
        if not web.WebSocketResponse().can_prepare(request):
            raise Refused(400, "BAD_REQUEST", "This is not the handshake of a WebSocket.")
        talk = _Talk(request, self._upstream, admitted)
        self._talks.add(talk)
        try:
            return await talk.run(exchange(self._engine, replayable=talk.can_repeat), outcome)
        finally:
            self._talks.discard(talk)

    async def end(self) -> None:
        """Close all WebSockets on both sides, because the proxy ends."""
        await asyncio.gather(*(talk.end() for talk in list(self._talks)), return_exceptions=True)


class _Talk:
    """One client's WebSocket, over as many connections to the API as are necessary."""

    def __init__(self, request: web.BaseRequest, upstream: Upstream, admitted: Admitted) -> None:
        self._request, self._upstream, self._admitted = request, upstream, admitted
        self._down: Accepted | None = None
        self._up: ClientConnection | None = None
        self._said: list[str | bytes] = []
        self._size = 0
        self._has_closed = False
        self._is_set_up = False

    def can_repeat(self) -> bool:
        """Whether all messages of the client so far can be sent again."""
        return self._size <= MOST_KEPT

    async def run(self, steps: Exchange, outcome: Outcome) -> web.StreamResponse:
        """Forward messages until either side closes.

        Args:
            steps: The exchange of the WebSocket.
            outcome: Receives the key and the status, for the log.

        Raises:
            Refused: There is no key, or the API cannot be reached.
        """
        verdict: Verdict | None = None
        close: Close | None = None
        refusal: Response | None = None
        try:
            while key := await self._next_key(steps, verdict, close):
                outcome.key = key
                self._hang_up()
                try:
                    self._up = await self._dial(key, close)
                except InvalidStatus as error:
                    refusal = error.response
                    verdict = classify(refusal.status_code, _text(refusal))
                    continue
                await self._accept(self._up, outcome)
                close = await self._talk(self._up, steps)
                if self._is_set_up or close is None:
                    break
                verdict = None if self._has_closed else classify_close(close.code or 0, close.reason)
            return await self._finish(close, refusal, outcome.key)
        finally:
            self._hang_up()

    async def end(self) -> None:
        """Close both sides."""
        for side in (self._down, self._up):
            if isinstance(side, Accepted):
                await side.close(code=GOING_AWAY)
            elif side is not None:
                await side.close(GOING_AWAY)

    async def _next_key(self, steps: Exchange, verdict: Verdict | None, close: Close | None) -> ApiKey | None:
        try:
            return await next_key(steps, verdict)
        except Refused:
            if close is None:
                raise
            # The client is connected already. It gets the API's own close.
            return None

    async def _dial(self, key: ApiKey, close: Close | None) -> ClientConnection:
        target = self._upstream.whole(self._admitted.target)
        headers = [*for_handshake(self._admitted.headers), key_header(self._admitted.target, key)]
        try:
            return await dial(self._upstream, target, headers, _protocols(self._admitted.headers))
        except InvalidStatus:
            raise
        except (InvalidHandshake, OSError, EOFError, ValueError) as error:
            if self._down is not None and close is not None:
                await self._down.close(code=FAILED, message=b"The API cannot be reached.")
            raise unreachable(error) from None

    async def _accept(self, up: ClientConnection, outcome: Outcome) -> None:
        if self._down is None:
            self._down = Accepted(up.subprotocol)
            await self._down.prepare(self._request)
            outcome.status = self._down.status

    async def _talk(self, up: ClientConnection, steps: Exchange) -> Close | None:
        """Forward messages until the API closes. Returns the API's close."""
        assert self._down is not None
        speaking = asyncio.create_task(self._speak(self._down, up))
        try:
            return await self._listen(self._down, up, steps)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _listen(self, down: Accepted, up: ClientConnection, steps: Exchange) -> Close | None:
        try:
            while True:
                message = await up.recv()
                if not self._is_set_up:
                    self._is_set_up = True
                    self._said.clear()
                    await next_key(steps, ACCEPTED)
                await (down.send_str(message) if isinstance(message, str) else down.send_bytes(message))
        except ConnectionClosed as error:
            return Close(error.rcvd.code, error.rcvd.reason) if error.rcvd else Close(None)

    async def _speak(self, down: Accepted, up: ClientConnection) -> None:
        number = 0
        with contextlib.suppress(ConnectionClosed):
            while True:
                if number < len(self._said) and not self._is_set_up:
                    message: str | bytes | None = self._said[number]
                else:
                    message = await self._heard(down, up)
                if message is None:
                    return
                number += 1
                await up.send(message)

    async def _heard(self, down: Accepted, up: ClientConnection) -> str | bytes | None:
        """The client's next message; None once the client has closed. The close is forwarded to the API."""
        message = await down.receive()
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            self._has_closed = True
            if message.type is WSMsgType.CLOSE:
                await up.close(_sendable(message.data), message.extra or "")
            else:
                up.transport.abort()
            return None
        text: str | bytes = message.data
        if not self._is_set_up and self.can_repeat():
            self._size += len(text)
            self._said.append(text)
            if not self.can_repeat():
                self._said.clear()
        return text

    async def _finish(self, close: Close | None, refusal: Response | None, key: ApiKey | None) -> web.StreamResponse:
        if self._down is None:
            assert refusal is not None
            return await _refused(self._request, refusal, key)
        if close is None or close.code is None:
            # The API's connection broke off, so the client's connection must break off too.
            raise ConnectionResetError
        reason = close.reason.encode()
        await self._down.close(code=_sendable(close.code), message=KeyMask(key, 1).clean(reason) if key else reason)
        return self._down

    def _hang_up(self) -> None:
        up, self._up = self._up, None
        if up is not None:
            up.transport.abort()


def _protocols(headers: Pairs) -> list[str]:
    offered = values(headers, "sec-websocket-protocol")
    return [name.strip() for value in offered for name in value.split(",") if name.strip()]


def _sendable(code: int | None) -> int:
    """The close code if it may be sent in a frame; 1000 for any other code."""
    return code if code and (code in range(1000, 1004) or code in range(1007, 1015) or 3000 <= code < 5000) else NORMAL


def _text(refusal: Response) -> bytes:
    return decompressed(bytes(refusal.body or b""), refusal.headers.get_all("Content-Encoding")) or b""


async def _refused(request: web.BaseRequest, refusal: Response, key: ApiKey | None) -> web.StreamResponse:
    """Send the client the API's answer to a refused handshake."""
    body = bytes(refusal.body or b"")
    pairs = [(name, value) for name, value in end_to_end([*refusal.headers.raw_items()])]
    if key is not None and (clean := KeyMask(key, 1).clean(_text(refusal))) != _text(refusal):
        body = clean
        pairs = [(name, value) for name, value in pairs if name.lower() != "content-encoding"]
    pairs = [(name, value) for name, value in pairs if name.lower() != "content-length"]
    headers = [*pairs, ("Content-Length", str(len(body)))]
    sent = Answer(refusal.status_code, refusal.reason_phrase, headers, at_once=False)
    await sent.prepare(request)
    await sent.write_eof(body)
    return sent
