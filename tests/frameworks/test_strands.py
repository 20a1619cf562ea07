"""Strands through a rotation: its agent sends asynchronously, on a loop of its own for each call."""

import pytest


def text(result):
    return str(result).strip()


def sync(shown):
    shown.agent.messages.clear()
    return text(shown.agent("hi"))


async def asynchronous(shown):
    shown.agent.messages.clear()
    return text(await shown.agent.invoke_async("hi"))


async def async_stream(shown):
    shown.agent.messages.clear()
    return "".join([event["data"] async for event in shown.agent.stream_async("hi") if "data" in event])


CALLS = {"sync": sync, "async": asynchronous, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_the_sdks(failure):
    assert "API key not valid" in str(failure(sync))
