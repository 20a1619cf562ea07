"""`KnownKeys`: the known keys, the API's judgement of each, and the quarantine. No I/O, threads or locks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from genai_credentials.key import ApiKey
from genai_credentials.recent import Recent

DAY, MINUTE = 86_400.0, 60.0

FIRST_PAUSE = 0.1
"""Seconds until a refused key is sent again, or its store is asked again, while servers of the API disagree.

Each further pause is twice as long.
"""


class Found(NamedTuple):
    """A key, and the number of the link that returned it."""

    key: ApiKey
    link: int


class Known:
    """A key that was served, and the API's judgement of it. All times are in seconds.

    - `worked`: whether the API ever accepted the key, or the key served without a refusal until another followed it.
    - `rotated_in_at`: the time at which a fetch put the key in place of another key.
    - `refused`: the tick of the last refusal; 0 if there is none. `refused_at` is its time.
    - `outing_at`: the time of the first refusal since the API last accepted the key; None if there is none.
    - `back_at`: the last time at which the API accepted the key after a refusal.
    """

    __slots__ = ("back_at", "found", "outing_at", "refused", "refused_at", "rotated_in_at", "worked")

    def __init__(self, found: Found) -> None:
        self.found = found
        self.worked = False
        self.rotated_in_at = self.refused_at = self.back_at = -math.inf
        self.refused = 0
        self.outing_at: float | None = None


class _Fruitless(NamedTuple):
    """The latest fetches for a rejection that found no better key, in a row.

    `began` is the tick of the last one, `ended` its end in seconds, and `in_a_row` their number.
    """

    began: int = 0
    ended: float = -math.inf
    in_a_row: int = 0


class KnownKeys:
    """The keys of the last day, and the quarantine: the list of refused keys.

    Args:
        interval: Seconds between two fetches for the same refusal, if the first one finds no better key.
        patience: Seconds from a key's first refusal in which the key may be sent again.
        clock: A function that returns seconds and never goes back.
    """

    def __init__(self, *, interval: float, patience: float, clock: Callable[[], float]) -> None:
        self.patience = patience
        self.interval = interval
        self.clock = clock
        self._known: Recent[Known] = Recent(8, DAY, clock)
        self._quarantine: Recent[int] = Recent(64, DAY, clock)
        self._ticks = 0
        self._accepted = 0
        self._fruitless = _Fruitless()

    def tick(self) -> int:
        """Return the number of the next step: a refusal, an acceptance, a fetch or a notification.

        Two numbers give the order of two steps.
        """
        self._ticks += 1
        return self._ticks

    @property
    def now(self) -> int:
        """The number of the latest step."""
        return self._ticks

    def remember(self, found: Found) -> Known:
        """Return the entry of a key, and create it if needed. An entry is kept for a day after its last use."""
        name = found.key.fingerprint
        known = self._known.get(name) or Known(found)
        self._known[name] = known
        return known

    def get(self, key: ApiKey) -> Known | None:
        """The entry of a key; None if the key was not served in the last day."""
        return self._known.get(key.fingerprint)

    def newest_first(self) -> list[Found]:
        """All known keys, the last fetched key first."""
        found = [known.found for known in self._known.values()]
        return sorted(found, key=lambda one: one.key.fetched_at, reverse=True)

    def ever_worked(self) -> bool:
        """Return whether any known key has worked; see `Known`."""
        return any(known.worked for known in self._known.values())

    def all_refused(self) -> bool:
        """Return whether the API refused every known key since it last accepted a key."""
        return all(known.refused > self._accepted for known in self._known.values())

    # The quarantine

    def quarantined(self, key: ApiKey) -> bool:
        """Return whether this key is in quarantine."""
        return key.fingerprint in self._quarantine

    def release(self, key: ApiKey) -> None:
        """Take a key out of quarantine."""
        self._quarantine.forget(key.fingerprint)

    def struck(self, key: ApiKey) -> int:
        """The tick at which this key went into quarantine. Only a fetch that began later answers the refusal."""
        tick = self._quarantine.get(key.fingerprint)
        return self._ticks if tick is None else tick

    def refused(self, key: ApiKey, now: float) -> bool:
        """Note that the API refused this key. Return False if the key was in quarantine already.

        So a key goes into quarantine once, even if many requests with it are refused.
        """
        tick = self.tick()
        if known := self.get(key):
            known.refused, known.refused_at = tick, now
            known.outing_at = now if known.outing_at is None else known.outing_at
        news = not self.quarantined(key)
        if news:
            self._quarantine[key.fingerprint] = tick
        return news

    def accepted(self, key: ApiKey, now: float, sent: int) -> bool:
        """Note that the API accepted a request with this key, and take the key out of quarantine.

        Args:
            key: The key of the request.
            now: The time in seconds.
            sent: The tick at which the request was sent. A request that was sent before the key's last refusal proves
                nothing.

        Returns:
            False if the key is unknown, or if the API refused it after the request was sent.
        """
        known = self.get(key)
        if known is None:
            return False
        known.worked = True
        if self.was_refused_since(key, sent):
            return False
        if known.outing_at is not None:
            known.back_at, known.outing_at = now, None
        self._accepted = self.tick()
        self.release(key)
        return True

    def was_refused_since(self, key: ApiKey, tick: int) -> bool:
        """Return whether the API refused this key after the given tick."""
        known = self.get(key)
        return known is not None and tick < known.refused

    # Another try, another fetch

    def seconds_of_patience(self, now: float) -> float:
        """The seconds in which a request may still be sent again, with any key."""
        return max((self._patience_with(known, now) for known in self._known.values()), default=0.0)

    def is_disputed(self, key: ApiKey, now: float) -> bool:
        """Return whether servers of the API seem to disagree about a refused key. Such a key is worth another try."""
        known = self.get(key)
        return known is not None and known.outing_at is not None and self._patience_with(known, now) > 0

    def disputed_longest(self, now: float) -> ApiKey | None:
        """The disputed key whose last refusal is longest ago; None if there is none.

        This is the key that most servers of the API have by now.
        """
        disputed = [known for known in self._known.values() if self.is_disputed(known.found.key, now)]
        return min(disputed, key=lambda known: known.refused_at).found.key if disputed else None

    def _patience_with(self, known: Known, now: float) -> float:
        # Some servers may not have a new key yet. Some may still refuse a key that others have accepted again.
        if now - max(known.rotated_in_at if known.refused else -math.inf, known.back_at) > MINUTE:
            return 0.0
        since = now if known.outing_at is None else known.outing_at
        return max(0.0, since + self.patience - now)

    def may_fetch(self, key: ApiKey, now: float) -> bool:
        """Return whether a refusal of this key may cause a fetch: once per interval, and at once after a new refusal.

        If a key is accepted and refused in turns, each fetch without a better key doubles the pause. This protects the
        stores.
        """
        last = self._fruitless
        if self.struck(key) <= last.began:
            return self._has_passed(self.interval, now)
        flaps = last.in_a_row > 1 and self._was_back(key)
        return self._has_passed(FIRST_PAUSE * 2 ** (last.in_a_row - 2) if flaps else 0.0, now)

    def may_fetch_again(self, now: float) -> bool:
        """Return whether a request that waits with patience may cause a fetch: a second rotation may have followed.

        The pause before such a fetch is at most half of the patience, so that each request gets one.
        """
        return self._has_passed(min(FIRST_PAUSE * 2 ** max(0, self._fruitless.in_a_row - 1), self.patience / 2), now)

    def _has_passed(self, pause: float, now: float) -> bool:
        # A sum, because the difference of two times is rounded and may be slightly too small.
        return now >= self._fruitless.ended + min(pause, self.interval)

    def _was_back(self, key: ApiKey) -> bool:
        known = self.get(key)
        return known is not None and known.back_at > -math.inf

    def fetch_was_fruitless(self, began: int, now: float) -> None:
        """Note that a fetch for a rejection found no better key.

        Args:
            began: The tick at which the fetch began.
            now: The time in seconds.
        """
        in_a_row = 1 if now - self._fruitless.ended > MINUTE else min(self._fruitless.in_a_row + 1, 32)
        self._fruitless = _Fruitless(began, now, in_a_row)

    def fetch_was_fruitful(self) -> None:
        """Note that a fetch found another key."""
        self._fruitless = _Fruitless(self._fruitless.began, self._fruitless.ended, 0)
