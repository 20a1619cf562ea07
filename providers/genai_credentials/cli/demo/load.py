"""The load of the demo: one client sends requests from threads, from an event loop and as streams."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, get_args

if TYPE_CHECKING:
    from google import genai

    from genai_credentials.testing.gemini.wire import RecordedRequest

Kind = Literal["threads", "asyncio", "streams"]

MODEL = "gemini-2.5-flash"
PAUSE = 0.005
"""Seconds between two requests of one worker. The load shall show the client at work, and not use all of the CPU."""

_EACH = 2
_NUMBER = re.compile(rb"Request (\d+)")


class Load:
    """Sends requests while the with statement lasts, and counts them.

    Args:
        client: The client that sends all requests.
    """

    def __init__(self, client: genai.Client) -> None:
        self._client = client
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._under_way: set[int] = set()
        self._carried: dict[int, str | None] = {}
        self._first: dict[str | None, float] = {}
        self._succeeded: Counter[Kind] = Counter()
        self._problems: Counter[str] = Counter()
        works: list[Callable[[], None]] = [self._ask, self._read_stream] * _EACH + [self._run_loop]
        self._threads = [threading.Thread(target=work, name="demo-load", daemon=True) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def succeeded(self) -> dict[str, int]:
        """The number of requests that succeeded, by kind."""
        with self._changed:
            return {kind: self._succeeded[kind] for kind in get_args(Kind)}

    @property
    def problems(self) -> dict[str, int]:
        """The number of requests that failed, by the class of the error."""
        with self._changed:
            return dict(self._problems)

    def saw(self, request: RecordedRequest) -> None:
        """Note the key of a request that arrived at the API. If it is sent again, the last key counts."""
        if found := _NUMBER.search(request.body):
            with self._changed:
                self._carried[int(found[1])] = request.key

    def first_with(self, key: str, timeout: float) -> float | None:
        """Wait for the first success of a request with `key`.

        Args:
            key: The text of the key.
            timeout: The longest wait, in seconds.

        Returns:
            The moment of the success, on the monotonic clock. None if there was no success in time.
        """
        with self._changed:
            self._changed.wait_for(lambda: key in self._first, timeout)
            return self._first.get(key)

    def settle(self, timeout: float) -> None:
        """Wait until all requests that are under way now have ended, at most `timeout` seconds."""
        with self._changed:
            before = frozenset(self._under_way)
            self._changed.wait_for(lambda: before.isdisjoint(self._under_way), timeout)

    def _ask(self) -> None:
        while not self._stop.is_set():
            with self._counted("threads") as prompt:
                self._client.models.generate_content(model=MODEL, contents=prompt)
            self._stop.wait(PAUSE)

    def _read_stream(self) -> None:
        while not self._stop.is_set():
            with self._counted("streams") as prompt:
                for _ in self._client.models.generate_content_stream(model=MODEL, contents=prompt):
                    pass
            self._stop.wait(PAUSE)

    def _run_loop(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        try:
            await asyncio.gather(*(work() for work in [self._aask, self._aread_stream] * _EACH))
        finally:
            await self._client.aio.aclose()

    async def _aask(self) -> None:
        while not self._stop.is_set():
            with self._counted("asyncio") as prompt:
                await self._client.aio.models.generate_content(model=MODEL, contents=prompt)
            await asyncio.sleep(PAUSE)

    async def _aread_stream(self) -> None:
        while not self._stop.is_set():
            with self._counted("streams") as prompt:
                async for _ in await self._client.aio.models.generate_content_stream(model=MODEL, contents=prompt):
                    pass
            await asyncio.sleep(PAUSE)

    @contextmanager
    def _counted(self, kind: Kind) -> Iterator[str]:
        number = next(self._numbers)
        with self._changed:
            self._under_way.add(number)
        problem = None
        try:
            yield f"Request {number}"
        except Exception as error:
            problem = _label(error)
        finally:
            self._end(kind, number, problem)

    def _end(self, kind: Kind, number: int, problem: str | None) -> None:
        with self._changed:
            self._under_way.discard(number)
            key = self._carried.pop(number, None)
            if problem is not None:
                self._problems[problem] += 1
            else:
                self._succeeded[kind] += 1
                self._first.setdefault(key, time.monotonic())
            self._changed.notify_all()


def _label(error: Exception) -> str:
    # The message of the API may hold the key, so it is left out.
    code = getattr(error, "code", None)
    return type(error).__name__ + (f" {code}" if isinstance(code, int) else "")
