"""The ways to ask once through a client, and how each of them lives through a rotation."""

import asyncio
import sys
from importlib import util
from importlib.metadata import version

import pytest
from sdk_paths import MODEL

SDK = tuple(int(part) for part in version("google-genai").split(".")[:2])
HAS_AIOHTTP = "aiohttp" not in sys.modules or sys.modules["aiohttp"] is not None
if HAS_AIOHTTP:
    HAS_AIOHTTP = util.find_spec("aiohttp") is not None

with_aiohttp = pytest.mark.skipif(not HAS_AIOHTTP, reason="aiohttp is not installed")

marks = [
    pytest.mark.usefixtures("no_certificates", "nothing_left_open"),
    pytest.mark.filterwarnings("ignore:Interactions usage is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp:UserWarning"),
]


def options_for(api, **options):
    return {"base_url": api.base_url, "api_version": "v1beta", **options}


# One request each: on httpx, and asynchronously on aiohttp where that is installed; interactions are on httpx always.


async def ask(client):
    return await asyncio.to_thread(lambda: client.models.generate_content(model=MODEL, contents="hi").text)


async def interact(client):
    return await asyncio.to_thread(lambda: client.interactions.create(model=MODEL, input="hi").status)


async def aask(client):
    return (await client.aio.models.generate_content(model=MODEL, contents="hi")).text


async def ainteract(client):
    return (await client.aio.interactions.create(model=MODEL, input="hi")).status


SYNC, ASYNC = [ask, interact], [aask, ainteract]
WAYS = SYNC + ASYNC
ANSWERS = ("pong: hi", "completed")
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def run(client, *steps):
    """Take the steps in one event loop: ways, or functions to call in between; then close the client."""

    async def main():
        async with client.aio:
            for step in steps:
                if step in WAYS:
                    assert await step(client) in ANSWERS
                else:
                    step()

    asyncio.run(main())
    client.close()


def live_through_a_rotation(client, keys, way):
    """Ask, rotate, ask: the API sees the old key, the old one refused, and the new one."""
    before = len(keys.api.requests)
    run(client, way, keys.rotate, way)
    seen = [(request.key, request.status) for request in keys.api.requests[before:]]
    old, new = f"key-{keys.number - 1}", keys.current
    assert seen == [(old, 200), (old, 400), (new, 200)]


def made_with(credentials, api, *, allow_plain_http=False, **options):
    return credentials.client(http_options=options_for(api, **options), allow_plain_http=allow_plain_http)
