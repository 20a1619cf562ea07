"""An API that costs next to nothing, in a process of its own: it answers each request with the same bytes.

A path that ends with "stream" is answered in chunks with a pause between them.
"""

from __future__ import annotations

import asyncio
import re
import sys

BODY = b'{"candidates": [{"content": {"parts": [{"text": "pong"}]}}]}' + b" " * 440
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK, LAST = b"10\r\ndata: 12345678\r\n\r\n", b"0\r\n\r\n"
PAUSE = 0.005
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """One connection, over which one request follows another."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            length = int(found[1]) if (found := _LENGTH.search(self._data, 0, end)) else 0
            if len(self._data) < end + 4 + length:
                return
            stream = b"stream " in self._data[:200].partition(b"\r\n")[0]
            self._data = self._data[end + 4 + length :]
            if stream:
                self._stream(3)
            else:
                self.transport.write(ANSWER)

    def _stream(self, left: int) -> None:
        self.transport.write((HEAD if left == 3 else b"") + (CHUNK if left else LAST))
        if left:
            asyncio.get_running_loop().call_later(PAUSE, self._stream, left - 1)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
