"""Sets a member in the text of a JSON document. All other characters stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


class Member(NamedTuple):
    """The position of a member: its name, its first character, and the start and the end of its value."""

    name: str
    at: int
    start: int
    end: int


def value_at(text: str, path: Sequence[str]) -> object:
    """Return the value at a path of members, as a JSON parser reads it; None if there is no value.

    Args:
        text: A JSON document that `json.loads` can parse.
        path: The names of the members, from the outermost to the innermost. For a list: the number of the element.
    """
    value: object = json.loads(text)
    for name in path:
        if isinstance(value, list):
            value = dict(zip(map(str, range(len(value))), value, strict=True))
        value = value.get(name) if isinstance(value, dict) else None
    return value


def with_value(text: str, path: Sequence[str], value: str) -> str:
    """Return the document with this text as the value at a path of members. An old value is replaced in each duplicate.

    Args:
        text: A JSON document that `json.loads` can parse.
        path: The names of the members, from the outermost to the innermost. For a list: the number of the element.
        value: The text to store.

    Raises:
        LookupError: A value on the path is neither an object nor a list with this element.
    """
    start = _after_space(text, 0)
    for begin, end in reversed(list(_spans(text, start, path))):
        # A duplicate of another type is left as it is. A later duplicate hides it, and it cannot be a key.
        if text[begin] == '"' or text[begin:end] == "null":
            text = text[:begin] + json.dumps(value) + text[end:]
    return text if value_at(text, path) == value else _with_member(text, start, path, value)


def _with_member(text: str, at: int, path: Sequence[str], value: str) -> str:
    """Return the document with the missing part of the path, added at the end of the innermost existing object."""
    inside = [member for member in _members(text, at) if member.name == path[0]]
    if inside and len(path) > 1:
        return _with_member(text, inside[-1].start, path[1:], value)
    if text[at] != "{" or inside:
        raise LookupError("no object to add a member to")
    nested: object = value
    for name in reversed(path[1:]):
        nested = {name: nested}
    return _inserted(text, at, json.dumps(path[0]), json.dumps(nested))


def _inserted(text: str, at: int, name: str, value: str) -> str:
    members = _members(text, at)
    if not members:
        return f"{text[: at + 1]}{name}: {value}{text[at + 1 :]}"
    last = members[-1]
    colon = text[_DECODER.raw_decode(text, last.at)[1] : last.start]
    before = text[: last.at]
    # The new member has the same white space as the last one.
    space = before[len(before.rstrip(" \t\n\r")) :] or (" " if colon.endswith(" ") else "")
    return f"{text[: last.end]},{space}{name}{colon}{value}{text[last.end :]}"


def _spans(text: str, at: int, path: Sequence[str]) -> Iterator[tuple[int, int]]:
    for member in _members(text, at):
        if member.name != path[0]:
            continue
        if len(path) == 1:
            yield member.start, member.end
        else:
            yield from _spans(text, member.start, path[1:])


def _members(text: str, at: int) -> list[Member]:
    """Return the members of an object, or the elements of a list with their numbers as names; [] for other values."""
    if text[at] not in "{[":
        return []
    found: list[Member] = []
    named, closing = text[at] == "{", "}" if text[at] == "{" else "]"
    at = _after_space(text, at + 1)
    while text[at] != closing:
        name, start = str(len(found)), at
        if named:
            name, after = _DECODER.raw_decode(text, at)
            start = _after_space(text, _after_space(text, after) + 1)
        end = _DECODER.raw_decode(text, start)[1]
        found.append(Member(name, at, start, end))
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
