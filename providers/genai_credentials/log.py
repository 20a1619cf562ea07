"""Our logger: what an application's handlers, filters and record factory raise fails no fetch and no request."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class _Reports(logging.LoggerAdapter[logging.Logger]):
    """Our logger; what an application's handlers, filters and record factory raise fails no fetch and no request."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """One record, if the level is on; never raises."""
        try:
            self._record(level, msg, args, **options)
        except Exception as error:
            # As logging itself does with a handler that fails; what it failed amid may hold a key, and isn't shown.
            if logging.raiseExceptions and sys.stderr:
                with suppress(Exception):
                    traceback.print_exception(error, chain=False)

    def _record(self, level: int, msg: object, args: Any, extra: Mapping[str, object] | None = None) -> None:
        try:
            self.logger.log(level, msg, *args, extra=extra, stacklevel=3)
        except KeyError:
            # The application's own record factory has taken some of the names: the record goes without those.
            taken = vars(self.logger.makeRecord(self.name, level, "", 0, "", (), None))
            free = {name: value for name, value in (extra or {}).items() if name not in taken}
            if free == extra:
                raise
            self.logger.log(level, msg, *args, extra=free, stacklevel=3)


logger = _Reports(logging.getLogger("genai_credentials"))
