"""What happens to the key: one log record an event, and typed events for a callback of the application's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from genai_credentials.key import ApiKey
from genai_credentials.log import logger

EventName = Literal["fetched", "rotated", "rejected", "replayed", "served_stale", "fetch_failed", "recovered"]


class Event(NamedTuple):
    """One thing that happened; nothing in it is secret.

    - fetched: a fetch brought a key; `seconds` is how long it took.
    - rotated: another key is served from now on, the one named here; `previous` is the fingerprint of the one before.
    - rejected: the API refused the key named here.
    - replayed: a request is sent again, with the key named here.
    - fetch_failed: no link had a key to offer; `reason` says what the serving link answered.
    - served_stale: a key is served past its ttl, since the refresh failed.
    - recovered: the first fetch that succeeds after one that failed.

    `provider`, `version` and `fingerprint` are the key's, None where there is none; `seconds` is None but for fetches,
    `previous` but for rotations.

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


Sink = Callable[[Event], object]

LINES: dict[EventName, tuple[int, str]] = {
    "fetched": (logging.DEBUG, "Fetched the key %(fingerprint)s from %(provider)s in %(seconds).3f s."),
    "rotated": (logging.INFO, "The key was rotated: %(previous)s is followed by %(fingerprint)s from %(provider)s."),
    "rejected": (logging.INFO, "The API refused the key %(fingerprint)s from %(provider)s."),
    "replayed": (logging.DEBUG, "A request is sent again, with the key %(fingerprint)s from %(provider)s."),
    "fetch_failed": (logging.INFO, "A fetch brought no key: %(reason)s"),
    "served_stale": (logging.INFO, "The key %(fingerprint)s from %(provider)s is served past its ttl."),
    "recovered": (logging.INFO, "Fetches work again: the key %(fingerprint)s from %(provider)s."),
}
"""How each event is logged. What needs a person is a warning of its own, once an outage."""


class Events:
    """Logs events, and hands them to whoever listens; a listener that fails is reported, and harms nobody.

    Args:
        sinks: Called with each event, in the thread where it happens: they are to be quick.
    """

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def emit(self, name: EventName, key: ApiKey | None = None, **details: Any) -> None:
        """Tell of one event; `details` are fields of `Event`."""
        event = Event(name, **provenance(key), **details)
        level, line = LINES[name]
        if logger.isEnabledFor(level):
            fields = event._asdict()
            fields["event"] = fields.pop("name")
            logger.log(level, line, fields, extra=fields)
        for sink in self._sinks:
            try:
                sink(event)
            except Exception as error:
                logger.warning("A listener for events raised %s at %s.", type(error).__name__, name)


def provenance(key: ApiKey | None) -> dict[str, Any]:
    """What may be told of a key."""
    if key is None:
        return {}
    return {"provider": key.provider, "version": key.version, "fingerprint": key.fingerprint}
