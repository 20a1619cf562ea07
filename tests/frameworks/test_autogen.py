"""AutoGen's client through a rotation."""

import pytest
from autogen_core.models import UserMessage

HI = [UserMessage(content="hi", source="user")]


async def asynchronous(shown):
    return (await shown.chat.create(HI)).content


async def async_stream(shown):
    return "".join([part async for part in shown.chat.create_stream(HI) if isinstance(part, str)])


CALLS = {"async": asynchronous, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}
