"""`ClosedByBlock`: objects that a `with` block closes."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self


class ClosedByBlock:
    """An object that a `with` block or an `async with` block closes at its end."""

    if TYPE_CHECKING:

        def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()
