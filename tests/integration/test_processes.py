"""Tests of forks, threads and exits, as production servers do them, over keep-alive connections."""

import logging
import math
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
    forks,
)
from genai_credentials.testing import AWSEmulator, FakeClock, FakeGemini, SecretManagerEmulator
from genai_credentials.workers import _rest, run
from stores import settle

pytestmark = [
    # From 3.12 on, Python warns of each fork with threads about; that is what is tested here.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]


def in_child(work):
    """Return the result of `work` in a forked child, as text. Fail if the child takes over 20 s."""
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
    """With one shared keep-alive connection, children read each other's secrets: up to 11 of 12 were wrong."""
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
    """With a stock client that sent a request before the fork, children read each other's answers."""
    with asking(CredentialProvider(lambda: "key-1"), api) as ask:

        def ask_often(name):
            return sum(ask(f"{name} {number}") != f"pong: {name} {number}" for number in range(50))

        assert ask("parent") == "pong: parent"
        with ThreadPoolExecutor(4) as threads:
            wrong = list(threads.map(lambda name: in_child(lambda: ask_often(name)), "abcd"))
        assert wrong == ["0"] * 4
        assert ask("parent again") == "pong: parent again"
    # One for each child, and the parent's. The parent opens a second one if the children took over 5 s: httpx closes a
    # connection that was idle for so long.
    assert api.connections in (5, 6)


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


# What a fork waits for, and what it doesn't


def seconds_to_fork():
    """Return the seconds that a fork takes. Its child ends at once."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(0)
    taken = time.monotonic() - began
    os.waitpid(child, 0)
    return taken


@contextmanager
def working(longest=forks.LONGEST_WAIT):
    """Run work in another thread, until the yielded event is set or the block ends."""

    def work():
        with forks.at_work(longest):
            begun.set()
            assert over.wait(20)

    begun, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    try:
        yield over
    finally:
        over.set()
        thread.join(20)


def test_a_fork_waits_until_work_is_over():
    with working() as over, ThreadPoolExecutor(1) as thread:
        forked = thread.submit(seconds_to_fork)
        with pytest.raises(TimeoutError):
            forked.result(0.2)
        over.set()
        assert 0.2 <= forked.result(20) < forks.LONGEST_WAIT


def test_many_forks_wait_for_one_call_no_longer_than_one():
    with working(longest=0.4):
        assert 0.4 <= seconds_to_fork() < 5
        assert sum(seconds_to_fork() for _ in range(10)) < 10 * 0.4 / 2


def test_no_work_begins_while_a_fork_waits():
    begun = threading.Event()

    def begin():
        with forks.at_work():
            begun.set()

    beginning = threading.Thread(target=begin)
    with working() as over, ThreadPoolExecutor(1) as threads:
        forked = threads.submit(seconds_to_fork)
        with pytest.raises(TimeoutError):
            forked.result(0.2)
        beginning.start()
        assert not begun.wait(0.2)
        over.set()
        forked.result(20)
        assert begun.wait(10)
        beginning.join(10)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_fork_that_waits_for_one_lock_holds_no_other(order):
    locks, taken, forking = [forks.Lock(), forks.Lock()], threading.Event(), threading.Event()
    first, second = (locks[number] for number in order)

    def nested():
        with first:
            taken.set()
            assert forking.wait(10)
            time.sleep(0.1)
            with second:
                return True

    with ThreadPoolExecutor(2) as threads:
        working = threads.submit(nested)
        assert taken.wait(10)
        forked = threads.submit(seconds_to_fork)
        forking.set()
        assert working.result(20)
        assert forked.result(20) < forks.LONGEST_WAIT


def test_a_fork_that_waits_for_the_lock_of_logging_holds_up_no_request():
    """An interrupt may leave that lock taken for ever. Then forks wait for it, and requests do not."""
    keys = iter(map("key-{}".format, range(100)))
    credentials = CredentialProvider(lambda: next(keys), redact_logs=False)
    # Whether a logger is enabled, logging keeps for each level that was asked for, and takes its lock for another.
    credentials.get()
    credentials.refresh()
    with ThreadPoolExecutor(1) as threads:
        with logging._lock:
            forked = threads.submit(seconds_to_fork)
            with pytest.raises(TimeoutError):
                forked.result(0.3)
            asked = run(credentials.refresh, "asking")
            assert asked.result(10).get_secret_value() == "key-2"
        forked.result(20)


def test_work_that_other_work_waits_for_goes_on_while_a_fork_waits():
    forking = threading.Event()

    def outer():
        with forks.at_work():
            begun.set()
            assert forking.wait(10)
            # A job of another thread's, and more work of this one's.
            run(lambda: None, "inner").result(10)
            with forks.at_work():
                return True

    begun = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        working = threads.submit(outer)
        assert begun.wait(10)
        forked = threads.submit(seconds_to_fork)
        with pytest.raises(TimeoutError):
            forked.result(0.2)
        forking.set()
        assert forked.result(20) < forks.LONGEST_WAIT
        assert working.result(20)


def test_work_that_hands_something_to_an_executor_goes_on_while_a_fork_waits():
    """Looking up a host name in an event loop is such work. A fork holds the lock of an executor."""
    done = run_script(
        """
        import asyncio, os, threading, time
        from genai_credentials import CredentialProvider
        begun, forking = threading.Event(), threading.Event()
        async def read():
            await asyncio.to_thread(forking.wait, 0.5)
            await asyncio.to_thread(time.sleep, 0)
            return "key-1"
        def fetch():
            begun.set()
            return asyncio.run(read())
        credentials = CredentialProvider(fetch)
        asking = threading.Thread(target=credentials.get)
        asking.start()
        begun.wait()
        time.sleep(0.1)
        before = time.monotonic()
        if (child := os.fork()) == 0:
            os._exit(0)
        print(time.monotonic() - before)
        os.waitpid(child, 0)
        asking.join()
        """
    )
    assert float(done.stdout) < forks.LONGEST_WAIT_FOR_A_CALL / 2


@pytest.mark.parametrize("ask", [CredentialProvider.get, CredentialProvider.refresh])
def test_a_fork_waits_for_no_listener_that_hangs(ask):
    gate, heard = threading.Event(), threading.Event()

    def listen(event):
        heard.set()
        gate.wait(20)

    try:
        ask(CredentialProvider(lambda: "key-1", on_event=listen))
        assert heard.wait(10)
        assert seconds_to_fork() < forks.LONGEST_WAIT_FOR_A_CALL / 2
    finally:
        gate.set()


def test_a_fork_waits_for_no_handler_that_hangs():
    gate, heard = threading.Event(), threading.Event()

    class Handler(logging.Handler):
        def emit(self, record):
            heard.set()
            gate.wait(20)

    def down():
        raise OSError("down")

    handler = Handler()
    logging.getLogger("genai_credentials").addHandler(handler)
    try:
        assert CredentialProvider(down, lambda: "key-1")() == "key-1"
        assert heard.wait(10)
        assert seconds_to_fork() < forks.LONGEST_WAIT_FOR_A_CALL / 2
    finally:
        gate.set()
        logging.getLogger("genai_credentials").removeHandler(handler)


def test_a_fork_waits_for_no_call_that_was_given_up():
    gate = threading.Event()
    credentials = CredentialProvider(lambda: gate.wait(20) and "key-1", lambda: "key-2", fetch_timeout=0.05)
    try:
        assert credentials() == "key-2"
        assert seconds_to_fork() < forks.LONGEST_WAIT_FOR_A_CALL / 2
    finally:
        gate.set()


def test_a_child_that_forks_waits_for_none_of_its_parents_work():
    with working(longest=4), ThreadPoolExecutor(1) as thread:
        assert float(thread.submit(in_child, seconds_to_fork).result(20)) < 2


def test_a_child_counts_none_of_the_parents_calls():
    here = os.getpid()

    def hangs_in_the_parent():
        return "key-1" if os.getpid() != here else gate.wait(20) and "key-1"

    gate, clock = threading.Event(), FakeClock()
    credentials = CredentialProvider(hangs_in_the_parent, lambda: "key-2", fetch_timeout=0.05, clock=clock)
    try:
        for _ in range(3):
            credentials.engine.links[0]._next_at = -math.inf
            assert credentials.refresh().get_secret_value() == "key-2"
        assert len(credentials.engine.links[0]._hanging) == 3
        hurried = credentials.engine.links[0]
        hurried.fetch = lambda rejected, timeout: type(hurried).fetch(hurried, rejected, 10)
        assert in_child(lambda: credentials.refresh().get_secret_value()) == "key-1"
    finally:
        gate.set()


def test_the_first_call_in_a_child_is_tried_twice_within_its_time():
    """The fork may leave a library in a state in which the first call hangs."""
    calls, here = [], os.getpid()

    def hangs_once():
        calls.append(1)
        if os.getpid() != here and len(calls) == 2:
            time.sleep(20)
        return f"key-{len(calls)}"

    credentials = CredentialProvider(hangs_once, fetch_timeout=1)
    assert credentials() == "key-1"
    assert in_child(lambda: credentials.refresh().get_secret_value()) == "key-3"


def test_a_child_tells_of_its_own_events_alone():
    gate, heard, begun, here = threading.Event(), [], threading.Event(), os.getpid()

    def listen(event):
        heard.append(event.name)
        if os.getpid() == here:
            begun.set()
            gate.wait(20)

    credentials = CredentialProvider(lambda: "key-1", on_event=listen)
    try:
        credentials.get()
        assert begun.wait(10)
        credentials.refresh()  # this event waits for the listener

        def tell():
            heard.clear()
            credentials.refresh()
            settle(credentials)
            return heard

        assert in_child(tell) == "['fetched']"
    finally:
        gate.set()


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


def run_script(script, timeout=30):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=timeout, check=False
    )


def test_a_hung_fetch_does_not_hold_up_the_interpreters_exit():
    started = time.monotonic()
    done = run_script(
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
    done = run_script(
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
    done = run_script(
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
