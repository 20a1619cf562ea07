"""OpenTelemetry: metrics, and a span per fetch. It needs the extra `otel`.

No attribute contains a key, a fingerprint or a tenant. Labels of a metric are kept longer than the key, and each
rotation and each tenant would add a time series.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from genai_credentials.events import Event
from genai_credentials.provider import import_extra

NAME = "genai_credentials"


class OpenTelemetry:
    """A listener that turns events into metrics: `CredentialProvider(…, on_event=OpenTelemetry())`.

    The counters are genai_credentials.fetches, .rejections, .rotations, .replays and .notifications, with the labels
    provider and outcome. The histogram genai_credentials.fetch.duration is in seconds. The gauge
    genai_credentials.key.age is the number of seconds since the last fetch of a key.

    Args:
        meter_provider: The source of meters; None means the global one.
        tracer_provider: The source of tracers; None means the global one.
        clock: A function that returns seconds and never goes back.

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
        # For a tenant only the kind of the provider: its full name contains the tenant, and would add a time series.
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
