"""Durations that a user gives: which of them make no sense."""

from __future__ import annotations

import math

from genai_credentials.errors import ConfigurationError


def check_seconds(lowest: float | None = None, **durations: float) -> None:
    """Refuse a duration that makes no sense.

    Args:
        lowest: The least that it may be; None means anything over 0.
        durations: In seconds, by the arguments' names.

    Raises:
        ConfigurationError: One is no number, or too low.
    """
    for name, seconds in durations.items():
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and not math.isnan(seconds)
        if not number or (seconds <= 0 if lowest is None else seconds < lowest):
            # Text is not repeated: it may be a key in the wrong place.
            shown = f"={seconds!r}" if isinstance(seconds, (int, float)) else f" is {type(seconds).__name__}"
            raise ConfigurationError(
                f"{name}{shown}: a duration is a number of seconds, {'over' if lowest is None else 'at least'} 0.",
                remedy="Write plain seconds: 300 for five minutes.",
            )


def check_window(within: float) -> None:
    """Refuse a time in which no moment can be drawn. Raises like `check_seconds`."""
    check_seconds(lowest=0.0, within=within)
    if math.isinf(within):
        raise ConfigurationError("within=inf: no moment can be drawn.", remedy="Give it a number of seconds.")
