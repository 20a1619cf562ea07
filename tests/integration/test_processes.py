"""Forks, threads, exits: what a production server does to a process, over keep-alive connections."""

import os
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from genai_credentials import (
    ApiKey,
    AWSSecretsManager,
    CredentialProvider,
    FetchFailed,
    GoogleSecretManager,
    NoCredentials,
)
from genai_credentials.testing import AWSEmulator, FakeGemini, SecretManagerEmulator
from genai_credentials.workers import _rest
from stores import settle

pytestmark = [
    # From 3.12 on, Python warns of each fork with threads about; that is what is tested here.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]


def in_child(work):
    """What `work` returns in a forked child, as text; fails if it takes over 20 s."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = str(work())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    watchdog = threading.Timer(20, os.kill, (child, 9))
    watchdog.start()
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    watchdog.cancel()
    return text


def test_each_child_reads_its_own_secret_over_its_own_connection():
    """One shared keep-alive connection gave children each other's secrets, up to 11 wrong of 12."""
    with AWSEmulator() as store:
        for number in range(5):
            store.add(f"secret-{number}", f"key-{number}")
        providers = [AWSSecretsManager(f"secret-{number}", client=store.client) for number in range(5)]
        assert providers[4].fetch().get_secret_value() == "key-4"
        before = store.connections

        def read(number):
            answers = {providers[number].fetch().get_secret_value() for _ in range(100)}
            return ",".join(answers)

        results = {}
        children = [
            threading.Thread(target=lambda number=number: results.update({number: in_child(lambda: read(number))}))
            for number in range(4)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(30)
        assert results == {number: f"key-{number}" for number in range(4)}
        assert store.connections - before == 4
        assert store.reads == 401


def test_a_child_has_its_own_grpc_channel():
    with SecretManagerEmulator() as store:
        store.add("projects/p/secrets/s", "key-1")
        credentials = CredentialProvider(GoogleSecretManager("projects/p/secrets/s", client=store.client))
        credentials.get()
        store.add("projects/p/secrets/s", "key-2")
        assert in_child(lambda: credentials.refresh().get_secret_value()) == "key-2"
        assert len(store.peers) == 2


def test_a_client_made_before_the_fork_is_refused_in_the_child():
    with AWSEmulator() as store:
        store.add("s", "key-1")
        credentials = CredentialProvider(AWSSecretsManager("s", client=store.client()))
        credentials.get()
        assert "factory" in in_child(lambda: credentials.refresh())
        assert in_child(credentials) == "key-1"


@pytest.fixture(params=[False, True], ids=["http", "https"])
def api(request, monkeypatch):
    with FakeGemini("key-1", tls=request.param) as server:
        if server.ca_file:
            monkeypatch.setenv("SSL_CERT_FILE", server.ca_file)
        yield server


@contextmanager
def asking_with_genai(credentials, api):
    with credentials.client(http_options={"base_url": api.base_url}) as client:
        yield lambda text: client.models.generate_content(model="m", contents=text).text


@contextmanager
def asking_with_httpx(credentials, api):
    verify = ssl.create_default_context(cafile=api.ca_file)
    with httpx.Client(auth=credentials.httpx_auth(), verify=verify) as client:

        def ask(text):
            body = {"contents": [{"parts": [{"text": text}]}]}
            answer = client.post(f"{api.base_url}/v1beta/models/m:generateContent", json=body).json()
            return answer["candidates"][0]["content"]["parts"][0]["text"]

        yield ask


@pytest.mark.parametrize("asking", [asking_with_genai, asking_with_httpx])
def test_each_child_gets_its_own_answers_of_the_api(api, asking):
    """A stock client that had sent a request before the fork gave children each other's answers."""
    with asking(CredentialProvider(lambda: "key-1"), api) as ask:

        def ask_often(name):
            return sum(ask(f"{name} {number}") != f"pong: {name} {number}" for number in range(50))

        assert ask("parent") == "pong: parent"
        with ThreadPoolExecutor(4) as threads:
            wrong = list(threads.map(lambda name: in_child(lambda: ask_often(name)), "abcd"))
        assert wrong == ["0"] * 4
        assert ask("parent again") == "pong: parent again"
    # The parent's, which it still had, and one for each child.
    assert api.connections == 5


def test_a_fork_in_the_middle_of_a_fetch_deadlocks_nobody():
    gate, entered, here = threading.Event(), threading.Semaphore(0), os.getpid()

    class Slow:
        name = "slow"

        def fetch(self, rejected=None):
            if os.getpid() == here:
                entered.release()
                assert gate.wait(20)
            return ApiKey(f"key-of-{'parent' if os.getpid() == here else 'child'}", provider="slow")

    credentials = CredentialProvider(Slow())
    waiter = threading.Thread(target=credentials.get)
    waiter.start()
    assert entered.acquire(timeout=10)
    assert in_child(credentials) == "key-of-child"
    gate.set()
    waiter.join(10)
    assert credentials() == "key-of-parent"


def test_forking_while_threads_use_the_engine_deadlocks_nobody():
    credentials = CredentialProvider(lambda: "key-1", ttl=0.001)
    stop = threading.Event()

    def use():
        while not stop.is_set():
            credentials.reject(credentials.get())

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert in_child(credentials) == "key-1"
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def test_threads_that_fork_at_once_deadlock_nobody():
    providers = [CredentialProvider(lambda: "key-1") for _ in range(20)]

    def fork_often():
        for _ in range(25):
            child = os.fork()
            if child == 0:
                os._exit(0 if providers[0]() == "key-1" else 1)
            os.waitpid(child, 0)

    threads = [threading.Thread(target=fork_often, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert {provider() for provider in providers} == {"key-1"}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_of_each_kind(method, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys
            from genai_credentials import CredentialProvider

            credentials = CredentialProvider(lambda: "key-1")

            def work(_):
                return credentials()

            if __name__ == "__main__":
                credentials()
                with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                    print(set(pool.map(work, range(8))))
            """
        )
    )
    done = subprocess.run([sys.executable, script, method], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.strip() == "{'key-1'}"


def run(script, timeout=30):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=timeout, check=False
    )


def test_a_hung_fetch_does_not_hold_up_the_interpreters_exit():
    started = time.monotonic()
    done = run(
        """
        import threading
        from genai_credentials import CredentialProvider
        entered = threading.Event()
        def hang():
            entered.set()
            threading.Event().wait()
        credentials = CredentialProvider(hang, lambda: "key-2", fetch_timeout=0.1)
        print(credentials())
        """
    )
    assert done.stdout.strip() == "key-2"
    assert done.returncode == 0
    assert time.monotonic() - started < 15


def test_a_key_is_served_at_interpreter_shutdown_when_no_thread_can_be_started():
    done = run(
        """
        import atexit, logging
        from genai_credentials import CredentialProvider
        from genai_credentials.testing import FakeClock
        clock = FakeClock()
        credentials = CredentialProvider(lambda: "key-1", clock=clock)
        credentials()
        clock.advance(400)
        atexit.register(lambda: print(credentials(), credentials()))
        """
    )
    assert done.stdout.strip() == "key-1 key-1"


def test_a_process_out_of_threads_serves_the_key_it_has_and_says_why_it_has_none(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    credentials = CredentialProvider(lambda: "key-1", ttl=0.001)
    credentials.get()
    settle(credentials)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(_rest, "workers", [])
    assert [credentials() for _ in range(3)] == ["key-1"] * 3
    with pytest.raises(NoCredentials, match="no thread could be started"):
        CredentialProvider(lambda: "key-1").get()
    with pytest.raises(FetchFailed, match="no thread could be started"):
        credentials.refresh()


def test_a_keyboard_interrupt_in_a_waiter_leaves_the_fetch_to_the_others():
    done = run(
        """
        import os, signal, threading
        from genai_credentials import CredentialProvider
        gate, entered = threading.Event(), threading.Event()
        def slow():
            entered.set()
            gate.wait(20)
            return "key-1"
        credentials = CredentialProvider(slow)
        main, interrupted = threading.get_ident(), threading.Event()
        def once(*_):
            if not interrupted.is_set():
                interrupted.set()
                raise KeyboardInterrupt
        signal.signal(signal.SIGINT, once)
        def interrupt():
            entered.wait(10)
            # One that comes as the waiter falls asleep doesn't wake it: the interpreter takes note, and sleeps on.
            while not interrupted.wait(0.05):
                signal.pthread_kill(main, signal.SIGINT)
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            credentials.get()
        except KeyboardInterrupt:
            print("interrupted")
        gate.set()
        print(credentials(), credentials.status().counters["fetches"])
        """
    )
    assert done.stdout.split() == ["interrupted", "key-1", "1"]
