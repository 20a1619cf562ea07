"""Planned answers of a fake API Keys API, which replace its own answers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_REASONS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_REASONS |= {409: "ABORTED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


class PlannedAnswer(NamedTuple):
    """A planned answer.

    `method` is the method that gets it; "" means every method. If `is_done` is True, the call has its effect too.
    """

    method: str
    status: int
    body: dict[str, Any]
    is_done: bool = False


class PlannedAnswers:
    """The planned answers, in the order in which they were planned."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._planned: deque[PlannedAnswer] = deque()

    def fail_next(
        self,
        status: int,
        *,
        times: int = 1,
        method: str = "",
        reason: str = "",
        message: str = "injected",
        details: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Refuse the next calls.

        Args:
            status: The HTTP status.
            times: The number of calls.
            method: Only calls of this method: lookup, get, get_key_string, list, operation, create, patch, delete,
                undelete. "" means every method.
            reason: The canonical code; "" means the usual code of the status.
            message: The message for people.
            details: The typed details; empty for none.
        """
        error = {"code": status, "message": message, "status": reason or _REASONS.get(status, "UNKNOWN")}
        body = {"error": {**error, **({"details": list(details)} if details else {})}}
        with self._lock:
            self._planned.extend([PlannedAnswer(method, status, body)] * times)

    def lose_next(self, method: str) -> None:
        """Carry out the next call of this method, and answer it with a 503, as if the answer was lost."""
        error = {"code": 503, "message": "The answer was lost.", "status": "UNAVAILABLE"}
        with self._lock:
            self._planned.append(PlannedAnswer(method, 503, {"error": error}, is_done=True))

    def answer_operation_with(self, result: Mapping[str, Any]) -> None:
        """Let the next operation that is polled end with this result: {"error": …} or {"response": …}."""
        with self._lock:
            self._planned.append(PlannedAnswer("operation", 200, {"name": "operations/x", "done": True, **result}))

    def _planned_for(self, method: str) -> PlannedAnswer | None:
        """Return and remove the next answer for this method; None if there is none."""
        with self._lock:
            order = next((order for order in self._planned if order.method in ("", method)), None)
            if order is not None:
                self._planned.remove(order)
            return order
