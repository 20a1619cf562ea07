"""`async_httpx_client()`: one client for all event loops, through rotations, by itself and below OpenAI's client."""

import asyncio
import gc
import threading

import httpx
import httpx2
import pytest
from sdk_paths import MODEL
from ways import marks

from genai_credentials import ConfigurationError

pytestmark = marks

BEARER = {"header": "Authorization", "scheme": "Bearer "}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
each_module = pytest.mark.parametrize("module", [httpx, httpx2], ids=lambda module: module.__name__)


@pytest.fixture
def openai():
    return pytest.importorskip("openai")


@pytest.fixture
def chat(credentials, api, openai):
    """OpenAI's client on ours, with its own defaults."""
    http = credentials.async_httpx_client(openai.DefaultAsyncHttpxClient, **BEARER)
    base_url = f"{api.base_url}/v1beta/openai/"
    return openai.AsyncOpenAI(api_key="unused", base_url=base_url, http_client=http, max_retries=0)


async def say_hi(chat, *, stream=False):
    answer = await chat.chat.completions.create(**CHAT, stream=stream)
    if stream:
        return "".join([chunk.choices[0].delta.content async for chunk in answer])
    return answer.choices[0].message.content


def seen(api):
    return [(request.key, request.status) for request in api.requests]


async def models(http, api):
    answer = await http.get(f"{api.base_url}/v1beta/models")
    answer.raise_for_status()
    return answer


# Several loops


@pytest.mark.parametrize("stream", [False, True])
def test_openais_client_lives_through_loops_and_rotations_in_between(chat, api, keys, stream):
    for _ in range(3):
        assert asyncio.run(say_hi(chat, stream=stream)) == "pong: hi"
        keys.rotate()
    assert seen(api) == [("key-1", 200), ("key-1", 400), ("key-2", 200), ("key-2", 400), ("key-3", 200)]


@pytest.mark.parametrize("stream", [False, True])
def test_openais_client_lives_through_a_rotation_within_one_loop(chat, api, keys, stream):
    async def main():
        for _ in range(2):
            assert await say_hi(chat, stream=stream) == "pong: hi"
            keys.rotate()

    asyncio.run(main())
    assert seen(api) == [("key-1", 200), ("key-1", 400), ("key-2", 200)]


def test_two_loops_in_two_threads_share_it_over_rotations(chat, api, keys):
    both, answers, over = threading.Barrier(2, timeout=30), [], threading.Event()

    async def main():
        await asyncio.to_thread(both.wait)
        while not over.is_set():
            answers.append(await say_hi(chat))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        api.wait_for_requests(len(api.requests) + 6, 30)
        keys.rotate()
    api.wait_for_requests(len(api.requests) + 6, 30)
    over.set()
    for thread in threads:
        thread.join(30)
    assert set(answers) == {"pong: hi"}
    assert len(answers) == len([status for _, status in seen(api) if status == 200])
    assert api.refused >= 3


@each_module
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_plain_client_fails_where_this_one_does_not(module, credentials, api):
    """What it is for: without this failure there were no need of it."""
    plain = module.AsyncClient(auth=credentials.httpx_auth())
    assert asyncio.run(models(plain, api)).status_code == 200
    # "Event loop is closed", or a selector that does not know the connection.
    with pytest.raises((RuntimeError, KeyError)):
        asyncio.run(models(plain, api))
    del plain
    gc.collect()  # its connections, under this test's own filter
    ours = credentials.async_httpx_client(module.AsyncClient)
    assert {asyncio.run(models(ours, api)).status_code for _ in range(3)} == {200}


@each_module
def test_it_is_one_of_its_class(module, credentials):
    http = credentials.async_httpx_client(module.AsyncClient, base_url="https://gateway.example", timeout=7.0)
    assert isinstance(http, module.AsyncClient)
    assert (http.base_url, http.timeout) == (module.URL("https://gateway.example"), module.Timeout(7.0))
    assert isinstance(credentials.async_httpx_client(), httpx.AsyncClient)


# Connections


@each_module
def test_connections_are_kept_within_a_loop_and_closed_at_its_end(module, credentials, api):
    http = credentials.async_httpx_client(module.AsyncClient)

    async def main():
        return [(await models(http, api)).extensions["network_stream"] for _ in range(4)]

    for number in range(3):
        streams = asyncio.run(main())
        assert api.connections == number + 1
        assert len({id(stream.get_extra_info("socket")) for stream in streams}) == 1
        assert streams[0].get_extra_info("socket").fileno() == -1


@each_module
def test_closing_it_closes_the_clients_of_all_loops(module, credentials, api):
    http = credentials.async_httpx_client(module.AsyncClient)
    used, closed = threading.Event(), threading.Event()
    left = []

    async def elsewhere():
        socket = (await models(http, api)).extensions["network_stream"].get_extra_info("socket")
        used.set()
        await asyncio.to_thread(closed.wait, 30)
        for _ in range(500):
            if socket.fileno() == -1:
                return
            await asyncio.sleep(0.01)
        left.append(socket)

    async def main():
        socket = (await models(http, api)).extensions["network_stream"].get_extra_info("socket")
        await http.aclose()
        assert socket.fileno() == -1
        with pytest.raises(RuntimeError, match="has been closed"):
            await models(http, api)

    thread = threading.Thread(target=asyncio.run, args=(elsewhere(),))
    thread.start()
    assert used.wait(30)
    asyncio.run(main())
    closed.set()
    thread.join(30)
    assert http.is_closed
    assert left == []


@each_module
def test_it_is_a_context_manager(module, credentials, api):
    async def main():
        async with credentials.async_httpx_client(module.AsyncClient) as http:
            assert (await models(http, api)).status_code == 200
            return http

    assert asyncio.run(main()).is_closed


def test_it_runs_under_trio_too(credentials, api):
    trio = pytest.importorskip("trio")
    http = credentials.async_httpx_client()
    assert {trio.run(models, http, api).status_code for _ in range(2)} == {200}


# Options


@each_module
def test_headers_hooks_cookies_and_an_auth_of_the_users_take_part_once(module, credentials, api):
    told = []

    class Signed(module.Auth):
        def auth_flow(self, request):
            request.headers["x-signed"] = request.headers["x-goog-api-key"][-1]
            yield request

    async def hook(request):
        told.append(request.url.path)

    http = credentials.async_httpx_client(
        module.AsyncClient,
        base_url=api.base_url,
        headers={"x-team": "search"},
        cookies={"a": "b"},
        event_hooks={"request": [hook]},
        auth=Signed(),
    )

    async def main():
        await http.get("/v1beta/models")

    asyncio.run(main())
    headers = dict(api.requests[0].headers)
    assert (headers["x-team"], headers["cookie"], headers["x-signed"]) == ("search", "a=b", "1")
    assert told == ["/v1beta/models"]


@each_module
def test_a_cookie_of_one_answer_goes_with_the_next_request(module, credentials, api):
    http = credentials.async_httpx_client(module.AsyncClient)
    api.answer_next(200, {}, headers={"set-cookie": "seen=1"})

    async def main():
        for _ in range(2):
            await models(http, api)

    asyncio.run(main())
    assert [request.header("cookie") for request in api.requests] == [None, "seen=1"]


@pytest.mark.parametrize("option", ["transport", "mounts"])
def test_what_belongs_to_one_loop_is_refused(option, credentials):
    given = {"transport": httpx.AsyncHTTPTransport(), "mounts": {"all://": None}}[option]
    with pytest.raises(ConfigurationError, match=f"does not accept {option}"):
        credentials.async_httpx_client(**{option: given})


@pytest.mark.parametrize("kind", [httpx.Client, dict, "httpx.AsyncClient", "openai"])
def test_a_class_of_no_such_client_is_refused(kind, credentials):
    with pytest.raises(ConfigurationError, match="AsyncClient"):
        credentials.async_httpx_client(kind)


def test_without_another_key_the_apis_error_comes_through(chat, api, openai):
    api.revoke("key-1")
    with pytest.raises(openai.BadRequestError) as caught:
        asyncio.run(say_hi(chat))
    assert "API key not valid" in caught.value.response.text
    assert seen(api) == [("key-1", 400)]
