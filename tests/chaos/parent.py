"""A parent that forks children while it is at something.

`python -m tests.chaos.parent STORE DOING SEED CHILDREN QUIET`; `forks` starts it.

It uses only the public face, so that it runs with any version of the package.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import random
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager

NAME, SECRET, MODEL = "prod/gemini", "projects/p/secrets/s", "gemini-2.5-flash"
LEAST_WORK = 0.1
"""Seconds: less is what resting threads use."""

LONGEST_BEFORE = 1.5
"""Seconds within which the first fork comes: imports take about as long on a busy machine."""


def google_client() -> Any:
    """The stock client, over gRPC."""
    import grpc
    from google.cloud import secretmanager_v1
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    channel = grpc.insecure_channel(os.environ["CHAOS_GOOGLE"], (("grpc.enable_http_proxy", 0),))
    return secretmanager_v1.SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


STORES: dict[str, Callable[[], Any]] = {
    # With no client given: the one that we make.
    "aws": lambda: AWSSecretsManager(NAME),
    "google": lambda: GoogleSecretManager(SECRET, client=google_client),
}


def client_of(credentials: CredentialProvider) -> Any:
    return credentials.client(http_options={"base_url": os.environ["CHAOS_API"]})


def ask(credentials: CredentialProvider) -> None:
    """A request over a client of its own."""
    with client_of(credentials) as client:
        client.models.generate_content(model=MODEL, contents="hi")


def connect(credentials: CredentialProvider) -> None:
    """A Live session."""

    async def session() -> None:
        async with client_of(credentials).aio.live.connect(model=MODEL):
            pass

    asyncio.run(session())


def use_a_pool(credentials: CredentialProvider) -> None:
    """Asynchronous requests in an event loop of its own, of the kind that has a pool of its own."""

    async def requests() -> None:
        options = {"base_url": os.environ["CHAOS_API"], "async_client_args": {"verify": ssl.create_default_context()}}
        async with credentials.client(http_options=options).aio as client:
            await client.models.generate_content(model=MODEL, contents="hi")

    asyncio.run(requests())


DOINGS: dict[str, Callable[[CredentialProvider], Any]] = {
    "imports": lambda credentials: credentials.get(),
    "fetches": lambda credentials: credentials.refresh(),
    "ended fetch": lambda credentials: credentials.refresh(),
    "builds a client": ask,
    "Live": connect,
    "pool": use_a_pool,
    "status": lambda credentials: credentials.status(),
}
"""What a thread of the parent does, again and again. The fork comes at a random moment; after the end of a fetch, it
comes at once."""

FETCHES_FIRST = {"fetches", "ended fetch", "Live", "pool"}


def in_child(credentials: CredentialProvider, doing: str) -> None:
    """What a child does."""
    credentials.get()
    credentials.refresh()
    ask(credentials)
    credentials.status()
    if doing in ("Live", "pool"):
        DOINGS[doing](credentials)


def fork_one(credentials: CredentialProvider, doing: str) -> tuple[int, int]:
    """The child's number, and a pipe from which its error can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    try:
        in_child(credentials, doing)
        code = 0
    except BaseException as error:
        os.write(writing, f"{type(error).__name__}: {error}".encode()[:2000])
        code = 1
    os._exit(code)


def outcome(child: int, quiet: float) -> str:
    """What became of a child: "well", "hung", or how it ended.

    Args:
        child: Its number.
        quiet: Seconds without any work after which it hangs; so that a busy machine is none.
    """
    working = Working(child)
    while working.since() < quiet:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "well" if status == 0 else f"ended with {os.waitstatus_to_exitcode(status)}"
        time.sleep(0.02)
    show_and_kill(child)
    os.waitpid(child, 0)
    return "hung"


class Working:
    """Whether a child still works: it uses the processor, or would if it had its turn."""

    def __init__(self, child: int) -> None:
        self._stat, self._seconds, self._at = Path(f"/proc/{child}/stat"), -1.0, time.monotonic()

    def since(self) -> float:
        """The seconds that it has rested."""
        with suppress(OSError):
            fields = self._stat.read_text().rpartition(") ")[2].split()
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            if fields[0] == "R" or seconds > self._seconds + LEAST_WORK:
                self._seconds, self._at = seconds, time.monotonic()
        return time.monotonic() - self._at


def show_and_kill(child: int) -> None:
    """End a child; it shows first where it hangs."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGUSR2)
        time.sleep(0.5)
        os.kill(child, signal.SIGKILL)


def main(store: str, doing: str, seed: int, children: int, quiet: float) -> dict[str, Any]:
    dice, stop = random.Random(seed), threading.Event()
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    credentials = CredentialProvider(STORES[store](), ttl=0.5, fetch_timeout=120)
    if doing in FETCHES_FIRST:
        credentials.get()

    def work() -> None:
        while not stop.is_set():
            with suppress(Exception):
                DOINGS[doing](credentials)

    thread = threading.Thread(target=work, daemon=True)
    if doing != "ended fetch":
        thread.start()
    born, longest = [], 0.0
    for _ in range(children):
        time.sleep(dice.uniform(0, LONGEST_BEFORE / children))
        if doing == "ended fetch":
            credentials.refresh()
        before = time.monotonic()
        born.append(fork_one(credentials, doing))
        longest = max(longest, time.monotonic() - before)
    found: dict[str, Any] = {"well": 0, "hung": 0, "failed": [], "longest_fork": longest}
    for child, pipe in born:
        how = outcome(child, quiet)
        if how in found:
            found[how] += 1
        else:
            found["failed"].append(f"a child {how}: {os.read(pipe, 4000).decode()}")
    stop.set()
    return found


if __name__ == "__main__":
    found = main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
    print(json.dumps(found), flush=True)
    os._exit(0)
