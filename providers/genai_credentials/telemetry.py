"""OpenTelemetry: metrics and a span per fetch, when the application has the API package (extra `otel`).

No key, no fingerprint and no tenant is ever an attribute: a metric's label outlives the key, and multiplies with each
rotation and each tenant.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from genai_credentials.events import Event
from genai_credentials.provider import import_extra

NAME = "genai_credentials"


class OpenTelemetry:
    """A listener for events that counts and times them: `CredentialProvider(…, on_event=OpenTelemetry())`.

    The metrics are genai_credentials.fetches, .rejections, .rotations, .replays and .notifications (counters, by
    provider and outcome), .fetch.duration (a histogram, seconds) and .key.age (a gauge, seconds since the key was last
    fetched).

    Args:
        meter_provider: None means the global one.
        tracer_provider: None means the global one.
        clock: Seconds that only grow.

    Raises:
        MissingDependency: opentelemetry-api is not installed.
    """

    def __init__(
        self, meter_provider: Any = None, tracer_provider: Any = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        metrics, trace = import_extra("opentelemetry.metrics", "otel"), import_extra("opentelemetry.trace", "otel")
        meter = metrics.get_meter(NAME, meter_provider=meter_provider)
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        self._clock = clock
        self._counters = {
            "fetched": meter.create_counter(f"{NAME}.fetches", description="Fetches of a key"),
            "rejected": meter.create_counter(f"{NAME}.rejections", description="Keys that the API refused"),
            "rotated": meter.create_counter(f"{NAME}.rotations", description="Changes of the key that is served"),
            "replayed": meter.create_counter(f"{NAME}.replays", description="Requests sent again with another key"),
            "notified": meter.create_counter(f"{NAME}.notifications", description="Fetches arranged by notifications"),
        }
        self._counters["fetch_failed"] = self._counters["fetched"]
        self._duration = meter.create_histogram(f"{NAME}.fetch.duration", unit="s", description="Time of a fetch")
        meter.create_observable_gauge(
            f"{NAME}.key.age", [self._age], unit="s", description="Time since the key was last fetched"
        )
        self._observation = metrics.Observation
        self._fetched_at: float | None = None

    def __call__(self, event: Event) -> None:
        """Count one event."""
        # Of a tenant's provider the kind alone: its name holds the tenant's, and each would multiply the series.
        provider = (event.provider or "none").partition(":" if event.tenant else "\n")[0]
        labels = {"provider": provider, "outcome": event.name}
        if counter := self._counters.get(event.name):
            counter.add(1, labels)
        if event.seconds is not None:
            self._duration.record(event.seconds, labels)
            self._span(event, labels)
        if event.name == "fetched":
            self._fetched_at = self._clock()

    def _span(self, event: Event, labels: dict[str, str]) -> None:
        end = time.time_ns()
        start = end - int((event.seconds or 0) * 1e9)
        self._tracer.start_span(f"{NAME}.fetch", start_time=start, attributes=labels).end(end)

    def _age(self, _options: Any) -> list[Any]:
        return [] if self._fetched_at is None else [self._observation(self._clock() - self._fetched_at)]
