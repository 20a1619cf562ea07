"""openai-agents through a rotation: runs on Gemini's endpoint that is compatible with OpenAI's."""

import pytest
from agents import Runner
from openai import BadRequestError


def sync(shown):
    return Runner.run_sync(shown.agent, "hi").final_output


async def asynchronous(shown):
    return (await Runner.run(shown.agent, "hi")).final_output


async def async_stream(shown):
    run = Runner.run_streamed(shown.agent, "hi")
    async for _ in run.stream_events():
        pass
    return run.final_output


CALLS = {"sync": sync, "async": asynchronous, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_openais(failure):
    assert isinstance(failure(sync), BadRequestError)
