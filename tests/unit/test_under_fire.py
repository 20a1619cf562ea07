"""Tests of the engine while other parts fail: thread starts, log handlers, listeners, signal handlers that raise."""

import functools
import itertools
import logging
import os
import sys
import threading
import time
from collections import deque

import pytest

from genai_credentials import CredentialProvider, FetchFailed
from genai_credentials import workers as workers_of_ours
from genai_credentials.client.exchange import advance, exchange
from genai_credentials.forks import at_work, is_at_work
from genai_credentials.rejection import classify
from genai_credentials.workers import run
from stores import Store

REFUSED = b'{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}'


def elsewhere(call, *args):
    """Return the result of a call in another thread, so that a call that hangs fails the test and does not block it."""
    return run(functools.partial(call, *args), "elsewhere").result(10)


# Launches


def at_depth(depth, call):
    return call() if depth == 0 else at_depth(depth - 1, call)


@pytest.mark.parametrize("ask", [CredentialProvider.get, CredentialProvider.refresh])
def test_a_launch_near_the_recursion_limit_leaves_nobody_waiting(ask):
    limit, failed = sys.getrecursionlimit(), 0

    def probe():
        nonlocal failed
        for depth in range(limit - 60, limit - 3):
            credentials = CredentialProvider(lambda: "key-1")
            try:
                at_depth(depth, functools.partial(ask, credentials))
            except RecursionError:
                failed += 1
            assert elsewhere(credentials.get).get_secret_value() == "key-1"
            assert elsewhere(credentials.refresh).get_secret_value() == "key-1"

    # In a thread of its own, whose stack begins at nothing.
    run(probe, "probe").result(60)
    assert failed > 5


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("error", [MemoryError, RecursionError, OSError])
def test_a_launch_that_fails_leaves_nobody_waiting(store, clock, monkeypatch, error, times):
    start, left = threading.Thread.start, [times]

    def failing(thread):
        if left[0]:
            left[0] -= 1
            raise error
        start(thread)

    credentials = CredentialProvider(store, clock=clock)
    monkeypatch.setattr(workers_of_ours._rest, "workers", [])
    monkeypatch.setattr(threading.Thread, "start", failing)
    for _ in range(times):
        with pytest.raises((error, FetchFailed)):
            credentials.refresh()
    monkeypatch.undo()
    assert elsewhere(credentials.get).get_secret_value() == "key-1"


# Log handlers and listeners


class Shipper(logging.Handler):
    """A log handler that sends records with the key. It asks for the key while it holds its own lock."""

    def __init__(self, credentials):
        super().__init__()
        self.credentials = credentials

    def emit(self, record):
        if record.name == "app":
            self.credentials.get()


@pytest.mark.parametrize("level", ["DEBUG", "WARNING"])
def test_a_log_handler_that_asks_for_the_key_under_its_own_lock_hangs_nobody(level, clock, caplog):
    def down():
        raise OSError("down")

    def slow():
        time.sleep(0.05)
        return ' "key-1" '

    credentials = CredentialProvider(down, slow, clock=clock)
    root, handler = logging.getLogger(), Shipper(credentials)
    root.addHandler(handler)
    try:
        with caplog.at_level(level):
            elsewhere(logging.getLogger("app").warning, "a cold start")
            elsewhere(logging.getLogger("other").warning, "another record")
            assert elsewhere(credentials.get).get_secret_value() == "key-1"
    finally:
        root.removeHandler(handler)
    assert [link.outcome for link in credentials.status().links] == ["broken", "serving"]


def test_a_listener_that_sleeps_holds_no_caller(clock):
    woken, calls = threading.Event(), []

    def listen(event):
        calls.append(event.name)
        woken.wait(20)

    store = Store()
    credentials = CredentialProvider(store, clock=clock, on_event=listen)
    try:
        keys = [run(credentials.get, "asking") for _ in range(5)]
        assert {key.result(5).get_secret_value() for key in keys} == {"key-1"}
        store.text = "key-2"
        assert elsewhere(credentials.refresh).get_secret_value() == "key-2"
        store.text = "key-3"
        assert elsewhere(credentials.reject, credentials.get()).get_secret_value() in ("key-1", "key-3")
        assert calls == ["fetched"]
    finally:
        woken.set()


def test_a_listener_that_sleeps_gets_each_event_in_order_in_the_end(clock):
    told, store = [], Store()
    slow = CredentialProvider(store, clock=clock, on_event=lambda event: (time.sleep(0.02), told.append(event.name)))
    for number in range(1, 6):
        store.text = f"key-{number}"
        slow.refresh()
    until = time.monotonic() + 10
    while len(told) < 9 and time.monotonic() < until:
        time.sleep(0.01)
    assert told == ["fetched", *["fetched", "rotated"] * 4]


# Signals' handlers that raise


class Interrupted(BaseException):
    """An exception that a signal handler raises at any place of the main thread."""


def interrupted(work, place, caught=lambda error: None):
    """Run `work`, and raise at the given place where a signal may raise. Return whether `work` reached that place."""
    passed = 0

    def profile(frame, event, _):
        nonlocal passed
        if event in ("call", "c_return"):
            passed += 1
            if passed == place:
                raise Interrupted

    sys.setprofile(profile)
    try:
        work()
    except (Interrupted, RuntimeError) as error:  # a threading.Condition makes the other out of it
        caught(error)
    finally:
        sys.setprofile(None)
    return passed >= place


def a_request(credentials, *live):
    """Send one request to an API that accepts these keys. Return the text of the last key."""
    steps, verdict, last = exchange(credentials.engine), None, None
    while key := advance(steps, verdict):
        last = key.get_secret_value()
        verdict = classify(200, b"{}") if last in live else classify(400, REFUSED)
    return last


def rotate(credentials, store):
    store.text = "key-2"
    return functools.partial(a_request, credentials, "key-2")


def fall_back(credentials, store):
    store.text = "key-2"
    credentials.refresh()
    return functools.partial(a_request, credentials, "key-1")


def come_back(credentials, store):
    a_request(credentials, "none")
    return functools.partial(a_request, credentials, "key-1")


def give_up(credentials, store):
    return functools.partial(a_request, credentials, "none")


@pytest.fixture
def fresh_handlers():
    """An interrupt inside a log handler leaves the handler's lock taken. Later tests need handlers with free locks."""
    yield
    for handler in logging.getLogger().handlers:
        handler.createLock()


@pytest.mark.usefixtures("fresh_handlers")
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scene", [rotate, fall_back, come_back, give_up])
def test_an_interrupt_at_any_place_of_a_request_leaves_later_ones_right(scene):
    for place in itertools.count(1):
        store = Store()
        credentials = CredentialProvider(store, patience=0, min_refresh_interval=0)
        assert a_request(credentials, "key-1") == "key-1"
        if not interrupted(scene(credentials, store), place):
            break
        store.text = "key-8"
        assert elsewhere(a_request, credentials, "key-8") == "key-8", place
        store.text = "key-9"
        assert elsewhere(a_request, credentials, "key-9") == "key-9", place
        assert elsewhere(credentials.status).state == "FRESH", place
    assert place > 30


def forked():
    """Fork a child that ends at once."""
    if (child := os.fork()) == 0:
        os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_interrupt_at_any_place_of_work_holds_up_no_fork():
    """The interrupts are kept with their frames, as a crash reporter keeps them."""
    kept = deque(maxlen=5)

    def work():
        with at_work(), at_work():
            time.monotonic()

    for place in itertools.count(1):
        if not interrupted(work, place, caught=kept.append):
            break
    assert place > 5
    assert len(kept) == 5
    assert elsewhere(forked) == 0
    # And other work begins as ever.
    assert not is_at_work()
    with at_work():
        assert is_at_work()


# The shortest lives


def test_a_key_that_was_just_fetched_is_served_however_short_its_life(clock):
    credentials = CredentialProvider(lambda: "key-1", ttl=0.0002, max_stale=0)
    assert {credentials() for _ in range(300)} == {"key-1"}
