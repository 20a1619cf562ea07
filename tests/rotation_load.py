"""Rotations under load: `python -m tests.rotation_load --rotations 20`. The exit code is 1 when a request was lost.

Two processes, each with 8 threads and 50 tasks on one client, send plain requests and streams to two servers of the
API behind one address. The second process idles through some rotations. A key is rotated with `retire_after=0`: a new
key is live only after a delay, on one server before the other; a deleted one is accepted now and then for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from genai_credentials import CredentialProvider, GoogleSecretManager
from genai_credentials.rotate import GoogleApiKeys, Rotate
from genai_credentials.testing import FakeApiKeys, FakeGemini, SecretManagerEmulator

THREADS, TASKS, PAUSE = 8, 50, 0.05
SECRET, MODEL = "projects/acme/secrets/gemini", "gemini-2.5-flash"
FIRST = "AIzaSy-made-by-hand-in-a-console-000000"
LIVE_AFTER, FLAPS_FOR = (0.3, 0.7), 0.8
IDLE = range(2, 4)
"""The rotations, of each five, through which the second process is idle."""


class Balancer:
    """One address for several servers: each connection goes to the next one."""

    def __init__(self, *ports: int) -> None:
        self._ports = ports
        self._next = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = started.result(10)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self._ports[self._next % len(self._ports)]
        self._next += 1
        with contextlib.suppress(OSError):
            there = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


# The clients


class Load:
    """Requests without end, as long as it isn't told to pause or to stop."""

    def __init__(self, client: Any) -> None:
        self._client, self.counts = client, Counter[str]()
        self.going, self.stopped = threading.Event(), threading.Event()
        self.going.set()

    def run(self) -> None:
        """Send until stopped."""
        threads = [threading.Thread(target=self._thread, args=(number,)) for number in range(THREADS)]
        threads.append(threading.Thread(target=lambda: asyncio.run(self._loop())))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _thread(self, number: int) -> None:
        while self._goes_on():
            with self._counted():
                if number % 2:
                    self._client.models.generate_content(model=MODEL, contents="ping")
                else:
                    list(self._client.models.generate_content_stream(model=MODEL, contents="ping"))
            time.sleep(PAUSE)

    async def _loop(self) -> None:
        await asyncio.gather(*(self._task(number) for number in range(TASKS)))

    async def _task(self, number: int) -> None:
        models = self._client.aio.models
        while self._goes_on():
            with self._counted():
                if number % 2:
                    await models.generate_content(model=MODEL, contents="ping")
                else:
                    async for _ in await models.generate_content_stream(model=MODEL, contents="ping"):
                        pass
            await asyncio.sleep(PAUSE * TASKS / THREADS)
            while not self.going.is_set():  # noqa: ASYNC110 - it is set by another thread
                await asyncio.sleep(PAUSE)

    def _goes_on(self) -> bool:
        self.going.wait()
        return not self.stopped.is_set()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.counts[f"lost: {type(error).__name__} {getattr(error, 'code', '')}".strip()] += 1
        else:
            self.counts["sent"] += 1


def be_a_client(api: str) -> None:
    """Send until standard input ends; a line there pauses the load, or lets it go on."""
    with CredentialProvider(GoogleSecretManager(SECRET)) as credentials:
        client = credentials.client(http_options={"base_url": api, "timeout": 20_000})
        load = Load(client)
        worker = threading.Thread(target=load.run)
        worker.start()
        for line in sys.stdin:
            (load.going.clear if line.strip() == "pause" else load.going.set)()
        load.stopped.set()
        load.going.set()
        worker.join()
        counters = credentials.status().counters
        print(json.dumps({**load.counts, "replays": counters["replays"], "fetches": counters["fetches"]}))


# The rotations


def play(rotations: int, tell: Callable[[str], object]) -> list[dict[str, int]]:
    """What the clients counted, over so many rotations."""
    with contextlib.ExitStack() as exits:
        servers = [exits.enter_context(FakeGemini()) for _ in LIVE_AFTER]
        keys = exits.enter_context(FakeApiKeys(*servers, live_after=LIVE_AFTER, flaps_for=FLAPS_FOR))
        store = exits.enter_context(SecretManagerEmulator(project_number="123456789012"))
        api = exits.enter_context(Balancer(*(int(server.base_url.rsplit(":", 1)[1]) for server in servers)))
        keys.add(FIRST)
        store.add(SECRET, FIRST)
        clients = [exits.enter_context(_started(api, store.target)) for _ in range(2)]
        issuer = GoogleApiKeys("acme", base_url=keys.base_url, credentials=keys.credentials())
        secret = GoogleSecretManager(SECRET, client=store.client)
        job = Rotate(secret, issuer, retire_after=0.0, prove_for=0.4, prove_timeout=30.0, base_url=api)
        time.sleep(3.0)
        for number in range(rotations):
            _say(clients[1], "pause" if number % 5 in IDLE else "go")
            report = job.run()
            assert (len(report.retired), report.left) == (1, ())
            tell(f"rotation {number + 1}: {report.previous} -> {report.fingerprint}, version {report.stored}")
        _say(clients[1], "go")
        time.sleep(FLAPS_FOR + 1.0)
        return [_ended(client) for client in clients]


def _started(api: str, target: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "tests.rotation_load", "--client", api]
    environ = {**os.environ, "SECRET_MANAGER_EMULATOR_HOST": target}
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)


def _say(client: subprocess.Popen[str], word: str) -> None:
    assert client.stdin is not None
    client.stdin.write(f"{word}\n")
    client.stdin.flush()


def _ended(client: subprocess.Popen[str]) -> dict[str, int]:
    out, _ = client.communicate(timeout=60)
    counts: dict[str, int] = json.loads(out)
    return counts


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rotations", type=int, default=20)
    parser.add_argument("--client", metavar="API")
    arguments = parser.parse_args()
    if arguments.client:
        be_a_client(arguments.client)
        return
    counts = play(arguments.rotations, print)
    for number, count in enumerate(counts, 1):
        print(f"process {number}: {json.dumps(count)}")
    sys.exit(any(name.startswith("lost") for count in counts for name in count))


if __name__ == "__main__":
    main()
