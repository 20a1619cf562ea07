"""HTTP/1.1 over plain sockets, one thread for each connection. It implements only the parts that `FakeGemini` needs.

The handler of the standard library parses headers with the e-mail package and sends each answer in several parts. This
module reads a request in one pass and sends the answer in one part. Benchmarks thus measure the client.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from genai_credentials.testing.refusals import JSON

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it arrived.

    Args:
        method: The HTTP method; "GET" for a WebSocket handshake.
        path: The path as sent, without the query.
        query: The query as sent, without the question mark.
        headers: The names in lower case and the values, in the order of the request.
        key: The API key in the request; None if there is none.
        body: The whole body, without chunked framing.
        status: The status of the answer; None before the answer.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    key: str | None
    body: bytes
    status: int | None = None

    def header(self, name: str) -> str | None:
        """Return the first header called `name`, or None.

        Args:
            name: The name in lower case.
        """
        for candidate, value in self.headers:
            if candidate == name:
                return value
        return None


@dataclass(slots=True)
class Answer:
    """An answer to a request.

    Args:
        status: The HTTP status.
        body: The body. It is ignored if there is a stream or an upgrade.
        content_type: The value of the Content-Type header; "" for no header.
        headers: Further headers.
        chunked: True sends the body in two chunks and without its length.
        stream: Chunks that are sent one by one; None for no stream.
        upgrade: Takes over the connection until it returns; None for no upgrade.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    stream: Iterator[bytes] | None = None
    upgrade: Callable[[Connection], None] | None = None


def key_of(path: str, query: str, headers: tuple[tuple[str, str], ...]) -> str | None:
    """Return the API key in a request: in a header, as a Bearer token of an OpenAI path, or in the query.

    None without.
    """
    bearer = None
    for name, value in headers:
        if name == "x-goog-api-key":
            return value
        if name == "authorization" and "/openai/" in path and value[:7].lower() == "bearer ":
            bearer = value[7:]
    if bearer is None and "key=" in query:
        pairs = (pair.partition("=") for pair in query.split("&"))
        return next((unquote(value) for name, _, value in pairs if name == "key"), None)
    return bearer


class Gone(Exception):
    """The client closed the connection, sent no valid HTTP, or does not trust the certificate. The fake ignores it."""


class Connection:
    """The socket of one client, and the bytes read from it that belong to the next request. Raises `Gone`."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.head = b""
        self._buffer = b""

    def secure(self) -> None:
        """Do the TLS handshake if the socket uses TLS."""
        if isinstance(self.sock, ssl.SSLSocket):
            try:
                self.sock.do_handshake()
            except OSError as error:
                raise Gone from error

    def receive(self) -> bytes:
        """Return the next bytes, at least one; b"" if the client has closed the connection."""
        if self._buffer:
            data, self._buffer = self._buffer, b""
            return data
        return self._receive(_CHUNK)

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone from error

    def read_request(self) -> RecordedRequest | None:
        """Return the next request; None if the client has closed the connection."""
        try:
            return self._read_request()
        except ValueError as error:
            raise Gone from error

    def _read_request(self) -> RecordedRequest | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if not self._fill():
                return None
        self.head, self._buffer = self._buffer[: end + 4], self._buffer[end + 4 :]
        start, *lines = self.head[:end].decode("latin-1").split("\r\n")
        method, target, _ = start.split(" ", 2)
        headers = tuple([(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)])
        path, _, query = target.partition("?")
        body = self._read_body(dict(headers))
        return RecordedRequest(method, path, query, headers, key_of(path, query, headers), body)

    def write(self, answer: Answer, *, close: bool = False) -> None:
        """Send an answer that is not an upgrade. `close` adds the header that ends the connection."""
        head = _head(answer, close=close)
        if answer.stream is not None:
            self._write_stream(head, answer.stream)
        elif answer.chunked:
            middle = len(answer.body) // 2
            parts = (answer.body[:middle], answer.body[middle:])
            self.send(head + b"".join(map(_framed, filter(None, parts))) + b"0\r\n\r\n")
        else:
            self.send(head + answer.body)

    def _write_stream(self, head: bytes, stream: Iterator[bytes]) -> None:
        for chunk in stream:
            self.send(head + _framed(chunk))
            head = b""
        self.send(head + b"0\r\n\r\n")

    def _receive(self, size: int) -> bytes:
        # Only this call is guarded: an OSError of the code that answers must not count as an error of the client.
        try:
            return self.sock.recv(size)
        except OSError as error:
            raise Gone from error

    def _fill(self) -> bool:
        data = self._receive(_CHUNK)
        self._buffer += data
        return bool(data)

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if "100-continue" in headers.get("expect", "").lower():
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._read_chunks())
        length = headers.get("content-length")
        return self._take(int(length)) if length else b""

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self._take_line().partition(b";")[0], 16):
            yield self._take(size)
            self._take_line()
        while self._take_line():  # trailers, up to the empty line
            pass

    def _take(self, size: int) -> bytes:
        parts, missing = [self._buffer[:size]], size - len(self._buffer)
        self._buffer = self._buffer[size:]
        while missing > 0:
            data = self._receive(min(missing, _CHUNK))
            if not data:
                raise Gone
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def _take_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if not self._fill():
                raise Gone
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line


def _head(answer: Answer, *, close: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}"]
    if answer.content_type:
        lines.append(f"Content-Type: {answer.content_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.stream is not None or answer.chunked:
        lines.append("Transfer-Encoding: chunked")
    elif answer.status not in (204, 304):
        lines.append(f"Content-Length: {len(answer.body)}")
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _framed(chunk: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)
