"""`PerLoopSessions`: one aiohttp session per event loop, with the part of the interface that the SDK uses."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from google import genai

from genai_credentials.client import sdk
from genai_credentials.forks import Forkable, Lock, watch
from genai_credentials.sealing import OfThisProcess


class PerLoopSessions(OfThisProcess, Forkable):
    """Sends each request through the running loop's own session, which the SDK makes.

    Args:
        client: The client that makes the sessions.
    """

    closed = False

    def __init__(self, client: genai.Client) -> None:
        self._client = client
        self._sessions: dict[asyncio.AbstractEventLoop, Any] = {}
        self._lock = Lock()
        watch(self)

    async def request(self, *args: Any, **options: Any) -> Any:
        """See `aiohttp.ClientSession.request`."""
        session = await self._session()
        return await session.request(*args, **options)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The SDK reads this property to find out whether the session can still be used (seen in 1.65)."""
        return asyncio.get_running_loop()

    async def _session(self) -> Any:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is not None and not session.closed:
            return session
        # Making a session does not wait for anything.
        with self._lock:
            for closed in [other for other in self._sessions if other.is_closed()]:
                del self._sessions[closed]
            self._sessions[loop] = await sdk.new_session(self._client)
            return self._sessions[loop]

    async def aclose(self) -> None:
        """Close the sessions of all loops that are running."""
        with self._lock:
            sessions, self._sessions = self._sessions, {}
        for loop, session in sessions.items():
            if loop is asyncio.get_running_loop():
                await session.close()
            elif loop.is_running():
                with contextlib.suppress(RuntimeError):  # the loop has just ended
                    asyncio.run_coroutine_threadsafe(session.close(), loop)

    def after_fork_in_child(self) -> None:
        """Drop the parent's sessions without closing them, because the parent still uses them."""
        self._abandoned, self._sessions = self._sessions, {}
