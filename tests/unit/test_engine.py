"""Tests of the engine: cache, single flight, rejection. The tests count fetches and set the time."""

import asyncio
import logging
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_credentials import (
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    FetchFailed,
    GoogleSecretManager,
    NoCredentials,
    Unavailable,
)
from genai_credentials.testing import SecretManagerEmulator
from stores import Store, settle


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_fresh_key_is_served_without_a_fetch(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert {credentials().encode() for _ in range(100)} == {b"key-1"}
    assert store.fetches == 1


def test_past_its_ttl_the_key_is_served_at_once_while_one_fetch_runs(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=300)
    credentials.get()
    store.entered.acquire()
    clock.advance(331)
    store.text = "key-2"
    store.gate.clear()
    assert credentials() == "key-1"
    assert store.entered.acquire(timeout=10)
    assert [credentials() for _ in range(50)] == ["key-1"] * 50
    store.gate.set()
    settle(credentials)
    assert credentials() == "key-2"
    assert store.fetches == 2


def test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once(store, clock, caplog):
    credentials = CredentialProvider(store, clock=clock, ttl=10, max_stale=10_000)
    credentials.get()
    store.error = FetchFailed("store: down.")
    for _ in range(600):
        clock.advance(1)
        assert credentials() == "key-1"
        settle(credentials)
    assert len(warnings_of(caplog)) == 1
    assert 5 <= store.fetches <= 13
    store.error = None
    clock.advance(400)
    credentials.get()
    settle(credentials)
    assert credentials.status().state == "FRESH"


def test_past_max_stale_callers_wait_and_get_the_error(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=10, max_stale=20)
    credentials.get()
    store.error = FetchFailed("store: down.")
    clock.advance(31)
    with pytest.raises(NoCredentials, match="store: broken - down"):
        credentials.get()


def test_an_empty_start_is_remembered_and_cannot_hammer(store, clock):
    store.error = FetchFailed("store: down.", remedy="Wait.")
    credentials = CredentialProvider(store, clock=clock)
    for _ in range(50):
        with pytest.raises(NoCredentials) as caught:
            credentials.get()
    assert store.fetches == 1
    assert caught.value.attempts[0].outcome == "broken"
    assert caught.value.remedy == "Wait."
    clock.advance(1.2)
    store.error = None
    assert credentials() == "key-1"


def test_absent_links_are_passed_quietly_and_broken_ones_with_one_warning(clock, caplog):
    absent, broken, good = Store(name="absent"), Store(name="broken"), Store(name="good")
    absent.error, broken.error = Unavailable("absent: not here."), FetchFailed("broken: denied.", remedy="Grant it.")
    credentials = CredentialProvider(absent, broken, good, clock=clock, ttl=10)
    for _ in range(3):
        credentials.get()
        clock.advance(12)
        settle(credentials)
    assert warnings_of(caplog) == ["broken: broken - denied. Grant it."]
    assert [link.outcome for link in credentials.status().links] == ["absent", "broken", "serving"]


def test_a_scheduled_refresh_never_trades_a_working_key_for_a_lower_links(clock):
    upper, lower = Store("upper", "upper"), Store("lower", "lower")
    credentials = CredentialProvider(upper, lower, clock=clock, ttl=10)
    credentials.get()
    upper.error = Unavailable("upper: gone.")
    clock.advance(12)
    credentials.get()
    settle(credentials)
    assert credentials() == "upper"
    assert lower.fetches == 0
    assert credentials.reject(credentials.get()).get_secret_value() == "lower"


def test_a_rejected_key_is_replaced_by_one_fetch_that_knows_it(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    old = credentials.get()
    store.text = "key-2"
    new = credentials.reject(old)
    assert new.get_secret_value() == credentials() == "key-2"
    assert store.rejected == [None, old]


def test_a_rejection_of_a_key_that_is_no_longer_current_costs_no_fetch(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    old = credentials.get()
    store.text = "key-2"
    credentials.reject(old)
    assert credentials.reject(old).get_secret_value() == "key-2"
    assert store.fetches == 2


def test_nothing_better_is_none_at_once_and_fetches_keep_their_interval(store, clock):
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5)
    key = credentials.get()
    assert [credentials.reject(key) for _ in range(20)] == [None] * 20
    assert store.fetches == 2
    clock.advance(4.9)
    assert credentials.reject(key) is None
    assert store.fetches == 2
    clock.advance(0.1)
    store.text = "key-2"
    assert credentials.reject(key).get_secret_value() == "key-2"
    assert store.fetches == 3


def test_a_rejection_without_a_request_gets_no_key_that_was_refused_at_this_very_instant(clock):
    """A loop may try two keys in turn. With such a key it would never end."""
    credentials = CredentialProvider(lambda: "upper", lambda: "lower", clock=clock)
    upper = credentials.get()
    lower = credentials.reject(upper)
    assert credentials.reject(lower) is None
    clock.advance(1)
    assert credentials.reject(lower) == upper


def test_an_api_that_refuses_everything_costs_one_fetch_an_interval(store, clock):
    credentials = CredentialProvider(store, clock=clock, min_refresh_interval=5)
    credentials.get()
    for _ in range(6000):
        assert credentials.reject(credentials.get()) is None
        clock.advance(0.01)
    assert store.fetches - 1 <= 12


def test_a_link_whose_key_is_in_quarantine_is_passed_over(clock):
    env, store = Store("dead", "env"), Store("alive", "store")
    credentials = CredentialProvider(env, store, clock=clock, ttl=10)
    assert credentials.reject(credentials.get()).get_secret_value() == "alive"
    clock.advance(12)
    credentials.get()
    settle(credentials)
    assert credentials() == "alive"
    assert [link.outcome for link in credentials.status().links] == ["rejected", "serving"]


def test_a_fetch_that_began_before_the_rejection_is_no_answer_to_it(store, clock):
    credentials = CredentialProvider(store, clock=clock, ttl=10)
    old = credentials.get()
    store.entered.acquire()
    clock.advance(12)
    store.gate.clear()
    credentials.get()
    assert store.entered.acquire(timeout=10)
    store.text = "key-2"
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(credentials.reject, old)
        store.gate.set()
        assert answer.result(10).get_secret_value() == "key-2"
    assert store.rejected == [None, None, old]
    assert credentials() == "key-2"


def test_no_parole_while_a_fetch_is_under_way_that_may_bring_a_better_key(store, clock):
    """Otherwise the last attempt of a request would use a key that the API refused for other requests."""
    credentials = CredentialProvider(store, clock=clock, patience=0)
    first = credentials.get()
    store.text = "key-2"
    second = credentials.reject(first)
    store.text = "key-3"
    late = credentials.engine.reject_steps(second, {first.fingerprint, second.fingerprint})
    next(late).landing.wait()
    third = credentials.get()
    credentials.accept(third)
    store.text = "key-4"
    store.gate.clear()
    pending = next(credentials.engine.reject_steps(third, {third.fingerprint}))
    waits_for = next(late)
    store.gate.set()
    assert waits_for == pending
    waits_for.landing.wait()
    with pytest.raises(StopIteration) as end:
        next(late)
    assert end.value.value.get_secret_value() == "key-4"
    assert credentials.status().counters["paroles"] == 0


def test_refresh_fetches_now_and_tells_of_a_failure_without_dropping_the_key(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    credentials.get()
    store.text = "key-2"
    assert credentials.refresh().get_secret_value() == "key-2"
    store.error = FetchFailed("store: down.")
    with pytest.raises(FetchFailed, match="down"):
        credentials.refresh()
    assert credentials() == "key-2"
    assert asyncio.run(credentials.aget()).get_secret_value() == "key-2"


@pytest.mark.parametrize("callers", [200])
def test_threads_and_tasks_that_meet_an_empty_cache_cause_one_fetch(store, clock, callers):
    store.gate.clear()
    credentials = CredentialProvider(store, clock=clock)
    assert herd(credentials.get, credentials.aget, callers, store) == {"key-1"}
    assert store.fetches == 1


def test_threads_and_tasks_that_meet_the_same_rejection_cause_one_fetch(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    old = credentials.get()
    store.entered.acquire()
    store.text = "key-2"
    store.gate.clear()
    assert herd(lambda: credentials.reject(old), lambda: credentials.areject(old), 200, store) == {"key-2"}
    assert store.fetches == 2


def test_followers_share_the_error_too(store, clock):
    store.error = FetchFailed("store: down.")
    store.gate.clear()
    credentials = CredentialProvider(store, clock=clock)

    def get():
        with pytest.raises(NoCredentials):
            credentials.get()

    async def aget():
        with pytest.raises(NoCredentials):
            await credentials.aget()

    assert herd(get, aget, 50, store) == {None}
    assert store.fetches == 1


def test_the_herd_costs_one_access_at_a_real_store():
    with SecretManagerEmulator() as store:
        secret = "projects/p/secrets/s"
        store.add(secret, "key-1")
        credentials = CredentialProvider(GoogleSecretManager(secret, client=store.client))
        at_store = Emulated(store)
        store.hold()
        assert herd(credentials.get, credentials.aget, 200, at_store) == {"key-1"}
        assert store.accesses == 1
        old = credentials.get()
        store.add(secret, "key-2")
        store.hold()
        assert herd(lambda: credentials.reject(old), lambda: credentials.areject(old), 200, at_store) == {"key-2"}
        # Version 2, and that there is no 3, both by number; `latest` isn't asked.
        accesses = [name for method, name in store.calls if method == "AccessSecretVersion"]
        assert accesses[1:] == [f"{secret}/versions/2", f"{secret}/versions/3"]
        assert credentials.status().counters["fetches"] == 2


class Emulated:
    """An emulator of a store whose answers the test can hold back and release."""

    def __init__(self, store):
        self.store, self.entered, self.gate = store, self, self

    def acquire(self, timeout):
        return self.store.wait_for_calls(len(self.store.calls) or 1, timeout)

    def set(self):
        self.store.release()


def herd(call, acall, callers, store):
    """Return the results of many threads, and of many tasks on three loops. The store answers when all of them wait."""
    waiting = threading.Barrier(callers + 3 + 1)

    def in_thread():
        waiting.wait(20)
        return text(call())

    def in_loop():
        async def all_tasks():
            tasks = [asyncio.create_task(acall()) for _ in range(callers)]
            await asyncio.sleep(0)
            waiting.wait(20)
            return {text(key) for key in await asyncio.gather(*tasks)}

        return asyncio.run(all_tasks())

    with ThreadPoolExecutor(callers + 3) as pool:
        threads = [pool.submit(in_thread) for _ in range(callers)]
        loops = [pool.submit(in_loop) for _ in range(3)]
        waiting.wait(20)
        assert store.entered.acquire(timeout=10)
        store.gate.set()
        return {thread.result(20) for thread in threads}.union(*(loop.result(20) for loop in loops))


def text(key):
    return key and key.get_secret_value()


def test_a_cancelled_waiter_does_not_cancel_the_fetch_for_the_others(store):
    store.gate.clear()
    credentials = CredentialProvider(store)

    async def main():
        first, second = asyncio.create_task(credentials.aget()), asyncio.create_task(credentials.aget())
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await credentials.aget()
        store.gate.set()
        return await second

    assert text(asyncio.run(main())) == "key-1"
    assert store.fetches == 1


def test_a_call_that_hangs_is_replaced_twice_and_no_more(store, clock):
    """A store that answers again serves. A store that never answers costs three threads."""
    store.gate.clear()
    credentials = CredentialProvider(store, Store("lower"), clock=clock, max_stale=1e9)
    link = credentials.engine.links[0]
    # The one that hangs alone: on a busy machine a healthy one may take its time.
    link.fetch = lambda rejected, timeout: type(link).fetch(link, rejected, 0.05)
    asked = []
    for _ in range(20):
        assert credentials() == "lower"
        asked.append((store.fetches, credentials.status().links[0].abandoned))
        link._next_at = -math.inf
        clock.advance(331)
        credentials.get()
        settle(credentials)
    assert sorted(set(asked)) == [(1, 1), (2, 2), (3, 2)]
    assert "fetch_timeout" in credentials.status().links[0].reason
    store.gate.set()
    del link.fetch
    for job in link._hanging:
        job.future.result(10)
    clock.advance(400)
    credentials.get()
    settle(credentials)
    assert (credentials(), credentials.status().links[0].abandoned) == ("key-1", 0)


def test_after_a_call_that_hangs_comes_one_with_a_fresh_client_and_after_two_a_pause(store, clock):
    dropped = []
    store.reconnect = lambda: dropped.append(store.fetches)
    store.gate.clear()
    credentials = CredentialProvider(store, Store("lower"), fetch_timeout=0.2, clock=clock, max_stale=1e9)
    for _ in range(5):
        credentials.get()
        clock.advance(331)
        credentials.get()
        settle(credentials)
    # The third comes 0.2 s after the second was given up, which is later than these.
    assert dropped == [1, 2]
    store.gate.set()


def test_an_error_that_is_none_of_ours_is_named_by_its_class_alone(clock):
    def secretive():
        raise ValueError("AIza-secret")

    credentials = CredentialProvider(secretive, clock=clock)
    with pytest.raises(NoCredentials, match="raised ValueError") as caught:
        credentials.get()
    assert "AIza-secret" not in str(caught.value)


def test_status_counts_and_holds_nothing_secret(store, clock):
    credentials = CredentialProvider(store, clock=clock)
    assert credentials.status().state == "EMPTY"
    key = credentials.get()
    status = credentials.status()
    assert (status.fingerprint, status.provider, status.version) == (key.fingerprint, "store", None)
    assert status.counters["fetches"] == 1
    assert "key-1" not in repr(status) + repr(credentials)
    with pytest.raises(AttributeError):
        status.state = "x"
    with pytest.raises(TypeError):
        status.counters["fetches"] = 7


def test_a_closed_provider_serves_no_more(store):
    with CredentialProvider(store) as credentials:
        key = credentials.get()
    with pytest.raises(CredentialsError, match="closed"):
        credentials.get()
    assert credentials.reject(key) is None

    async def main():
        async with CredentialProvider(store) as other:
            return await other.aget()

    assert asyncio.run(main()) == key


def test_closing_while_a_fetch_is_under_way_ends_the_waiters(store):
    store.gate.clear()
    credentials = CredentialProvider(store)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(credentials.get)
        assert store.entered.acquire(timeout=10)
        credentials.close()
        store.gate.set()
        with pytest.raises(CredentialsError, match="closed"):
            waiter.result(10)


@pytest.mark.parametrize(
    "options",
    [
        {"ttl": 0},
        {"ttl": -1},
        {"ttl": "300"},
        {"ttl": float("nan")},
        {"max_stale": -1},
        {"min_refresh_interval": -0.1},
        {"fetch_timeout": 0},
        {"fetch_timeout": True},
    ],
)
def test_durations_that_make_no_sense_are_refused(options, store):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        CredentialProvider(store, **options)


def test_a_chain_needs_providers_and_reject_a_key(store):
    with pytest.raises(ConfigurationError):
        CredentialProvider()
    with pytest.raises(TypeError, match="ApiKey"):
        CredentialProvider(store).reject("text")
