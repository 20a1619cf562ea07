"""pydantic-ai through a rotation: runs, tools in the middle of a run, structured output, and a realtime session."""

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError, NativeOutput
from pydantic_ai.messages import PartDeltaEvent, RealtimeTurnCompleteEvent
from pydantic_ai.realtime.google import GoogleRealtimeModel


def sync(shown):
    return shown.agent.run_sync("hi").output


async def asynchronous(shown):
    return (await shown.agent.run("hi")).output


def stream(shown):
    return list(shown.agent.run_stream_sync("hi").stream_text(debounce_by=None))[-1]


async def async_stream(shown):
    async with shown.agent.run_stream("hi") as run:
        return [text async for text in run.stream_text(debounce_by=None)][-1]


async def live(shown):
    model = GoogleRealtimeModel("gemini-2.5-flash-native-audio", provider=shown.agent.model.provider)
    said = ""
    async with Agent().realtime(model).session() as session:
        await session.send("hi")
        async for event in session:
            if isinstance(event, PartDeltaEvent):
                said += event.delta.content_delta
            if isinstance(event, RealtimeTurnCompleteEvent):
                break
    return said


CALLS = {"sync": sync, "async": asynchronous, "stream": stream, "async stream": async_stream}


class City(BaseModel):
    name: str


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


@pytest.mark.parametrize("fake_gemini", [{"tls": True}], indirect=True)
def test_live_survives_a_rotation(survives, shown):
    assert set(survives("Live", live, shown)) == {"pong: hi"}


def test_structured_output_survives_a_rotation(survives, shown, answering):
    answering(*[{"text": '{"name": "Bern"}'}] * 2)
    agent = Agent(shown.agent.model, output_type=NativeOutput(City))
    assert survives("structured output", lambda _: agent.run_sync("hi").output, shown) == [City(name="Bern")] * 2


def test_a_run_survives_a_rotation_in_its_middle(survives_inside, shown, answering):
    answering({"functionCall": {"name": "rotate", "args": {}}})

    def run(rotate):
        return Agent(shown.agent.model, tools=[rotate]).run_sync("hi").output

    assert survives_inside("tools", run, shown) == "pong: "


def test_without_another_key_the_error_is_its_own(failure):
    error = failure(sync)
    assert isinstance(error, ModelHTTPError)
    assert (error.status_code, error.body["error"]["status"]) == (400, "INVALID_ARGUMENT")
