"""OpenAI's client with our Auth, or with the provider as its key."""

import asyncio

import pytest
from sdk_paths import MODEL
from ways import (
    marks,
)

pytestmark = marks


@pytest.fixture
def openai():
    return pytest.importorskip("openai")


def openai_url(api):
    return f"{api.base_url}/v1beta/openai/"


CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("stream", [False, True])
def test_openais_client_survives_a_rotation(credentials, api, keys, openai, stream):
    auth = credentials.httpx_auth(header="Authorization", scheme="Bearer ")
    with openai.OpenAI(
        api_key="unused", base_url=openai_url(api), http_client=openai.DefaultHttpxClient(auth=auth), max_retries=0
    ) as client:
        for _ in range(2):
            answer = client.chat.completions.create(**CHAT, stream=stream)
            assert list(answer) if stream else answer.choices[0].message.content
            keys.rotate()
    assert [(request.key, request.status) for request in api.requests] == [
        ("key-1", 200),
        ("key-1", 400),
        ("key-2", 200),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_openais_asynchronous_client_survives_a_rotation(credentials, api, keys, openai, stream):
    auth = credentials.httpx_auth(header="Authorization", scheme="Bearer ")

    async def main():
        async with openai.AsyncOpenAI(
            api_key="unused",
            base_url=openai_url(api),
            http_client=openai.DefaultAsyncHttpxClient(auth=auth),
            max_retries=0,
        ) as client:
            for _ in range(2):
                answer = await client.chat.completions.create(**CHAT, stream=stream)
                assert [chunk async for chunk in answer] if stream else answer.choices[0].message.content
                keys.rotate()

    asyncio.run(main())
    assert [(request.key, request.status) for request in api.requests] == [
        ("key-1", 200),
        ("key-1", 400),
        ("key-2", 200),
    ]


def test_openais_client_takes_the_provider_for_a_key(credentials, api, keys, openai):
    with openai.OpenAI(api_key=credentials, base_url=openai_url(api)) as client:
        assert client.chat.completions.create(**CHAT).choices[0].message.content
    assert [request.key for request in api.requests] == ["key-1"]
