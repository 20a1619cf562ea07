"""Events of the key: each event is one log record, and one call of the application's callback."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from genai_credentials.errors import ConfigurationError
from genai_credentials.flight import inside, is_inside
from genai_credentials.forks import Forkable, stand_aside, watch
from genai_credentials.key import ApiKey
from genai_credentials.log import logger, tagged
from genai_credentials.workers import run

EventName = Literal[
    "fetched", "rotated", "rejected", "replayed", "served_stale", "fetch_failed", "recovered", "notified"
]


class Event(NamedTuple):
    """One event in the life of a key. It contains no secret.

    - fetched: a fetch returned this key. `seconds` is the duration of the fetch.
    - rotated: this key serves from now on. `previous` is the fingerprint of the key before it.
    - rejected: the API refused this key.
    - replayed: a request is sent again with this key.
    - fetch_failed: no link had a key to offer. `seconds` is the duration of the fetch. `reason` is the error of the
      link that serves, or of the first link that failed.
    - served_stale: this key is served past its `ttl`, because the refresh failed.
    - recovered: a fetch succeeded after a fetch that failed; or the API accepted a request after it had refused every
      key.
    - notified: `notify()` has arranged a fetch. This key serves until then. There is one event per arranged fetch, even
      if several notifications led to it.

    `provider`, `version` and `fingerprint` describe the key; they are None if there is no key. `version` is also None
    if the store has no versions. `seconds` is None except for fetches, and `previous` except for rotations. `reason` is
    empty except for failed fetches. `tenant` is the name of the key's tenant, escaped to printable ASCII; None for a
    `CredentialProvider` that isn't part of `Tenants`.

    Each event is also one log record of the logger `genai_credentials`. The record has these fields as attributes, and
    the name of the event as `event`.
    """

    name: EventName
    provider: str | None = None
    version: str | None = None
    fingerprint: str | None = None
    seconds: float | None = None
    reason: str = ""
    previous: str | None = None
    tenant: str | None = None


Sink = Callable[[Event], object]

LINES: dict[EventName, tuple[int, str]] = {
    "fetched": (logging.DEBUG, "Fetched the key %(fingerprint)s from %(provider)s in %(seconds).3f s."),
    "rotated": (logging.INFO, "The key was rotated: %(fingerprint)s from %(provider)s replaces %(previous)s."),
    "rejected": (logging.INFO, "The API refused the key %(fingerprint)s from %(provider)s."),
    "replayed": (logging.DEBUG, "A request is sent again with the key %(fingerprint)s from %(provider)s."),
    "fetch_failed": (logging.INFO, "A fetch found no key: %(reason)s"),
    "served_stale": (logging.INFO, "The key %(fingerprint)s from %(provider)s is served past its ttl."),
    "notified": (logging.INFO, "A notification arranged a fetch. The key %(fingerprint)s is served until then."),
    "recovered": (logging.INFO, "The outage is over: the key %(fingerprint)s from %(provider)s is served."),
}
"""Event -> the level and the text of its log record.

No event is a warning: problems that need a person are logged as warnings elsewhere, once per outage.
"""


class Events(Forkable):
    """Logs events at once, and keeps them until they are delivered to the listeners.

    Args:
        sinks: The listeners: functions that are called with each event, one after the other, in a background thread.
            An error of a listener is logged and goes no further.

    Raises:
        ConfigurationError: A listener is not callable.
    """

    def __init__(self, *sinks: Sink) -> None:
        for sink in sinks:
            if not callable(sink):
                raise ConfigurationError(
                    f"on_event is {type(sink).__name__}, which cannot be called.",
                    remedy="Pass a function that takes an Event.",
                )
        self._sinks = sinks
        self.tenant: str | None = None
        self.waiting: deque[Event] = deque()
        # Only the thread that takes this one element delivers events. So the events keep their order, and a slow
        # listener delays only later events.
        self._turn = [True]
        watch(self)

    def emit(self, name: EventName, key: ApiKey | None = None, **details: Any) -> None:
        """Log one event, and keep it for `deliver`.

        Args:
            name: The name of the event.
            key: The key that the event is about; None if there is none.
            details: Further fields of `Event`.
        """
        event = Event(name, **provenance(key), **details, tenant=self.tenant)
        level, line = LINES[name]
        if logger.isEnabledFor(level):
            fields = event._asdict()
            fields["event"] = fields.pop("name")
            logger.log(level, line, fields, extra=fields)
        if self._sinks:
            self.waiting.append(event)
            # A listener may be slow, and the caller must not wait for it. A fetch delivers its events when it ends.
            if not is_inside(self):
                run(self.deliver, "genai-credentials-events")

    def fetched(self, key: ApiKey, seconds: float, *, recovered: bool) -> None:
        """Emit the events of a fetch that returned a key.

        Args:
            key: The key.
            seconds: The duration of the fetch in seconds.
            recovered: Whether the fetch before this one had failed.
        """
        self.emit("fetched", key, seconds=seconds)
        if recovered:
            self.emit("recovered", key)

    def fetch_failed(self, key: ApiKey | None, seconds: float, reason: str, *, stale: bool) -> None:
        """Emit the events of a fetch that returned no key.

        Args:
            key: The key that still serves; None if there is none.
            seconds: The duration of the fetch in seconds.
            reason: The error of the link.
            stale: Whether that key is served past its ttl.
        """
        self.emit("fetch_failed", key, seconds=seconds, reason=reason)
        if key is not None and stale:
            self.emit("served_stale", key)

    def deliver(self) -> None:
        """Call the listeners with all waiting events, unless another thread already does so."""
        stand_aside()
        with inside(self):
            while self.waiting and self._turn:
                with suppress(IndexError):  # another thread took the turn first
                    self._turn.pop()
                    self._call_all()

    def _call_all(self) -> None:
        try:
            while self.waiting:
                self._call_with(self.waiting.popleft())
        finally:
            self._turn.append(True)

    def _call_with(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink(event)
            except Exception as error:
                with tagged(event.tenant):
                    logger.warning("An on_event callback raised %s at the event %s.", type(error).__name__, event.name)

    def after_fork_in_child(self) -> None:
        """Free the turn, because its thread may not exist in the child. Drop the events that the parent delivers."""
        self.waiting.clear()
        self._turn = [True]


def provenance(key: ApiKey | None) -> dict[str, Any]:
    """The fields of `Event` that describe a key; none for None."""
    if key is None:
        return {}
    return {"provider": key.provider, "version": key.version, "fingerprint": key.fingerprint}
