"""`Engine`: who waits for a fetch, and with what each of them goes on; one lock, never held during I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from genai_credentials.chain import Link
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.errors import CredentialsError, FetchFailed, NoCredentials
from genai_credentials.events import Events
from genai_credentials.fetching import Fetching
from genai_credentials.flight import Flight, Landing, Steps, Wait, is_inside
from genai_credentials.forks import Lock
from genai_credentials.key import ApiKey
from genai_credentials.keystate import KeyState
from genai_credentials.notifications import Notifications
from genai_credentials.rejection import Verdict
from genai_credentials.workers import Job

MOST_WAITS = 2
"""How many fetches a rejection waits for: one that is under way, and one of its own."""

LONGEST_OF_PATIENCE, LAST_PAUSE = 0.7, 0.3
"""The part of the patience left that a pause may take, so that a fetch and another try have the rest; and the seconds
of patience left that a pause takes as a whole, before the last try."""


class Engine:
    """Drives a `KeyState` with what the links answer.

    Its policies are generators that yield what they wait for, so that threads and event loops share them.

    Args:
        links: The chain.
        keystate: The state machine; only touched under `lock`, but for its `serving`, which anyone may read.
        fetch_timeout: Seconds that one fetch of one link may take.
        clock: Seconds that only grow.
        fetched: Told of each key that a link answers with, before anything else is done with it.
        events: Told of what happens.
    """

    def __init__(
        self,
        links: tuple[Link, ...],
        keystate: KeyState,
        fetch_timeout: float,
        clock: Callable[[], float],
        fetched: Callable[[ApiKey], None],
        events: Events,
    ) -> None:
        self.links = links
        self.keystate = keystate
        self.diagnosis = Diagnosis(clock)
        self.lock = Lock()
        self.clock = clock
        self._events = events
        self._fetching = Fetching(links, keystate, self.lock, clock, fetch_timeout, fetched, events)
        self.notifications = Notifications(keystate, self.lock, clock, self._fetching, events)
        self._accepted: ApiKey | None = None

    def belong_to(self, tenant: str, launch: Callable[[Job[None]], object], admit: Callable[[], object]) -> None:
        """Become one of many engines of a process.

        Args:
            tenant: What its events and log records call it.
            launch: Begins a fetch, at once or when others are through; raises `NoThread` where it can't.
            admit: Called as a fetch begins; raises `NoThread` to end it before it asks a link.
        """
        self._events.tenant = self.diagnosis.tenant = tenant
        self._fetching.launch, self._fetching.admit = launch, admit

    @property
    def tenant(self) -> str | None:
        """The tenant that it belongs to; None if it is no tenant's."""
        return self._events.tenant

    @property
    def closed(self) -> bool:
        """Whether it serves no more."""
        return self._fetching.closed

    def fresh(self) -> ApiKey | None:
        """The current key, while it needs no closer look; without a lock."""
        serving = self.keystate.serving
        return serving.key if self.clock() < serving.due_at else None

    @property
    def tick(self) -> int:
        """The number of the last thing that happened; without a lock."""
        return self.keystate.known.now

    @property
    def flight(self) -> Flight | None:
        """The fetch under way."""
        return self._fetching.flight

    def judged(self, key: ApiKey, verdict: Verdict, sent: int) -> None:
        """Note what an answer that isn't a rejection says of the key.

        Args:
            key: The key that the request carried.
            verdict: What the answer says.
            sent: The `tick` at which it was sent.
        """
        if verdict.accepted and key is not self._accepted:
            self.accept(key, sent)
        if verdict.cause:
            self.diagnosis.of_answer(verdict, key)

    def accept(self, key: ApiKey, sent: int | None = None) -> None:
        """Note that the API accepted a request with this key; until the next refusal only the first time counts.

        Args:
            key: The key.
            sent: The `tick` at which the request was sent; None means now.
        """
        with self.lock:
            sent = self.tick if sent is None else sent
            recovered = self.keystate.accepted(key, self.clock(), sent)
            # One that is only lent serves as soon as nobody disputes about the newest any more.
            if key == self.keystate.serving.key and not self.keystate.known.was_refused_since(key, sent):
                self._accepted = key
        self._fetching.tell_of_changes()
        if recovered:
            self._events.emit("recovered", key)

    def replaying(self, key: ApiKey) -> None:
        """Count a request that is sent again."""
        with self.lock:
            self.keystate.counters["replays"] += 1
        self._events.emit("replayed", key)

    def gave_up(self, key: ApiKey) -> None:
        """A request ends with the API's refusal of this key: warn of it, once an outage."""
        with self.lock:
            # While a fetch is under way, nobody knows yet whether there is another key.
            news = self.flight is None and self.keystate.gave_up()
        if news:
            self.diagnosis.of_outage(key)

    def close(self) -> bool:
        """Forget the key; True the first time. A fetch under way ends unheard."""
        with self.lock:
            first, self._fetching.closed = not self._fetching.closed, True
            self.keystate.drop()
        return first

    def get_steps(self, until: float | None = None) -> Steps[ApiKey]:
        """The policy behind `get()`.

        Args:
            until: When to stop waiting, as `time.monotonic()` has it; None for never.
        """
        with self.lock:
            self._check_open()
            now, flight, key = self.clock(), self.flight, None
            if self.keystate.servable(now):
                self.keystate.begin_trial(now)
                key = self.keystate.serving.key
                flight = self._fetching.begin() if self.keystate.refresh_due(now) else None
            elif flight is None and self.keystate.backs_off(now):
                raise self._exhausted()
            else:
                self._check_outside()
                flight = self._fetching.begin()
        if flight is not None:
            self._fetching.check(flight)
        if key is not None or flight is None:
            self._fetching.tell_of_changes()
            return key  # type: ignore[return-value]
        yield Wait(flight.landed, _left(until))
        return self._served(flight)

    def refresh_steps(self) -> Steps[ApiKey]:
        """The policy behind `refresh()`."""
        with self.lock:
            self._check_open()
            self._check_outside()
            asked = self.keystate.known.tick()
        while True:
            with self.lock:
                flight = self._fetching.begin()
            self._fetching.check(flight)
            yield Wait(flight.landed)
            if flight.began >= asked:
                break
        with self.lock:
            error = flight.errors.get(self.keystate.serving.link)
        if error is not None:
            # Shared by all who wait for it: without the frames that others have added.
            raise error.with_traceback(None) from error.__cause__
        return self._served(flight)

    def reject_steps(self, key: ApiKey, tried: Collection[str], until: float | None = None) -> Steps[ApiKey | None]:
        """The policy behind `reject()`: another key worth trying, or None.

        Args:
            key: The key just refused.
            tried: Fingerprints of the keys that the same request was refused with; `key`'s is one of them.
            until: When to stop waiting, as `time.monotonic()` has it; None for never.
        """
        with self.lock:
            news = self.keystate.refused(key, self.clock())
            self._accepted = None
            struck = self.keystate.known.struck(key)
        if news:
            self._events.emit("rejected", key)
        waits, answered = 0, False
        while True:
            with self.lock:
                other = self.keystate.replacement(key, tried, self.clock())
                flight = None if other or waits == MOST_WAITS else self._flight_for(key, answered)
                if other is None and flight is None and not self._fetching.closed:
                    # Only now: while a fetch is under way, it may bring a better key than one refused earlier.
                    other = self.keystate.parole(key, tried, self.clock())
            if flight is None or (left := _left(until)) == 0:
                break
            self._fetching.check(flight)
            yield Wait(flight.landed, left)
            waits, answered = waits + 1, answered or flight.began > struck
        self._fetching.tell_of_changes()
        return other

    def another_try_steps(
        self, key: ApiKey, refused_at: float, pause: float, until: float | None
    ) -> Steps[ApiKey | None]:
        """The policy for replicas of the API that disagree: after a pause, a key to begin again with, or None.

        Args:
            key: The key just refused.
            refused_at: When the request was refused first, as `time.monotonic()` has it.
            pause: Seconds to wait; less towards the end of our patience, so that a fetch and another try fit in.
            until: As for `reject_steps`; no pause goes beyond it.
        """
        patience, left = self._patience(refused_at), _left(until)
        pause = min(pause, patience if patience <= LAST_PAUSE else patience * LONGEST_OF_PATIENCE)
        if pause <= 0 or (left is not None and left <= pause):
            return None
        yield Wait(Landing(), pause)  # nothing ever lands there
        with self.lock:
            may_fetch = not self._fetching.closed and self.keystate.known.may_fetch_again(self.clock())
            flight = self._fetching.begin(key) if may_fetch else self.flight
        if flight is not None:
            self._fetching.check(flight)
            yield Wait(flight.landed, min(patience - pause, patience if left is None else left - pause))
        with self.lock:
            return None if self._fetching.closed else self.keystate.another_try(self.clock())

    def _patience(self, refused_at: float) -> float:
        with self.lock:
            if self._fetching.closed:
                return 0.0
            of_request = refused_at + self.keystate.known.patience - time.monotonic()
            return min(of_request, self.keystate.known.seconds_of_patience(self.clock()))

    def _flight_for(self, key: ApiKey, answered: bool) -> Flight | None:
        """The fetch to wait for, if any."""
        if self._fetching.closed:
            return None
        if self.flight is None and (answered or not self.keystate.known.may_fetch(key, self.clock())):
            return None
        self._check_outside()
        return self._fetching.begin(key)

    # Checks

    def _served(self, flight: Flight) -> ApiKey:
        """The key for whoever waited for a fetch: however short its life, it is served once."""
        with self.lock:
            self._check_open()
            if self.keystate.servable(self.clock()):
                return self.keystate.serving.key
        if flight.key is not None:
            return flight.key
        if not flight.landed.landed:
            raise FetchFailed(
                "There is no key yet: the fetch takes longer than the request may.",
                remedy="Give the request more time, or call credentials.get() at the start of the process.",
            )
        raise self._exhausted()

    def _exhausted(self) -> NoCredentials:
        return NoCredentials(attempts=[link.last for link in self.links])

    def _check_open(self) -> None:
        if self._fetching.closed:
            raise CredentialsError("This CredentialProvider is closed.", remedy="Make another one.")

    def _check_outside(self) -> None:
        if is_inside(self._events):
            raise CredentialsError(
                "A provider or an on_event callback asked for the key from inside the fetch that is to bring it.",
                remedy="Let that code do without the key, or ask another provider; status() never waits.",
            )


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
