"""The sockets on which the proxy listens: 127.0.0.1 and ::1, or a Unix socket that only its owner can open."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from genai_credentials.errors import ConfigurationError

BACKLOG = 4096
_TRIES = 20
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})


def on_loopback(port: int) -> list[socket.socket]:
    """Sockets that listen on 127.0.0.1 and, if this machine has it, on ::1.

    Args:
        port: The port of both sockets; 0 takes a free port.

    Raises:
        ConfigurationError: The port is taken or cannot be used.
    """
    for left in reversed(range(_TRIES if port == 0 else 1)):
        try:
            return _both(port)
        except OSError as error:
            if not left:
                raise _taken(f"port {port}", error) from None
    raise AssertionError


def _both(port: int) -> list[socket.socket]:
    with contextlib.ExitStack() as opened:
        first = _bound(socket.AF_INET, "127.0.0.1", port)
        opened.callback(first.close)
        sockets = [first]
        try:
            sockets.append(_bound(socket.AF_INET6, "::1", first.getsockname()[1]))
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise
        opened.pop_all()
    return sockets


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family)
    try:
        # A restart then doesn't wait for connections of the previous start. A port on which another process listens is
        # still an error.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def on_unix(path: Path) -> socket.socket:
    """A listening Unix socket of mode 0600. It replaces the socket of an earlier start.

    Args:
        path: The path of the socket.

    Raises:
        ConfigurationError: Another file is at this path, another process listens there, or the socket cannot be made.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        _clear(path)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _taken(f"socket {path}", error) from None
    except BaseException:
        listener.close()
        raise
    return listener


def _clear(path: Path) -> None:
    """Remove a socket on which no process listens."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigurationError(f"{path} exists already and is not a socket.", remedy="Name another path.")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ConfigurationError(f"Another process listens on {path}.", remedy="Name another path.")


def _taken(where: str, error: OSError) -> ConfigurationError:
    why = (
        "is taken by another process"
        if error.errno == errno.EADDRINUSE
        else f"cannot be used ({error.strerror or error})"
    )
    return ConfigurationError(f"The {where} {why}.", remedy="Choose another one. --port 0 takes a free port.")
