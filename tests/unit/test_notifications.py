"""Tests of `notify()`: all open notifications share one fetch, which must begin after them and succeed."""

import gc
import logging
import math
import multiprocessing
import os
import signal
import threading
import time
import weakref
from random import Random

import pytest

from genai_credentials import ApiKey, ConfigurationError, CredentialProvider, FetchFailed, NoCredentials, Unavailable
from genai_credentials.notice import Notice
from genai_credentials.testing import FakeClock
from stores import Store, settle

# From 3.12 on, Python warns of each fork with threads about; that is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


class Middle(Random):
    """A random generator that draws the middle of every range and counts its calls."""

    draws = 0

    def uniform(self, a, b):
        self.draws += 1
        return (a + b) / 2


class Newer(Store):
    """A store with a cache in front of it. `fetch_newer` reads past the cache."""

    def __init__(self, text="key-1", name="store"):
        super().__init__(text, name)
        self.cached, self.currents = text, []

    def fetch(self, rejected=None):
        """Return the key in the cache."""
        text, self.text = self.text, self.cached
        try:
            return super().fetch(rejected)
        finally:
            self.text = text

    def fetch_newer(self, current):
        """Return the key in the store."""
        self.currents.append(current)
        self.cached = self.text
        return super().fetch()


def eventually(true, seconds=10.0):
    """Wait until a condition is true."""
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.002)


def idle(credentials):
    """Return whether no notification is open."""
    return not credentials.engine.keystate.notice.pending


def test_until_the_moment_the_current_key_is_served_and_then_the_next_use_fetches(store, clock):
    credentials = CredentialProvider(store, clock=clock, random=Middle())
    credentials.get()
    store.text = "key-2"
    credentials.notify(within=30)
    assert credentials.status().next_refresh == 15
    clock.advance(14.9)
    assert [credentials() for _ in range(5)] == ["key-1"] * 5
    assert store.fetches == 1
    clock.advance(0.2)
    assert credentials() == "key-1"
    settle(credentials)
    assert (credentials(), store.fetches) == ("key-2", 2)
    assert credentials.status().next_refresh == pytest.approx(300)


def test_at_the_moment_an_idle_process_fetches_by_itself(store):
    credentials = CredentialProvider(store)
    credentials.get()
    store.text = "key-2"
    credentials.notify(within=0.2)
    eventually(lambda: idle(credentials))
    assert (credentials(), store.fetches) == ("key-2", 2)


def test_a_process_that_has_no_key_yet_fetches_one_when_it_is_told(store):
    credentials = CredentialProvider(store)
    credentials.notify(within=0)
    eventually(lambda: idle(credentials))
    assert (credentials(), store.fetches) == ("key-1", 1)


def test_moments_are_spread_over_the_window(clock):
    moments = []
    for seed in range(200):
        credentials = CredentialProvider(Store(), clock=clock, random=Random(seed))
        credentials.get()
        credentials.notify(within=10)
        moments.append(credentials.status().next_refresh)
        credentials.close()
    assert all(0 <= moment <= 10 for moment in moments)
    assert min(moments) < 1
    assert max(moments) > 9
    assert 4 < sum(moments) / len(moments) < 6


def test_a_repeated_notification_draws_no_other_moment_and_one_whose_window_ends_earlier_does(store, clock):
    dice = Middle()
    credentials = CredentialProvider(store, clock=clock, random=dice)
    credentials.get()
    before = dice.draws
    credentials.notify(within=30)
    for _ in range(10):
        clock.advance(1)
        credentials.notify(within=30)
    assert (dice.draws, credentials.status().next_refresh) == (before + 1, 5)
    credentials.notify(within=4)
    assert (dice.draws, credentials.status().next_refresh) == (before + 2, 2)


def test_the_version_that_is_served_saves_the_fetch_and_no_other_one_does(clock):
    class Versions(Store):
        def fetch(self, rejected=None):
            return ApiKey(super().fetch(rejected).get_secret_value(), provider=self.name, version="7")

    credentials = CredentialProvider(store := Versions(), clock=clock)
    credentials.notify("7", within=60)
    assert not idle(credentials)
    credentials.get()
    settle(credentials)
    assert idle(credentials)
    for version in ("7", 7):
        credentials.notify(version, within=0)
        assert idle(credentials)
    for version in ("8", 8, None, "", "6", object(), b"7", float("nan"), ["7"]):
        credentials.notify(version, within=60)
        assert not idle(credentials)
        clock.advance(61)
        credentials.get()
        settle(credentials)
        assert idle(credentials)
    assert store.fetches == 10
    assert credentials.status().counters["notifications"] == 12


@pytest.mark.parametrize("within", [-1, math.nan, math.inf, "30", None, True])
def test_a_window_that_is_none_is_refused_at_the_call(store, within):
    credentials = CredentialProvider(store)
    for call in (credentials.notify, credentials.notify_event):
        with pytest.raises(ConfigurationError, match="within"):
            call({}, within=within)
    assert credentials.status().counters["notifications"] == 0


# Its life


def test_a_notification_survives_a_failed_fetch_which_is_repeated_without_a_use(store, caplog):
    credentials = CredentialProvider(store, min_refresh_interval=0.3)
    credentials.get()
    store.error, store.text = FetchFailed("store: down."), "key-2"
    credentials.notify(within=0)
    eventually(lambda: store.fetches >= 2)
    store.error = None
    eventually(lambda: idle(credentials))
    assert credentials() == "key-2"


def test_a_notification_survives_a_fetch_under_way(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=10)
    credentials.get()
    clock.advance(12)
    store.entered.acquire()
    store.gate.clear()
    assert credentials() == "key-1"
    assert store.entered.acquire(timeout=10)
    store.text = "key-2"
    credentials.notify(within=0)
    store.gate.set()
    eventually(lambda: idle(credentials))
    assert (credentials(), store.fetches) == ("key-2", 3)


def test_a_notification_during_the_fetch_for_another_one_has_a_fetch_of_its_own_after_the_interval(store, clock):
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5)
    credentials.get()
    store.entered.acquire()
    store.gate.clear()
    credentials.notify(within=0)
    assert store.entered.acquire(timeout=10)
    for _ in range(50):
        credentials.notify(within=0)
    store.text = "key-2"
    store.gate.set()
    eventually(lambda: credentials.engine.flight is None)
    assert (credentials(), store.fetches) == ("key-1", 2)
    assert credentials.status().next_refresh == 5
    clock.advance(5.1)
    credentials.get()
    settle(credentials)
    assert (credentials(), store.fetches, idle(credentials)) == ("key-2", 3, True)


@pytest.mark.parametrize("fetch", ["refresh", "reject"])
def test_any_successful_fetch_that_began_later_answers_a_notification(store, clock, fetch):
    credentials = CredentialProvider(store, clock=clock)
    key = credentials.get()
    credentials.notify(within=30)
    store.text = "key-2"
    credentials.refresh() if fetch == "refresh" else credentials.reject(key)
    settle(credentials)
    assert (idle(credentials), store.fetches) == (True, 2)
    clock.advance(31)
    credentials.get()
    settle(credentials)
    assert store.fetches == 2


def test_a_store_that_has_only_what_was_refused_has_answered(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    credentials.reject(credentials.get())
    credentials.notify(within=0)
    eventually(lambda: idle(credentials))
    assert store.fetches == 3


def test_a_notification_cuts_a_backoff_short_but_not_below_the_interval(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=10, min_refresh_interval=5)
    credentials.get()
    store.error = FetchFailed("store: down.")
    for _ in range(7):
        clock.advance(max(credentials.status().next_refresh, 0.001))
        credentials.get()
        settle(credentials)
    assert credentials.status().next_refresh > 50
    store.error, store.text = None, "key-2"
    clock.advance(1)
    credentials.notify(within=0)
    assert 3.9 < credentials.status().next_refresh <= 4
    clock.advance(3.9)
    credentials.get()
    settle(credentials)
    assert credentials() == "key-1"
    clock.advance(0.2)
    credentials.get()
    settle(credentials)
    assert credentials() == "key-2"


def test_a_notification_cuts_the_backoff_of_an_empty_start_short(store, clock):
    store.error = Unavailable("store: not here.")
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5)
    for _ in range(8):
        with pytest.raises(NoCredentials):
            credentials.get()
        before = store.fetches
        clock.advance(140)
    clock.advance(-130)
    with pytest.raises(NoCredentials):
        credentials.get()
    assert store.fetches == before
    store.error = None
    credentials.notify(within=1)
    clock.advance(1)
    assert credentials() == "key-1"


def test_while_all_fetches_fail_the_pauses_between_them_grow(clock):
    notice = Notice(5.0, Middle())
    notice.arrange(1, clock(), 10)
    pauses = []
    for tick in range(2, 12):
        clock.advance(notice.at - clock())
        notice.begun()
        notice.landed(tick, clock(), reached=False)
        pauses.append(round(notice.at - clock()))
    assert pauses == [5, 5, 5, 8, 17, 34, 67, 134, 269, 315]


def test_another_notification_cuts_those_pauses_short(clock):
    notice = Notice(5.0, Middle())
    for tick in range(1, 20, 2):
        notice.arrange(tick, clock(), 0)
        assert notice.at - clock() <= 5
        clock.advance(5)
        notice.begun()
        notice.landed(tick + 1, clock(), reached=False)
    assert notice.pending


def test_a_scheduled_fetch_after_a_notification_looks_past_the_cache_too(clock):
    store = Newer()
    credentials = CredentialProvider(store, clock=clock, ttl=10)
    key = credentials.get()
    store.text = "key-2"
    credentials.notify(within=1000)
    clock.advance(12)
    credentials.get()
    settle(credentials)
    assert (credentials(), store.currents, idle(credentials)) == ("key-2", [key], True)
    clock.advance(12)
    credentials.get()
    settle(credentials)
    assert store.currents == [key]


def test_a_fetch_for_a_notification_asks_no_link_below_the_one_that_serves(clock):
    upper, lower = Newer(name="upper"), Newer(name="lower")
    credentials = CredentialProvider(upper, lower, clock=clock)
    credentials.get()
    credentials.notify(within=0)
    eventually(lambda: idle(credentials))
    assert (len(upper.currents), lower.fetches) == (1, 0)


def test_a_link_above_the_one_that_serves_is_asked_without_a_current_key(clock):
    upper, lower = Newer(name="upper"), Newer(name="lower")
    upper.error = Unavailable("upper: not here.")
    credentials = CredentialProvider(upper, lower, clock=clock)
    key = credentials.get()
    credentials.notify(within=0)
    eventually(lambda: idle(credentials))
    assert (upper.currents, lower.currents) == ([None], [key])


# What is told of it


def test_the_event_comes_once_for_each_fetch_that_is_arranged_and_the_counter_counts_all(store, clock, caplog):
    caplog.set_level(logging.DEBUG, "genai_credentials")
    told = []
    credentials = CredentialProvider(store, clock=clock, on_event=lambda event: told.append(event))
    key = credentials.get()
    for rounds in (1, 2):
        for _ in range(100):
            credentials.notify(within=30)
        credentials.notify(within=20)
        eventually(lambda rounds=rounds: [event.name for event in told].count("notified") == rounds)
        clock.advance(31)
        credentials.get()
        settle(credentials)
    assert credentials.status().counters["notifications"] == 202
    eventually(lambda: len(told) == 5)
    (first, _) = (event for event in told if event.name == "notified")
    assert (first.provider, first.fingerprint) == ("store", key.fingerprint)
    assert [record.event for record in caplog.records].count("notified") == 2


def test_a_process_without_a_key_is_told_of_too(store, clock, caplog):
    caplog.set_level(logging.DEBUG, "genai_credentials")
    store.error = FetchFailed("store: down.")
    credentials = CredentialProvider(store, clock=clock)
    credentials.notify(within=100)
    eventually(lambda: any(getattr(record, "event", "") == "notified" for record in caplog.records))
    assert credentials.status().next_refresh is None


# Threads, signals, forks


def test_a_flood_is_bounded_by_the_interval(store):
    credentials = CredentialProvider(store, min_refresh_interval=0.2)
    credentials.get()
    started = time.perf_counter()
    for _ in range(10_000):
        credentials.notify(within=0)
    lasted = time.perf_counter() - started
    eventually(lambda: idle(credentials))
    assert store.fetches - 1 <= lasted / 0.2 + 2
    assert credentials.status().counters["notifications"] == 10_000


def test_a_thousand_providers_share_one_thread_and_are_forgotten_with_their_owners():
    providers = [CredentialProvider(lambda: "key-1") for _ in range(1_000)]
    before = {thread.ident for thread in threading.enumerate()}
    for provider in providers:
        provider.notify(within=1_000)
    eventually(lambda: all(provider.engine.keystate.notice.told for provider in providers))
    names = [thread.name for thread in threading.enumerate() if thread.ident not in before]
    assert set(names) <= {"genai-credentials-notifications"}
    assert [thread.name for thread in threading.enumerate()].count("genai-credentials-notifications") == 1
    gone = weakref.ref(providers[0].engine)
    providers.clear()
    del provider
    gc.collect()
    assert gone() is None


def test_a_closed_provider_takes_notifications_and_does_nothing(store):
    credentials = CredentialProvider(store)
    credentials.get()
    credentials.notify(within=0.05)
    credentials.close()
    credentials.notify(within=0)
    time.sleep(0.1)
    assert store.fetches == 1


def test_a_listener_and_a_provider_may_notify(clock):
    class Notifies(Store):
        def fetch(self, rejected=None):
            credentials.notify(within=60)
            return super().fetch(rejected)

    credentials = CredentialProvider(Notifies(), clock=clock, on_event=lambda event: credentials.notify(within=60))
    assert credentials() == "key-1"
    settle(credentials)
    assert not idle(credentials)
    credentials.close()


def test_threads_that_notify_at_once_are_all_counted(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    credentials.get()

    def notify():
        for _ in range(1_000):
            credentials.notify(within=30)

    threads = [threading.Thread(target=notify) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert credentials.status().counters["notifications"] == 8_000


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_a_signals_handler_may_notify_whatever_it_interrupts(store):
    credentials = CredentialProvider(store, ttl=0.0005, min_refresh_interval=0)
    before = signal.signal(signal.SIGALRM, lambda *_: credentials.notify(within=0.001))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        give_up = time.monotonic() + 1
        while time.monotonic() < give_up:
            credentials.reject(credentials.get())
            credentials.notify(within=0)
            credentials.status()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    eventually(lambda: idle(credentials))


def in_children(number, work):
    """Return the result of `work` in each of `number` forked children."""
    fork = multiprocessing.get_context("fork")

    def send(pipe):
        try:
            pipe.send(work())
        finally:
            os._exit(0)

    answers = []
    for _ in range(number):
        ours, theirs = fork.Pipe()
        fork.Process(target=send, args=(theirs,)).start()
        theirs.close()
        assert ours.poll(20)
        answers.append(ours.recv())
        ours.close()
    for child in multiprocessing.active_children():
        child.join(10)
    return answers


@forks
def test_in_a_forked_child_the_moment_stays_and_the_next_use_fetches(store, clock):
    credentials = CredentialProvider(store, clock=clock, random=Middle())
    credentials.get()
    credentials.notify(within=30)
    store.text = "key-2"

    def work():
        moment = credentials.status().next_refresh
        clock.advance(16)
        first = credentials()
        settle(credentials)
        return moment, first, credentials(), idle(credentials)

    assert in_children(2, work) == [(15, "key-1", "key-2", True)] * 2


@forks
def test_a_child_that_is_forked_in_the_middle_of_the_fetch_for_a_notification_does_it_itself(store):
    credentials = CredentialProvider(store)
    credentials.get()
    store.entered.acquire()
    store.gate.clear()
    credentials.notify(within=0)
    assert store.entered.acquire(timeout=10)

    def work():
        store.gate.set()
        store.text = "key-2"
        credentials.get()
        settle(credentials)
        return credentials(), idle(credentials)

    # A fork waits for a fetch, but not for ever; this one ends when it has.
    threading.Timer(0.3, store.gate.set).start()
    assert in_children(1, work)[0][1]


@forks
def test_a_forked_child_that_is_told_itself_fetches_without_a_use(store):
    credentials = CredentialProvider(store)
    credentials.get()
    credentials.notify(within=0)
    eventually(lambda: idle(credentials))
    store.text = "key-2"

    def work():
        credentials.notify(within=0)
        eventually(lambda: idle(credentials), 15)
        return credentials.status().counters["rotations"]

    # The parent's fetch was at most an interval ago.
    assert in_children(1, work) == [1]


@forks
def test_forked_children_have_dice_of_their_own():
    credentials = CredentialProvider(lambda: "key-1")
    credentials.get()

    def work():
        credentials.notify(within=30)
        moment = credentials.status().next_refresh
        credentials.refresh()
        return round(moment, 1), round(credentials.status().next_refresh, 1)

    drawn = in_children(8, work)
    assert len({moment for moment, _ in drawn}) > 4
    assert len({refresh for _, refresh in drawn}) > 4


def test_a_clock_that_is_turned_back_does_no_harm(store):
    clock = FakeClock(1_000.0)
    credentials = CredentialProvider(store, clock=clock)
    credentials.get()
    credentials.notify(within=10)
    clock.now = 0.0
    assert credentials() == "key-1"
