"""A client of a store for each process: a connection may only be used by the process that opened it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from genai_credentials.errors import ConfigurationError, FetchFailed
from genai_credentials.forks import Forkable, Lock, watch

T = TypeVar("T")
R = TypeVar("R")


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
        self._answered: T | None = None
        self._users: set[int] = set()
        watch(self)

    @classmethod
    def of(cls, client: object, make: Callable[[], T], method: str, user: object) -> PerProcess[T]:
        """Interpret a `client` argument. Users that pass the same function share the client that it makes.

        Args:
            client: A function that makes a client; or a ready client, which a forked child cannot use; or None.
            make: Makes the client if `client` is None.
            method: The name of a method that each client of this store has.
            user: The object that uses the client until it calls `close`.

        Raises:
            ConfigurationError: `client` is neither a client nor a function.
        """
        if client is None:
            of_user: PerProcess[T] = cls(make)
        elif callable(client):
            of_user = _shared_by(cast("Callable[[], T]", client))
        elif hasattr(client, method):
            of_user = _ReadyClient(client)  # type: ignore[arg-type]
        else:
            raise ConfigurationError(
                f"client is {type(client).__name__}: it is no client of this store, and no function that makes one.",
                remedy=f"Pass a client that has {method}(), or a function without arguments that makes one.",
            )
        of_user.given = client
        of_user._users.add(id(user))
        return of_user

    @property
    def may_have_stalled(self) -> bool:
        """Whether the client has answered before, so that its connection may have been forgotten since."""
        return self._value is not None and self._answered is self._value

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

    def ask(self, call: Callable[[T], R], is_timeout: Callable[[Exception], bool]) -> R:
        """Call the store. If a client that has answered before gets no answer, call again with a new client.

        A firewall or a frozen machine can make an idle connection useless without an error at either end. gRPC then
        waits on that connection for minutes, and each call ends with DEADLINE_EXCEEDED (probed).

        Args:
            call: Calls the store with a client.
            is_timeout: Returns whether an error means that the store did not answer in time.

        Raises:
            Exception: The error of `call`.
        """
        client, may_have_stalled = self.get(), self.may_have_stalled
        try:
            answer = call(client)
        except Exception as error:
            if not may_have_stalled or not is_timeout(error):
                raise
            self.drop()
            client = self.get()
            answer = call(client)
        self._answered = client
        return answer

    def drop(self) -> None:
        """Forget the client, so that the next use makes another."""
        # The lock is replaced too: a factory that hangs holds the old one.
        self._value, self._answered, self._making = None, None, threading.Lock()

    def close(self, user: object) -> None:
        """Forget the client, unless it has other users."""
        self._users.discard(id(user))
        if not self._users:
            self.drop()

    def after_fork_in_child(self) -> None:
        """Drop the parent's client, and the lock, which a thread of the parent may have held."""
        self._abandoned = self._value
        self.drop()


_by_function: weakref.WeakValueDictionary[object, PerProcess[object]] = weakref.WeakValueDictionary()
_looking_up = Lock()


def _shared_by(function: Callable[[], T]) -> PerProcess[T]:
    try:
        with _looking_up:
            shared = _by_function.get(function)
            if shared is None:
                shared = _by_function[function] = PerProcess(function)
            return shared  # type: ignore[return-value]
    except TypeError:
        # Not hashable.
        return PerProcess(function)


class _ReadyClient(PerProcess[T]):
    def __init__(self, client: T) -> None:
        super().__init__(self._refuse)
        self._value = client

    @property
    def may_have_stalled(self) -> bool:
        """Always False: this client cannot be replaced by a new one."""
        return False

    def drop(self) -> None:
        """Do nothing: the client belongs to the user, and other code may use it."""

    def after_fork_in_child(self) -> None:
        """Make the client unavailable in the child."""
        self._abandoned, self._value, self._making = self._value, None, threading.Lock()

    @staticmethod
    def _refuse() -> T:
        raise FetchFailed(
            "The client that was passed belongs to the parent process. A forked child cannot use its connections.",
            remedy="Pass a factory (a function that makes the client) in place of a ready client: client=lambda: …",
        )
