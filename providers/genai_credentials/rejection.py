"""Decides whether an answer of the API is a refusal of the key: (status, body) -> verdict.

docs/explanation/rejection.md explains the table and gives its sources. There are three kinds of answers. After a
*rejection*, another key may help. An answer that is *not ours* is about the permissions of the key, and another key of
the same kind does not help. Every other answer is *untouched*: it is not about the key.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from genai_credentials.messages import NOT_VALID, ROWS, said
from genai_credentials.reasons import NOT_THE_KEY, REASONS, REFUSED

SUSPECT = frozenset({400, 401, 403, 404, 429})
"""The statuses whose body is read: it may say that the key is refused, or show that the key was accepted."""

MOST_BYTES = 65_536
"""The part of a body that is examined, in bytes. The bodies of the API's errors are under 4 KiB."""

CANONICAL = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}
"""Code in an error of Google (`google.rpc.Code`) -> its HTTP status."""

_OF_401_BY_MESSAGE = frozenset({
    "CREDENTIALS_MISSING", "OVERLOADED_CREDENTIALS", "app_check", "leaked", "project_denied", "CONSUMER_SUSPENDED",
})  # fmt: skip
_TAKEN = frozenset({"NOT_FOUND", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"})
_DEEPEST = 3


class Verdict(NamedTuple):
    """The meaning of an answer for the key.

    Args:
        rejected: Whether the API refused the key, so that another key is worth a try.
        cause: The cause as one word, such as "API_KEY_INVALID" or "leaked"; empty if the answer isn't about the key.
        remedy: What a person can do next.
        accepted: Whether the answer shows that the API accepted the key. Both values are False for an answer that
            says nothing about the key: a server error, a redirect, an error of a proxy or gateway.
    """

    rejected: bool
    cause: str = ""
    remedy: str = ""
    accepted: bool = False


UNTOUCHED = Verdict(False)
ACCEPTED = Verdict(False, accepted=True)


class _Answer(NamedTuple):
    """The parts of a body: Google's reason, the message, Google's code, and whether Google wrote the body.

    A part that is missing is empty.
    """

    reason: str = ""
    message: str = ""
    code: str = ""
    google: bool = False


# A body that was cut off is no valid JSON. These patterns find the same fields in its text.
_RAW_REASON = re.compile(r'"reason"\s*:\s*"([A-Z_]{3,64})"')
_RAW_MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.){0,500})')


def classify(status: int, body: bytes | str) -> Verdict:
    """Return the verdict of an HTTP answer on the key of its request.

    Args:
        status: The HTTP status.
        body: The decompressed body. Only its first 64 KiB are examined, and only if `SUSPECT` contains the status.
            Empty means that the body was not read: then a 404 or a 429 says nothing, because proxies send these too.
    """
    if 200 <= status < 300:
        return ACCEPTED
    if status not in SUSPECT:
        return UNTOUCHED
    answer = _parse(body)
    if status in (404, 429):
        return ACCEPTED if answer.code in _TAKEN else UNTOUCHED
    if cause := _CAUSES[status](answer):
        return _verdict(cause)
    return ACCEPTED if answer.code in _TAKEN else UNTOUCHED


def classify_close(code: int, message: str) -> Verdict:
    """Return the verdict of a WebSocket that was closed before its session was set up.

    Args:
        code: The close code. Only 1007 and 1008 can be about the key.
        message: The close reason.
    """
    if code not in (1007, 1008):
        return UNTOUCHED
    if NOT_VALID.match(message):
        return _verdict("API_KEY_INVALID")
    # A message of code 1007 repeats parts of the request, so only its beginning counts. A message of code 1008 is about
    # the caller.
    cause = said(message if code == 1008 else "")
    return _verdict(cause) if cause and cause != "PERMISSION_DENIED" else UNTOUCHED


def _of_400(answer: _Answer) -> str:
    if answer.reason in REASONS:
        return answer.reason
    return "API_KEY_INVALID" if NOT_VALID.match(answer.message) else ""


def _of_401(answer: _Answer) -> str:
    if answer.reason in REASONS and REASONS[answer.reason].verdict != NOT_THE_KEY:
        return answer.reason
    cause = said(answer.message)
    if cause in _OF_401_BY_MESSAGE:
        return cause
    return "unauthenticated" if answer.google else "gateway"


def _of_403(answer: _Answer) -> str:
    cause = said(answer.message)
    if cause and ROWS[cause].verdict == REFUSED:
        return cause
    if answer.reason in REASONS:
        return answer.reason
    if NOT_VALID.match(answer.message):
        return "API_KEY_INVALID"
    return cause or ("PERMISSION_DENIED" if answer.google else "forbidden")


_CAUSES = {400: _of_400, 401: _of_401, 403: _of_403}


def _verdict(cause: str) -> Verdict:
    row = ROWS[cause]
    if row.verdict == NOT_THE_KEY:
        return ACCEPTED if row.proves else UNTOUCHED
    return Verdict(row.verdict == REFUSED, cause, row.remedy, row.proves)


def _parse(body: bytes | str, depth: int = 0) -> _Answer:
    text = body[:MOST_BYTES]
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        reason, message = _RAW_REASON.search(text), _RAW_MESSAGE.search(text)
        return _Answer(_known(reason[1]) if reason else "", message[1] if message else text[:500], "", bool(reason))
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error", document) if isinstance(document, dict) else None
    if isinstance(error, str):
        return _inside(_Answer(message=error), depth)
    if not isinstance(error, dict):
        return _Answer()
    message, code = error.get("message"), error.get("status")
    code = code if isinstance(code, str) and code in CANONICAL else ""
    google = error is not document and (bool(code) or error.get("code") == "authentication")
    found = _Answer(
        _reason(error.get("details")), message if isinstance(message, str) else "", code if google else "", google
    )
    return _inside(found, depth)


def _inside(answer: _Answer, depth: int) -> _Answer:
    """The answer of Google that a gateway put into its own message; else the answer of the gateway itself."""
    if depth < _DEEPEST and answer.message.lstrip()[:1] in ("{", "["):
        inner = _parse(answer.message, depth + 1)
        return inner if inner.google else answer
    return answer


def _reason(details: Any) -> str:
    rows = details if isinstance(details, list) else []
    reasons = (row.get("reason") for row in rows if isinstance(row, dict))
    return next((_known(reason) for reason in reasons if isinstance(reason, str)), "")


def _known(reason: str) -> str:
    return "" if reason == "ERROR_REASON_UNSPECIFIED" else reason
