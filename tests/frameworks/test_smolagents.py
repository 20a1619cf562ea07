"""smolagents' model through a rotation."""

import pytest

HI = [{"role": "user", "content": "hi"}]


def sync(shown):
    return shown.model(HI).content


def stream(shown):
    return "".join(delta.content or "" for delta in shown.model.generate_stream(HI))


CALLS = {"sync": sync, "stream": stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}
