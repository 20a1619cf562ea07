"""`Connections`: the open connections of an HTTP client, which a forked child must not share with its parent."""

from __future__ import annotations

import weakref
from typing import Any

from genai_credentials.client.backends import Response
from genai_credentials.forks import Forkable, watch


class Connections(Forkable):
    """The open connections of an HTTP client. A forked child closes its own ends of them.

    Otherwise the child could read answers to its parent's requests. The child also empties the connection pool, for two
    reasons. A thread of the parent may have held the lock of the pool. And the connection of a request of the parent
    would never become free in the child. In both cases the child hangs (seen with httpx 0.28 and httpx2 2.16). The
    names of the pool's parts are private to httpcore. If a name is missing, that part is left alone.
    """

    def __init__(self) -> None:
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._pools: weakref.WeakSet[Any] = weakref.WeakSet()
        watch(self)

    def note(self, response: Response) -> None:
        """Remember the connection of an answer of httpx, and its pool."""
        stream: Any = response.extensions.get("network_stream")
        if stream is not None and (socket := stream.get_extra_info("socket")) is not None:
            self._open.add(socket)
        pool = _pool_of(response)
        if pool is not None:
            self._pools.add(pool)

    def after_fork_in_child(self) -> None:
        """Close the parent's connections in this process alone."""
        for socket in self._open:
            socket.close()
        self._open = weakref.WeakSet()
        for pool in self._pools:
            _empty(pool)


def _pool_of(response: Response) -> Any:
    """The httpcore pool of an answer; None if another transport sent the request."""
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
    # A request that has a connection may be this thread's own. That request removes itself from the list when it ends.
    pool._requests = [request for request in pool._requests if getattr(request, "connection", None) is not None]
