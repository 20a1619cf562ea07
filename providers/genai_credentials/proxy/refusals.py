"""The proxy's own answers. They have Google's format, so clients read them like answers of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

DOMAIN = "genai-credentials"

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Refused(Exception):
    """A request that the proxy answers itself.

    Args:
        status: The HTTP status.
        reason: A code for programs, in capitals.
        message: What happened and what to do about it; nothing secret.
        headers: Further headers of the answer; None for none.
    """

    def __init__(self, status: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.message, self.headers = status, reason, message, dict(headers or {})

    def response(self, *, close: bool = False) -> web.Response:
        """The answer.

        Args:
            close: Whether the connection ends after the answer, which is necessary if the request's body was not read.
        """
        response = own_answer(self.status, self.document(), self.headers)
        if close:
            response.force_close()
        return response

    def document(self) -> dict[str, object]:
        """The JSON body in Google's format."""
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.reason, "domain": DOMAIN}
        status = _STATUSES.get(self.status, "UNKNOWN")
        return {"error": {"code": self.status, "message": self.message, "status": status, "details": [info]}}


def own_answer(status: int, document: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer of the proxy itself.

    Args:
        status: The HTTP status.
        document: The JSON body.
        headers: Further headers; None for none.
    """
    shown = {"Server": DOMAIN, "Cache-Control": "no-store", **(headers or {})}
    text = json.dumps(document, indent=2) + "\n"
    return web.Response(status=status, body=text.encode(), content_type="application/json", headers=shown)
