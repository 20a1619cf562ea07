"""`explain` knows the proxy's own errors, in the forms in which tools tell of them."""

import asyncio

import pytest
from google import genai
from google.genai import errors
from running_proxy import RunningProxy, body_of, status_of

from genai_credentials.cli.meanings import of_answer, of_pasted
from genai_credentials.testing import RotatingCredentials

TOLD_TWICE = "POST /v1beta/models/m:generateContent\nContent-Length: 2\nTransfer-Encoding: chunked"


@pytest.fixture
def proxy(api, tmp_path):
    with (
        RotatingCredentials(api, tmp_path) as rotating,
        RunningProxy(tmp_path, "--upstream", api.base_url, **rotating.environment) as running,
    ):
        yield running


@pytest.fixture
def alone(api, tmp_path):
    """A proxy to where nobody listens."""
    with (
        RotatingCredentials(api, tmp_path) as rotating,
        RunningProxy(tmp_path, "--upstream", "http://127.0.0.1:1", **rotating.environment) as running,
    ):
        yield running


@pytest.fixture
def keyless(api, tmp_path):
    with RunningProxy(tmp_path, "--upstream", api.base_url, GENAI_CREDENTIALS="env:NO_SUCH_KEY") as running:
        yield running


def explained(answer):
    """What an answer means: as `check` sees it, and pasted from a terminal."""
    status, body = status_of(answer), body_of(answer).decode()
    pasted, _ = of_pasted(answer.decode())
    assert of_answer(status, body).cause == pasted.cause
    return pasted.verdict, pasted.cause


@pytest.mark.parametrize(
    ("options", "meaning"),
    [
        ({"head": "GET /v1beta/models", "token": False}, ("refused", "proxy_token")),
        ({"head": "GET /v1beta/models\nAuthorization: Bearer AIzaWrong"}, ("refused", "proxy_token")),
        ({"head": "GET /v1beta/models", "host": "evil.example"}, ("misconfigured", "proxy_host")),
        ({"head": "GET /v1beta/models\nOrigin: https://evil.example"}, ("misconfigured", "proxy_origin")),
        ({"head": TOLD_TWICE}, ("not_the_key", "proxy_request")),
    ],
)
def test_what_the_proxy_refuses_is_explained(options, meaning, proxy):
    assert explained(proxy.request(**options)) == meaning


def test_an_api_out_of_reach_is_explained(alone):
    answer = alone.request("GET /v1beta/models")
    assert (status_of(answer), *explained(answer)) == (502, "not_the_key", "proxy_upstream")


def test_a_chain_without_a_key_is_explained(keyless):
    answer = keyless.request("GET /v1beta/models")
    assert (status_of(answer), *explained(answer)) == (503, "no_key", "no_key")


def ask(client):
    client.models.generate_content(model="m", contents="hi")


def ask_asynchronously(client):
    async def main():
        async with client.aio as asking:
            await asking.models.generate_content(model="m", contents="hi")

    asyncio.run(main())


@pytest.mark.parametrize("asking", [ask, ask_asynchronously])
def test_the_sdks_error_is_explained(asking, proxy):
    options = {"base_url": proxy.url}
    with genai.Client(api_key="AIzaNoToken", http_options=options) as client, pytest.raises(errors.APIError) as caught:
        asking(client)
    assert of_pasted(str(caught.value))[0].cause == "proxy_token"
