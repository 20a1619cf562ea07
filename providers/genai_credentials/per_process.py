"""A client of a store for each process: a connection may only be used by the process that opened it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from genai_credentials.errors import ConfigurationError, FetchFailed
from genai_credentials.forks import Forkable, watch

T = TypeVar("T")


class PerProcess(Forkable, Generic[T]):
    """A client that is made on first use, once in each process.

    `given` is the `client` argument of the user; None if there was none.

    Args:
        make: Makes the client.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self.given: object = None
        self._make = make
        self._making = threading.Lock()
        self._value: T | None = None
        watch(self)

    @classmethod
    def of(cls, client: object, make: Callable[[], T], method: str) -> PerProcess[T]:
        """Interpret a `client` argument.

        Args:
            client: A function that makes a client; or a ready client, which a forked child cannot use; or None.
            make: Makes the client if `client` is None.
            method: The name of a method that each client of this store has.

        Raises:
            ConfigurationError: `client` is neither a client nor a function.
        """
        if client is None:
            return cls(make)
        if not callable(client) and not hasattr(client, method):
            raise ConfigurationError(
                f"client is {type(client).__name__}: it is no client of this store, and no function that makes one.",
                remedy=f"Pass a client that has {method}(), or a function without arguments that makes one.",
            )
        of_theirs: PerProcess[T] = PerProcess(client) if callable(client) else _ReadyClient(client)  # type: ignore[arg-type]
        of_theirs.given = client
        return of_theirs

    def get(self) -> T:
        """Return the client of this process, and make it if needed.

        Raises:
            FetchFailed: The user passed a ready client, and this process is a forked child.
        """
        making = self._making
        with making:
            if self._value is not None:
                return self._value
            value = self._make()
            # If the client was dropped meanwhile, it is not stored, and the next call makes another one.
            if making is self._making:
                self._value = value
            return value

    def drop(self) -> None:
        """Forget the client, so that the next use makes another."""
        # The lock is replaced too: a factory that hangs holds the old one.
        self._value, self._making = None, threading.Lock()

    def after_fork_in_child(self) -> None:
        """Drop the parent's client, and the lock, which a thread of the parent may have held."""
        self._abandoned = self._value
        self.drop()


class _ReadyClient(PerProcess[T]):
    def __init__(self, client: T) -> None:
        super().__init__(self._refuse)
        self._value = client

    def drop(self) -> None:
        """Do nothing: the client belongs to the user, and other code may use it."""

    def after_fork_in_child(self) -> None:
        """Make the client unavailable in the child."""
        self._abandoned, self._value, self._making = self._value, None, threading.Lock()

    @staticmethod
    def _refuse() -> T:
        raise FetchFailed(
            "The client that was passed belongs to the parent process. A forked child cannot use its connections.",
            remedy="Pass a function that makes the client, in place of a ready client: client=lambda: …",
        )
