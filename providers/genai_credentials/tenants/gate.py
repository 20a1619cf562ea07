"""`Gate`: how many fetches are under way for all tenants together; the others queue without a thread.

It takes no lock: whoever begins a fetch holds its engine's. Each step is one operation of a deque, which is atomic.
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
    """The calls that hang hold as many threads as they may."""

    problem = "it is not asked, since too many calls of tenants' stores hang"
    remedy = "Check the way to the stores; it is asked when some of those calls have ended."


class Lane:
    """Jobs of one kind that wait, and room for those that run."""

    def __init__(self, most: int) -> None:
        self.room = deque([True] * most)
        self.waiting: deque[Job[Any]] = deque()


class Gate(forks.Forkable):
    """Lets jobs begin, the trusted ones first; the doubtful ones get at most half of the room.

    Args:
        most: How many run at once.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.after_fork_in_child()
        forks.watch(self)

    def after_fork_in_child(self) -> None:
        """Forget the parent's jobs."""
        self._room = deque([True] * self.most)
        self.trusted, self.doubtful = Lane(self.most), Lane(max(1, self.most // 2))
        self._hanging: set[Engine] = set()

    @property
    def under_way(self) -> int:
        """How many run."""
        return self.most - len(self._room)

    def launch_fetch(self, job: Job[None], engine: Engine, lane: Lane) -> None:
        """Begin an engine's fetch, in the lane that it has while none of its calls hangs.

        Raises:
            NoThread: There is no thread for it.
        """
        # Noted before the next one begins.
        job.future.add_done_callback(lambda _: self._hanging.add(engine) if hanging(engine) else None)
        self.launch(job, self.doubtful if hanging(engine) else lane)

    def admit(self, engine: Engine) -> None:
        """Bound the threads of calls that hang, too: who adds to them gives way first.

        Raises:
            Crowded: There are too many.
        """
        if self._all_hanging() >= (self.most if hanging(engine) else 2 * self.most):
            raise Crowded(Crowded.problem)

    def _all_hanging(self) -> int:
        counts = {engine: hanging(engine) for engine in list(self._hanging)}
        self._hanging.difference_update([engine for engine, count in counts.items() if not count])
        return sum(counts.values())

    def launch(self, job: Job[Any], lane: Lane) -> None:
        """Begin a job, now or when there is room.

        Raises:
            NoThread: It needs a thread, and none could be started.
        """
        lane.waiting.append(job)
        try:
            self._begin()
        except NoThread:
            with suppress(ValueError):  # another thread has begun it
                lane.waiting.remove(job)
                raise

    def _begin(self) -> None:
        """Begin what there is room for."""
        again = True
        while again:
            again = False
            for lane in (self.trusted, self.doubtful):
                while lane.waiting and self._enter(lane):
                    try:
                        job = lane.waiting.popleft()
                    except IndexError:
                        self._leave(lane)
                        # Who came meanwhile, and found the room taken, has gone.
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
            # A worker at the end of its own job: it has a thread to lend.
            job.run()
        job.future.add_done_callback(lambda _: self._ended(lane))

    def _ended(self, lane: Lane) -> None:
        self._leave(lane)
        self._begin()
