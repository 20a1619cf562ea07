"""One process of the simulated fleet: the real state machine, on a clock that the simulation turns."""

from __future__ import annotations

import math
from array import array
from random import Random
from typing import NamedTuple

from genai_credentials import ApiKey
from genai_credentials.keystate import KeyState
from genai_credentials.known import Found, KnownKeys
from genai_credentials.testing import FakeClock

DAY = 86_400
HOUR = 3_600.0
TTL = 300.0
FETCH = 0.1
REQUESTS_A_SECOND = 1.0
STARTED_WITHIN = 10.0
STORED = tuple(hour * HOUR + 137.0 for hour in (3, 9, 15, 21))
"""Not a multiple of `TTL` after the start: who polls is then at a random place of its period, as in life."""
DIES_AFTER = (0.5 * HOUR, 0.0, 0.5 * HOUR, 0.0)
"""Seconds from a new key's arrival in the store to the old one's death: two with an overlap, two at once."""


class Day(NamedTuple):
    """What one or more processes did in a day.

    Args:
        scheduled: Fetches in each second that a life's end caused, and the first.
        rejected: Fetches in each second that a refusal caused.
        adopted: For each rotation, seconds from the new key's arrival until the last process had it.
        failed: Requests that a caller saw fail.
    """

    scheduled: array[int]
    rejected: array[int]
    adopted: list[float]
    failed: float


class Still(Random):
    """No jitter: the middle of every range."""

    def uniform(self, a: float, b: float) -> float:
        """The middle."""
        return (a + b) / 2


def no_day() -> Day:
    """A day on which nothing happened yet."""
    zeros = array("l", bytes(8 * (DAY + 600)))
    return Day(zeros, zeros[:], [0.0] * len(STORED), 0.0)


KEYS = [ApiKey(f"AIzaRotation{number}", provider="store") for number in range(len(STORED) + 1)]
DEATHS = [stored + after for stored, after in zip(STORED, DIES_AFTER, strict=True)] + [math.inf]
INDEX = {key.fingerprint: number for number, key in enumerate(KEYS)}


def newest(at: float) -> ApiKey:
    """The key in the store."""
    return KEYS[sum(at >= stored for stored in STORED)]


def with_jitter(number: int, day: Day) -> float:
    """A process of ours."""
    return _ours(number, day, Random(number))


def without_jitter(number: int, day: Day) -> float:
    """A process of ours whose refreshes are not jittered."""
    return _ours(number, day, Still(number))


def _ours(number: int, day: Day, jitter: Random) -> float:
    clock, traffic = FakeClock(Random(f"start {number}").uniform(0.0, STARTED_WITHIN)), Random(f"traffic {number}")
    known = KnownKeys(interval=5.0, patience=3.0, clock=clock)
    rotation = KeyState(ttl=TTL, max_stale=86_400.0, known=known, random=jitter)
    _fetch(rotation, clock, day.scheduled, day)
    while True:
        key = rotation.serving.key
        # A key is looked at when a request comes: the next after it is due, or after the API stopped taking it.
        due, dead = max(rotation.refresh_at, rotation.retry_at), DEATHS[INDEX[key.fingerprint]]
        clock.now = max(clock.now, min(due, dead)) + traffic.expovariate(REQUESTS_A_SECOND)
        if clock.now >= DAY:
            return 0.0
        if clock.now < dead:
            rotation.accepted(key, clock.now, known.now)
            _fetch(rotation, clock, day.scheduled, day)
            continue
        rotation.refused(key, clock.now)
        other = rotation.replacement(key, {key.fingerprint}, clock.now)
        if other is None and known.may_fetch(key, clock.now):
            _fetch(rotation, clock, day.rejected, day, for_rejection=known.tick())


def _fetch(
    rotation: KeyState, clock: FakeClock, calls: array[int], day: Day, *, for_rejection: int | None = None
) -> None:
    calls[int(clock.now)] += 1
    before, found = rotation.serving.key, Found(newest(clock.now), 0)
    clock.now += FETCH
    rotation.landed(found, [], clock.now, for_rejection=for_rejection)
    if before is not None and rotation.serving.key != before:
        _adopted(day, INDEX[rotation.serving.key.fingerprint], clock.now)


def _adopted(day: Day, index: int, now: float) -> None:
    day.adopted[index - 1] = max(day.adopted[index - 1], now - STORED[index - 1])


def polling(number: int, day: Day) -> float:
    """A process that reads the secret every `TTL` seconds and knows nothing of refusals."""
    now, have, failed = Random(f"start {number}").uniform(0.0, STARTED_WITHIN), -1, 0.0
    while now < DAY:
        day.scheduled[int(now)] += 1
        found = INDEX[newest(now).fingerprint]
        if have not in (-1, found):
            failed += max(0.0, now - DEATHS[have]) * REQUESTS_A_SECOND
            _adopted(day, found, now + FETCH)
        have, now = found, now + TTL
    return failed


KINDS = {
    "ours": with_jitter,
    "ours without jitter": without_jitter,
    "polling every 300 s": polling,
}


def simulate(kind: str, numbers: range) -> Day:
    """So many processes' day."""
    day = no_day()
    failed = sum(KINDS[kind](number, day) for number in numbers)
    return day._replace(failed=failed)


def together(one: Day, other: Day) -> Day:
    """Two parts of a fleet as one."""
    return Day(
        array("l", map(sum, zip(one.scheduled, other.scheduled, strict=True))),
        array("l", map(sum, zip(one.rejected, other.rejected, strict=True))),
        [max(pair) for pair in zip(one.adopted, other.adopted, strict=True)],
        one.failed + other.failed,
    )
