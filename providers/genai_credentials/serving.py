"""`Serving`: an immutable snapshot of the serving key."""

from __future__ import annotations

import math
from collections.abc import Callable

from genai_credentials.key import ApiKey
from genai_credentials.known_keys import Found


class Serving:
    """The serving key, with its times. Callers read it without a lock.

    `read()` returns the text of the key, or None from `due_at` on. It is a function, because tracers read all
    attributes. `link` is the number of the link that returned the key; -1 without a key.

    Args:
        found: The key and its link; None if there is no key.
        due_at: The time from which the engine has to decide about the next step, in seconds.
        stale_at: The time from which the key is too old to be served, in seconds.
        clock: A function that returns seconds and never goes back.
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
