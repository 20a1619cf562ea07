"""`KeyState`: the state machine. It decides which key serves and when the next fetch is due. No I/O, threads or locks.

The states are derived from the fields (for a picture see docs/explanation/state-machine.md):

    EMPTY      there is no key, or the last key is too old to be served
    FRESH      the key is younger than its ttl
    STALE      the key is older than its ttl; it serves while a refresh runs or waits after a failure
    FELL_BACK  the API refused the new key; the key before it serves, and the new key is tried again later
    REFUSED    the serving key is in quarantine; each known key is tried before a request gives up (parole)

The caller holds a lock around each method, and passes the time in seconds. The state is consistent after each
assignment, so that a signal handler that raises in between does no harm.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection
from random import Random
from typing import NamedTuple

from genai_credentials.key import ApiKey
from genai_credentials.known_keys import Found, KnownKeys
from genai_credentials.notice import Notice
from genai_credentials.serving import NOTHING, Serving

FALL_BACK_WITHIN = 1_800.0
FIRST_TRIAL, LAST_TRIAL = 30.0, 600.0
FIRST_BACKOFF, LAST_BACKOFF = 1.0, 300.0
JITTER = 0.1


class _Trial(NamedTuple):
    found: Found
    at: float
    delay: float


class KeyState:
    """The state machine of one provider.

    Args:
        ttl: Seconds that a key is served before a refresh.
        max_stale: Seconds past `ttl` that a key is still served while refreshes fail.
        known: The known keys with the API's judgement of each.
        random: The source of random delays.
    """

    def __init__(self, *, ttl: float, max_stale: float, known: KnownKeys, random: Random) -> None:
        self.serving = NOTHING
        self.known = known
        self.notice = Notice(known.interval, random)
        self.counters: Counter[str] = Counter()
        self.changes: deque[tuple[ApiKey, ApiKey]] = deque()
        self.refresh_at = -math.inf
        self.retry_at = -math.inf
        self._ttl, self._max_stale = ttl, max_stale
        self.random = random
        self._failures = 0
        self._previous: tuple[Found, float] | None = None
        self._trial: _Trial | None = None
        self._earlier_asked: set[str] = set()
        self._outage = self._told = False

    # Queries

    def state(self, now: float) -> str:
        """The name of the state, as in the docstring of this module."""
        if not self.servable(now):
            return "EMPTY"
        if self.known.quarantined(self.serving.key):
            return "REFUSED"
        if self._trial and self._trial.at < math.inf:
            return "FELL_BACK"
        return "FRESH" if now < self.refresh_at else "STALE"

    def servable(self, now: float) -> bool:
        """Return whether there is a key that is not too old."""
        return now < self.serving.stale_at

    def refresh_due(self, now: float) -> bool:
        """Return whether a refresh or the fetch for a notification is due."""
        return now >= self.next_refresh_at

    @property
    def next_refresh_at(self) -> float:
        """The time of the next refresh or notified fetch, in seconds; minus infinity before the first fetch."""
        return min(max(self.refresh_at, self.retry_at), self.notice.at)

    def backs_off(self, now: float) -> bool:
        """Return whether the pause after a failed fetch is not over yet."""
        return now < min(self.retry_at, self.notice.at)

    @property
    def failing(self) -> bool:
        """Whether a fetch has failed since the last successful fetch."""
        return self._failures > 0

    def reach(self, links: int, now: float, *, for_rejection: bool) -> int:
        """The number of links that a fetch asks. A refresh never replaces a working key by a key of a lower link.

        Args:
            links: The number of links in the chain.
            now: The time in seconds.
            for_rejection: Whether a rejection caused the fetch.
        """
        works = self.servable(now) and not self.known.quarantined(self.serving.key)
        return self.serving.link + 1 if works and not for_rejection else links

    def worth_its_previous_version(self, rejected: ApiKey | None) -> bool:
        """Return whether to ask for the version before a refused key: once per key, while no key has worked yet."""
        if rejected is None or self.serving.link < 0 or self.known.ever_worked():
            return False
        first = rejected.fingerprint not in self._earlier_asked
        self._earlier_asked.add(rejected.fingerprint)
        return first

    # Changes

    def begin_trial(self, now: float) -> None:
        """Serve the refused new key again, if the time of its next trial has come."""
        if self._trial is None or now < self._trial.at:
            return
        trial, old = self._trial, Found(self.serving.key, self.serving.link)
        self._trial = trial._replace(at=math.inf)
        self.known.release(trial.found.key)
        self._previous = (old, now)
        self._serve(trial.found)

    def accepted(self, key: ApiKey, now: float, sent: int) -> bool:
        """Note that the API accepted a request with this key. Return whether that ends an outage of all keys.

        Args:
            key: The key of the request.
            now: The time in seconds.
            sent: The tick at which the request was sent.
        """
        if not self.known.accepted(key, now, sent):
            return False
        serving, known = self.serving.key, self.known.get(key)
        gone = serving is not None and self.known.quarantined(serving) and not self.known.is_disputed(serving, now)
        if known and gone and serving != key:
            self._switch(known.found)
        ended, self._outage, self._told = self._outage, False, False
        return ended

    def refused(self, key: ApiKey, now: float) -> bool:
        """Note that the API refused this key. Return False if the key was in quarantine already."""
        news = self.known.refused(key, now)
        self.counters["rejections"] += news
        return news

    def gave_up(self) -> bool:
        """Note that a request ends with the API's refusal. Return whether to log a warning: once per outage."""
        news, self._outage, self._told = not self._told, True, True
        return news

    def replacement(self, key: ApiKey, tried: Collection[str], now: float) -> ApiKey | None:
        """A key to try in place of the refused key, without a fetch: the serving key, or the key before it."""
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
        """A key that was refused earlier and is tried now, because there is no better key; None if there is none.

        The key serves from now on, with two exceptions: every key was refused since the API last accepted one, or
        servers of the API disagree about the serving key. Then the key is only lent to this request.

        Args:
            key: The key that was just refused.
            tried: Fingerprints of all keys with which the same request was refused. If empty, a key that was refused
                at this very time counts as one of them.
            now: The time in seconds.
        """
        for found in self.known.newest_first():
            other, known = found.key, self.known.get(found.key)
            if other == key or other.fingerprint in tried or (not tried and known and known.refused_at >= now):
                continue
            if not self.known.all_refused() and not self.known.is_disputed(self.serving.key, now):
                self.known.release(other)
                self._switch(found)
                self.counters["paroles"] += 1
            return other
        return None

    def another_try(self, now: float) -> ApiKey:
        """The key for the next try after a pause: the serving key; if it is refused, the key refused longest ago.

        After this key, a request tries only a few more keys, the newest first.
        """
        current = self.serving.key
        if current is not None and not self.known.quarantined(current):
            return current
        return self.known.disputed_longest(now) or current

    def landed(self, found: Found | None, passed_over: list[Found], now: float, *, for_rejection: int | None) -> None:
        """Note the result of a fetch.

        Args:
            found: The first key that isn't in quarantine; None if there is none.
            passed_over: The keys in quarantine, in the order of the chain.
            now: The time in seconds.
            for_rejection: The tick at which the fetch began, if a rejection caused it; else None.
        """
        if found and self.known.quarantined(found.key):
            # The API refused this key while the fetch ran. The fetch must not bring it back.
            passed_over, found = [found, *passed_over], None
        if found is None and passed_over and not self.servable(now):
            # There is nothing else to serve: a key in quarantine is better than no key.
            found = passed_over[0]
            self.known.release(found.key)
        if found:
            self._adopt(found, now)
        elif any(other.link == self.serving.link for other in passed_over):
            # The store answered, with a refused key only. The serving key counts as fetched again.
            self._renew(now)
        elif for_rejection is None:
            self._failed(now)
        if for_rejection is not None and not found:
            self.known.fetch_was_fruitless(for_rejection, now)
            if not self.servable(now):
                self._failed(now)

    def serve_on(self) -> None:
        """Serve the same key, with a new time for the next fetch."""
        if self.serving.key is not None:
            self._serve(Found(self.serving.key, self.serving.link))

    def drop(self) -> None:
        """Forget the serving key."""
        self.serving = NOTHING

    # Steps

    def _untried(self, key: ApiKey, tried: Collection[str]) -> bool:
        return key.fingerprint not in tried and not self.known.quarantined(key)

    def _adopt(self, found: Found, now: float) -> None:
        current = self.serving
        if current.key is not None and current.key != found.key:
            worked = not self.known.quarantined(current.key) and self.servable(now)
            self._previous = (Found(current.key, current.link), now) if worked else None
            self.known.remember(Found(current.key, current.link)).worked |= worked
            self.known.remember(found).rotated_in_at = now
            self.known.fetch_was_fruitful()
            self._trial, self._told = None, False
        self._switch(found)
        self._renew(now)

    def _switch(self, found: Found) -> None:
        if self.serving.key is not None and self.serving.key != found.key:
            self.known.remember(Found(self.serving.key, self.serving.link))
        self.known.remember(found)
        self._serve(found)

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
        self.refresh_at = now + self._ttl * self.random.uniform(1 - JITTER, 1 + JITTER)
        self._serve(Found(self.serving.key, self.serving.link), now + self._ttl + self._max_stale)

    def _failed(self, now: float) -> None:
        delay = min(LAST_BACKOFF, FIRST_BACKOFF * 2**self._failures)
        self._failures = min(self._failures + 1, 32)
        self.retry_at = now + delay * self.random.uniform(1 - JITTER, 1 + JITTER)
        self.counters["failures"] += 1
        self.serve_on()

    def _serve(self, found: Found, stale_at: float | None = None) -> None:
        before = self.serving.key
        stale_at = self.serving.stale_at if stale_at is None else stale_at
        trial_at = self._trial.at if self._trial else math.inf
        due_at = min(self.next_refresh_at, trial_at, stale_at)
        self.serving = Serving(found, due_at, stale_at, self.known.clock)
        if before is not None and before != found.key:
            self.counters["rotations"] += 1
            self.changes.append((found.key, before))
