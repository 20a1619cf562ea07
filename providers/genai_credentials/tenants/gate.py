"""`Gate`: bounds how many fetches run for all tenants together. Further fetches wait in a queue, without a thread.

It takes no lock, because the caller that begins a fetch holds its engine's lock. Each step is one operation of a deque,
and these operations are atomic.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Any

from genai_credentials import forks
from genai_credentials.engine import Engine
from genai_credentials.workers import Job, NoThread, submit


def hanging(engine: Engine) -> int:
    """How many calls of an engine's stores hang."""
    return sum(link.abandoned for link in engine.links)


class Crowded(NoThread):
    """Calls that hang occupy as many threads as they may."""

    problem = "its store is not asked, because too many calls of tenants' stores hang"
    remedy = "Check the connection to the stores. The store is asked again when some of those calls have ended."


class Lane:
    """A queue for jobs of one kind, and the free places for running jobs."""

    def __init__(self, most: int) -> None:
        self.room = deque([True] * most)
        self.waiting: deque[Job[Any]] = deque()


class Gate(forks.Forkable):
    """Starts jobs, those of the trusted lane first. Jobs of the doubtful lane get at most half of the places.

    Args:
        most: How many jobs run at once.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.after_fork_in_child()
        forks.watch(self)

    def after_fork_in_child(self) -> None:
        """Drop the jobs of the parent process."""
        self._room = deque([True] * self.most)
        self.trusted, self.doubtful = Lane(self.most), Lane(max(1, self.most // 2))
        self._hanging: set[Engine] = set()

    @property
    def under_way(self) -> int:
        """How many jobs run."""
        return self.most - len(self._room)

    def launch_fetch(self, job: Job[None], engine: Engine, lane: Lane) -> None:
        """Begin the fetch of an engine.

        Args:
            job: The fetch.
            engine: The engine.
            lane: The engine's lane while none of its calls hangs. An engine with a call that hangs gets the doubtful
                lane.

        Raises:
            NoThread: No thread could be started for the fetch.
        """
        # The engine is noted before the next job begins.
        job.future.add_done_callback(lambda _: self._hanging.add(engine) if hanging(engine) else None)
        self.launch(job, self.doubtful if hanging(engine) else lane)

    def admit(self, engine: Engine) -> None:
        """Bound the number of threads of calls that hang. An engine with a call that hangs has the lower bound.

        Args:
            engine: The engine that asks.

        Raises:
            Crowded: Too many calls hang.
        """
        if self._all_hanging() >= (self.most if hanging(engine) else 2 * self.most):
            raise Crowded(Crowded.problem)

    def _all_hanging(self) -> int:
        counts = {engine: hanging(engine) for engine in list(self._hanging)}
        self._hanging.difference_update([engine for engine, count in counts.items() if not count])
        return sum(counts.values())

    def launch(self, job: Job[Any], lane: Lane) -> None:
        """Begin a job now, or when a place is free.

        Args:
            job: The job.
            lane: The lane of the job.

        Raises:
            NoThread: No thread could be started for the job.
        """
        lane.waiting.append(job)
        try:
            self._begin()
        except NoThread:
            with suppress(ValueError):  # another thread has begun it
                lane.waiting.remove(job)
                raise

    def _begin(self) -> None:
        """Begin the waiting jobs for which there are free places."""
        again = True
        while again:
            again = False
            for lane in (self.trusted, self.doubtful):
                while lane.waiting and self._enter(lane):
                    try:
                        job = lane.waiting.popleft()
                    except IndexError:
                        self._leave(lane)
                        # Another thread may have found no free place in the meantime and left its job in the queue.
                        again = True
                    else:
                        self._start(job, lane)

    def _enter(self, lane: Lane) -> bool:
        try:
            lane.room.pop()
        except IndexError:
            return False
        try:
            self._room.pop()
        except IndexError:
            lane.room.append(True)
            return False
        return True

    def _leave(self, lane: Lane) -> None:
        lane.room.append(True)
        self._room.append(True)

    def _start(self, job: Job[Any], lane: Lane) -> None:
        try:
            submit(job)
        except NoThread:
            if not forks.is_at_work():
                self._leave(lane)
                lane.waiting.appendleft(job)
                raise
            # This thread is a worker at the end of its own job, so it can run the next job itself.
            job.run()
        job.future.add_done_callback(lambda _: self._ended(lane))

    def _ended(self, lane: Lane) -> None:
        self._leave(lane)
        self._begin()
