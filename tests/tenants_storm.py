"""Many tenants at once while their keys rotate and stores are down: `python -m tests.tenants_storm --requests 100000`.

200 tenants in 150 places, so that providers come and go all the time. Every few milliseconds one tenant gets another
key, and the old one is revoked at once. The stores of ten tenants are down: five refuse, five hang. Threads and two
event loops send plain requests, streams, uploads and Live turns, each under a name of its own that the API sees:

- wrong: a request arrived with a key of another tenant;
- lost: it failed, although its tenant's store could serve. A request is sent three times at most, and first with a key
  that may be stale: one that saw its tenant's key change twice meanwhile is counted apart, as outrun;
- twice: it was served twice.

The exit code is 1 if there was one of these.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.genai import types

from genai_credentials import CredentialProvider, CredentialsError, FetchFailed, Tenants
from genai_credentials.testing import FakeGemini

TENANTS, PLACES, DOWN, THREADS, TASKS = 200, 150, 10, 8, 24
MODEL = "gemini-2.5-flash"
SYNC = ("generate", "generate", "generate", "stream", "late stream", "upload")
ASYNC = ("generate", "generate", "stream", "late coroutine")


class World:
    """The APIs, plain and over TLS, and the tenants' stores."""

    def __init__(self, api: FakeGemini, live: FakeGemini) -> None:
        self.apis = api, live
        self.names = [f"tenant-{number}" for number in range(TENANTS)]
        self.numbers = dict.fromkeys(self.names, 0)
        self.made = 0
        self.over = threading.Event()
        for name in self.names:
            self.rotate(name)

    def rotate(self, name: str) -> None:
        number = self.numbers[name] + 1
        for api in self.apis:
            api.accept(f"{name}.{number}")
        self.numbers[name] = number
        for api in self.apis:
            api.revoke(f"{name}.{number - 1}")

    def down(self, name: str) -> bool:
        return name in self.names[:DOWN]

    def factory(self, name: str) -> CredentialProvider:
        self.made += 1

        def fetch() -> str:
            if self.down(name):
                if name in self.names[: DOWN // 2]:
                    self.over.wait(5)
                raise FetchFailed("the store is down")
            return f"{name}.{self.numbers[name]}"

        # The others' is long enough for a machine that is busy.
        return CredentialProvider(fetch, min_refresh_interval=0.02, fetch_timeout=1.0 if self.down(name) else 30.0)

    def turn(self) -> None:
        dice = random.Random(1)
        while not self.over.wait(0.004):
            self.rotate(dice.choice(self.names[DOWN:]))


class Tally:
    """What became of each request."""

    def __init__(self, world: World) -> None:
        self.world, self.counts = world, Counter[str]()
        self.lost: list[str] = []
        self._nonces = itertools.count()

    def begin(self, name: str) -> tuple[str, int, dict[str, Any]]:
        nonce = f"{name}/{next(self._nonces)}"
        return nonce, self.world.numbers[name], {"http_options": {"headers": {"x-of": nonce}}}

    def end(self, nonce: str, number: int, kind: str, error: Exception | None = None) -> None:
        name = nonce.partition("/")[0]
        self.counts[kind] += 1
        if error is None:
            return
        if self.world.down(name) and isinstance(error, CredentialsError):
            self.counts["refused, since the store is down"] += 1
        elif self.world.numbers[name] - number >= 2:
            self.counts["outrun"] += 1
        else:
            self.lost.append(f"{kind} of {nonce}: {type(error).__name__} {str(error)[:200]}")


def sync_worker(clients: Any, tally: Tally, seed: int, n: int) -> None:
    dice = random.Random(seed)
    late: tuple[str, int, Any] | None = None
    for _ in range(n):
        name, kind = dice.choice(tally.world.names), dice.choice(SYNC)
        nonce, number, config = tally.begin(name)
        try:
            client = clients[name]
            if kind == "generate":
                client.models.generate_content(model=MODEL, contents="hi", config=config)
            elif kind == "upload":
                config["mime_type"] = "text/plain"
                client.files.upload(file=io.BytesIO(b"abc"), config=types.UploadFileConfig(**config))
            else:
                stream = client.models.generate_content_stream(model=MODEL, contents="hi", config=config)
                if kind == "late stream":
                    # Read amid the next round, under another tenant.
                    late, (nonce, number, stream) = (nonce, tally.world.numbers[name], stream), late or ("", 0, ())
                list(stream)
        except Exception as error:
            if nonce:
                tally.end(nonce, number, kind, error)
        else:
            if nonce:
                tally.end(nonce, number, kind)
    if late and late[0]:
        try:
            list(late[2])
        except Exception as error:
            tally.end(late[0], late[1], "late stream", error)
        else:
            tally.end(late[0], late[1], "late stream")


async def async_worker(clients: Any, tally: Tally, seed: int, n: int) -> None:
    dice = random.Random(seed)
    for _ in range(n):
        name, kind = dice.choice(tally.world.names), dice.choice(ASYNC)
        nonce, number, config = tally.begin(name)
        try:
            models = clients[name].aio.models
            if kind == "stream":
                stream = await models.generate_content_stream(model=MODEL, contents="hi", config=config)
                _ = [chunk async for chunk in stream]
            else:
                made = models.generate_content(model=MODEL, contents="hi", config=config)
                if kind == "late coroutine":
                    await asyncio.sleep(0.002)
                await made
        except Exception as error:
            tally.end(nonce, number, f"async {kind}", error)
        else:
            tally.end(nonce, number, f"async {kind}")


async def live_worker(clients: Any, tally: Tally, seed: int, n: int) -> None:
    dice = random.Random(seed)
    for _ in range(n):
        name = dice.choice(tally.world.names)
        nonce, number, config = tally.begin(name)
        try:
            async with clients[name].aio.live.connect(model=MODEL, config=config) as session:
                await session.send_client_content(turns={"role": "user", "parts": [{"text": "hi"}]})
                _ = [message async for message in session.receive()]
        except Exception as error:
            tally.end(nonce, number, "live", error)
        else:
            tally.end(nonce, number, "live")


def loop(clients: Any, worker: Any, tally: Tally, seed: int, tasks: int, n: int) -> None:
    async def main() -> None:
        await asyncio.gather(*(worker(clients, tally, seed + task, n // tasks) for task in range(tasks)))

    asyncio.run(main())


def judged(apis: tuple[FakeGemini, ...]) -> tuple[int, int, int, int]:
    """Requests with a key, refusals, wrong ones, and those that were served twice."""
    wrong = refused = arrived = 0
    served: Counter[str] = Counter()
    for api in apis:
        for request in api.requests:
            of = request.header("x-of")
            if request.key is None or of is None:
                continue
            arrived += 1
            refused += request.status == 400
            wrong += request.key.partition(".")[0] != of.partition("/")[0]
            served[of] += request.status in (200, 101)
    return arrived, refused, wrong, sum(count > 1 for count in served.values())


def run(requests: int) -> dict[str, Any]:
    """The storm, and what came of it."""
    with FakeGemini() as api, FakeGemini(tls=True) as live:
        os.environ["SSL_CERT_FILE"] = str(live.ca_file)
        world = World(api, live)
        tally = Tally(world)
        turning = threading.Thread(target=world.turn, daemon=True)
        turning.start()
        began = time.monotonic()
        with Tenants(world.factory, max_size=PLACES) as tenants:
            clients = tenants.clients(http_options={"base_url": api.base_url})
            for_live = tenants.clients(http_options={"base_url": live.base_url})
            share = requests // 100
            with ThreadPoolExecutor(THREADS + 3) as pool:
                done = [pool.submit(sync_worker, clients, tally, i, share * 60 // THREADS) for i in range(THREADS)]
                done += [
                    pool.submit(loop, clients, async_worker, tally, seed, TASKS, share * 19) for seed in (100, 150)
                ]
                done.append(pool.submit(loop, for_live, live_worker, tally, 300, 4, share * 2))
                most = 0
                while not all(future.done() for future in done):
                    most = max(most, threading.active_count())
                    time.sleep(0.05)
                for future in done:
                    future.result()
            clients.close()
        world.over.set()
        turning.join()
        arrived, refused, wrong, twice = judged(world.apis)
        return {
            "requests": sum(count for kind, count in tally.counts.items() if kind in KINDS or kind.startswith("async")),
            "by kind": dict(tally.counts),
            "arrived": arrived,
            "refused by the API": refused,
            "factory calls": world.made,
            "rotations": sum(world.numbers.values()) - TENANTS,
            "most threads": most,
            "seconds": round(time.monotonic() - began),
            "wrong": wrong,
            "twice": twice,
            "lost": tally.lost[:20],
        }


KINDS = {*SYNC, "live"}


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=2_000)
    found = run(parser.parse_args().requests)
    print(json.dumps(found, indent=1))
    sys.exit(bool(found["wrong"] or found["twice"] or found["lost"]))


if __name__ == "__main__":
    main()
