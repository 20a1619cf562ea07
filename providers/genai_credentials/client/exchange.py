"""`exchange`: one request's life, told once for every wire: which keys it is sent with, and how often. No I/O.

A driver is a loop of three lines: advance to the next key, send, judge. It sends what the answer says of the key to the
generator; None says that the answer was none to this key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Generator, Mapping, Sequence
from enum import Enum
from itertools import count
from typing import TypeAlias, TypeVar

from genai_credentials.engine import Engine
from genai_credentials.flight import Wait
from genai_credentials.key import PLACEHOLDER, ApiKey
from genai_credentials.known import FIRST_PAUSE
from genai_credentials.rejection import Verdict

API_KEY_HEADER = "x-goog-api-key"

MOST_SENDS = 3
"""A revoked key in the environment, a revoked one in a file and a good one in a store need three."""

MOST_IN_ALL = 18
"""httpx counts each of these sends as a redirect, and raises TooManyRedirects after 20."""

T = TypeVar("T", str, bytes)

# As text for aiohttp, and as bytes for httpx: there the first look at the text of a header decodes all of them.
PLACEHOLDERS: Container[str | bytes] = (PLACEHOLDER, PLACEHOLDER.encode())

Exchange: TypeAlias = Generator["Wait | ApiKey", "Verdict | None", None]


def always() -> bool:
    """For a request that is in memory as a whole."""
    return True


def exchange(engine: Engine, *, replayable: Callable[[], bool] = always, seconds: float | None = None) -> Exchange:
    """Yields each key to send the request with, and is sent what the answer says of it.

    Between two keys it yields what it has to wait for; `advance` and `aadvance` see to that.

    Args:
        engine: Whose keys they are.
        replayable: Whether the request can be sent again, asked once it is refused: a body that isn't in memory is
            gone once it is sent.
        seconds: The request's own timeout: it never waits longer for another key. None for no limit.
    """
    until = None if seconds is None else time.monotonic() + seconds
    key = engine.fresh() or (yield from engine.get_steps(until))
    tried: set[str] = set()
    pause, refused_at = FIRST_PAUSE, 0.0
    for sends in count(1):
        sent = engine.tick
        verdict = yield key
        if verdict is None:
            return
        if not verdict.rejected:
            return engine.judged(key, verdict, sent)
        tried.add(key.fingerprint)
        refused_at = refused_at or time.monotonic()
        other = yield from engine.reject_steps(key, tried, until)
        if not replayable():
            return None
        if sends == MOST_IN_ALL:
            return engine.gave_up(key)
        if other is None or len(tried) >= MOST_SENDS:
            other = yield from engine.another_try_steps(key, refused_at, pause, until)
            tried, pause = set(), pause * 2
        if other is None:
            return engine.gave_up(key)
        engine.replaying(other)
        key = other


def advance(steps: Exchange, verdict: Verdict | None = None) -> ApiKey | None:
    """The key to send the request with next, waiting for it in this thread; None when the last answer stands."""
    try:
        step = steps.send(verdict)
        while isinstance(step, Wait):
            step.landing.wait(step.seconds)
            step = next(steps)
    except StopIteration:
        return None
    return step


async def aadvance(steps: Exchange, verdict: Verdict | None = None) -> ApiKey | None:
    """`advance` without blocking the running event loop."""
    try:
        step = steps.send(verdict)
        while isinstance(step, Wait):
            await step.landing.await_(step.seconds)
            step = next(steps)
    except StopIteration:
        return None
    return step


def server_timeout(headers: Mapping[str, str]) -> float | None:
    """A request's own timeout in seconds, as the SDK says it to the API; None where it says none.

    A little less, so that the API's answer ends the request, and not the client's timer.
    """
    try:
        return float(headers["X-Server-Timeout"]) * 0.9
    except (KeyError, ValueError):
        return None


class Claim(Enum):
    """Whose key a request carries, and so what is to become of it."""

    NONE = "no placeholder: whatever it carries is none of ours"
    OURS = "the placeholder, on its way home: it gets the current key"
    THEIRS = "a key of the caller's own beside the placeholder, in another spelling: it keeps that one"
    FOREIGN = "the placeholder, on its way elsewhere: it goes without a key"


def claim(
    values: Sequence[str | bytes], placeholders: Container[str | bytes] = PLACEHOLDERS, *, is_home: bool
) -> Claim:
    """The one rule for who may have the key: what carries the placeholder, and goes home.

    Args:
        values: The values of every header with the key's name, in any spelling.
        placeholders: Which of them stand for a key.
        is_home: Whether the request goes to an origin that may have the key.
    """
    others = [value for value in values if value not in placeholders]
    if len(others) == len(values):
        return Claim.NONE
    if others:
        return Claim.THEIRS
    return Claim.OURS if is_home else Claim.FOREIGN


def own_key(values: Sequence[T], placeholders: Container[str | bytes] = PLACEHOLDERS) -> T:
    """The key of the caller's own among the values of `Claim.THEIRS`."""
    return next(value for value in values if value not in placeholders)
