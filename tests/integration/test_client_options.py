"""Options, Auths, middlewares and HTTP clients of the user's own are kept, and stay as they were."""

import asyncio
import contextlib
import copy
import threading
from importlib import import_module

import httpx
import httpx2
import pytest
from google import genai
from google.genai import _api_client, types
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
    ask,
    each_way,
    interact,
    live_through_a_rotation,
    made_with,
    marks,
    options_for,
    run,
    with_aiohttp,
)

from genai_credentials import ConfigurationError

pytestmark = marks


# Options of theirs


@each_way
def test_headers_version_and_timeout_reach_the_api(credentials, api, keys, way):
    client = credentials.client(
        http_options={
            "base_url": api.base_url,
            "api_version": "v1alpha",
            "headers": {"x-team": "a"},
            "timeout": 7_000,
        }
    )
    run(client, way)
    (request,) = api.requests
    assert request.path.startswith("/v1alpha/")
    assert request.header("x-team") == "a"
    assert request.header("x-server-timeout") == ("7" if way in (ask, aask) else None)


@pytest.mark.parametrize("way", [ask, aask])
def test_extra_body_reaches_the_api(credentials, api, keys, way):
    run(made_with(credentials, api, extra_body={"labels": {"team": "a"}}), way)
    assert b'"team": "a"' in api.requests[0].body


@each_way
def test_a_timeout_of_theirs_ends_the_request(credentials, api, keys, way):
    """The API holds the answer back until the client has given up."""
    given_up = threading.Event()
    api.on_request = lambda request: given_up.wait(10)
    client = made_with(credentials, api, timeout=50, retry_options=types.HttpRetryOptions(attempts=1))
    with contextlib.closing(client):
        try:
            run(client, way)
        except Exception as error:
            name = type(error).__name__
        finally:
            given_up.set()
    assert "timeout" in name.lower()


@each_way
def test_the_sdks_retries_go_on_across_a_rotation(credentials, api, keys, way):
    if way in (interact, ainteract) and SDK < (2, 0):
        pytest.skip("this google-genai takes no delays for the retries of interactions")
    run_first = made_with(credentials, api)
    run(run_first, way)
    api.answer_next(503, {"error": {"code": 503, "status": "UNAVAILABLE", "message": "try again"}}, times=2)
    keys.rotate()
    patience = types.HttpRetryOptions(attempts=4, initial_delay=0.001, max_delay=0.002, jitter=0.001)
    run(made_with(credentials, api, retry_options=patience), way)
    assert [request.status for request in api.requests] == [200, 503, 503, 400, 200]
    assert keys.fetches == 2


@each_way
def test_hooks_of_theirs_see_what_they_would_see(credentials, api, keys, way):
    """Each request that is sent, once, and each answer; as with stock, none of what aiohttp sends."""
    seen = []

    async def asent(request):
        seen.append("sent")

    async def aanswered(response):
        seen.append(response.status_code)

    client = made_with(
        credentials,
        api,
        client_args={
            "event_hooks": {
                "request": [lambda request: seen.append("sent")],
                "response": [lambda response: seen.append(response.status_code)],
            }
        },
        async_client_args={"event_hooks": {"request": [asent], "response": [aanswered]}},
    )
    live_through_a_rotation(client, keys, way)
    assert seen == ([] if way is aask and HAS_AIOHTTP else ["sent", 200, "sent", 400, "sent", 200])


@each_way
@pytest.mark.parametrize(
    "args",
    [
        {"limits": httpx.Limits(max_connections=1)},
        {"headers": {"x-team": "a"}},
        {"timeout": httpx.Timeout(5)},
        {"trust_env": False},
        {"follow_redirects": False, "max_redirects": 1, "cookies": {"a": "b"}},
    ],
    ids=lambda args: next(iter(args)),
)
def test_further_arguments_are_kept(credentials, api, keys, way, args):
    if HAS_AIOHTTP and way is aask and args.keys() & {"headers", "timeout"}:
        pytest.skip("the SDK itself passes aiohttp these")
    client = made_with(credentials, api, client_args=args, async_client_args=args)
    live_through_a_rotation(client, keys, way)
    if "headers" in args:
        assert {request.header("x-team") for request in api.requests} == {"a"}


# An Auth of theirs


BASIC = "Basic dXNlcjpwYXNz"


def stamped(request):
    request.headers["Authorization"] = BASIC
    return request


class Counted:
    """An Auth that counts what it signs."""

    def __init__(self):
        self.signed = 0

    def auth_flow(self, request):
        self.signed += 1
        yield stamped(request)


def counted(module):
    return type("CountedAuth", (Counted, module.Auth), {})()


AUTHS = {
    "tuple": lambda: ("user", "pass"),
    "callable": lambda: stamped,
    "httpx": lambda: httpx.BasicAuth("user", "pass"),
    "httpx2": lambda: httpx2.BasicAuth("user", "pass"),
    "counted-httpx": lambda: counted(httpx),
    "counted-httpx2": lambda: counted(httpx2),
    "aiohttp": lambda: import_module("aiohttp").BasicAuth("user", "pass"),
}


@pytest.mark.filterwarnings("ignore:(BasicAuth|The 'auth' parameter) is deprecated:DeprecationWarning")
@each_way
@pytest.mark.parametrize("kind", AUTHS)
def test_an_auth_of_theirs_signs_too(credentials, api, keys, way, kind):
    if kind == "aiohttp" and (not HAS_AIOHTTP or way in SYNC):
        pytest.skip("not for this side")
    auth = AUTHS[kind]()
    name = "client_args" if way in SYNC else "async_client_args"
    live_through_a_rotation(made_with(credentials, api, **{name: {"auth": auth}}), keys, way)
    assert {request.header("authorization") for request in api.requests} == {BASIC}
    assert getattr(auth, "signed", 3) == 3


@each_way
def test_an_auth_of_theirs_answers_its_own_challenge(credentials, api, keys, way):
    challenge = {"WWW-Authenticate": 'Digest realm="gateway", nonce="n", qop="auth", algorithm=MD5'}
    api.answer_next(401, "", headers=challenge)
    name = "client_args" if way in SYNC else "async_client_args"
    run(made_with(credentials, api, **{name: {"auth": httpx.DigestAuth("user", "pass")}}), way)
    assert [request.status for request in api.requests] == [401, 200]
    assert [(request.header("authorization") or "")[:6] for request in api.requests] == ["", "Digest"]
    # The gateway's challenge was no word about the key.
    assert credentials.status().counters["rejections"] == 0


@each_way
def test_an_auth_and_a_proxy_of_theirs_at_once(credentials, api, keys, proxy, way):
    args = {"auth": httpx.BasicAuth("user", "pass"), "proxy": proxy.url}
    client = made_with(credentials, api, allow_plain_http=True, client_args=args, async_client_args=args)
    live_through_a_rotation(client, keys, way)
    assert [method for method, target in proxy.asked] == ["POST"] * 3


# aiohttp's own


@with_aiohttp
def test_middlewares_of_theirs_are_kept(credentials, api, keys):
    seen = []

    async def theirs(request, handler):
        seen.append(request.headers["x-goog-api-key"])
        return await handler(request)

    live_through_a_rotation(made_with(credentials, api, async_client_args={"middlewares": (theirs,)}), keys, aask)
    assert len(seen) == 2
    assert not any(key.startswith("key-") for key in seen)


@with_aiohttp
@pytest.mark.parametrize("clients", [1, 2])
def test_a_ready_aiohttp_session(credentials, api, keys, clients):
    """Also one for two clients: ours is a middleware of the request, not of the session."""
    aiohttp, seen = import_module("aiohttp"), []

    async def theirs(request, handler):
        seen.append(request.url.path)
        return await handler(request)

    async def main():
        async with aiohttp.ClientSession(middlewares=(theirs,)) as session:
            made = [made_with(credentials, api, aiohttp_client=session) for _ in range(clients)]
            for client in made:
                keys.rotate()
                assert await aask(client) == "pong: hi"
                await client.aio.aclose()
                client.close()
            assert not session.closed

    asyncio.run(main())
    assert len(seen) == clients
    assert keys.fetches == clients


@with_aiohttp
@pytest.mark.parametrize("name", ["aiohttp_client", "middlewares"])
def test_what_only_aiohttp_can_do_and_an_auth_for_httpx_cannot_be(credentials, api, name):
    args = {"auth": httpx.BasicAuth("user", "pass")}

    async def main():
        async with import_module("aiohttp").ClientSession() as session:
            options = {"aiohttp_client": session} if name == "aiohttp_client" else {}
            if name == "middlewares":
                args["middlewares"] = (print,)
            with pytest.raises(ConfigurationError, match=f"{name} cannot be used: the auth"):
                made_with(credentials, api, async_client_args=args, **options)

    asyncio.run(main())


# HTTP clients given ready


@each_way
@pytest.mark.parametrize("module", [httpx, httpx2])
def test_a_ready_http_client(credentials, api, keys, way, module):
    """It sends with its own hooks and Auth, and stays open when ours is closed, as with stock."""
    if module is httpx2 and SDK < (3, 0):
        pytest.skip("this google-genai knows httpx alone")
    seen = []

    async def asent(request):
        seen.append(request.method)

    async def main():
        http = module.Client(auth=("user", "pass"), event_hooks={"request": [lambda request: seen.append("POST")]})
        async with module.AsyncClient(auth=("user", "pass"), event_hooks={"request": [asent]}) as ahttp:
            client = made_with(credentials, api, httpx_client=http, httpx_async_client=ahttp)
            assert await way(client) in ANSWERS
            keys.rotate()
            assert await way(client) in ANSWERS
            client.close()
            await client.aio.aclose()
            # The first SDK with interactions closed what those were sent with, whoever it belonged to.
            assert (http.is_closed, ahttp.is_closed) == (
                way is interact and SDK < (2, 0),
                way is ainteract and SDK < (2, 0),
            )
        http.close()

    asyncio.run(main())
    assert [request.status for request in api.requests] == [200, 400, 200]
    assert {request.header("authorization") for request in api.requests} == {BASIC}
    assert seen == ["POST"] * 3


@pytest.mark.parametrize("module", [httpx, httpx2])
@pytest.mark.parametrize(("name", "kind"), [("httpx_client", "Client"), ("httpx_async_client", "AsyncClient")])
def test_one_http_client_serves_one_client(credentials, api, module, name, kind):
    if module is httpx2 and SDK < (3, 0):
        pytest.skip("this google-genai knows httpx alone")
    http = getattr(module, kind)()
    made_with(credentials, api, **{name: http}).close()
    with pytest.raises(ConfigurationError, match="already sends another client's key") as caught:
        made_with(credentials, api, **{name: http})
    assert caught.value.remedy
    http.close() if kind == "Client" else asyncio.run(http.aclose())


@pytest.mark.parametrize("module", [httpx, httpx2])
@pytest.mark.parametrize(
    ("base_url", "options", "error"),
    [(None, {"nonsense": 1}, TypeError), ("http://gateway.internal", {}, ConfigurationError)],
)
def test_an_http_client_of_a_client_that_came_to_nothing_serves_another(
    credentials, api, module, base_url, options, error, monkeypatch
):
    if module is httpx2 and SDK < (3, 0):
        pytest.skip("this google-genai knows httpx alone")
    with module.Client() as http:
        before = http.auth, http.event_hooks
        # From there it is only known once the SDK has built its client.
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", base_url or api.base_url)
        with pytest.raises(error):
            credentials.client(http_options={"httpx_client": http}, **options)
        assert (http.auth, http.event_hooks) == before
        made_with(credentials, api, httpx_client=http).models.get(model=MODEL)


@pytest.mark.parametrize("name", ["AsyncHttpxClient", "AsyncHttpx2Client"])
def test_the_sdks_own_http_client_cannot_be_given_ready(credentials, api, name):
    if not hasattr(_api_client, "_PerLoopAsyncClientMixin"):
        pytest.skip("this google-genai has no client that keeps others inside")
    http = getattr(_api_client, name)()
    with pytest.raises(ConfigurationError, match=f"A {name} of the SDK"):
        made_with(credentials, api, httpx_async_client=http)
    asyncio.run(http.aclose())


# What is passed in stays as it was


def nested_options(api):
    return options_for(
        api,
        headers={"x-team": "a"},
        client_args={"event_hooks": {"request": [print]}, "timeout": 3},
        async_client_args={"event_hooks": {"request": []}, "middlewares": ()},
        retry_options={"attempts": 2},
    )


@pytest.mark.parametrize("face", ["client", "http_options"])
@pytest.mark.parametrize("as_model", [False, True])
def test_what_is_passed_in_is_not_changed(credentials, api, face, as_model):
    options = nested_options(api)
    if as_model:
        options = types.HttpOptions.model_validate(options)
    if face == "client":
        credentials.client(http_options=options).close()
    else:
        credentials.http_options(**(dict(options) if as_model else options))
    left = options.model_dump(exclude_none=True) if as_model else options
    assert left == nested_options(api)


def test_http_options_can_be_copied_and_dumped(credentials, api, keys):
    """pydantic-ai and ADK copy deeply what they are given; a copy serves the same key."""
    http_options = credentials.http_options(**options_for(api, headers={"x-team": "a"}))
    assert http_options.model_dump()["headers"]["x-team"] == "a"
    for options in (http_options, copy.deepcopy(http_options), http_options.model_copy(deep=True)):
        client = genai.Client(api_key="unused", vertexai=False, http_options=options)
        for way in WAYS[:2]:
            keys.rotate()
            assert asyncio.run(way(client)) in ANSWERS
        client.close()
    copied = copy.deepcopy(http_options)
    for way in ASYNC:
        live_through_a_rotation(
            genai.Client(api_key="unused", vertexai=False, http_options=copy.deepcopy(copied)), keys, way
        )


# Bodies that cannot be sent again


def pieces():
    yield b'{"contents": '
    yield b"[]}"


async def apieces():
    for piece in pieces():
        yield piece


@pytest.mark.parametrize("module", [httpx, httpx2])
@pytest.mark.parametrize("asynchronously", [False, True], ids=["sync", "async"])
def test_a_body_that_is_spent_is_not_sent_again(credentials, api, keys, module, asynchronously):
    url = f"{api.base_url}/v1beta/models/{MODEL}:generateContent"
    auth = credentials.httpx_auth()
    credentials.get()
    keys.rotate()

    async def main():
        async with module.AsyncClient(auth=auth) as http:
            return await http.post(url, content=apieces()), await http.post(url, content=apieces())

    if asynchronously:
        refused, served = asyncio.run(main())
    else:
        with module.Client(auth=auth) as http:
            refused, served = http.post(url, content=pieces()), http.post(url, content=pieces())
    # The API's own answer stands, readable, and the next request has the new key.
    assert (refused.status_code, refused.json()["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert served.status_code == 200
    assert [request.key for request in api.requests] == ["key-1", "key-2"]
    assert credentials.status().counters["replays"] == 0
