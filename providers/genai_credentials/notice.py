"""`Notice`: that a newer key may be there, and when to look for it. Without I/O, threads or locks."""

from __future__ import annotations

import math
from random import Random

LONGEST_PAUSE = 300.0
"""Seconds between two fetches for the same notification, while all of them fail."""


class Notice:
    """The notifications that no fetch has answered yet, and the one moment that is drawn for them.

    A notification is answered by a successful fetch that began after it, and by nothing else.

    `at` is the moment, in seconds; infinite where none is arranged. `told` says whether the event was sent.

    Args:
        interval: Seconds from a fetch that failed, or that was for a notification, to the next one for another.
        random: The source of the moment.
    """

    __slots__ = (
        "_answered",
        "_ends",
        "_failures",
        "_first",
        "_interval",
        "_last",
        "_not_before",
        "_random",
        "at",
        "told",
    )

    def __init__(self, interval: float, random: Random) -> None:
        self.at, self.told = math.inf, True
        self._interval, self._random = interval, random
        self._first = self._last = self._answered = 0
        self._ends, self._not_before, self._failures = math.inf, -math.inf, 0

    @property
    def pending(self) -> bool:
        """Whether a notification waits to be answered."""
        return self._last > self._answered

    def asks_for(self, began: int) -> bool:
        """Whether a fetch that began at this tick is one that a notification waits for."""
        return self.pending and self._first < began

    def arrange(self, tick: int, now: float, within: float) -> bool:
        """A notification came. True when a moment is drawn for it.

        A moment whose window ends no later stays: a process that is told again and again would else never fetch.

        Args:
            tick: Its number.
            now: The time.
            within: Seconds in which the moment is to be.
        """
        ends = now + within
        if ends >= self._ends:
            self._last = tick
            return False
        if not self.pending:
            self._first = tick
        self._last = tick
        self.at = max(now + self._random.uniform(0.0, within), self._not_before)
        self.told = self.told and self._ends < math.inf
        # Last: what a signal's handler breaks off before this is drawn again.
        self._ends = ends
        return True

    def begun(self) -> None:
        """A fetch began. Whoever notifies from now on asks for another one, at a moment of its own."""
        self._ends = math.inf

    def landed(self, began: int, now: float, *, reached: bool) -> None:
        """A fetch ended.

        Args:
            began: The tick at which it began.
            now: The time.
            reached: Whether the store answered.
        """
        if not reached or self.asks_for(began):
            self._not_before = now + self._interval
        if reached:
            self._answered, self._first, self._failures = max(self._answered, began), self._last, 0
        if not self.pending:
            self.at = self._ends = math.inf
        elif self._last > began:
            self.at = max(self.at, self._not_before)
        else:
            self._put_off(now)

    def _put_off(self, now: float) -> None:
        pause = max(self._interval, min(LONGEST_PAUSE, 2.0**self._failures))
        self._failures = min(self._failures + 1, 32)
        self.at = self._ends = now + pause * self._random.uniform(1.0, 1.1)
