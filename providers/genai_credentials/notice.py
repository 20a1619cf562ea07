"""`Notice`: the open notifications of a newer key, and the time of the fetch for them. No I/O, threads or locks."""

from __future__ import annotations

import math
from random import Random

LONGEST_PAUSE = 300.0
"""Seconds between two fetches for the same notification, while all of them fail."""


class Notice:
    """The open notifications, and one random moment for the fetch that answers all of them.

    Only a successful fetch that began after a notification answers it.

    `at` is the moment in seconds; infinite if no fetch is arranged. `told` says whether the event was emitted.

    Args:
        interval: Seconds from a fetch that failed or that was for a notification to the next fetch for a notification.
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
        """Whether a notification is open."""
        return self._last > self._answered

    def asks_for(self, began: int) -> bool:
        """Return whether a fetch that began at this tick answers a notification."""
        return self.pending and self._first < began

    def arrange(self, tick: int, now: float, within: float) -> bool:
        """Note a notification. Return whether a new moment was drawn for it.

        An existing moment stays if its window ends no later. Otherwise a process with very frequent notifications
        would never fetch.

        Args:
            tick: The number of the notification.
            now: The time in seconds.
            within: The length of the window in seconds.
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
        # Set last: if a signal handler raises before this line, the next notification draws a moment again.
        self._ends = ends
        return True

    def begun(self) -> None:
        """Note that a fetch began. A later notification gets another fetch, with its own moment."""
        self._ends = math.inf

    def landed(self, began: int, now: float, *, reached: bool) -> None:
        """Note that a fetch ended.

        Args:
            began: The tick at which the fetch began.
            now: The time in seconds.
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
