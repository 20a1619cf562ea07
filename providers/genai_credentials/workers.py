"""Daemon threads for work that must not block its caller: they rest between two jobs, and never end.

A thread that ends runs OpenSSL's clean-up, which holds a lock for an instant: half of the forks under load that met one
hung the child's first TLS context. A thread that rests holds nothing.
"""

from __future__ import annotations

# Imported while a fork waits, it would let go of a lock after that fork which it had not taken before it.
import concurrent.futures.thread  # noqa: F401
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from genai_credentials import forks

T = TypeVar("T")

RESTING = "genai-credentials"
"""The name of a thread without a job."""


class NoThread(RuntimeError):
    """No thread could be started: the process has all it may have, or the interpreter shuts down."""

    problem = "no thread could be started for the fetch"
    remedy = "It has all threads it may have, or shuts down, or this subinterpreter has no daemon threads."


class Job(Generic[T]):
    """Work for a worker, and what comes of it.

    Its future is running from the start, so that cancelling one waiter cannot cancel it for the others.

    Args:
        work: What is to be done.
        name: The name of the thread meanwhile.
        context: The context that the work is done in; None means an empty one.
    """

    def __init__(self, work: Callable[[], T], name: str, context: Context | None = None) -> None:
        self.future: Future[T] = Future()
        self.future.set_running_or_notify_cancel()
        self._work: Callable[[], T] | None = work
        self._name = name
        self._context = context or Context()
        # Who waits for it holds up a fork: so it must not wait for that fork in turn.
        self._within = forks.is_at_work()
        self._at_work: forks.Work | None = None

    def run(self) -> None:
        """Do the work; called by a worker."""
        work, self._work = self._work, None
        if work is None:
            return
        threading.current_thread().name = self._name
        self._at_work = forks.at_work(forks.LONGEST_WAIT_FOR_A_CALL, within=self._within)
        with self._at_work:
            try:
                result = self._context.run(work)
            except BaseException as error:
                # Also SystemExit and friends: a waiter must never be left waiting.
                self.future.set_exception(error)
            else:
                self.future.set_result(result)

    def abandon(self) -> None:
        """Let no fork wait for it any more."""
        if self._at_work is not None:
            forks.abandon(self._at_work)


class _Worker:
    """A thread, and what is handed to it."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job[Any]] = SimpleQueue()

    def run(self) -> None:
        while True:
            job = self.jobs.get()
            job.run()
            # What it holds must not live until the next one.
            del job
            threading.current_thread().name = RESTING
            _rest.workers.append(self)


class _Rest(forks.Forkable):
    """The workers without a job; in a forked child there is none."""

    def __init__(self) -> None:
        self.workers: list[_Worker] = []
        forks.watch(self)

    def after_fork_in_child(self) -> None:
        """Forget the parent's."""
        self.workers.clear()


_rest = _Rest()


def submit(job: Job[T]) -> Future[T]:
    """Hand a job to a worker that rests, or to a new one.

    Raises:
        NoThread: It needs a thread, and none could be started.
    """
    try:
        worker = _rest.workers.pop()
    except IndexError:
        worker = _started()
    worker.jobs.put(job)
    return job.future


def _started() -> _Worker:
    worker = _Worker()
    try:
        threading.Thread(target=worker.run, name=RESTING, daemon=True).start()
    except RuntimeError as error:
        # Others are of a signal's handler that raised inside `start`: then the thread runs, and rests for good.
        if "thread" not in str(error):
            raise
        raise NoThread(str(error)) from None
    return worker


def run(work: Callable[[], T], name: str) -> Future[T]:
    """`submit()` in an empty context; the future holds the error where no thread could be started."""
    job = Job(work, name)
    try:
        return submit(job)
    except NoThread as error:
        job.future.set_exception(error)
        return job.future
