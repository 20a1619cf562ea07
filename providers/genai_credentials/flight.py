"""Work off the caller's thread: daemon threads that hand over a future, and one fetch at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from genai_credentials.errors import CredentialsError

T = TypeVar("T")

Steps = Generator["Landing", None, T]
"""A policy that yields what it has to wait for, and returns its result."""

WOKEN_AT_ONCE, UNTIL_NEXT = 32, 0.0002
"""Threads, and seconds: long enough for so many to be through."""


_inside: ContextVar[frozenset[int]] = ContextVar("genai_credentials_inside", default=frozenset())


def enter(fetcher: object) -> None:
    """Note that this thread, and those it starts by `in_daemon`, work for a fetch of `fetcher` until they end."""
    _inside.set(_inside.get() | {id(fetcher)})


def is_inside(fetcher: object) -> bool:
    """Whether this code runs inside a fetch of `fetcher`, and so must not wait for one."""
    return id(fetcher) in _inside.get()


def in_daemon(work: Callable[[], T], name: str) -> Future[T]:
    """Run `work` in a thread that never holds up the interpreter's exit.

    The future is running from the start, so that cancelling one waiter cannot cancel it for the others. When no
    thread can be started (the process is at its limit, or the interpreter is shutting down) it holds that error.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    inside = _inside.get()

    def run() -> None:
        _inside.set(inside)
        try:
            result = work()
        except BaseException as error:
            # Also SystemExit and friends: a waiter must never be left waiting.
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError as error:
        # Others are of a signal's handler that raised inside `start`: then it has started, or nothing is known.
        if "thread" not in str(error):
            raise
        future.set_exception(error)
    return future


class Landing:
    """The news that a fetch ended.

    All tasks of one event loop are woken by one call into it, and threads a few at a time: a thread that is woken asks
    for the interpreter's lock again every 5 ms until it has it, and a thousand who do so at once spend most of their
    time on that (probed: 15 to 25 switches each where this takes 3, and twice the time).
    """

    def __init__(self) -> None:
        # Plain locks: a signal's handler that raises inside a Condition's Python code leaves it locked for good.
        self._lock = threading.Lock()
        self._landed = False
        self._threads: list[threading.Lock] = []
        self._tasks: dict[Any, list[Any]] = {}

    def wait(self) -> None:
        """Wait, blocking this thread."""
        waiter = threading.Lock()
        waiter.acquire()
        with self._lock:
            if self._landed:
                return
            self._threads.append(waiter)
        waiter.acquire()

    async def await_(self) -> None:
        """Wait without blocking the running event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        with self._lock:
            if self._landed:
                return
            waiter = loop.create_future()
            self._tasks.setdefault(loop, []).append(waiter)
        await waiter

    def land(self) -> None:
        """Wake all who wait; who comes later need not."""
        with self._lock:
            self._landed = True
        for loop, waiting in self._tasks.items():
            _wake(loop, waiting)
        for number, waiter in enumerate(self._threads, 1):
            waiter.release()
            if number % WOKEN_AT_ONCE == 0:
                time.sleep(UNTIL_NEXT)


def _wake(loop: Any, waiting: list[Any]) -> None:
    def wake() -> None:
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    with suppress(Exception):  # it is closed, and with it all that waited there; the others still have to be woken
        loop.call_soon_threadsafe(wake)


class Flight:
    """One fetch under way, shared by all who wait for it: all that comes of it is the news that it ended.

    Args:
        began: The engine's event number at which it was started: what was rejected later, it doesn't answer.
        at: The time at which it was started, in seconds.
        rejected: The key whose rejection asked for it; None for a start or a scheduled refresh.

    `taken` says whether a thread works for it already.
    """

    __slots__ = ("at", "began", "errors", "landed", "rejected", "taken")

    def __init__(self, began: int, at: float, rejected: Any = None) -> None:
        self.began = began
        self.at = at
        self.rejected = rejected
        self.errors: dict[int, CredentialsError] = {}
        self.landed = Landing()
        self.taken = False


def drive(steps: Steps[T]) -> T:
    """Run a policy to its end, blocking this thread."""
    try:
        while True:
            next(steps).wait()
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()


async def adrive(steps: Steps[T]) -> T:
    """Run a policy to its end without blocking the running event loop."""
    try:
        while True:
            await next(steps).await_()
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()
