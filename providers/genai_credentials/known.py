"""`KnownKeys`: what the API said of each key, and what follows for the next try. Without I/O, threads or locks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from genai_credentials.key import ApiKey
from genai_credentials.recent import Recent

DAY, MINUTE = 86_400.0, 60.0

FIRST_PAUSE = 0.1
"""Seconds until a refused key is sent again, or its store asked again, where replicas disagree; doubling."""


class Found(NamedTuple):
    """A key, and the number of the link that served it."""

    key: ApiKey
    link: int


class Known:
    """A key that was served, and what the API said of it.

    - `worked`: whether the API ever accepted it, or it was served when another followed it.
    - `rotated_in_at`: when a fetch brought it in place of another key.
    - `refused`: the tick of its last refusal; `refused_at` is the time.
    - `outing_at`: the time of its first refusal since the API last accepted it; None while it is accepted.
    - `back_at`: when the API last accepted it after a refusal.
    """

    __slots__ = ("back_at", "found", "outing_at", "refused", "refused_at", "rotated_in_at", "worked")

    def __init__(self, found: Found) -> None:
        self.found = found
        self.worked = False
        self.rotated_in_at = self.refused_at = self.back_at = -math.inf
        self.refused = 0
        self.outing_at: float | None = None


class _Fruitless(NamedTuple):
    """The fetches in a row that a rejection asked for and that found nothing better."""

    began: int = 0
    ended: float = -math.inf
    in_a_row: int = 0


class KnownKeys:
    """The keys of the last day and what became of them, and the quarantine: the memory of refused keys.

    Args:
        interval: Seconds between two fetches that the same refusal causes and that find nothing better.
        patience: Seconds from a key's first refusal in which it may be sent again.
        clock: Seconds that only grow.
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
        """Number the next thing that happens, so that the order of two things is known."""
        self._ticks += 1
        return self._ticks

    @property
    def now(self) -> int:
        """The number of the last thing that happened."""
        return self._ticks

    def remember(self, found: Found) -> Known:
        """What is known of a key; it is known for a day from when it was last of use."""
        name = found.key.fingerprint
        known = self._known.get(name) or Known(found)
        self._known[name] = known
        return known

    def get(self, key: ApiKey) -> Known | None:
        """What is known of a key; None when it was never served, or not for a day."""
        return self._known.get(key.fingerprint)

    def newest_first(self) -> list[Found]:
        """Every key, the one that was fetched last first."""
        found = [known.found for known in self._known.values()]
        return sorted(found, key=lambda one: one.key.fetched_at, reverse=True)

    def ever_worked(self) -> bool:
        """Whether any key so far is known to have been accepted."""
        return any(known.worked for known in self._known.values())

    def all_refused(self) -> bool:
        """Whether each key was refused since the API last accepted any."""
        return all(known.refused > self._accepted for known in self._known.values())

    # The quarantine

    def quarantined(self, key: ApiKey) -> bool:
        """Whether the API refused this key, and nothing spoke for it since."""
        return key.fingerprint in self._quarantine

    def release(self, key: ApiKey) -> None:
        """Take a key out of quarantine."""
        self._quarantine.forget(key.fingerprint)

    def struck(self, key: ApiKey) -> int:
        """The tick at which this key went into quarantine: only a later fetch answers it."""
        tick = self._quarantine.get(key.fingerprint)
        return self._ticks if tick is None else tick

    def refused(self, key: ApiKey, now: float) -> bool:
        """The API refused this key. True when that is news: one strike an outing, however many requests it met."""
        tick = self.tick()
        if known := self.get(key):
            known.refused, known.refused_at = tick, now
            known.outing_at = now if known.outing_at is None else known.outing_at
        news = not self.quarantined(key)
        if news:
            self._quarantine[key.fingerprint] = tick
        return news

    def accepted(self, key: ApiKey, now: float, sent: int) -> bool:
        """The API accepted a request with this key; False when that says nothing of the key as it is now.

        Args:
            key: The key.
            now: The time.
            sent: The tick at which the request was sent: one sent before the key's last refusal proves nothing.
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
        """Whether the API refused this key after that tick."""
        known = self.get(key)
        return known is not None and tick < known.refused

    # What a refusal is worth

    def seconds_of_patience(self, now: float) -> float:
        """For how long a request may still be sent again, with one key or another."""
        return max((self._patience_with(known, now) for known in self._known.values()), default=0.0)

    def is_disputed(self, key: ApiKey, now: float) -> bool:
        """Whether replicas of the API seem to disagree about a refused key, so that it is worth another try."""
        known = self.get(key)
        return known is not None and known.outing_at is not None and self._patience_with(known, now) > 0

    def disputed_longest(self, now: float) -> ApiKey | None:
        """Of the disputed keys the one whose last refusal is longest ago: most likely replicas know it by now."""
        disputed = [known for known in self._known.values() if self.is_disputed(known.found.key, now)]
        return min(disputed, key=lambda known: known.refused_at).found.key if disputed else None

    def _patience_with(self, known: Known, now: float) -> float:
        # A key that has just followed another, some don't know yet; one that was accepted since, some still refuse.
        if now - max(known.rotated_in_at if known.refused else -math.inf, known.back_at) > MINUTE:
            return 0.0
        since = now if known.outing_at is None else known.outing_at
        return max(0.0, since + self.patience - now)

    def may_fetch(self, key: ApiKey, now: float) -> bool:
        """Whether a refusal of this key may ask the stores: once an interval, but a key refused anew earns its own.

        Where that key flaps, each fetch that finds nothing doubles the pause, so that it cannot hammer.
        """
        last = self._fruitless
        if self.struck(key) <= last.began:
            return self._has_passed(self.interval, now)
        flaps = last.in_a_row > 1 and self._was_back(key)
        return self._has_passed(FIRST_PAUSE * 2 ** (last.in_a_row - 2) if flaps else 0.0, now)

    def may_fetch_again(self, now: float) -> bool:
        """Whether a request that is patient may ask the stores once more: a second rotation may have followed.

        However many fetches have found nothing, it may do so within the time of its own patience.
        """
        return self._has_passed(min(FIRST_PAUSE * 2 ** max(0, self._fruitless.in_a_row - 1), self.patience / 2), now)

    def _has_passed(self, pause: float, now: float) -> bool:
        # Added, not subtracted: the difference of two times is rounded, and may miss by a hair.
        return now >= self._fruitless.ended + min(pause, self.interval)

    def _was_back(self, key: ApiKey) -> bool:
        known = self.get(key)
        return known is not None and known.back_at > -math.inf

    def fetch_was_fruitless(self, began: int, now: float) -> None:
        """A fetch for a rejection found nothing better.

        Args:
            began: The tick at which it began.
            now: The time.
        """
        in_a_row = 1 if now - self._fruitless.ended > MINUTE else min(self._fruitless.in_a_row + 1, 32)
        self._fruitless = _Fruitless(began, now, in_a_row)

    def fetch_was_fruitful(self) -> None:
        """A fetch brought another key."""
        self._fruitless = _Fruitless(self._fruitless.began, self._fruitless.ended, 0)
