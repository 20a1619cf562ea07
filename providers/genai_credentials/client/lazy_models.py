"""pydantic builds the SDK's models on first use under one lock. A fork waits until that lock is free.

A fork during another thread's first request leaves the lock taken in the child. The child's own first request then
hangs forever (seen with google-genai 3.6 and pydantic 2.14, with our client and with a stock client).
"""

from __future__ import annotations

from typing import Protocol

import pydantic.main

from genai_credentials.forks import Forkable, watch


class _Lock(Protocol):
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...


class LazyModels(Forkable):
    """Holds pydantic's lock during a fork.

    The lock's name is private to pydantic. If it is missing, nothing is done.
    """

    def __init__(self) -> None:
        self._lock: _Lock | None = getattr(pydantic.main, "_rebuild_lock", None)
        self._held = False
        watch(self)

    def before_fork(self) -> bool:
        """Take the lock if it is free. Returns whether the fork may begin."""
        self._held = self._lock is not None and self._lock.acquire(blocking=False)
        return self._held or self._lock is None

    def after_fork_in_parent(self) -> None:
        """Release the lock."""
        if self._held and self._lock is not None:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Release the lock in the child too. The thread that took it is the thread that continues in the child."""
        self.after_fork_in_parent()
