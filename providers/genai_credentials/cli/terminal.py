"""The abilities of the terminal: its width, its characters, and whether it can be drawn again."""

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
"""The name of the error handler that writes ASCII if an encoding lacks a character."""

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
    """See `codecs.register_error`. Our own signs become ASCII, and the characters of a name are escaped, never lost."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(one) or _escaped(one) for one in lacking), error.end


def _escaped(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode("ascii")


def make_readable() -> None:
    """Ensure that no character and no closed stream causes an error. Several calls have the effect of one call."""
    _replace_closed()
    codecs.register_error(READABLE, readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=READABLE)


def _replace_closed() -> None:
    # Python has None for a stream that was closed before it started, as by >&- in a shell. A closed stdin stays None:
    # the commands that read it say so.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open for as long as the process


def fitting(text: str, stream: TextIO) -> str:
    """The text without characters that the encoding of the stream lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, READABLE).decode(encoding)


def console_of(stream: TextIO) -> Console:
    """A console of rich for this stream. It is as wide as the terminal. Without a terminal it has no colours."""
    from rich.console import Console

    # Rich's own check is not used, because with FORCE_COLOR it treats a pipe as a terminal.
    if not stream.isatty():
        return Console(file=stream, force_terminal=False, width=PIPED_WIDTH)
    console = Console(file=stream, force_terminal=True)
    if console.is_dumb_terminal:
        # Rich assumes 80 columns for each dumb terminal.
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
    """Whether the console can be drawn again."""
    return console.is_terminal and not console.is_dumb_terminal
