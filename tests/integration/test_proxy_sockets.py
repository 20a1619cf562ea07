"""WebSockets and uploads through the proxy, by a stock client of each."""

import asyncio
import json

import pytest
from google import genai
from running_proxy import RunningProxy, body_of, status_of, until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from genai_credentials.testing import REFUSALS, FakeGemini, RotatingCredentials
from genai_credentials.testing.refusals import CLOSES

LIVE = "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
SETUP = json.dumps({"setup": {"model": "models/m"}})
PROMPT = json.dumps({"client_content": {"turns": [{"parts": [{"text": "hi"}]}]}})


@pytest.fixture(scope="module")
def api():
    with FakeGemini() as server:
        yield server


@pytest.fixture(scope="module")
def running(api, tmp_path_factory):
    path = tmp_path_factory.mktemp("rotating")
    with (
        RotatingCredentials(api, path) as rotating,
        RunningProxy(path, "--upstream", api.base_url, **rotating.environment) as proxy,
    ):
        yield rotating, proxy


@pytest.fixture
def rotating(running, api):
    """The chain; what a test revoked is followed by a rotation."""
    yield running[0]
    api.refuse_with("API_KEY_INVALID")
    api.refuse_live_with(None)
    if running[0].key not in api.keys:
        running[0].rotate()
        # The refusal of a key that nothing better was found for is looked into again after 5 s.
        until(lambda: status_of(running[1].request("GET /v1beta/models")) == 200, 15)


@pytest.fixture
def proxy(running):
    return running[1]


async def talk(proxy, *, path=LIVE, **options):
    """The answers to a setup and a prompt, with the token as the JavaScript SDK shows it."""
    url = f"{proxy.url.replace('http', 'ws')}{path}?key={proxy.token}"
    async with connect(url, proxy=None, compression=None, **options) as socket:
        await socket.send(SETUP)
        first = json.loads(await socket.recv())
        await socket.send(PROMPT)
        return first, json.loads(await socket.recv())


def assert_talks(proxy):
    first, second = asyncio.run(talk(proxy))
    assert first == {"setupComplete": {}}
    assert second["serverContent"]["modelTurn"]["parts"] == [{"text": "pong: hi"}]


def test_a_socket_gets_the_key_and_the_api_sees_neither_token_nor_query(proxy, api, rotating):
    assert_talks(proxy)
    request = api.requests[-1]
    assert (request.path, request.query, request.key) == (LIVE, "", rotating.key)
    assert proxy.token not in str(request)


def test_a_socket_without_the_token_is_refused(proxy, api):
    known = len(api.requests)
    with pytest.raises(InvalidStatus) as caught:
        asyncio.run(opened(f"{proxy.url.replace('http', 'ws')}{LIVE}"))
    assert caught.value.response.status_code == 401
    assert len(api.requests) == known


async def opened(url, **options):
    async with connect(url, proxy=None, **options):
        pass


@pytest.mark.parametrize(
    "refusal", ["API_KEY_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "leaked", "CONSUMER_SUSPENDED"]
)
def test_a_refused_handshake_is_repeated_with_the_next_key(refusal, proxy, rotating):
    assert_talks(proxy)
    rotating.rotate(refusal)
    assert_talks(proxy)


@pytest.mark.parametrize(
    "close", [row for row in CLOSES.values() if row.verdict == "rejected"], ids=lambda row: row.name
)
def test_a_close_before_the_first_message_is_followed_by_another_connection(close, proxy, api, rotating):
    assert_talks(proxy)
    api.refuse_live_with(close.code, close.reason)
    rotating.rotate()
    assert_talks(proxy)
    assert [request.key for request in api.requests[-2:]] == [f"AIzaRotating-{rotating.rotations}", rotating.key]


def test_with_no_key_left_the_apis_own_refusal_passes(proxy, api, rotating):
    assert_talks(proxy)
    api.refuse_with("CONSUMER_SUSPENDED")
    api.revoke(rotating.key)
    with pytest.raises(InvalidStatus) as caught:
        asyncio.run(talk(proxy))
    response, key = caught.value.response, rotating.key
    assert response.status_code == 403
    assert response.body == REFUSALS["CONSUMER_SUSPENDED"].body_for(key).replace(key.encode(), b"*" * len(key))


def test_the_apis_close_passes_with_its_code_and_without_the_key(proxy, api, rotating):
    assert_talks(proxy)
    api.refuse_live_with(1011, f"broken for {rotating.key}")
    api.revoke(rotating.key)
    with pytest.raises(ConnectionClosed) as caught:
        asyncio.run(talk(proxy))
    assert caught.value.rcvd.code == 1011
    assert caught.value.rcvd.reason == "broken for " + "*" * len(rotating.key)


# Uploads


def test_a_large_upload_survives_a_rotation(proxy, api, rotating, tmp_path):
    file = tmp_path / "large.txt"
    file.write_bytes(b"x" * (20 * 1024 * 1024))
    with genai.Client(api_key=proxy.token, http_options={"base_url": proxy.url}) as client:
        chunks = []

        def rotate(request):
            if "upload_id" in request.query:
                chunks.append(request)
                rotating.rotate()

        api.on_request = rotate
        try:
            uploaded = client.files.upload(file=str(file), config={"mime_type": "text/plain"})
        finally:
            api.on_request = None
        assert int(uploaded.size_bytes) == 20 * 1024 * 1024
        assert len(chunks) == 3
        for chunk in chunks:
            assert chunk.key is None
            assert "genai-credentials" not in chunk.query
        assert client.models.generate_content(model="m", contents="hi").text == "pong: hi"


def start_upload(proxy):
    head = (
        "POST /upload/v1beta/files\nX-Goog-Upload-Protocol: resumable\nX-Goog-Upload-Command: start\nContent-Length: 2"
    )
    answer = proxy.request(head, b"{}")
    (line,) = [line for line in answer.split(b"\r\n") if line.lower().startswith(b"x-goog-upload-url: ")]
    return line.decode().partition(": ")[2]


def send_chunk(proxy, url):
    target = url.partition("//")[2].partition("/")[2]
    head = f"POST /{target}\nX-Goog-Upload-Command: upload, finalize\nX-Goog-Upload-Offset: 0\nContent-Length: 5"
    return proxy.request(head, b"hello", token=False)


def test_a_signed_url_opens_its_own_target_and_nothing_else(proxy, api):
    url = start_upload(proxy)
    assert url.startswith(f"{proxy.url}/upload/v1beta/files?upload_id=session-")
    known = len(api.requests)
    for forged in (
        url.replace("session-", "session-0"),
        url.replace("/files?", "/files/x?"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url + "&a=b",
        url + "&genai-credentials-upload=0",
        url.partition("&genai-credentials-upload=")[0],
        f"{proxy.url}/v1beta/models?{url.partition('?')[2]}",
    ):
        assert status_of(send_chunk(proxy, forged)) == 401
    assert len(api.requests) == known
    answer = send_chunk(proxy, url)
    assert status_of(answer) == 200
    assert b'"sizeBytes": "5"' in body_of(answer)
    assert api.requests[-1].query.startswith("upload_id=session-")
    assert "&" not in api.requests[-1].query
