"""Keeps keys out of other people's log records: the libraries underneath log secrets at DEBUG (each probed).

- `botocore.parsers` logs the whole answer of the store, `botocore.endpoint` the bodies that are written to it;
- the Google client hangs request and answer onto the record, as attributes with the secret in base64, on loggers
  that do not propagate;
- `websockets.client` logs each header of a handshake, and `hpack` each header that is sent over HTTP/2;
- `google_genai` logs the API's error before it tries again, and one such error repeats the key;
- `urllib3` logs each request line and google-auth each URL, and one call of the API Keys API has the key in it.

A filter on each of these loggers redacts what looks like a secret there, before any key is known, and every known
key, plain and encoded: in the message, its arguments, the attributes and the traceback. A logger that is off never
calls its filters.
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

# What follows a secret's name is cut to the end: how its quotes are escaped depends on how it is nested.
_AWS_SECRET = re.compile(r"(Secret(?:String|Binary))\b.*", re.DOTALL)
_GOOGLE_SECRET = re.compile(r"""(["']data["']\s*:\s*b?["'])[^"']*""")
_HEADER = re.compile(r"""(?i)(x-goog-api-key["']?\s*[:=,]\s*b?["']?)[^\s"',]+|(\bauthorization: token )\S+""")
_LOOKUP = re.compile(r"(keyString=)[^&\s\"'#]+")
_HEADER_NAMES = ("x-goog-api-key", "authorization: token ")
_SECRET_NAMES = frozenset({"data", "secretstring", "secretbinary", "x-goog-api-key", "keystring"})
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DEEPEST = 8

Redact = Callable[[str], str]

# By the identity of the key: two that are equal come and go apart, and whichever is left must still be redacted.
# No lock: each step is atomic, and a record may be logged anywhere, in a finalizer or in a child just forked.
_known: dict[int, tuple[weakref.ref[ApiKey], tuple[str, ...]]] = {}
_required = False


def know(key: ApiKey) -> None:
    """Redact this key from now on, as long as anyone holds it."""
    if id(key) not in _known and len(key.get_secret_value()) >= SHORTEST_SECRET:
        _known[id(key)] = weakref.ref(key, partial(_forget, id(key))), needles(key.get_secret_value())


def _forget(number: int, _: object) -> None:
    _known.pop(number, None)


def install() -> None:
    """Put the filter onto the loggers that are known to log secrets; once is enough, more does no harm.

    A store does it when it is made, since it can be used without a `CredentialProvider`.
    """
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_filter)


def require() -> None:
    """`install()`, and let nobody take it off again."""
    global _required
    _required = True
    install()


def decline() -> None:
    """Take the filter off again, unless another provider requires it."""
    for name in () if _required else LOGGERS:
        logging.getLogger(name).removeFilter(_filter)


def needles(text: str) -> tuple[str, ...]:
    """What a secret looks like in a log: plain, URL-encoded, JSON-escaped, and in base64 at each alignment."""
    escaped = json.dumps(text)[1:-1]
    for_html = re.sub("[&<>']", lambda match: f"\\u{ord(match[0]):04x}", escaped)
    forms = {text, quote(text, safe=""), quote(text), escaped, for_html, escaped.replace("/", r"\/"), repr(text)[1:-1]}
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
    return _without(text, _known_forms())


def _known_forms() -> list[str]:
    """The longest first: a key may begin like another."""
    return sorted({form for _, forms in list(_known.values()) for form in forms}, key=len, reverse=True)


def _without(text: str, forms: Sequence[str]) -> str:
    text = _AWS_SECRET.sub(rf"\1 {REDACTED}", text)
    text = _GOOGLE_SECRET.sub(rf"\1{REDACTED}", text)
    text = _LOOKUP.sub(rf"\1{REDACTED}", text)
    # Asked first: a pattern that ignores case is slow, and others log megabytes.
    if any(name in text.lower() for name in _HEADER_NAMES):
        text = _HEADER.sub(lambda match: f"{match[1] or match[2]}{REDACTED}", text)
    for form in forms:
        if form in text:
            text = text.replace(form, REDACTED)
    return text


def _filter(record: logging.LogRecord) -> bool:
    # Logging must not raise; and what cannot be read isn't logged half redacted.
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
    # What stands in the arguments, or in a message that is no text, is sent along by some and need not be in the text.
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
            # A formatter shows the text where there is no exception; the exception itself would give the key away.
            record.exc_text, record.exc_info = clean, None


def _cleaned(value: Any, redact: Redact, levels: int) -> object:
    """The value itself where there is nothing to redact: others hang live objects onto their records."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes):
        # Each byte becomes one character and back: a key is ASCII, the rest need not be text.
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
