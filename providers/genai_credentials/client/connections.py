"""`Connections`: an HTTP client's open connections, which a forked child must not share with its parent."""

from __future__ import annotations

import weakref
from typing import Any

from genai_credentials.client.backends import Response
from genai_credentials.forks import Forkable, watch


class Connections(Forkable):
    """The connections of an HTTP client; a child closes its own ends, so as not to read its parent's answers.

    And it empties the pool that they are in: the parent's threads may have held its lock, and had requests under way
    whose connections would never become free in the child (seen with httpx 0.28 and httpx2 2.16: the child hangs). The
    pool's names are private to httpcore: where one is missing, that part is left alone.
    """

    def __init__(self) -> None:
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._pools: weakref.WeakSet[Any] = weakref.WeakSet()
        watch(self)

    def note(self, response: Response) -> None:
        """Remember the connection that an answer of httpx came over, and its pool."""
        stream: Any = response.extensions.get("network_stream")
        if stream is not None and (socket := stream.get_extra_info("socket")) is not None:
            self._open.add(socket)
        pool = _pool_of(response)
        if pool is not None:
            self._pools.add(pool)

    def after_fork_in_child(self) -> None:
        """Close what the parent has open, in this process alone."""
        for socket in self._open:
            socket.close()
        self._open = weakref.WeakSet()
        for pool in self._pools:
            _empty(pool)


def _pool_of(response: Response) -> Any:
    """The pool of httpcore that an answer came from; None where another transport sent it."""
    inner: Any = response
    for name in ("stream", "_stream", "_httpcore_stream", "_pool"):
        inner = getattr(inner, name, None)
    return inner


def _empty(pool: Any) -> None:
    lock = getattr(pool, "_optional_thread_lock", None)
    if lock is None or not {"_connections", "_requests"} <= vars(pool).keys():
        return
    pool._optional_thread_lock = type(lock)()
    pool._connections = []
    # One that has its connection may be this thread's own, which takes it off the list when it ends.
    pool._requests = [request for request in pool._requests if getattr(request, "connection", None) is not None]
