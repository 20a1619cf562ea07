"""`Serving`: one snapshot of what is served."""

from __future__ import annotations

import math
from collections.abc import Callable

from genai_credentials.key import ApiKey
from genai_credentials.known import Found


class Serving:
    """What callers read without a lock: the key, its text, and when to look closer.

    `read()` is the text, or None once it is time to look closer: tracers walk over attributes, and none leads to it.

    Args:
        found: The key; None for nothing.
        due_at: When to look closer, in seconds.
        stale_at: When it is too old to be served, in seconds.
        clock: Seconds that only grow.
    """

    __slots__ = ("due_at", "key", "link", "read", "stale_at")

    def __init__(self, found: Found | None, due_at: float, stale_at: float, clock: Callable[[], float]) -> None:
        self.key: ApiKey = found.key if found else None  # type: ignore[assignment]
        self.read = _reader(found.key.get_secret_value() if found else "", due_at, clock)
        self.link = found.link if found else -1
        self.due_at = due_at
        self.stale_at = stale_at


def _reader(text: str, due_at: float, clock: Callable[[], float]) -> Callable[[], str | None]:
    def read() -> str | None:
        return text if clock() < due_at else None

    return read


NOTHING = Serving(None, -math.inf, -math.inf, lambda: 0.0)
