"""A small HTTP/1.1 server for JSON services. It keeps connections alive, and can break them off."""

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
    """A call over HTTP: headers in lower case, JSON body, address of the client, method and target.

    The body of a form is empty here.
    """

    headers: dict[str, str]
    body: dict[str, Any]
    peer: str
    method: str = "POST"
    target: str = "/"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body. An object is sent as JSON, a text as it is.

    An `ending` other than "" closes the connection after half of the body. "reset" closes it like a crash, and the
    client gets an error. "truncated" closes it without an error, and the client gets only a short body.
    """

    status: int
    body: dict[str, Any] | str
    ending: Ending = ""


class KeepAliveServer(HTTPServer):
    """A server of JSON over HTTP/1.1 on loopback. A connection stays open until the client or `stop` closes it.

    Args:
        port: The port to listen on; 0 takes a free one.
        workers: The executor in which each connection runs.
        connected: Called once for each connection.
        serve: Returns the answer to a request; None closes the connection without an answer.
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
        """Bind without a reverse DNS lookup. The base class makes one, and it can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection in its own thread."""
        # Registered before its thread runs, so that `stop` closes it in any case.
        with self._lock:
            self._sockets.add(request)
        self._connected()
        self._workers.submit(self._converse, request, client_address)

    def stop(self) -> None:
        """Stop listening and close every connection, idle or not."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._sockets:
                hang_up(connection)

    def keep(self, connection: socket.socket) -> None:
        """Register a connection that `stop` must close too."""
        with self._lock:
            self._sockets.add(connection)

    def forget(self, connection: socket.socket) -> None:
        """Close a registered connection."""
        with self._lock:
            self._sockets.discard(connection)
            connection.close()

    def attend(self, connection: socket.socket, client_address: Any) -> None:
        """Serve a connection until it ends."""
        self.finish_request(connection, client_address)

    def _converse(self, connection: socket.socket, client_address: Any) -> None:
        try:
            # An error is of no use to a client that went away or that `stop` has cut off.
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
    # Head and body are sent together. In two parts, delayed acknowledgements would add 40 ms to every answer.
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
            # With a linger time of zero seconds the kernel closes with a reset. A shutdown before would close without
            # an error.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def hang_up(connection: socket.socket) -> None:
    # Closing alone would not wake the thread that reads. It would also not end a connection that a forked child shares.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
