"""What happens to the key, as typed events for a callback of the application's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from genai_credentials.key import ApiKey
from genai_credentials.provider import logger

EventName = Literal["fetched", "rotated", "rejected", "replayed", "served_stale", "fetch_failed", "recovered"]


class Event(NamedTuple):
    """One thing that happened; nothing in it is secret.

    - fetched: a fetch brought a key; `seconds` is how long it took.
    - rotated: another key is served from now on, the one named here.
    - rejected: the API refused the key named here.
    - replayed: a request is sent again, with the key named here.
    - fetch_failed: no link had a key to offer; `reason` says what the serving link answered.
    - served_stale: a key is served past its ttl, since the refresh failed.
    - recovered: the first fetch that succeeds after one that failed.

    `provider`, `version` and `fingerprint` are the key's, None where there is none; `seconds` is None but for fetches.
    """

    name: EventName
    provider: str | None = None
    version: str | None = None
    fingerprint: str | None = None
    seconds: float | None = None
    reason: str = ""


Sink = Callable[[Event], object]


class Events:
    """Hands events to whoever listens; a listener that fails is reported, and harms nobody.

    Args:
        sinks: Called with each event, in the thread where it happens: they are to be quick.
    """

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def emit(
        self, name: EventName, key: ApiKey | None = None, *, seconds: float | None = None, reason: str = ""
    ) -> None:
        """Tell of one event."""
        if not self._sinks:
            return
        event = Event(name, seconds=seconds, reason=reason)
        if key is not None:
            event = event._replace(provider=key.provider, version=key.version, fingerprint=key.fingerprint)
        for sink in self._sinks:
            try:
                sink(event)
            except Exception as error:
                logger.warning("A listener for events raised %s at %s.", type(error).__name__, name)
