"""OpenAI's client, on the endpoint of Gemini that is compatible with it, through a rotation."""

import asyncio

import pytest
from openai import AsyncOpenAI, BadRequestError, OpenAI

ASKED = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "hi"}]}


def sync(shown):
    return shown.chat.chat.completions.create(**ASKED).choices[0].message.content


async def asynchronous(shown):
    return (await shown.async_chat.chat.completions.create(**ASKED)).choices[0].message.content


def stream(shown):
    return "".join(chunk.choices[0].delta.content for chunk in shown.chat.chat.completions.create(**ASKED, stream=True))


async def async_stream(shown):
    chunks = await shown.async_chat.chat.completions.create(**ASKED, stream=True)
    return "".join([chunk.choices[0].delta.content async for chunk in chunks])


CALLS = {"sync": sync, "async": asynchronous, "stream": stream, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_a_callable_key_is_asked_each_time_but_never_hears_of_a_refusal(shown, rotating_credentials):
    credentials = shown.credentials
    with OpenAI(api_key=credentials, base_url=shown.gemini) as shown.chat:
        assert sync(shown) == "pong: hi"
        rotating_credentials.rotate()
        for _ in range(2):
            with pytest.raises(BadRequestError) as caught:
                sync(shown)
            # In a list, which OpenAI's client makes no message of.
            assert "API key not valid" in caught.value.response.text
        assert credentials.status().counters["fetches"] == 1
        credentials.refresh()
        assert sync(shown) == "pong: hi"


def test_the_asynchronous_client_takes_a_callable_key_that_can_be_awaited(shown):
    async def ask(client):
        async with client as shown.async_chat:
            return await asynchronous(shown)

    assert asyncio.run(ask(shown.refreshed_only)) == "pong: hi"
    with pytest.raises(TypeError, match="await"):
        asyncio.run(ask(AsyncOpenAI(api_key=shown.credentials, base_url=shown.gemini)))


def test_without_another_key_the_error_is_its_own(failure):
    error = failure(sync)
    assert isinstance(error, BadRequestError)
    assert error.status_code == 400
