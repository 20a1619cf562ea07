"""Whether an answer of the API says that the key is no good: (status, body) -> verdict, and nothing else.

The table is explained, with its evidence, in docs/explanation/rejection.md. A *rejection* is worth another key; an
answer that is *not ours* is about what the key may do, and no other key of the same kind would help; every other
answer is *untouched*.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

SUSPECT = frozenset({400, 401, 403})
"""The statuses whose body is worth reading."""

MOST_BYTES = 65_536
"""How much of a body is looked at; the real ones are under 4 KiB."""


class Verdict(NamedTuple):
    """What an answer means for the key.

    `cause` is a word for it ("API_KEY_INVALID", "leaked", …), empty when the answer isn't about the key; `remedy`
    is what a person can do about it. `accepted` says that the API took the key.
    """

    rejected: bool
    cause: str = ""
    remedy: str = ""
    accepted: bool = False


UNTOUCHED = Verdict(False)
ACCEPTED = Verdict(False, accepted=True)

_CONSOLE = "Google Cloud console > APIs & Services > Credentials"
_REJECTED = {
    "API_KEY_INVALID": "The key is wrong, deleted or expired: create one in Google AI Studio and store it.",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": "The key is invalid or truncated: an AQ. key is answered like this.",
    "CONSUMER_SUSPENDED": "The key's project is suspended: use a key of another project, or appeal in the console.",
    "leaked": "Google blocked this key since it was published somewhere: create another one, and keep it out of code.",
    "gateway": "Renew the gateway's token in its own console and store it, or mend the base URL; Google never saw it.",
    "unauthenticated": "The key is unset, wrong, expired or disabled: compare its fingerprint with the store's.",
}
_NOT_OURS = {
    "CREDENTIALS_MISSING": "This API takes no API keys: use the Gemini API's endpoint, or Google Cloud credentials.",
    "SERVICE_DISABLED": "Enable the Generative Language API in the key's project, then wait a few minutes.",
    "API_KEY_SERVICE_BLOCKED": f"Add the Generative Language API to the key's API restrictions ({_CONSOLE}).",
    "API_KEY_HTTP_REFERRER_BLOCKED": f"The key's referrer restriction refuses this caller ({_CONSOLE}).",
    "API_KEY_IP_ADDRESS_BLOCKED": f"Add this machine's address to the key's IP restriction ({_CONSOLE}).",
    "API_KEY_ANDROID_APP_BLOCKED": f"The key is restricted to Android apps ({_CONSOLE}).",
    "API_KEY_IOS_APP_BLOCKED": f"The key is restricted to iOS apps ({_CONSOLE}).",
    "unregistered callers": "The request carried no key: was it sent to another origin than the client's?",
    "PERMISSION_DENIED": "The key is live, and may not do this: check the model, the file's owner, the region.",
}
# Nothing but marks may come before it, and no quotes: quoted, it is what a user wrote.
_NOT_VALID = re.compile(r"(?i)[^\w\"'`]*api[ _]key (?:is )?(?:not valid|not found|invalid|expired)")
_LEAKED = re.compile(r"(?i)api key was reported as leaked")
_NO_KEYS_HERE = re.compile(r"(?i)api keys are not supported by this api")
_UNREGISTERED = re.compile(r"(?i)unregistered callers")
# A body cut short, or too long to be read whole, is no JSON any more: these find the same words in its text.
_RAW_REASON = re.compile(r'"reason"\s*:\s*"([A-Z_]{3,64})"')
_RAW_MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.){0,500})')


def classify(status: int, body: bytes | str) -> Verdict:
    """What an HTTP answer says about the key that the request carried.

    Args:
        status: The HTTP status.
        body: The body as sent, decompressed; only its first 64 KiB are looked at.
    """
    if status not in SUSPECT:
        # A redirect has judged nothing yet, and a proxy's 502 never will.
        return ACCEPTED if status // 100 == 2 or status in (404, 429) else UNTOUCHED
    reason, message, ours = _parse(body)
    if status == 401:
        return _of_401(reason, message, ours)
    if status == 400:
        invalid = reason == "API_KEY_INVALID" or _NOT_VALID.match(message) is not None
        return _rejected("API_KEY_INVALID") if invalid else UNTOUCHED
    return _of_403(reason, message)


def classify_close(code: int, message: str) -> Verdict:
    """What the closing of a WebSocket before its session was set up says about the key.

    Args:
        code: The close code; only 1007 and 1008 can be about the key.
        message: The close reason.
    """
    if code not in (1007, 1008):
        return UNTOUCHED
    if _NO_KEYS_HERE.search(message):
        return _not_ours("CREDENTIALS_MISSING")
    if _LEAKED.search(message):
        return _rejected("leaked")
    return _rejected("API_KEY_INVALID") if _NOT_VALID.match(message) else UNTOUCHED


def _of_401(reason: str, message: str, google: bool) -> Verdict:
    if reason == "CREDENTIALS_MISSING" or _NO_KEYS_HERE.search(message):
        return _not_ours("CREDENTIALS_MISSING")
    if reason in _REJECTED:
        return _rejected(reason)
    return _rejected("unauthenticated" if google else "gateway")


def _of_403(reason: str, message: str) -> Verdict:
    if _LEAKED.search(message):
        return _rejected("leaked")
    if reason == "CONSUMER_SUSPENDED":
        return _rejected(reason)
    if reason in _NOT_OURS:
        return _not_ours(reason)
    return _not_ours("unregistered callers" if _UNREGISTERED.search(message) else "PERMISSION_DENIED")


def _rejected(cause: str) -> Verdict:
    return Verdict(True, cause, _REJECTED[cause])


def _not_ours(cause: str) -> Verdict:
    return Verdict(False, cause, _NOT_OURS[cause])


def _parse(body: bytes | str) -> tuple[str, str, bool]:
    """The reason, the message, and whether the envelope is one of Google's."""
    text = body[:MOST_BYTES]
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        reason, message = _RAW_REASON.search(text), _RAW_MESSAGE.search(text)
        return reason[1] if reason else "", message[1] if message else text[:500], reason is not None
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, str):
        return "", error, False
    if not isinstance(error, dict):
        message = document.get("message") if isinstance(document, dict) else None
        return "", message if isinstance(message, str) else "", False
    message = error.get("message")
    google = isinstance(error.get("status"), str) or error.get("code") == "authentication"
    return _reason(error.get("details")), message if isinstance(message, str) else "", google


def _reason(details: Any) -> str:
    rows = details if isinstance(details, list) else []
    reasons = (row.get("reason") for row in rows if isinstance(row, dict))
    return next((reason for reason in reasons if isinstance(reason, str)), "")
