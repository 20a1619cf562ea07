"""AG2 through a rotation: its Gemini, which is google-genai on a client of httpx."""

import asyncio
from dataclasses import replace

import pytest
from ag2 import Agent
from google.genai.errors import ClientError


async def asynchronous(shown):
    return (await shown.agent.ask("hi")).body


async def async_stream(shown):
    config = replace(shown.config, streaming=True)
    return (await Agent("assistant", config=config).ask("hi")).body


CALLS = {"async": asynchronous, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(lambda shown: asyncio.run(asynchronous(shown))), ClientError)
