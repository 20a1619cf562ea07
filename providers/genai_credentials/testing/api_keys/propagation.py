"""When the servers of the Gemini API accept a key: a new key late, and a deleted key on and off for a while."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence

from genai_credentials.testing.gemini import FakeGemini

FLAP = 0.02
"""Seconds in which one server does not change its answer about a deleted key."""


class Propagation:
    """Makes servers accept and refuse keys at planned times, in one daemon thread that ends after the last plan.

    Args:
        servers: The servers.
        live_after: Seconds until each server accepts a new key.
        flaps_for: Seconds in which the servers accept and refuse a deleted key in turn.
    """

    def __init__(self, servers: Sequence[FakeGemini], live_after: Sequence[float], flaps_for: float) -> None:
        self.servers, self.live_after, self.flaps_for = servers, live_after, flaps_for
        self._changed = threading.Condition()
        self._plans: list[tuple[float, int, str, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def begin(self, text: str) -> None:
        """Plan the acceptance of a key that was made or restored."""
        plans = [(after, _accepting(server, text)) for server, after in zip(self.servers, self.live_after, strict=True)]
        self._plan(text, plans)

    def end(self, text: str) -> None:
        """Plan the refusal of a key that was deleted."""
        plans: list[tuple[float, Callable[[], object]]] = []
        for number, server in enumerate(self.servers):
            accepting, refusing = _accepting(server, text), _refusing(server, text)
            times = itertools.takewhile(lambda at: at < self.flaps_for, itertools.count(0.0, FLAP))
            # Two servers next to each other give opposite answers at each moment.
            plans += [(at, (accepting, refusing)[(step + number) % 2]) for step, at in enumerate(times)]
            plans.append((self.flaps_for, refusing))
        self._plan(text, plans)

    def close(self) -> None:
        """Drop all plans."""
        with self._changed:
            self._plans.clear()
            self._changed.notify_all()

    def _plan(self, text: str, plans: list[tuple[float, Callable[[], object]]]) -> None:
        now = time.monotonic()
        with self._changed:
            # The new plans replace the earlier plans for this key.
            self._plans = [plan for plan in self._plans if plan[2] != text]
            self._plans += [(now + after, next(self._numbers), text, act) for after, act in plans]
            heapq.heapify(self._plans)
            self._act()
            if self._plans and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fake-api-keys-fates", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _act(self) -> None:
        while self._plans and self._plans[0][0] <= time.monotonic():
            heapq.heappop(self._plans)[3]()

    def _run(self) -> None:
        with self._changed:
            while self._plans:
                self._changed.wait(max(0.0, self._plans[0][0] - time.monotonic()))
                self._act()
            self._thread = None


def _accepting(server: FakeGemini, text: str) -> Callable[[], object]:
    return lambda: server.accept(text)


def _refusing(server: FakeGemini, text: str) -> Callable[[], object]:
    return lambda: server.revoke(text)
