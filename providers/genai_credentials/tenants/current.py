"""`Use`: a block in which one tenant is in use, for frameworks that build their own client."""

from __future__ import annotations

import sys
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType

from genai_credentials.errors import ConfigurationError, NoTenant

_SUSPENDED = 0x20 | 0x200
"""inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR. The import of inspect would take time."""


class Current:
    """The tenant that is in use in this thread or task."""

    def __init__(self) -> None:
        self.name: ContextVar[str | None] = ContextVar("genai_credentials_current_tenant", default=None)

    def get(self) -> str:
        """The name of the tenant in use.

        Raises:
            NoTenant: No tenant is in use in this thread or task.
        """
        name = self.name.get()
        if name is None:
            raise NoTenant(
                "This request has no tenant: no tenant is in use in this thread or task.",
                remedy="Send it with the client of a tenant, tenants.clients()[name], or inside 'with "
                "tenants.use(name):'. A new thread or an executor does not inherit the tenant. Start it with "
                "contextvars.copy_context().run(…).",
            )
        return name


class Use:
    """A block in which one tenant is in use.

    Args:
        current: The place in which the tenant in use is noted.
        name: The tenant's name.
    """

    def __init__(self, current: Current, name: str) -> None:
        self._current, self._name = current, name
        self._before: list[Token[str | None]] = []

    def __enter__(self) -> None:
        if sys._getframe(1).f_code.co_flags & _SUSPENDED:
            raise ConfigurationError(
                "tenants.use() is entered in a generator. At each yield, the calling code would get this tenant.",
                remedy="Use the client of the tenant, tenants.clients()[name]. In a helper with @contextmanager, call "
                "contextlib.ExitStack().enter_context(tenants.use(name)).",
            )
        self._before.append(self._current.name.set(self._name))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A framework's thread pool may leave the block in another context than it was entered in. The value that was
        # set there ends with that context.
        with suppress(ValueError):
            self._current.name.reset(self._before.pop())
