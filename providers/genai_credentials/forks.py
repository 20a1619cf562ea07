"""What a forked child must not inherit: the parent's connections, locks and running calls.

Children that share one keep-alive connection were seen to read each other's secrets, and each other's answers of the
API; an inherited gRPC channel hung for good. So no connection outlives a fork. And a fork that finds another thread in
the middle of an import, of a TLS context or of a call leaves its locks taken in the child, for good. So a fork waits
until such work is at rest, for a bounded time. The hooks are registered once, and cost nothing until then.
"""

from __future__ import annotations

# Its hooks come before ours, and so a fork runs them after ours: held while a fork waits for work under way, its lock
# would keep that work from handing anything to an executor.
import concurrent.futures.thread  # noqa: F401
import logging
import os
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

LONGEST_WAIT = 120.0
"""Seconds that a fork waits for an import or for a client that is made: it ends by itself, but with twenty processes at
each core it took a minute; and a child that is born meanwhile hangs for good."""

LONGEST_WAIT_FOR_A_CALL = 5.0
"""Seconds that forks wait for a call, which may hang: all of them together."""

LOOK_EVERY = 0.001
"""Seconds between two looks at it."""


class Forkable:
    """Something with state that a child of a fork must drop; a fork finds it whole, since it is held meanwhile."""

    def before_fork(self) -> bool:
        """Hold it, without waiting. Returns whether it is held; here there is nothing to hold."""
        return True

    def after_fork_in_parent(self) -> None:
        """Let go of it."""

    def after_fork_in_child(self) -> None:
        """Drop what is the parent's."""


_watched: weakref.WeakSet[Forkable | Lock] = weakref.WeakSet()
_held: list[Forkable | _Held] = []
# Reentrant, for signals' handlers. Nobody waits for anything else while holding it.
_watching = threading.RLock()


def watch(thing: Forkable | Lock) -> None:
    """Tell `thing` of each fork from now on, as long as it lives."""
    with _watching:
        _watched.add(thing)


class _Held(type(threading.RLock())):  # type: ignore[misc]
    """A lock that C takes and gives back: a signal's handler that raises cannot keep a `with` from giving it back."""

    if TYPE_CHECKING:

        def _is_owned(self) -> bool: ...

    def before_fork(self) -> bool:
        """Take it if it is free, so that no child inherits half a change. Returns whether it was."""
        return bool(self.acquire(blocking=False))

    def after_fork_in_parent(self) -> None:
        """Give it back."""
        self.release()

    def after_fork_in_child(self) -> None:
        """Give it back too: the thread that took it is the one that goes on in the child."""
        self.release()


class Lock(_Held):
    """A lock that a fork waits for, and that is free in the child; reentrant, for a signal's handler that takes it."""

    def __init__(self) -> None:
        # gevent's patch puts a class of Python in place of the one in C; it has a state of its own.
        super().__init__()
        watch(self)


class Work(_Held):
    """One piece of work that a fork waits for; it is under way while this is taken."""

    def __init__(self, longest: float, within: bool) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.within = within
        # Not of each fork: a server that forks ten workers must not wait ten times for one call that hangs.
        self.seconds_left = longest
        self.be_waited_for()

    def be_waited_for(self) -> None:
        """Let forks wait for it, as long as it lives."""
        # Adding is one step in C, and so is dropping: no interrupt can leave it behind.
        _at_work.add(weakref.ref(self, _at_work.discard))

    def is_over(self) -> bool:
        """Whether a fork may go on; work that is about to begin is kept from it until the fork is over."""
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
# Held from before a fork until it is over, so that meanwhile no work begins, and no other fork. Reentrant, as above.
_gate = threading.RLock()


def at_work(longest: float = LONGEST_WAIT, *, within: bool = False) -> Work:
    """For the `with` block of an import, of a client that is made, or of a call: forks wait until it is over.

    Args:
        longest: Seconds that forks wait for it, all of them together.
        within: Whether other work waits for this, so that it must go on although a fork waits.
    """
    mine = _work_of(threading.get_ident())
    begun = [work for work in mine if work._is_owned()]
    # An interrupt kept the others from beginning, and whoever keeps its traceback keeps them.
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
    """Whether this thread is inside of an `at_work` block."""
    return any(work._is_owned() for work in _work_of(threading.get_ident()))


def abandon(work: Work) -> None:
    """Let no fork wait for this any more: it hangs."""
    _forget(_work_of(work.thread))


def stand_aside() -> None:
    """Let no fork wait for the rest of what this thread does: it calls code that isn't ours, and may take long."""
    _forget(_work_of(threading.get_ident()))


def _forget(works: list[Work]) -> None:
    _at_work.difference_update(map(weakref.ref, works))


def _rest() -> None:
    """Wait until the work of all other threads is over, for each as long as it is worth."""
    while others := [work for work in _work_of_others() if not work.is_over()]:
        began = time.monotonic()
        time.sleep(LOOK_EVERY)
        for work in others:
            work.seconds_left -= time.monotonic() - began


def _before() -> None:
    # An interrupt may have left logging's own lock taken: then a fork waits for it here, with nothing in its hands.
    logging.getLogger(__name__)
    mine = _work_of(threading.get_ident())
    # Another thread's fork must not wait for one that waits for it.
    _forget(mine)
    _gate.acquire()
    for work in mine:
        work.be_waited_for()
    _rest()
    _hold_all()
    # Last, since work that a fork waits for makes things that are watched.
    _watching.acquire()


def _hold_all() -> None:
    """Hold all that is watched at once: a fork that waits for one thing with another in its hands may wait for good."""
    kept, give_up = len(_held), time.monotonic() + LONGEST_WAIT
    while not _hold_each() and time.monotonic() < give_up:
        _let_go(kept)
        time.sleep(LOOK_EVERY)


def _hold_each() -> bool:
    """Hold what can be held; whether that is all."""
    with _watching:
        watched = list(_watched)
    held = [thing for thing in watched if thing.before_fork()]
    _held.extend(held)
    return len(held) == len(watched)


def _let_go(but: int = 0) -> None:
    """Let go of what is held, but for the first ones."""
    while len(_held) > but:
        _held.pop().after_fork_in_parent()


def _after_in_parent() -> None:
    try:
        _let_go()
    finally:
        _go_on()


def _after_in_child() -> None:
    # Numbers of threads are used again.
    _forget(_work_of_others())
    try:
        while _held:
            _held.pop().after_fork_in_child()
    finally:
        _go_on()


def _go_on() -> None:
    # A signal's handler that raised in `_before` may have left either of them free.
    for lock in (_watching, _gate):
        with suppress(RuntimeError):
            lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
