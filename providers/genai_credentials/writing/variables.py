"""A variable of a .env file is set in its text, so that comments, order and all else stay, to the character."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from genai_credentials.errors import InvalidSecret, PutFailed
from genai_credentials.key import clean
from genai_credentials.provider import import_extra

_HEAD = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+)[^\S\r\n]*(?P<equals>=[^\S\r\n]*)?")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_PLAIN = re.compile(r"[\w.:/@%+=,~-]+", re.ASCII)


class _Original(Protocol):
    string: str


class _Binding(Protocol):
    """A piece of a .env file as python-dotenv takes it apart; `key` is None for what is no variable."""

    key: str | None
    original: _Original


class Variables:
    """A .env file with the key under the first of several names that has a value.

    Args:
        names: The variables, in order of preference.
        where: The provider's name, for the errors.
    """

    def __init__(self, names: Sequence[str], where: str) -> None:
        self._names, self._where = tuple(names), where

    def key_in(self, text: str) -> str | None:
        """See `Document`."""
        try:
            return clean(_values(text).get(self._served(text)) or "", "")[0]
        except InvalidSecret:
            return None

    def with_key(self, text: str, key: str) -> str:
        """See `Document`."""
        name = self._served(text)
        pieces = list(_taken_apart(text))
        if "".join(piece.original.string for piece in pieces) != text:
            raise PutFailed(f"{self._where}: cannot be taken apart, and was left as it is.", remedy="Check the file.")
        if any(piece.key == name for piece in pieces):
            # Each of its duplicates: some readers take the first one, others the last.
            changed = "".join(
                _with_value(piece.original.string, key) if piece.key == name else piece.original.string
                for piece in pieces
            )
        else:
            changed = _with_line(text, f"{name}={_quoted(key)}")
        if self.key_in(changed) != key or _others(changed, name) != _others(text, name):
            raise PutFailed(
                f"{self._where}: this key cannot stand in a .env file, so the file was left as it is.",
                remedy="Characters such as ${ have a meaning there: keep the key in a file of its own.",
            )
        return changed

    def _served(self, text: str) -> str:
        """The variable that a reader takes, or else the one that it would look at first."""
        values = _values(text)
        set_here = [name for name in self._names if values.get(name)] or [
            name for name in self._names if name in values
        ]
        return next(iter(set_here), self._names[0])


def _values(text: str, *, interpolate: bool = True) -> dict[str, str | None]:
    dotenv = import_extra("dotenv", "dotenv")
    values: dict[str, str | None] = dotenv.dotenv_values(stream=io.StringIO(text), interpolate=interpolate)
    return values


def _others(text: str, name: str) -> dict[str, str | None]:
    return {other: value for other, value in _values(text, interpolate=False).items() if other != name}


def _taken_apart(text: str) -> Iterable[_Binding]:
    pieces: Iterable[_Binding] = import_extra("dotenv.parser", "dotenv").parse_stream(io.StringIO(text))
    return pieces


def _with_value(line: str, value: str) -> str:
    """A variable's line, or lines, with another value in the same quotes."""
    head = _HEAD.match(line)
    if head is None:
        return line
    end = head.end()
    if head["equals"] is None:
        return f"{line[:end]}={_quoted(value)}{line[end:]}"
    if line[end : end + 1] == "#" and head["equals"] != "=":
        # A comment, and no value before it.
        end = head.start("equals") + 1
        return f"{line[:end]}{_quoted(value)}{line[end:]}"
    quoted = _QUOTED.match(line, end)
    old = quoted[0] if quoted else re.sub(r"\s+#.*", "", line[end:].splitlines()[0] if line[end:] else "").rstrip()
    return f"{line[:end]}{_quoted(value, old[:1])}{line[end + len(old) :]}"


def _with_line(text: str, line: str) -> str:
    """The text with one line more, ended as its other lines are."""
    ending = "\r\n" if "\r\n" in text else "\n"
    between = "" if not text or text.endswith(("\n", "\r")) else ending
    return f"{text}{between}{line}{ending}"


def _quoted(value: str, quote: str = "") -> str:
    """A value in the quotes of the one before it, unless it needs others: a shell reads these files too."""
    if quote not in ("'", '"'):
        quote = ""
    if not _PLAIN.fullmatch(value) and (not quote or re.search("[$`]", value)):
        quote = "'"
    return value if not quote else quote + re.sub(rf"([\\{quote}])", r"\\\1", value) + quote
