"""guidance through a rotation: it streams every answer, and has no asynchronous side."""

from guidance import assistant, gen, user
from openai import BadRequestError


def stream(shown):
    with user():
        asked = shown.model + "hi"
    with assistant():
        return (asked + gen("answer"))["answer"]


def test_survives_a_rotation(survives, shown):
    assert set(survives("stream", stream, shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(stream), BadRequestError)
