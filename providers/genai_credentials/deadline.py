"""The deadline of the running fetch."""

from __future__ import annotations

import time
from contextvars import ContextVar

DEFAULT_FETCH_TIMEOUT = 10.0

# The end of the running fetch (None: no engine has set one), and the seconds that a whole fetch may take.
_deadline: ContextVar[tuple[float | None, float]] = ContextVar(
    "genai_credentials_deadline", default=(None, DEFAULT_FETCH_TIMEOUT)
)


def seconds_left() -> float:
    """Return the seconds that the running fetch has left, at least 0.05; outside an engine the default, 10 seconds."""
    deadline, in_all = _deadline.get()
    return in_all if deadline is None else max(0.05, deadline - time.monotonic())


def seconds_in_all() -> float:
    """Return the seconds that a whole fetch may take. A client that later fetches use too is built with this value."""
    return _deadline.get()[1]


def set_deadline(timeout: float, in_all: float | None = None) -> None:
    """Set the deadline of the fetch in the current context.

    Args:
        timeout: Seconds from now.
        in_all: Seconds that later fetches may take; None means `timeout`.
    """
    _deadline.set((time.monotonic() + timeout, timeout if in_all is None else in_all))
