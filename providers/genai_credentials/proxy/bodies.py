"""The body of a request. It is forwarded as it arrives, and kept if the request may have to be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

MOST_KEPT = 1_048_576
"""The most bytes of a body that is sent again when its key is refused. A larger body is sent once."""


class BrokenUpload(Exception):
    """The client disconnected in the middle of a body, or the body is malformed."""


class Body:
    """The body of a request. Each iteration begins at the start of the body.

    Args:
        request: The request. Nothing else may read its body.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._content = request.content
        self._there = request.body_exists
        self._kept: list[bytes] = []
        self._size = self._number = 0
        self._ended = not self._there
        # The previous attempt may still be reading.
        self._reading = asyncio.Lock()
        self.broken = False

    async def begin(self) -> bytes | Body | None:
        """The body to send: bytes if the whole body has arrived, this object if not, None if there is no body.

        Raises:
            BrokenUpload: The client disconnected, or the body is malformed.
        """
        if not self._there:
            return None
        await self._read()
        if self._content.at_eof():
            self._ended = True
        return b"".join(self._kept) if self._ended and self.can_repeat() else self

    def can_repeat(self) -> bool:
        """Whether the part of the body that was read can be sent again."""
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
            # Not chained: the cause may repeat the malformed bytes.
            raise BrokenUpload from None
        if not chunk:
            self._ended = True
            return chunk
        self._number += 1
        self._size += len(chunk)
        if not self.can_repeat():
            # Only the last chunk is kept, for the attempt that is sending now.
            self._kept.clear()
        self._kept.append(chunk)
        return chunk
