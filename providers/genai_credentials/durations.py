"""Checks durations that a user passes."""

from __future__ import annotations

import math

from genai_credentials.errors import ConfigurationError


def check_seconds(lowest: float | None = None, **durations: float) -> None:
    """Check durations.

    Args:
        lowest: The least allowed value, in seconds. None means every value above 0.
        durations: Name of the argument -> its value in seconds.

    Raises:
        ConfigurationError: A duration is no number, or is too low.
    """
    for name, seconds in durations.items():
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and not math.isnan(seconds)
        if not number or (seconds <= 0 if lowest is None else seconds < lowest):
            bound = "above" if lowest is None else "at least"
            raise ConfigurationError(
                f"{shown(name, seconds)}: a duration is a number of seconds, {bound} 0.",
                remedy="Write plain seconds: 300 for five minutes.",
            )


def shown(name: str, value: object) -> str:
    """Return an argument and its value, for an error. A text is not quoted: it may be a key in the wrong place."""
    return f"{name}={value!r}" if isinstance(value, (int, float)) else f"{name} is {type(value).__name__}"


def check_window(within: float) -> None:
    """Check the window of a notification, in seconds. It must be finite.

    Raises:
        ConfigurationError: It is no number, below 0, or infinite.
    """
    check_seconds(lowest=0.0, within=within)
    if math.isinf(within):
        raise ConfigurationError("within=inf: the window must end.", remedy="Pass a number of seconds, such as 30.")
