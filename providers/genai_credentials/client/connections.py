"""`Connections`: an HTTP client's open connections, which a forked child must not share with its parent."""

from __future__ import annotations

import weakref
from typing import Any

from genai_credentials.client.backends import Response
from genai_credentials.forks import Forkable, watch


class Connections(Forkable):
    """The connections of an HTTP client; a child closes its own ends, so as not to read its parent's answers.

    httpx and httpx2 take a closed socket for an idle connection that has ended, and open another one (probed: httpx
    0.28, httpx2 2.16).
    """

    def __init__(self) -> None:
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        watch(self)

    def note(self, response: Response) -> None:
        """Remember the connection that an answer of httpx came over."""
        stream: Any = response.extensions.get("network_stream")
        if stream is not None and (socket := stream.get_extra_info("socket")) is not None:
            self._open.add(socket)

    def after_fork_in_child(self) -> None:
        """Close what the parent has open, in this process alone."""
        for socket in self._open:
            socket.close()
        self._open = weakref.WeakSet()
