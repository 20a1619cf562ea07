"""`Notifications`: a process that was told of a newer key fetches by itself, without a use, at a moment of its own."""

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
"""Seconds between two looks: no timeout of a queue may be of any length."""

LOOK_AGAIN = 0.05
"""Seconds until another look, while a fetch is under way that may or may not answer a notification."""

NO_THREAD = 1.0
"""Seconds until another look, where no thread could be started for the fetch."""


class Notifications:
    """What one engine was told, and the fetch that comes of it.

    Args:
        keystate: The state machine; only touched under the lock.
        lock: The engine's.
        clock: Seconds that only grow.
        fetching: Does the fetch.
        events: Told of what happens.
    """

    def __init__(
        self, keystate: KeyState, lock: forks.Lock, clock: Callable[[], float], fetching: Fetching, events: Events
    ) -> None:
        self._keystate, self._known, self._notice = keystate, keystate.known, keystate.notice
        self._lock, self._clock = lock, clock
        self._fetching, self._events = fetching, events
        self._appointment = _Appointment(self)

    def notify(self, within: float, version: object = None, links: Collection[int] | None = None) -> None:
        """Let the process fetch in the next `within` seconds.

        Args:
            within: Seconds.
            version: Which version is there now: where it is served, nothing is fetched. None means an unknown one, and
                so does what is no version.
            links: Numbers of the links that the version is of; None means of whichever serves.
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
        # Neither an event nor a log record here: whoever notifies may be a signal's handler, amid anything.
        _calendar.add(self._appointment)

    def _serves(self, version: object, links: Collection[int] | None) -> bool:
        serving = self._keystate.serving
        if serving.key is None or not isinstance(version, (str, int)):
            return False
        return serving.key.version == str(version) and (links is None or serving.link in links)

    def look(self) -> float | None:
        """Fetch, if the moment has come; seconds until the next look, None for no further one."""
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
            # Nobody else has seen it: the next use says that there are no threads, unless the interpreter just ends.
            self._fetching.flight = None
            return NO_THREAD
        return LOOK_AGAIN


class _Appointment:
    """When to look at a `Notifications` again, as `time.monotonic()` has it; it doesn't keep it alive."""

    __slots__ = ("_who", "at")

    def __init__(self, who: Notifications) -> None:
        self._who = weakref.ref(who)
        self.at = math.inf

    def keep(self) -> bool:
        """Look; True if there is to be another look, at `at`."""
        left: float | None = None
        try:
            if (who := self._who()) is not None:
                left = who.look()
        except Exception as error:
            # The thread is that of every provider of the process.
            logger.warning("A notification led to no fetch: %s.", type(error).__name__)
        self.at = math.inf if left is None else time.monotonic() + min(left, LONGEST_SLEEP)
        return left is not None


class _Calendar(forks.Forkable):
    """One thread a process, which keeps all appointments; a forked child has neither until it is notified itself.

    Notifications come from signals' handlers, too. So it takes no lock of the kind that one thread can wait for twice.
    """

    def __init__(self) -> None:
        forks.watch(self)
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Forget the parent's thread, and what was handed to it."""
        self._incoming: SimpleQueue[_Appointment] = SimpleQueue()
        self._not_started = deque([True], maxlen=1)

    def add(self, appointment: _Appointment) -> None:
        """Look soon; never raises, not even while the interpreter ends: then the next use fetches."""
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
            # Else it has been moved.
            if at == appointment.at and appointment.keep():
                heappush(agenda, (appointment.at, next(number), appointment))


_calendar = _Calendar()
