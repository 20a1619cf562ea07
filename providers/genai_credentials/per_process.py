"""A store's client for each process: what connects belongs to the process that made it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from genai_credentials.errors import FetchFailed
from genai_credentials.forks import Forkable, watch

T = TypeVar("T")


class PerProcess(Forkable, Generic[T]):
    """A client that is made on first use, once in each process.

    Args:
        make: Makes the client.

    `given` is the `client` argument that it was made of; None where there was none.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self.given: object = None
        self._make = make
        self._making = threading.Lock()
        self._value: T | None = None
        watch(self)

    @classmethod
    def of(cls, client: object, make: Callable[[], T]) -> PerProcess[T]:
        """From a `client` argument: None (then `make`), a factory, or a ready client, which no child may use."""
        if client is None:
            return cls(make)
        of_theirs: PerProcess[T] = PerProcess(client) if callable(client) else _ReadyClient(client)  # type: ignore[arg-type]
        of_theirs.given = client
        return of_theirs

    def get(self) -> T:
        """The client of this process."""
        making = self._making
        with making:
            if self._value is not None:
                return self._value
            value = self._make()
            # Else it was dropped meanwhile, and who asks next is to make another.
            if making is self._making:
                self._value = value
            return value

    def drop(self) -> None:
        """Forget the client, so that the next use makes another."""
        # And the lock with it: a factory that hangs holds it.
        self._value, self._making = None, threading.Lock()

    def after_fork_in_child(self) -> None:
        """Drop the parent's client, made or half made, and a lock that a thread of the parent may have held."""
        self._abandoned = self._value
        self.drop()


class _ReadyClient(PerProcess[T]):
    def __init__(self, client: T) -> None:
        super().__init__(self._refuse)
        self._value = client

    def drop(self) -> None:
        """Nothing: it is its owner's to close, and may serve others."""

    def after_fork_in_child(self) -> None:
        """Keep it out of the child's hands."""
        self._abandoned, self._value, self._making = self._value, None, threading.Lock()

    @staticmethod
    def _refuse() -> T:
        raise FetchFailed(
            "The client that was passed belongs to the parent process, and connections do not survive a fork.",
            remedy="Pass a zero-argument factory instead of a ready client: client=lambda: …",
        )
