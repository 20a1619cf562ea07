"""Two processes under load while keys rotate and the stores misbehave: `python -m tests.soak --seconds 120`.

Each process has 8 threads and 200 tasks on one client, plain requests and streams; the second is forked from the
first after that has fetched. The chain is a file, Google Secret Manager and AWS Secrets Manager. Each second one of
them gets another key, and the old one is revoked at once; at the same time something is wrong somewhere.

A request that ends in an error is lost. There is no excuse for one, since a live key can always be had:

- another key is let in by the API and published before the old one is revoked;
- of the three stores, the file may be gone and Google may deny everything, but AWS always has a live key. What it
  meets too (a refused read, a held or a slow answer) is over well within `fetch_timeout`, retries included;
- the next rotation comes when the one before is a second old and its lag is over, so that what a store answered was
  live when it was asked;
- `min_refresh_interval` is short, so that a rejection whose fetch came a moment too early is not the last word.

A request is sent three times at most. One that saw three or more keys revoked while it was under way, since the
machine is too slow for this load, is counted apart: as outrun.

The exit code is 1 when a request was lost or the forked process died.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from genai_credentials import (
    ApiKey,
    AWSSecretsManager,
    CredentialProvider,
    File,
    GoogleSecretManager,
    Unavailable,
)
from genai_credentials.testing import AWSEmulator, FakeGemini, SecretManagerEmulator

THREADS, TASKS = 8, 200
SECRET, NAME, MODEL = "projects/p/secrets/s", "prod/gemini", "gemini-2.5-flash"
STORES = "file", "google", "aws"
MOST_SENDS = 3


class Tally:
    """The first link, which is absent and counts what fetches were made for."""

    name = "tally"

    def __init__(self) -> None:
        self.scheduled = self.for_rejections = 0

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        if rejected is None:
            self.scheduled += 1
        else:
            self.for_rejections += 1
        raise Unavailable("tally: has no keys.")


class World:
    """The API and the stores, which the first process serves to both."""

    def __init__(self, stack: ExitStack, seed: int) -> None:
        self.random = random.Random(seed)
        self.api = stack.enter_context(FakeGemini())
        self.google = stack.enter_context(SecretManagerEmulator())
        self.aws = stack.enter_context(AWSEmulator())
        self.path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "key"
        self.keys: dict[str, str] = {}
        self.revoked = multiprocessing.Value("i", 0)
        self.faults: Counter[str] = Counter()
        for store in STORES:
            self.rotate(store)

    def chain(self) -> list[Any]:
        return [
            File(self.path),
            GoogleSecretManager(SECRET, client=self.google.client),
            AWSSecretsManager(NAME, client=self.aws.client),
        ]

    def rotate(self, store: str) -> None:
        """Publish another key in a store, and revoke the old one at once."""
        old, fresh = self.keys.get(store), f"{store}-{self.random.randbytes(8).hex()}"
        self.api.accept(fresh)
        if store == "file":
            self._write(fresh)
        elif store == "google":
            self.google.add(SECRET, fresh)
        else:
            self.aws.add(NAME, fresh)
        self.keys[store] = fresh
        self._revoke(old)

    def _write(self, text: str) -> None:
        new = self.path.with_suffix(".new")
        new.touch(0o600)
        new.write_text(text)
        os.replace(new, self.path)

    def _revoke(self, key: str | None) -> None:
        if key is not None:
            with self.revoked.get_lock():
                self.revoked.value += 1
            self.api.revoke(key)

    def turn(self, stop: threading.Event) -> None:
        """A rotation and a fault each second, until told to stop; then all is mended."""
        while not stop.wait(self.random.uniform(0.8, 1.2)):
            self._mend()
            fault = self.random.choice([self._refuse, self._slow, self._hold, self._deny, self._lose_file, self._lag])
            self.faults[fault.__name__.strip("_")] += 1
            fault(stop)
        self._mend()

    def _mend(self) -> None:
        self.google.fail_always(None)
        self.aws.fail_always(None)
        self.google.lag_latest(SECRET, None)
        for store in (self.google, self.aws):
            store.delay(0)
        # Often it stays away for longer, so that the stores below serve, and meet their own rotations and faults.
        if "file" not in self.keys and self.random.random() < 0.3:
            self.rotate("file")

    def _any(self) -> str:
        return self.random.choice(list(self.keys))

    def _refuse(self, stop: threading.Event) -> None:
        """Each store refuses one read of each process at most, which the providers ask again."""
        self.google.fail_next(self.random.choice(["UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL"]))
        self.aws.fail_next(*self.random.choice([("ThrottlingException", 400), ("InternalServiceError", 500)]))
        self.rotate(self._any())

    def _slow(self, stop: threading.Event) -> None:
        for store in (self.google, self.aws):
            store.delay(self.random.uniform(0, 0.2))
        self.rotate(self._any())

    def _hold(self, stop: threading.Event) -> None:
        held = self.random.choice([self.google, self.aws])
        with held.hang():
            self.rotate(self._any())
            stop.wait(0.3)

    def _deny(self, stop: threading.Event) -> None:
        self.google.fail_always("PERMISSION_DENIED")
        self.rotate(self._any())

    def _lose_file(self, stop: threading.Event) -> None:
        """The file is gone, and its key revoked: the next link has to serve."""
        if "file" in self.keys:
            self.path.unlink()
            self._revoke(self.keys.pop("file"))
        else:
            self.rotate("google")

    def _lag(self, stop: threading.Event) -> None:
        """Google gets another key, and goes on to answer `latest` with the old one, which is revoked."""
        self.google.lag_latest(SECRET, "latest")
        self.rotate("google")


class Load:
    """What one process sends, and what became of it."""

    def __init__(self, world: World, credentials: CredentialProvider, seconds: float) -> None:
        self.credentials, self.revoked = credentials, world.revoked
        self.client = credentials.client(http_options={"base_url": world.api.base_url})
        self.until = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.requests = self.outrun = 0
        self.longest = 0.0
        self.lost: list[str] = []

    def run(self) -> dict[str, Any]:
        threads = [threading.Thread(target=self._in_thread, daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        asyncio.run(self._in_tasks())
        for thread in threads:
            thread.join()
        self.client.close()
        return {
            "requests": self.requests,
            "lost": self.lost,
            "outrun": self.outrun,
            "longest": self.longest,
            "counters": dict(self.credentials.status().counters),
        }

    def _in_thread(self) -> None:
        while time.monotonic() < self.until:
            started, revoked = time.monotonic(), self.revoked.value
            try:
                self._ask()
            except Exception as error:
                self._failed(error, revoked)
            self._ended(started)
            time.sleep(random.uniform(0, 0.1))

    def _ask(self) -> None:
        if random.random() < 0.7:
            self.client.models.generate_content(model=MODEL, contents="hi")
        else:
            for _ in self.client.models.generate_content_stream(model=MODEL, contents="hi"):
                pass

    async def _in_tasks(self) -> None:
        async with self.client.aio, asyncio.TaskGroup() as tasks:
            for _ in range(TASKS):
                tasks.create_task(self._in_task())

    async def _in_task(self) -> None:
        while time.monotonic() < self.until:
            await asyncio.sleep(random.uniform(0, 2))
            started, revoked = time.monotonic(), self.revoked.value
            try:
                await self._ask_asynchronously()
            except Exception as error:
                self._failed(error, revoked)
            self._ended(started)

    async def _ask_asynchronously(self) -> None:
        if random.random() < 0.7:
            await self.client.aio.models.generate_content(model=MODEL, contents="hi")
        else:
            async for _ in await self.client.aio.models.generate_content_stream(model=MODEL, contents="hi"):
                pass

    def _failed(self, error: Exception, revoked: int) -> None:
        met = self.revoked.value - revoked
        with self.lock:
            if met >= MOST_SENDS:
                self.outrun += 1
            else:
                self.lost.append(f"{type(error).__name__} {str(error)[:200]} ({met} keys revoked meanwhile)")

    def _ended(self, started: float) -> None:
        with self.lock:
            self.requests += 1
            self.longest = max(self.longest, time.monotonic() - started)


def forked(work: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Begin `work` in a forked process; what is returned waits for its result, which is empty if it died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as pipe:
                json.dump(work(), pipe)
        finally:
            os._exit(0)
    os.close(writing)

    def result() -> dict[str, Any]:
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return dict(json.loads(text)) if text else {}

    return result


def soak(seconds: float, seed: int) -> tuple[World, list[dict[str, Any]]]:
    with ExitStack() as stack:
        world, tally = World(stack, seed), Tally()
        credentials = CredentialProvider(tally, *world.chain(), ttl=2.0, min_refresh_interval=0.1, fetch_timeout=5.0)
        # The parent has its connections to the stores when it forks: the child must not use them.
        credentials.refresh()

        def work() -> dict[str, Any]:
            result = Load(world, credentials, seconds).run()
            return {**result, "scheduled": tally.scheduled, "for_rejections": tally.for_rejections}

        other, stop = forked(work), threading.Event()
        turner = threading.Thread(target=world.turn, args=(stop,))
        turner.start()
        try:
            results = [work(), other()]
        finally:
            stop.set()
            turner.join()
        return world, results


def report(world: World, results: list[dict[str, Any]]) -> bool:
    """Print what came of it; False when a request was lost."""
    rotations = world.revoked.value
    print(f"{rotations} keys revoked; faults: {', '.join(f'{name} {n}' for name, n in sorted(world.faults.items()))}")
    for name, result in zip(("first process", "forked process"), results, strict=True):
        if not result:
            print(f"{name}: died")
            continue
        fetches = result["for_rejections"]
        print(
            f"{name}: {result['requests']} requests, {len(result['lost'])} lost, {result['outrun']} outrun; "
            f"{fetches} fetches for rejections, {fetches / rotations:.2f} a rotation; "
            f"{result['scheduled']} scheduled; longest stall {result['longest']:.2f} s; {result['counters']}"
        )
        for line in result["lost"][:10]:
            print(f"  lost: {line}")
    print(f"store calls of both: Google {world.google.accesses} (probes by number included), AWS {world.aws.reads}")
    return all(result and not result["lost"] for result in results)


def main() -> int:
    parser = argparse.ArgumentParser(description="Load two processes while keys rotate and stores misbehave.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long; 60 unless told")
    parser.add_argument("--seed", type=int, default=None, help="of the rotations and faults; random unless told")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    logging.getLogger("genai_credentials").addHandler(logging.NullHandler())
    print(f"seed {seed}", flush=True)
    return 0 if report(*soak(options.seconds, seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
