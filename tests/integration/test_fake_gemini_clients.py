"""FakeGemini as other people's clients see it: the JavaScript SDK, OpenAI's, the SDK before google-genai, curl.

What takes a minute to install runs where it is there: PROXY_TEST_NODE_MODULES names a directory with @google/genai
(`npm install @google/genai`); `pip install google-generativeai litellm` brings the others.
"""

import contextlib
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genai_credentials.testing import FakeGemini

SCRIPT = Path(__file__).with_name("fake_gemini_sdk.mjs")
MODEL = "gemini-2.5-flash"
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def api() -> Iterator[FakeGemini]:
    with FakeGemini("good") as running:
        yield running


def send(api: FakeGemini, path: str, body: object = None, key: str = "good") -> tuple[int, bytes]:
    """One request; its status and body."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"x-goog-api-key": key} if key else {}
    request = urllib.request.Request(f"{api.base_url}/v1beta/{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


# The JavaScript SDK


EXPECTED = {
    "generate": "pong: hi",
    "stream": ["pong", ": ", "hi"],
    "chat": "pong: hi",
    "embed": [[3, 1], [1, 1]],
    "count": 2,
    "model": f"models/{MODEL}",
    "videos": True,
    "upload": ["files/mine", "D", "text/x-test", "3"],
    "files": 1,
    "file": "D",
    "download": "bytes of files/mine",
    "interaction": "pong: hi",
    "interactionStream": "interaction.completed",
    "live": {"text": "pong: hi", "usage": 3},
    "liveText": {"text": "pong: hi", "usage": 3},
    "music": 24,
}


def test_each_call_of_the_javascript_sdk_is_answered(tmp_path: Path) -> None:
    modules = os.environ.get("PROXY_TEST_NODE_MODULES", "")
    if shutil.which("node") is None or not Path(modules, "@google/genai").is_dir():
        pytest.skip("node is not there, or PROXY_TEST_NODE_MODULES names no directory with @google/genai")
    (tmp_path / "node_modules").symlink_to(Path(modules).resolve())
    shutil.copy(SCRIPT, tmp_path)
    with FakeGemini("good", tls=True, key_in_url=True) as api:
        environ = {"GEMINI_API_KEY": "good", "GOOGLE_GEMINI_BASE_URL": api.base_url}
        environ |= {**os.environ, "NODE_EXTRA_CA_CERTS": str(api.ca_file)}
        command = ["node", str(tmp_path / SCRIPT.name), str(tmp_path)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=180, check=False)
    results = json.loads(done.stdout)
    failed = {name: found for name, found in results.items() if isinstance(found, dict) and "error" in found}
    assert failed == {}, done.stderr
    assert {name: results[name] for name in EXPECTED} == EXPECTED
    assert len(results) == 33
    # Its Live has no other way to send the key.
    assert {request.query for request in api.requests if request.status == 101} == {"key=good"}


# A key in the URL


def test_a_key_in_the_url_is_refused_unless_it_is_asked_for(api: FakeGemini) -> None:
    status, body = send(api, "models?key=good", key="")
    assert (status, b"must never be in a URL" in body) == (400, True)
    with FakeGemini("good", "wei%rd/key", key_in_url=True) as other:
        assert send(other, "models?key=good", key="")[0] == 200
        assert send(other, "models?pageSize=1&key=wei%25rd%2Fkey", key="")[0] == 200
        assert send(other, "models?key=bad", key="")[0] == 400
        assert [request.key for request in other.requests] == ["good", "wei%rd/key", "bad"]


# Streams, usage, uploads


def test_a_stream_is_an_array_where_no_events_are_asked_for(api: FakeGemini) -> None:
    body = {"contents": [{"parts": [{"text": "one two"}]}]}
    for query in ("", "?alt=json", "?%24alt=json%3Benum-encoding%3Dint"):
        status, answer = send(api, f"models/{MODEL}:streamGenerateContent{query}", body)
        parts = [part["candidates"][0]["content"]["parts"][0]["text"] for part in json.loads(answer)]
        assert (status, parts) == (200, ["pong", ": ", "one two"])
    assert send(api, f"models/{MODEL}:streamGenerateContent?alt=sse", body)[1].startswith(b"data: {")


def test_a_held_stream_of_an_array_stops_after_its_first_chunk(api: FakeGemini) -> None:
    with api.hold_streams():
        request = urllib.request.Request(
            f"{api.base_url}/v1beta/models/{MODEL}:streamGenerateContent", b"{}", {"x-goog-api-key": "good"}
        )
        response = urllib.request.urlopen(request, timeout=20)
        with contextlib.closing(response):
            assert response.read1(1_000).startswith(b'[{"candidates"')
            api.stream_gate.set()
            assert response.read().endswith(b"]")


def test_usage_adds_up(api: FakeGemini) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "one two three"}]}]}
    usage = json.loads(send(api, f"models/{MODEL}:generateContent", body)[1])["usageMetadata"]
    assert (usage["promptTokenCount"], usage["candidatesTokenCount"], usage["totalTokenCount"]) == (3, 4, 7)
    assert usage["promptTokensDetails"] == [{"modality": "TEXT", "tokenCount": 3}]
    whole = {"generateContentRequest": {"model": f"models/{MODEL}", **body}}
    assert json.loads(send(api, f"models/{MODEL}:countTokens", whole)[1])["totalTokens"] == 3
    chunks = json.loads(send(api, f"models/{MODEL}:streamGenerateContent", body)[1])
    assert chunks[-1]["usageMetadata"] == usage


@pytest.mark.parametrize("names", [("displayName", "mimeType"), ("display_name", "mime_type")])
def test_an_upload_is_named_in_either_spelling(api: FakeGemini, names: tuple[str, str]) -> None:
    start = urllib.request.Request(
        f"{api.base_url}/upload/v1beta/files",
        json.dumps({"file": {names[0]: "D", names[1]: "text/x-test"}}).encode(),
        {"x-goog-api-key": "good", "X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"},
    )
    with urllib.request.urlopen(start, timeout=20) as response:
        url = response.headers["X-Goog-Upload-URL"]
    chunk = urllib.request.Request(url, b"abc", {"X-Goog-Upload-Command": "upload, finalize"})
    with urllib.request.urlopen(chunk, timeout=20) as response:
        made = json.load(response)["file"]
    assert (made["displayName"], made["mimeType"], made["sizeBytes"]) == ("D", "text/x-test", "3")


@pytest.mark.parametrize(
    "contents", ["hi", ["hi"], {"parts": {"text": "hi"}}, [{"parts": "hi"}], [7], [], None, [[{"text": "hi"}]]]
)
def test_contents_in_any_form_are_answered(api: FakeGemini, contents: object) -> None:
    assert send(api, f"models/{MODEL}:generateContent", {"contents": contents})[0] == 200


# OpenAI's client


def test_openais_client_has_models_embeddings_and_images(api: FakeGemini) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(api_key="good", base_url=f"{api.base_url}/v1beta/openai/", max_retries=0) as client:
        for name in (MODEL, f"models/{MODEL}"):
            assert client.models.retrieve(name).id == f"models/{MODEL}"
        for options in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
            made = client.embeddings.create(model="e", input=["abc", "d"], **options)
            assert made.usage.total_tokens == 2
            if options != {"encoding_format": "base64"}:
                assert [row.embedding for row in made.data] == [[3.0, 1.0], [1.0, 1.0]]
        assert client.images.generate(prompt="p", n=2).data[1].b64_json
        assert client.chat.completions.create(**CHAT).usage.total_tokens == 3
        last = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))[-1]
        assert (last.choices, last.usage.completion_tokens) == ([], 2)


@pytest.mark.parametrize(
    ("key", "path", "status"), [("bad", "models", 400), ("", "models", 403), ("good", "nope", 404)]
)
def test_errors_for_openais_clients_are_in_a_list(api: FakeGemini, key: str, path: str, status: int) -> None:
    code, body = send(api, f"openai/{path}", key=key)
    assert code == status
    assert [error["error"]["code"] for error in json.loads(body)] == [status]
    assert json.loads(send(api, path, key=key)[1])["error"]["code"] == (404 if key == "good" else status)


def test_a_gateways_error_stays_as_the_gateway_sends_it(api: FakeGemini) -> None:
    api.refuse_with("rix_api_error")
    assert json.loads(send(api, "openai/models", key="bad")[1])["error"]["type"] == "rix_api_error"


# Live, from whoever


HOSTILE = [
    b"",
    b"no json",
    b"[]",
    b"null",
    b'"setup"',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"clientContent": 7}',
    b'{"clientContent": {"turns": 7}}',
    b'{"client_content": {"turns": {"parts": 1}}}',
    b'{"setup": {}}garbage',
]


@pytest.mark.parametrize("message", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_hostile_message_of_live_is_closed_and_not_a_traceback(
    api: FakeGemini, message: bytes, as_text: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    url = f"{api.base_url.replace('http', 'ws')}/ws/google.ai.generativelanguage.v1beta.GenerativeService"
    with connect(f"{url}.BidiGenerateContent", additional_headers={"x-goog-api-key": "good"}) as ws:
        ws.send(message, text=as_text)
        with pytest.raises(ConnectionClosed) as caught:
            ws.recv(20)
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1007, "Request contains an invalid argument.")
    assert send(api, "models")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


# Others, where they are installed


def test_the_sdk_before_google_genai_over_rest(api: FakeGemini) -> None:
    older = pytest.importorskip("google.generativeai", reason="pip install google-generativeai")
    older.configure(api_key="good", transport="rest", client_options={"api_endpoint": api.base_url})
    model = older.GenerativeModel(MODEL)
    assert model.generate_content("hi").text == "pong: hi"
    assert [chunk.text for chunk in model.generate_content("hi", stream=True)] == ["pong", ": ", "hi"]
    assert model.count_tokens("a b").total_tokens == 2
    assert older.embed_content(model="models/e", content=["abc", "d"])["embedding"] == [[3.0, 1.0], [1.0, 1.0]]
    assert [found.name for found in older.list_models()] == [f"models/{MODEL}", "models/gemini-2.5-pro"]


def test_litellm_by_both_routes(api: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm", reason="pip install litellm")
    for route, path in (("gemini", "/v1beta"), ("openai", "/v1beta/openai")):
        where = {"api_base": api.base_url + path, "api_key": "good"}
        asked = CHAT | {"model": f"{route}/{MODEL}"} | where
        assert litellm.completion(**asked).choices[0].message.content == "pong: hi"
        parts = [
            part.choices[0].delta.content or "" for part in litellm.completion(**asked, stream=True) if part.choices
        ]
        assert "".join(parts) == "pong: hi"
        made = litellm.embedding(model=f"{route}/gemini-embedding-001", input=["abc"], **where)
        assert made.data[0]["embedding"] == [3.0, 1.0]
