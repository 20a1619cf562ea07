"""The real SDK of Sentry over a transport that keeps each event in memory."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

sentry_sdk = pytest.importorskip("sentry_sdk")

Report = Callable[[BaseException], dict[str, Any]]


@contextmanager
def reporting(**options: Any) -> Iterator[Report]:
    """Return a function that returns the event that Sentry makes of an error.

    Args:
        options: Of `sentry_sdk.Client`; without any it is as an application has it, but for its hooks into libraries.
    """
    events: list[dict[str, Any]] = []

    class Kept(sentry_sdk.transport.Transport):  # type: ignore[misc,name-defined]
        def capture_envelope(self, envelope: Any) -> None:
            events.append(envelope.get_event())

    client = sentry_sdk.Client(dsn="http://public@127.0.0.1:1/1", transport=Kept, default_integrations=False, **options)

    def report(error: BaseException) -> dict[str, Any]:
        with sentry_sdk.new_scope() as scope:
            scope.set_client(client)
            scope.capture_exception(error)
        return events[-1]

    try:
        yield report
    finally:
        client.close(timeout=0)


def frames_of(event: dict[str, Any], package: str = "genai_credentials") -> list[dict[str, Any]]:
    """Return the stack frames of a package in an event, including those of the causes."""
    traces = [value.get("stacktrace", {}) for value in event["exception"]["values"]]
    frames = [frame for trace in traces for frame in trace.get("frames", ())]
    return [frame for frame in frames if (frame["module"] or "").startswith(package)]


def holds(part: Any, text: str) -> bool:
    """Return whether a text is anywhere in an event."""
    return text in json.dumps(part, default=repr)
