"""AG2 through a rotation: its Gemini, which is google-genai on a client of httpx."""

from dataclasses import replace

import pytest
from ag2 import Agent


async def asynchronous(shown):
    return (await shown.agent.ask("hi")).body


async def async_stream(shown):
    config = replace(shown.config, streaming=True)
    return (await Agent("assistant", config=config).ask("hi")).body


CALLS = {"async": asynchronous, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}
