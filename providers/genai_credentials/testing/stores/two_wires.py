"""One port for two protocols. HTTP/1.1 is answered here, and gRPC is forwarded to another server."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from genai_credentials.testing.servers import Workers
from genai_credentials.testing.stores.keep_alive import Answer, KeepAliveServer, Request, hang_up

__all__ = ["TwoWires"]

_PREFACE = b"PRI"
"""The first bytes of a client of HTTP/2 (RFC 9113, section 3.4). No method of HTTP/1.1 begins with them."""

_CHUNK = 1 << 16


class TwoWires(KeepAliveServer):
    """Forwards each connection to the server for its protocol.

    Args:
        port: The port to listen on; 0 takes a free one.
        workers: The executor in which each connection runs.
        serve: Returns the answer to a request over HTTP/1.1.
        grpc_port: The port of the gRPC server on 127.0.0.1.
    """

    json_type = "application/json; charset=UTF-8"

    def __init__(self, port: int, workers: Workers, serve: Callable[[Request], Answer | None], grpc_port: int) -> None:
        self._grpc_port = grpc_port
        self._pumps = workers
        self._clients: dict[int, str] = {}
        super().__init__(port, workers, lambda: None, serve)

    def client_of(self, peer: str) -> str:
        """Return the address of the client for a peer of the gRPC server."""
        return self._clients.get(int(peer.rpartition(":")[2]), peer)

    def attend(self, connection: socket.socket, client_address: Any) -> None:
        """Serve a connection until it ends."""
        if connection.recv(len(_PREFACE), socket.MSG_PEEK | socket.MSG_WAITALL) == _PREFACE:
            self._pass_on(connection, client_address)
        else:
            super().attend(connection, client_address)

    def _pass_on(self, connection: socket.socket, client_address: Any) -> None:
        onward = socket.create_connection(("127.0.0.1", self._grpc_port))
        self.keep(onward)
        host, port = client_address[:2]
        self._clients[onward.getsockname()[1]] = f"{host}:{port}"
        for end in (connection, onward):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = self._pumps.submit(_pump, onward, connection)
        _pump(connection, onward)
        back.result()
        self.forget(onward)


def _pump(source: socket.socket, target: socket.socket) -> None:
    # If one end closes, both ends are closed.
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    hang_up(source)
    hang_up(target)
