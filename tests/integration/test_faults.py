"""The fault table: faults of a store, the network or the machine, at a start, in a refresh and in a rejection.

Each row breaks a real part: a store on loopback, the resolver, a file, or the threads of the process.
"""

import asyncio
import functools
import itertools
import json
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any, NamedTuple

import boto3.session
import botocore.config
import grpc
import httpx2
import pytest
from google import genai
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.genai import errors

from genai_credentials import AWSSecretsManager, CredentialProvider, Env, File, GoogleSecretManager, NoCredentials
from genai_credentials.testing import REFUSALS, AWSEmulator, FakeClock, FakeGemini, SecretManagerEmulator
from genai_credentials.workers import _rest
from stores import forget_hanging_calls, settle

pytestmark = pytest.mark.usefixtures("no_certificates")

NUMBER = itertools.count()
FIELD = "api_key"
TTL = 60.0
PATIENT, HURRIED, IMPATIENT, CURT = 10.0, 0.35, 0.3, 0.1
"""How long to wait where the answer comes at once, where it is asked for again, and where there is none; and once it
is known what that comes to."""


class Place:
    """One secret in one store. The rows of the table break it, and `heal` repairs all of it."""

    def __init__(self, store: Any, client: Any) -> None:
        self.store, self.home, self.clients = store, client, [client]
        self.listeners: list[socket.socket] = []

    def connect(self) -> Any:
        """The factory of the provider's client."""
        return self.clients[-1]

    def reach(self, address: str) -> None:
        """Point the provider to another address from now on. Its client is made before the time of the fetch starts."""
        self.clients.append(self.client_at(address))
        self.provider.close()

    def silence(self) -> None:
        """Point the provider to a server that accepts connections and never answers."""
        self.listeners.append(socket.create_server(("127.0.0.1", 0)))
        self.reach(f"127.0.0.1:{self.listeners[-1].getsockname()[1]}")

    def publish(self, text: str) -> None:
        self.put(json.dumps({FIELD: text}))

    def put(self, content: str) -> None:
        self.store.add(self.secret, content)

    def heal(self) -> None:
        self.store.fail_always(None)
        self.store.release()
        for listener in self.listeners:
            listener.close()
        self.clients.append(self.home)
        self.provider.close()

    def close(self) -> None:
        for client in self.clients:
            if client is not self.home:
                self.shut(client)


class Google(Place):
    def __init__(self, store: Any, client: Any, path: Any) -> None:
        super().__init__(store, client)
        self.secret = f"projects/p/secrets/s{next(NUMBER)}"
        self.provider = GoogleSecretManager(self.secret, FIELD, client=self.connect)

    def heal(self) -> None:
        super().heal()
        # A secret that was deleted is none that the checksum could be mended of.
        self.put("back again")
        self.store.corrupt_checksum(self.secret, False)

    @staticmethod
    def client_at(address: str) -> Any:
        transport = SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel(address))
        return secretmanager_v1.SecretManagerServiceClient(transport=transport)

    @staticmethod
    def shut(client: Any) -> None:
        client.transport.close()


class AWS(Place):
    def __init__(self, store: Any, client: Any, path: Any) -> None:
        super().__init__(store, client)
        self.secret = f"s{next(NUMBER)}"
        self.provider = AWSSecretsManager(self.secret, FIELD, client=self.connect)

    def heal(self) -> None:
        self.store._endings.clear()
        super().heal()

    @staticmethod
    def client_at(address: str) -> Any:
        session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
        # The timeouts are boto3's own, of a minute. Its retries would hide which of the provider's own there are.
        config = botocore.config.Config(retries={"total_max_attempts": 1}, proxies={})
        return session.client("secretsmanager", endpoint_url=f"http://{address}", config=config)

    @staticmethod
    def shut(client: Any) -> None:
        client.close()


class Disk(Place):
    def __init__(self, store: Any, client: Any, path: Any) -> None:
        self.path = path / "key"
        self.provider = File(self.path, FIELD)

    def put(self, content: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_text(content)
        os.replace(fresh, self.path)

    def become(self, target: str) -> None:
        """Replace the file by a symbolic link, as Kubernetes does."""
        self.path.unlink()
        self.path.symlink_to(target)

    def heal(self) -> None:
        threading.stack_size(0)

    def close(self) -> None:
        """There is nothing to close."""


class Row(NamedTuple):
    place: type[Place]
    fault: str
    breaks: Callable[[Any], object]
    reason: str
    fetch_timeout: float = PATIENT
    outcome: str = "broken"
    second: str = "env: absent - GOOGLE_API_KEY and GEMINI_API_KEY are unset"


def failing(*args: Any) -> Callable[[Any], object]:
    return lambda place: place.store.fail_always(*args)


def no_more_threads(place: Any) -> None:
    # A stack larger than the address space: the system itself refuses each thread from now on.
    threading.stack_size(1 << 47)
    _rest.workers.clear()


SILENT = "no answer|unavailable|cannot be reached"
TABLE = [
    Row(Google, "unavailable", failing("UNAVAILABLE"), "unavailable", HURRIED),
    Row(Google, "throttled", failing("RESOURCE_EXHAUSTED"), "throttles", HURRIED),
    Row(Google, "failing", failing("INTERNAL"), "the store failed", HURRIED),
    Row(Google, "denied", failing("PERMISSION_DENIED"), "may not read"),
    Row(Google, "not found", failing("NOT_FOUND"), "no such secret"),
    Row(Google, "deleted", lambda place: place.store.delete(place.secret), "no such secret"),
    Row(Google, "disabled", lambda place: place.store.disable(place.secret, "latest"), "disabled or destroyed"),
    Row(Google, "deadline", failing("DEADLINE_EXCEEDED"), "no answer from the store in time"),
    Row(Google, "hang", lambda place: place.store.hold(), SILENT, IMPATIENT),
    Row(Google, "silence", Place.silence, SILENT, IMPATIENT),
    Row(Google, "checksum", lambda place: place.store.corrupt_checksum(place.secret), "CRC32C"),
    Row(Google, "malformed", lambda place: place.put("AIza-bare"), "JSON"),
    Row(Google, "expired", failing("UNAUTHENTICATED"), "credentials were refused"),
    # A resolver may take longer to say no than the fetch may take.
    Row(Google, "dns", lambda place: place.reach("host.invalid:443"), f"unavailable|{SILENT}", HURRIED),
    Row(AWS, "unavailable", failing("ServiceUnavailable", 503), "ServiceUnavailable", HURRIED),
    Row(AWS, "throttled", failing("ThrottlingException"), "throttles", HURRIED),
    Row(AWS, "failing", failing("InternalServiceError", 500), "the store failed", HURRIED),
    Row(AWS, "denied", failing("AccessDeniedException"), "may not read"),
    Row(AWS, "not found", failing("ResourceNotFoundException"), "no such secret"),
    Row(AWS, "deleted", lambda place: place.store.delete(place.secret), "marked for deletion"),
    Row(AWS, "hang", lambda place: place.store.hold(), SILENT, IMPATIENT),
    Row(AWS, "silence", Place.silence, SILENT, IMPATIENT),
    Row(AWS, "reset", lambda place: place.store.reset_next(10_000), "no answer from the store", HURRIED),
    Row(AWS, "cut short", lambda place: place.store.truncate_next(10_000), "held no secret"),
    Row(AWS, "malformed", lambda place: place.put("AIza-bare"), "JSON"),
    Row(AWS, "no such field", lambda place: place.put('{"user": "x"}'), "user"),
    Row(AWS, "expired", failing("ExpiredTokenException"), "credentials have expired"),
    Row(AWS, "dns", lambda place: place.reach("host.invalid:80"), f"cannot be reached|{SILENT}", HURRIED),
    Row(Disk, "directory", lambda place: place.become("/"), "IsADirectoryError"),
    Row(Disk, "loop", lambda place: place.become(place.path.name), "OSError"),
    Row(Disk, "malformed", lambda place: place.put("AIza-bare"), "JSON"),
    Row(Disk, "gone", lambda place: place.path.unlink(), "no such file", outcome="absent"),
]
if sys.platform == "linux":
    TABLE += [
        # Page 0 of a process is never mapped, so that reading its memory there is an input/output error.
        Row(Disk, "disk error", lambda place: place.become("/proc/self/mem"), "Input/output error"),
        Row(Disk, "out of threads", no_more_threads, "no thread could be", second="env: broken - no thread could be"),
    ]


@pytest.fixture(scope="module")
def stores():
    """The servers and the clients that most rows share. Making a client takes longer than a test."""
    with SecretManagerEmulator() as google, AWSEmulator() as aws:
        at_google, at_aws = google.client(), AWS.client_at(aws.endpoint_url.removeprefix("http://"))
        yield {Google: (google, at_google), AWS: (aws, at_aws), Disk: (None, None)}
        at_google.transport.close()
        at_aws.close()


@pytest.fixture(params=TABLE, ids=lambda row: f"{row.place.__name__.lower()}-{row.fault.replace(' ', '-')}")
def row(request):
    return request.param


@pytest.fixture
def place(row, stores, tmp_path):
    place = row.place(*stores[row.place], tmp_path)
    place.publish("key-1")
    yield place
    place.heal()
    place.close()


@pytest.fixture
def clock():
    return FakeClock()


class Sync:
    """Runs the calls in a thread."""

    def get(self, credentials):
        return credentials.get()

    def ask(self, client):
        return client.models.generate_content(model="gemini-2.5-flash", contents="hi").text

    def close(self, client):
        client.close()

    def end(self):
        """There is nothing to end."""


class Async:
    """Runs the calls as tasks, always in the same loop."""

    def __init__(self):
        self.runner = asyncio.Runner()
        # aiohttp looks for a proxy in a thread: where there are no more, let it have one from before.
        self.runner.get_loop().set_default_executor(futures.ThreadPoolExecutor(1))

    def get(self, credentials):
        return self.runner.run(credentials.aget())

    def ask(self, client):
        return self.runner.run(client.aio.models.generate_content(model="gemini-2.5-flash", contents="hi")).text

    def close(self, client):
        self.runner.run(client.aio.aclose())
        client.close()

    def end(self):
        self.runner.close()


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def way(request):
    way = request.param()
    yield way
    way.end()


def hurry(credentials, seconds):
    """Set the timeout of the first link only: on a busy machine a healthy link may be slow."""
    link = credentials.engine.links[0]
    link.fetch = lambda rejected, timeout: type(link).fetch(link, rejected, seconds)


def breaks(place, row, credentials):
    hurry(credentials, row.fetch_timeout)
    row.breaks(place)


def heals(place, credentials):
    """Repair the store, publish another key, and let the hanging calls end."""
    place.heal()
    place.publish("key-2")
    hurry(credentials, PATIENT)
    for link in credentials.engine.links:
        forget_hanging_calls(link)


def warned(caplog):
    ours = [record for record in caplog.records if record.name == "genai_credentials"]
    return [record.getMessage() for record in ours if record.levelno == logging.WARNING]


def test_at_a_start_the_error_lists_each_link_with_its_reason(row, place, way, clock, caplog):
    credentials = CredentialProvider(place.provider, Env(environ={}), clock=clock)
    breaks(place, row, credentials)
    for _ in range(20):
        with pytest.raises(NoCredentials) as caught:
            way.get(credentials)
    first, second = caught.value.attempts
    assert (first.provider, first.outcome) == (place.provider.name, row.outcome)
    assert re.search(row.reason, str(first))
    assert str(second).startswith(row.second)
    assert [str(attempt) in str(caught.value) for attempt in (first, second)] == [True, True]
    assert first.remedy
    assert first.remedy in caught.value.remedy
    assert credentials.status().counters["fetches"] == 1
    assert len(warned(caplog)) == [first.outcome, second.outcome].count("broken")
    heals(place, credentials)
    clock.advance(1.2)
    assert way.get(credentials).get_secret_value() == "key-2"


def test_in_a_refresh_the_old_key_is_served_and_one_warning_tells_of_the_outage(row, place, clock, caplog):
    credentials = CredentialProvider(place.provider, lambda: "lower", ttl=TTL, clock=clock)
    ways = Sync(), Async()
    assert ways[0].get(credentials).get_secret_value() == "key-1"
    for outage, seconds, fewest, most in (1, 600, 9, 13), (2, 1, 1, 1):
        breaks(place, row, credentials)
        before, clock.now = credentials.status().counters["fetches"], clock.now + TTL * 1.1
        for _ in range(seconds):
            clock.advance(1)
            assert {way.get(credentials).get_secret_value() for way in ways} == {f"key-{outage}"}
            settle(credentials)
            hurry(credentials, CURT)
        assert fewest <= credentials.status().counters["fetches"] - before <= most
        assert len(warned(caplog)) == outage
        assert re.search(row.reason, warned(caplog)[-1])
        assert credentials.status().state == "STALE"
        heals(place, credentials)
        clock.advance(331)
        credentials.get()
        settle(credentials)
        assert {way.get(credentials).get_secret_value() for way in ways} == {"key-2"}
        assert credentials.status().state == "FRESH"
    assert credentials.engine.links[1].calls == 0
    ways[1].end()


@pytest.fixture(scope="module")
def api():
    with FakeGemini() as api:
        yield api


def refusal_of(way, client):
    with pytest.raises(errors.ClientError) as caught:
        way.ask(client)
    return type(caught.value), str(caught.value), caught.value.details


@functools.cache
def stock_refusal(kind, base_url):
    way, stock = kind(), genai.Client(api_key="wrong", http_options={"base_url": base_url})
    try:
        return refusal_of(way, stock)
    finally:
        way.close(stock)
        way.end()


def test_in_a_rejection_the_apis_own_error_reaches_the_caller(row, place, way, clock, api):
    expected = stock_refusal(type(way), api.base_url)
    credentials = CredentialProvider(place.provider, clock=clock)
    client = credentials.client(http_options={"base_url": api.base_url})
    api.accept("key-1")
    assert way.ask(client) == "pong: hi"
    breaks(place, row, credentials)
    api.revoke("key-1")
    before = len(api.requests)
    assert [refusal_of(way, client) for _ in range(3)] == [expected] * 3
    assert len(api.requests) - before == 3
    assert credentials.status().counters["fetches"] == 2
    heals(place, credentials)
    api.accept("key-2")
    clock.advance(5)
    assert way.ask(client) == "pong: hi"
    api.revoke("key-2")
    way.close(client)


@pytest.fixture
def aws(stores, tmp_path):
    """A secret in AWS Secrets Manager that holds key-1."""
    place = AWS(*stores[AWS], tmp_path)
    place.publish("key-1")
    yield place
    place.heal()
    place.close()


def test_a_hung_store_still_holds_its_answers_when_the_callers_have_theirs(aws, clock):
    credentials = CredentialProvider(aws.provider, lambda: "lower", ttl=TTL, clock=clock)
    hurry(credentials, IMPATIENT)
    reads = aws.store.reads
    with aws.store.hang():
        assert credentials() == "lower"
        assert asyncio.run(credentials.aget()).get_secret_value() == "lower"
        assert credentials.reject(credentials.get()) is None
        assert credentials.engine.links[0].abandoned
        # However often it is fetched, a call that hangs is replaced twice, and no more.
        assert aws.store.reads - reads <= 3
    forget_hanging_calls(credentials.engine.links[0])


def test_the_retries_of_a_stock_client_are_not_waited_for(clock):
    """The retries of boto3 take up to 15 s and ignore `fetch_timeout`."""
    with AWSEmulator() as store:
        store.add("s", "key-1")
        client = store.client()
        credentials = CredentialProvider(AWSSecretsManager("s", client=client), lambda: "lower", clock=clock)
        store.fail_always("ThrottlingException")
        hurry(credentials, IMPATIENT)
        assert credentials() == "lower"
        assert re.search("throttles|no answer", credentials.status().links[0].reason)
        store.fail_always(None)
        # None, if the retries were over in time.
        forget_hanging_calls(credentials.engine.links[0])
        client.close()


@pytest.mark.parametrize("culprit", ["listener", "record factory", "log handler"])
def test_who_is_told_of_a_fetch_and_fails_leaves_nobody_waiting(aws, way, clock, culprit, monkeypatch, caplog):
    def fails(*args):
        raise SystemExit

    listener = fails if culprit == "listener" else None
    credentials = CredentialProvider(aws.provider, clock=clock, on_event=listener)
    if culprit != "listener":
        caplog.set_level(logging.DEBUG, "genai_credentials")
        method = "makeRecord" if culprit == "record factory" else "handle"
        monkeypatch.setattr(logging.getLogger("genai_credentials"), method, fails)
    assert way.get(credentials).get_secret_value() == "key-1"
    aws.publish("key-2")
    assert credentials.refresh().get_secret_value() == "key-2"
    assert credentials.status().links[0].outcome == "serving"


class TestClockThatSteps:
    @pytest.mark.parametrize("step", [-3600, -0.5, 3600])
    def test_at_a_start_the_error_stands_and_is_fetched_again_once_its_time_has_come(self, aws, way, clock, step):
        aws.store.fail_always("AccessDeniedException")
        credentials = CredentialProvider(aws.provider, clock=clock)
        for _ in range(2):
            with pytest.raises(NoCredentials, match="may not read"):
                way.get(credentials)
            clock.advance(step)
        assert credentials.status().counters["fetches"] == (2 if step > 0 else 1)
        heals(aws, credentials)
        clock.advance(3600 * 2 + 3)
        assert way.get(credentials).get_secret_value() == "key-2"

    def test_in_a_refresh_steps_to_and_fro_neither_lose_the_key_nor_hammer_the_store(self, aws, way, clock, caplog):
        credentials = CredentialProvider(aws.provider, ttl=TTL, clock=clock)
        way.get(credentials)
        aws.store.fail_always("AccessDeniedException")
        clock.advance(TTL * 1.1)
        for second in range(600):
            clock.advance(1 if second % 60 else (-30, 31)[second // 60 % 2])
            assert way.get(credentials).get_secret_value() == "key-1"
            settle(credentials)
        assert 5 <= credentials.status().counters["fetches"] <= 14
        assert len(warned(caplog)) == 1
        heals(aws, credentials)
        clock.advance(400)
        way.get(credentials)
        settle(credentials)
        assert way.get(credentials).get_secret_value() == "key-2"

    @pytest.mark.parametrize("step", [-3600, 3600, 100 * 86_400])
    def test_in_a_rejection_the_apis_own_error_stands(self, aws, way, clock, api, step):
        credentials = CredentialProvider(aws.provider, clock=clock)
        client = credentials.client(http_options={"base_url": api.base_url})
        api.on_request = lambda request: clock.advance(step)
        try:
            assert refusal_of(way, client)[0] is errors.ClientError
        finally:
            api.on_request = None
            way.close(client)
        assert credentials.status().counters["fetches"] == 2

    def test_a_leap_past_max_stale_waits_for_a_fetch_and_gets_its_key(self, aws, way, clock):
        credentials = CredentialProvider(aws.provider, clock=clock)
        way.get(credentials)
        aws.publish("key-2")
        clock.advance(100 * 86_400)
        assert way.get(credentials).get_secret_value() == "key-2"


def test_a_store_down_for_ten_minutes_at_a_thousand_gets_a_second(clock, caplog):
    with AWSEmulator() as store:
        store.add("s", "key-1")
        client = AWS.client_at(store.endpoint_url.removeprefix("http://"))
        credentials = CredentialProvider(AWSSecretsManager("s", client=client), clock=clock, ttl=TTL)
        credentials.get()
    hurry(credentials, CURT)
    clock.advance(TTL * 1.1)
    served = 0
    for _ in range(600_000):
        clock.now += 0.001
        served += credentials() == "key-1"
        if credentials.engine.flight:
            settle(credentials)
    attempts = credentials.engine.links[0].calls - 1
    print(f"\n{served} gets served of 600000 while the store was down; it was asked {attempts} times")
    assert served == 600_000
    assert 9 <= attempts <= 13
    assert len(warned(caplog)) == 1
    client.close()


def test_an_api_that_refuses_everything_at_a_hundred_requests_a_second(aws, clock, caplog):
    credentials = CredentialProvider(aws.provider, clock=clock)
    refusal, reads = REFUSALS["rix_api_error"], aws.store.reads
    sent = []

    def refuse(request):
        sent.append(request.headers["x-goog-api-key"])
        return httpx2.Response(refusal.status, content=refusal.body)

    with httpx2.Client(transport=httpx2.MockTransport(refuse), auth=credentials.httpx_auth()) as client:
        for _ in range(6000):
            answer = client.get("https://gateway.example/")
            assert (answer.status_code, answer.content) == (refusal.status, refusal.body)
            clock.advance(0.01)
    fetches, reads = credentials.status().counters["fetches"] - 1, aws.store.reads - reads - 1
    print(f"\n{len(sent)} requests refused in a minute; {fetches} fetches, {reads} reads")
    assert sent == ["key-1"] * 6000
    assert fetches == 12
    # The one more is for the version before, since this key never worked.
    assert reads == 12 + 1
    assert len(warned(caplog)) == 1
