"""One process of the simulated fleet: the real state machine, on a clock that the simulation turns."""

from __future__ import annotations

import functools
import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple

from genai_credentials import ApiKey
from genai_credentials.keystate import KeyState
from genai_credentials.known_keys import Found, KnownKeys
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

LOST = 0.01
"""The part of the notifications that never arrive; of the others, one to three copies do."""
LONGEST = 600
"""Seconds after a rotation at whose end every process has the new key."""


class Day(NamedTuple):
    """What one or more processes did in a day.

    Args:
        scheduled: Fetches in each second that a life's end caused, and the first.
        rejected: Fetches in each second that a refusal caused.
        adopted: For each rotation, how many processes had the new key in each second after its arrival.
        failed: Requests that a caller saw fail.
    """

    scheduled: array[int]
    rejected: array[int]
    adopted: list[array[int]]
    failed: float


class Still(Random):
    """No jitter: the middle of every range."""

    def uniform(self, a: float, b: float) -> float:
        """The middle."""
        return (a + b) / 2


def no_day() -> Day:
    """A day on which nothing happened yet."""
    zeros = array("l", bytes(8 * (DAY + 600)))
    return Day(zeros, zeros[:], [array("l", bytes(8 * LONGEST)) for _ in STORED], 0.0)


def seconds_until(adopted: array[int], part: float = 1.0) -> int:
    """Seconds after a key's arrival until this part of the processes had it; 0 where none was there."""
    wanted, so_far = part * sum(adopted), 0
    for second, count in enumerate(adopted, 1):
        so_far += count
        if so_far >= wanted > 0:
            return second
    return 0


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


def told(within: float, number: int, day: Day) -> float:
    """A process of ours that a broker tells of each new key."""
    return _ours(number, day, Random(number), within, _messages(number))


def _messages(number: int) -> Iterator[float]:
    """When messages reach a process: in any order, some often, and some never."""
    dice = Random(f"messages {number}")
    for stored in STORED:
        copies = 0 if dice.random() < LOST else dice.randint(1, 3)
        yield from sorted(stored + dice.expovariate(2.0) for _ in range(copies))


def _ours(number: int, day: Day, jitter: Random, within: float = 0.0, messages: Iterable[float] = ()) -> float:
    clock, traffic = FakeClock(Random(f"start {number}").uniform(0.0, STARTED_WITHIN)), Random(f"traffic {number}")
    known = KnownKeys(interval=5.0, patience=3.0, clock=clock)
    rotation = KeyState(ttl=TTL, max_stale=86_400.0, known=known, random=jitter)
    coming = iter(messages)
    message = next(coming, math.inf)
    _fetch(rotation, clock, day.scheduled, day)
    while True:
        key = rotation.serving.key
        # A key is looked at when a request comes: the next after it is due, or after the API stopped taking it.
        due, dead = max(rotation.refresh_at, rotation.retry_at), DEATHS[INDEX[key.fingerprint]]
        request = max(clock.now, min(due, dead)) + traffic.expovariate(REQUESTS_A_SECOND)
        clock.now = max(clock.now, min(request, message, rotation.notice.at))
        if clock.now >= DAY:
            return 0.0
        if message <= clock.now:
            rotation.notice.arrange(known.tick(), clock.now, within)
            message = next(coming, math.inf)
        elif clock.now < request:
            _fetch(rotation, clock, day.scheduled, day)
        elif clock.now < dead:
            rotation.accepted(key, clock.now, known.now)
            _fetch(rotation, clock, day.scheduled, day)
        else:
            _refused(rotation, key, clock, day)


def _refused(rotation: KeyState, key: ApiKey, clock: FakeClock, day: Day) -> None:
    rotation.refused(key, clock.now)
    other = rotation.replacement(key, {key.fingerprint}, clock.now)
    if other is None and rotation.known.may_fetch(key, clock.now):
        _fetch(rotation, clock, day.rejected, day, for_rejection=True)


def _fetch(rotation: KeyState, clock: FakeClock, calls: array[int], day: Day, *, for_rejection: bool = False) -> None:
    calls[int(clock.now)] += 1
    before, found, began = rotation.serving.key, Found(newest(clock.now), 0), rotation.known.tick()
    rotation.notice.begun()
    clock.now += FETCH
    rotation.landed(found, [], clock.now, for_rejection=began if for_rejection else None)
    rotation.notice.landed(began, clock.now, reached=True)
    if before is not None and rotation.serving.key != before:
        _adopted(day, INDEX[rotation.serving.key.fingerprint], clock.now)


def _adopted(day: Day, index: int, now: float) -> None:
    day.adopted[index - 1][int(now - STORED[index - 1])] += 1


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


KINDS: dict[str, Callable[[int, Day], float]] = {
    "ours": with_jitter,
    "ours without jitter": without_jitter,
    "polling every 300 s": polling,
}
TOLD = {f"ours, told, within {within} s": within for within in (10, 30, 60)}
KINDS |= {kind: functools.partial(told, within) for kind, within in TOLD.items()}


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
        [array("l", map(sum, zip(*pair, strict=True))) for pair in zip(one.adopted, other.adopted, strict=True)],
        one.failed + other.failed,
    )
