"""Sets a variable in the text of a .env file. Comments, order and all other characters stay as they are."""

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
    """A part of a .env file, as the parser of python-dotenv returns it. `key` is None if the part is no variable."""

    key: str | None
    original: _Original


class Variables:
    """A .env file with the key in the first of several variables that has a value.

    Args:
        names: The names of the variables, in order of preference.
        where: The name of the provider, for the errors.
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
            raise PutFailed(
                f"{self._where}: cannot be parsed and is unchanged.", remedy="Check the syntax of the file."
            )
        if any(piece.key == name for piece in pieces):
            # All duplicates are changed, because some programs read the first one and others the last.
            changed = "".join(
                _with_value(piece.original.string, key) if piece.key == name else piece.original.string
                for piece in pieces
            )
        else:
            changed = _with_line(text, f"{name}={_quoted(key)}")
        if self.key_in(changed) != key or _others(changed, name) != _others(text, name):
            raise PutFailed(
                f"{self._where}: a .env file cannot hold this key. The file was not changed.",
                remedy="Store the key in a file of its own: characters such as ${ have a meaning in a .env file.",
            )
        return changed

    def _served(self, text: str) -> str:
        """Return the name of the variable that a fetch reads; if none has a value, the first that is in the file."""
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
    """Return the line or lines of a variable with another value, in the same quotes."""
    head = _HEAD.match(line)
    if head is None:
        return line
    end = head.end()
    if head["equals"] is None:
        return f"{line[:end]}={_quoted(value)}{line[end:]}"
    if line[end : end + 1] == "#" and head["equals"] != "=":
        # The rest of the line is a comment, and there is no value before it.
        end = head.start("equals") + 1
        return f"{line[:end]}{_quoted(value)}{line[end:]}"
    quoted = _QUOTED.match(line, end)
    old = quoted[0] if quoted else re.sub(r"\s+#.*", "", line[end:].splitlines()[0] if line[end:] else "").rstrip()
    return f"{line[:end]}{_quoted(value, old[:1])}{line[end + len(old) :]}"


def _with_line(text: str, line: str) -> str:
    """Return the text with one more line, which has the same line ending as the other lines."""
    ending = "\r\n" if "\r\n" in text else "\n"
    between = "" if not text or text.endswith(("\n", "\r")) else ending
    return f"{text}{between}{line}{ending}"


def _quoted(value: str, quote: str = "") -> str:
    """Return the value in these quotes. It gets single quotes if a shell would read it differently otherwise."""
    if quote not in ("'", '"'):
        quote = ""
    if not _PLAIN.fullmatch(value) and (not quote or re.search("[$`]", value)):
        quote = "'"
    return value if not quote else quote + re.sub(rf"([\\{quote}])", r"\\\1", value) + quote
