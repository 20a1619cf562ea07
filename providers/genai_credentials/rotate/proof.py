"""Proves a key live: the API accepts it several times over a while, each time on a fresh connection."""

from __future__ import annotations

import time
from collections.abc import Callable

from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.rejection import Verdict

TIMES = 3
"""How often it has to be accepted: a new key is not live on all of Google's servers at once."""

_LONGEST_PAUSE, _FIRST_PAUSE, _ANSWER_WITHIN = 5.0, 0.25, 10.0

LIVE_ELSEWHERE = frozenset(
    f"API_KEY_{what}_BLOCKED" for what in ("HTTP_REFERRER", "IP_ADDRESS", "ANDROID_APP", "IOS_APP")
)
"""Refusals of the caller's place: the key is live, and has its predecessor's restrictions."""


class Unproven(CredentialsError):
    """A key was not accepted often enough in time."""

    stored: str | None = None
    """Never: only a proven key is stored."""


class Tally:
    """How often in a row a key was accepted, and for how long.

    Args:
        prove_for: Seconds over which it must be accepted.
    """

    def __init__(self, prove_for: float) -> None:
        self.accepted = 0
        self._prove_for = prove_for
        self._first = self._last = 0.0
        self._pause = _FIRST_PAUSE

    @property
    def proven(self) -> bool:
        """Whether it was accepted often enough, over long enough."""
        return self.accepted >= TIMES and self._last - self._first >= self._prove_for

    def count(self, verdict: Verdict, moment: float) -> float:
        """Count an answer that came at this moment; the seconds until the next question."""
        if is_live(verdict):
            self._first = moment if self.accepted == 0 else self._first
            self.accepted, self._last, self._pause = self.accepted + 1, moment, _FIRST_PAUSE
            return min(_LONGEST_PAUSE, self._prove_for / (TIMES - 1))
        if verdict.rejected:
            self.accepted = 0
        pause, self._pause = self._pause, min(_LONGEST_PAUSE, self._pause * 2)
        return pause


def prove(
    key: ApiKey,
    *,
    base_url: str | None,
    prove_for: float,
    timeout: float,
    tell: Callable[[str], object],
    is_gone: Callable[[], bool],
) -> None:
    """Wait until the key is proven live.

    Args:
        key: The key.
        base_url: The API to prove it at; None means the SDK's own.
        prove_for: Seconds over which it must be accepted.
        timeout: Seconds after which it is given up.
        tell: Hears how it stands.
        is_gone: Whether the key was deleted meanwhile; asked when it is refused.

    Raises:
        Unproven: It was not accepted often enough in time.
    """
    give_up, tally = time.monotonic() + timeout, Tally(prove_for)
    while True:
        left = give_up - time.monotonic()
        verdict = _ask(key, base_url, max(0.1, min(_ANSWER_WITHIN, left)))
        pause = tally.count(verdict, time.monotonic())
        if tally.proven:
            return
        tell(f"Proving the key {key.fingerprint}: accepted {tally.accepted} of {TIMES} times{_unless_live(verdict)}.")
        if verdict.rejected and is_gone():
            raise Unproven(f"The key {key.fingerprint} was deleted while it was proven.", remedy="Run the same again.")
        if time.monotonic() + pause > give_up:
            raise _given_up(key, verdict, timeout)
        time.sleep(pause)


def _ask(key: ApiKey, base_url: str | None, timeout: float) -> Verdict:
    # The SDK, which it needs, is loaded only by those who prove a key.
    from genai_credentials.client import probe

    try:
        return probe.ask(key, base_url=base_url, timeout=timeout)
    except CredentialsError as error:
        # No answer judges the key.
        return Verdict(False, type(error).__name__, error.remedy)


def is_live(verdict: Verdict) -> bool:
    """Whether an answer shows that the key is live."""
    return verdict.accepted or verdict.cause in LIVE_ELSEWHERE


def _unless_live(verdict: Verdict) -> str:
    return "" if is_live(verdict) else f"; now {_said(verdict)}"


def _said(verdict: Verdict) -> str:
    cause = f" ({verdict.cause})" if verdict.cause else ""
    kind = "accepted" if is_live(verdict) else "refused" if verdict.rejected else "an answer that does not judge it"
    return f"{kind}{cause}"


def _given_up(key: ApiKey, last: Verdict, timeout: float) -> Unproven:
    return Unproven(
        f"The key {key.fingerprint} was not accepted {TIMES} times in a row within {timeout:.0f} s; the last answer: "
        f"{_said(last)}.",
        remedy=last.remedy or "Check the API's status, --base-url and this machine's network, and run the same again.",
    )
