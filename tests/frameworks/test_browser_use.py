"""browser-use's ChatGoogle through a rotation: plain and structured output."""

import asyncio

from browser_use.llm.exceptions import ModelProviderError
from browser_use.llm.messages import UserMessage
from pydantic import BaseModel

HI = [UserMessage(content="hi")]


async def asynchronous(shown):
    return (await shown.llm.ainvoke(HI)).completion


def test_survives_a_rotation(survives, shown):
    assert set(survives("async", asynchronous, shown)) == {"pong: hi"}


def test_structured_output_survives_a_rotation(survives, shown, answering):
    class City(BaseModel):
        name: str

    async def ask(shown):
        return (await shown.llm.ainvoke(HI, output_format=City)).completion

    answering(*[{"text": '{"name": "Bern"}'}] * 3)
    assert survives("structured output", ask, shown) == [City(name="Bern")] * 3


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(lambda shown: asyncio.run(asynchronous(shown))), ModelProviderError)
