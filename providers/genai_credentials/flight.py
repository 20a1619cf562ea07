"""One running fetch, and its waiters in threads and event loops."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

WOKEN_AT_ONCE, UNTIL_NEXT = 32, 0.0002
"""Threads that are woken together, and seconds until the next group: long enough for that many threads to run."""

_inside: ContextVar[frozenset[int]] = ContextVar("genai_credentials_inside", default=frozenset())


@contextmanager
def inside(fetcher: object) -> Iterator[None]:
    """Mark the code in this block as part of a fetch of `fetcher`. Jobs that it starts are marked too."""
    before = _inside.set(_inside.get() | {id(fetcher)})
    try:
        yield
    finally:
        _inside.reset(before)


def is_inside(fetcher: object) -> bool:
    """Return whether the calling code is part of a fetch of `fetcher`. Such code must not wait for a fetch."""
    return id(fetcher) in _inside.get()


class Landing:
    """An event that is set when a fetch ends.

    One call into an event loop wakes all of its waiting tasks. Threads are woken in small groups. A woken thread asks
    for the interpreter's lock every 5 ms until it gets the lock, and a thousand threads at once spend most of their
    time on that. Measured without groups: 15 to 25 switches per thread in place of 3, and twice the time.
    """

    def __init__(self) -> None:
        # Plain locks: if a signal handler raises inside the Python code of a Condition, its lock stays taken for ever.
        self._lock = threading.Lock()
        self.landed = False
        self._threads: list[threading.Lock] = []
        self._tasks: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}

    def wait(self, seconds: float | None = None) -> None:
        """Block this thread until the fetch ends.

        Args:
            seconds: The longest wait in seconds; None means no limit.
        """
        waiter = threading.Lock()
        waiter.acquire()
        with self._lock:
            if self.landed:
                return
            self._threads.append(waiter)
        waiter.acquire(timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX))

    async def await_(self, seconds: float | None = None) -> None:
        """Wait as `wait` does, without blocking the running event loop."""
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return await self._await_elsewhere(seconds)
        with self._lock:
            if self.landed:
                return None
            waiter = loop.create_future()
            self._tasks.setdefault(loop, []).append(waiter)
        timer = None if seconds is None else loop.call_later(seconds, _wake_all, [waiter])
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()

    async def _await_elsewhere(self, seconds: float | None) -> None:
        # Trio: httpx supports it through anyio, so anyio is installed.
        from anyio import to_thread

        await to_thread.run_sync(self.wait, seconds, abandon_on_cancel=True)

    def land(self) -> None:
        """Wake all waiters. A later call of `wait` returns at once."""
        with self._lock:
            self.landed = True
        for loop, waiting in self._tasks.items():
            with suppress(Exception):  # a closed loop has no waiters left, and the other waiters must be woken
                loop.call_soon_threadsafe(_wake_all, waiting)
        for number, waiter in enumerate(self._threads, 1):
            waiter.release()
            if number % WOKEN_AT_ONCE == 0:
                time.sleep(UNTIL_NEXT)


def _wake_all(waiting: list[asyncio.Future[None]]) -> None:
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(None)


class Wait(NamedTuple):
    """A wait of a policy: for a landing, and for at most `seconds`. None means no limit."""

    landing: Landing
    seconds: float | None = None


Steps = Generator[Wait, object, T]
"""A policy as a generator. It yields each wait, and returns its result."""


class Flight:
    """One running fetch. All of its waiters share it.

    `key` is the key that serves after the fetch; None if the fetch found none. `errors` maps the number of a link to
    its error. `landed` is set when the fetch ends. `stillborn` is the error with which the fetch could not start; None
    if it started.

    Args:
        began: The tick of the engine at the start. The fetch does not answer a rejection with a later tick.
        at: The time of the start, in seconds.
        rejected: The key whose rejection caused the fetch; None if no rejection did.
    """

    __slots__ = ("at", "began", "errors", "key", "landed", "rejected", "stillborn")

    def __init__(self, began: int, at: float, rejected: ApiKey | None = None) -> None:
        self.began = began
        self.at = at
        self.rejected = rejected
        self.errors: dict[int, CredentialsError] = {}
        self.key: ApiKey | None = None
        self.landed = Landing()
        self.stillborn: Exception | None = None

    def reason(self, link: int) -> str:
        """The reason why the fetch found no key: the error of the given link, else the first error of any link."""
        error = self.errors.get(link) or next(iter(self.errors.values()), None)
        return error.message if error else "the stores have only keys that the API refused."


def drive(steps: Steps[T]) -> T:
    """Run a policy to its end, and block this thread meanwhile."""
    try:
        while True:
            landing, seconds = next(steps)
            landing.wait(seconds)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()


async def adrive(steps: Steps[T]) -> T:
    """Run a policy to its end without blocking the running event loop."""
    try:
        while True:
            landing, seconds = next(steps)
            await landing.await_(seconds)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()
