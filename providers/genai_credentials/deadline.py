"""How long the running fetch may still take."""

from __future__ import annotations

import time
from contextvars import ContextVar

DEFAULT_FETCH_TIMEOUT = 10.0

# Until when, and how long in all; without an engine there is no end.
_deadline: ContextVar[tuple[float | None, float]] = ContextVar(
    "genai_credentials_deadline", default=(None, DEFAULT_FETCH_TIMEOUT)
)


def seconds_left() -> float:
    """How long the running fetch may still take, in seconds: `fetch_timeout` when no engine set a deadline."""
    deadline, in_all = _deadline.get()
    return in_all if deadline is None else max(0.05, deadline - time.monotonic())


def seconds_in_all() -> float:
    """How long a fetch of the one that asks may take, in seconds: for a client that later fetches use, too."""
    return _deadline.get()[1]


def set_deadline(timeout: float, in_all: float | None = None) -> None:
    """Give the fetch that runs in this thread's context `timeout` seconds from now.

    Args:
        timeout: Seconds.
        in_all: Seconds that later fetches may take; None for as many.
    """
    _deadline.set((time.monotonic() + timeout, timeout if in_all is None else in_all))
