"""google-adk through a rotation: runs on the Runner, tools in the middle of a run, and a live run."""

import logging
from uuid import uuid4

import pytest
from google.adk.agents import LlmAgent
from google.adk.agents.live_request_queue import LiveRequestQueue
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import InMemoryRunner
from google.genai import types
from google.genai.errors import ClientError

HI = types.UserContent("hi")
WHERE = {"user_id": "someone", "session_id": "first"}
SSE = RunConfig(streaming_mode=StreamingMode.SSE)


def text(event):
    return "".join(part.text or "" for part in event.content.parts) if event.content else ""


def sync(shown, config=None):
    return [text(event) for event in shown.runner.run(new_message=HI, run_config=config, **WHERE)][-1]


async def asynchronous(shown, config=None):
    return [text(event) async for event in shown.runner.run_async(new_message=HI, run_config=config, **WHERE)][-1]


def stream(shown):
    return sync(shown, SSE)


async def async_stream(shown):
    return await asynchronous(shown, SSE)


async def live(shown):
    queue = LiveRequestQueue()
    queue.send_content(HI)
    said = []
    # A session of its own each time: what one has heard is told the next connection again.
    where = {"user_id": "someone", "session_id": str(uuid4())}
    async for event in shown.runner.run_live(live_request_queue=queue, **where):
        said.append(text(event))
        if event.turn_complete:
            queue.close()
    return said[0]


CALLS = {"sync": sync, "async": asynchronous, "stream": stream, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


@pytest.mark.parametrize("fake_gemini", [{"tls": True}], indirect=True)
def test_live_survives_a_rotation(survives, shown):
    assert set(survives("Live", live, shown)) == {"pong: hi"}


def test_a_run_survives_a_rotation_in_its_middle(survives_inside, shown, answering):
    answering({"functionCall": {"name": "rotate", "args": {}}})

    def run(rotate):
        runner = InMemoryRunner(LlmAgent(name="assistant", model=shown.agent.model, tools=[rotate]))
        runner.auto_create_session = True
        return [text(event) for event in runner.run(new_message=HI, **WHERE)][-1]

    assert survives_inside("tools", run, shown) == "pong: "


def test_without_another_key_the_error_is_the_sdks(failure, caplog):
    # ADK logs the whole traceback of it, twice.
    caplog.set_level(logging.CRITICAL)
    error = failure(sync)
    assert isinstance(error, ClientError)
    assert (error.code, error.status) == (400, "INVALID_ARGUMENT")
