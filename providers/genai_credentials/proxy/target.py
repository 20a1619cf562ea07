"""The target of a request: its path and query, unchanged. A parameter can be removed."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote_plus


class Target(NamedTuple):
    """The path and the query of a request, as they were sent.

    Args:
        path: The path.
        query: The query; None if there is no question mark.
    """

    path: str
    query: str | None

    @classmethod
    def of(cls, raw: str) -> Target:
        """The target in the first line of a request.

        Args:
            raw: The second word of that line.
        """
        path, mark, query = raw.partition("?")
        return cls(path, query if mark else None)

    def values(self, name: str) -> list[str]:
        """The decoded values of a parameter. The parameter's name may be percent-encoded."""
        return [unquote_plus(pair.partition("=")[2]) for pair in self._pairs() if _name(pair) == name]

    def without(self, name: str) -> Target:
        """The target without a parameter."""
        pairs = self._pairs()
        kept = [pair for pair in pairs if _name(pair) != name]
        if len(kept) == len(pairs):
            return self
        return Target(self.path, "&".join(kept) or None)

    def _pairs(self) -> list[str]:
        return [] if self.query is None else self.query.split("&")

    def __str__(self) -> str:
        return self.path if self.query is None else f"{self.path}?{self.query}"


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])
