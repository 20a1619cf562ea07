"""langchain-google-genai through a rotation: chat and embeddings."""

import asyncio
from importlib.util import find_spec

import pytest
from langchain_core.runnables import ConfigurableField
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


def test_a_configured_field_makes_a_model_that_has_lost_the_client(shown):
    llm = shown.llm.configurable_fields(temperature=ConfigurableField(id="temperature"))
    assert llm.invoke("hi").text == "pong: hi"
    with pytest.raises(ChatGoogleGenerativeAIError, match="API key not valid"):
        llm.with_config(configurable={"temperature": 0.5}).invoke("hi")


def test_an_auth_among_its_arguments_serves_the_synchronous_side_alone_where_aiohttp_is_there(shown):
    auth = shown.credentials.httpx_auth()
    llm = ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key="unused", client_args={"auth": auth})
    assert llm.invoke("hi").text == "pong: hi"
    if find_spec("aiohttp"):
        with pytest.raises(TypeError, match="BasicAuth"):
            asyncio.run(llm.ainvoke("hi"))
    else:
        assert asyncio.run(llm.ainvoke("hi")).text == "pong: hi"


def test_without_another_key_the_error_is_its_own(failure):
    error = failure(sync)
    assert isinstance(error, ChatGoogleGenerativeAIError)
    assert "API key not valid" in str(error)
