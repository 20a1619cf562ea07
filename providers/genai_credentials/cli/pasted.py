"""Reads a pasted text: an error of the SDK, a traceback, JSON, a log line or the output of curl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genai_credentials.cli.reading.cleaning import MOST, cleaned, joined
from genai_credentials.cli.reading.context import in_context
from genai_credentials.cli.reading.evidence import FAR, LOWER, Evidence, found_in
from genai_credentials.cli.reading.phrases.phrase import CODE, MESSAGE
from genai_credentials.cli.reading.weighing import status_of, strongest

__all__ = ["MOST", "Read", "read"]


class Read(NamedTuple):
    """The result of reading a text.

    Args:
        cause: The cause: a key of `causes.TABLE`, or "unrecognised".
        status: The HTTP status, or the close code of a WebSocket; None if none was found.
        around: The cleaned text around the deciding evidence. It is never printed, because it may hold a key.
    """

    cause: str
    status: int | None = None
    around: str = ""

    @property
    def is_close(self) -> bool:
        """Whether the status is the close code of a WebSocket."""
        return self.status is not None and self.status >= 1000


def read(text: str) -> Read:
    """Find the cause that a text names.

    Args:
        text: The pasted text. Only the end of a very long text is read.
    """
    clean = cleaned(text)
    found = found_in(clean)
    best = strongest(found)
    if "\n" in clean and (best is None or best.weight < MESSAGE):
        # A terminal or a log may have cut words at the end of a line.
        least = MESSAGE if best and best.weight >= CODE else CODE
        for whole in (clean.replace("\n", " "), joined(clean)):
            other = strongest(found_in(whole, least=least))
            if other and (best is None or other.weight >= least):
                return _read(whole, found_in(whole), other)
    return Read("unrecognised") if best is None else _read(clean, found, best)


def _read(text: str, found: Sequence[Evidence], best: Evidence) -> Read:
    lower, status = text.translate(LOWER), status_of(best, found)
    around = text[max(0, best.start - FAR) : best.end + FAR]
    return Read(in_context(best, status, lower), status, around)
