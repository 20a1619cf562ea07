"""Haystack through a rotation: the component by itself, in a pipeline, and after it was closed."""

import pytest
from google.genai.errors import ClientError
from haystack import Pipeline
from haystack.dataclasses import ChatMessage

HI = [ChatMessage.from_user("hi")]


def text(result):
    return result["replies"][0].text


def sync(shown):
    return text(shown.chat.run(HI))


async def asynchronous(shown):
    return text(await shown.chat.run_async(HI))


def stream(shown):
    chunks = []
    shown.chat.run(HI, streaming_callback=lambda chunk: chunks.append(chunk.content))
    return "".join(chunks)


async def async_stream(shown):
    chunks = []

    async def hear(chunk):
        chunks.append(chunk.content)

    await shown.chat.run_async(HI, streaming_callback=hear)
    return "".join(chunks)


def closed_in_between(shown):
    shown.chat.close()
    return sync(shown)


CALLS = {
    "sync": sync,
    "async": asynchronous,
    "stream": stream,
    "async stream": async_stream,
    "closed in between": closed_in_between,
}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_a_pipeline_survives_a_rotation(survives, shown):
    pipeline = Pipeline()
    pipeline.add_component("chat", shown.chat)

    def run(shown):
        return text(pipeline.run({"chat": {"messages": HI}})["chat"])

    assert set(survives("pipeline", run, shown)) == {"pong: hi"}


def test_its_own_close_drops_the_client(shown):
    stock = type(shown.chat).__mro__[1](model="gemini-2.5-flash")
    stock._client = shown.client
    stock.close()
    assert stock._client is None


def test_without_another_key_the_error_holds_the_sdks(failure):
    error = failure(sync)
    assert isinstance(error, RuntimeError)
    assert isinstance(error.__cause__, ClientError)
