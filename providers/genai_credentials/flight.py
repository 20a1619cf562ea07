"""Work off the caller's thread: daemon threads that hand over a future, and one fetch at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from genai_credentials.errors import CredentialsError

T = TypeVar("T")

Steps = Generator["Landing", None, T]
"""A policy that yields the futures it has to wait for, and returns its result."""


def in_daemon(work: Callable[[], T], name: str) -> Future[T]:
    """Run `work` in a thread that never holds up the interpreter's exit.

    The future is running from the start, so that cancelling one waiter cannot cancel it for the others. When no
    thread can be started (the process is at its limit, or the interpreter is shutting down) it holds that error.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
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
        future.set_exception(error)
    return future


class Landing(Future[None]):
    """The news that a fetch ended. All tasks of one event loop are woken by one call into it, not by one each."""

    def __init__(self) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()
        self._waiting: dict[Any, list[Any]] = {}

    async def wait(self) -> None:
        """Wait without blocking the running event loop."""
        import asyncio

        if self.done():
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        if (waiting := self._waiting.get(loop)) is not None:
            waiting.append(waiter)
        else:
            waiting = self._waiting[loop] = [waiter]
            self.add_done_callback(lambda _: _wake(loop, waiting))
        await waiter


def _wake(loop: Any, waiting: list[Any]) -> None:
    def wake() -> None:
        # On the loop's own thread, so nobody joins while it runs; who comes later finds the fetch done.
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    with suppress(RuntimeError):  # the loop is closed, and with it all that waited
        loop.call_soon_threadsafe(wake)


class Flight:
    """One fetch under way, shared by all who wait for it: its future carries no result, only the news that it ended.

    Args:
        began: The engine's event number at which it was started: what was rejected later, it doesn't answer.
        at: The time at which it was started, in seconds.
        rejected: The key whose rejection asked for it; None for a start or a scheduled refresh.
    """

    __slots__ = ("at", "began", "errors", "landed", "rejected")

    def __init__(self, began: int, at: float, rejected: Any = None) -> None:
        self.began = began
        self.at = at
        self.rejected = rejected
        self.errors: dict[int, CredentialsError] = {}
        self.landed = Landing()


def drive(steps: Steps[T]) -> T:
    """Run a policy to its end, blocking this thread."""
    try:
        while True:
            next(steps).result()
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()


async def adrive(steps: Steps[T]) -> T:
    """Run a policy to its end without blocking the running event loop."""
    try:
        while True:
            await next(steps).wait()
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()
