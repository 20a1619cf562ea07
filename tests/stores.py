"""Shared by the tests of the engine and the stores: a provider under a test's control, and waits for a fetch."""

import contextvars
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from genai_credentials import ApiKey, CredentialProvider, FetchFailed
from genai_credentials.deadline import set_deadline
from genai_credentials.testing import FakeClock, FakeGemini


class Store:
    """A provider whose key, errors and pauses a test sets. The answer to a call is fixed when the call arrives."""

    def __init__(self, text="key-1", name="store"):
        self.name, self.text, self.error = name, text, None
        self.fetches, self.rejected = 0, []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def fetch(self, rejected=None):
        """Called by the engine."""
        self.fetches += 1
        self.rejected.append(rejected)
        text, error = self.text, self.error
        self.entered.release()
        assert self.gate.wait(20)
        if error:
            raise error
        return ApiKey(text, provider=self.name)


def settle(credentials):
    """Wait for the running fetch, if there is one."""
    if flight := credentials.engine.flight:
        flight.landed.wait()
    # A fetch that nobody waits for may have landed, and not yet be told of.
    while any(
        thread.name in ("genai-credentials-fetch", "genai-credentials-events") for thread in threading.enumerate()
    ):
        time.sleep(0.001)


def forget_hanging_calls(link):
    """Wait until the hanging calls of a link have ended, and allow the next call at once."""
    for job in link._hanging:
        job.future.exception(20)
    link._next_at = -math.inf


def play(on_event):
    """Play a start, a rotation during a request, an outage and a recovery. Return the provider, closed."""
    store, clock = Store(), FakeClock()
    credentials = CredentialProvider(store, clock=clock, ttl=10, on_event=on_event)
    with FakeGemini("key-2") as api, credentials.client(http_options={"base_url": api.base_url}) as client:
        credentials.get()
        store.text = "key-2"
        client.models.list()
        for error in (FetchFailed("store: down."), None):
            store.error = error
            clock.advance(20)
            credentials.get()
            settle(credentials)
    credentials.close()
    return credentials


def within(seconds: float, call: Callable[[], Any]) -> float:
    """Run a call under a deadline, as the engine does, and return how long it took."""

    def run() -> None:
        set_deadline(seconds)
        call()

    started = time.monotonic()
    contextvars.copy_context().run(run)
    return time.monotonic() - started
