"""Removes the characters that a terminal, a log, a shell or a JSON document adds to the text of an error."""

from __future__ import annotations

import html
import re
from itertools import pairwise

MOST = 524_288
"""The number of characters that are read, from the end. In a traceback the error is at the end."""

# Each repetition has an upper bound. Without it, a long run of characters could take minutes.
_ESCAPED = re.compile(r"\\{1,15}(?:u([0-9a-fA-F]{4})|([nrtb\"'/`])|x1b)")
# Letters that are no ASCII, as Python prints the bytes of an answer.
_BYTES = re.compile(r"(?:\\{1,4}x[89a-fA-F][0-9a-fA-F]){2,2000}")
_BREAKS = {"n": "\n", "r": "\n", "t": " ", "b": " "}
# Colours and cursor movements of a terminal. A log may have removed the escape character, or written it as text.
_TERMINAL = re.compile(r"(?:\x1b|\^\[|#033|␛)(?:\[[0-9;?]{0,40}[A-Za-z]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?)")
_HIDDEN = ("style", "script", "svg")
_TAG = re.compile(
    r"</?(?:!doctype|html|head|title|meta|body|h[1-6]|center|hr|p|br|div|span|b|i|em|strong|code|pre|a|ins|link|table"
    r"|t[rdh]|ul|li|img|address|font)\b[^>]{0,400}>",
    re.IGNORECASE,
)
_FRAME = "─━═│┃║╎┆╌╭╮╰╯┌┐└┘├┤╔╗╚╝▏▕▌▐█▀▄⎿ \t\u00a0\u2502"
# `|` and `>` alone at the edge of a line are frames too: of a table, a quotation or docker compose.
_EDGES = re.compile(r"^(?:[|>]\s)*(?:[\w.-]{1,40}\s{1,20}\|\s)?|\s\|$")
_NUMBERED = re.compile(r"^(\d{1,6})[:|.)]?\s")
_SPACES = re.compile(r"[ \t\f\v\u00a0\u200b\u3000]+")


def cleaned(text: str) -> str:
    """The text without escapes, frames, colours and line numbers. Its lines have only single spaces."""
    text = _ESCAPED.sub(_unescaped, _BYTES.sub(_decoded, _without_doubles(text[-MOST:])))
    text = _TERMINAL.sub("", text)
    if "<" in text:
        text = _TAG.sub(" ", _without_hidden(text))
    if "&" in text:
        text = html.unescape(text)
    lines = [_SPACES.sub(" ", _EDGES.sub("", line.strip(_FRAME))).strip(_FRAME) for line in text.splitlines()]
    return "\n".join(_without_numbers([line for line in lines if line]))


def joined(text: str) -> str:
    """The cleaned text without line ends. It joins words that were cut at the end of a line."""
    return text.replace("\n", "")


def _without_hidden(text: str) -> str:
    """A page of HTML without its hidden parts."""
    for tag in _HIDDEN:
        kept, _, rest = text.partition(f"<{tag}")
        parts = [kept]
        while rest and f"</{tag}>" in rest:
            rest = rest.partition(f"</{tag}>")[2]
            kept, _, rest = rest.partition(f"<{tag}")
            parts.append(kept)
        text = " ".join([*parts, rest])
    return text


def _without_doubles(text: str) -> str:
    """A cell of a CSV file, in which each quote stands twice, as it was."""
    doubled, quotes = text.count('""'), text.count('"')
    return text.replace('""', '"') if doubled > 1 and 2 * doubled >= quotes - 2 else text


def _decoded(found: re.Match[str]) -> str:
    return bytes.fromhex(re.sub(r"\\{1,4}x", "", found[0])).decode("utf-8", "replace")


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        character = chr(int(found[1], 16))
        return character if character.isprintable() or character in "\n\x1b" else " "
    return _BREAKS.get(found[2], found[2]) if found[2] else "\x1b"


def _without_numbers(lines: list[str]) -> list[str]:
    """The lines without line numbers, if consecutive lines have consecutive numbers."""
    numbers = [int(found[1]) if (found := _NUMBERED.match(line)) else None for line in lines]
    in_a_row = sum(1 for one, other in pairwise(numbers) if one is not None and other == one + 1)
    if in_a_row < 2 or in_a_row < len(lines) // 2:
        return lines
    return [_NUMBERED.sub("", line) for line in lines]
