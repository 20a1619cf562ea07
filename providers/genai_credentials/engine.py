"""`Engine`: when to fetch, who waits for it, and what comes of it; one lock, never held during I/O."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from genai_credentials import forks
from genai_credentials.chain import Link, foreign, note
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.errors import CredentialsError, NoCredentials
from genai_credentials.events import Events, provenance
from genai_credentials.flight import Flight, Steps, enter, in_daemon, is_inside
from genai_credentials.key import ApiKey
from genai_credentials.keystate import Found, KeyState
from genai_credentials.log import logger

T = TypeVar("T")


def _launched_whatever_comes(policy: Callable[..., Steps[T]]) -> Callable[..., Steps[T]]:
    """A policy whose fetch starts even if a signal's handler raises between its beginning and its thread's start.

    Else it would never land, and all who ask from then on would wait for it.
    """

    @functools.wraps(policy)
    def steps(self: Engine, *arguments: Any) -> Steps[T]:
        try:
            return (yield from policy(self, *arguments))
        except BaseException:
            if (flight := self.flight) is not None and not flight.taken:
                self._launch(flight)
            raise

    return steps


class Engine(forks.Forkable):
    """Drives a `KeyState` with what the links answer.

    Its policies are generators that yield what they wait for, so that threads and event loops share them.

    Args:
        links: The chain.
        rotation: The state machine; only touched under `lock`, but for its `serving`, which anyone may read.
        fetch_timeout: Seconds that one fetch of one link may take.
        clock: Seconds that only grow.
        fetched: Told of each key that a link answers with, before anything else is done with it.
        events: Told of what happens.
    """

    def __init__(
        self,
        links: tuple[Link, ...],
        rotation: KeyState,
        fetch_timeout: float,
        clock: Callable[[], float],
        fetched: Callable[[ApiKey], None],
        events: Events,
    ) -> None:
        self.links = links
        self.rotation = rotation
        self.flight: Flight | None = None
        self.diagnosis = Diagnosis(clock)
        # Reentrant: a signal's handler may ask for the status while its thread is inside.
        self.lock = threading.RLock()
        self.clock = clock
        self._fetch_timeout = fetch_timeout
        self._fetched = fetched
        self._events = events
        self._earlier_asked: set[ApiKey] = set()
        self._accepted: ApiKey | None = None
        self._closed = False
        forks.watch(self)

    def accept(self, key: ApiKey) -> None:
        """Note that the API accepted a request with this key; only the first time counts."""
        if key is not self._accepted:
            with self.lock:
                self.rotation.accepted(key)
                self._accepted = key

    def replaying(self, key: ApiKey) -> None:
        """Count a request that is sent again with another key."""
        with self.lock:
            self.rotation.counters["replays"] += 1
        self._events.emit("replayed", key)

    def close(self) -> bool:
        """Forget the key; True the first time. A fetch under way ends unheard."""
        with self.lock:
            first, self._closed = not self._closed, True
            self.rotation.drop()
        return first

    @_launched_whatever_comes
    def get_steps(self) -> Steps[ApiKey]:
        """The policy behind `get()`."""
        with self.lock:
            self._check_open()
            now = self.clock()
            if self.rotation.servable(now):
                self.rotation.begin_trial(now)
                key = self.rotation.serving.key
                flight = self._begin() if self.flight is None and self.rotation.refresh_due(now) else None
            elif self.flight is None and now < self.rotation.retry_at:
                raise self._exhausted()
            else:
                self._check_outside()
                key, joined = None, self.flight
                flight = self._begin() if joined is None else None
        if flight:
            self._launch(flight)
        if key is not None:
            return key
        yield (flight or joined).landed  # type: ignore[union-attr]
        return self._served()

    @_launched_whatever_comes
    def refresh_steps(self) -> Steps[ApiKey]:
        """The policy behind `refresh()`."""
        with self.lock:
            self._check_open()
            self._check_outside()
            asked = self.rotation.event()
        flight: Flight | None = None
        while flight is None or flight.began < asked:
            with self.lock:
                mine = self._begin() if self.flight is None else None
                flight = mine or self.flight
            if mine:
                self._launch(mine)
            yield flight.landed  # type: ignore[union-attr]
        with self.lock:
            error = flight.errors.get(self.rotation.serving.link)
        if error is not None:
            # Shared by all who wait for it: without the frames that others have added.
            raise error.with_traceback(None) from error.__cause__
        return self._served()

    @_launched_whatever_comes
    def reject_steps(self, key: ApiKey, tried: Collection[str]) -> Steps[ApiKey | None]:
        """The policy behind `reject()`.

        Args:
            key: The key just refused.
            tried: Fingerprints of the keys that the same request was refused with; `key`'s is one of them.
        """
        with self.lock:
            news = self.rotation.refused(key, self.clock())
            struck = self.rotation.struck(key)
        if news:
            self._events.emit("rejected", key)
        other, answered = None, False
        while other is None:
            with self.lock:
                other = self.rotation.replacement(key, tried, self.clock())
                flight, mine = (None, None) if other or self._closed else self._flight_for(key, answered)
                if flight is None:
                    # Only now: while a fetch is under way, it may bring a better key than one refused earlier.
                    other = other or (None if self._closed else self.rotation.parole(key, tried, self.clock()))
                    break
            if mine:
                self._launch(mine)
            yield flight.landed
            answered = answered or flight.began > struck
        self._tell(key, other, news)
        return other

    def _flight_for(self, key: ApiKey, answered: bool) -> tuple[Flight | None, Flight | None]:
        """The fetch to wait for, if any, and the same again if it is to be launched."""
        if self.flight is None and (answered or not self.rotation.may_fetch_for_rejection(self.clock())):
            return None, None
        self._check_outside()
        if self.flight is not None:
            return self.flight, None
        flight = self._begin(key)
        return flight, flight

    # The fetch

    def _begin(self, rejected: ApiKey | None = None) -> Flight:
        self.rotation.counters["fetches"] += 1
        self.flight = Flight(self.rotation.event(), self.clock(), rejected)
        return self.flight

    def _launch(self, flight: Flight) -> None:
        def ended(done: Any) -> None:
            if (error := done.exception()) is None or self.flight is not flight:
                return
            try:
                for number, link in enumerate(self.links[: self._lowest(flight)]):
                    flight.errors[number] = foreign(link.name, error)
                    note(link, flight.errors[number])
            finally:
                # A flight that never lands would be joined by all who ask from now on.
                self._land(flight, None, [])

        def work() -> None:
            with self.lock:
                taken, flight.taken = flight.taken, True
            if not taken:
                enter(self)
                self._land(flight, *self._walk(flight))

        in_daemon(work, "genai-credentials-fetch").add_done_callback(ended)

    def _walk(self, flight: Flight) -> tuple[Found | None, list[Found]]:
        """Ask the links in order for a key that is not in quarantine."""
        passed_over: list[Found] = []
        for number, link in enumerate(self.links[: self._lowest(flight)]):
            try:
                key = link.fetch(flight.rejected, self._fetch_timeout)
            except CredentialsError as error:
                note(link, error)
                flight.errors[number] = error
                continue
            self._fetched(key)
            with self.lock:
                passed = self.rotation.quarantined(key)
            if not passed:
                return Found(key, number), passed_over
            link.passed_over(key)
            passed_over.append(Found(key, number))
        return self._earlier_version(flight), passed_over

    def _earlier_version(self, flight: Flight) -> Found | None:
        """At a start whose key is refused with nothing newer, the version before it is worth one try."""
        with self.lock:
            rejected, number = flight.rejected, self.rotation.serving.link
            if rejected is None or number < 0 or self.rotation.ever_worked() or rejected in self._earlier_asked:
                return None
            self._earlier_asked.add(rejected)
        link = self.links[number]
        try:
            key = link.fetch_previous(rejected, self._fetch_timeout)
        except CredentialsError as error:
            logger.info("%s: no earlier version either: %s", link.name, error)
            return None
        if key is None:
            return None
        self._fetched(key)
        return Found(key, number)

    def _lowest(self, flight: Flight) -> int:
        """How far down the chain a fetch goes: a scheduled one never trades a working key for a lower link's."""
        with self.lock:
            rotation = self.rotation
            works = rotation.servable(self.clock()) and not rotation.quarantined(rotation.serving.key)
            return rotation.serving.link + 1 if works and flight.rejected is None else len(self.links)

    def _land(self, flight: Flight, found: Found | None, passed_over: list[Found]) -> None:
        with self.lock:
            if self.flight is not flight:
                return
            before, failing = self.rotation.serving.key, self.rotation.failing
            now = self.clock()
            if not self._closed:
                self.rotation.landed(found, passed_over, now, for_rejection=flight.rejected is not None)
            self.flight = None
            after, recovered = self.rotation.serving.key, failing and not self.rotation.failing
        try:
            self._tell_of_fetch(flight, found, now - flight.at, recovered)
            if before is not None and after is not None and before != after:
                self._events.emit("rotated", after, previous=before.fingerprint)
        finally:
            # Whatever a listener or a log filter raises: those who wait must not wait forever.
            flight.landed.land()

    def _tell_of_fetch(self, flight: Flight, found: Found | None, seconds: float, recovered: bool) -> None:
        if found is not None:
            self._events.emit("fetched", found.key, seconds=seconds)
            if recovered:
                self._events.emit("recovered", found.key)
            return
        serving = self.rotation.serving
        error = flight.errors.get(serving.link) or next(iter(flight.errors.values()), None)
        self._events.emit("fetch_failed", serving.key, seconds=seconds, reason=error.message if error else "")
        if serving.key is not None and self.rotation.failing:
            self._events.emit("served_stale", serving.key)

    # Small print

    def _served(self) -> ApiKey:
        with self.lock:
            self._check_open()
            if self.rotation.servable(self.clock()):
                return self.rotation.serving.key
            raise self._exhausted()

    def _exhausted(self) -> NoCredentials:
        return NoCredentials(attempts=[link.last for link in self.links])

    def _check_open(self) -> None:
        if self._closed:
            raise CredentialsError("This CredentialProvider is closed.", remedy="Make another one.")

    def _check_outside(self) -> None:
        if is_inside(self):
            raise CredentialsError(
                "The key was asked for from inside the fetch that is to bring it: by a provider, a log handler or an "
                "on_event callback.",
                remedy="Let that code do without the key, or ask another provider; status() never waits.",
            )

    def _tell(self, key: ApiKey, other: ApiKey | None, news: bool) -> None:
        if news and other is None:
            logger.warning(
                "The API refused %s, and no provider of the chain has another key. Store a live one in %s.",
                key,
                key.provider,
                extra={"event": "no_replacement", **provenance(key)},
            )

    def before_fork(self) -> None:
        """Hold the lock, so that no child inherits half a change."""
        self.lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Let go."""
        self.lock.release()

    def after_fork_in_child(self) -> None:
        """Keep the key; drop the lock, and the fetch whose thread stayed behind."""
        self.lock = threading.RLock()
        self.flight = None
        for link in self.links:
            link.abandon()
