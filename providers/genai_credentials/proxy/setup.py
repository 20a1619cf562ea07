"""The parts that a proxy needs before it runs: sockets, token and upstream. Wrong options are reported here."""

from __future__ import annotations

import contextlib
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from genai_credentials.errors import ConfigurationError
from genai_credentials.proxy.listeners import on_loopback, on_unix
from genai_credentials.proxy.token import Token, TokenFile, default_path, token_of
from genai_credentials.proxy.upstream import GOOGLE, Upstream

DEFAULT_PORT = 8787


class Setup(NamedTuple):
    """The parts of a proxy.

    Args:
        sockets: The listening sockets.
        unix: The path of the Unix socket; None if the proxy listens on a port.
        token: The token of the clients.
        token_file: The file that holds the token; None for a command, which gets the token in its environment.
        upstream: The API.
    """

    sockets: list[socket.socket]
    unix: Path | None
    token: Token
    token_file: Path | None
    upstream: Upstream

    @property
    def url(self) -> str | None:
        """The proxy's address for clients; None on a Unix socket."""
        return None if self.unix else f"http://127.0.0.1:{self.sockets[0].getsockname()[1]}"

    def document(self) -> dict[str, Any]:
        """The parts as JSON, for programs."""
        return {
            "url": self.url,
            "unix": str(self.unix) if self.unix else None,
            "token_file": str(self.token_file) if self.token_file else None,
            "upstream": self.upstream.url,
            "pid": os.getpid(),
        }


def set_up(
    stack: ExitStack, *, port: int | None, unix: str | None, token_file: str | None, upstream: str | None, command: bool
) -> Setup:
    """Open the sockets, and read or make the token.

    Args:
        stack: Receives the callbacks that undo everything at the end.
        port: The port; None means 8787, or a free port for a command.
        unix: The path of a Unix socket to listen on instead of a port; None for none.
        token_file: The user's own token file; None means a file that is removed at the end.
        upstream: The URL of the API; None means Google's.
        command: Whether the proxy runs for a command.

    Raises:
        ConfigurationError: An option cannot work.
    """
    api = Upstream(GOOGLE if upstream is None else upstream)
    kept = token_of(Path(token_file)) if token_file is not None else None
    path = Path(unix) if unix is not None else None
    sockets = _listen(stack, path, (0 if command else DEFAULT_PORT) if port is None else port)
    _check_not_itself(api, sockets)
    if kept is not None:
        return Setup(sockets, path, kept, Path(token_file or ""), api)
    if command:
        return Setup(sockets, path, Token.random(), None, api)
    name = f"unix-{_fingerprint(path)}" if path else str(sockets[0].getsockname()[1])
    written = TokenFile(default_path(name))
    stack.callback(written.remove)
    return Setup(sockets, path, written.token, written.path, api)


def _listen(stack: ExitStack, unix: Path | None, port: int) -> list[socket.socket]:
    if unix is None:
        sockets = on_loopback(port)
    else:
        sockets = [on_unix(unix)]
        stack.callback(_remove, unix, os.lstat(unix).st_ino)
    for sock in sockets:
        stack.callback(sock.close)
    return sockets


def _remove(unix: Path, inode: int) -> None:
    with contextlib.suppress(OSError):
        if os.lstat(unix).st_ino == inode:
            unix.unlink()


def _check_not_itself(api: Upstream, sockets: list[socket.socket]) -> None:
    own = {sock.getsockname()[1] for sock in sockets if sock.family != socket.AF_UNIX}
    if api.host in ("127.0.0.1", "localhost", "::1") and api.origin[2] in own:
        raise ConfigurationError("--upstream names the proxy itself.", remedy="Name the API, or leave the option out.")


def _fingerprint(path: Path) -> str:
    import hashlib

    return hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
