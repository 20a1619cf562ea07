"""`PerLoopSessions`: one aiohttp session per event loop, behind what the SDK takes for a session."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from google import genai

from genai_credentials.client import sdk
from genai_credentials.forks import Forkable, Lock, watch
from genai_credentials.sealing import OfThisProcess


class PerLoopSessions(OfThisProcess, Forkable):
    """Sends each request through the running loop's own session, which is one as the SDK makes them.

    Args:
        client: The client that makes them.
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
        """Asked for by the SDK, to see whether the session is still of use (seen in 1.65)."""
        return asyncio.get_running_loop()

    async def _session(self) -> Any:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is not None and not session.closed:
            return session
        # Making one waits for nothing.
        with self._lock:
            for closed in [other for other in self._sessions if other.is_closed()]:
                del self._sessions[closed]
            self._sessions[loop] = await sdk.new_session(self._client)
            return self._sessions[loop]

    async def aclose(self) -> None:
        """Close the sessions of all loops that run."""
        with self._lock:
            sessions, self._sessions = self._sessions, {}
        for loop, session in sessions.items():
            if loop is asyncio.get_running_loop():
                await session.close()
            elif loop.is_running():
                with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                    asyncio.run_coroutine_threadsafe(session.close(), loop)

    def after_fork_in_child(self) -> None:
        """Drop the parent's, without closing what the parent goes on to use."""
        self._abandoned, self._sessions = self._sessions, {}
