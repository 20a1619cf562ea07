"""The clients' side of the benchmarks of many keys, in a process of its own.

Usage: tenants_worker requests|calls|thin|full, the API's URL, and how many rounds or clients.
"""

from __future__ import annotations

import cProfile
import itertools
import json
import pstats
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cachetools

from .tenants import ANEW, EACH, FULL, KEY, LRU, ONE, OURS
from .timing import Cpu, no_garbage

MODEL = "gemini-2.5-flash"
NUMBER = 200
"""Tenants that take turns."""
REQUESTS = 10


def _full(url: str) -> Any:
    from google import genai

    return genai.Client(vertexai=False, api_key=KEY, http_options={"base_url": url})


def _thin(url: str, number: int) -> Any:
    from genai_credentials import CredentialProvider, Tenants

    return Tenants(lambda _: CredentialProvider(lambda: KEY), max_size=number).clients(http_options={"base_url": url})


def _subjects(url: str) -> dict[str, Callable[[], Any]]:
    """What gives the next tenant's client."""
    from genai_credentials import CredentialProvider

    names = itertools.cycle([f"tenant-{number}" for number in range(NUMBER)])
    one = CredentialProvider(lambda: KEY).client(http_options={"base_url": url})
    clients, kept = _thin(url, NUMBER), itertools.cycle([_full(url) for _ in range(20)])
    thin = itertools.cycle([clients[f"tenant-{number}"] for number in range(NUMBER)])
    few: Any = cachetools.LRUCache(100)

    def of_lru() -> Any:
        if (name := next(names)) not in few:
            few[name] = _full(url)
        return few[name]

    return {
        ONE: lambda: one,
        OURS: lambda: next(thin),
        ANEW: lambda: clients[next(names)],
        FULL: lambda: next(kept),
        LRU: of_lru,
        EACH: lambda: _full(url),
    }


def _ask(client_of: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        # By a name: a client without one closes itself at once.
        client = client_of()
        client.models.generate_content(model=MODEL, contents="Hello")


def _warm_up(subjects: dict[str, Callable[[], Any]]) -> None:
    for name, client_of in subjects.items():
        # Each tenant's first request fetches its key.
        _ask(client_of, NUMBER if name in (OURS, ANEW) else 20 if name in (ONE, FULL) else 1)


def requests(url: str, rounds: int) -> dict[str, list[float]]:
    """CPU seconds a request of each way, in turn."""
    subjects = _subjects(url)
    found: dict[str, list[float]] = {name: [] for name in subjects}
    _warm_up(subjects)
    with no_garbage():
        for _, (name, client_of) in itertools.product(range(rounds), subjects.items()):
            with Cpu() as used:
                _ask(client_of, REQUESTS)
            found[name].append(used.cpu / REQUESTS)
    return found


def calls(url: str, _: int) -> dict[str, float]:
    """Function calls a request of each way."""
    found = {}
    _warm_up(subjects := _subjects(url))
    for name, client_of in subjects.items():
        profile = cProfile.Profile()
        profile.runcall(_ask, client_of, REQUESTS)
        found[name] = pstats.Stats(profile).total_calls / REQUESTS  # type: ignore[attr-defined]
    return found


def thin(url: str, number: int) -> dict[str, float]:
    """What so many tenants with their thin clients take."""
    clients = _thin(url, number)
    _ask(lambda: clients["first"], 1)

    def make() -> list[Any]:
        made = [clients[f"tenant-{of}"] for of in range(number)]
        for client in made:
            client.models.generate_content(model=MODEL, contents="Hello")
        return made

    return _grown(make, number)


def full(url: str, number: int) -> dict[str, float]:
    """What so many full clients take."""
    _ask(lambda: _full(url), 1)

    def make() -> list[Any]:
        made = [_full(url) for _ in range(number)]
        for client in made:
            client.models.generate_content(model=MODEL, contents="Hello")
        return made

    return _grown(make, number)


def _grown(make: Callable[[], list[Any]], number: int) -> dict[str, float]:
    before = _memory()
    with Cpu() as used:
        made = make()
    return {"number": len(made), "mb": _memory() - before, "cpu": used.cpu}


def _memory() -> float:
    """MB that this process has in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]))))
