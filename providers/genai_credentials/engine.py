"""`Engine`: the policies that decide when a caller waits for a fetch, and which key it gets. No lock during I/O."""

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
"""The number of fetches that a rejection waits for: one that already runs, and one of its own."""

LONGEST_OF_PATIENCE, LAST_PAUSE = 0.7, 0.3
"""The longest pause, as a part of the remaining patience: the rest is for a fetch and another try. If the remaining
patience is at most `LAST_PAUSE` seconds, the pause takes all of it, and one last try follows."""


class Engine:
    """Serves keys from a chain. Each policy is a generator that yields its waits, for threads and event loops alike.

    Args:
        links: The links of the chain.
        keystate: The state machine. Access it only while holding `lock`. The attribute `serving` is the exception: any
            thread may read it.
        fetch_timeout: Seconds that one fetch of one link may take.
        clock: A function that returns seconds and never goes back.
        fetched: Called with each key that a link returns, before the key is used.
        events: Receives the events.
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
        """Make this engine the engine of one tenant.

        Args:
            tenant: The name of the tenant in events and log records.
            launch: Starts a fetch, at once or after other fetches. Raises `NoThread` if it cannot.
            admit: Called at the start of a fetch. Raises `NoThread` to end the fetch before it asks a link.
        """
        self._events.tenant = self.diagnosis.tenant = tenant
        self._fetching.launch, self._fetching.admit = launch, admit

    @property
    def tenant(self) -> str | None:
        """The name of the tenant; None if this engine has no tenant."""
        return self._events.tenant

    @property
    def closed(self) -> bool:
        """Whether `close()` was called."""
        return self._fetching.closed

    def fresh(self) -> ApiKey | None:
        """Return the current key without a lock; None if `get_steps` has to decide."""
        serving = self.keystate.serving
        return serving.key if self.clock() < serving.due_at else None

    @property
    def tick(self) -> int:
        """The number of the latest step, read without a lock; see `KnownKeys.tick`."""
        return self.keystate.known.now

    @property
    def flight(self) -> Flight | None:
        """The running fetch; None if none runs."""
        return self._fetching.flight

    def judged(self, key: ApiKey, verdict: Verdict, sent: int) -> None:
        """Process an answer of the API that is no rejection.

        Args:
            key: The key of the request.
            verdict: The verdict on the answer.
            sent: The `tick` at which the request was sent.
        """
        if verdict.accepted and key is not self._accepted:
            self.accept(key, sent)
        if verdict.cause:
            self.diagnosis.of_answer(verdict, key)

    def accept(self, key: ApiKey, sent: int | None = None) -> None:
        """Note that the API accepted a request with this key. A second call changes nothing until the next refusal.

        Args:
            key: The key of the request.
            sent: The `tick` at which the request was sent; None means now.
        """
        with self.lock:
            sent = self.tick if sent is None else sent
            recovered = self.keystate.accepted(key, self.clock(), sent)
            # Not for a key that is only lent: `keystate` needs each acceptance to decide when that key serves.
            if key == self.keystate.serving.key and not self.keystate.known.was_refused_since(key, sent):
                self._accepted = key
        self._fetching.tell_of_changes()
        if recovered:
            self._events.emit("recovered", key)

    def replaying(self, key: ApiKey) -> None:
        """Count a request that is sent again with `key`, and emit the event."""
        with self.lock:
            self.keystate.counters["replays"] += 1
        self._events.emit("replayed", key)

    def gave_up(self, key: ApiKey) -> None:
        """Log a warning that a request ends with the API's refusal of this key, once per outage."""
        with self.lock:
            # A running fetch may still find another key.
            news = self.flight is None and self.keystate.gave_up()
        if news:
            self.diagnosis.of_outage(key)

    def close(self) -> bool:
        """Forget the key, and drop the result of a running fetch. Return True for the first call."""
        with self.lock:
            first, self._fetching.closed = not self._fetching.closed, True
            self.keystate.drop()
        return first

    def get_steps(self, until: float | None = None) -> Steps[ApiKey]:
        """The policy of `get()`.

        Args:
            until: The end of the wait, on the clock of `time.monotonic()`; None means no end.
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
        """The policy of `refresh()`."""
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
            # All waiters raise this error object: without the frames that other waiters added.
            raise error.with_traceback(None) from error.__cause__
        return self._served(flight)

    def reject_steps(self, key: ApiKey, tried: Collection[str], until: float | None = None) -> Steps[ApiKey | None]:
        """The policy of `reject()`. It returns another key to try, or None.

        Args:
            key: The key that was just refused.
            tried: Fingerprints of all keys with which the same request was refused.
            until: The end of the wait, on the clock of `time.monotonic()`; None means no end.
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
                    # Only without a running fetch: a fetch may find a better key than one that was refused earlier.
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
        """The policy for servers of the API that disagree. After a pause it returns a key to try again, or None.

        Args:
            key: The key that was just refused.
            refused_at: The time of the request's first refusal, on the clock of `time.monotonic()`.
            pause: Seconds to wait. The pause is shortened if less patience is left.
            until: As for `reject_steps`. No pause goes beyond it.
        """
        patience, left = self._patience(refused_at), _left(until)
        pause = min(pause, patience if patience <= LAST_PAUSE else patience * LONGEST_OF_PATIENCE)
        if pause <= 0 or (left is not None and left <= pause):
            return None
        yield Wait(Landing(), pause)  # a plain pause: this landing never happens
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
        """The fetch to wait for; None if there is none."""
        if self._fetching.closed:
            return None
        if self.flight is None and (answered or not self.keystate.known.may_fetch(key, self.clock())):
            return None
        self._check_outside()
        return self._fetching.begin(key)

    # Checks

    def _served(self, flight: Flight) -> ApiKey:
        """The key for a caller that waited for a fetch: the fetched key, even if that key has expired already."""
        with self.lock:
            self._check_open()
            if self.keystate.servable(self.clock()):
                return self.keystate.serving.key
        if flight.key is not None:
            return flight.key
        if not flight.landed.landed:
            raise FetchFailed(
                "There is no key yet: the fetch takes longer than the timeout of the request.",
                remedy="Raise the timeout of the request, or call credentials.get() at the start of the process.",
            )
        raise self._exhausted()

    def _exhausted(self) -> NoCredentials:
        return NoCredentials(attempts=[link.last for link in self.links])

    def _check_open(self) -> None:
        if self._fetching.closed:
            raise CredentialsError("This CredentialProvider is closed.", remedy="Create a new CredentialProvider.")

    def _check_outside(self) -> None:
        if is_inside(self._events):
            raise CredentialsError(
                "A provider or an on_event callback asked for the key during the fetch of that key.",
                remedy="Do not ask for the key in that code, or use another CredentialProvider. status() never waits.",
            )


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
