"""`Recent`: a map of a limited number of entries, each for a limited time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """A small map that drops its oldest entries if there are too many, and each entry after some time.

    Each change is one assignment. So a signal handler that raises during a change cannot leave half of it.

    Args:
        most: The largest number of entries.
        seconds: The time for which an entry is kept, in seconds.
        clock: A function that returns seconds and never goes back.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._entries: dict[str, tuple[float, V]] = {}

    def __setitem__(self, name: str, value: V) -> None:
        others = [(other, entry) for other, entry in self._entries.items() if other != name and self._lives(entry)]
        self._entries = {**dict(others[1 - self._most :]), name: (self._clock(), value)}

    def __contains__(self, name: str) -> bool:
        entry = self._entries.get(name)
        return entry is not None and self._lives(entry)

    def get(self, name: str) -> V | None:
        """The value under this name; None if there is none, or if it is too old."""
        entry = self._entries.get(name)
        return entry[1] if entry is not None and self._lives(entry) else None

    def forget(self, name: str) -> None:
        """Drop an entry, if it exists."""
        self._entries.pop(name, None)

    def values(self) -> Iterator[V]:
        """All values that are not too old, the oldest first."""
        return (entry[1] for entry in list(self._entries.values()) if self._lives(entry))

    def _lives(self, entry: tuple[float, V]) -> bool:
        return self._clock() - entry[0] < self._seconds
