"""What surrounds a client: backends, event loops, its end. Each survives a rotation meanwhile."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

import httpx
import httpx2
import pytest
from google import genai
from google.genai import _api_client
from sdk_paths import MODEL
from ways import (
    ANSWERS,
    ASYNC,
    HAS_AIOHTTP,
    SDK,
    SYNC,
    WAYS,
    aask,
    ainteract,
    each_way,
    live_through_a_rotation,
    made_with,
    marks,
    options_for,
    run,
    with_aiohttp,
)

from genai_credentials import ConfigurationError

pytestmark = marks


# What sends


@each_way
def test_the_sdk_sends_with_what_it_would_send_with(credentials, api, keys, way):
    live_through_a_rotation(made_with(credentials, api), keys, way)
    # httpx asks to keep the connection in so many words; aiohttp knows that it is the default.
    on_httpx = {request.header("connection") == "keep-alive" for request in api.requests}
    assert on_httpx == {not (way is aask and HAS_AIOHTTP)}


@pytest.mark.parametrize("backend", ["httpx", "httpx2"])
@each_way
def test_either_backend_of_the_sdk(credentials, api, keys, way, backend, monkeypatch):
    if SDK < (3, 0):
        pytest.skip("this google-genai has one backend, or the other one fails its own interactions")
    monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", backend)
    client = made_with(credentials, api)
    assert isinstance(client._api_client._httpx_client, import_module(backend).Client)
    live_through_a_rotation(client, keys, way)


@pytest.mark.parametrize("module", [httpx, httpx2])
@each_way
def test_a_part_of_one_backend_makes_the_sdk_choose_it(credentials, api, keys, way, module):
    """It looks for such a part among the arguments, where ours is too: an Auth that is both modules'."""
    if module is httpx2 and SDK < (3, 0):
        pytest.skip("this google-genai knows httpx alone")
    transports = {
        "client_args": {"transport": module.HTTPTransport()},
        "async_client_args": {"transport": module.AsyncHTTPTransport()},
    }
    name = "client_args" if way in SYNC else "async_client_args"
    live_through_a_rotation(made_with(credentials, api, **{name: transports[name]}), keys, way)


@with_aiohttp
@pytest.mark.parametrize("way", ASYNC)
def test_an_aiohttp_without_middlewares_is_not_used(credentials, api, keys, way, monkeypatch):
    """Before 3.12 the SDK would drop ours, and send the placeholder."""
    aiohttp = import_module("aiohttp")
    signature = import_module("inspect").signature(aiohttp.ClientSession._request)
    known = [parameter for name, parameter in signature.parameters.items() if name != "middlewares"]
    request = aiohttp.ClientSession._request
    monkeypatch.setattr(request, "__signature__", signature.replace(parameters=known), raising=False)
    live_through_a_rotation(made_with(credentials, api), keys, way)
    with pytest.raises(ConfigurationError, match=r"older than 3\.12"):
        made_with(credentials, api, aiohttp_client=object.__new__(aiohttp.ClientSession))


# Event loops


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("way", ASYNC)
def test_several_event_loops_one_after_the_other(credentials, api, keys, way):
    """Without closing: then a stock client's sockets, too, are collected with a warning of asyncio's."""
    client = made_with(credentials, api)
    for _ in range(3):
        keys.rotate()
        assert asyncio.run(way(client)) in ANSWERS
    assert [request.status for request in api.requests] == [200, 400, 200, 400, 200]
    client.close()


@with_aiohttp
def test_closed_and_used_again_in_the_next_event_loop(credentials, api, keys):
    client = made_with(credentials, api)
    for _ in range(3):
        keys.rotate()
        run(client, aask)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("way", ASYNC)
def test_two_event_loops_in_two_threads_at_once(credentials, api, keys, way):
    if way is aask and HAS_AIOHTTP and not hasattr(_api_client.BaseApiClient, "_discard_closed_loop_entries"):
        pytest.skip("this google-genai has one aiohttp session for all event loops")
    client = made_with(credentials, api)
    together, answers = threading.Barrier(2), []

    async def main():
        for _ in range(3):
            await asyncio.to_thread(together.wait, 10)
            answers.extend(await asyncio.gather(*[way(client) for _ in range(5)]))

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
    for thread in threads:
        thread.start()
    api.wait_for_requests(5)
    keys.rotate()
    for thread in threads:
        thread.join(20)
    assert len(answers) == 30
    assert set(answers) <= set(ANSWERS)
    assert keys.fetches == 2
    client.close()


# Closing


@pytest.mark.parametrize("face", ["ours", "stock"])
def test_closing_leaves_nothing_open(credentials, api, keys, face):
    """Any socket left would warn when it is collected, and a warning is an error."""
    if face == "ours":
        client = made_with(credentials, api)
    else:
        client = genai.Client(
            api_key="unused", vertexai=False, http_options=credentials.http_options(**options_for(api))
        )
    run(client, *WAYS)
    assert client._api_client._httpx_client.is_closed
    assert client._api_client._async_httpx_client.is_closed
    del client
    gc.collect()


def test_two_clients_from_the_same_http_options_close_apart(credentials, api, keys):
    """What they share is let go of by one without breaking off what the other one is reading."""
    http_options = credentials.http_options(**options_for(api))
    one, other = (genai.Client(api_key="unused", vertexai=False, http_options=http_options) for _ in range(2))

    async def main():
        with api.hold_streams():
            stream = await other.aio.interactions.create(model=MODEL, input="hi", stream=True)
            events = aiter(stream)
            await anext(events)
            await one.aio.aclose()
        assert [event async for event in events]
        assert await ainteract(other) in ANSWERS
        await other.aio.aclose()

    asyncio.run(main())
    one.close()
    other.close()


def counting(transport, method, closed):
    """A transport that notes each of its being closed."""

    class Counting(transport):
        pass

    def close(self):
        closed.append(self)
        return getattr(super(Counting, self), method)()

    setattr(Counting, method, close)
    return Counting()


@pytest.mark.parametrize("module", [httpx, httpx2])
def test_a_transport_of_theirs_is_closed_once(credentials, api, keys, module):
    if module is httpx2 and SDK < (3, 0):
        pytest.skip("this google-genai knows httpx alone")
    closed, aclosed = [], []
    client = made_with(
        credentials,
        api,
        client_args={"transport": counting(module.HTTPTransport, "close", closed)},
        async_client_args={"transport": counting(module.AsyncHTTPTransport, "aclose", aclosed)},
    )
    run(client, *WAYS)
    del client
    gc.collect()
    assert (len(closed), len(aclosed)) == (1, 1)


# Without aiohttp


@pytest.mark.skipif(not HAS_AIOHTTP, reason="this is the run without aiohttp")
def test_the_same_without_aiohttp():
    """In a process that cannot import it: the asynchronous side is on httpx then."""
    here = Path(__file__).parent
    modules = [str(here / f"test_{name}.py") for name in ("travel", "environments", "proxies", "client_options")]
    # What the asynchronous side does once; the session `sdk_without_aiohttp` of the noxfile leaves nothing out.
    asynchronous = "loops or clos or (aask or ainteract or as_client-a) and not (http or 302 or signs or timeout)"
    code = "import sys; sys.modules['aiohttp'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "-q", "-p", "no:cacheprovider", "-k", asynchronous, *modules],
        capture_output=True,
        text=True,
        cwd=here.parents[1],
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
