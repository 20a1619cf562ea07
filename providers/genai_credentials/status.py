"""`Status`: what a `CredentialProvider` tells of itself, with nothing secret in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genai_credentials.chain import Attempt


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """One link of the chain: its name, what its last answer was, and how often it was asked."""

    provider: str
    outcome: str
    reason: str
    remedy: str
    calls: int

    @classmethod
    def of(cls, last: Attempt, calls: int) -> LinkStatus:
        """From what a link keeps."""
        reason = last.error.message if last.error else ""
        return cls(last.provider, last.outcome, reason, last.remedy, calls)


@dataclass(frozen=True, slots=True)
class Status:
    """A moment of a `CredentialProvider`.

    `state` is one of EMPTY, FRESH, STALE, FELL_BACK, REFUSED. `fingerprint`, `provider`, `version`, `age` and
    `next_refresh` (seconds) are None while there is no key. `counters` counts since the start: fetches, failures,
    rejections, rotations, fallbacks, paroles, replays.
    """

    state: str
    fingerprint: str | None
    provider: str | None
    version: str | None
    age: float | None
    next_refresh: float | None
    links: tuple[LinkStatus, ...]
    counters: Mapping[str, int]
