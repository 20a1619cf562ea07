"""Our logger: what an application's handlers, filters and record factory raise fails no fetch and no request."""

from __future__ import annotations

import logging
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any


class _Lines(deque[Callable[[], None]]):
    """Records that wait until whoever could be waiting for this thread has what it waits for."""

    open = True


_held_back: ContextVar[_Lines | None] = ContextVar("genai_credentials_lines", default=None)


@contextmanager
def held_back() -> Iterator[None]:
    """Log at the end of this block what is logged in it.

    A handler may hold a lock of its own while it asks for the key: a fetch that logged to that handler before its key
    is there would wait for the handler, and the handler for the fetch.
    """
    lines = _Lines()
    before = _held_back.set(lines)
    try:
        yield
    finally:
        _held_back.reset(before)
        lines.open = False
        while lines:
            lines.popleft()()


class _Reports(logging.LoggerAdapter[logging.Logger]):
    """Our logger; what an application's handlers, filters and record factory raise fails no fetch and no request."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """One record, if the level is on; never raises."""
        lines = _held_back.get()
        if lines is None or not lines.open:
            self._report(level, msg, args, **options)
        elif self.isEnabledFor(level):
            lines.append(lambda: self._report(level, msg, args, **options))

    def _report(self, level: int, msg: object, args: tuple[object, ...], **options: Any) -> None:
        try:
            self._record(level, msg, args, **options)
        except Exception as error:
            # As logging itself does with a handler that fails; what it failed amid may hold a key, and isn't shown.
            if logging.raiseExceptions and sys.stderr:
                with suppress(Exception):
                    traceback.print_exception(error, chain=False)

    def _record(self, level: int, msg: object, args: Any, extra: Mapping[str, object] | None = None) -> None:
        try:
            self.logger.log(level, msg, *args, extra=extra, stacklevel=4)
        except KeyError:
            # The application's own record factory has taken some of the names: the record goes without those.
            taken = vars(self.logger.makeRecord(self.name, level, "", 0, "", (), None))
            free = {name: value for name, value in (extra or {}).items() if name not in taken}
            if free == extra:
                raise
            self.logger.log(level, msg, *args, extra=free, stacklevel=4)


logger = _Reports(logging.getLogger("genai_credentials"))
