"""AutoGen's client through a rotation."""

import asyncio

import pytest
from autogen_core.models import UserMessage
from openai import BadRequestError

HI = [UserMessage(content="hi", source="user")]


async def asynchronous(shown):
    return (await shown.chat.create(HI)).content


async def async_stream(shown):
    return "".join([part async for part in shown.chat.create_stream(HI) if isinstance(part, str)])


CALLS = {"async": asynchronous, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_a_dump_has_no_http_client(shown):
    assert "http_client" not in shown.chat.dump_component().config


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(lambda shown: asyncio.run(asynchronous(shown))), BadRequestError)
