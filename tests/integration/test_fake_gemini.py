"""FakeGemini as real google-genai clients see it, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import logging
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from sdk_paths import MODEL, PATHS, SdkPath, skipping_what_is_missing

from genai_credentials.testing.gemini import FakeGemini, RecordedRequest
from genai_credentials.testing.refusals import CLOSES, REFUSALS

# What google-genai itself warns of, under warnings-as-errors.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*(experimental|deprecated)"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp"),
]

GENERATE = f"/v1beta/models/{MODEL}:generateContent"


@pytest.fixture
def api() -> Iterator[FakeGemini]:
    with FakeGemini("good") as running:
        yield running


@pytest.fixture
def client(api: FakeGemini) -> Iterator[genai.Client]:
    with make_client(api) as made:
        yield made


# Left to itself, each client spends 60 ms on reading the system's certificates.
CONTEXT = ssl.create_default_context()
QUICK: dict[str, Any] = {"client_args": {"verify": CONTEXT}, "async_client_args": {"ssl": CONTEXT}}


def make_client(api: FakeGemini, key: str = "good", **options: Any) -> genai.Client:
    options = QUICK | {"api_version": "v1beta", "base_url": api.base_url} | options
    return genai.Client(api_key=key, http_options=types.HttpOptions(**options))


def ask(client: genai.Client, prompt: str = "hi") -> str | None:
    return client.models.generate_content(model=MODEL, contents=prompt).text


class Raw:
    """One plain connection, for what no SDK sends."""

    def __init__(self, api: FakeGemini) -> None:
        self.connection = http.client.HTTPConnection(api.base_url.removeprefix("http://"), timeout=10)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(
        self, method: str, path: str, body: bytes | None = None, /, **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        self.connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = self.connection.getresponse()
        return response.status, response.read(), response.headers


@pytest.fixture
def raw(api: FakeGemini) -> Iterator[Raw]:
    with Raw(api) as connection:
        yield connection


# Every path of the SDK


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_call_of_the_sdk_is_answered(path: SdkPath, api: FakeGemini) -> None:
    if (canned := path.canned(RecordedRequest("GET", "/", "", (), "good", b""))) is not None:
        api.answer_next(200, canned)
    http_options = QUICK | {"base_url": api.base_url} | path.options.get("http_options", {})
    enterprise = path.options.get("enterprise", False)
    made = genai.Client(vertexai=enterprise, api_key="good", http_options=http_options)
    with made as client, skipping_what_is_missing():
        assert path.call(client) == path.expected
    keys = {request.key for request in api.requests if "upload_id" not in request.query}
    assert keys == {"good"}
    assert {request.status for request in api.requests} == {200}


def test_express_mode_of_the_enterprise_platform(api: FakeGemini) -> None:
    with genai.Client(vertexai=True, api_key="good", http_options={"base_url": api.base_url}) as client:
        assert ask(client) == "pong: hi"
        assert [chunk.text for chunk in client.models.generate_content_stream(model=MODEL, contents="a")][-1] == "a"
        assert client.models.count_tokens(model=MODEL, contents="a b").total_tokens == 2
        embedded = client.models.embed_content(model="text-embedding-005", contents="abc").embeddings
        assert embedded is not None
        assert embedded[0].values == [3.0, 1.0]
        images = client.models.generate_images(model="imagen-4.0-generate-001", prompt="p").generated_images
        assert images is not None
        assert images[0].image is not None
        assert images[0].image.mime_type == "image/png"
        videos = client.models.generate_videos(model="veo-3.0-generate-001", prompt="p")
        assert client.operations.get(videos).done is True
    assert api.requests[0].path == f"/v1beta1/publishers/google/models/{MODEL}:generateContent"
    assert api.refused == 0


def test_embedding_one_content(raw: Raw) -> None:
    body = json.dumps({"content": {"parts": [{"text": "abc"}]}}).encode()
    _, answer, _ = raw.send("POST", "/v1beta/models/e:embedContent", body, x_goog_api_key="good")
    assert json.loads(answer) == {"embedding": {"values": [3.0, 1.0]}}


def test_videos_of_older_sdks(raw: Raw) -> None:
    _, body, _ = raw.send("POST", "/v1beta/models/veo:predictLongRunning", b"{}", x_goog_api_key="good")
    assert json.loads(body) == {"name": "models/veo/operations/op-1"}
    _, body, _ = raw.send("GET", "/v1beta/models/veo/operations/op-1", x_goog_api_key="good")
    sample = json.loads(body)["response"]["generateVideoResponse"]["generatedSamples"][0]
    assert sample["video"]["uri"].endswith("/files/op-1:download?alt=media")


def test_openai_clients(api: FakeGemini) -> None:
    openai = pytest.importorskip("openai")
    base = f"{api.base_url}/v1beta/openai/"
    messages = [{"role": "user", "content": "hi"}]
    with openai.OpenAI(api_key="good", base_url=base, max_retries=0) as client:
        whole = client.chat.completions.create(model=MODEL, messages=messages)
        assert whole.choices[0].message.content == "pong: hi"
        parts = client.chat.completions.create(model=MODEL, messages=messages, stream=True)
        assert [part.choices[0].delta.content for part in parts] == ["pong", ": ", "hi"]
        assert client.models.list().data[0].id == "models/gemini-2.5-flash"
        client.api_key = "bad"
        with pytest.raises(openai.BadRequestError) as caught:
            client.models.list()
    # In a list, as the API has it there.
    assert caught.value.response.json()[0]["error"]["message"].startswith("API key not valid")
    assert [request.key for request in api.requests] == ["good", "good", "good", "bad"]


@asynccontextmanager
async def async_client(api: FakeGemini, key: str = "good", **options: Any) -> AsyncIterator[Any]:
    made = make_client(api, key, **options)
    try:
        yield made.aio
    finally:
        await made.aio.aclose()
        made.close()


def test_the_async_side(api: FakeGemini) -> None:
    async def scenario() -> None:
        async with async_client(api) as aio:
            assert (await aio.models.generate_content(model=MODEL, contents="hi")).text == "pong: hi"
            stream = await aio.models.generate_content_stream(model=MODEL, contents="hi")
            assert [chunk.text async for chunk in stream] == ["pong", ": ", "hi"]
            uploaded = await aio.files.upload(file=io.BytesIO(b"x" * 9_000_000), config={"mime_type": "text/plain"})
            assert uploaded.size_bytes == 9_000_000
            answers = await asyncio.gather(
                *(aio.models.generate_content(model=MODEL, contents=str(number)) for number in range(100))
            )
            assert [answer.text for answer in answers] == [f"pong: {number}" for number in range(100)]

    asyncio.run(scenario())
    assert api.refused == 0


# Uploads


def test_an_upload_takes_its_chunks_without_a_key(api: FakeGemini, client: genai.Client) -> None:
    data = io.BytesIO(b"x" * (8 * 1024 * 1024 + 5))
    made = client.files.upload(file=data, config={"mime_type": "text/x-test", "display_name": "D", "name": "mine"})
    assert (made.name, made.display_name, made.size_bytes) == ("files/mine", "D", 8 * 1024 * 1024 + 5)
    start, first, last = api.requests
    assert (start.key, first.key, last.key) == ("good", None, None)
    assert (first.header("x-goog-upload-command"), last.header("x-goog-upload-command")) == (
        "upload",
        "upload, finalize",
    )
    assert len(last.body) == 5
    assert api.accepted == 1
    assert [file.mime_type for file in client.files.list()] == ["text/x-test"]
    client.files.delete(name="files/mine")
    assert list(client.files.list()) == []


def test_an_upload_goes_on_after_its_key_is_revoked(api: FakeGemini, client: genai.Client) -> None:
    def revoke(request: RecordedRequest) -> None:
        if "upload_id" in request.query:
            api.revoke("good")

    api.on_request = revoke
    assert client.files.upload(file=io.BytesIO(b"abc"), config={"mime_type": "text/plain"}).size_bytes == 3
    with pytest.raises(errors.ClientError):
        ask(client)


def test_an_upload_to_a_store(client: genai.Client) -> None:
    operation = client.file_search_stores.upload_to_file_search_store(
        file_search_store_name="fileSearchStores/s", file=io.BytesIO(b"abc"), config={"mime_type": "text/plain"}
    )
    assert operation.name == "fileSearchStores/s/upload/operations/op-1"


@pytest.mark.skipif(not hasattr(genai.Client, "environments"), reason="this google-genai has no environments")
def test_an_upload_to_an_environment(client: Any) -> None:
    made = client.environments.files.upload(environment="e", path="a/b.txt", file=b"abc")
    assert (made.files[0].name, made.files[0].size_bytes) == ("b.txt", 3)


def test_a_chunk_must_belong_to_a_session_and_fit(api: FakeGemini, raw: Raw) -> None:
    _, _, headers = raw.send("POST", "/upload/v1beta/files", b"not json", x_goog_api_key="good")
    url = headers["X-Goog-Upload-URL"]
    assert url.startswith(api.base_url)
    path = url.removeprefix(api.base_url)
    assert raw.send("POST", path, b"x", x_goog_upload_offset="7")[0] == 400
    assert raw.send("POST", path + "0", b"x")[0] == 404
    status, body, headers = raw.send("POST", path, b"xy", x_goog_upload_command="upload, finalize")
    assert (status, headers["X-Goog-Upload-Status"]) == (200, "final")
    assert json.loads(body)["file"]["name"] == "files/uploaded-1"


# Refusals


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_reaches_the_sdk_as_it_is(name: str, api: FakeGemini, raw: Raw) -> None:
    row = REFUSALS[name]
    api.refuse_with(name)
    with make_client(api, "bad-key") as client, pytest.raises(errors.APIError) as caught:
        ask(client)
    assert caught.value.code == row.status
    status, body, headers = raw.send("POST", GENERATE, b"{}", x_goog_api_key="bad-key")
    assert (status, body) == (row.status, row.body.replace(b"{key}", b"bad-key"))
    assert headers["Content-Type"] == (row.content_type or None)
    assert api.refused == 2


def test_only_the_suspended_row_echoes_the_key() -> None:
    assert [name for name, row in REFUSALS.items() if b"{key}" in row.body] == ["CONSUMER_SUSPENDED"]
    assert REFUSALS["CONSUMER_SUSPENDED"].body_for(None).count(b"api_key:'") == 1


def test_keys_come_and_go(api: FakeGemini, client: genai.Client) -> None:
    assert ask(client) == "pong: hi"
    api.revoke("good")
    with pytest.raises(errors.ClientError, match="API key not valid"):
        ask(client)
    api.revoke("good", "leaked")
    with pytest.raises(errors.ClientError, match="reported as leaked"):
        ask(client)
    api.accept("good")
    assert ask(client) == "pong: hi"
    assert api.keys == {"good"}
    assert (api.accepted, api.refused) == (2, 2)
    assert [request.status for request in api.requests] == [200, 400, 403, 200]


def test_a_refusal_needs_a_name_from_the_table(api: FakeGemini) -> None:
    with pytest.raises(ValueError, match=r"no refusal called 'nope'; there are .*API_KEY_INVALID"):
        api.revoke("good", "nope")
    assert api.keys == {"good"}


@pytest.mark.parametrize(
    "form",
    [
        {"encoding": "gzip"},
        {"chunked": True},
        {"encoding": "gzip", "chunked": True},
        {"as_list": True},
        {"as_list": True, "encoding": "gzip"},
    ],
)
def test_a_refusal_in_another_form(form: dict[str, Any], api: FakeGemini) -> None:
    api.refuse_with("API_KEY_INVALID", **form)
    with make_client(api, "bad") as client, pytest.raises(errors.ClientError, match="API key not valid") as caught:
        ask(client)
    assert caught.value.code == 400
    with make_client(api, "bad") as client, pytest.raises(errors.ClientError, match="API key not valid"):
        list(client.models.generate_content_stream(model=MODEL, contents="hi"))


def test_a_refusal_cut_off(api: FakeGemini, raw: Raw) -> None:
    api.refuse_with("API_KEY_INVALID", truncate=20)
    status, body, _ = raw.send("GET", "/v1beta/models", x_goog_api_key="bad")
    assert (status, body) == (400, REFUSALS["API_KEY_INVALID"].body[:20])


def test_misused_credentials(api: FakeGemini, raw: Raw) -> None:
    def status(path: str = "/v1beta/models", **headers: str) -> tuple[int, bytes]:
        return raw.send("GET", path, None, **headers)[:2]

    assert status() == (403, REFUSALS["unregistered_callers"].body)
    assert status("/v1beta/models?pageSize=1&key=good")[0] == 400
    assert status("/v1beta/models?key=other", x_goog_api_key="good")[0] == 400
    assert status(authorization="Bearer good") == (401, REFUSALS["unauthenticated_plain"].body)
    assert status(authorization="Bearer t", x_goog_api_key="good") == (400, REFUSALS["multiple_credentials"].body)
    assert status(x_goog_api_key="good", X_Goog_Api_Key="other")[0] == 400
    assert status("/v1beta/openai/models", authorization="Basic x")[0] == 403
    assert status("/v1beta/models?pageToken=key", x_goog_api_key="good")[0] == 200
    assert [request.key for request in api.requests[:4]] == [None, "good", "good", None]
    assert (api.accepted, api.refused) == (1, 7)


def test_an_unknown_path_is_not_found(raw: Raw) -> None:
    for path in ("/v1beta/nothing/here", "/other", "/v1beta/models/x:nope", "/v2/models"):
        status, body, _ = raw.send("GET", path, x_goog_api_key="good")
        assert (status, json.loads(body)["error"]["status"]) == (404, "NOT_FOUND")


def test_a_body_that_is_no_object_is_an_empty_prompt(raw: Raw) -> None:
    for body in (b"[]", b"{", b""):
        assert b"pong: " in raw.send("POST", GENERATE, body, x_goog_api_key="good")[1]


# Faults, redirects, streams, the hook


def test_canned_answers_come_first_and_run_out(api: FakeGemini, client: genai.Client) -> None:
    api.answer_next(503, {"error": {"code": 503, "message": "later", "status": "UNAVAILABLE"}}, times=2)
    api.answer_next(404, "gone", path="/files/")
    for _ in range(2):
        with pytest.raises(errors.ServerError, match="later"):
            ask(client)
    assert ask(client) == "pong: hi"
    with pytest.raises(errors.ClientError, match="gone"):
        client.files.get(name="files/f")
    assert [request.status for request in api.requests] == [503, 503, 200, 404]
    assert (api.accepted, api.refused) == (1, 0)


def test_canned_headers(api: FakeGemini, raw: Raw) -> None:
    api.answer_next(429, b"[]", headers={"Retry-After": "7", "content-type": "text/x-mine"})
    api.answer_next(204, b"")
    api.answer_next(599, "<html>")
    _, body, headers = raw.send("GET", "/")
    assert (body, headers["Retry-After"], headers.get_all("Content-Type")) == (b"[]", "7", ["text/x-mine"])
    status, _, headers = raw.send("GET", "/")
    assert (status, headers["Content-Type"], headers["Content-Length"]) == (204, None, None)
    status, body, headers = raw.send("GET", "/")
    assert (status, body, headers["Content-Type"]) == (599, b"<html>", "text/html; charset=UTF-8")
    assert api.connections == 1


def test_redirects(api: FakeGemini, raw: Raw, client: genai.Client) -> None:
    with FakeGemini("good") as other:
        api.redirect(":generateContent", other.base_url)
        api.redirect("/models", other.base_url + "/v1beta/files", status=302)
        assert ask(client) == "pong: hi"
        assert other.requests[0].path == GENERATE
        _, _, headers = raw.send("GET", "/v1beta/models?a=b")
        assert headers["Location"] == other.base_url + "/v1beta/files"
        _, _, headers = raw.send("POST", GENERATE + "?a=b")
        assert headers["Location"] == f"{other.base_url}{GENERATE}?a=b"
    assert [request.status for request in api.requests] == [307, 302, 307]


def test_streams_can_be_held_after_their_first_chunk(api: FakeGemini, client: genai.Client) -> None:
    with api.hold_streams():
        stream = client.models.generate_content_stream(model=MODEL, contents="hi")
        assert next(stream).text == "pong"
        assert not api.stream_gate.is_set()
    assert [chunk.text for chunk in stream] == [": ", "hi"]


def test_closing_lets_held_streams_go() -> None:
    with FakeGemini("good") as api, make_client(api) as client:
        api.stream_gate.clear()
        stream = client.models.generate_content_stream(model=MODEL, contents="hi")
        next(stream)
        api.close()
        assert api.stream_gate.is_set()
        with contextlib.suppress(Exception):  # whether the rest still came is the race
            list(stream)


def test_the_hook_sees_a_request_before_it_is_answered(api: FakeGemini) -> None:
    release = threading.Event()
    seen: list[RecordedRequest] = []

    def hold(request: RecordedRequest) -> None:
        seen.append(request)
        release.wait(10)
        api.revoke("good")

    api.on_request = hold
    with make_client(api) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, client)
        (waiting,) = api.wait_for_requests(1)
        assert waiting.status is None
        release.set()
        with pytest.raises(errors.ClientError):
            answer.result()
    assert seen == [waiting]
    assert api.requests[0].status == 400


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_in_the_hook_is_not_swallowed(api: FakeGemini, raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[BaseException | None] = []
    caught = threading.Event()

    def note(args: Any) -> None:
        failed.append(args.exc_value)
        caught.set()

    def fail(request: RecordedRequest) -> None:
        raise TimeoutError("mine")

    monkeypatch.setattr(threading, "excepthook", note)
    api.on_request = fail
    with pytest.raises(http.client.RemoteDisconnected):
        raw.send("GET", "/")
    assert caught.wait(10)
    assert str(failed[0]) == "mine"


def test_waiting_for_requests_gives_up(api: FakeGemini) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 requests arrived"):
        api.wait_for_requests(1, timeout=0.01)


# The server


def test_a_request_is_recorded_whole(api: FakeGemini, client: genai.Client) -> None:
    ask(client)
    (request,) = api.requests
    assert (request.method, request.path, request.query, request.status) == ("POST", GENERATE, "", 200)
    assert json.loads(request.body)["contents"][0]["parts"] == [{"text": "hi"}]
    assert request.header("x-goog-api-key") == "good"
    assert request.header("x-nothing") is None
    assert all(name == name.lower() for name, _ in request.headers)


def test_connections_are_kept_and_run_in_parallel(api: FakeGemini) -> None:
    everyone = threading.Barrier(96)
    api.on_request = lambda request: everyone.wait(10)

    def one(number: int) -> bytes:
        with Raw(api) as raw:
            for _ in range(3):
                body = json.dumps({"contents": [{"parts": [{"text": f"n{number}"}]}]}).encode()
                answer = raw.send("POST", GENERATE, body, x_goog_api_key="good")[1]
            return answer

    with ThreadPoolExecutor(96) as pool:
        answers = list(pool.map(one, range(96)))
    assert all(f"pong: n{number}".encode() in answer for number, answer in enumerate(answers))
    assert (api.connections, api.accepted) == (96, 288)


def test_chunked_requests_and_continue(api: FakeGemini) -> None:
    body = json.dumps({"contents": [{"parts": [{"text": "hi"}]}]}).encode()
    head = f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\nX-Goog-Api-Key: good\r\nTransfer-Encoding: chunked\r\n"
    with socket.create_connection(("127.0.0.1", int(api.base_url.rpartition(":")[2])), timeout=10) as sock:
        sock.sendall(head.encode() + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"5\r\n" + body[:5] + b"\r\n")
        sock.sendall(b"%x;ext=1\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (len(body) - 5, body[5:]))
        received = b"".join(iter(lambda: sock.recv(4096), b""))
    assert b"Connection: close" in received
    assert b"pong: hi" in received
    assert api.requests[0].body == body


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHo",
    ],
)
def test_half_a_request_ends_the_connection_and_nothing_else(data: bytes, api: FakeGemini) -> None:
    with socket.create_connection(("127.0.0.1", int(api.base_url.rpartition(":")[2])), timeout=10) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""
    assert api.requests == []
    with Raw(api) as raw:
        assert raw.send("GET", "/")[0] == 403


def test_a_client_may_leave_within_a_stream(api: FakeGemini) -> None:
    body = json.dumps({"contents": [{"parts": [{"text": "x" * 20_000_000}]}]}).encode()
    head = f"POST {GENERATE.replace(':g', ':streamG')} HTTP/1.1\r\nX-Goog-Api-Key: good\r\nContent-Length: {len(body)}"
    with socket.create_connection(("127.0.0.1", int(api.base_url.rpartition(":")[2])), timeout=10) as sock:
        sock.sendall(head.encode() + b"\r\n\r\n" + body)
        assert b"pong" in sock.recv(1000)
    with Raw(api) as raw:
        assert raw.send("GET", "/v1beta/models", x_goog_api_key="good")[0] == 200


def test_a_server_can_be_closed_from_its_hook() -> None:
    with FakeGemini("good") as api:
        api.on_request = lambda request: api.close()
        with Raw(api) as raw, pytest.raises(ConnectionError):
            raw.send("GET", "/")


def test_starting_and_closing_twice() -> None:
    api = FakeGemini("good")
    with pytest.raises(RuntimeError, match="not running"):
        _ = api.base_url
    api.close()
    api.start()
    first = api.base_url
    api.start()
    assert api.base_url == first
    assert api.ca_file is None
    with Raw(api) as raw:
        raw.send("GET", "/v1beta/models", x_goog_api_key="good")
        api.close()
        api.close()
        with pytest.raises(ConnectionError):
            raw.send("GET", "/v1beta/models", x_goog_api_key="good")
    with api, Raw(api) as raw:
        assert raw.send("GET", "/v1beta/models", x_goog_api_key="good")[0] == 200
    assert (api.accepted, api.connections) == (2, 2)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fake-gemini")]


# TLS and Live


@pytest.fixture(scope="module")
def secure() -> Iterator[FakeGemini]:
    with FakeGemini("good", "auth_tokens/created", tls=True) as running:
        yield running


@pytest.fixture
def live(secure: FakeGemini) -> Iterator[FakeGemini]:
    yield secure
    secure.refuse_live_with(None)
    secure.refuse_with("API_KEY_INVALID")


def trusting(api: FakeGemini) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=api.ca_file)
    return {"client_args": {"verify": context}, "async_client_args": {"ssl": context}}


async def talk(api: FakeGemini, key: str = "good", **options: Any) -> list[str | None]:
    async with async_client(api, key, **trusting(api), **options) as aio, aio.live.connect(model=MODEL) as session:
        await session.send_client_content(turns={"role": "user", "parts": [{"text": "hi"}]})
        texts = [message.text async for message in session.receive()]
        await session.send_realtime_input(text="yo")
        return texts + [message.text async for message in session.receive()]


def test_tls(live: FakeGemini) -> None:
    assert live.base_url.startswith("https://")
    with make_client(live, **trusting(live)) as client:
        assert ask(client) == "pong: hi"
        made = client.files.upload(file=io.BytesIO(b"abc"), config={"mime_type": "text/plain"})
        assert made.size_bytes == 3
    with make_client(live) as client, pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        ask(client)


def test_plain_text_on_a_tls_port(live: FakeGemini) -> None:
    connection = http.client.HTTPConnection(live.base_url.removeprefix("https://"), timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        with pytest.raises((ConnectionError, http.client.BadStatusLine)):
            connection.getresponse()


def test_tls_leaves_nothing_behind() -> None:
    with FakeGemini(tls=True) as api:
        assert api.ca_file is not None
        ca = Path(api.ca_file)
        assert ca.exists()
        # A connection that never begins its handshake must not hold up the end.
        idle = socket.create_connection(("127.0.0.1", int(api.base_url.rpartition(":")[2])))
    assert idle.recv(1) == b""
    idle.close()
    assert not ca.exists()


def test_tls_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ImportError, match="pip install trustme"):
        FakeGemini(tls=True).start()


def test_live_echoes(live: FakeGemini) -> None:
    assert asyncio.run(talk(live)) == ["pong: hi", None, "pong: yo", None]
    request = live.requests[-1]
    assert (request.key, request.status, request.method) == ("good", 101, "GET")
    assert request.path == "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def test_live_with_an_ephemeral_token(live: FakeGemini) -> None:
    assert asyncio.run(talk(live, "auth_tokens/created", api_version="v1alpha"))[0] == "pong: hi"
    assert live.requests[-1].path.endswith("BidiGenerateContentConstrained")


@pytest.mark.parametrize("name", ["API_KEY_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "leaked"])
def test_live_refused_in_the_handshake(name: str, live: FakeGemini) -> None:
    from websockets.exceptions import InvalidStatus

    live.refuse_with(name)
    assert live.live_refusal == "handshake"
    with pytest.raises(InvalidStatus) as caught:
        asyncio.run(talk(live, "bad"))
    assert caught.value.response.status_code == REFUSALS[name].status
    assert caught.value.response.body == REFUSALS[name].body


@pytest.mark.parametrize("name", CLOSES)
def test_live_closed_before_the_session_is_set_up(name: str, live: FakeGemini) -> None:
    row = CLOSES[name]
    live.refuse_live_with(row.code, row.reason)
    assert live.live_refusal == "close"
    refused = live.refused
    with pytest.raises(errors.APIError) as caught:
        asyncio.run(talk(live, "bad"))
    assert (caught.value.code, caught.value.details) == (row.code, row.reason)
    assert live.refused == refused + 1
    with make_client(live, "bad", **trusting(live)) as client, pytest.raises(errors.ClientError):
        ask(client)
    assert asyncio.run(talk(live))[0] == "pong: hi"


def test_live_music(live: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    from websockets.exceptions import ConnectionClosedError, InvalidStatus

    # connect() of live music takes no TLS argument: what OpenSSL reads at that moment is the only way in.
    assert live.ca_file is not None
    monkeypatch.setenv("SSL_CERT_FILE", live.ca_file)

    async def play(key: str) -> Any:
        async with (
            async_client(live, key) as aio,
            aio.live.music.connect(model="models/lyria-realtime-exp") as session,
        ):
            await session.set_weighted_prompts([types.WeightedPrompt(text="a", weight=1.0)])
            await session.play()
            return await anext(session.receive())

    with pytest.raises(InvalidStatus):
        asyncio.run(play("bad"))
    if "key=" in live.requests[-1].query:
        pytest.skip("this google-genai puts the key of live music in the URL, which the fake never accepts")
    assert asyncio.run(play("good")).server_content.audio_chunks[0].data == b"\0" * 16
    live.refuse_live_with(1007, "API key not valid.")
    with pytest.raises(ConnectionClosedError, match="API key not valid"):
        asyncio.run(play("bad"))


def test_live_interactions(live: FakeGemini) -> None:
    interactions = pytest.importorskip("google.genai.interactions")
    if not hasattr(interactions, "APIWebSocketError"):
        pytest.skip("this google-genai has no live interactions")

    async def converse(key: str) -> list[str]:
        async with async_client(live, key, **trusting(live)) as aio, aio.interactions.connect("int-1") as session:
            await session.send("hi")
            kinds: list[str] = []
            async for event in session.receive():
                kinds.append(event.event_type)
                if event.event_type == "step.delta":
                    assert event.delta.text == "pong: hi"
                    await session.complete()
            return kinds

    assert asyncio.run(converse("good")) == ["interaction.connected", "step.delta", "interaction.completed"]
    with pytest.raises(interactions.APIWebSocketError) as caught:
        asyncio.run(converse("bad"))
    assert caught.value.http_status == 400
    live.refuse_live_with(1008, "nope")
    with pytest.raises(interactions.APIWebSocketError) as caught:
        asyncio.run(converse("bad"))
    assert caught.value.close_code == 1008


def test_websockets_in_plain_text(api: FakeGemini) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    base, key = api.base_url.replace("http", "ws"), {"x-goog-api-key": "good"}
    with connect(f"{base}/v1beta/interactions/live", additional_headers=key) as ws:
        ws.ping().wait(10)
        ws.send('{"event_type": "unknown"}')
        ws.send(['{"event_type": ', '"interaction.connect"}'])
        assert json.loads(ws.recv()) == {"event_type": "interaction.connected"}
    with pytest.raises(InvalidStatus), connect(f"{base}/ws/elsewhere", additional_headers=key):
        pass
    assert [request.status for request in api.requests] == [101, 404]


def test_a_handshake_that_is_none(raw: Raw) -> None:
    status, _, _ = raw.send("GET", "/v1beta/interactions/live", x_goog_api_key="good", upgrade="websocket")
    assert status in (400, 426)


def test_closing_ends_live_sessions() -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    with FakeGemini("good") as api:
        url = f"{api.base_url.replace('http', 'ws')}/v1beta/interactions/live"
        with connect(url, additional_headers={"x-goog-api-key": "good"}) as ws:
            api.close()
            with pytest.raises(ConnectionClosed):
                ws.recv()


def test_nothing_is_logged(live: FakeGemini, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        asyncio.run(talk(live))
    assert not [
        record for record in caplog.records if record.name.startswith(("websockets.server", "genai_credentials"))
    ]
