"""Output of a command that continues after the reader of the output has gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class _Unread:
    """A stream whose errors do not end the command. After the first error, its text is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """See `io.TextIOBase`."""
        try:
            return self._stream.write(text)
        except OSError:
            drop(self._stream)
            return len(text)

    def flush(self) -> None:
        """See `io.TextIOBase`."""
        try:
            self._stream.flush()
        except OSError:
            drop(self._stream)


def drop(stream: TextIO) -> None:
    """Drop the buffered text of a stream and all later text. The interpreter would write the buffer at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def output_may_go_unread() -> Iterator[None]:
    """Run the with block to its end, also if stdout or stderr is a closed pipe or a file on a full disk."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and cast(TextIO, _Unread(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
