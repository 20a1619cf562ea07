"""The kinds of failures of Google's libraries. A kind is the same for gRPC and for REST."""

from __future__ import annotations

import re
from typing import Any

PASSING = frozenset({"ServiceUnavailable", "ResourceExhausted", "InternalServerError", "TransportError"})
"""The kinds of failures that may be gone at the next try."""

_KINDS = {
    "INTERNAL": "InternalServerError",
    "UNAVAILABLE": "ServiceUnavailable",
    "UNIMPLEMENTED": "MethodNotImplemented",
}
"""The statuses whose class in google.api_core has a different name."""

_BY_HTTP = {
    401: "Unauthenticated",
    403: "Forbidden",
    429: "ResourceExhausted",
    500: "InternalServerError",
    502: "ServiceUnavailable",
    503: "ServiceUnavailable",
    504: "DeadlineExceeded",
}
"""The kinds for an answer without a status of Google, for example the answer of a proxy."""

_PLUG_IN = "Getting metadata from plugin failed"
"""The start of gRPC's message when google-auth could not renew a token. gRPC raises it as a 503."""

_NO_WAY_THERE = re.compile(r"Max retries|[Cc]onnection|[Tt]imed? ?out|metadata (?:service|server)|internal_failure")
"""Messages of google-auth that mean: the token server was not reached, or the token server failed."""


class RefusedOverRest(Exception):
    """The REST API refused the request. `kind` is a name as `kind_of` returns it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def kind_of(error: Exception) -> str:
    """Return the name of a failure: the class of google.api_core for the status, or the class of google-auth.

    Over gRPC, the class of the error is that name. Over REST, the class shows only the HTTP status, and the body shows
    the rest. A disabled version is a 400 there, and throttling is TooManyRequests. If gRPC could not renew a token, the
    result is the kind of google-auth's error, which a 503 hides.
    """
    # A RetryError holds the last error as `cause`. That error is the reason: a throttled store is not down.
    error = getattr(error, "cause", None) or error
    if isinstance(error, RefusedOverRest):
        return error.kind
    if _PLUG_IN in str(error):
        return "TransportError" if _NO_WAY_THERE.search(str(error)) else "RefreshError"
    names = {kind.__name__ for kind in type(error).__mro__}
    if "InvalidOperation" in names:
        # The store refused anonymous credentials, and google-auth then tried to renew them.
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
    """Return the kind and the message of a JSON answer that is no success. The message is "" if there is none."""
    error = answer.get("error") if isinstance(answer, dict) else None
    status = error.get("status") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(status, str) or not re.fullmatch(r"[A-Z_]+", status):
        return _BY_HTTP.get(http, f"HTTP status {http}"), ""
    return _KINDS.get(status, status.title().replace("_", "")), str(error.get("message", ""))


def without_frames(error: Exception) -> Exception:
    """Remove the frames of an error and of its causes, and return the error.

    The frames hold access tokens and payloads.
    """
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
