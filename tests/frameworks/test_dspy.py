"""DSPy, which asks for the key at each call and does not say when one is refused."""

import asyncio

import pytest


def sync(shown):
    return shown.lm("hi", cache=False)[0]


async def asynchronous(shown):
    return (await shown.lm.acall("hi", cache=False))[0]


CALLS = {"sync after `refresh()`": sync, "async after `refresh()`": lambda shown: asyncio.run(asynchronous(shown))}


@pytest.mark.parametrize("kind", CALLS)
def test_calls_fail_until_the_next_refresh(kind, shown, rotating_credentials, record_property):
    record_property("survived", kind)
    call = CALLS[kind]
    assert call(shown) == "pong: hi"
    rotating_credentials.rotate()
    with pytest.raises(Exception, match="API key not valid"):
        call(shown)
    shown.credentials.refresh()
    assert call(shown) == "pong: hi"
