"""The client's side of the request benchmarks, in a process of its own: with aiohttp, or as if it weren't installed.

Usage: requests_worker with|without aiohttp, ROUNDS (0: a few requests one after another, to count the connections),
and the URLs for the stock client, ours, and a second stock client that shows how much of a difference is noise
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import json
import pstats
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from .timing import Cpu

KEY = "AIzaBenchmark"
MODEL = "gemini-2.5-flash"
PARALLEL = 64

Sample = tuple[float, float, float]
"""CPU seconds a request, wall seconds a request, seconds to the first chunk (0 when there are no chunks)."""


def main() -> None:
    """Measure, and print the samples as JSON."""
    aiohttp, rounds, (stock_url, our_url, again_url) = sys.argv[1] == "with", int(sys.argv[2]), sys.argv[3:]
    if not aiohttp:
        sys.modules["aiohttp"] = None  # type: ignore[assignment]
    clients = {"stock": _stock(stock_url), "ours": _ours(our_url), "again": _stock(again_url)}
    with asyncio.Runner() as runner, ThreadPoolExecutor(PARALLEL) as pool:
        modes: dict[str, Callable[[Any, int], Sample]] = {
            "async, alone": lambda client, n: runner.run(_asynchronous(client, n, 1)),
            f"async, {PARALLEL} parallel": lambda client, n: runner.run(_asynchronous(client, n, PARALLEL)),
            "async stream": lambda client, n: runner.run(_astreams(client, n)),
        }
        if aiohttp:  # it makes no difference to these
            modes = {
                "sync, alone": _sync,
                f"sync, {PARALLEL} parallel": lambda client, n: _pooled(client, n, pool),
                "sync stream": _streams,
            } | modes
        modes = {mode: measure for mode, measure in modes.items() if rounds or "parallel" not in mode}
        found = {mode: _alternating(measure, clients, mode, rounds) for mode, measure in modes.items()}
        calls = {
            mode: {name: _calls(modes[mode], clients[name]) for name in ("stock", "ours")} for mode in modes if rounds
        }
    print(json.dumps([found, calls]))


def _stock(url: str) -> Any:
    from google import genai

    return genai.Client(vertexai=False, api_key=KEY, http_options={"base_url": url})


def _ours(url: str) -> Any:
    from genai_credentials import CredentialProvider

    credentials = CredentialProvider(lambda: KEY)
    credentials.get()
    return credentials.client(http_options={"base_url": url})


def _alternating(
    measure: Callable[[Any, int], Sample], clients: dict[str, Any], mode: str, rounds: int
) -> dict[str, list[Sample]]:
    n = (PARALLEL if "parallel" in mode else 1) * (1 if rounds < 2 else 2 if "parallel" in mode else 16)
    found: dict[str, list[Sample]] = {name: [] for name in clients}
    for client in clients.values():
        measure(client, n)  # warms up: imports, connections, the pydantic models
    gc.collect()
    gc.freeze()
    gc.disable()
    order = list(clients)
    for number in range(rounds):
        for name in order[number % 3 :] + order[: number % 3]:
            found[name].append(measure(clients[name], n))
            gc.collect()
    gc.enable()
    return found


def _calls(measure: Callable[[Any, int], Sample], client: Any) -> float:
    """Calls of functions a request, in this thread: the same each time, whatever else the machine does."""
    profile = cProfile.Profile()
    profile.enable()
    measure(client, PARALLEL)
    profile.disable()
    total: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    return total / PARALLEL


def _sample(used: Cpu, n: int, first: float = 0.0) -> Sample:
    return used.cpu / n, used.wall / n, first / n


def _ask(client: Any) -> None:
    client.models.generate_content(model=MODEL, contents="Hello")


async def _aask(client: Any) -> None:
    await client.aio.models.generate_content(model=MODEL, contents="Hello")


def _sync(client: Any, n: int) -> Sample:
    with Cpu() as used:
        for _ in range(n):
            _ask(client)
    return _sample(used, n)


def _pooled(client: Any, n: int, pool: ThreadPoolExecutor) -> Sample:
    with Cpu() as used:
        for done in [pool.submit(_ask, client) for _ in range(n)]:
            done.result()
    return _sample(used, n)


def _streams(client: Any, n: int) -> Sample:
    first = 0.0
    with Cpu() as used:
        for _ in range(n):
            began = perf_counter()
            chunks = iter(client.models.generate_content_stream(model=MODEL, contents="Hello"))
            next(chunks)
            first += perf_counter() - began
            for _ in chunks:
                pass
    return _sample(used, n, first)


async def _asynchronous(client: Any, n: int, parallel: int) -> Sample:
    with Cpu() as used:
        for _ in range(n // parallel):
            await asyncio.gather(*(_aask(client) for _ in range(parallel)))
    return _sample(used, n)


async def _astreams(client: Any, n: int) -> Sample:
    first = 0.0
    with Cpu() as used:
        for _ in range(n):
            began = perf_counter()
            chunks = await client.aio.models.generate_content_stream(model=MODEL, contents="Hello")
            await anext(chunks)
            first += perf_counter() - began
            async for _ in chunks:
                pass
    return _sample(used, n, first)


if __name__ == "__main__":
    main()
