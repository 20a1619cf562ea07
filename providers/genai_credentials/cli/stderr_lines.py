"""Lines on stderr. Writing them never blocks the caller, even if no process reads stderr."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TextIO

from genai_credentials.cli.output import scrubbed
from genai_credentials.workers import run

MOST_LINES = 10_000
_LAST_SECONDS = 1.0
_PAUSE = 0.02
"""Seconds in which lines are collected. Without this pause, waking a thread for each line costs a tenth of the
throughput of the proxy."""


class Lines:
    """Writes lines in another thread. If lines come faster than they are read, the oldest lines are dropped.

    Args:
        stream: The stream to write to; None means that nothing is written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._writing: Future[None] | None = None

    def write(self, line: object) -> None:
        """Add one line. Another thread writes it soon after."""
        if self._stream is None:
            return
        self._lines.append(str(line))
        if self._writing is None or self._writing.done():
            self._writing = run(self._flush, "genai-credentials-log")

    @contextlib.contextmanager
    def of_the_library(self) -> Iterator[None]:
        """Write the warnings of this library, and keep other log records off the screen. Write the rest at the end."""
        library, silence, warned = logging.getLogger("genai_credentials"), logging.NullHandler(), _Warned(self)
        logging.getLogger().addHandler(silence)
        library.addHandler(warned)
        try:
            yield
        finally:
            library.removeHandler(warned)
            logging.getLogger().removeHandler(silence)
            self._close()

    def _close(self) -> None:
        for _ in range(2):
            if self._writing is not None:
                # The end of the command must not wait for a process that does not read stderr.
                with contextlib.suppress(TimeoutError):
                    self._writing.exception(_LAST_SECONDS)
            if not self._lines:
                return
            self._writing = run(self._flush, "genai-credentials-log")

    def _flush(self) -> None:
        while self._lines and self._stream is not None:
            time.sleep(_PAUSE)
            text = scrubbed("".join(f"{self._lines.popleft()}\n" for _ in range(len(self._lines))))
            # The reader may have closed the pipe. That must not end the command.
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
                self._stream.flush()


class _Warned(logging.Handler):
    def __init__(self, lines: Lines) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.write(record.getMessage())
