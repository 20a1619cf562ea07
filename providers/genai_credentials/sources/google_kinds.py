"""What kind of failure an error of Google's libraries is, whichever transport it came over."""

from __future__ import annotations

import re
from typing import Any

PASSING = frozenset({"ServiceUnavailable", "ResourceExhausted", "InternalServerError", "TransportError"})
"""The kinds that may be gone at the next try."""

_KINDS = {
    "INTERNAL": "InternalServerError",
    "UNAVAILABLE": "ServiceUnavailable",
    "UNIMPLEMENTED": "MethodNotImplemented",
}
"""Statuses whose class in google.api_core has another name than the status itself."""

_BY_HTTP = {
    401: "Unauthenticated",
    403: "Forbidden",
    429: "ResourceExhausted",
    500: "InternalServerError",
    502: "ServiceUnavailable",
    503: "ServiceUnavailable",
    504: "DeadlineExceeded",
}
"""For an answer without a status of Google's, as a proxy gives."""

_PLUG_IN = "Getting metadata from plugin failed"
"""How gRPC wraps, as a 503, whatever google-auth raised when it was to renew a token."""

_NO_WAY_THERE = re.compile(r"Max retries|[Cc]onnection|[Tt]imed? ?out|metadata (?:service|server)|internal_failure")
"""In google-auth's words: the token server was not reached, or failed itself."""


class RefusedOverRest(Exception):
    """What the REST API answered instead of a secret; `kind` is as `kind_of` has it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def kind_of(error: Exception) -> str:
    """The name of a failure: that of google.api_core's class for the status, or of google-auth's class.

    Over gRPC the class says it. Over REST it says the HTTP status alone, and the answer's body has the rest: a
    disabled version is a 400 there, and throttling is TooManyRequests. Where gRPC failed to renew a token, the kind is
    google-auth's, which a 503 hides.
    """
    # When retries give up, what they gave up on is what there is to say: a throttled store is not down.
    error = getattr(error, "cause", None) or error
    if isinstance(error, RefusedOverRest):
        return error.kind
    if _PLUG_IN in str(error):
        return "TransportError" if _NO_WAY_THERE.search(str(error)) else "RefreshError"
    names = {kind.__name__ for kind in type(error).__mro__}
    if "InvalidOperation" in names:
        # Anonymous credentials were to be renewed, since they were refused.
        return "Unauthenticated"
    if "RefreshError" in names:
        passes = getattr(error, "retryable", False) or _NO_WAY_THERE.search(str(error))
        return "TransportError" if passes else "RefreshError"
    response: Any = getattr(error, "response", None)
    if hasattr(response, "status_code"):
        return kind_of_status(response.status_code, _json_of(response))[0]
    if "RequestException" in names:
        return "DeadlineExceeded" if "Timeout" in names else "ServiceUnavailable"
    return type(error).__name__


def kind_of_status(http: int, answer: Any) -> tuple[str, str]:
    """The kind of an answer in JSON that is no success, and its message; "" where it has none."""
    error = answer.get("error") if isinstance(answer, dict) else None
    status = error.get("status") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(status, str) or not re.fullmatch(r"[A-Z_]+", status):
        return _BY_HTTP.get(http, f"HTTP status {http}"), ""
    return _KINDS.get(status, status.title().replace("_", "")), str(error.get("message", ""))


def without_frames(error: Exception) -> Exception:
    """The error, and those that it came from, without their frames: these hold access tokens, or what was read."""
    queue: list[BaseException | None] = [error]
    seen: set[int] = set()
    while queue:
        one = queue.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            queue += [one.__cause__, one.__context__]
    return error


def _json_of(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
