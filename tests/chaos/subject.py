"""A process under test: `python -m tests.chaos.subject SECONDS SEED REPORT`; `storm` tells it where everything is.

Threads and tasks ask the API while the main thread is interrupted by signals, children are forked, a log handler asks
for the key under a lock of its own, and a listener sleeps.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import boto3.session

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager, Unavailable
from genai_credentials.events import Event

from .parent import MODEL, Working, google_client, outcome, show_and_kill
from .world import NAME, PATIENCE, SECRET

THREADS, TASKS, FORKERS = 6, 20, 3
LONGEST = 30.0
"""Seconds after which a child or a thread hangs."""


class Interrupted(BaseException):
    """What the signals' handler raises in the main thread."""


def provider(on_event: Any = None) -> CredentialProvider:
    """The provider under test: a link whose calls sometimes never return, then both stores."""
    return CredentialProvider(
        half_dead,
        AWSSecretsManager(NAME),
        GoogleSecretManager(SECRET, client=google_client),
        ttl=2.0,
        fetch_timeout=3.0,
        patience=PATIENCE,
        on_event=on_event,
    )


def half_dead() -> str:
    """Never has a key; one call in two hundred never returns."""
    if random.random() < 0.005:
        threading.Event().wait()
    raise Unavailable("half dead: has no keys.")


class Report:
    """Lines of JSON in a file that several processes write to."""

    def __init__(self, path: str, credentials: CredentialProvider) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._credentials, self._first = credentials, os.getpid()

    def write(self, **line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def ended(self, began: float, error: BaseException | None) -> None:
        """A request ended, well or with an error."""
        now = time.monotonic()
        if error is None:
            self.write(began=began, ended=now)
        else:
            said = f"{type(error).__name__}: {error}"[:300]
            self.write(began=began, ended=now, error=said, known=self._known())

    def _known(self) -> str:
        status = self._credentials.status()
        links = ", ".join(f"{link.provider} {link.outcome} {link.reason[:60]}" for link in status.links)
        where = "in the first process" if os.getpid() == self._first else "in a child"
        return f"{where}: {status.state}, {links}, {dict(status.counters)}"


class Asking(logging.Handler):
    """Ships records with the key, which it asks for under its own lock."""

    def __init__(self, credentials: CredentialProvider) -> None:
        super().__init__(logging.WARNING)
        self._credentials = credentials

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            self._credentials.get()


class Subject:
    """The load on one provider."""

    def __init__(self, seconds: float, seed: int, path: str) -> None:
        self._seconds, self.until = seconds, 0.0
        self.dice = random.Random(seed)
        self.credentials = provider(self._listen)
        self.report = Report(path, self.credentials)
        self.clients = [self._client("CHAOS_API"), self._client("CHAOS_STICKY_API")]
        self.children = self.interrupts = self.asked = 0
        logging.getLogger().addHandler(Asking(self.credentials))

    def _client(self, where: str) -> Any:
        return self.credentials.client(http_options={"base_url": os.environ[where]})

    def _listen(self, event: Event) -> None:
        if event.name in ("rotated", "fetch_failed"):
            time.sleep(random.uniform(0, 2.0))

    def run(self) -> None:
        """All of it at once, until the time is over."""
        # Their imports take longer than a fetch may, on a machine that is this busy; forks in their middle have tests.
        boto3.session.Session().client("secretsmanager")
        google_client()
        self.credentials.get()
        # Its import: an interrupt in the middle of any leaves Python's import lock taken for good.
        self.credentials.status()
        for client in self.clients:
            self.ask(client)
        self.until = time.monotonic() + self._seconds
        works = [*[self._ask_in_thread] * THREADS, self._ask_in_tasks, *[self._fork] * FORKERS, self._log, self._look]
        threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        threading.Thread(target=self._watch, daemon=True).start()
        self._be_interrupted()
        give_up = time.monotonic() + 2 * LONGEST
        for thread in threads:
            thread.join(max(0.0, give_up - time.monotonic()))
        hung = [thread.name for thread in threads if thread.is_alive()]
        if hung:
            faulthandler.dump_traceback()
        self.report.write(
            hung_threads=hung,
            children=self.children,
            interrupts=self.interrupts,
            counters=dict(self.credentials.status().counters),
            threads=threading.active_count(),
        )

    def ask(self, client: Any) -> None:
        """One request, told of in the report."""
        began = time.monotonic()
        try:
            client.models.generate_content(model=MODEL, contents="hi")
        except Exception as error:
            self.report.ended(began, error)
        else:
            self.report.ended(began, None)
        self.asked += 1

    def _ask_in_thread(self) -> None:
        client = self.dice.choice(self.clients)
        while time.monotonic() < self.until:
            self.ask(client)
            time.sleep(random.uniform(0, 0.1))

    def _ask_in_tasks(self) -> None:
        async def ask_often() -> None:
            while time.monotonic() < self.until:
                await asyncio.sleep(random.uniform(0, 2))
                began = time.monotonic()
                try:
                    await self.clients[0].aio.models.generate_content(model=MODEL, contents="hi")
                except Exception as error:
                    self.report.ended(began, error)
                else:
                    self.report.ended(began, None)

        async def all_tasks() -> None:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(TASKS):
                    tasks.create_task(ask_often())

        asyncio.run(all_tasks())

    def _log(self) -> None:
        while time.monotonic() < self.until:
            logging.getLogger("app").warning("the application says something")
            time.sleep(random.uniform(0, 0.2))

    def _look(self) -> None:
        while time.monotonic() < self.until:
            self.credentials.status()
            time.sleep(random.uniform(0, 0.2))

    def _watch(self) -> None:
        """End the process, and show where each thread is, once nothing moves any more."""
        asked = -1
        while asked != self.asked:
            asked = self.asked
            time.sleep(2 * LONGEST)
        print(f"Nothing moves: {self.credentials.engine.lock}", file=sys.stderr)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(3)

    # Signals

    def _be_interrupted(self) -> None:
        def interrupt(*_: object) -> None:
            raise Interrupted

        signal.signal(signal.SIGALRM, interrupt)
        while time.monotonic() < self.until:
            with suppress(Interrupted):
                try:
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0005, 0.03))
                    self._ask_in_main_thread()
                except Exception as error:
                    self.report.write(note=f"the main thread met {type(error).__name__}: {error}"[:300])
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            time.sleep(0.01)

    def _ask_in_main_thread(self) -> None:
        # Over no connection: one of httpx that is interrupted is httpx's to mend.
        try:
            while True:
                key = self.credentials.get()
                self.credentials.accept(key)
                random.choice([self.credentials.refresh, self.credentials.status, self.credentials.get])()
        except Interrupted:
            self.interrupts += 1
            raise

    # Forks

    def _fork(self) -> None:
        while time.monotonic() < self.until:
            time.sleep(random.uniform(0, 2.0))
            how = random.choice([self._fork_plainly, self._fork_by_multiprocessing])()
            self.children += 1
            if how != "well":
                self.report.write(child=how)

    def _fork_plainly(self) -> str:
        child = os.fork()
        if child == 0:
            self._be_a_child()
        return outcome(child, LONGEST)

    def _fork_by_multiprocessing(self) -> str:
        process = multiprocessing.get_context("fork").Process(target=self._be_a_child)
        process.start()
        assert process.pid is not None
        working = Working(process.pid)
        while process.exitcode is None:
            if working.since() > LONGEST:
                show_and_kill(process.pid)
                return "hung"
            time.sleep(0.02)
        return "well" if process.exitcode == 0 else f"ended with {process.exitcode}"

    def _be_a_child(self) -> None:
        try:
            self.ask(self.clients[0])
            self.ask(self.clients[1])
            self.credentials.refresh()
            self.ask(self.clients[0])
        except Exception as error:
            self.report.write(note=f"a child's refresh met {type(error).__name__}: {error}"[:300])
        os._exit(0)


def main(seconds: float, seed: int, path: str) -> None:
    random.seed(seed)
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    Subject(seconds, seed, path).run()
    os._exit(0)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
