"""A fleet that is told: processes, duplicates, a `latest` that lags; exits and frozen processes."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from genai_credentials.testing import SecretManagerEmulator

SECRET = "projects/acme/secrets/gemini-api-key"
IN_EVENTS = "projects/123456789012/secrets/gemini-api-key"
PROCESSES, PROVIDERS, WITHIN = 4, 50, 2.0

WORKER = f"""
import json, sys, time
from genai_credentials import CredentialProvider, GoogleSecretManager

secret, number = sys.argv[1], int(sys.argv[2])
fleet = [CredentialProvider(GoogleSecretManager(secret, transport="rest")) for _ in range(number)]
for credentials in fleet:
    credentials.get()
print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if isinstance(order, dict):
        assert all([credentials.notify_event(order, within={WITHIN}) for credentials in fleet])
    elif order == "versions":
        print(json.dumps([credentials.status().version for credentials in fleet]), flush=True)
    else:
        deadline, wanted = time.monotonic() + 20, order
        while any(credentials.status().version != wanted for credentials in fleet) and time.monotonic() < deadline:
            time.sleep(0.01)
        print(json.dumps([credentials.status().version for credentials in fleet]), flush=True)
"""


def event(version, kind="SECRET_VERSION_ADD"):
    return {"eventType": kind, "secretId": IN_EVENTS, "versionId": f"{IN_EVENTS}/versions/{version}"}


class Process:
    """One worker with its part of the fleet."""

    def __init__(self, number, environ):
        command = [sys.executable, "-c", WORKER, SECRET, str(number)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env={**os.environ, **environ}, **pipes)

    def tell(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def read(self):
        return self.process.stdout.readline().strip()


@pytest.fixture
def store():
    with SecretManagerEmulator() as emulator:
        emulator.add(SECRET, "AIza-1")
        yield emulator


@pytest.fixture
def fleet(store):
    shares = [PROVIDERS // PROCESSES + (number < PROVIDERS % PROCESSES) for number in range(PROCESSES)]
    processes = [Process(share, {"SECRET_MANAGER_EMULATOR_HOST": store.target}) for share in shares]
    assert {process.read() for process in processes} == {"ready"}
    yield processes
    for process in processes:
        process.process.stdin.close()
        process.process.stdout.close()
        assert process.process.wait(20) == 0


def versions(processes, order="versions"):
    for process in processes:
        process.tell(order)
    return [version for process in processes for version in json.loads(process.read())]


def deliver(processes, *events):
    for process in processes:
        for one in events:
            process.tell(one)


def test_fifty_providers_learn_within_the_window_although_latest_lags_and_events_come_often_and_out_of_order(
    store, fleet
):
    assert len(store.calls) == PROVIDERS
    store.add(SECRET, "AIza-2")
    store.add(SECRET, "AIza-3")
    store.lag_latest(SECRET, 1)
    started = time.monotonic()
    deliver(fleet, event(3), event(2), event(3), event(2), event(3), event(2))
    assert versions(fleet, "3") == ["3"] * PROVIDERS
    took = time.monotonic() - started
    # One fetch each: the next version by its number, the one after it, and the one after that, which isn't there.
    assert len(store.calls) == PROVIDERS * 4
    assert took < WITHIN + 5
    # The one of an older version that came last earned no second fetch.
    time.sleep(0.5)
    assert len(store.calls) == PROVIDERS * 4

    store.disable(SECRET, 3)
    deliver(fleet, event(3, "SECRET_VERSION_DISABLE"))
    assert versions(fleet, "2") == ["2"] * PROVIDERS

    before = len(store.calls)
    deliver(fleet, event(999_999))
    # The interval since the fetch before, and the window.
    time.sleep(5 + WITHIN + 1)
    assert versions(fleet) == ["2"] * PROVIDERS
    assert PROVIDERS * 2 <= len(store.calls) - before <= PROVIDERS * 12
    print(f"all new after {took:.2f} s")


# Exits, and processes that are frozen


def run(script, timeout=30):
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_a_pending_notification_does_not_hold_up_the_interpreters_exit():
    started = time.monotonic()
    done = run(
        """
        from genai_credentials import CredentialProvider
        credentials = CredentialProvider(lambda: "key-1")
        credentials()
        credentials.notify(within=1_000)
        print("done")
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("known", ["credentials()", ""], ids=["with-a-key", "without"])
@pytest.mark.parametrize("began", ["credentials.notify(within=0)", ""], ids=["thread", "no-thread"])
def test_a_notification_while_the_interpreter_ends_is_silent(known, began):
    done = run(
        f"""
        import atexit, sys, threading, time, weakref
        from genai_credentials import CredentialProvider
        credentials = CredentialProvider(lambda: "key-1", min_refresh_interval=0.01)
        {known}
        {began}
        def notify():
            for _ in range(20):
                credentials.notify(within=0)
                time.sleep(0.002)
        class Late:
            def __del__(self):
                credentials.notify(within=0)
        sys.late = Late()
        atexit.register(notify)
        # Not a daemon: the interpreter waits for it, and starts no other thread meanwhile.
        threading.Thread(target=lambda: (time.sleep(0.1), notify())).start()
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot freeze a process")
def test_a_process_that_was_frozen_catches_up_once():
    script = """
    import itertools, sys, time
    from genai_credentials import CredentialProvider
    numbers = itertools.count(1)
    credentials = CredentialProvider(lambda: f"key-{next(numbers)}", min_refresh_interval=0.1)
    credentials()
    for _ in range(100):
        credentials.notify(within=0.5)
    print("told", flush=True)
    sys.stdin.readline()
    time.sleep(0.5)
    print(credentials.status().counters["fetches"], credentials.engine.keystate.notice.pending, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "told\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == "2 False\n"
