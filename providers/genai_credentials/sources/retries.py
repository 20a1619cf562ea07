"""Another try for a call to a store that failed in a way that passes by itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0


def insist(call: Callable[[], T], passes: Callable[[Exception], bool], seconds: float) -> T:
    """Call until it answers, or fails in a way that lasts; raises its last error.

    The libraries' own retries pause for as long as they like, and know nothing of the time that is left.

    Args:
        call: What to call.
        passes: Whether an error may be gone at the next try.
        seconds: How long from now another try may begin.
    """
    give_up, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        # Drawn anew each time: a fleet that failed at one moment must not come back at one moment.
        wait = pause * random.uniform(0.75, 1.25)  # noqa: S311 - no secret depends on it
        try:
            return call()
        except Exception as error:
            if not passes(error) or time.monotonic() + wait > give_up:
                raise
        time.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE)
