"""Finds evidence in a cleaned text: Google's reasons and codes, known words, statuses; and how much each weighs."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

from genai_credentials.cli.reading.phrases import PHRASES
from genai_credentials.cli.reading.phrases.phrase import ACCESS, CODE, NUMBER, REASON
from genai_credentials.messages import ROWS
from genai_credentials.reasons import REASONS, REFUSED
from genai_credentials.rejection import CANONICAL

LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
"""For lower case that is as long as the text: places in the one are places in the other."""

_MOST_MATCHES = 2_000

_OF_CODE = {
    "UNAUTHENTICATED": "unauthenticated",
    "PERMISSION_DENIED": "PERMISSION_DENIED",
    "INVALID_ARGUMENT": "bad_request",
    "OUT_OF_RANGE": "bad_request",
    "ALREADY_EXISTS": "bad_request",
    "FAILED_PRECONDITION": "precondition",
    "RESOURCE_EXHAUSTED": "quota",
    "NOT_FOUND": "not_found",
    "UNIMPLEMENTED": "not_found",
}
_OF_STATUS = {
    400: "bad_request", 401: "unauthorized", 402: "credits", 403: "forbidden", 404: "not_found", 405: "not_found",
    407: "proxy", 408: "timeout", 413: "bad_request", 415: "bad_request", 422: "bad_request", 429: "quota",
    451: "region",
}  # fmt: skip
# Names of classes that stand for a status, in the SDKs of Google, OpenAI and Anthropic, and in LiteLLM.
_CLASSES = {
    "AuthenticationError": 401, "Unauthenticated": 401, "UnauthorizedException": 401, "PermissionDeniedError": 403,
    "RateLimitError": 429, "TooManyRequests": 429, "BadRequestError": 400, "NotFoundError": 404,
    "InternalServerError": 500, "ServiceUnavailable": 503, "ServiceUnavailableError": 503, "OverloadedError": 529,
    "UnprocessableEntityError": 422, "ContextWindowExceededError": 422,
}  # fmt: skip
# As gRPC's libraries write the codes, and the classes of google-api-core and gax.
_CAMEL = {"".join(part.capitalize() for part in code.split("_")): code for code in CANONICAL}
# Words that say nothing alone, since everybody uses them: "INTERNAL", "UNKNOWN".
_PLAIN = frozenset({"NOT_FOUND", "INTERNAL", "UNAVAILABLE", "ABORTED", "CANCELLED", "UNKNOWN", "DATA_LOSS"})
_CODES = re.compile(
    r"\b(?P<sure>UNAUTHENTICATED|PERMISSION_DENIED|RESOURCE_EXHAUSTED|INVALID_ARGUMENT|FAILED_PRECONDITION"
    r"|DEADLINE_EXCEEDED|UNIMPLEMENTED|OUT_OF_RANGE|ALREADY_EXISTS)\b"
    r"|(?:[Ss]tatus|[Cc]ode|\b[45]\d\d|\b1[0-6])\W{1,6}(?P<said>NOT_FOUND|INTERNAL|UNAVAILABLE|ABORTED|CANCELLED)\b"
    r"|\b(?P<told>NOT_FOUND|INTERNAL|UNAVAILABLE|ABORTED|CANCELLED): "
    rf"|\b(?:[Cc]ode|[Ss]tatus(?:Code)?)\W{{1,6}}(?P<camel>{'|'.join(_CAMEL)})\b"
    r"|\bgeneric::(?P<generic>[a-z_]{5,20})\b"
    r"|\b(?P<kind>Unauthenticated|PermissionDenied|InvalidArgument|ResourceExhausted|FailedPrecondition"
    r"|DeadlineExceeded)(?:Exception|Error)?\b"
)
_KINDS = re.compile(rf"\b({'|'.join(_CLASSES)})\b")

_BEFORE = (
    r"(?:http\w{0,10}|\w{0,20}status\w{0,6}|\w{0,12}code|error\w{0,2}|err|\w{0,20}(?:error|exception)|fail\w{0,5}"
    r"|respon\w{1,6}|return\w{0,3}|answer\w{0,3}|got|gave|reject\w{0,3}|gemini|google|api|exceptions\.\w{3,40}|badrequest"
    r"|forbidden|unauthorized|notfound|toomanyrequests|状态码?|错误码?|响应|返回"
    r"|エラー|오류|ошибк\w|código|erreur|fehler)"
)
_AFTER = (
    r"(?:none\b|http|status|error|client.error|server.error|unauth|forbidden|bad.request|not.found|too.many|internal"
    r"|service.unav|bad.gateway|gateway.time|payment|request.time|unprocess|invalid|permission|authorization.req"
    r"|method.not|\{|\.\s|错误|エラー)"
)
# No part of a version, a date, a place in a file, a duration, a size.
_ALONE = r"\b(?![.,]\d|[-/:]\d|\s?(?:ms|s|sec|seconds|kb|mb|bytes|tokens|px|%|lines?)\b)"
_NUMBER = re.compile(
    rf"\b{_BEFORE}[^\w\n]{{1,4}}(?:(?!line|port|col|page)\w{{1,12}}[^\w\n]{{1,3}}){{0,2}}(?P<a>[45]\d\d){_ALONE}"
    rf"|(?<![\w.:/#-])(?<!\d,)(?P<b>[45]\d\d){_ALONE}[^\w\n]{{0,3}}{_AFTER}"
    rf"|^[^\w\n]{{0,3}}(?P<c>[45]\d\d)\b[^\w\n]{{0,3}}(?:$|[:{{(\[-])",
    re.MULTILINE,
)
# After a mark, and before a sentence: "[app.py:45] - 400 Please ensure that".
_BEFORE_A_SENTENCE = re.compile(r"(?:^|[\]:>|)–—-]\s)([45]\d\d)\s(?=[A-Z\u4e00-\u9fff\"'{\[*])", re.MULTILINE)
# A line of a file: "chat.go:404", "app.js:1:429".
_LINE = re.compile(r"\.[a-z]{1,5}[:\"', ]{1,3}(?:line )?(?:\d{1,5}:)?$")
_SERVED = re.compile(r"\"(?:get|post|put|patch|delete|options|head) [^\"\n]{1,300}\" ([45]\d\d)\b")
_ECHO = re.compile(r"invalid value at|unknown name|invalid json payload")
_CLOSED = re.compile(
    r"\b(?:close[ds]?|received|sent|code|status|websocket|apierror|error|ws)\b[^\n]{0,40}?\b(10(?:0[0-9]|1[0-5]))\b"
    r"|\b(100[6-9]|101[0-4]) (?:none\.|\()"
)


class Evidence(NamedTuple):
    """Something that names a cause.

    Args:
        cause: A key of `causes.TABLE`.
        weight: One of `phrase`'s.
        start: Where it begins in the text.
        end: Where it ends.
        status: The HTTP status or close code that it tells; None if it tells none.
    """

    cause: str
    weight: int
    start: int
    end: int
    status: int | None = None


def found_in(text: str, *, least: int = ACCESS) -> list[Evidence]:
    """All evidence in a cleaned text.

    Args:
        text: The text.
        least: Evidence that weighs less is not looked for.
    """
    lower = text.translate(LOWER)
    found = [one for one in (*_reasons(text), *_words(lower, least)) if not _is_an_echo(one, lower)]
    if least <= CODE:
        found += _codes(text)
    if least <= NUMBER:
        found += [*_kinds(text), *_statuses(text, lower)]
    return found


def _statuses(text: str, lower: str) -> list[Evidence]:
    served = [(match.start(1), int(match[1])) for match in _bounded(_SERVED, lower)]
    places = {place for place, _ in served}
    found = [Evidence(_of_number(number), ACCESS, place, place + 3, number) for place, number in served]
    for match in _bounded(_NUMBER, lower):
        place = match.start(match.lastgroup or 0)
        if place not in places and not _LINE.search(lower[max(0, place - 14) : place]):
            number = int(lower[place : place + 3])
            found.append(Evidence(_of_number(number), NUMBER, place, place + 3, number))
    for match in _bounded(_BEFORE_A_SENTENCE, text):
        number = int(match[1])
        found.append(Evidence(_of_number(number), NUMBER, match.start(1), match.end(1), number))
    for match in _bounded(_CLOSED, lower):
        number = int(match[1] or match[2])
        found.append(Evidence("server" if number == 1011 else "closed", NUMBER, match.start(), match.end(), number))
    return found


def _of_number(number: int) -> str:
    return _OF_STATUS.get(number, "server" if number >= 500 else "other_status")


def _bounded(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches, of which a hostile text has no more than so many."""
    for _, match in zip(range(_MOST_MATCHES), pattern.finditer(text), strict=False):
        yield match


def _is_an_echo(one: Evidence, lower: str) -> bool:
    """Whether it is what a user wrote: a bad request's message repeats parts of the request."""
    row = ROWS.get(one.cause)
    return (
        row is not None
        and row.verdict == REFUSED
        and _ECHO.search(lower, max(0, one.start - 160), one.start) is not None
    )


def _reasons(text: str) -> Iterator[Evidence]:
    for name, row in REASONS.items():
        place = text.rfind(name) if name != "ERROR_REASON_UNSPECIFIED" else -1
        while place >= 0 and (text[place - 1 : place].isalnum() or _goes_on(text, place + len(name))):
            place = text.rfind(name, 0, place)
        if place >= 0:
            yield Evidence(name, REASON, place, place + len(name), row.status)


def _goes_on(text: str, end: int) -> bool:
    after = text[end : end + 1]
    return after.isalnum() or after == "_"


def _words(lower: str, least: int) -> Iterator[Evidence]:
    for phrase in PHRASES:
        if phrase.weight < least or not any(needle in lower for needle in phrase.needles):
            continue
        if last := deque(_bounded(phrase.pattern, lower), maxlen=1):
            yield Evidence(phrase.cause, phrase.weight, last[0].start(), last[0].end())


def _codes(text: str) -> Iterator[Evidence]:
    for match in _bounded(_CODES, text):
        word = match[match.lastgroup or 0]
        code = _CAMEL.get(word, word.upper())
        if code in CANONICAL and code not in ("UNKNOWN", "ABORTED"):
            yield Evidence(_OF_CODE.get(code, "server"), CODE, match.start(), match.end(), CANONICAL[code])


def _kinds(text: str) -> Iterator[Evidence]:
    for match in _bounded(_KINDS, text):
        number = _CLASSES[match[1]]
        yield Evidence(_of_number(number), NUMBER, match.start(), match.end(), number)
