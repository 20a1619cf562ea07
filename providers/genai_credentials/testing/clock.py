"""`FakeClock`: a clock that moves only when a test advances it."""

from __future__ import annotations


class FakeClock:
    """A clock for `CredentialProvider(clock=…)`.

    Args:
        now: The time at the start, in seconds.

    Examples:
        >>> clock = FakeClock()
        >>> clock.advance(300)
        >>> clock()
        1300.0
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Advance the clock.

        Args:
            seconds: The time to add, in seconds.
        """
        self.now += seconds
