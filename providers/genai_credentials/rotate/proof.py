"""Proves a key: the API accepts it several times over some seconds, each time on a fresh connection."""

from __future__ import annotations

import time
from collections.abc import Callable

from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.rejection import Verdict

TIMES = 3
"""How often in a row the API must accept a key. A new key is not live on all of Google's servers at once."""

_LONGEST_PAUSE, _FIRST_PAUSE, _ANSWER_WITHIN = 5.0, 0.25, 10.0

LIVE_ELSEWHERE = frozenset(
    f"API_KEY_{what}_BLOCKED" for what in ("HTTP_REFERRER", "IP_ADDRESS", "ANDROID_APP", "IOS_APP")
)
"""Answers that block the caller's address or app. The key is live and has the restrictions of its predecessor."""


class Unproven(CredentialsError):
    """The API did not accept a key often enough in time."""

    stored: str | None = None
    """Always None: only a proven key is stored."""


class Tally:
    """Counts how often in a row the API accepted a key, and over how many seconds.

    Args:
        prove_for: Seconds over which the API must accept the key.
    """

    def __init__(self, prove_for: float) -> None:
        self.accepted = 0
        self._prove_for = prove_for
        self._first = self._last = 0.0
        self._pause = _FIRST_PAUSE

    @property
    def proven(self) -> bool:
        """Whether the API has accepted the key often enough, over enough seconds."""
        return self.accepted >= TIMES and self._last - self._first >= self._prove_for

    def count(self, verdict: Verdict, moment: float) -> float:
        """Count an answer, and return the seconds until the next request.

        Args:
            verdict: The verdict on the answer.
            moment: When the answer came, in seconds of a monotonic clock.
        """
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
    """Wait until a key is proven.

    Args:
        key: The key.
        base_url: The API at which the key is proven; None means Google's.
        prove_for: Seconds over which the API must accept the key.
        timeout: Seconds after which the key is given up.
        tell: Called with a text after each answer.
        is_gone: Returns whether the key was deleted in the meantime. Called when the API refuses the key.

    Raises:
        Unproven: The API did not accept the key often enough in time, or the key was deleted.
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
            raise Unproven(
                f"The key {key.fingerprint} was deleted before it was proven.", remedy="Run the rotation again."
            )
        if time.monotonic() + pause > give_up:
            raise _given_up(key, verdict, timeout)
        time.sleep(pause)


def _ask(key: ApiKey, base_url: str | None, timeout: float) -> Verdict:
    # The probe needs the SDK. The SDK is loaded only if a key is proven.
    from genai_credentials.client import probe

    try:
        return probe.ask(key, base_url=base_url, timeout=timeout)
    except CredentialsError as error:
        # Without an answer, nothing is known about the key.
        return Verdict(False, type(error).__name__, error.remedy)


def is_live(verdict: Verdict) -> bool:
    """Whether an answer shows that the key is live."""
    return verdict.accepted or verdict.cause in LIVE_ELSEWHERE


def _unless_live(verdict: Verdict) -> str:
    return "" if is_live(verdict) else f"; last answer: {_said(verdict)}"


def _said(verdict: Verdict) -> str:
    cause = f" ({verdict.cause})" if verdict.cause else ""
    kind = "accepted" if is_live(verdict) else "refused" if verdict.rejected else "an answer that is not about the key"
    return f"{kind}{cause}"


def _given_up(key: ApiKey, last: Verdict, timeout: float) -> Unproven:
    return Unproven(
        f"The key {key.fingerprint} was not accepted {TIMES} times in a row within {timeout:.0f} s. The last answer: "
        f"{_said(last)}.",
        remedy=last.remedy or "Check the API's status, the base URL and this machine's network. Then try again.",
    )
