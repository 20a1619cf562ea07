"""Output of a command that continues when nobody reads the output any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class _Unread:
    """A stream whose failures are no failures of the command: from the first one on, its text is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """See `io.TextIOBase`."""
        try:
            return self._stream.write(text)
        except OSError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        """See `io.TextIOBase`."""
        try:
            self._stream.flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        # The text that is buffered would fail once more when the interpreter ends, and change the exit code.
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def output_may_go_unread() -> Iterator[None]:
    """A block that a closed pipe or a full disk behind stdout or stderr does not end."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and cast(TextIO, _Unread(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
