"""The target of a request, path and query, to the byte: a parameter can be taken out, and nothing else is changed."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote_plus


class Target(NamedTuple):
    """The path and the query as they were sent; `query` is None where there is no question mark."""

    path: str
    query: str | None

    @classmethod
    def of(cls, raw: str) -> Target:
        """From the second word of a request's first line."""
        path, mark, query = raw.partition("?")
        return cls(path, query if mark else None)

    def values(self, name: str) -> list[str]:
        """The decoded values of a parameter, however its name is spelt."""
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
