"""agno through a rotation: runs, streams, and tools in the middle of a run."""

import pytest
from agno.agent import Agent
from agno.run.base import RunStatus


def sync(shown):
    return shown.agent.run("hi").content


async def asynchronous(shown):
    return (await shown.agent.arun("hi")).content


def stream(shown):
    return "".join(event.content or "" for event in shown.agent.run("hi", stream=True))


async def async_stream(shown):
    return "".join([event.content or "" async for event in shown.agent.arun("hi", stream=True)])


CALLS = {"sync": sync, "async": asynchronous, "stream": stream, "async stream": async_stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_a_run_survives_a_rotation_in_its_middle(survives_inside, shown, answering):
    answering({"functionCall": {"name": "rotate", "args": {}}})

    def run(rotate):
        return Agent(model=shown.agent.model, tools=[rotate]).run("hi").content

    assert survives_inside("tools", run, shown).startswith("pong: ")


def test_without_another_key_the_answer_says_so_and_nothing_is_raised(shown, rotating_credentials):
    rotating_credentials.api.revoke(rotating_credentials.key)
    answer = shown.agent.run("hi")
    assert answer.status == RunStatus.error
    assert "API key not valid" in answer.content
