"""Whether an answer of the API says that the key is no good: (status, body) -> verdict, and nothing else.

The table is explained, with its evidence, in docs/explanation/rejection.md. A *rejection* is worth another key; an
answer that is *not ours* is about what the key may do, and no other key of the same kind would help; every other
answer is *untouched*.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from genai_credentials.messages import NOT_VALID, ROWS, said
from genai_credentials.reasons import NOT_THE_KEY, REASONS, REFUSED

SUSPECT = frozenset({400, 401, 403, 404, 429})
"""The statuses whose body is worth reading: it may condemn the key, or show that the key was taken."""

MOST_BYTES = 65_536
"""How much of a body is looked at; the real ones are under 4 KiB."""

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
"""The codes of Google's envelope, `google.rpc.Code`, and the HTTP status that each comes with."""

_TAKEN = frozenset({"NOT_FOUND", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"})
_DEEPEST = 3


class Verdict(NamedTuple):
    """What an answer means for the key.

    Args:
        rejected: Whether the key is no good, and another one worth a try.
        cause: A word for it ("API_KEY_INVALID", "leaked", …), empty when the answer isn't about the key.
        remedy: What a person can do about it.
        accepted: Whether the answer shows that the key was taken. An answer that judges nothing is neither rejected
            nor accepted: a failure of the server, a redirect, a proxy's or a gateway's own words.
    """

    rejected: bool
    cause: str = ""
    remedy: str = ""
    accepted: bool = False


UNTOUCHED = Verdict(False)
ACCEPTED = Verdict(False, accepted=True)


class _Answer(NamedTuple):
    """What a body says: Google's reason and code (empty if there is none), the message, and whether it is Google's."""

    reason: str = ""
    message: str = ""
    code: str = ""
    google: bool = False


# A body cut short, or too long to be read whole, is no JSON any more: these find the same words in its text.
_RAW_REASON = re.compile(r'"reason"\s*:\s*"([A-Z_]{3,64})"')
_RAW_MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.){0,500})')


def classify(status: int, body: bytes | str) -> Verdict:
    """What an HTTP answer says about the key that the request carried.

    Args:
        status: The HTTP status.
        body: The body as sent, decompressed; only its first 64 KiB are looked at, and only where `SUSPECT` has the
            status. Empty where it was not read: then a 404 and a 429 say nothing, since proxies give them too.
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
    """What the closing of a WebSocket before its session was set up says about the key.

    Args:
        code: The close code; only 1007 and 1008 can be about the key.
        message: The close reason.
    """
    if code not in (1007, 1008):
        return UNTOUCHED
    if NOT_VALID.match(message):
        return _verdict("API_KEY_INVALID")
    # A 1007 repeats parts of the request, so only the beginning of its message counts; a 1008 is about who asks.
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
    if cause in ("CREDENTIALS_MISSING", "OVERLOADED_CREDENTIALS", "leaked", "project_denied", "CONSUMER_SUSPENDED"):
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
    """What a gateway wrapped whole into a message of its own."""
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
