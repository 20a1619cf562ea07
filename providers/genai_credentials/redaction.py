"""Keeps keys out of other people's log records: the libraries underneath log secrets at DEBUG (each probed).

- `botocore.parsers` logs the whole answer of the store, `botocore.endpoint` the bodies that are written to it;
- the Google client hangs request and answer onto the record, as attributes with the secret in base64, on loggers
  that do not propagate;
- `websockets.client` logs each header of a handshake.

A filter on each of these loggers redacts what looks like a secret there, before any key is known, and every known
key, plain and encoded, in the message and in the attributes. A logger that is off never calls its filters.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import weakref
from typing import Any
from urllib.parse import quote

from genai_credentials.key import ApiKey

REDACTED = "<redacted by genai-credentials>"

_GOOGLE = "google.cloud.secretmanager_v1.services.secret_manager_service.transports"
LOGGERS = (
    "botocore.auth",
    "botocore.endpoint",
    "botocore.hooks",
    "botocore.parsers",
    f"{_GOOGLE}.grpc",
    f"{_GOOGLE}.grpc_asyncio",
    f"{_GOOGLE}.rest",
    "genai_credentials",
    "websockets.client",
)

# What follows a secret's name is cut to the end: how its quotes are escaped depends on how it is nested.
_AWS_SECRET = re.compile(r"(Secret(?:String|Binary))\b.*", re.DOTALL)
_GOOGLE_SECRET = re.compile(r"""(["']data["']\s*:\s*b?["'])[^"']*""")
_HEADER = re.compile(r"""(?i)(x-goog-api-key["']?\s*[:=,]\s*b?["']?)[^\s"',]+|(\bauthorization: token )\S+""")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_known: weakref.WeakKeyDictionary[ApiKey, tuple[str, ...]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def know(key: ApiKey) -> None:
    """Redact this key from now on, as long as anyone holds it."""
    with _lock:
        if key not in _known:
            _known[key] = needles(key.get_secret_value())


def install() -> None:
    """Put the filter onto the loggers that are known to log secrets; once is enough, more does no harm."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_filter)


def needles(text: str) -> tuple[str, ...]:
    """What a secret looks like in a log: plain, URL-encoded, JSON-escaped, and in base64 at each alignment."""
    forms = {text, quote(text, safe=""), json.dumps(text)[1:-1]}
    for shift in range(3):
        raw = text.encode()
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        # The characters at either end also hold bits of what stands next to the secret.
        start, surplus = (0, 2, 3)[shift], (shift + len(raw)) % 3
        core = encoded[start:] if surplus == 0 else encoded[start:-1]
        if len(core) > 5:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return tuple(sorted(forms, key=len, reverse=True))


def redacted(text: str) -> str:
    """The text without what looks like a secret, and without any known key."""
    text = _AWS_SECRET.sub(rf"\1 {REDACTED}", text)
    text = _GOOGLE_SECRET.sub(rf"\1{REDACTED}", text)
    text = _HEADER.sub(lambda match: f"{match[1] or match[2]}{REDACTED}", text)
    with _lock:
        forms = [form for needles_ in _known.values() for form in needles_]
    for form in forms:
        if form in text:
            text = text.replace(form, REDACTED)
    return text


def _filter(record: logging.LogRecord) -> bool:
    try:
        message = record.getMessage()
        clean = redacted(message)
        if clean != message:
            record.msg, record.args = clean, None
        for name in set(vars(record)) - _STANDARD:
            setattr(record, name, _without_secrets(vars(record)[name]))
    except Exception:
        # Whatever it is, it isn't logged half redacted, and logging must not raise.
        record.msg, record.args = REDACTED, None
    return True


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, bytes):
        return redacted(value.decode("utf-8", "replace")).encode()
    if isinstance(value, dict):
        return {name: _without_secrets(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(part) for part in value]
    return value if isinstance(value, (int, float, type(None))) else redacted(repr(value))
