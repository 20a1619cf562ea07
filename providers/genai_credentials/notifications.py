"""`Notifications`: after a notification, the process fetches at a random moment, even if nothing uses the key."""

from __future__ import annotations

import _thread
import itertools
import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from heapq import heappop, heappush
from queue import Empty, SimpleQueue

from genai_credentials import forks
from genai_credentials.events import Events
from genai_credentials.fetching import Fetching
from genai_credentials.keystate import KeyState
from genai_credentials.log import logger

LONGEST_SLEEP = 3_600.0
"""The longest sleep in seconds: the timeout of a queue has an upper limit."""

LOOK_AGAIN = 0.05
"""Seconds until the next look while a fetch runs. That fetch may or may not answer the notification."""

NO_THREAD = 1.0
"""Seconds until the next look if no thread could be started for the fetch."""


class Notifications:
    """The notifications of one engine, and the fetches for them.

    Args:
        keystate: The state machine. Access it only while holding the lock.
        lock: The lock of the engine.
        clock: A function that returns seconds and never goes back.
        fetching: Runs the fetch.
        events: Receives the events.
    """

    def __init__(
        self, keystate: KeyState, lock: forks.Lock, clock: Callable[[], float], fetching: Fetching, events: Events
    ) -> None:
        self._keystate, self._known, self._notice = keystate, keystate.known, keystate.notice
        self._lock, self._clock = lock, clock
        self._fetching, self._events = fetching, events
        self._appointment = _Appointment(self)

    def notify(self, within: float, version: object = None, links: Collection[int] | None = None) -> None:
        """Arrange a fetch within the next `within` seconds.

        Args:
            within: The length of the window in seconds.
            version: The version that the store has now. If it serves already, no fetch is arranged. None, and any
                value that is no version, means: unknown.
            links: The numbers of the links that have this version. None means the link that serves.
        """
        with self._lock:
            if self._fetching.closed:
                return
            self._keystate.counters["notifications"] += 1
            if version is not None and self._serves(version, links):
                return
            if not self._notice.arrange(self._known.tick(), self._clock(), within):
                return
            self._keystate.serve_on()
        # No event and no log record here: the caller may be a signal handler that interrupted any other code.
        _calendar.add(self._appointment)

    def _serves(self, version: object, links: Collection[int] | None) -> bool:
        serving = self._keystate.serving
        if serving.key is None or not isinstance(version, (str, int)):
            return False
        return serving.key.version == str(version) and (links is None or serving.link in links)

    def look(self) -> float | None:
        """Fetch if the moment has come. Return the seconds until the next look; None if none is needed."""
        with self._lock:
            if self._fetching.closed or not self._notice.pending:
                return None
            news, self._notice.told = not self._notice.told, True
            key = self._keystate.serving.key
            left = self._begin(self._notice.at - self._clock())
        if news:
            self._events.emit("notified", key)
        return left

    def _begin(self, left: float) -> float:
        if left > 0:
            return left
        if self._fetching.flight is None and self._fetching.begin().stillborn is not None:
            # No other thread has seen this fetch. The next use of the key reports the lack of threads.
            self._fetching.flight = None
            return NO_THREAD
        return LOOK_AGAIN


class _Appointment:
    """The time of the next look at a `Notifications`, on the clock of `time.monotonic()`. It keeps no object alive."""

    __slots__ = ("_who", "at")

    def __init__(self, who: Notifications) -> None:
        self._who = weakref.ref(who)
        self.at = math.inf

    def keep(self) -> bool:
        """Look at the notifications. Return whether another look follows, at the time `at`."""
        left: float | None = None
        try:
            if (who := self._who()) is not None:
                left = who.look()
        except Exception as error:
            # All providers of the process share this thread, so an error must not end it.
            logger.warning("The fetch for a notification could not be started: %s.", type(error).__name__)
        self.at = math.inf if left is None else time.monotonic() + min(left, LONGEST_SLEEP)
        return left is not None


class _Calendar(forks.Forkable):
    """One thread per process for all appointments. A forked child starts without appointments and without the thread.

    A signal handler may call `add`. Therefore this class takes no lock that its own thread could hold already.
    """

    def __init__(self) -> None:
        forks.watch(self)
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Forget the parent's thread and its appointments."""
        self._incoming: SimpleQueue[_Appointment] = SimpleQueue()
        self._not_started = deque([True], maxlen=1)

    def add(self, appointment: _Appointment) -> None:
        """Schedule a look at once. It raises no error if the interpreter shuts down: the next use then fetches."""
        self._incoming.put(appointment)
        try:
            self._not_started.pop()
            _thread.start_new_thread(_keep_all, (self._incoming,))
        except IndexError:
            pass  # it was started already
        except BaseException as error:
            self._not_started.append(True)
            if not isinstance(error, RuntimeError):
                raise


def _keep_all(incoming: SimpleQueue[_Appointment]) -> None:
    threading.current_thread().name = "genai-credentials-notifications"
    agenda: list[tuple[float, int, _Appointment]] = []
    number = itertools.count()
    while True:
        with suppress(Empty):
            appointment = incoming.get(timeout=max(0.0, agenda[0][0] - time.monotonic()) if agenda else None)
            appointment.at = time.monotonic()
            heappush(agenda, (appointment.at, next(number), appointment))
        while agenda and agenda[0][0] <= time.monotonic():
            at, _, appointment = heappop(agenda)
            # An appointment with another time was rescheduled. Its entry in the list is outdated.
            if at == appointment.at and appointment.keep():
                heappush(agenda, (appointment.at, next(number), appointment))


_calendar = _Calendar()
