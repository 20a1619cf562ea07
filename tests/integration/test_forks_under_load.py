"""Tests of a fork during other work: imports, models under construction, pools of HTTP clients, calls that hang."""

import os
import threading
import time

import httpx
import httpx2
import pytest
from test_processes import in_child, run_script

from genai_credentials import ApiKey, CredentialProvider
from genai_credentials.forks import Lock, at_work
from genai_credentials.testing import FakeGemini

pytestmark = [
    # From 3.12 on, Python warns of each fork with threads about; that is what is tested here.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]


def at_once(work):
    """Begin work that a fork waits for, in another thread. It continues once a fork has begun. Return its thread."""
    entered = threading.Event()

    def run():
        with at_work():
            entered.set()
            time.sleep(0.2)
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert entered.wait(10)
    return thread


def test_work_that_a_fork_waits_for_may_make_what_forks_know():
    """An import of the client makes locks of this package. The import and the fork once waited for each other."""
    made, began = [], time.monotonic()
    thread = at_once(lambda: made.append(CredentialProvider(lambda: "key-1")))
    assert in_child(lambda: (len(made), made[0]())) == "(1, 'key-1')"
    thread.join(10)
    assert time.monotonic() - began < 20


def test_work_that_forks_itself_is_not_waited_for_by_another_fork():
    answers = []
    thread = at_once(lambda: answers.append(in_child(lambda: "inner")))
    assert in_child(lambda: "outer") == "outer"
    thread.join(10)
    assert answers == ["inner"]


def test_a_lock_that_work_takes_for_the_first_time_is_free_in_the_child():
    locks = []

    def take():
        locks.append(Lock())
        with locks[0]:
            time.sleep(0.2)

    thread = at_once(take)
    assert in_child(lambda: locks[0].acquire(timeout=5)) == "True"
    thread.join(10)


@pytest.mark.parametrize("module", [httpx, httpx2])
def test_a_child_needs_no_lock_of_its_parents_pool(module):
    with FakeGemini("key-1") as api, module.Client(auth=CredentialProvider(lambda: "key-1").httpx_auth()) as client:
        url = f"{api.base_url}/v1beta/models"
        assert client.get(url).status_code == 200
        pool = client._transport._pool
        inside, done = threading.Event(), threading.Event()

        def hold():
            with pool._optional_thread_lock:
                inside.set()
                done.wait(20)

        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        assert inside.wait(10)
        try:
            assert in_child(lambda: client.get(url).status_code) == "200"
        finally:
            done.set()
            thread.join(10)
        assert client.get(url).status_code == 200


def test_a_child_has_room_in_its_pool_although_its_parents_requests_fill_it():
    with FakeGemini("key-1") as api:
        limits = httpx.Limits(max_connections=1)
        auth = CredentialProvider(lambda: "key-1").httpx_auth()
        with httpx.Client(auth=auth, limits=limits, timeout=10) as client:
            url = f"{api.base_url}/v1beta/models"
            assert client.get(url).status_code == 200
            held, done = threading.Event(), threading.Event()

            def hold():
                with client.stream("GET", url) as answer:
                    held.set()
                    done.wait(20)
                    answer.read()

            thread = threading.Thread(target=hold, daemon=True)
            thread.start()
            assert held.wait(10)
            try:
                assert in_child(lambda: client.get(url).status_code) == "200"
            finally:
                done.set()
                thread.join(10)


def test_a_fork_waits_for_models_of_the_sdk_that_are_built():
    import pydantic.main

    with FakeGemini("key-1") as api:
        credentials = CredentialProvider(lambda: "key-1")
        with credentials.client(http_options={"base_url": api.base_url}):
            lock = getattr(pydantic.main, "_rebuild_lock", None)
            if lock is None:
                pytest.skip("this pydantic has no lock")
            inside = threading.Event()

            def build():
                with lock:
                    inside.set()
                    time.sleep(0.2)

            thread = threading.Thread(target=build, daemon=True)
            thread.start()
            assert inside.wait(10)
            assert in_child(lambda: lock.acquire(timeout=5)) == "True"
            thread.join(10)
            assert lock.acquire(timeout=5)
            lock.release()


def test_the_first_call_of_a_child_that_hangs_is_made_again_with_a_fresh_client():
    """A call of the parent's library that ran at the fork may make this call hang for ever."""
    parent = os.getpid()

    class Store:
        name = "store"

        def __init__(self):
            self.calls = self.clients = 0

        def fetch(self, rejected=None):
            if os.getpid() != parent:
                self.calls += 1
                if self.calls == 1:
                    threading.Event().wait()
            return ApiKey(f"key-{self.clients}", provider="store")

        def reconnect(self):
            self.clients += 1

    store = Store()
    credentials = CredentialProvider(store, fetch_timeout=2)
    assert credentials() == "key-0"
    began = time.monotonic()
    assert in_child(lambda: (credentials.refresh().get_secret_value(), store.calls)) == "('key-1', 2)"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("without", ["", "aiohttp"])
def test_what_anyio_loads_is_there_after_the_first_asynchronous_request(without):
    """After a fork during that import, the child waited for the import for ever. With this package, the fork waits."""
    done = run_script(
        f"""
        import asyncio, sys
        sys.modules["{without}"] = None
        from genai_credentials import CredentialProvider
        from genai_credentials.testing import FakeGemini
        async def ask(client):
            await client.aio.models.generate_content(model="m", contents="hi")
        with FakeGemini("AIzaExample-key-1") as api:
            credentials = CredentialProvider(lambda: "AIzaExample-key-1")
            asyncio.run(ask(credentials.client(http_options={{"base_url": api.base_url}})))
        print("anyio._backends._asyncio" in sys.modules)
        """
    )
    assert done.stdout.strip() == "True", done.stderr
