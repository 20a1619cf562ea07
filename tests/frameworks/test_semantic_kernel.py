"""Semantic Kernel through a rotation."""

import asyncio

import pytest
from google.genai.errors import ClientError
from semantic_kernel.contents import ChatHistory


def asked():
    history = ChatHistory()
    history.add_user_message("hi")
    return history


async def asynchronous(shown):
    return str(await shown.chat.get_chat_message_content(asked(), shown.settings))


async def async_stream(shown):
    chunks = shown.chat.get_streaming_chat_message_content(asked(), shown.settings)
    return "".join([str(chunk) async for chunk in chunks])


CALLS = {"async": asynchronous, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(lambda shown: asyncio.run(asynchronous(shown))), ClientError)
