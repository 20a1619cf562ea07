"""smolagents' model through a rotation."""

import pytest
from openai import BadRequestError

HI = [{"role": "user", "content": "hi"}]


def sync(shown):
    return shown.model(HI).content


def stream(shown):
    return "".join(delta.content or "" for delta in shown.model.generate_stream(HI))


CALLS = {"sync": sync, "stream": stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(sync), BadRequestError)
