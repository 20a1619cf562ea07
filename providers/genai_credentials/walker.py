"""`Walker`: one fetch's way along the chain, from link to link."""

from __future__ import annotations

from collections.abc import Callable

from genai_credentials.chain import Link, foreign, note
from genai_credentials.errors import CredentialsError
from genai_credentials.flight import Flight
from genai_credentials.forks import Lock
from genai_credentials.key import ApiKey
from genai_credentials.keystate import KeyState
from genai_credentials.known import Found
from genai_credentials.log import logger


class Walker:
    """Asks the links, as far down as the state machine says.

    Args:
        links: The chain.
        keystate: The state machine; only touched under the lock.
        lock: The engine's.
        clock: Seconds that only grow.
        fetch_timeout: Seconds that one fetch of one link may take.
        fetched: Told of each key that a link answers with, before anything else is done with it.
    """

    def __init__(
        self,
        links: tuple[Link, ...],
        keystate: KeyState,
        lock: Lock,
        clock: Callable[[], float],
        fetch_timeout: float,
        fetched: Callable[[ApiKey], None],
    ) -> None:
        self._links, self._keystate, self._lock, self._clock = links, keystate, lock, clock
        self._fetch_timeout, self._fetched = fetch_timeout, fetched

    def blame(self, flight: Flight, error: BaseException) -> None:
        """Note an error that no link gave as the error of each of them."""
        for number, link in enumerate(self._links[: self._reach(flight)]):
            flight.errors[number] = foreign(link.name, error)
            note(link, flight.errors[number])

    def walk(self, flight: Flight) -> tuple[Found | None, list[Found]]:
        """Ask the links in order for a key that is not in quarantine."""
        passed_over: list[Found] = []
        for number, link in enumerate(self._links[: self._reach(flight)]):
            try:
                key = link.fetch(flight.rejected, self._fetch_timeout)
            except CredentialsError as error:
                note(link, error)
                flight.errors[number] = error
                continue
            self._fetched(key)
            with self._lock:
                passed = self._keystate.known.quarantined(key)
            if not passed:
                return Found(key, number), passed_over
            link.passed_over(key)
            passed_over.append(Found(key, number))
        return self._previous_version(flight), passed_over

    def _previous_version(self, flight: Flight) -> Found | None:
        with self._lock:
            rejected, number = flight.rejected, self._keystate.serving.link
            if rejected is None or not self._keystate.worth_its_previous_version(rejected):
                return None
        link = self._links[number]
        try:
            key = link.fetch_previous(rejected, self._fetch_timeout)
        except CredentialsError as error:
            logger.info("%s: no earlier version either: %s", link.name, error)
            return None
        if key is None:
            return None
        self._fetched(key)
        return Found(key, number)

    def _reach(self, flight: Flight) -> int:
        with self._lock:
            return self._keystate.reach(len(self._links), self._clock(), for_rejection=flight.rejected is not None)
