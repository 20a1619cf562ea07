"""LangGraph through a rotation: a graph whose node asks LangChain's model."""

import pytest

HI = {"messages": [("user", "hi")]}


def sync(shown):
    return shown.graph.invoke(HI)["messages"][-1].text


async def asynchronous(shown):
    return (await shown.graph.ainvoke(HI))["messages"][-1].text


def stream(shown):
    return "".join(chunk.text for chunk, _ in shown.graph.stream(HI, stream_mode="messages"))


CALLS = {"sync": sync, "async": asynchronous, "stream": stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}
