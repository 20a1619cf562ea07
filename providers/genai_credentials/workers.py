"""Daemon threads for work that must not block its caller. They are idle between two jobs, and never end.

A thread that ends runs the clean-up of OpenSSL, which holds a lock for a moment. Half of the forks at such a moment
made the first TLS context of the child hang. An idle thread holds no lock.
"""

from __future__ import annotations

# Imported early: if it were imported while a fork waits, its hook after the fork would release a lock that its hook
# before the fork had not taken.
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
    """No thread could be started: the process is at its limit of threads, or the interpreter shuts down."""

    problem = "no thread could be started for the fetch"
    remedy = "Raise the limit of threads. No thread starts at shutdown or in a subinterpreter without daemon threads."


class Job(Generic[T]):
    """Work for a worker thread, with a future for its result.

    The future counts as running from the start. So a waiter that is cancelled cannot cancel it for the other waiters.

    Args:
        work: The function to call.
        name: The name of the thread during the work.
        context: The context in which the function is called; None means an empty context.
    """

    def __init__(self, work: Callable[[], T], name: str, context: Context | None = None) -> None:
        self.future: Future[T] = Future()
        self.future.set_running_or_notify_cancel()
        self._work: Callable[[], T] | None = work
        self._name = name
        self._context = context or Context()
        # If the caller's work holds up a fork and waits for this job, the job must not wait for that fork.
        self._within = forks.is_at_work()
        self._at_work: forks.Work | None = None

    def run(self) -> None:
        """Do the work. A worker thread calls this method."""
        work, self._work = self._work, None
        if work is None:
            return
        threading.current_thread().name = self._name
        self._at_work = forks.at_work(forks.LONGEST_WAIT_FOR_A_CALL, within=self._within)
        with self._at_work:
            try:
                result = self._context.run(work)
            except BaseException as error:
                # Also SystemExit and KeyboardInterrupt: a waiter must never wait for ever.
                self.future.set_exception(error)
            else:
                self.future.set_result(result)

    def abandon(self) -> None:
        """Stop forks from waiting for this job."""
        if self._at_work is not None:
            forks.abandon(self._at_work)


class _Worker:
    """A thread with a queue of jobs."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job[Any]] = SimpleQueue()

    def run(self) -> None:
        while True:
            job = self.jobs.get()
            job.run()
            # The job's result must not be kept alive until the next job.
            del job
            threading.current_thread().name = RESTING
            _rest.workers.append(self)


class _Rest(forks.Forkable):
    """The idle workers. In a forked child there is none."""

    def __init__(self) -> None:
        self.workers: list[_Worker] = []
        forks.watch(self)

    def after_fork_in_child(self) -> None:
        """Forget the workers of the parent."""
        self.workers.clear()


_rest = _Rest()


def submit(job: Job[T]) -> Future[T]:
    """Give a job to an idle worker, or to a new one. Return the future of its result.

    Raises:
        NoThread: No worker is idle, and no thread could be started.
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
        # Another RuntimeError comes from a signal handler during `start`. Then the thread runs, and stays idle.
        if "thread" not in str(error):
            raise
        raise NoThread(str(error)) from None
    return worker


def run(work: Callable[[], T], name: str) -> Future[T]:
    """Give work to a worker, in an empty context. If no thread could be started, the future holds the error.

    Args:
        work: The function to call.
        name: The name of the thread during the work.
    """
    job = Job(work, name)
    try:
        return submit(job)
    except NoThread as error:
        job.future.set_exception(error)
        return job.future
