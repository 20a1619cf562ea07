"""One fetch at a time: who waits for it, in threads and in event loops, and how they are told that it ended."""

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
"""Threads, and seconds: long enough for so many to be through."""

_inside: ContextVar[frozenset[int]] = ContextVar("genai_credentials_inside", default=frozenset())


@contextmanager
def inside(fetcher: object) -> Iterator[None]:
    """Note that this block works for a fetch of `fetcher`, and so do the jobs that it hands on."""
    before = _inside.set(_inside.get() | {id(fetcher)})
    try:
        yield
    finally:
        _inside.reset(before)


def is_inside(fetcher: object) -> bool:
    """Whether this code runs inside a fetch of `fetcher`, and so must not wait for one."""
    return id(fetcher) in _inside.get()


class Landing:
    """The news that a fetch ended.

    All tasks of one event loop are woken by one call into it, and threads a few at a time: a thread that is woken asks
    for the interpreter's lock again every 5 ms until it has it, and a thousand who do so at once spend most of their
    time on that (probed: 15 to 25 switches each where this takes 3, and twice the time).
    """

    def __init__(self) -> None:
        # Plain locks: a signal's handler that raises inside a Condition's Python code leaves it locked for good.
        self._lock = threading.Lock()
        self.landed = False
        self._threads: list[threading.Lock] = []
        self._tasks: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}

    def wait(self, seconds: float | None = None) -> None:
        """Wait, blocking this thread; at most so many seconds, if it isn't None."""
        waiter = threading.Lock()
        waiter.acquire()
        with self._lock:
            if self.landed:
                return
            self._threads.append(waiter)
        waiter.acquire(timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX))

    async def await_(self, seconds: float | None = None) -> None:
        """`wait` without blocking the running event loop."""
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
        # Trio: httpx runs on it by way of anyio, which therefore is there.
        from anyio import to_thread

        await to_thread.run_sync(self.wait, seconds, abandon_on_cancel=True)

    def land(self) -> None:
        """Wake all who wait; who comes later need not."""
        with self._lock:
            self.landed = True
        for loop, waiting in self._tasks.items():
            with suppress(Exception):  # it is closed, and all that waited there is gone; the others have to be woken
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
    """What a policy waits for: a landing, and for at most how many seconds; None means until it has landed."""

    landing: Landing
    seconds: float | None = None


Steps = Generator[Wait, object, T]
"""A policy that yields what it has to wait for, and returns its result."""


class Flight:
    """One fetch under way, shared by all who wait for it: all that comes of it is the news that it ended.

    Args:
        began: The engine's tick at which it was started: what was rejected later, it doesn't answer.
        at: The time at which it was started, in seconds.
        rejected: The key whose rejection asked for it; None for a start or a scheduled refresh.

    `key` is what it brought: whoever waited for it gets that, however short its life. `stillborn` is the error that
    kept it from beginning.
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
        """Why it brought no key: what the link that serves answered, else the first one."""
        error = self.errors.get(link) or next(iter(self.errors.values()), None)
        return error.message if error else "the stores have only keys that the API refused."


def drive(steps: Steps[T]) -> T:
    """Run a policy to its end, blocking this thread."""
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
