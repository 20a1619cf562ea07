"""`exchange`: the rules for the keys of one request, and for how often it is sent. It does no I/O.

A driver is a loop of three steps: advance to the next key, send the request, judge the answer. It sends the verdict on
the answer to the generator. None means that the answer says nothing about this key.
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
from genai_credentials.known_keys import FIRST_PAUSE
from genai_credentials.rejection import Verdict

API_KEY_HEADER = "x-goog-api-key"

MOST_SENDS = 3
"""The most keys that are tried in a row.

Three are necessary if the environment and a file hold a revoked key each, and a store holds a good key.
"""

MOST_IN_ALL = 18
"""The most sends of one request. httpx counts each send as a redirect and raises TooManyRedirects after 20."""

T = TypeVar("T", str, bytes)

# As text for aiohttp, and as bytes for httpx. httpx decodes all headers at the first access to the text of a header.
PLACEHOLDERS: Container[str | bytes] = (PLACEHOLDER, PLACEHOLDER.encode())

Exchange: TypeAlias = Generator["Wait | ApiKey", "Verdict | None", None]


def always() -> bool:
    """Always True, for a request whose body is completely in memory."""
    return True


def exchange(engine: Engine, *, replayable: Callable[[], bool] = always, seconds: float | None = None) -> Exchange:
    """Yield each key to send the request with, and receive the verdict on each answer.

    Between two keys it yields a `Wait` for a fetch or a pause. `advance` and `aadvance` wait for it.

    Args:
        engine: The engine whose keys are used.
        replayable: Returns whether the request can be sent again. Called after a refusal. A body that isn't in memory
            is gone after it was sent.
        seconds: The request's own timeout in seconds. The request never waits longer than that for another key. None
            means no limit.
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
    """The next key to send the request with; None if the last answer is final. Waits for the key in this thread.

    Args:
        steps: The exchange of the request.
        verdict: The verdict on the last answer; None if there is no answer yet, or if it says nothing about the key.
    """
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
    """The timeout that the SDK sends to the API with a request, minus 10 %, in seconds; None if it sends none.

    With 10 % less, the API's answer ends the request before the client's timer does.
    """
    try:
        return float(headers["X-Server-Timeout"]) * 0.9
    except (KeyError, ValueError):
        return None


class Claim(Enum):
    """The kind of a request, by the keys in its headers and by its origin."""

    NONE = "no placeholder: the request is left alone"
    OURS = "the placeholder, to a home origin: the request gets the current key"
    THEIRS = "the caller's own key beside the placeholder, in another spelling: the request keeps the caller's key"
    FOREIGN = "the placeholder, to another origin: the request goes without a key"


def claim(
    values: Sequence[str | bytes], placeholders: Container[str | bytes] = PLACEHOLDERS, *, is_home: bool
) -> Claim:
    """The rule for which requests get the key: requests that carry the placeholder and go to a home origin.

    Args:
        values: The values of all headers with the key's name, in any spelling.
        placeholders: The values that stand for a key.
        is_home: Whether the request goes to an origin that may receive the key.
    """
    others = [value for value in values if value not in placeholders]
    if len(others) == len(values):
        return Claim.NONE
    if others:
        return Claim.THEIRS
    return Claim.OURS if is_home else Claim.FOREIGN


def own_key(values: Sequence[T], placeholders: Container[str | bytes] = PLACEHOLDERS) -> T:
    """The caller's own key among the values of `Claim.THEIRS`."""
    return next(value for value in values if value not in placeholders)
