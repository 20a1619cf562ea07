"""What a forked child must not inherit: the parent's connections, locks and running calls.

Children that share one keep-alive connection were seen to read each other's secrets, and each other's answers of the
API; an inherited gRPC channel hung for good. So no connection outlives a fork. The hooks are registered once, and
cost nothing until then.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from genai_credentials.errors import FetchFailed

T = TypeVar("T")


class Forkable:
    """Something with state that a child of a fork must drop; what a fork must find whole is held meanwhile."""

    def before_fork(self) -> None:
        """Hold it; nothing, if it isn't said otherwise."""

    def after_fork_in_parent(self) -> None:
        """Let go of it."""

    def after_fork_in_child(self) -> None:
        """Drop what is the parent's."""


_watched: weakref.WeakSet[Any] = weakref.WeakSet()
_held: list[Forkable] = []
# Two threads may fork at once: each holds what it holds until its own fork is over.
_forking = threading.Lock()


def watch(thing: Forkable) -> None:
    """Tell `thing` of each fork from now on, as long as it lives."""
    with _forking:
        _watched.add(thing)


def _before() -> None:
    _forking.acquire()
    _held[:] = list(_watched)
    for thing in _held:
        thing.before_fork()


def _after_in_parent() -> None:
    for thing in reversed(_held):
        thing.after_fork_in_parent()
    _held.clear()
    _forking.release()


def _after_in_child() -> None:
    for thing in reversed(_held):
        thing.after_fork_in_child()
    _held.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)


class PerProcess(Forkable, Generic[T]):
    """A client that is made on first use, once in each process.

    Args:
        make: Makes the client.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._value: T | None = None
        watch(self)

    @classmethod
    def of(cls, client: Any, make: Callable[[], Any]) -> PerProcess[Any]:
        """From a `client` argument: None (then `make`), a factory, or a ready client, which no child may use."""
        if client is None:
            return cls(make)
        factory: Callable[[], Any] | None = client if callable(client) else None
        return _ReadyClient(client) if factory is None else PerProcess(factory)

    def get(self) -> T:
        """The client of this process."""
        with self._lock:
            if self._value is None:
                self._value = self._make()
            return self._value

    def drop(self) -> None:
        """Forget the client, so that the next use makes another."""
        # Without the lock: a factory that hangs holds it.
        self._value = None

    def after_fork_in_child(self) -> None:
        """Drop the parent's client, made or half made, and a lock that a thread of the parent may have held."""
        self._abandoned, self._value = self._value, None
        self._lock = threading.Lock()


class _ReadyClient(PerProcess[Any]):
    def __init__(self, client: Any) -> None:
        super().__init__(self._refuse)
        self._value = client

    def drop(self) -> None:
        """Nothing: it is its owner's to close, and may serve others."""

    @staticmethod
    def _refuse() -> Any:
        raise FetchFailed(
            "The client that was passed belongs to the parent process, and connections do not survive a fork.",
            remedy="Pass a zero-argument factory instead of a ready client: client=lambda: …",
        )
