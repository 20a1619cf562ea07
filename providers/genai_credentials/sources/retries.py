"""Retries of a call to a store, for failures that may be gone at the next try."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0


def insist(call: Callable[[], T], passes: Callable[[Exception], bool], seconds: float) -> T:
    """Call a function until it returns, or until it fails in a way that a retry cannot mend. Returns its result.

    The retries of the cloud libraries are not used. Their pauses do not respect the time that is left for a fetch.

    Args:
        call: The function to call.
        passes: Returns whether an error may be gone at the next try.
        seconds: Seconds from now in which a new try may begin.

    Raises:
        Exception: The last error of the function.
    """
    give_up, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        # A new random pause for each try. Otherwise all machines that failed at the same moment would retry at the same
        # moment.
        wait = pause * random.uniform(0.75, 1.25)  # noqa: S311 - no secret depends on it
        try:
            return call()
        except Exception as error:
            if not passes(error) or time.monotonic() + wait > give_up:
                raise
        time.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE)
