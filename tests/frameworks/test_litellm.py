"""LiteLLM through a rotation, on its way to Gemini's own protocol."""

import httpx
import litellm
import pytest

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(autouse=True)
def _there(monkeypatch, fake_gemini):
    """It has a variable of its own for the API's address."""
    monkeypatch.setenv("GEMINI_API_BASE", f"{fake_gemini.base_url}/v1beta")


def arguments(shown, **others):
    return {**shown.asking, "messages": HI, **others}


def sync(shown):
    return litellm.completion(**arguments(shown, client=shown.handler)).choices[0].message.content


async def asynchronous(shown):
    answer = await litellm.acompletion(**arguments(shown, client=shown.async_handler))
    return answer.choices[0].message.content


def stream(shown):
    chunks = litellm.completion(**arguments(shown, client=shown.handler, stream=True))
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def async_stream(shown):
    chunks = await litellm.acompletion(**arguments(shown, client=shown.async_handler, stream=True))
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


CALLS = {"sync": sync, "async": asynchronous, "stream": stream, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_a_session_of_the_whole_module_is_ignored(shown, monkeypatch):
    seen = []
    session = httpx.Client(event_hooks={"request": [seen.append]})
    monkeypatch.setattr(litellm, "client_session", session)
    with pytest.raises(litellm.AuthenticationError, match="API key not valid"):
        litellm.completion(**arguments(shown))
    assert seen == []
