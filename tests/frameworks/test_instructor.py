"""instructor through a rotation: its models, by way of a function call and of JSON, whole and in part."""

import instructor
import pytest
from google.genai.errors import ClientError
from instructor.core import InstructorRetryException
from pydantic import BaseModel

HI = [{"role": "user", "content": "hi"}]
CALL = {"functionCall": {"name": "City", "args": {"name": "Bern"}}}
TEXT = {"text": '{"name": "Bern"}'}
OF_THE_PAGE = {"functionCall": {"name": "Response", "args": {"content": "Bern"}}}


class City(BaseModel):
    name: str


def sync(shown):
    return shown.asking.create(messages=HI, response_model=City).name


def asking_otherwise(shown, **options):
    return instructor.from_genai(shown.client, model="gemini-2.5-flash", **options)


async def asynchronous(shown):
    asking = asking_otherwise(shown, use_async=True)
    return (await asking.create(messages=HI, response_model=City)).name


def stream(shown):
    asking = asking_otherwise(shown, mode=instructor.Mode.JSON)
    return list(asking.create_partial(messages=HI, response_model=City))[-1].name


async def async_stream(shown):
    asking = asking_otherwise(shown, mode=instructor.Mode.JSON, use_async=True)
    return [part async for part in asking.create_partial(messages=HI, response_model=City)][-1].name


def from_provider(shown):
    asking = instructor.from_provider(
        "google/gemini-2.5-flash", api_key="unused", http_options=shown.credentials.http_options()
    )
    try:
        return asking.create(messages=HI, response_model=City).name
    finally:
        asking.client.close()


CALLS = {
    "sync": (sync, CALL),
    "async": (asynchronous, CALL),
    "stream": (stream, TEXT),
    "async stream": (async_stream, TEXT),
    "`from_provider`": (from_provider, CALL),
}


@pytest.fixture(autouse=True)
def _answers_the_page(answering):
    """The page's own call gets the answer it is after."""
    answering(OF_THE_PAGE)


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown, answering):
    call, part = CALLS[kind]
    answering(*[part] * 3)
    assert set(survives(kind, call, shown)) == {"Bern"}


def test_without_another_key_the_error_holds_the_sdks(failure):
    error = failure(sync)
    assert isinstance(error, InstructorRetryException)
    assert isinstance(error.__cause__, ClientError)
    assert error.n_attempts == 1
