"""langchain-google-genai through a rotation: chat and embeddings."""

import pytest
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError
from pydantic import BaseModel


def sync(shown):
    return shown.llm.invoke("hi").text


async def asynchronous(shown):
    return (await shown.llm.ainvoke("hi")).text


def stream(shown):
    return "".join(chunk.text for chunk in shown.llm.stream("hi"))


async def async_stream(shown):
    return "".join([chunk.text async for chunk in shown.llm.astream("hi")])


def embed(shown):
    return shown.embeddings.embed_query("hi")


async def aembed(shown):
    return await shown.embeddings.aembed_query("hi")


CALLS = {"sync": sync, "async": asynchronous, "stream": stream, "async stream": async_stream}
EMBEDDINGS = {"embeddings": embed, "async embeddings": aembed}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


@pytest.mark.parametrize("kind", EMBEDDINGS)
def test_embeddings_survive_a_rotation(kind, survives, shown):
    assert {tuple(vector) for vector in survives(kind, EMBEDDINGS[kind], shown)} == {(2.0, 1.0)}


def test_structured_output_survives_a_rotation(survives, shown, answering):
    class City(BaseModel):
        name: str

    answering(*[{"text": '{"name": "Bern"}'}] * 2)
    asking = shown.llm.with_structured_output(City)
    assert survives("structured output", lambda _: asking.invoke("hi"), shown) == [City(name="Bern")] * 2


def test_a_client_given_to_the_constructor_is_ignored(shown):
    llm = ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key="unused", client=shown.client)
    assert llm.client is not shown.client


def test_without_another_key_the_error_is_its_own(failure):
    error = failure(sync)
    assert isinstance(error, ChatGoogleGenerativeAIError)
    assert "API key not valid" in str(error)
