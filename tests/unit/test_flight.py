"""Tests of `Landing`: the end of a fetch wakes threads, and tasks in any number of event loops."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_credentials.flight import WOKEN_AT_ONCE, Landing
from genai_credentials.workers import run


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts the calls that reach it from other threads."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def call_soon_threadsafe(self, callback, *args, **options):
        self.calls += 1
        return super().call_soon_threadsafe(callback, *args, **options)


async def crowd(landing, size, ready):
    """Run `size` tasks; `ready` is called when all of them wait. Return the number of tasks that were woken."""
    tasks = [asyncio.create_task(landing.await_()) for _ in range(size)]
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
        landing.land()
        assert [found.result(10) for found in crowds] == [200] * 3
    assert [loop.calls for loop in loops] == [1, 1, 1]
    for loop in loops:
        loop.close()


def waits(landing, size):
    """Start that many threads, and return them when all of them wait."""
    threads = [threading.Thread(target=landing.wait, daemon=True) for _ in range(size)]
    for thread in threads:
        thread.start()
    while len(landing._threads) < size:
        threading.Event().wait(0.001)
    return threads


@pytest.mark.parametrize("size", [1, WOKEN_AT_ONCE, WOKEN_AT_ONCE + 1, 3 * WOKEN_AT_ONCE])
def test_each_thread_is_woken_however_many_wait(size):
    landing = Landing()
    threads = waits(landing, size)
    landing.land()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_a_thread_that_gave_up_keeps_no_other_from_waking():
    class Interrupted(BaseException):
        pass

    def interrupt(*_):
        raise Interrupted

    landing = Landing()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupted):
            landing.wait()
    finally:
        signal.signal(signal.SIGALRM, before)
    threads = waits(landing, 1 + WOKEN_AT_ONCE)[1:]
    landing.land()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_a_task_that_gave_up_keeps_no_other_from_waking():
    async def scenario():
        landing = Landing()
        first, second = asyncio.create_task(landing.await_()), asyncio.create_task(landing.await_())
        await asyncio.sleep(0)
        first.cancel()
        landing.land()
        await second
        assert first.cancelled()

    asyncio.run(scenario())


def test_after_the_landing_nobody_waits():
    landing = Landing()
    landing.land()
    asyncio.run(landing.await_())
    landing.wait()


def test_a_loop_that_was_closed_meanwhile_disturbs_no_other():
    landing, ready = Landing(), threading.Semaphore(0)
    gone = asyncio.new_event_loop()
    waiter = gone.create_task(landing.await_())
    gone.run_until_complete(asyncio.sleep(0))
    waiter.cancel()
    gone.run_until_complete(asyncio.gather(waiter, return_exceptions=True))
    gone.close()
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(asyncio.run, crowd(landing, 2, ready))
        assert ready.acquire(timeout=10)
        landing.land()
        assert found.result(10) == 2


def test_a_wait_ends_after_its_seconds():
    async def in_loop():
        await landing.await_(0.05)

    landing = Landing()
    # Of daemons: one that hangs is to fail the test, not to hold it up.
    for wait in (lambda: landing.wait(0.05), lambda: asyncio.run(in_loop())):
        run(wait, "waiting").result(10)
    assert not landing.landed
