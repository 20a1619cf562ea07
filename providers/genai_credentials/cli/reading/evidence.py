"""Finds evidence in a cleaned text: Google's reasons and codes, known words and statuses, each with its weight."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from genai_credentials.cli.reading.parts import holding
from genai_credentials.cli.reading.phrases import PHRASES
from genai_credentials.cli.reading.phrases.phrase import ACCESS, CODE, GENERAL, MESSAGE, NUMBER, OURS, REASON
from genai_credentials.messages import ROWS
from genai_credentials.reasons import REASONS, REFUSED
from genai_credentials.rejection import CANONICAL

LOWER = {
    upper: ord(chr(upper).lower()) for upper in range(0x530) if chr(upper).isupper() and len(chr(upper).lower()) == 1
}
"""Translates to lower case without a change of the length, so that positions in both texts are the same."""

_MOST_MATCHES = 2_000
FAR = 1_500
"""The largest distance in characters between a piece of evidence and a status that belongs to it."""

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
    451: "region", 511: "portal",
}  # fmt: skip
# Names of classes that stand for a status, in the SDKs of Google, OpenAI and Anthropic, and in LiteLLM.
_CLASSES = {
    "AuthenticationError": 401, "Unauthenticated": 401, "UnauthorizedException": 401, "PermissionDeniedError": 403,
    "RateLimitError": 429, "TooManyRequests": 429, "BadRequestError": 400, "NotFoundError": 404,
    "InternalServerError": 500, "ServiceUnavailable": 503, "ServiceUnavailableError": 503, "OverloadedError": 529,
    "UnprocessableEntityError": 422, "ContextWindowExceededError": 422,
}  # fmt: skip
# The spelling of the codes in libraries of gRPC, and in the classes of google-api-core and gax.
_CAMEL = {"".join(part.capitalize() for part in code.split("_")): code for code in CANONICAL}
# Common words, such as "INTERNAL" and "UNKNOWN". Alone they are no evidence.
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
    r"|forbidden|unauthorized|notfound|toomanyrequests|状态码?|错误码?|响应|返回|提示|报错"
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
    rf"|^[^\w\n]{{0,3}}(?P<c>[45]\d\d)\b[^\w\n]{{0,3}}(?:$|[:{{(\[-])"
    rf"|\b(?:get|post|put|patch|delete) https?://\S{{1,500}}[^\w\n]{{1,4}}(?P<d>[45]\d\d){_ALONE}"
    rf"|(?:[^\x00-\x7f]\s|: )(?P<e>[45]\d\d)\s?[:：–—-]\s|[^\x00-\x7f][:：]\s?(?P<f>[45]\d\d)$",
    re.MULTILINE,
)
# After a mark, and before a sentence: "[app.py:45] - 400 Please ensure that".
_BEFORE_A_SENTENCE = re.compile(r"(?:^|[\]:>|)–—-]\s|[：）】])([45]\d\d)\s(?=[A-Z\u4e00-\u9fff\"'{\[*])", re.MULTILINE)
# A line of a file: "chat.go:404", "app.js:1:429".
_LINE = re.compile(r"\.[a-z]{1,5}[:\"', ]{1,3}(?:line )?(?:\d{1,5}:)?$")
_SERVED = re.compile(
    r"\"(?:get|post|put|patch|delete|options|head) [^\"\n]{1,300}\" (?P<a>[45]\d\d)\b"
    r"|\s(?P<b>[45]\d\d) \| [\d.]{1,12}(?:µs|μs|ms|s) \|"  # gin
)
_ECHO = re.compile(r"invalid value at|unknown name|invalid json payload")
_CLOSED = re.compile(
    r"\b(?:close[ds]?|received|sent|websocket|ws)\b[^\n]{0,40}?\b(10(?:0[0-9]|1[0-5]))\b"
    r"|\b(?:code|status|apierror|error)\b[^\n]{0,40}?\b(100[6-9]|101[0-4])\b|\b(100[6-9]|101[0-4]) (?:none\.|\()"
)


class Evidence(NamedTuple):
    """A part of a text that names a cause.

    Args:
        cause: A key of `causes.TABLE`.
        weight: One of the weights in `phrase`.
        start: The position of its first character.
        end: The position after its last character.
        status: The HTTP status or close code that it names; None if it names none.
    """

    cause: str
    weight: int
    start: int
    end: int
    status: int | None = None


def found_in(text: str, *, least: int = ACCESS) -> list[Evidence]:
    """All evidence in a cleaned text that can decide, and the statuses that may belong to it.

    Args:
        text: The text.
        least: The lowest weight of words to find. Above the default, statuses are found only if some words decide.
    """
    lower = text.translate(LOWER)
    found = [one for one in (*_reasons(text), *_words(lower, MESSAGE, OURS)) if not _is_an_echo(one, lower)]
    decided = any(one.weight >= MESSAGE for one in found)
    if least >= MESSAGE and not decided:
        return found
    if not decided:
        found += [one for one in _words(lower, least, GENERAL) if not _is_an_echo(one, lower)]
    start, end = _around(found) if decided else (0, len(text))
    return [*found, *_codes(text, start, end), *_kinds(text, start, end), *_statuses(text, lower, start, end)]


def _around(found: list[Evidence]) -> tuple[int, int]:
    """The part of the text in which a status can belong to the evidence."""
    strong = [one for one in found if one.weight >= MESSAGE]
    return max(0, min(one.start for one in strong) - FAR), max(one.end for one in strong) + FAR


def _statuses(text: str, lower: str, start: int, end: int) -> list[Evidence]:
    places = {match.start(match.lastgroup or 0) for match in _bounded(_SERVED, lower, start, end)}
    served = [(place, int(lower[place : place + 3])) for place in sorted(places)]
    found = [Evidence(cause_of_number(number), ACCESS, place, place + 3, number) for place, number in served]
    for match in _bounded(_NUMBER, lower, start, end):
        place = match.start(match.lastgroup or 0)
        if place not in places and not _LINE.search(lower[max(0, place - 14) : place]):
            number = int(lower[place : place + 3])
            found.append(Evidence(cause_of_number(number), NUMBER, place, place + 3, number))
    for match in _bounded(_BEFORE_A_SENTENCE, text, start, end):
        number = int(match[1])
        found.append(Evidence(cause_of_number(number), NUMBER, match.start(1), match.end(1), number))
    for match in _bounded(_CLOSED, lower, start, end):
        number = int(match[match.lastindex or 1])
        found.append(Evidence("server" if number == 1011 else "closed", NUMBER, match.start(), match.end(), number))
    return found


def cause_of_number(number: int) -> str:
    """The cause that an HTTP status names without other evidence."""
    return _OF_STATUS.get(number, "server" if number >= 500 else "other_status")


def _bounded(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """The last matches. Their number is limited, because a hostile text may have very many."""
    yield from deque(pattern.finditer(text, start, end), maxlen=_MOST_MATCHES)


def _is_an_echo(one: Evidence, lower: str) -> bool:
    """Whether the evidence is text of a user. The message of a bad request repeats parts of the request."""
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
            yield Evidence(name, _weight_of(text, place, name), place, place + len(name), row.status)


def _weight_of(text: str, place: int, name: str) -> int:
    """The weight of a reason. In back quotes, the reason is part of a text about errors, and has less weight."""
    return GENERAL if text[place - 1 : place] == text[place + len(name) : place + len(name) + 1] == "`" else REASON


def _goes_on(text: str, end: int) -> bool:
    after = text[end : end + 1]
    return after.isalnum() or after == "_"


def _words(lower: str, least: int, most: int) -> Iterator[Evidence]:
    """The last match of each phrase of these weights."""
    for phrase in PHRASES:
        if not least <= phrase.weight <= most:
            continue
        for start, end in holding(lower, phrase.needles):
            if last := deque(phrase.pattern.finditer(lower, start, end), maxlen=1):
                yield Evidence(phrase.cause, phrase.weight, last[0].start(), last[0].end())
                break


def _codes(text: str, start: int, end: int) -> Iterator[Evidence]:
    for match in _bounded(_CODES, text, start, end):
        word = match[match.lastgroup or 0]
        code = _CAMEL.get(word, word.upper())
        if code in CANONICAL and code not in ("UNKNOWN", "ABORTED"):
            yield Evidence(_OF_CODE.get(code, "server"), CODE, match.start(), match.end(), CANONICAL[code])


def _kinds(text: str, start: int, end: int) -> Iterator[Evidence]:
    for match in _bounded(_KINDS, text, start, end):
        number = _CLASSES[match[1]]
        yield Evidence(cause_of_number(number), NUMBER, match.start(), match.end(), number)
