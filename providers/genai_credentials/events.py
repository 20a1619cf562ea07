"""What happens to the key: one log record an event, and typed events for a callback of the application's own."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from genai_credentials.flight import inside, is_inside
from genai_credentials.forks import Forkable, stand_aside, watch
from genai_credentials.key import ApiKey
from genai_credentials.log import logger, tagged
from genai_credentials.workers import run

EventName = Literal[
    "fetched", "rotated", "rejected", "replayed", "served_stale", "fetch_failed", "recovered", "notified"
]


class Event(NamedTuple):
    """One thing that happened; nothing in it is secret.

    - fetched: a fetch brought a key; `seconds` is how long it took.
    - rotated: another key is served from now on, the one named here; `previous` is the fingerprint of the one before.
    - rejected: the API refused the key named here.
    - replayed: a request is sent again, with the key named here.
    - fetch_failed: no link had a key to offer; `reason` says what the serving link answered.
    - served_stale: a key is served past its ttl, since the refresh failed.
    - recovered: the first fetch that succeeds after one that failed, or the first request that the API accepts after
      it had refused every key.
    - notified: `notify()` has arranged a fetch; the key is the one that is served until then. Once for each fetch that
      is arranged, however many notifications led to it.

    `provider`, `version` and `fingerprint` are the key's, None where there is none; `seconds` is None but for fetches,
    `previous` but for rotations. `tenant` is the name of the tenant whose key it is, escaped to printable ASCII; None
    for a `CredentialProvider` that isn't one of `Tenants`.

    Each is also one log record under `genai_credentials`, which has these names as attributes, and the event's own
    name as `event`.
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
    "rotated": (logging.INFO, "The key was rotated: %(previous)s is followed by %(fingerprint)s from %(provider)s."),
    "rejected": (logging.INFO, "The API refused the key %(fingerprint)s from %(provider)s."),
    "replayed": (logging.DEBUG, "A request is sent again, with the key %(fingerprint)s from %(provider)s."),
    "fetch_failed": (logging.INFO, "A fetch brought no key: %(reason)s"),
    "served_stale": (logging.INFO, "The key %(fingerprint)s from %(provider)s is served past its ttl."),
    "notified": (logging.INFO, "Told of a newer key; the key %(fingerprint)s is served until it is fetched."),
    "recovered": (logging.INFO, "Fetches work again: the key %(fingerprint)s from %(provider)s."),
}
"""How each event is logged. What needs a person is a warning of its own, once an outage."""


class Events(Forkable):
    """Logs events at once, and keeps them until they are delivered to whoever listens.

    Args:
        sinks: Called with each event, one after the other, from a thread where nobody waits. One that fails is
            reported, and harms nobody.
    """

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks
        self.tenant: str | None = None
        self.waiting: deque[Event] = deque()
        # Whoever takes the turn delivers: events keep their order, and a slow listener holds up only the next event.
        self._turn = [True]
        watch(self)

    def emit(self, name: EventName, key: ApiKey | None = None, **details: Any) -> None:
        """Log one event, and keep it for `deliver`; `details` are fields of `Event`."""
        event = Event(name, **provenance(key), **details, tenant=self.tenant)
        level, line = LINES[name]
        if logger.isEnabledFor(level):
            fields = event._asdict()
            fields["event"] = fields.pop("name")
            logger.log(level, line, fields, extra=fields)
        if self._sinks:
            self.waiting.append(event)
            # Listeners may take their time, which is not the caller's; a fetch delivers once it has landed.
            if not is_inside(self):
                run(self.deliver, "genai-credentials-events")

    def fetched(self, key: ApiKey, seconds: float, *, recovered: bool) -> None:
        """A fetch brought a key; `recovered` says whether the one before had failed."""
        self.emit("fetched", key, seconds=seconds)
        if recovered:
            self.emit("recovered", key)

    def fetch_failed(self, key: ApiKey | None, seconds: float, reason: str, *, stale: bool) -> None:
        """A fetch brought none; `key` is served on, past its time if it is `stale`."""
        self.emit("fetch_failed", key, seconds=seconds, reason=reason)
        if key is not None and stale:
            self.emit("served_stale", key)

    def deliver(self) -> None:
        """Call the listeners with what waits, unless another thread is at it."""
        stand_aside()
        with inside(self):
            while self.waiting and self._turn:
                with suppress(IndexError):  # another thread is at it
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
                    logger.warning("A listener for events raised %s at %s.", type(error).__name__, event.name)

    def after_fork_in_child(self) -> None:
        """Take the turn from a thread that stayed behind; what waits is the parent's to deliver."""
        self.waiting.clear()
        self._turn = [True]


def provenance(key: ApiKey | None) -> dict[str, Any]:
    """What may be told of a key."""
    if key is None:
        return {}
    return {"provider": key.provider, "version": key.version, "fingerprint": key.fingerprint}
