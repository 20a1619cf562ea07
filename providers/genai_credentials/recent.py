"""`Recent`: the last few things of a kind, by name, each for so long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """A small map that forgets its oldest entries, and those that are too old.

    Each change is one assignment: a signal's handler that raises amid it leaves the map as it was, or as it is to be.

    Args:
        most: How many entries it keeps.
        seconds: How long it keeps one.
        clock: Seconds that only grow.
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
        """What is kept under this name; None when nothing is, or no longer."""
        entry = self._entries.get(name)
        return entry[1] if entry is not None and self._lives(entry) else None

    def forget(self, name: str) -> None:
        """Drop an entry, if it is there."""
        self._entries.pop(name, None)

    def values(self) -> Iterator[V]:
        """Everything that is kept, the oldest first."""
        return (entry[1] for entry in list(self._entries.values()) if self._lives(entry))

    def _lives(self, entry: tuple[float, V]) -> bool:
        return self._clock() - entry[0] < self._seconds
