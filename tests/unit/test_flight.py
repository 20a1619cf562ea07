"""The news that a fetch ended: how it reaches threads, and the tasks of any number of event loops."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from genai_credentials.flight import Landing


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts the calls that reach it from other threads."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def call_soon_threadsafe(self, callback, *args, **options):
        self.calls += 1
        return super().call_soon_threadsafe(callback, *args, **options)


async def crowd(landing, size, ready):
    """So many tasks, all waiting when `ready` is told; how many came through."""
    tasks = [asyncio.create_task(landing.wait()) for _ in range(size)]
    await asyncio.sleep(0)
    ready.release()
    await asyncio.gather(*tasks)
    return size


def test_each_loop_is_called_once_however_many_of_its_tasks_wait():
    landing, ready = Landing(), threading.Semaphore(0)
    loops = [CountingLoop() for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        crowds = [threads.submit(loop.run_until_complete, crowd(landing, 200, ready)) for loop in loops]
        for _ in loops:
            assert ready.acquire(timeout=10)
        landing.set_result(None)
        assert [found.result(10) for found in crowds] == [200] * 3
    assert [loop.calls for loop in loops] == [1, 1, 1]
    for loop in loops:
        loop.close()


def test_a_task_that_gave_up_keeps_no_other_from_waking():
    async def scenario():
        landing = Landing()
        first, second = asyncio.create_task(landing.wait()), asyncio.create_task(landing.wait())
        await asyncio.sleep(0)
        first.cancel()
        landing.set_result(None)
        await second
        assert first.cancelled()

    asyncio.run(scenario())


def test_after_the_landing_nobody_waits():
    landing = Landing()
    landing.set_result(None)
    asyncio.run(landing.wait())
    assert landing.result(0) is None


def test_a_loop_that_was_closed_meanwhile_disturbs_no_other():
    landing, ready = Landing(), threading.Semaphore(0)
    gone = asyncio.new_event_loop()
    waiter = gone.create_task(landing.wait())
    gone.run_until_complete(asyncio.sleep(0))
    waiter.cancel()
    gone.run_until_complete(asyncio.gather(waiter, return_exceptions=True))
    gone.close()
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(asyncio.run, crowd(landing, 2, ready))
        assert ready.acquire(timeout=10)
        landing.set_result(None)
        assert found.result(10) == 2
