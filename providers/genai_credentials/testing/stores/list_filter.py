"""The filters of lists in Google's APIs (AIP-160), as far as Secret Manager documents them.

    name:gemini AND labels.env=prod
    state:(ENABLED OR DISABLED) AND NOT create_time < "2026-01-01T00:00:00Z"
    replication.user_managed.replicas.location:*

As in AIP-160, OR binds closer than AND, and two expressions without a word between them are joined by AND. `:` tests
whether a field contains a text, in upper or lower case. `:*` tests whether the field is set. Inside a text, `*` stands
for any characters.

Source: https://google.aip.dev/160 and https://cloud.google.com/secret-manager/docs/filtering
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from genai_credentials.testing.servers import RefusedError

__all__ = ["matches"]

Document = dict[str, Any]
Test = Callable[[Document], bool]

_SPACE = re.compile(r"\s*")
_FIELD = re.compile(r'[A-Za-z_][\w-]*(?:\.(?:[\w-]+|"[^"]*"))*')
_COMPARATOR = re.compile(r"\s*(!=|<=|>=|=|<|>|:)\s*")
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|([^\s()"\']+)')
_WORD = re.compile(r"(AND|OR|NOT)(?![\w.])")


def matches(text: str, fields: frozenset[str]) -> Test:
    """Return a function that tests whether a document matches the filter.

    Args:
        text: The filter; "" matches every document.
        fields: The names with which a field may begin.

    Raises:
        RefusedError: The filter is invalid; its code is INVALID_ARGUMENT.
    """
    return _Parser(text, fields).parse() if text.strip() else lambda document: True


class _Parser:
    def __init__(self, text: str, fields: frozenset[str]) -> None:
        self._text, self._fields, self._at = text, fields, 0

    def parse(self) -> Test:
        test = self._expression()
        self._skip()
        return test if self._at == len(self._text) else self._fail()

    def _expression(self) -> Test:
        tests = [self._factor()]
        while self._more():
            self._word("AND")
            tests.append(self._factor())
        return lambda document: all(test(document) for test in tests)

    def _factor(self) -> Test:
        tests = [self._term()]
        while self._word("OR"):
            tests.append(self._term())
        return lambda document: any(test(document) for test in tests)

    def _term(self) -> Test:
        self._skip()
        if self._word("NOT") or self._take(re.compile(r"-(?=[\w(])")):
            test = self._simple()
            return lambda document: not test(document)
        return self._simple()

    def _simple(self) -> Test:
        self._skip()
        if self._take(re.compile(r"\(")):
            test = self._expression()
            self._skip()
            return test if self._take(re.compile(r"\)")) else self._fail()
        field = self._take(_FIELD) or self._fail()
        names = [name.strip('"') for name in re.findall(r'"[^"]*"|[^.]+', field)]
        if names[0] not in self._fields:
            self._fail()
        comparator = (self._take(_COMPARATOR) or self._fail()).strip()
        return self._restriction(names, comparator)

    def _restriction(self, names: list[str], comparator: str) -> Test:
        values, every = [], False
        if not self._take(re.compile(r"\(")):
            values.append(self._value())
        else:
            values.append(self._value())
            while not self._take(re.compile(r"\s*\)")):
                every = every or not self._word("OR")
                self._word("AND")
                values.append(self._value())
        joined = all if every else any
        return lambda document: joined(_holds(list(_at(document, names)), comparator, value) for value in values)

    def _value(self) -> str:
        self._skip()
        found = _VALUE.match(self._text, self._at) or self._fail()
        self._at = found.end()
        quoted = found[1] if found[1] is not None else found[2]
        return found[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)

    def _more(self) -> bool:
        self._skip()
        return self._at < len(self._text) and self._text[self._at] != ")"

    def _word(self, word: str) -> bool:
        self._skip()
        found = _WORD.match(self._text, self._at)
        if found is None or found[1] != word:
            return False
        self._at = found.end()
        return True

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _skip(self) -> None:
        self._take(_SPACE)

    def _fail(self) -> NoReturn:
        message = f"Invalid list filter, at character {self._at + 1}: {self._text}"
        raise RefusedError("INVALID_ARGUMENT", message)


def _at(value: Any, names: list[str]) -> Iterator[Any]:
    """Yield each value at a path. A list yields one for each of its items."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, names)
    elif not names:
        yield value
    elif isinstance(value, dict) and names[0] in value:
        yield from _at(value[names[0]], names[1:])


def _holds(found: list[Any], comparator: str, wanted: str) -> bool:
    if comparator == "!=":
        return not any(_like(value, wanted) for value in found)
    if wanted == "*" and comparator in (":", "="):
        return bool(found)
    if comparator == "=":
        return any(_like(value, wanted) for value in found)
    if comparator == ":":
        return any(_has(value, wanted) for value in found)
    return any(_in_order(value, comparator, wanted) for value in found)


def _has(value: Any, wanted: str) -> bool:
    if isinstance(value, dict):
        return wanted in value
    return re.search(_pattern(wanted), str(value), re.IGNORECASE) is not None


def _like(value: Any, wanted: str) -> bool:
    there, here = _moment(str(value)), _moment(wanted)
    if there is not None and here is not None:
        return there == here
    return re.fullmatch(_pattern(wanted), str(value)) is not None


def _in_order(value: Any, comparator: str, wanted: str) -> bool:
    there, here = _moment(str(value)), _moment(wanted)
    pair = (there, here) if there is not None and here is not None else (str(value), wanted)
    less, equal = pair[0] < pair[1], pair[0] == pair[1]  # type: ignore[operator]
    return ("=" in comparator) if equal else ("<" in comparator) == less


def _pattern(wanted: str) -> str:
    return ".*".join(map(re.escape, wanted.split("*")))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
