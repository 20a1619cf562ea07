"""A listening socket of `FakeGemini`, with one daemon thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

from genai_credentials.testing.gemini.wire import Answer, Connection, Gone, RecordedRequest

__all__ = ["Server"]

_BACKLOG = 1024
_JOIN_SECONDS = 5.0


class Server:
    """A listening socket and its connections. A daemon thread serves each connection.

    Args:
        host: The address to listen on. The system chooses the port.
        handle: Answers one request. It is called in the thread of the connection.
        tls: The TLS context of the server; None for plain text.
    """

    def __init__(
        self, host: str, handle: Callable[[RecordedRequest], Answer], tls: ssl.SSLContext | None = None
    ) -> None:
        self.connections = 0
        self._handle = handle
        self._tls = tls
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._closing = False
        self._listener = socket.create_server((host, 0), backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"fake-gemini-{self.port}", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop listening, end every connection, and wait up to five seconds for the threads."""
        self._closing = True
        # Closing a listening socket does not wake the thread that waits on it. A new connection does, on every system.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname()[:2], timeout=1.0).close()
        self._acceptor.join(_JOIN_SECONDS)
        self._listener.close()
        with self._lock:
            connections = list(self._open.items())
        for sock, _ in connections:
            _hang_up(sock)
        deadline = time.monotonic() + _JOIN_SECONDS
        for sock, thread in connections:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
            sock.close()

    def _accept(self) -> None:
        while not self._closing:
            sock, _ = self._listener.accept()
            if self._closing:
                sock.close()
            else:
                self._start(sock)

    def _start(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:  # only wrapped here: the thread of the connection does the handshake
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError:
            sock.close()  # the client has closed the connection
            return
        thread = threading.Thread(target=self._serve, args=(sock,), name=f"fake-gemini-{self.port}-c", daemon=True)
        with self._lock:
            self.connections += 1
            self._open[sock] = thread
        thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            connection = Connection(sock)
            connection.secure()
            self._converse(connection)
        except Gone:
            pass
        finally:
            sock.close()
            with self._lock:
                self._open.pop(sock, None)

    def _converse(self, connection: Connection) -> None:
        while (request := connection.read_request()) is not None:
            answer = self._handle(request)
            if answer.upgrade is not None:
                answer.upgrade(connection)
                return
            close = (request.header("connection") or "").lower() in ("close", "upgrade")
            connection.write(answer, close=close)
            if close:
                return


def _hang_up(sock: socket.socket) -> None:
    # The shutdown of the plain socket: the one of SSLSocket would remove the TLS state of the thread that reads.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
