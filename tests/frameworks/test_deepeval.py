"""DeepEval's judge through a rotation."""

import pytest


def sync(shown):
    return shown.judge.generate("hi")[0]


async def asynchronous(shown):
    return (await shown.judge.a_generate("hi"))[0]


CALLS = {"sync": sync, "async": asynchronous}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}
