"""Everything of ours that rests on private names of google-genai: fails when one of them goes."""

import inspect
import socket

import pytest
from google import genai
from google.genai import _api_client, _base_url, live_music, types

from genai_credentials import ConfigurationError, CredentialsError, InvalidSecret
from genai_credentials.client import probe, sdk
from genai_credentials.testing import FakeGemini

SDK = tuple(int(part) for part in genai.__version__.split(".")[:2])


def client_of(url):
    return genai.Client(vertexai=False, api_key="AIza-sdk-key", http_options={"base_url": url})


def test_the_base_url_of_a_client_is_found():
    with client_of("https://gateway.example/gemini/") as client:
        assert sdk.base_url_of(client).rstrip("/") == "https://gateway.example/gemini"


def test_the_base_url_of_a_client_to_be_is_found(monkeypatch):
    assert sdk.base_url_for(types.HttpOptions(base_url="https://a.example"), enterprise=False) == "https://a.example"
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://b.example")
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "https://c.example")
    assert sdk.base_url_for(types.HttpOptions(), enterprise=False) == "https://b.example"
    assert sdk.base_url_for(types.HttpOptions(), enterprise=True) == "https://c.example"
    assert inspect.signature(_base_url.get_base_url).parameters


def test_the_switches_by_version_agree_with_the_versions_that_were_seen():
    assert sdk.downloads_take_middlewares() == (SDK >= (2, 22))
    assert sdk.music_writes_the_key_into_the_url() == (SDK < (2, 0))
    assert sdk.keeps_a_pool_per_loop() == (SDK >= (3, 5))


def test_the_code_that_the_switches_look_at_is_there():
    assert _api_client.BaseApiClient.async_download_file.__code__.co_names
    assert live_music.AsyncLiveMusic.connect.__wrapped__.__code__.co_consts


def test_a_client_has_what_ours_replaces():
    with client_of("https://gateway.example/") as client:
        assert isinstance(inspect.getattr_static(type(client.aio), "live"), property)
        assert callable(client.aio.files.download)
        assert callable(client.files.download)


# The probe


@pytest.fixture
def asked():
    with FakeGemini("AIza-live-key") as server:
        yield server


def test_a_live_key_is_accepted_and_a_dead_one_rejected(asked):
    assert probe.ask("AIza-live-key", base_url=asked.base_url).accepted
    verdict = probe.ask("AIza-dead-key", base_url=asked.base_url)
    assert (verdict.accepted, verdict.rejected, verdict.cause) == (False, True, "API_KEY_INVALID")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_answer_that_says_nothing_of_the_key_is_no_rejection(asked, status):
    asked.answer_next(status, {"error": {"code": status, "message": "busy", "status": "UNAVAILABLE"}})
    assert not probe.ask("AIza-live-key", base_url=asked.base_url).rejected


def test_a_redirect_is_not_followed(asked):
    with FakeGemini("AIza-live-key") as abroad:
        asked.redirect("models", abroad.base_url)
        assert not probe.ask("AIza-live-key", base_url=asked.base_url).accepted
        assert abroad.requests == []


def test_the_environments_proxy_does_not_read_the_key(asked, proxy, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert probe.ask("AIza-live-key", base_url=asked.base_url).accepted
    assert proxy.asked == []


def test_what_cannot_be_asked_is_said_and_no_frame_of_ours_holds_the_key():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(CredentialsError, match="no answer") as caught:
        probe.ask("AIza-live-key", base_url=url, timeout=2)
    frame = caught.value.__traceback__
    while frame is not None:
        if "genai_credentials" in frame.tb_frame.f_code.co_filename:
            assert "AIza-live-key" not in repr(frame.tb_frame.f_locals)
        frame = frame.tb_next
    assert caught.value.__cause__ is None
    with pytest.raises(ConfigurationError):
        probe.ask("AIza-live-key", base_url="http://gateway.example")
    with pytest.raises(InvalidSecret):
        probe.ask("two keys", base_url="https://gateway.example")
