"""The client's side of the request benchmarks, in a process of its own: with aiohttp, or as if it weren't installed.

Usage: requests_worker with|without aiohttp, ROUNDS (0: requests one after another, to count connections and function
calls), and the URLs for the stock client, ours, and a second stock client that shows how much of a difference is noise
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
from pathlib import Path
from time import perf_counter
from typing import Any

from .timing import Cpu

KEY = "AIzaBenchmark"
MODEL = "gemini-2.5-flash"
PARALLEL = 64
MORE = 3
"""So many times the rounds for what isn't parallel: it takes a tenth of the time."""
SOCKETLESS = "sync, alone, without a socket"
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}}]}

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
        if not rounds:
            one_by_one = {mode: measure for mode, measure in modes.items() if "parallel" not in mode}
            counted = {name: clients[name] for name in ("stock", "ours")}
            calls = {
                mode: {name: _calls(measure, of) for name, of in counted.items()}
                for mode, measure in one_by_one.items()
            }
            print(json.dumps(calls))
            return
        found = {mode: _alternating(measure, clients, mode, rounds) for mode, measure in modes.items()}
        if aiohttp:
            found[SOCKETLESS] = _alternating(_sync, _socketless(), SOCKETLESS, rounds)
    print(json.dumps(found))


def _stock(url: str, **options: Any) -> Any:
    from google import genai

    return genai.Client(vertexai=False, api_key=KEY, http_options={"base_url": url, **options})


def _ours(url: str, **options: Any) -> Any:
    from genai_credentials import CredentialProvider

    credentials = CredentialProvider(lambda: KEY)
    credentials.get()
    return credentials.client(http_options={"base_url": url, **options})


def _socketless() -> dict[str, Any]:
    """The same clients on a transport that answers by itself: what is left is less, and so is the noise."""
    import httpx2

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=ANSWER)

    arguments = {"client_args": {"transport": httpx2.MockTransport(answer)}}
    url = "http://127.0.0.1:1"
    return {"stock": _stock(url, **arguments), "ours": _ours(url, **arguments), "again": _stock(url, **arguments)}


def _alternating(
    measure: Callable[[Any, int], Sample], clients: dict[str, Any], mode: str, rounds: int
) -> dict[str, list[Sample]]:
    parallel = "parallel" in mode
    n = (PARALLEL if parallel else 1) * (1 if rounds < 2 else 2 if parallel else 16)
    found: dict[str, list[Sample]] = {name: [] for name in clients}
    for client in clients.values():
        measure(client, n)  # warms up: imports, connections, the pydantic models
    gc.collect()
    gc.freeze()
    gc.disable()
    order = list(clients)
    for number in range(rounds if parallel else rounds * MORE):
        for name in order[number % 3 :] + order[: number % 3]:
            found[name].append(measure(clients[name], n))
            gc.collect()
    gc.enable()
    return found


def _calls(measure: Callable[[Any, int], Sample], client: Any) -> dict[str, float]:
    """Calls a request of each function, in this thread: the same each time, whatever else the machine does."""
    measure(client, 2)
    profile = cProfile.Profile()
    profile.enable()
    measure(client, PARALLEL)
    profile.disable()
    found: dict[str, float] = {}
    for (file, _, function), (_, calls, *_) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        name = function if file == "~" else f"{'/'.join(Path(file).parts[-2:])}: {function}"
        found[name] = found.get(name, 0.0) + calls / PARALLEL
    return found


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
