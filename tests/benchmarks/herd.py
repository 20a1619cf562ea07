"""The herd: many callers meet one empty cache, or one refusal, at the same moment."""

from __future__ import annotations

import asyncio
import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from genai_credentials import CredentialProvider

from . import peers
from .peers import Peer, Store
from .report import Group, Table

THREADS = (10, 100, 1_000)
TASKS = (10, 100, 1_000, 10_000)
FETCH = 0.25
PATIENCE = 0.75
"""Seconds after which the store answers at once, so that callers who fetch one after another end today."""
LIMIT = 1.10
AGAIN = 3
"""How often a herd of ours and of the floor's meets; the run with the median time is the one shown."""
OURS, IDEAL = "genai-credentials", "floor: all wait for one Event"
OCCASIONS = ("an empty cache", "a refusal")

Call = Callable[[], Any]


class Outcome(NamedTuple):
    """What a herd cost.

    Args:
        calls: How often the store was asked.
        wall: Seconds from the start signal until the last caller had its key.
        fetch: Seconds that the slowest call of the store took.
        stopped: Whether it would have taken longer still.
        first: Seconds from the end of the store's last call until the first caller had its key.
        middle: The same for the caller in the middle of the queue.
        last: The same for the last one.
        cpu: CPU seconds of the process.
        switches: How often one of its threads gave up its core, or lost it.
    """

    calls: int
    wall: float
    fetch: float
    stopped: bool
    first: float
    middle: float
    last: float
    cpu: float
    switches: int

    def words(self) -> list[str]:
        """As cells of a table."""
        wall = f"over {self.wall:.1f} s" if self.stopped else f"{self.wall * 1e3:.0f} ms"
        return [f"{self.calls:,}", wall]


Outcomes = dict[str, dict[int, Outcome]]


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("herd", "The herd", skipped=peers.missing())
    asyncio.run(_tasks(*_ours("a refusal"), 2))  # imports
    after: list[list[str]] = []
    for occasion in OCCASIONS:
        for kind, found in (
            ("threads", _in_threads(occasion, THREADS[:1] if smoke else THREADS)),
            ("tasks", _in_tasks(occasion, TASKS[:1] if smoke else TASKS)),
        ):
            _add(group, occasion, kind, found)
            after += _after(occasion, kind, found)
    group.tables.append(Table(_AFTER, [*_HEADS], after))
    group.notes += [
        f"A call of the store takes {FETCH:g} s. After {PATIENCE:g} s the store answers at once, because in some "
        'packages the callers fetch one after another. "Over" marks the time of such a run.',
        "Tasks call a package without an asynchronous side through asyncio.to_thread.",
        "aws-secretsmanager-caching asks twice for each value, and sleeps 2.5 to 5 s before a forced refresh. "
        "gcp-secretmanager-cache also asks twice. Its own thread fills an empty cache before the first caller asks.",
        "The floor is one fetch, for which all callers wait with one threading.Event (tasks: asyncio.Event). It shows "
        "the cost of starting and waking so many callers on this machine.",
    ]
    return group


_AFTER = "Time after the fetch, with as many callers as in the goals"
_HEADS = (
    "who waits",
    "first served after",
    "half served after",
    "all served after",
    "CPU time",
    "context switches per caller",
)


def _after(occasion: str, kind: str, found: Outcomes) -> Iterator[list[str]]:
    """The profile of the largest herd that has a Reach: what is left when the store has answered."""
    for name in (OURS, IDEAL):
        size = max(size for size in found[name] if size <= 1_000)
        of = found[name][size]
        served = (f"{seconds * 1e3:.0f} ms" for seconds in (of.first, of.middle, of.last, of.cpu))
        yield [f"{name}; {occasion}, {size:,} {kind}", *served, f"{of.switches / size:.1f}"]


def _in_threads(occasion: str, sizes: tuple[int, ...]) -> Outcomes:
    found: Outcomes = {IDEAL: {size: _typical(lambda size=size: _threads(*_ideal(), size)) for size in sizes}}
    found[OURS] = {size: _typical(lambda size=size: _threads(*_peer(peers.OURS, occasion), size)) for size in sizes}
    for peer in peers.present():
        found[peer.name] = {size: _threads(*_peer(peer, occasion), size) for size in _bearable(peer, occasion, sizes)}
    return found


def _in_tasks(occasion: str, sizes: tuple[int, ...]) -> Outcomes:
    found: Outcomes = {IDEAL: {size: _typical(lambda size=size: asyncio.run(_ideal_tasks(size))) for size in sizes}}
    found[OURS] = {size: _typical(lambda size=size: asyncio.run(_tasks(*_ours(occasion), size))) for size in sizes}
    for peer in peers.present():
        some = _bearable(peer, occasion, sizes)
        found[peer.name] = {size: asyncio.run(_tasks(*_off_loop(peer, occasion), size)) for size in some}
    return found


def _typical(meet: Callable[[], Outcome]) -> Outcome:
    """The run with the median time, of a few; but the most calls of any."""
    runs = sorted((meet() for _ in range(AGAIN)), key=lambda outcome: outcome.wall)
    return runs[AGAIN // 2]._replace(calls=max(outcome.calls for outcome in runs))


def _bearable(peer: Peer, occasion: str, sizes: tuple[int, ...]) -> tuple[int, ...]:
    return sizes[:1] if peer.naps and occasion == "a refusal" else sizes


def _add(group: Group, occasion: str, kind: str, found: Outcomes) -> None:
    ours, ideal = found[OURS], found[IDEAL]
    most = max(outcome.calls for outcome in ours.values())
    group.reach(f"{occasion}, up to {max(ours):,} {kind}", "1 fetch", f"{most} at most", most == 1)
    for size, outcome in ours.items():
        if size <= 1_000:
            over, least = outcome.wall / outcome.fetch, ideal[size].wall / ideal[size].fetch
            text = f"{over:.2f} x (+{(outcome.wall - outcome.fetch) * 1e3:.0f} ms; floor {least:.2f} x)"
            group.reach(f"{occasion}, {size:,} {kind}", f"< {LIMIT:.2f} x a fetch", text, over < LIMIT)
    heads = ["cache", *(head for size in ours for head in (f"{size:,}: calls", "time"))]
    rows = [[name, *(cell for size in ours for cell in _cells(of.get(size)))] for name, of in found.items()]
    group.tables.append(
        Table(
            f"{occasion.capitalize()}, {kind}: calls of the store, time until the last caller has its key",
            heads,
            rows,
        )
    )
    group.series[f"{occasion}, {kind}"] = {
        name: {str(size): [outcome.calls, outcome.wall, outcome.stopped] for size, outcome in of.items()}
        for name, of in found.items()
    }


def _cells(outcome: Outcome | None) -> list[str]:
    return ["not run", "-"] if outcome is None else outcome.words()


# Who calls what


def _peer(peer: Peer, occasion: str) -> tuple[Store, Call]:
    store = Store()
    reader = peer.make(store, 3600.0)
    if occasion == "an empty cache":
        return store, reader.get
    stale = reader.get()
    store.value = "AIzaSecond"
    return store, lambda: reader.renew(stale)


def _ideal() -> tuple[Store, Call]:
    store, ready, first = Store(), threading.Event(), threading.Lock()

    def call() -> None:
        if first.acquire(blocking=False):
            store.read()
            ready.set()
        ready.wait()

    return store, call


async def _ideal_tasks(size: int) -> Outcome:
    store, ready = Store(), asyncio.Event()
    asking: list[Any] = []

    async def call() -> None:
        if not asking:
            asking.append(None)
            await asyncio.to_thread(store.read)
            ready.set()
        await ready.wait()

    return await _tasks(store, call, size)


def _ours(occasion: str) -> tuple[Store, Call]:
    store = Store()
    credentials = CredentialProvider(store.read)
    if occasion == "an empty cache":
        return store, credentials.aget
    old = credentials.get()
    store.value = "AIzaSecond"
    return store, lambda: credentials.areject(old)


def _off_loop(peer: Peer, occasion: str) -> tuple[Store, Call]:
    store, call = _peer(peer, occasion)
    return store, lambda: asyncio.to_thread(call)


# The herds


def _threads(store: Store, call: Call, size: int) -> Outcome:
    go, ready = threading.Event(), threading.Semaphore(0)
    ended, errors = [0.0] * size, []

    def work(number: int) -> None:
        ready.release()
        go.wait()
        try:
            call()
        except Exception as error:
            errors.append(error)
        ended[number] = time.perf_counter()

    workers = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(size)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    with _patient(store):
        used, began = _used(), time.perf_counter()
        go.set()
        for worker in workers:
            worker.join()
    if errors:
        raise errors[0]
    return _outcome(store, began, ended, used)


async def _tasks(store: Store, call: Call, size: int) -> Outcome:
    ended = [0.0] * size

    async def work(number: int) -> None:
        await call()
        ended[number] = time.perf_counter()

    with _patient(store):
        used, began = _used(), time.perf_counter()
        await asyncio.gather(*(work(number) for number in range(size)))
    return _outcome(store, began, ended, used)


def _outcome(store: Store, began: float, ended: list[float], used: tuple[float, int]) -> Outcome:
    cpu, switches = (now - before for now, before in zip(_used(), used, strict=True))
    after = [at - store.ended for at in (min(ended), statistics.median(ended), max(ended))]
    stopped = store.stopped.is_set()
    return Outcome(store.calls, max(ended) - began, store.longest or FETCH, stopped, *after, cpu, int(switches))


def _used() -> tuple[float, int]:
    """CPU seconds and context switches of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, usage.ru_nvcsw + usage.ru_nivcsw


@contextmanager
def _patient(store: Store) -> Iterator[None]:
    """Make the store slow, and lose patience after a while."""
    store.calls, store.longest, store.ended, store.delay = 0, 0.0, 0.0, FETCH
    patience = threading.Timer(PATIENCE, store.stopped.set)
    patience.daemon = True
    patience.start()
    try:
        yield
    finally:
        patience.cancel()
