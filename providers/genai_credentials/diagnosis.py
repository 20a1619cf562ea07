"""Logs problems that another key does not solve: one record per cause, with a remedy, and not one per request."""

from __future__ import annotations

from collections.abc import Callable

from genai_credentials.events import provenance
from genai_credentials.forks import Lock
from genai_credentials.key import ApiKey
from genai_credentials.log import logger, tagged
from genai_credentials.recent import Recent
from genai_credentials.rejection import Verdict

EVERY = 300.0
"""Seconds between two records of the same cause."""


class Diagnosis:
    """Logs the meaning of an answer of the API. Each cause is logged at most once in five minutes.

    Args:
        clock: A function that returns seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.tenant: str | None = None
        self._said: Recent[bool] = Recent(64, EVERY, clock)
        self._lock = Lock()

    def of_answer(self, verdict: Verdict, key: ApiKey) -> None:
        """Log the cause of an answer with which the API denied a request, but did not refuse the key."""
        if self._first(f"{verdict.cause} {key.fingerprint}"):
            with tagged(self.tenant):
                logger.warning(
                    "The API denied a request with %s: %s. It did not refuse the key itself. %s",
                    key,
                    verdict.cause,
                    verdict.remedy,
                    extra={"event": "diagnosed", "cause": verdict.cause, **provenance(key)},
                )

    def of_outage(self, key: ApiKey) -> None:
        """Log that the API refused every key of the chain. `key` is the last refused key."""
        with tagged(self.tenant):
            logger.warning(
                "The API refused %s, and no provider of the chain has another key. Store a valid key in %s.",
                key,
                key.provider,
                extra={"event": "no_replacement", **provenance(key)},
            )

    def of_request(self, host: str) -> None:
        """Log that a request is sent without the key, because it goes to another origin than the client's."""
        if self._first(f"to {host}"):
            logger.warning(
                "A request to %s carries no key: this is not the base URL of the client. If the request was not "
                "redirected there, build a client with this base URL.",
                host,
                extra={"event": "diagnosed", "cause": "foreign origin"},
            )

    def _first(self, what: str) -> bool:
        with self._lock:
            first = what not in self._said
            if first:
                self._said[what] = True
        return first
