"""Removes keys from the log records of other libraries, which log secrets at DEBUG. Each case was tried:

- `botocore.parsers` logs the whole answer of the store. `botocore.endpoint` logs the bodies of requests.
- The Google client adds the request and the answer to the record as attributes, with the secret in base64. Its loggers
  do not propagate.
- `websockets.client` logs each header of a handshake. `hpack` logs each header that is sent over HTTP/2.
- `google_genai` logs an error of the API before it tries again. One of these errors repeats the key.
- `urllib3` logs each request line, and google-auth logs each URL. One URL of the API Keys API contains the key.

A filter on each of these loggers redacts every text that looks like a secret, even before a key is known. It redacts
every known key, plain and encoded: in the message, its arguments, the attributes and the traceback. A logger that is
not enabled does not call its filters.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import traceback
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from operator import is_
from typing import Any
from urllib.parse import quote

from genai_credentials.errors import SHORTEST_SECRET
from genai_credentials.key import ApiKey

REDACTED = "<redacted by genai-credentials>"

_GOOGLE = [
    f"google.cloud.secretmanager_{version}.services.secret_manager_service.transports.{transport}"
    for version in ("v1", "v1beta1", "v1beta2")
    for transport in ("grpc", "grpc_asyncio", "rest")
]
LOGGERS = (
    "botocore.auth",
    "botocore.endpoint",
    "botocore.hooks",
    "botocore.parsers",
    *_GOOGLE,
    "google.auth.transport.requests",
    "google_genai._api_client",
    "genai_credentials",
    "hpack.hpack",
    "hpack.table",
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "websockets.client",
)

# Everything after the name of the secret is removed: the escaping of its quotes depends on the depth of the nesting.
_AWS_SECRET = re.compile(r"(Secret(?:String|Binary))\b.*", re.DOTALL)
_GOOGLE_SECRET = re.compile(r"""(["']data["']\s*:\s*b?["'])[^"']*""")
_HEADER = re.compile(r"""(?i)(x-goog-api-key["']?\s*[:=,]\s*b?["']?)[^\s"',]+|(\bauthorization: token )\S+""")
_LOOKUP = re.compile(r"(keyString=)[^&\s\"'#]+")
_HEADER_NAMES = ("x-goog-api-key", "authorization: token ")
_SECRET_NAMES = frozenset({"data", "secretstring", "secretbinary", "x-goog-api-key", "keystring"})
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DEEPEST = 8

Redact = Callable[[str], str]

# By the identity of the object: if one of two equal keys is deleted, the text of the other must still be redacted.
# No lock: each step is atomic, and a record may be logged anywhere, such as in a finalizer or a new child.
_known: dict[int, tuple[weakref.ref[ApiKey], tuple[str, ...]]] = {}
_required = False


def know(key: ApiKey) -> None:
    """Redact this key from now on, for as long as the object exists."""
    if id(key) not in _known and len(key.get_secret_value()) >= SHORTEST_SECRET:
        _known[id(key)] = weakref.ref(key, partial(_forget, id(key))), needles(key.get_secret_value())


def _forget(number: int, _: object) -> None:
    _known.pop(number, None)


def install() -> None:
    """Add the filter to the loggers that log secrets. A second call changes nothing.

    The constructor of each store calls this, because a store can be used without a `CredentialProvider`.
    """
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_filter)


def require() -> None:
    """Add the filter, and make `decline()` keep it."""
    global _required
    _required = True
    install()


def decline() -> None:
    """Remove the filter, unless a provider has called `require()`."""
    for name in () if _required else LOGGERS:
        logging.getLogger(name).removeFilter(_filter)


def needles(text: str) -> tuple[str, ...]:
    """Return the forms of a secret in a log: plain, URL-encoded, JSON-escaped, and in base64 at each alignment."""
    escaped = json.dumps(text)[1:-1]
    for_html = re.sub("[&<>']", lambda match: f"\\u{ord(match[0]):04x}", escaped)
    forms = {text, quote(text, safe=""), quote(text), escaped, for_html, escaped.replace("/", r"\/"), repr(text)[1:-1]}
    for shift in range(3):
        raw = text.encode()
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        # The first and the last character also hold bits of the text next to the secret.
        start, surplus = (0, 2, 3)[shift], (shift + len(raw)) % 3
        core = encoded[start:] if surplus == 0 else encoded[start:-1]
        if len(core) > 5:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return tuple(sorted(forms, key=len, reverse=True))


def redacted(text: str) -> str:
    """Return a text without known keys and without parts that look like a secret."""
    return _without(text, _known_forms())


def _known_forms() -> list[str]:
    """The forms of all known keys, the longest first: a key may begin with the text of another key."""
    return sorted({form for _, forms in list(_known.values()) for form in forms}, key=len, reverse=True)


def _without(text: str, forms: Sequence[str]) -> str:
    text = _AWS_SECRET.sub(rf"\1 {REDACTED}", text)
    text = _GOOGLE_SECRET.sub(rf"\1{REDACTED}", text)
    text = _LOOKUP.sub(rf"\1{REDACTED}", text)
    # This test comes first, because a pattern that ignores case is slow and some records have megabytes.
    if any(name in text.lower() for name in _HEADER_NAMES):
        text = _HEADER.sub(lambda match: f"{match[1] or match[2]}{REDACTED}", text)
    for form in forms:
        if form in text:
            text = text.replace(form, REDACTED)
    return text


def _filter(record: logging.LogRecord) -> bool:
    # Logging must not raise. A record that cannot be read is removed as a whole.
    forms = _known_forms()

    def redact(text: str) -> str:
        clean = _without(text, forms)
        return text if clean == text else clean

    try:
        _clean_message(record, redact)
        _clean_traceback(record, redact)
    except Exception:
        record.msg, record.args = REDACTED, None
        record.exc_info = record.exc_text = record.stack_info = None
    for name in vars(record).keys() - _STANDARD:
        try:
            setattr(record, name, _named(name, vars(record)[name], redact, _DEEPEST))
        except Exception:
            setattr(record, name, REDACTED)
    return True


def _clean_message(record: logging.LogRecord, redact: Redact) -> None:
    message = record.getMessage()
    clean = redact(message)
    # Some handlers send the arguments, or a message that is no text, beside the formatted text. Both may hold a key.
    beside = repr(record.args) if isinstance(record.msg, str) else repr((record.msg, record.args))
    if clean is not message or redact(beside) is not beside:
        record.msg, record.args = clean, None


def _clean_traceback(record: logging.LogRecord, redact: Redact) -> None:
    if record.stack_info:
        record.stack_info = redact(record.stack_info)
    if record.exc_text:
        record.exc_text = redact(record.exc_text)
    if record.exc_info and record.exc_info[1] is not None:
        text = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
        if (clean := redact(text)) is not text:
            # A formatter prints this text if there is no exception. The exception itself would reveal the key.
            record.exc_text, record.exc_info = clean, None


def _cleaned(value: Any, redact: Redact, levels: int) -> object:
    """The value without secrets. It is the same object if nothing is redacted: some records carry live objects."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes):
        # latin-1 maps each byte to one character and back. A key is ASCII, and the other bytes need not be text.
        text = value.decode("latin-1")
        return value if (clean := redact(text)) is text else clean.encode("latin-1")
    if levels and isinstance(value, dict):
        named = {_name(name, redact): _named(name, part, redact, levels - 1) for name, part in value.items()}
        return value if all(map(is_, chain(*value.items()), chain(*named.items()))) else named
    if levels and type(value) in (list, tuple):
        parts = [_cleaned(part, redact, levels - 1) for part in value]
        return value if all(map(is_, value, parts)) else type(value)(parts)
    text = repr(value)
    return value if (clean := redact(text)) is text else clean


def _name(name: object, redact: Redact) -> object:
    text = name if isinstance(name, str) else repr(name)
    return name if (clean := redact(text)) is text else clean


def _named(name: object, value: object, redact: Redact, levels: int) -> object:
    if isinstance(name, str) and name.lower() in _SECRET_NAMES and isinstance(value, (str, bytes)):
        return REDACTED
    return _cleaned(value, redact, levels)
