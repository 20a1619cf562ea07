"""Calls of the API Keys API: repeats calls after temporary failures, waits for operations, and explains failures."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from genai_credentials.per_process import PerProcess
from genai_credentials.rotate.denials import explained
from genai_credentials.rotate.errors import RotationFailed, after_a_change

Json = dict[str, Any]

CALL_TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and seconds to wait for an answer."""

OPERATION_TIMEOUT = 180.0
"""Seconds to wait for an operation."""

QUOTA_PATIENCE, TROUBLE_PATIENCE = 150.0, 20.0
"""Seconds for which a call is repeated: after a refusal for a quota, which is per minute; after other failures."""

_LONGEST_PAUSE = 20.0
_AGAIN = frozenset({429, 500, 502, 503, 504})


class Reply(NamedTuple):
    """The answer to a call, or the note that there was none.

    Args:
        status: The HTTP status; 0 if there was no answer.
        body: The JSON object of the answer; empty if the body is anything else.
        trouble: The class of the error if there was no answer; "" otherwise.
        retry_after: Seconds that the server asks to wait; 0 if it doesn't.
    """

    status: int
    body: Json
    trouble: str = ""
    retry_after: float = 0.0


class Response(Protocol):
    """The part of a response of requests that is used here."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Session(Protocol):
    """The part of google-auth's `AuthorizedSession` that is used here."""

    def request(self, method: str, url: str, **options: Any) -> Response:
        """Send a request and return its response."""
        ...


class Rest:
    """The API Keys API for one project.

    Args:
        session: Makes the session that sends the requests. Called once in each process.
        base_url: The URL of the API, without a slash at the end.
        project: The project that is charged for the calls. Without it, Google charges a shared project of gcloud when a
            user's credentials are used.
    """

    def __init__(self, session: Callable[[], Session], base_url: str, project: str) -> None:
        self.base_url = base_url
        self._headers = {"x-goog-user-project": project}
        self._session: PerProcess[Session] = PerProcess(session)

    def call(
        self, does: str, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> Reply:
        """The answer to a call. The caller handles an answer with status 404 or 409.

        Args:
            does: The API's name for the method, which selects the explanation of a refusal.
            method: The HTTP method.
            path: The path after the API version.
            query: The query parameters; None for none.
            body: The JSON document; None for none.

        Raises:
            RotationFailed: The call was refused, or there was no answer.
        """
        changes = method != "GET"
        began, pause = time.monotonic(), 0.5
        while True:
            reply = self._send(method, path, query, body)
            if 200 <= reply.status < 300 or reply.status in (404, 409):
                return reply
            patience = QUOTA_PATIENCE if reply.status == 429 else TROUBLE_PATIENCE
            again = reply.status in _AGAIN or (reply.trouble and reply.trouble not in _OURS)
            pause = max(min(pause, _LONGEST_PAUSE), reply.retry_after)
            if not again or time.monotonic() + pause - began > patience:
                raise explained(does, reply.status, reply.body, reply.trouble, changes=changes)
            time.sleep(pause * random.uniform(0.8, 1.0))  # noqa: S311 - only spreads runs that began together
            pause *= 2

    def operate(
        self, does: str, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> Reply:
        """The result of a call that starts an operation. Waits until the operation is done.

        The status of the reply is 200, 404 or 409. The arguments are those of `call`.

        Raises:
            RotationFailed: The call or the operation failed, or the operation did not end in 180 s.
        """
        reply = self.call(does, method, path, query=query, body=body)
        # The operation has begun. If its end cannot be read, the change may have been made.
        with after_a_change():
            reply = self._ended(does, reply)
        return _result(does, reply)

    def _ended(self, does: str, reply: Reply) -> Reply:
        began, pause = time.monotonic(), 0.1
        while reply.status == 200 and not reply.body.get("done"):
            if time.monotonic() - began > OPERATION_TIMEOUT:
                raise RotationFailed(
                    f"API Keys API, {does}: the operation did not end within {OPERATION_TIMEOUT:.0f} s.",
                    remedy="Run the rotation again later: it continues from there.",
                )
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
            reply = self.call("operations.get", "GET", str(reply.body.get("name", "operations/")))
            if reply.status != 200:
                # The API has no record of the operation any more. The key shows its result.
                return Reply(200, {"done": True})
        return reply

    def _send(self, method: str, path: str, query: Mapping[str, str] | None, body: Json | None) -> Reply:
        options: Json = {"params": dict(query or {}), "headers": self._headers, "timeout": CALL_TIMEOUT}
        if body is not None:
            options |= {"data": json.dumps(body), "headers": {**self._headers, "Content-Type": "application/json"}}
        try:
            session = self._session.get()
            # Redirects are not followed: the credentials, and in one call the key, would be sent to the redirect's
            # target.
            answer = session.request(method, f"{self.base_url}/v2/{path}", allow_redirects=False, **options)
        except RotationFailed:
            raise
        except Exception as error:
            # The error is not chained and its text is not repeated: in one call the URL holds the key, and the messages
            # of requests hold the URL.
            return Reply(0, {}, type(error).__name__)
        return Reply(answer.status_code, _document(answer.content), retry_after=_seconds(answer.headers))


_OURS = frozenset({"RefreshError", "MutualTLSChannelError", "InvalidURL", "SSLError", "TypeError", "ValueError"})
"""Errors that another attempt does not fix."""


def _document(content: bytes) -> Json:
    try:
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _seconds(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return min(float(text), QUOTA_PATIENCE) if text.isdecimal() else 0.0


def _result(does: str, reply: Reply) -> Reply:
    if reply.status != 200:
        return reply
    error = reply.body.get("error")
    if isinstance(error, dict):
        # The error of an operation has a number of google.rpc.Code instead of an HTTP status.
        status = _STATUSES.get(error.get("code", 0), 500)
        if status not in (404, 409):
            raise explained(does, status, {"error": error}, "", changes=True)
        return Reply(status, {"error": error})
    response = reply.body.get("response")
    return Reply(200, response if isinstance(response, dict) else {})


_STATUSES = {3: 400, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 14: 503, 16: 401}
"""google.rpc.Code -> HTTP status."""
