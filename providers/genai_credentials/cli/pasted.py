"""Reads what was pasted: the SDK's error text, a traceback, JSON, a log line, the output of curl."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

MOST = 262_144
"""How many characters are looked at, from the end: in a traceback the error comes last."""

_MOST_DOCUMENTS, _LONGEST_LITERAL, _DEEPEST = 64, 16_384, 3

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "authentication": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
# White space is bounded wherever a match could begin anywhere in it: a long run of it must not take minutes.
_START = re.compile(r"(?:\[\s{0,99})?\{\s{0,99}[\"']")
_BEFORE = re.compile(r"\b([45]\d\d|100[78])\b[^{}\d]{0,40}$")
_NUMBER = re.compile(
    r"HTTP/[\d.]+[\"']? (\d{3})"
    r"|(?i:\bHTTP|status(?:[_ ]code)?|\bcode)[\"']?\s{0,9}[:=]?\s{0,9}[\"']?([45]\d\d)\b"
    r"|\b([45]\d\d) (?:None\b|[A-Z][A-Za-z_]{5,})"
    r"|Error:? \(?([45]\d\d)\b"
)
_CLOSE = re.compile(r"\b(100[78])\b(?:\s*(?:None\.|\([^)]*\)))?[\s:.]*")
# What the API says about a key, wherever it stands in a text, and the status it comes with.
_PHRASES = (
    (re.compile(r"(?i)api[ _]key (?:is )?(?:not valid|not found|invalid|expired)[^\n]*"), 400),
    (re.compile(r"(?i)api keys are not supported by this api"), 401),
    (re.compile(r"(?i)invalid token|incorrect api key provided|invalid_api_key|无效的令牌"), 401),
    (re.compile(r"(?i)(?:api key was )?reported as leaked"), 403),
    (re.compile(r"(?i)unregistered callers"), 403),
)
# A text cut short is no JSON any more, and neither is Python's way to write it.
_REASON = re.compile(r"reason\\?[\"']\s*:\s*\\?[\"']([A-Z_]{3,64})")
_CANONICAL = re.compile(r"status\\?[\"']\s*:\s*\\?[\"']([A-Z_]{3,32})")
_MESSAGE = re.compile(r"message\\?[\"']\s*:\s*\\?[\"'](.{0,500}?)(?:\\?[\"']\s*[,}]|$)", re.DOTALL)


class Pasted(NamedTuple):
    """What a text tells of an answer.

    Args:
        status: The HTTP status, or the close code of a WebSocket; None if none was found.
        body: The answer's body as JSON; empty if none was found.
        message: What the API says in it; never to be printed.
        certain: Whether it was said by the API: in a document or in its own words, and not by a number alone.
    """

    status: int | None
    body: str
    message: str
    certain: bool = True

    @property
    def is_close(self) -> bool:
        """Whether it is the closing of a WebSocket."""
        return self.status in (1007, 1008)


def read(text: str, depth: int = 0) -> Pasted:
    """Find the last error in a text.

    Args:
        text: What was pasted.
        depth: How many JSON documents the text was found in.
    """
    text = text[-MOST:]
    found = _last_error(text, depth)
    return found or _close(text) or _raw(text)


def _last_error(text: str, depth: int) -> Pasted | None:
    last: Pasted | None = None
    for start, document in _documents(text):
        error = document.get("error", document if "message" in document else None)
        if isinstance(error, dict) and not _is_log_record(document, error):
            before = _BEFORE.search(text[max(0, start - 80) : start])
            status = int(before[1]) if before else _status_in(error) or _status_near(text)
            last = _of(status, document, str(error.get("message") or ""))
        elif isinstance(error, str) and (number := _status_near(text)):
            last = _of(number, document, error)
        elif depth < _DEEPEST:
            inner = read("\n".join(_strings(document)), depth + 1)
            last = inner if inner.status else last
    return last


def _is_log_record(document: dict[str, Any], error: dict[str, Any]) -> bool:
    # A line of a JSON log has a message too, and the error in its text.
    return error is document and not {"code", "status", "type", "details"} & document.keys()


def _of(status: int | None, document: dict[str, Any], message: str) -> Pasted:
    if status is None:
        status = next((number for phrase, number in _PHRASES if phrase.search(message)), None)
    return Pasted(status, json.dumps(document, default=str), message)


def _status_in(error: dict[str, Any]) -> int | None:
    code = error.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return next(
        (_STATUSES[word] for word in (error.get("status"), code) if isinstance(word, str) and word in _STATUSES), None
    )


def _status_near(text: str) -> int | None:
    """The last status in a text that is no document."""
    numbers = [next(filter(None, match.groups())) for match in _NUMBER.finditer(text)]
    statuses = [int(number) for number in numbers if 400 <= int(number) < 600]
    return statuses[-1] if statuses else None


def _close(text: str) -> Pasted | None:
    if not (match := _CLOSE.search(text)) or _status_near(text):
        return None
    phrase = next((found[0] for pattern, _ in _PHRASES if (found := pattern.search(text, match.end()))), "")
    return Pasted(int(match[1]), "", phrase, certain=bool(phrase))


def _raw(text: str) -> Pasted:
    reason, canonical, messages = _REASON.search(text), _CANONICAL.search(text), _MESSAGE.findall(text)
    message, certain = messages[-1] if messages else "", bool(messages or reason)
    status = _status_near(text) or (_STATUSES.get(canonical[1]) if canonical else None)
    for phrase, number in _PHRASES:
        if (found := phrase.search(text)) and status in (None, number):
            status, message, certain = number, found[0], True
            break
    if status is None:
        return Pasted(None, "", message, certain=False)
    error: dict[str, Any] = {"message": message}
    if canonical:
        error["status"] = canonical[1]
    if reason:
        error["details"] = [{"reason": reason[1]}]
    return Pasted(status, json.dumps({"error": error}), message, certain)


def _documents(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects, and what Python prints of dicts, with where they start."""
    position = 0
    for _ in range(_MOST_DOCUMENTS):
        if not (match := _START.search(text, position)):
            return
        value, position = _literal(text, match.start())
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            yield match.start(), value


def _literal(text: str, start: int) -> tuple[Any, int]:
    """The value that starts there, and where it ends; None, and the next place to look, if there is none."""
    try:
        return json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        end = _closing(text, start)
    if end:
        try:
            return ast.literal_eval(text[start:end].strip()), end
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            pass
    return None, start + 1


def _closing(text: str, start: int) -> int:
    """Where the bracket that opens there is closed; 0 if it isn't."""
    depth, quote, skip = 0, "", False
    for position in range(start, min(len(text), start + _LONGEST_LITERAL)):
        character = text[position]
        if skip:
            skip = False
        elif quote:
            skip, quote = character == "\\", "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}" and (depth := depth - 1) == 0:
            return position + 1
    return 0


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < 8:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
        for part in parts:
            yield from _strings(part, depth + 1)
