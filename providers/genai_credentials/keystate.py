"""`KeyState`: which key is served, and when to look for another. The state machine, without I/O, threads or locks.

Its states, each derived from what it holds (the picture is in docs/explanation/state-machine.md):

    EMPTY      no key yet, or the last one is too old to be served
    FRESH      a key within its ttl
    STALE      past its ttl, and served while a refresh runs or backs off
    FELL_BACK  the fresh key was refused, so the one before it serves; the fresh one goes on trial again later
    REFUSED    each known key is in quarantine: each of them is worth a try before giving up (parole)

The caller holds a lock around every method, and asks with the time in seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection
from random import Random
from typing import NamedTuple

from cachetools import TTLCache

from genai_credentials.key import ApiKey

DAY = 86_400.0
FALL_BACK_WITHIN = 1_800.0
FIRST_TRIAL, LAST_TRIAL = 30.0, 600.0
FIRST_BACKOFF, LAST_BACKOFF = 1.0, 300.0
JITTER = 0.1


class Found(NamedTuple):
    """A key, and the number of the link that served it."""

    key: ApiKey
    link: int


class Serving:
    """What callers read without a lock: the key, its text, and when to look closer."""

    __slots__ = ("key", "link", "look_at", "stale_at", "text")

    def __init__(self, found: Found | None, look_at: float, stale_at: float) -> None:
        self.key: ApiKey = found.key if found else None  # type: ignore[assignment]
        self.text = found.key.get_secret_value() if found else ""
        self.link = found.link if found else -1
        self.look_at = look_at
        self.stale_at = stale_at


NOTHING = Serving(None, -math.inf, -math.inf)


class _Known:
    """A key that was served, and what became of it."""

    __slots__ = ("found", "refused_at", "worked")

    def __init__(self, found: Found) -> None:
        self.found = found
        self.refused_at = -math.inf
        self.worked = False


class _Trial(NamedTuple):
    found: Found
    at: float
    delay: float


class KeyState:
    """Which key is served.

    Args:
        ttl: Seconds a key is served before a refresh.
        max_stale: Seconds past that it is still served while refreshes fail.
        min_refresh_interval: Seconds between two fetches that rejections cause and that find nothing better.
        clock: Seconds that only grow.
        random: The source of jitter.
    """

    def __init__(
        self, *, ttl: float, max_stale: float, min_refresh_interval: float, clock: Callable[[], float], random: Random
    ) -> None:
        self.serving = NOTHING
        self.counters: Counter[str] = Counter()
        self.refresh_at = -math.inf
        self.retry_at = -math.inf
        self._ttl, self._max_stale, self._interval = ttl, max_stale, min_refresh_interval
        self._random = random
        self._known: TTLCache[str, _Known] = TTLCache(maxsize=8, ttl=DAY, timer=clock)
        self._quarantine: TTLCache[str, int] = TTLCache(maxsize=64, ttl=DAY, timer=clock)
        self._events = 0
        self._failures = 0
        self._rejection_fetch_at = -math.inf
        self._previous: tuple[Found, float] | None = None
        self._trial: _Trial | None = None

    # What is so

    def state(self, now: float) -> str:
        """The state's name, as in this module's docstring."""
        if not self.servable(now):
            return "EMPTY"
        if self.quarantined(self.serving.key):
            return "REFUSED"
        if self._trial and self._trial.at < math.inf:
            return "FELL_BACK"
        return "FRESH" if now < self.refresh_at else "STALE"

    def servable(self, now: float) -> bool:
        """Whether there is a key that is not too old."""
        return now < self.serving.stale_at

    def refresh_due(self, now: float) -> bool:
        """Whether the key is past its ttl and no failure keeps us from asking for another."""
        return now >= max(self.refresh_at, self.retry_at)

    @property
    def failing(self) -> bool:
        """Whether the last scheduled fetch failed."""
        return self._failures > 0

    def quarantined(self, key: ApiKey) -> bool:
        """Whether the API refused this key, and nothing spoke for it since."""
        return key.fingerprint in self._quarantine

    def struck(self, key: ApiKey) -> int:
        """The number of the event at which this key went into quarantine: only a later fetch answers it."""
        return self._quarantine.get(key.fingerprint, self._events)

    def may_fetch_for_rejection(self, now: float) -> bool:
        """Whether `min_refresh_interval` has passed since a rejection whose fetch found nothing better."""
        return now >= self._rejection_fetch_at

    def ever_worked(self) -> bool:
        """Whether any key so far is known to have been accepted."""
        return any(known.worked for known in self._all_known())

    # What happens

    def event(self) -> int:
        """Number the next thing that happens, so that what came first is known."""
        self._events += 1
        return self._events

    def begin_trial(self, now: float) -> None:
        """Give the fresh key that was refused another try, if its time has come."""
        if self._trial is None or now < self._trial.at:
            return
        trial, old = self._trial, Found(self.serving.key, self.serving.link)
        self._trial = trial._replace(at=math.inf)
        self._quarantine.pop(trial.found.key.fingerprint, None)
        self._previous = (old, now)
        self._serve(trial.found)

    def accepted(self, key: ApiKey) -> None:
        """The API accepted a request with this key."""
        if known := self._known.get(key.fingerprint):
            known.worked = True

    def refused(self, key: ApiKey, now: float) -> bool:
        """The API refused this key. True when that is news: one strike an outing, however many requests it met."""
        if known := self._known.get(key.fingerprint):
            known.refused_at = now
        if self.quarantined(key):
            return False
        self._quarantine[key.fingerprint] = self.event()
        self.counters["rejections"] += 1
        return True

    def replacement(self, key: ApiKey, tried: Collection[str], now: float) -> ApiKey | None:
        """A key worth trying in place of the refused one, without a fetch: the current one, or the one before it."""
        current = self.serving.key
        if current is None:
            return None
        if current != key and self._untried(current, tried):
            return current
        if self._previous and current == key:
            found, replaced_at = self._previous
            if self._untried(found.key, tried) and now - replaced_at <= FALL_BACK_WITHIN:
                self._fall_back(found, now)
                return found.key
        return None

    def parole(self, key: ApiKey, tried: Collection[str], now: float) -> ApiKey | None:
        """A key that was refused earlier and is worth a try now, since no better one is known; None if there is none.

        Args:
            key: The key just refused.
            tried: Fingerprints that the same request was refused with. When empty, a key refused at this very instant
                is taken to be one of them.
            now: The time.
        """
        for known in sorted(self._all_known(), key=lambda known: known.found.key.fetched_at, reverse=True):
            other = known.found.key
            if other == key or other.fingerprint in tried or (not tried and known.refused_at >= now):
                continue
            self._quarantine.pop(other.fingerprint, None)
            self._switch(known.found)
            self.counters["paroles"] += 1
            return other
        return None

    def landed(self, found: Found | None, passed_over: list[Found], now: float, *, for_rejection: bool) -> None:
        """A fetch ended.

        Args:
            found: The first key that isn't in quarantine; None when there was none.
            passed_over: Keys that were, in the chain's order.
            now: The time.
            for_rejection: Whether a rejection had asked for it.
        """
        if found and self.quarantined(found.key):
            # Refused while the fetch was under way: it must not come back by it.
            passed_over, found = [found, *passed_over], None
        if found is None and passed_over and not self.servable(now):
            # Quarantine only orders: with nothing else to serve, a key refused earlier is better than none.
            found = passed_over[0]
            self._quarantine.pop(found.key.fingerprint, None)
        if found:
            self._adopt(found, now)
        elif any(other.link == self.serving.link for other in passed_over):
            # The store was reached, and has only what was refused: the current key stays, as if it had been fetched.
            self._renew(now)
        elif not for_rejection:
            self._failed(now)
        if for_rejection and not found:
            self._rejection_fetch_at = now + self._interval
            if not self.servable(now):
                self._failed(now)

    def drop(self) -> None:
        """Forget the key that is served."""
        self.serving = NOTHING

    # How

    def _untried(self, key: ApiKey, tried: Collection[str]) -> bool:
        return key.fingerprint not in tried and not self.quarantined(key)

    def _adopt(self, found: Found, now: float) -> None:
        current = self.serving
        if current.key is not None and current.key != found.key:
            worked = not self.quarantined(current.key) and self.servable(now)
            self._previous = (Found(current.key, current.link), now) if worked else None
            if worked:
                self.accepted(current.key)
            self._trial = None
        self._switch(found)
        self._renew(now)

    def _switch(self, found: Found) -> None:
        if self.serving.key is not None and self.serving.key != found.key:
            self.counters["rotations"] += 1
            self._remember(Found(self.serving.key, self.serving.link))
        self._remember(found)
        self._serve(found)

    def _remember(self, found: Found) -> None:
        fingerprint = found.key.fingerprint
        # Put back even when it is there: a key is known for a day from when it was last of use.
        self._known[fingerprint] = self._known.get(fingerprint) or _Known(found)

    def _all_known(self) -> list[_Known]:
        found = (self._known.get(fingerprint) for fingerprint in list(self._known))
        return [known for known in found if known is not None]

    def _fall_back(self, found: Found, now: float) -> None:
        refused = Found(self.serving.key, self.serving.link)
        delay = FIRST_TRIAL
        if self._trial and self._trial.found.key == refused.key:
            delay = min(LAST_TRIAL, self._trial.delay * 2)
        self._trial = _Trial(refused, now + delay, delay)
        self._previous = None
        self.counters["fallbacks"] += 1
        self._serve(found)

    def _renew(self, now: float) -> None:
        self._failures, self.retry_at = 0, -math.inf
        self.refresh_at = now + self._ttl * self._random.uniform(1 - JITTER, 1 + JITTER)
        self._serve(Found(self.serving.key, self.serving.link), now + self._ttl + self._max_stale)

    def _failed(self, now: float) -> None:
        delay = min(LAST_BACKOFF, FIRST_BACKOFF * 2**self._failures)
        self._failures = min(self._failures + 1, 32)
        self.retry_at = now + delay * self._random.uniform(1 - JITTER, 1 + JITTER)
        self.counters["failures"] += 1
        if self.serving.key is not None:
            self._serve(Found(self.serving.key, self.serving.link))

    def _serve(self, found: Found, stale_at: float | None = None) -> None:
        stale_at = self.serving.stale_at if stale_at is None else stale_at
        trial_at = self._trial.at if self._trial else math.inf
        look_at = min(max(self.refresh_at, self.retry_at), trial_at, stale_at)
        self.serving = Serving(found, look_at, stale_at)
