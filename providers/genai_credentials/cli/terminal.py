"""What the terminal takes: its width, its characters, and whether anything may move on it."""

from __future__ import annotations

import codecs
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 80
NARROWEST, _ROWS = 20, 25
READABLE = "genai-credentials"
"""The name of the error handler that writes ASCII where an encoding lacks a character."""

_ASCII = {
    "✓": "+",
    "✗": "x",
    "▸": ">",
    "·": ".",
    "…": "...",
    "→": "->",
    "–": "-",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
GOOD, BAD, DOUBTFUL = "✓", "✗", "!"


def readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """See `codecs.register_error`: our own signs become ASCII, and a name's characters are escaped, never lost."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(one) or _escaped(one) for one in lacking), error.end


def _escaped(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode("ascii")


def make_readable() -> None:
    """Let no character end a command, whatever the terminal's encoding; idempotent."""
    codecs.register_error(READABLE, readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=READABLE)


def fitting(text: str, stream: TextIO) -> str:
    """The text with no character that a stream's encoding lacks, for whoever writes to it in another one."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, READABLE).decode(encoding)


def console_of(stream: TextIO) -> Console:
    """A console of rich's on this stream: as wide as the terminal, and without colours where there is none."""
    from rich.console import Console

    # Not the console's own word: FORCE_COLOR would have it take a pipe for a terminal.
    if not stream.isatty():
        return Console(file=stream, force_terminal=False, width=PIPED_WIDTH)
    console = Console(file=stream, force_terminal=True)
    if console.is_dumb_terminal:
        # Rich takes each of them to have 80 columns.
        return Console(file=stream, force_terminal=True, width=_width_of(stream), height=_ROWS)
    return console


def _width_of(stream: TextIO) -> int:
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdecimal() and int(given):
        return max(int(given), NARROWEST)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns or PIPED_WIDTH, NARROWEST)
    except (OSError, ValueError, AttributeError):
        return PIPED_WIDTH


def is_live(console: Console) -> bool:
    """Whether something may be drawn anew there."""
    return console.is_terminal and not console.is_dumb_terminal
