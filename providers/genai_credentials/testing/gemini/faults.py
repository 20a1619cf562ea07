"""Planned answers of `FakeGemini`: errors for any key, redirects, and streams that stop."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from genai_credentials.testing.gemini.wire import Answer, RecordedRequest
from genai_credentials.testing.refusals import HTML, JSON

__all__ = ["Faults"]


class Faults:
    """The planned answers and redirects, in the order in which they were planned. Thread-safe."""

    def __init__(self) -> None:
        self.stream_gate = threading.Event()
        """While this event is cleared, streams stop after their first chunk."""
        self.stream_gate.set()
        self._planning = threading.Lock()
        self._faults: deque[_Fault] = deque()
        self._redirects: list[tuple[str, str, int]] = []

    def answer_next(
        self,
        status: int,
        body: bytes | str | dict[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        path: str | None = None,
    ) -> None:
        """Answer the next requests with this, whichever key they carry.

        Args:
            status: The HTTP status.
            body: The body. A dict is sent as JSON.
            headers: Further headers. A Content-Type in them replaces the type that is guessed from the body. None: no
                more.
            times: The number of requests.
            path: Only requests whose path contains this text; None for every request.
        """
        canned = _canned(status, body, dict(headers or {}))
        with self._planning:
            self._faults.extend([_Fault(canned, path)] * times)

    def redirect(self, path_contains: str, location: str, status: int = 307) -> None:
        """Redirect every request whose path contains `path_contains`.

        Args:
            path_contains: A part of the path.
            location: The target. The path and the query of the request are added to a bare origin. Other values are
                sent unchanged.
            status: The HTTP status. With 307 and 308, clients keep the method and the body.
        """
        with self._planning:
            self._redirects.append((path_contains, location, status))

    @contextlib.contextmanager
    def hold_streams(self) -> Iterator[None]:
        """Stop streams after their first chunk until the block ends."""
        self.stream_gate.clear()
        try:
            yield
        finally:
            self.stream_gate.set()

    def _fault(self, request: RecordedRequest) -> Answer | None:
        if not self._faults:
            return None
        with self._planning:
            for fault in self._faults:
                if fault.path is None or fault.path in request.path:
                    self._faults.remove(fault)
                    return fault.answer
        return None

    def _redirected(self, request: RecordedRequest) -> Answer | None:
        for part, location, status in self._redirects:
            if part in request.path:
                bare = location.count("/") == 2
                own = request.path + (f"?{request.query}" if request.query else "")
                return Answer(status, headers=(("Location", location + own if bare else location),))
        return None

    def _gated(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        yield next(stream)
        for chunk in stream:
            self.stream_gate.wait()
            yield chunk


class _Fault:
    """A planned answer, and the part of the path that a request must have; None for every request."""

    def __init__(self, answer: Answer, path: str | None) -> None:
        self.answer, self.path = answer, path


def _canned(status: int, body: bytes | str | dict[str, Any], headers: dict[str, str]) -> Answer:
    if isinstance(body, dict):
        body = json.dumps(body)
    raw = body.encode() if isinstance(body, str) else body
    guess = JSON if raw[:1] in (b"{", b"[") else HTML if raw else ""
    given = [value for name, value in headers.items() if name.lower() == "content-type"]
    rest = tuple((name, value) for name, value in headers.items() if name.lower() != "content-type")
    return Answer(status, raw, given[0] if given else guess, rest)
