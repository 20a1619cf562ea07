"""A small HTTP/1.1 server for JSON services that keeps its connections alive, and can break them off."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Literal, cast

from genai_credentials.testing.servers import Workers

__all__ = ["Answer", "Ending", "KeepAliveServer", "Request", "hang_up"]

Ending = Literal["", "reset", "truncated"]


@dataclass(frozen=True, slots=True)
class Request:
    """One call over HTTP: its headers in lower case, its JSON body, the address it came from, and what it asks for.

    A form leaves the body empty.
    """

    headers: dict[str, str]
    body: dict[str, Any]
    peer: str
    method: str = "POST"
    target: str = "/"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body: an object is written as JSON, and text as it is.

    `ending` other than "" closes the connection when half of the body is out: "reset" as a crash does, so that the
    client sees an error; "truncated" in good order, so that the client sees nothing but a short body.
    """

    status: int
    body: dict[str, Any] | str
    ending: Ending = ""


class KeepAliveServer(HTTPServer):
    """JSON over HTTP/1.1 on loopback, on connections that stay open until the client or `stop` ends them.

    Args:
        port: to listen on; 0 takes a free one.
        workers: run each connection.
        connected: called once for each connection.
        serve: answers a request; None closes its connection without a word.
    """

    json_type = "application/x-amz-json-1.1"

    def __init__(
        self, port: int, workers: Workers, connected: Callable[[], None], serve: Callable[[Request], Answer | None]
    ) -> None:
        self._workers = workers
        self._connected = connected
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.serve = serve
        super().__init__(("127.0.0.1", port), _Exchange)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name, which the base class does and which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take the connection to a thread of its own."""
        # Known before its thread runs, so that `stop` can't miss it.
        with self._lock:
            self._sockets.add(request)
        self._connected()
        self._workers.submit(self._converse, request, client_address)

    def stop(self) -> None:
        """Stop listening and cut every connection, idle or not."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._sockets:
                hang_up(connection)

    def keep(self, connection: socket.socket) -> None:
        """Cut this connection too when the server stops."""
        with self._lock:
            self._sockets.add(connection)

    def forget(self, connection: socket.socket) -> None:
        """Close a connection that was kept."""
        with self._lock:
            self._sockets.discard(connection)
            connection.close()

    def attend(self, connection: socket.socket, client_address: Any) -> None:
        """Serve a connection until it ends."""
        self.finish_request(connection, client_address)

    def _converse(self, connection: socket.socket, client_address: Any) -> None:
        try:
            # A client that went away, or that `stop` cut off, is past being told.
            with suppress(ConnectionError):
                self.attend(connection, client_address)
        except Exception:
            self.handle_error(connection, client_address)
        finally:
            with self._lock:
                self._sockets.discard(connection)
                self.shutdown_request(connection)


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave together: apart, delayed acknowledgements would add 40 ms to every answer.
    wbufsize = -1
    disable_nagle_algorithm = True
    ending: Ending = ""

    def do_POST(self) -> None:
        self._converse()

    def do_GET(self) -> None:
        self._converse()

    def do_PATCH(self) -> None:
        self._converse()

    def do_DELETE(self) -> None:
        self._converse()

    def _converse(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length)
        form = self.headers.get("Content-Type") == "application/x-www-form-urlencoded"
        body = json.loads(content or b"{}") if not form else {}
        headers = {name.lower(): value for name, value in self.headers.items()}
        host, port = self.client_address[:2]
        answer = cast("KeepAliveServer", self.server).serve(
            Request(headers, body, f"{host}:{port}", self.command, self.path)
        )
        if answer is None:
            self.close_connection = True
        else:
            self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        plain = isinstance(answer.body, str)
        content = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/plain" if plain else cast("KeepAliveServer", self.server).json_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if answer.ending else content)
        self.ending = answer.ending
        self.close_connection = self.close_connection or bool(answer.ending)

    def finish(self) -> None:
        super().finish()
        if self.ending == "reset":
            # Lingering for zero seconds makes the kernel close with a reset; a shutdown first would end it in order.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def hang_up(connection: socket.socket) -> None:
    # Closing alone wouldn't wake the thread that reads from it, nor end it where a forked child has a copy.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
