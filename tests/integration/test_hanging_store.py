"""The API refuses at once while the store hangs. A request raises the API's own error within its own timeout."""

import asyncio
import time

import httpx
import pytest

from genai_credentials import AWSSecretsManager, CredentialProvider
from genai_credentials.testing import FakeGemini

TIMEOUT = 3.0
"""Seconds: the request's own. A fetch may take forty."""

MODEL = "gemini-2.5-flash"


@pytest.fixture
def stuck(aws):
    """A provider with a refused key and a store that hangs, and the API that refuses the key."""
    aws.add("s", "key-1")
    with FakeGemini("key-1") as api:
        credentials = CredentialProvider(AWSSecretsManager("s", client=aws.client), fetch_timeout=40)
        credentials.get()
        api.revoke("key-1")
        with aws.hang():
            yield credentials, api


def client_of(credentials, api, **options):
    return credentials.client(http_options={"base_url": api.base_url, "timeout": int(TIMEOUT * 1000), **options})


def fails(ask):
    """Return the code of the error, and the seconds until it."""
    from google.genai import errors

    began = time.monotonic()
    with pytest.raises(errors.APIError) as caught:
        ask()
    return caught.value.code, time.monotonic() - began


def test_a_synchronous_request_has_the_apis_error_in_its_own_time(stuck):
    with client_of(*stuck) as client:
        code, took = fails(lambda: client.models.generate_content(model=MODEL, contents="hi"))
    assert (code, took < 20) == (400, True)


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
def test_an_asynchronous_request_has_the_apis_error_in_its_own_time(stuck, transport):
    options = {} if transport == "aiohttp" else {"async_client_args": {"transport": httpx.AsyncHTTPTransport()}}

    async def ask():
        async with client_of(*stuck, **options).aio as client:
            await client.models.generate_content(model=MODEL, contents="hi")

    code, took = fails(lambda: asyncio.run(ask()))
    assert (code, took < 20) == (400, True)


def test_the_fetch_goes_on_for_the_next_request(aws):
    aws.add("s", "key-1")
    with FakeGemini("key-1") as api:
        credentials = CredentialProvider(AWSSecretsManager("s", client=aws.client), fetch_timeout=40)
        credentials.get()
        api.revoke("key-1")
        api.accept("key-2")
        with client_of(credentials, api) as client:
            aws.add("s", "key-2")
            with aws.hang():
                code, _ = fails(lambda: client.models.generate_content(model=MODEL, contents="hi"))
            assert code == 400
            assert client.models.generate_content(model=MODEL, contents="hi").text
        assert credentials() == "key-2"
        assert aws.reads == 2


def test_an_auth_for_another_client_keeps_to_the_requests_timeout_too(stuck):
    credentials, api = stuck
    began = time.monotonic()
    with httpx.Client(auth=credentials.httpx_auth(), timeout=TIMEOUT) as client:
        assert client.get(f"{api.base_url}/v1beta/models").status_code == 400
    assert time.monotonic() - began < 20
