"""The body of a request: sent on while it comes, and kept as far as it may have to be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

MOST_KEPT = 1_048_576
"""Bytes of a request that is sent again when its key is refused; a larger one goes once."""


class BrokenUpload(Exception):
    """The client went away in the middle of a body, or sent one that is none."""


class Body:
    """A request's body; each iteration begins at its start.

    Args:
        request: The request, whose body nobody else reads.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._content = request.content
        self._there = request.body_exists
        self._kept: list[bytes] = []
        self._size = self._number = 0
        self._ended = not self._there
        # The attempt before may not yet have stopped reading.
        self._reading = asyncio.Lock()
        self.broken = False

    async def begin(self) -> bytes | Body | None:
        """What is sent: the whole where it has come already, else this object, which sends it as it comes."""
        if not self._there:
            return None
        await self._read()
        if self._content.at_eof():
            self._ended = True
        return b"".join(self._kept) if self._ended and self.can_repeat() else self

    def can_repeat(self) -> bool:
        """Whether what was read so far can be sent again."""
        return self._size <= MOST_KEPT

    async def __aiter__(self) -> AsyncIterator[bytes]:
        number = 0
        while True:
            async with self._reading:
                if number < self._number - len(self._kept):
                    raise BrokenUpload
                if number < self._number:
                    chunk = self._kept[number - self._number]
                elif self._ended:
                    return
                else:
                    chunk = await self._read()
            if not chunk:
                return
            number += 1
            yield chunk

    async def _read(self) -> bytes:
        try:
            chunk = await self._content.readany()
        except Exception:
            self.broken = True
            # Without what it came from: that may show the bytes that are wrong.
            raise BrokenUpload from None
        if not chunk:
            self._ended = True
            return chunk
        self._number += 1
        self._size += len(chunk)
        if not self.can_repeat():
            # Only the last: whoever sends it now takes it from here.
            self._kept.clear()
        self._kept.append(chunk)
        return chunk
