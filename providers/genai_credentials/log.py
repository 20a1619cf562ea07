"""Our logger: what an application's handlers, filters and record factory raise fails no fetch and no request."""

from __future__ import annotations

import logging
import sys
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any


class Lines:
    """Records that are kept while a fetch runs, and logged once nobody waits for it any more.

    A handler may hold a lock of its own while it asks for the key: a fetch that logged to that handler before its key
    is there would wait for the handler, and the handler for the fetch.
    """

    def __init__(self) -> None:
        self.kept: deque[logging.LogRecord] = deque()
        self.open = True

    @contextmanager
    def keep(self) -> Iterator[None]:
        """Keep what is logged in this block, and in the jobs that it hands on."""
        before = _lines.set(self)
        try:
            yield
        finally:
            _lines.reset(before)
            self.open = False

    def log(self) -> None:
        """Log what was kept."""
        while self.kept:
            with _reported():
                logger.logger.handle(self.kept.popleft())


_lines: ContextVar[Lines | None] = ContextVar("genai_credentials_lines", default=None)
_tenant: ContextVar[str | None] = ContextVar("genai_credentials_tenant", default=None)


@contextmanager
def tagged(tenant: str | None) -> Iterator[None]:
    """Let the records of this block, and of the jobs that it hands on, name this tenant; None for no tenant."""
    before = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(before)


class _Reports(logging.LoggerAdapter[logging.Logger]):
    """Our logger; what an application's handlers, filters and record factory raise fails no fetch and no request."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """One record, if the level is on; never raises."""
        if not self.isEnabledFor(level):
            return
        lines = _lines.get()
        with _reported():
            record = self._record(level, msg, args, **options)
            if lines is not None and lines.open:
                lines.kept.append(record)
            else:
                self.logger.handle(record)

    def _record(self, level: int, msg: object, args: Any, extra: Mapping[str, object] | None = None) -> Any:
        # The first three frames are those of this method, of `log` and of the adapter's `warning` and its like.
        path, line, function, _ = self.logger.findCaller(stacklevel=3)
        extra = {"tenant": _tenant.get(), **(extra or {})}
        make = partial(self.logger.makeRecord, self.logger.name, level, path, line, msg, args, None, function)
        try:
            return make(extra)
        except KeyError:
            # The application's own record factory has taken some of the names: the record goes without those.
            taken = vars(make())
            free = {name: value for name, value in extra.items() if name not in taken}
            if free == extra:
                raise
            return make(free)


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # As logging itself does with a handler that fails; what it failed amid may hold a key, and isn't shown.
        if logging.raiseExceptions and sys.stderr:
            with suppress(Exception):
                traceback.print_exception(error, chain=False)


logger = _Reports(logging.getLogger("genai_credentials"))
