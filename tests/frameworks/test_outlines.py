"""Outlines through a rotation: plain and structured output, and streams."""

import json

import pytest
from outlines.exceptions import BadRequestError
from pydantic import BaseModel


def sync(shown):
    return shown.model("hi")


def stream(shown):
    return "".join(shown.model.stream("hi"))


CALLS = {"sync": sync, "stream": stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_structured_output_survives_a_rotation(survives, shown, answering):
    class City(BaseModel):
        name: str

    answering(*[{"text": '{"name": "Bern"}'}] * 2)
    answers = survives("structured output", lambda _: shown.model("hi", City), shown)
    assert [json.loads(answer) for answer in answers] == [{"name": "Bern"}] * 2


def test_without_another_key_the_error_is_its_own(failure):
    assert isinstance(failure(sync), BadRequestError)
