"""Every row of the rejection table through the real client, in every form that the API's answers come in."""

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest
from google import genai
from sdk_paths import MODEL, Keys

from genai_credentials import CredentialProvider, rejection
from genai_credentials.client.backends import http_modules
from genai_credentials.testing import REFUSALS, FakeGemini

pytestmark = pytest.mark.usefixtures("no_certificates")

ASK = {"model": MODEL, "contents": "hi"}
FORMS = {
    "plain": {},
    "gzip": {"encoding": "gzip"},
    "chunked": {"chunked": True},
    "list": {"as_list": True},
    "gzip list": {"as_list": True, "encoding": "gzip"},
    "cut off": {"truncate": -3},
}
"""As arguments of `FakeGemini.refuse_with`; a body that is cut off is no JSON any more."""


# Each way to ask, as a coroutine, so that one loop serves a whole test: a transport of one's own belongs to one loop.


async def call(client):
    return client.models.generate_content(**ASK).text


async def stream(client):
    return "".join(chunk.text for chunk in client.models.generate_content_stream(**ASK))


async def async_call(client):
    return (await client.aio.models.generate_content(**ASK)).text


async def async_stream(client):
    return "".join([chunk.text async for chunk in await client.aio.models.generate_content_stream(**ASK)])


def by_default():
    return {}


def over_httpx():
    """What keeps the SDK's asynchronous side off aiohttp."""
    return {"async_client_args": {"transport": http_modules()[0].AsyncHTTPTransport()}}


WAYS = {
    "sync": (call, by_default),
    "sync stream": (stream, by_default),
    "aiohttp": (async_call, by_default),
    "aiohttp stream": (async_stream, by_default),
    "httpx": (async_call, over_httpx),
    "httpx stream": (async_stream, over_httpx),
}


def rows(*verdicts):
    """The rows with such a verdict."""
    return pytest.mark.parametrize("name", [name for name, row in REFUSALS.items() if row.verdict in verdicts])


def forms_of(name):
    """The forms that make sense of a row's body: an empty one can't be cut off, and a page is in no list."""
    body = REFUSALS[name].body
    if not body:
        return ["plain", "chunked"]
    return [form for form in FORMS if body.startswith(b"{") or "list" not in form]


class Scene:
    """The API, our client, and a stock one that keeps our first key."""

    def __init__(self, api, way):
        self.api, self.keys = api, Keys(api)
        self.ask, self.options = WAYS[way]

    def play(self, script):
        """Run the coroutine `script(ours, stock)`."""

        async def main():
            # Without an interval each refusal is answered by a fetch, as if time had passed.
            with CredentialProvider(self.keys, min_refresh_interval=0) as credentials:
                ours = credentials.client(http_options=self.http_options())
                stock = genai.Client(api_key="key-1", http_options=self.http_options())
                async with ours.aio, stock.aio:
                    await script(ours, stock)
                ours.close()
                stock.close()

        asyncio.run(main())

    def http_options(self):
        return {"base_url": self.api.base_url, **self.options()}

    async def error(self, client):
        """What a user sees of the error that a call ends in: cut-off bodies make the SDK raise others than its own."""
        with pytest.raises(Exception) as caught:  # noqa: PT011
            await self.ask(client)
        error = caught.value
        return type(error), str(error), getattr(error, "code", None), getattr(error, "details", None)

    def answered(self, since=0):
        """The keys of the requests, and what they were answered with."""
        return [(request.key, request.status) for request in self.api.requests[since:]]


@pytest.fixture(params=WAYS)
def scene(request):
    with FakeGemini() as api:
        yield Scene(api, request.param)


# The rows


@rows("rejected")
def test_a_rejected_row_is_replayed_once(name, scene):
    async def script(ours, stock):
        await scene.ask(ours)
        for number, form in enumerate(forms_of(name), 1):
            scene.api.refuse_with(name, **FORMS[form])
            scene.keys.rotate()
            assert await scene.ask(ours) == "pong: hi", form
            refused, served = (f"key-{number}", REFUSALS[name].status), (f"key-{number + 1}", 200)
            assert scene.answered()[-2:] == [refused, served], form
        assert len(scene.api.requests) == 1 + 2 * number
        assert scene.keys.fetches == 1 + number

    scene.play(script)


@rows("rejected")
def test_with_nothing_better_the_error_is_the_stock_one(name, scene, caplog):
    async def script(ours, stock):
        for number, form in enumerate(forms_of(name), 1):
            scene.api.refuse_with(name, **FORMS[form])
            assert await scene.error(ours) == await scene.error(stock), form
            assert scene.answered()[-2:] == [("key-1", REFUSALS[name].status)] * 2, form
            assert scene.keys.fetches == 1 + number, form

    caplog.set_level(logging.DEBUG)
    scene.api.revoke("key-1")
    scene.play(script)
    assert no_key_in(caplog)


@rows("not_ours", "untouched")
def test_any_other_row_is_handed_on_as_it_is(name, scene):
    async def script(ours, stock):
        for number, form in enumerate(forms_of(name), 1):
            scene.api.refuse_with(name, **FORMS[form])
            assert await scene.error(ours) == await scene.error(stock), form
            assert scene.answered() == [("key-1", REFUSALS[name].status)] * (2 * number), form
        assert scene.keys.fetches == 1

    scene.api.revoke("key-1")
    scene.play(script)


# Large bodies


@pytest.fixture
def parsed(monkeypatch):
    """The length of each text that was searched for a verdict."""
    lengths = []

    def loads(text):
        lengths.append(len(text))
        return json.loads(text)

    monkeypatch.setattr(rejection, "json", SimpleNamespace(loads=loads))
    return lengths


@pytest.mark.parametrize("name", ["API_KEY_INVALID", "leaked", "SERVICE_DISABLED"])
@pytest.mark.parametrize("ahead", [True, False], ids=["in front", "behind"])
def test_of_ten_megabytes_64_kib_are_looked_at(name, ahead, scene, parsed):
    row, padding = REFUSALS[name], {"padding": "x" * 10_000_000}
    error = json.loads(row.body)["error"]
    body = json.dumps({"error": error} | padding if ahead else {"error": padding | error})

    async def script(ours, stock):
        scene.api.answer_next(row.status, body, times=2)
        assert await scene.error(ours) == await scene.error(stock)

    scene.play(script)
    assert parsed == [rejection.MOST_BYTES]
    # What stands in front is understood: a fetch for another key.
    assert scene.keys.fetches == 1 + (ahead and row.verdict == "rejected")


# What the log says


def no_key_in(caplog):
    """Whether no record, nor anything it carries, holds the text of a key."""
    return not [record for record in caplog.records if "key-1" in f"{record.getMessage()} {vars(record)}"]


@rows("not_ours")
def test_what_is_not_ours_is_diagnosed_once(name, scene, caplog):
    async def script(ours, stock):
        for _ in range(3):
            await scene.error(ours)

    caplog.set_level(logging.DEBUG)
    scene.api.refuse_with(name)
    scene.api.revoke("key-1")
    scene.play(script)
    said = [record for record in caplog.records if record.name.startswith("genai_credentials")]
    assert [record.event for record in said] == ["fetched", "diagnosed"]
    assert said[1].levelno == logging.WARNING
    assert rejection.classify(REFUSALS[name].status, REFUSALS[name].body).remedy in said[1].getMessage()
    assert no_key_in(caplog)


def test_the_row_that_echoes_the_key_does_so_here(scene):
    # Otherwise the log would be clean for the wrong reason.
    async def script(ours, stock):
        assert "key-1" in (await scene.error(ours))[1]

    scene.api.refuse_with("CONSUMER_SUSPENDED")
    scene.api.revoke("key-1")
    scene.play(script)


# Streams


async def begin(scene, client):
    """A stream, as an asynchronous iterator on either side."""
    if scene.ask is async_stream:
        return await client.aio.models.generate_content_stream(**ASK)

    async def plain():
        for chunk in client.models.generate_content_stream(**ASK):
            yield chunk

    return plain()


@pytest.mark.parametrize("scene", [way for way in WAYS if "stream" in way], indirect=True)
@pytest.mark.parametrize("replayed", [False, True], ids=["at once", "after a replay"])
def test_a_flowing_stream_is_neither_held_up_nor_touched(replayed, scene):
    async def script(ours, stock):
        await scene.ask(ours)
        if replayed:
            scene.keys.rotate()
        with scene.api.hold_streams():
            chunks = await begin(scene, ours)
            first = await anext(chunks)  # while the API holds all others back
            scene.keys.rotate()
        assert [first.text] + [chunk.text async for chunk in chunks] == ["pong", ": ", "hi"]
        assert [status for _, status in scene.answered(1)] == [400, 200][not replayed :]
        assert scene.keys.fetches == 1 + replayed

    scene.play(script)
