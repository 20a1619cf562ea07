"""Same work, same process, alternating; medians, and the medians of ratios within one round."""

from __future__ import annotations

import asyncio
import gc
import statistics
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter, process_time
from typing import Any

Call = Callable[[], Any]


@contextmanager
def no_garbage() -> Iterator[None]:
    """Collect first, and not inside: as timeit does. What is there stays out of the next collection."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def loop(call: Call, times: int) -> float:
    """Seconds that `times` calls take."""
    numbers = range(times)
    began = perf_counter()
    for _ in numbers:
        call()
    return perf_counter() - began


async def aloop(call: Callable[[], Awaitable[Any]], times: int) -> float:
    """`loop` for what is awaited."""
    numbers = range(times)
    began = perf_counter()
    for _ in numbers:
        await call()
    return perf_counter() - began


def threaded(call: Call, times: int, threads: int) -> float:
    """Seconds until `threads` threads have made `times` calls in all."""
    gate = threading.Barrier(threads + 1)

    def work() -> None:
        gate.wait()
        loop(call, times // threads)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    gate.wait()
    began = perf_counter()
    for worker in workers:
        worker.join()
    return perf_counter() - began


def run_loop(call: Callable[[], Awaitable[Any]], times: int) -> float:
    """`aloop` on an event loop of its own."""
    return asyncio.run(aloop(call, times))


def times_for(call: Call, seconds: float, measure: Callable[[Any, int], float] = loop) -> int:
    """How many calls take about so many seconds."""
    times = 8
    while (took := measure(call, times)) < seconds / 8 and times < 10_000_000:
        times *= 4
    return max(8, int(times * seconds / max(took, 1e-9)))


def alternating(
    subjects: Mapping[str, Any], measure: Callable[[Any, int], float], *, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Seconds per call of each subject, one number a round; the order is turned round from one to the next.

    Args:
        subjects: What to call, by name.
        measure: Takes a subject and a number of calls, and says how long they took.
        rounds: How often each is measured; 1 makes one call of each.
        seconds: How long one measurement should take.
    """
    smoke = rounds == 1
    times = {name: 8 if smoke else times_for(call, seconds, measure) for name, call in subjects.items()}
    found: dict[str, list[float]] = {name: [] for name in subjects}
    with no_garbage():
        for number in range(rounds):
            for name in list(subjects) if number % 2 else list(subjects)[::-1]:
                found[name].append(measure(subjects[name], times[name]) / times[name])
    return found


def ratio(found: Mapping[str, list[float]], one: str, other: str) -> float:
    """The median over the rounds of one's time by the other's."""
    return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))


def median(numbers: list[float]) -> float:
    """The median, by the name that the groups import."""
    return statistics.median(numbers)


def spread(numbers: list[float]) -> float:
    """Half of the interquartile range by the median: how noisy this was."""
    if len(numbers) < 4:
        return 0.0
    low, middle, high = statistics.quantiles(numbers, n=4)
    return (high - low) / 2 / middle


class Cpu:
    """Wall and CPU seconds of this process inside a with statement, its threads included."""

    def __enter__(self) -> Cpu:
        self._wall, self._cpu = perf_counter(), process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = process_time() - self._cpu
        self.wall = perf_counter() - self._wall
