"""Models of the SDK are built on first use, under one lock of pydantic's: a fork waits until it is free.

A fork in the middle of another thread's first request leaves that lock taken in the child, whose own first request
then hangs for good (seen with google-genai 3.6 and pydantic 2.14, with our client and with a stock one).
"""

from __future__ import annotations

from typing import Protocol

import pydantic.main

from genai_credentials.forks import Forkable, watch


class _Lock(Protocol):
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...


class LazyModels(Forkable):
    """Holds pydantic's lock during a fork. The name is private to pydantic: a version without it is left alone."""

    def __init__(self) -> None:
        self._lock: _Lock | None = getattr(pydantic.main, "_rebuild_lock", None)
        self._held = False
        watch(self)

    def before_fork(self) -> bool:
        """Take it if it is free. Returns whether it was."""
        self._held = self._lock is not None and self._lock.acquire(blocking=False)
        return self._held or self._lock is None

    def after_fork_in_parent(self) -> None:
        """Let go of it."""
        if self._held and self._lock is not None:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Let go of it here too: the thread that holds it is the one that goes on."""
        self.after_fork_in_parent()
