"""The herd: many callers meet one empty cache, or one refusal, at the same moment."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from genai_credentials import CredentialProvider

from . import peers
from .peers import Peer, Store
from .report import Group, Table

SIZES = (10, 100, 1_000, 10_000)
FETCH = 0.25
PATIENCE = 1.5
"""Seconds after which the store answers at once, so that callers who fetch one after another end today."""
LIMIT = 1.10


class Outcome(NamedTuple):
    """What a herd cost.

    Args:
        calls: How often the store was asked.
        wall: Seconds from the start signal until the last caller had its key.
        fetch: Seconds that the slowest call of the store took.
        stopped: Whether it would have taken longer still.
    """

    calls: int
    wall: float
    fetch: float
    stopped: bool

    def words(self) -> list[str]:
        """As cells of a table."""
        wall = f"over {self.wall:.1f} s" if self.stopped else f"{self.wall * 1e3:.0f} ms"
        return [f"{self.calls:,}", wall]


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("herd", "The herd", skipped=peers.missing())
    sizes = SIZES[:1] if smoke else SIZES
    _tasks_of_ours(2, "an empty cache")  # imports
    for occasion in ("an empty cache", "a refusal"):
        tables: dict[str, dict[int, Outcome]] = {"threads that wait for one Event (the floor)": {}}
        for size in sizes:
            tables["threads that wait for one Event (the floor)"][size] = _ideal(size)
        for peer in (peers.OURS, *peers.present()):
            tables[peer.name] = {size: _threads(peer, size, occasion) for size in sizes}
        tables["genai-credentials, asyncio tasks"] = {size: _tasks_of_ours(size, occasion) for size in sizes}
        _judge(group, occasion, tables)
    group.notes += [
        f"A call of the store takes {FETCH:g} s. Callers are threads, or tasks where it says so.",
        f"After {PATIENCE:g} s the store answers at once, to end the herds that fetch one after another.",
        "aws-secretsmanager-caching asks twice for each value, and sleeps 2.5 to 5 s before a forced refresh.",
        "The floor is a fetch that every caller waits for with threading.Event: what starting and waking so many "
        "threads costs by itself.",
    ]
    return group


def _judge(group: Group, occasion: str, tables: dict[str, dict[int, Outcome]]) -> None:
    for name, outcomes in tables.items():
        if not name.startswith("genai"):
            continue
        kind = "tasks" if "tasks" in name else "threads"
        most = max(outcome.calls for outcome in outcomes.values())
        group.reach(f"{occasion}, {max(outcomes):,} {kind}", "1 fetch", f"{most} at most", most == 1)
        for size, outcome in outcomes.items():
            if size <= 1_000:
                over = outcome.wall / outcome.fetch
                text = f"{over:.3f} x ({(outcome.wall - outcome.fetch) * 1e3:.0f} ms over)"
                group.reach(f"{occasion}, {size:,} {kind}", f"< {LIMIT:.2f} x one fetch", text, over < LIMIT)
    sizes = next(iter(tables.values()))
    heads = ["cache", *(head for size in sizes for head in (f"{size:,}: calls", "time"))]
    rows = [[name, *(cell for outcome in found.values() for cell in outcome.words())] for name, found in tables.items()]
    group.tables.append(Table(f"{occasion.capitalize()}: calls of the store, and time until the last has its key", heads, rows))
    group.series[occasion] = {
        name: {str(size): [outcome.calls, outcome.wall, outcome.stopped] for size, outcome in found.items()}
        for name, found in tables.items()
    }


def _threads(peer: Peer, size: int, occasion: str) -> Outcome:
    store = Store()
    reader = peer.make(store, 3600.0)
    if occasion == "an empty cache":
        call = reader.get
    else:
        reader.get()
        store.value, call = "AIzaSecond", reader.renew
    return _herd(store, call, size)


def _ideal(size: int) -> Outcome:
    store, ready, first = Store(), threading.Event(), threading.Lock()

    def call() -> None:
        if first.acquire(blocking=False):
            store.read()
            ready.set()
        ready.wait()

    return _herd(store, call, size)


def _herd(store: Store, call: Callable[[], Any], size: int) -> Outcome:
    go, done, errors = threading.Event(), threading.Semaphore(0), []
    ready = threading.Semaphore(0)

    def work() -> None:
        ready.release()
        go.wait()
        try:
            call()
        except Exception as error:
            errors.append(error)
        done.release()

    before = threading.stack_size(256 * 1024)
    workers = [threading.Thread(target=work, daemon=True) for _ in range(size)]
    for worker in workers:
        worker.start()
    threading.stack_size(before)
    for _ in workers:
        ready.acquire()
    time.sleep(0.02 + size * 2e-5)
    store.calls, store.longest, store.delay = 0, 0.0, FETCH
    return _finish(store, go, done, workers, errors)


def _finish(
    store: Store, go: threading.Event, done: threading.Semaphore, workers: list[threading.Thread], errors: list[Exception]
) -> Outcome:
    patience = threading.Timer(PATIENCE, store.stopped.set)
    patience.daemon = True
    patience.start()
    began = time.perf_counter()
    go.set()
    for _ in workers:
        done.acquire()
    wall = time.perf_counter() - began
    patience.cancel()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return Outcome(store.calls, wall, store.longest, store.stopped.is_set())


def _tasks_of_ours(size: int, occasion: str) -> Outcome:
    return asyncio.run(_herd_of_tasks(size, occasion))


async def _herd_of_tasks(size: int, occasion: str) -> Outcome:
    store = Store()
    credentials = CredentialProvider(store.read)
    call = credentials.aget
    if occasion != "an empty cache":
        old = await credentials.aget()
        store.value, call = "AIzaSecond", lambda: credentials.areject(old)  # type: ignore[assignment,return-value]
    store.calls, store.longest, store.delay = 0, 0.0, FETCH
    began = time.perf_counter()
    keys = await asyncio.gather(*(call() for _ in range(size)))
    wall = time.perf_counter() - began
    assert all(key is not None for key in keys)
    return Outcome(store.calls, wall, store.longest, stopped=False)
