"""guidance through a rotation: it streams every answer, and has no asynchronous side."""

from guidance import assistant, gen, user


def stream(shown):
    with user():
        asked = shown.model + "hi"
    with assistant():
        return (asked + gen("answer"))["answer"]


def test_survives_a_rotation(survives, shown):
    assert set(survives("stream", stream, shown)) == {"pong: hi"}
