"""Tests of rules of the engine that a mutation showed to be untested; see docs/explanation/mutations.md."""

import asyncio
import functools
import inspect
import itertools
import logging
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from genai_credentials import ApiKey, CredentialProvider, FetchFailed, NoCredentials
from genai_credentials.keystate import FALL_BACK_WITHIN, KeyState
from genai_credentials.known_keys import Found, KnownKeys
from genai_credentials.per_process import PerProcess
from genai_credentials.workers import _rest, run
from stores import Store, settle

# From 3.12 on, Python warns of each fork with threads about; that is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

CALLERS_LOCK = {"__init__", "event"}
"""Methods of `KeyState` that need no look at the lock: nobody else knows it yet, or a locked one calls it."""


def test_the_state_machine_is_only_touched_under_the_lock(store, clock, monkeypatch):
    credentials = CredentialProvider(store, clock=clock, ttl=10)
    touched = []

    def watched(name, method):
        @functools.wraps(method)
        def call(rotation, *args, **options):
            touched.append((name, credentials.engine.lock._is_owned()))
            return method(rotation, *args, **options)

        return call

    for name, method in inspect.getmembers(KeyState, inspect.isfunction):
        if name not in CALLERS_LOCK:
            monkeypatch.setattr(KeyState, name, watched(name, method))
    key = credentials.get()
    credentials.accept(key)
    clock.advance(12)
    credentials.get()
    settle(credentials)
    store.text = "key-2"
    assert credentials.reject(key).get_secret_value() == "key-2"
    credentials.refresh()
    credentials.reject(credentials.get())
    credentials.status()
    credentials.close()
    assert {name for name, locked in touched if not locked} == set()
    assert {"servable", "refused", "replacement", "parole", "landed", "accepted", "drop"} <= {
        name for name, _ in touched
    }


def test_a_fresh_key_is_served_without_a_lock(store, clock):
    class Forbidden:
        def __enter__(self):
            raise AssertionError("the lock was taken")

        def __exit__(self, *args):
            """Never entered."""

    credentials = CredentialProvider(store, clock=clock)
    key, lock = credentials.get(), credentials.engine.lock
    credentials.engine.lock = Forbidden()
    assert (credentials.get(), credentials(), asyncio.run(credentials.aget())) == (key, "key-1", key)
    credentials.engine.lock = lock


def test_refreshes_that_meet_a_fetch_under_way_wait_for_it_and_share_the_next(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    store.gate.clear()
    first, *others = [credentials.engine.refresh_steps() for _ in range(10)]
    landed = next(first)
    assert {next(other) for other in others} == {landed}
    store.gate.set()
    landed.landing.wait()
    store.gate.clear()
    # It began before they asked, so it is no answer to them.
    assert len({next(other) for other in others}) == 1
    store.gate.set()
    settle(credentials)
    assert store.fetches == 2


def test_a_fetch_that_began_before_refresh_is_no_answer_to_it(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=10)
    credentials.get()
    store.entered.acquire()
    clock.advance(12)
    store.gate.clear()
    credentials.get()
    assert store.entered.acquire(timeout=10)
    store.text = "key-2"
    with ThreadPoolExecutor(1) as pool:
        refreshed = pool.submit(credentials.refresh)
        store.gate.set()
        assert refreshed.result(10).get_secret_value() == "key-2"


def test_a_key_refused_while_a_fetch_brings_it_is_nothing_better(clock):
    known = KnownKeys(interval=5, patience=0, clock=clock)
    keystate = KeyState(ttl=10, max_stale=100, known=known, random=Random(0))
    found = Found(ApiKey("key-1", provider="store"), 0)
    keystate.landed(found, [], clock(), for_rejection=None)
    keystate.refused(found.key, clock())
    keystate.landed(found, [], clock(), for_rejection=known.tick())
    assert not known.may_fetch(found.key, clock())
    assert known.may_fetch(found.key, clock() + 5)


def test_with_nothing_else_to_serve_a_key_refused_earlier_is_better_than_none(store, clock):
    credentials = CredentialProvider(lambda: "upper", store, clock=clock, ttl=10, max_stale=20)
    lower = credentials.reject(credentials.get())
    assert credentials.reject(lower) is None
    store.error = FetchFailed("store: down.")
    clock.advance(3600)
    assert credentials() == "upper"


@pytest.mark.parametrize(("after", "falls_back"), [(FALL_BACK_WITHIN, True), (FALL_BACK_WITHIN + 1, False)])
def test_only_a_key_that_was_replaced_lately_is_gone_back_to(store, clock, after, falls_back):
    credentials = CredentialProvider(store, clock=clock, ttl=100_000)
    credentials.get()
    store.text = "key-2"
    fresh = credentials.refresh()
    store.text = "key-3"
    clock.advance(after)
    assert credentials.reject(fresh).get_secret_value() == ("key-1" if falls_back else "key-3")
    assert credentials.status().counters["fallbacks"] == falls_back


def test_a_key_that_was_refused_is_none_that_worked(store, clock):
    """So if the store has no newer key, the version before the refused key is tried."""
    store.fetch_previous = lambda rejected: ApiKey("older", provider="store")
    credentials = CredentialProvider(store, clock=clock)
    first = credentials.get()
    store.text = "key-2"
    second = credentials.reject(first)
    assert credentials.reject(second).get_secret_value() == "older"


def test_refreshes_of_a_fleet_spread_over_a_tenth_of_the_ttl_either_way(clock):
    def next_refresh(seed):
        credentials = CredentialProvider(lambda: "key-1", clock=clock, ttl=300, random=Random(seed))
        credentials.get()
        return credentials.status().next_refresh

    spread = [next_refresh(seed) for seed in range(50)]
    assert 270 <= min(spread) < 280
    assert 320 < max(spread) <= 330


def test_a_refresh_that_is_overdue_is_due_now(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=10)
    credentials.get()
    clock.advance(100)
    assert credentials.status().next_refresh == 0


def test_tries_of_a_fleet_at_a_store_that_is_down_spread_too(clock):
    def first_try(seed):
        store = Store()
        credentials = CredentialProvider(store, clock=clock, ttl=10, random=Random(seed))
        credentials.get()
        store.error = FetchFailed("store: down.")
        clock.advance(12)
        credentials.get()
        settle(credentials)
        return credentials.status().next_refresh

    spread = [first_try(seed) for seed in range(50)]
    assert 0.9 <= min(spread) < 0.95
    assert 1.05 < max(spread) <= 1.1


def test_after_a_success_the_backoff_starts_over(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    for _ in range(2):
        store.error = FetchFailed("store: down.")
        for _ in range(5):
            with pytest.raises(NoCredentials if credentials.engine.keystate.serving.key is None else FetchFailed):
                credentials.refresh()
        assert 14 < credentials.engine.keystate.retry_at - clock() < 18
        store.error = None
        credentials.refresh()


def test_a_refused_key_that_is_all_the_store_has_is_asked_after_once_a_ttl(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=10)
    assert credentials.reject(credentials.get()) is None
    clock.advance(12)
    before = store.fetches
    for _ in range(50):
        credentials.get()
        settle(credentials)
    # Nor as often as a store that failed.
    clock.advance(8)
    credentials.get()
    settle(credentials)
    assert store.fetches - before == 1


def test_a_fetch_that_ends_after_the_close_leaves_no_key_behind(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    store.gate.clear()
    flight = next(credentials.engine.refresh_steps())
    credentials.close()
    store.gate.set()
    flight.landing.wait()
    assert credentials.engine.keystate.serving.key is None


def test_a_launch_without_a_thread_is_over_and_the_next_one_may_succeed(store, clock, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    credentials = CredentialProvider(store, clock=clock)
    with monkeypatch.context() as out_of_threads:
        out_of_threads.setattr(threading.Thread, "start", refuse)
        out_of_threads.setattr(_rest, "workers", [])
        with pytest.raises(NoCredentials, match="no thread could be started"):
            credentials.get()
    clock.advance(2)
    assert run(credentials.get, "another").result(10).get_secret_value() == "key-1"


def test_a_provider_that_exits_leaves_nobody_waiting(store, clock):
    def exits():
        raise SystemExit

    with pytest.raises(NoCredentials, match=r"raised SystemExit \(test_engine_rules.py:\d+, in exits\)"):
        CredentialProvider(exits, clock=clock).get()


INSIDE = {
    "get": lambda credentials: credentials.get(),
    "call": lambda credentials: credentials(),
    "aget": lambda credentials: asyncio.run(credentials.aget()),
    "refresh": lambda credentials: credentials.refresh(),
    "reject": lambda credentials: credentials.reject(ApiKey("key-1", provider="store")),
}


@pytest.mark.parametrize("ask", INSIDE)
def test_a_provider_that_asks_for_the_key_it_is_to_bring_is_told_so(ask, clock):
    credentials = CredentialProvider(lambda: INSIDE[ask](credentials), clock=clock)
    with pytest.raises(NoCredentials, match="during the fetch"):
        run(credentials.get, "asking").result(10)


@pytest.mark.parametrize("ask", ["get", "refresh"])
def test_a_listener_that_asks_for_the_key_harms_no_fetch(ask, store, clock, caplog):
    credentials = CredentialProvider(store, clock=clock, on_event=lambda _: INSIDE[ask](credentials))
    store.error = FetchFailed("down.")
    with pytest.raises(NoCredentials):
        run(credentials.get, "asking").result(10)
    store.error = None
    clock.advance(2)
    assert run(credentials.get, "asking").result(10).get_secret_value() == "key-1"
    assert store.fetches == 2
    assert "An on_event callback raised" in caplog.text


def test_a_log_handler_that_asks_for_the_key_harms_no_fetch(store, clock, monkeypatch):
    class Handler(logging.Handler):
        def emit(self, _):
            asked.append(1)
            credentials.get()

    asked, logger, credentials = [], logging.getLogger("genai_credentials"), CredentialProvider(store, clock=clock)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler = Handler()
    logger.addHandler(handler)
    store.error = FetchFailed("down.")
    try:
        with pytest.raises(NoCredentials):
            run(credentials.get, "asking").result(10)
    finally:
        logger.removeHandler(handler)
    assert asked


def test_a_close_that_fails_leaves_no_other_provider_open(clock):
    def fails():
        closed.append("first")
        raise OSError("first")

    closed, providers = [], [Store(), Store(name="second")]
    providers[0].close, providers[1].close = fails, lambda: closed.append("second")
    credentials = CredentialProvider(*providers, clock=clock)
    with pytest.raises(OSError, match="first"):
        credentials.close()
    credentials.close()
    assert closed == ["first", "second"]


class Interrupted(BaseException):
    """An exception that a signal handler raises anywhere in the main thread, such as a soft time limit or Ctrl-C."""


def interrupted(work, place):
    """Run `work`, and raise at the given place where a signal may raise. Return whether `work` reached that place.

    The places are the start of a function in Python and the end of a function in C.
    """
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
    except (Interrupted, RuntimeError):  # a threading.Condition makes the other out of it
        assert passed >= place
    finally:
        sys.setprofile(None)
    return passed >= place


@pytest.mark.filterwarnings("ignore:Exception ignored in.*_remove:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "ask",
    [CredentialProvider.get, CredentialProvider.refresh, functools.partial(CredentialProvider.notify, within=0.0)],
    ids=["get", "refresh", "notify"],
)
def test_an_interrupt_at_any_place_leaves_nobody_waiting(ask):
    for place in itertools.count(1):
        credentials = CredentialProvider(lambda: "key-1")
        if not interrupted(functools.partial(ask, credentials), place):
            break
        # Of daemons: one that hangs is to fail the test, not to hold it up.
        assert run(credentials.get, "another").result(10).get_secret_value() == "key-1"
        credentials.notify(within=0)
        run(credentials.refresh, "another").result(10)
        assert not credentials.engine.keystate.notice.pending
    assert place > 10


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="this system has no signals")
def test_a_signals_handler_may_ask_while_its_thread_is_inside(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    credentials.get()
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append((credentials.status().state, credentials())))
    try:
        with credentials.engine.lock:
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [("FRESH", "key-1")]


def test_an_error_that_many_refreshes_share_carries_no_frames_from_one_to_the_next(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    credentials.get()
    store.error = FetchFailed("down.")
    store.gate.clear()
    _, *refreshing = steps = [credentials.engine.refresh_steps() for _ in range(4)]
    (first,) = {next(one) for one in steps}
    store.gate.set()
    first.landing.wait()
    # It began before they asked; the next one they share.
    (shared,) = {next(one) for one in refreshing}
    shared.landing.wait()
    lengths = []
    for one in refreshing:
        with pytest.raises(FetchFailed) as caught:
            next(one)
        lengths.append(len(list(caught.traceback)))
    assert len(set(lengths)) == 1


def in_child(work):
    """Return the result of `work` in a forked child."""
    receiving, sending = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=lambda: sending.send(work()), daemon=True)
    child.start()
    try:
        assert receiving.poll(20)
        return receiving.recv()
    finally:
        child.kill()
        child.join()
        receiving.close()
        sending.close()


@forks
def test_a_fork_waits_for_a_change_under_way_to_be_whole(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    inside, changed = threading.Event(), threading.Event()

    def change():
        with credentials.engine.lock:
            inside.set()
            assert changed.wait(10)

    with ThreadPoolExecutor(2) as threads:
        changing = threads.submit(change)
        assert inside.wait(10)
        forked = threads.submit(in_child, credentials)
        with pytest.raises(TimeoutError):
            forked.result(0.1)
        changed.set()
        changing.result(10)
        assert forked.result(20) == "key-1"


@forks
def test_a_child_makes_a_client_of_its_own():
    each = PerProcess(os.getpid)
    assert each.get() == os.getpid()
    assert in_child(each.get) not in (None, os.getpid())


@forks
def test_a_fork_while_the_parent_makes_its_client_leaves_the_child_to_make_its_own():
    making, made = threading.Event(), threading.Event()

    def client():
        if os.getpid() == parent:
            making.set()
            assert made.wait(20)
        return f"client of {'parent' if os.getpid() == parent else 'child'}"

    parent, each = os.getpid(), PerProcess(client)
    thread = threading.Thread(target=each.get)
    thread.start()
    assert making.wait(10)
    try:
        assert in_child(each.get) == "client of child"
    finally:
        made.set()
        thread.join(10)
