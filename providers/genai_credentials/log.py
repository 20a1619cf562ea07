"""The logger of this library. Errors in the application's log handlers, filters and record factory end here."""

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
    """Log records that are kept while a fetch runs, and logged after it.

    A log handler may hold its own lock while it asks for the key. If the fetch logged before the key is there, the
    fetch would wait for the handler and the handler for the fetch.
    """

    def __init__(self) -> None:
        self.kept: deque[logging.LogRecord] = deque()
        self.open = True

    @contextmanager
    def keep(self) -> Iterator[None]:
        """Keep the records of this block, and of the jobs that it starts."""
        before = _lines.set(self)
        try:
            yield
        finally:
            _lines.reset(before)
            self.open = False

    def log(self) -> None:
        """Log the kept records."""
        while self.kept:
            with _reported():
                logger.logger.handle(self.kept.popleft())


_lines: ContextVar[Lines | None] = ContextVar("genai_credentials_lines", default=None)
_tenant: ContextVar[str | None] = ContextVar("genai_credentials_tenant", default=None)


@contextmanager
def tagged(tenant: str | None) -> Iterator[None]:
    """Put the name of a tenant into the records of this block, and of the jobs that it starts; None for no tenant."""
    before = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(before)


class _Reports(logging.LoggerAdapter[logging.Logger]):
    """A logger whose methods never raise. So an error in a log handler fails neither a fetch nor a request."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """Log one record if the level is enabled. Never raises."""
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
        # The first three frames are this method, `log`, and a method of the adapter such as `warning`.
        path, line, function, _ = self.logger.findCaller(stacklevel=3)
        extra = {"tenant": _tenant.get(), **(extra or {})}
        make = partial(self.logger.makeRecord, self.logger.name, level, path, line, msg, args, None, function)
        try:
            return make(extra)
        except KeyError:
            # The application's record factory has set some of these attributes. The record is made without ours.
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
        # As the module logging does for a handler that fails. The context of the error may hold a key and is not shown.
        if logging.raiseExceptions and sys.stderr:
            with suppress(Exception):
                traceback.print_exception(error, chain=False)


logger = _Reports(logging.getLogger("genai_credentials"))
