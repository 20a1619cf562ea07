"""DeepEval's judge through a rotation."""

import pytest
from google.genai.errors import ClientError


def sync(shown):
    return shown.judge.generate("hi")[0]


async def asynchronous(shown):
    return (await shown.judge.a_generate("hi"))[0]


CALLS = {"sync": sync, "async": asynchronous}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(sync), ClientError)
