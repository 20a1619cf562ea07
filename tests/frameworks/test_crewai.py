"""CrewAI's model through a rotation."""

import pytest
from google.genai.errors import ClientError


def sync(shown):
    return shown.llm.call("hi")


async def asynchronous(shown):
    return await shown.llm.acall("hi")


def stream(shown):
    shown.llm.stream = True
    return shown.llm.call("hi")


CALLS = {"sync": sync, "async": asynchronous, "stream": stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(sync), ClientError)
