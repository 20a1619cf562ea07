"""`Fetching`: runs one fetch at a time, from its start to the logging of its result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from contextlib import suppress

from genai_credentials import forks
from genai_credentials.chain import Link, foreign, note
from genai_credentials.errors import CredentialsError
from genai_credentials.events import Events
from genai_credentials.flight import Flight, inside
from genai_credentials.key import ApiKey
from genai_credentials.keystate import KeyState
from genai_credentials.known_keys import Found
from genai_credentials.log import Lines, logger, tagged
from genai_credentials.workers import Job, NoThread, run, submit

TELLING = 0.05
"""Seconds that the waiters of a fetch wait at most for log handlers and listeners to finish."""


class Fetching(forks.Forkable):
    """Asks the links for a key in a worker thread, and puts the result into the state machine.

    Args:
        links: The links of the chain.
        keystate: The state machine. Access it only while holding the lock.
        lock: The lock of the engine.
        clock: A function that returns seconds and never goes back.
        fetch_timeout: Seconds that one fetch of one link may take.
        fetched: Called with each key that a link returns, before the key is used.
        events: Receives the events.
    """

    def __init__(
        self,
        links: tuple[Link, ...],
        keystate: KeyState,
        lock: forks.Lock,
        clock: Callable[[], float],
        fetch_timeout: float,
        fetched: Callable[[ApiKey], None],
        events: Events,
    ) -> None:
        self.flight: Flight | None = None
        self.closed = False
        self.launch: Callable[[Job[None]], object] = submit
        self.admit: Callable[[], object] = _admit
        self._links, self._keystate, self._lock, self._clock = links, keystate, lock, clock
        self._fetch_timeout, self._fetched, self._events = fetch_timeout, fetched, events
        forks.watch(self)

    def begin(self, rejected: ApiKey | None = None) -> Flight:
        """Return the running fetch, or start one. The caller holds the lock, and calls `check` after it releases it.

        Args:
            rejected: The key whose refusal causes the fetch; None if no refusal does.
        """
        if self.flight is not None:
            return self.flight
        self._keystate.counters["fetches"] += 1
        flight = self.flight = Flight(self._keystate.known.tick(), self._clock(), rejected)
        try:
            self._keystate.notice.begun()
            self.launch(Job(lambda: self._work(flight), "genai-credentials-fetch"))
        except NoThread as error:
            flight.stillborn = error
        except BaseException:
            # No other thread has seen this fetch yet. The next call starts another one.
            self.flight = None
            raise
        return flight

    def check(self, flight: Flight) -> None:
        """End a fetch that could not start, with its error. The caller does not hold the lock."""
        if flight.stillborn is not None:
            self._blame(flight, flight.stillborn)
            self._settle(flight, None, [])
            flight.landed.land()

    def _work(self, flight: Flight) -> None:
        with self._lock:
            if self.flight is not flight:
                return
        lines = Lines()
        try:
            with lines.keep(), inside(self._events), tagged(self._events.tenant):
                self._fetch(flight)
            self._tell(lines)
        finally:
            flight.landed.land()

    def _fetch(self, flight: Flight) -> None:
        found: Found | None = None
        passed_over: list[Found] = []
        try:
            self.admit()
            found, passed_over = self._walk(flight)
        except BaseException as error:
            self._blame(flight, error)
        finally:
            self._settle(flight, found, passed_over)

    def _settle(self, flight: Flight, found: Found | None, passed_over: list[Found]) -> None:
        """Put the result of a fetch into the state machine, and emit the events. The waiters are woken afterwards."""
        with self._lock:
            if self.flight is not flight:
                return
            failing, now = self._keystate.failing, self._clock()
            if not self.closed:
                began = None if flight.rejected is None else flight.began
                reached = any(other.link == self._keystate.serving.link for other in passed_over)
                self._keystate.landed(found, passed_over, now, for_rejection=began)
                self._keystate.notice.landed(flight.began, now, reached=reached or found is not None)
                self._keystate.serve_on()
            serving, failing_now = self._keystate.serving, self._keystate.failing
            flight.key, self.flight = (None if found is None else serving.key), None
        if found is not None:
            self._events.fetched(found.key, now - flight.at, recovered=failing and not failing_now)
        else:
            self._events.fetch_failed(serving.key, now - flight.at, flight.reason(serving.link), stale=failing_now)
        self.tell_of_changes()

    def _tell(self, lines: Lines) -> None:
        """Log the records and deliver the events in another thread. Wait for it for at most `TELLING` seconds.

        A log handler may hold its own lock while it asks for a key, and a listener may sleep.
        """

        def tell() -> None:
            forks.stand_aside()
            lines.log()
            self._events.deliver()

        if lines.kept or self._events.waiting:
            futures.wait([run(tell, "genai-credentials-events")], TELLING)

    def tell_of_changes(self) -> None:
        """Emit an event for each change of the serving key since the last call."""
        changes = self._keystate.changes
        while changes:
            with suppress(IndexError):  # another thread emits this event
                key, before = changes.popleft()
                self._events.emit("rotated", key, previous=before.fingerprint)

    # The walk through the chain

    def _walk(self, flight: Flight) -> tuple[Found | None, list[Found]]:
        """Ask the links in order, until a key is not in quarantine. Return that key, and the keys in quarantine."""
        passed_over: list[Found] = []
        for number, link in enumerate(self._links[: self._reach(flight)]):
            try:
                key = self._ask(flight, number)
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

    def _ask(self, flight: Flight, number: int) -> ApiKey:
        link = self._links[number]
        with self._lock:
            serving, notified = self._keystate.serving, self._keystate.notice.asks_for(flight.began)
        if notified and flight.rejected is None:
            return link.fetch_newer(serving.key if serving.link == number else None, self._fetch_timeout)
        return link.fetch(flight.rejected, self._fetch_timeout)

    def _previous_version(self, flight: Flight) -> Found | None:
        with self._lock:
            rejected, number = flight.rejected, self._keystate.serving.link
            if rejected is None or not self._keystate.worth_its_previous_version(rejected):
                return None
        link = self._links[number]
        try:
            key = link.fetch_previous(rejected, self._fetch_timeout)
        except CredentialsError as error:
            logger.info("%s: the earlier version could not be read: %s", link.name, error)
            return None
        if key is None:
            return None
        self._fetched(key)
        return Found(key, number)

    def _reach(self, flight: Flight) -> int:
        with self._lock:
            return self._keystate.reach(len(self._links), self._clock(), for_rejection=flight.rejected is not None)

    def _blame(self, flight: Flight, error: BaseException) -> None:
        """Note an error that did not come from a link as the error of each link."""
        for number, link in enumerate(self._links[: self._reach(flight)]):
            flight.errors[number] = foreign(link.name, error)
            note(link, flight.errors[number])

    def after_fork_in_child(self) -> None:
        """Drop the running fetch: its thread does not exist in the child. Seed the random numbers anew per child."""
        self.flight = None
        self._keystate.random.seed()
        for link in self._links:
            link.after_fork_in_child()


def _admit() -> None:
    """Allow every fetch: the default for an engine without a tenant."""
