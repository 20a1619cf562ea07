"""llama-index through a rotation: completions, chat and embeddings."""

import pytest
from google.genai.errors import ClientError
from llama_index.core.llms import ChatMessage

MESSAGES = [ChatMessage("hi")]


def sync(shown):
    return shown.llm.complete("hi").text


def chat(shown):
    return shown.llm.chat(MESSAGES).message.content


async def asynchronous(shown):
    return (await shown.llm.acomplete("hi")).text


async def achat(shown):
    return (await shown.llm.achat(MESSAGES)).message.content


def stream(shown):
    return list(shown.llm.stream_complete("hi"))[-1].text


async def async_stream(shown):
    return [part async for part in await shown.llm.astream_chat(MESSAGES)][-1].message.content


def embed(shown):
    return shown.embeddings.get_text_embedding("hi")


async def aembed(shown):
    return await shown.embeddings.aget_text_embedding("hi")


CALLS = {
    "sync": sync,
    "async": asynchronous,
    "stream": stream,
    "async stream": async_stream,
    "chat": chat,
    "async chat": achat,
}
EMBEDDINGS = {"embeddings": embed, "async embeddings": aembed}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


@pytest.mark.parametrize("kind", EMBEDDINGS)
def test_embeddings_survive_a_rotation(kind, survives, shown):
    assert {tuple(vector) for vector in survives(kind, EMBEDDINGS[kind], shown)} == {(2.0, 1.0)}


def test_options_that_are_no_dict_cannot_be_taken(shown):
    with pytest.raises(Exception, match="Unable to serialize"):
        type(shown.llm)("gemini-2.5-flash", api_key="unused", http_options=shown.credentials.http_options())


def test_without_another_key_the_error_is_the_sdks(failure):
    error = failure(sync)
    assert isinstance(error, ClientError)
    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")
