"""Keeps a forked child from inheriting the parent's connections, locks and running calls.

Two children that shared one keep-alive connection read each other's secrets and each other's answers of the API. An
inherited gRPC channel hung for ever. Therefore no connection is used after a fork. A fork during an import, a TLS
set-up or a call in another thread leaves locks taken in the child for ever. Therefore a fork waits for the end of such
work, for a limited time. The hooks are registered once, and cost nothing without a fork.
"""

from __future__ import annotations

# Imported first, so that a fork runs the `before` hook of this module after ours. That hook takes a lock. If a fork
# held the lock while it waits for running work, that work could not hand anything to an executor.
import concurrent.futures.thread  # noqa: F401
import logging
import os
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

LONGEST_WAIT = 120.0
"""Seconds that a fork waits for an import or for the making of a client. Both end by themselves, but took a minute with
twenty processes per core. A child that is forked before that end hangs for ever."""

LONGEST_WAIT_FOR_A_CALL = 5.0
"""Seconds that all forks together wait for one call. A call may hang."""

LOOK_EVERY = 0.001
"""Seconds between two checks while a fork waits."""


class Forkable:
    """An object with state that a forked child must drop. A fork holds the object, so that its state is consistent."""

    def before_fork(self) -> bool:
        """Hold the object, without waiting. Return whether it is held. Here there is nothing to hold."""
        return True

    def after_fork_in_parent(self) -> None:
        """Release the object."""

    def after_fork_in_child(self) -> None:
        """Drop the state that belongs to the parent."""


_watched: weakref.WeakSet[Forkable | Lock] = weakref.WeakSet()
_held: list[Forkable | _Held] = []
# Reentrant, for signal handlers. A thread that holds it waits for nothing else.
_watching = threading.RLock()


def watch(thing: Forkable | Lock) -> None:
    """Call the hooks of `thing` at each fork, for as long as the object exists."""
    with _watching:
        _watched.add(thing)


class _Held(type(threading.RLock())):  # type: ignore[misc]
    """A lock implemented in C. A signal handler that raises cannot prevent its release at the end of a `with` block."""

    if TYPE_CHECKING:

        def _is_owned(self) -> bool: ...

    def before_fork(self) -> bool:
        """Take the lock if it is free, so that no child inherits half a change. Return whether it was free."""
        return bool(self.acquire(blocking=False))

    def after_fork_in_parent(self) -> None:
        """Release the lock."""
        self.release()

    def after_fork_in_child(self) -> None:
        """Release the lock: the thread that took it is the thread that continues in the child."""
        self.release()


class Lock(_Held):
    """A reentrant lock. A fork waits until it is free, and it is free in the child. A signal handler may take it."""

    def __init__(self) -> None:
        # gevent's patch replaces the class in C by a class in Python, whose __init__ must run.
        super().__init__()
        watch(self)


class Work(_Held):
    """A piece of work that a fork waits for. The work runs while this lock is taken.

    Args:
        longest: Seconds that all forks together wait for this work.
        within: Whether other work waits for this work, so that it must go on while a fork waits.
    """

    def __init__(self, longest: float, within: bool) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.within = within
        # For all forks together: a server that forks ten workers must not wait ten times for one call that hangs.
        self.seconds_left = longest
        self.be_waited_for()

    def be_waited_for(self) -> None:
        """Make forks wait for this work, for as long as this object exists."""
        # Adding and removing are one step in C each. So an interrupt cannot leave an entry behind.
        _at_work.add(weakref.ref(self, _at_work.discard))

    def is_over(self) -> bool:
        """Return whether a fork may go on despite this work. Work that has not begun is held until the fork is over."""
        if self.seconds_left <= 0 or self in _held:
            return True
        if not self.before_fork():
            return False
        if self.within:
            self.release()
        else:
            _held.append(self)
        return True


_at_work: set[weakref.ref[Work]] = set()
# A fork holds it from beginning to end. No work and no other fork begins meanwhile. Reentrant, for signal handlers.
_gate = threading.RLock()


def at_work(longest: float = LONGEST_WAIT, *, within: bool = False) -> Work:
    """Return a context manager for an import, the making of a client, or a call. Forks wait until its block ends.

    Args:
        longest: Seconds that all forks together wait for the block.
        within: Whether other work waits for this block, so that it must go on while a fork waits.
    """
    mine = _work_of(threading.get_ident())
    begun = [work for work in mine if work._is_owned()]
    # The others never began, because of an interrupt. The traceback of that interrupt keeps these objects alive.
    _forget([work for work in mine if work not in begun])
    if within or begun:
        return Work(longest, within=True)
    with _gate:
        return Work(longest, within=False)


def _all_work() -> list[Work]:
    return [work for known in list(_at_work) if (work := known()) is not None]


def _work_of(thread: int) -> list[Work]:
    return [work for work in _all_work() if work.thread == thread]


def _work_of_others() -> list[Work]:
    me = threading.get_ident()
    return [work for work in _all_work() if work.thread != me]


def is_at_work() -> bool:
    """Return whether this thread is inside an `at_work` block."""
    return any(work._is_owned() for work in _work_of(threading.get_ident()))


def abandon(work: Work) -> None:
    """Stop forks from waiting for this work and for all work of its thread: it hangs."""
    _forget(_work_of(work.thread))


def stand_aside() -> None:
    """Stop forks from waiting for this thread: it is about to call code of the application, which may take long."""
    _forget(_work_of(threading.get_ident()))


def _forget(works: list[Work]) -> None:
    _at_work.difference_update(map(weakref.ref, works))


def _rest() -> None:
    """Wait until the work of all other threads is over. Each piece of work has its own limit of seconds."""
    while others := [work for work in _work_of_others() if not work.is_over()]:
        began = time.monotonic()
        time.sleep(LOOK_EVERY)
        for work in others:
            work.seconds_left -= time.monotonic() - began


def _before() -> None:
    # An interrupt may have left the lock of the module logging taken. Then the fork waits here, before it holds a lock.
    logging.getLogger(__name__)
    mine = _work_of(threading.get_ident())
    # A fork in another thread must not wait for this thread while this thread waits for that fork.
    _forget(mine)
    _gate.acquire()
    for work in mine:
        work.be_waited_for()
    _rest()
    _hold_all()
    # Taken last, because the work that a fork waits for calls `watch`.
    _watching.acquire()


def _hold_all() -> None:
    """Hold all watched objects or none: a fork that holds one and waits for another could wait for ever."""
    kept, give_up = len(_held), time.monotonic() + LONGEST_WAIT
    while not _hold_each() and time.monotonic() < give_up:
        _let_go(kept)
        time.sleep(LOOK_EVERY)


def _hold_each() -> bool:
    """Hold every watched object that can be held. Return whether all are held."""
    with _watching:
        watched = list(_watched)
    held = [thing for thing in watched if thing.before_fork()]
    _held.extend(held)
    return len(held) == len(watched)


def _let_go(but: int = 0) -> None:
    """Release the held objects, except the first `but` ones."""
    while len(_held) > but:
        _held.pop().after_fork_in_parent()


def _after_in_parent() -> None:
    try:
        _let_go()
    finally:
        _go_on()


def _after_in_child() -> None:
    # The child may give the number of a lost thread to a new thread.
    _forget(_work_of_others())
    try:
        while _held:
            _held.pop().after_fork_in_child()
    finally:
        _go_on()


def _go_on() -> None:
    # If a signal handler raised in `_before`, this thread may not hold one of these locks.
    for lock in (_watching, _gate):
        with suppress(RuntimeError):
            lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
