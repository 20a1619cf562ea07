"""The real servers: gunicorn that preloads and forks its workers, and uvicorn, over rotations and in mid-fetch."""

import http.client
import importlib.util
import json
import os
import textwrap
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from servers import serving

from genai_credentials.testing import AWSEmulator, FakeGemini

WORKERS, READS_A_REQUEST = 4, 10


def needs(package):
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


STORE = """
import os
import boto3.session, botocore.config
from genai_credentials import AWSSecretsManager, CredentialProvider

def client():
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    config = botocore.config.Config(proxies={})
    return session.client("secretsmanager", endpoint_url=os.environ["STORE"], config=config)

provider = AWSSecretsManager("secret-parent", client=client)
credentials = CredentialProvider(provider)
"""

# Each worker takes a number by being the first to make its file, and reads the secret of that number from then on,
# through the provider that the parent made and has read with: what they'd share is the parent's connection.
OWN_SECRETS = (
    STORE
    + """
import json, threading

assert credentials() == "key-parent"
number, lock = None, threading.Lock()

def settle_in():
    global number
    for number in range(100):
        try:
            os.close(os.open(f"worker-{number}", os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            continue
    provider.secret_id = f"secret-{number}"
    credentials.refresh()

def app(environ, start_response):
    with lock:
        if number is None:
            settle_in()
    keys = [credentials.refresh().get_secret_value() for _ in range(READS)]
    start_response("200 OK", [("Content-Type", "application/json")])
    wrong = sum(key != f"key-{number}" for key in keys)
    return [json.dumps({"number": number, "wrong": wrong, "pid": os.getpid()}).encode()]
"""
).replace("READS", str(READS_A_REQUEST))

# A fetch is on its way to the store when the parent forks; it goes on when the test has seen it there.
MID_FETCH = (
    STORE
    + """
import threading

threading.Thread(target=credentials.get, daemon=True).start()
open("seen").close()

def app(environ, start_response):
    start_response("200 OK", [])
    return [f"{credentials()} {os.getpid()}".encode()]
"""
)

ASGI = (
    STORE
    + """
credentials = CredentialProvider(AWSSecretsManager("s", client=client))
gemini = credentials.client(http_options={"base_url": os.environ["API"]})

async def app(scope, receive, send):
    assert scope["type"] == "http"
    key = await credentials.aget()
    answer = await gemini.aio.models.generate_content(model="gemini-2.5-flash", contents="hi")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{answer.text} {key.fingerprint}".encode()})
"""
)


def serving_app(tmp_path, source, *command, **environ):
    """`serving` an app of its own."""
    (tmp_path / "app.py").write_text(textwrap.dedent(source))
    return serving(tmp_path, *command, "app:app", **environ)


def gunicorn(kind):
    # No more connections than threads, so that what one worker cannot answer at once goes to the others.
    threads = ["--threads", "4", "--worker-connections", "4"] if kind == "gthread" else []
    return ["gunicorn", "--preload", "--workers", str(WORKERS), "--worker-class", kind, *threads, "--bind", "fd://FD"]


def fetch(address):
    connection = http.client.HTTPConnection(*address, timeout=30)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def together(address, requests):
    """What many requests at once are answered."""
    with ThreadPoolExecutor(requests) as pool:
        return [body for _, body in pool.map(fetch, [address] * requests)]


@needs("gunicorn")
@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_each_worker_of_gunicorn_reads_its_own_secret_over_its_own_connection(kind, tmp_path):
    with AWSEmulator() as store:
        for name in ("parent", *range(WORKERS)):
            store.add(f"secret-{name}", f"key-{name}")
        answers = []
        with serving_app(tmp_path, OWN_SECRETS, *gunicorn(kind), STORE=store.endpoint_url) as address:
            # Which worker takes a request is the kernel's choice: go on until each of them has read.
            while len(answers) < 40 or len({answer["number"] for answer in answers}) < WORKERS:
                answers += map(json.loads, together(address, 8))
                assert len(answers) < 2000
        assert sum(answer["wrong"] for answer in answers) == 0
        assert len({(answer["number"], answer["pid"]) for answer in answers}) == WORKERS
        assert len(answers) * READS_A_REQUEST >= 400
        # One of the parent's, and one of each worker's, all kept alive.
        assert store.connections == 1 + WORKERS


@needs("gunicorn")
@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_a_fork_in_the_middle_of_the_parents_fetch_deadlocks_no_worker(kind, tmp_path):
    os.mkfifo(tmp_path / "seen")
    with AWSEmulator() as store:
        store.add("secret-parent", "key-1")
        store.hold()
        with serving_app(tmp_path, MID_FETCH, *gunicorn(kind), STORE=store.endpoint_url) as address:
            store.wait_for_calls(1, 30)
            with open(tmp_path / "seen", "w"), ThreadPoolExecutor(16) as pool:
                asked = [pool.submit(fetch, address) for _ in range(16)]
                # The parent's is still held, and each worker has begun its own.
                store.wait_for_calls(1 + WORKERS, 30)
                store.release()
                answers = [answer.result(30) for answer in asked]
        assert {(status, body.split()[0]) for status, body in answers} == {(200, "key-1")}
        assert len({body.split()[1] for _, body in answers}) == WORKERS
        assert (store.reads, store.connections) == (1 + WORKERS, 1 + WORKERS)


@needs("uvicorn")
def test_uvicorn_answers_every_request_over_rotations(tmp_path):
    with AWSEmulator() as store, FakeGemini("key-0") as api:
        store.add("s", "key-0")
        uvicorn = ["uvicorn", "--fd", "FD", "--log-level", "warning"]
        with serving_app(tmp_path, ASGI, *uvicorn, STORE=store.endpoint_url, API=api.base_url) as address:
            answers, rotated = Counter(), threading.Semaphore(0)

            def ask(_):
                status, body = fetch(address)
                answers[status, body.split(" ")[0]] += 1
                rotated.release()

            with ThreadPoolExecutor(16) as pool:
                done = pool.map(ask, range(300))
                for number in range(1, 6):
                    for _ in range(40):
                        assert rotated.acquire(timeout=30)
                    api.accept(f"key-{number}")
                    store.add("s", f"key-{number}")
                    api.revoke(f"key-{number - 1}")
                list(done)
        assert answers == {(200, "pong:"): 300}
        assert api.refused > 0
        assert store.reads == 1 + 5
        assert store.connections == 1
