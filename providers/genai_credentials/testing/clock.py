"""`FakeClock`: seconds that pass when a test says so."""

from __future__ import annotations


class FakeClock:
    """A clock for `CredentialProvider(clock=…)`.

    Args:
        now: Where it starts, in seconds.

    Examples:
        >>> clock = FakeClock()
        >>> clock.advance(300)
        >>> clock()
        1300.0
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
