"""A relay between a client and a server, whose open connections can stall, as behind a firewall that forgot them."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class StallingRelay:
    """Relays TCP connections on loopback.

    Args:
        target: The server's address, `host:port`.
    """

    def __init__(self, target: str) -> None:
        self._target = target.rpartition(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._stalled: set[socket.socket] = set()
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def target(self) -> str:
        """The relay's own address, `host:port`."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def stall(self) -> None:
        """Relay nothing more on the connections that are open now. They stay open, and new ones work."""
        self._stalled |= set(self._sockets)

    def __enter__(self) -> StallingRelay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection((self._target[0], int(self._target[2])))
                self.accepted += 1
                self._sockets += [ours, theirs]
                for way in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._relay, args=way, daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if source not in self._stalled:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
