"""What surrounds a client: event loops, proxies, certificates, options and HTTP clients of the user's own, backends.

Each survives a rotation meanwhile. A test that needs more than the installed SDK has is skipped and says so.
"""

import asyncio
import contextlib
import copy
import gc
import os
import socket
import ssl
import subprocess
import sys
import threading
from importlib import import_module, util
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
from google import genai
from google.genai import _api_client, types
from sdk_paths import MODEL, Keys

from genai_credentials import ConfigurationError, CredentialProvider
from genai_credentials.testing import FakeGemini

SDK = tuple(int(part) for part in version("google-genai").split(".")[:2])
HAS_AIOHTTP = "aiohttp" not in sys.modules or sys.modules["aiohttp"] is not None
if HAS_AIOHTTP:
    HAS_AIOHTTP = util.find_spec("aiohttp") is not None

with_aiohttp = pytest.mark.skipif(not HAS_AIOHTTP, reason="aiohttp is not installed")
pytestmark = [
    pytest.mark.usefixtures("no_certificates", "nothing_left_open"),
    pytest.mark.filterwarnings("ignore:Interactions usage is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp:UserWarning"),
]


@pytest.fixture
def secure(monkeypatch):
    """The same over TLS, by an authority that only SSL_CERT_FILE knows."""
    with FakeGemini(tls=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", server.ca_file)
        yield server


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


@pytest.fixture
def collected():
    """What the test leaves open is collected under its own filters, not under those of a later one."""
    yield
    while gc.collect():  # what has a finalizer of its own goes first, and what it held in the next round
        pass


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


# Proxies


class ForwardProxy:
    """A recording HTTP proxy: one request a connection, tunnels for https."""

    def __enter__(self):
        self.asked, self._listener = [], socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *about):
        # A connection wakes the thread that waits for one; closing the socket would not.
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            with contextlib.closing(client.makefile("rb")) as reader:
                if not (line := reader.readline()):
                    client.close()
                    return
                thread = threading.Thread(target=self._serve, args=(client, *self._head(line, reader)), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _head(self, line, reader):
        lines = []
        while (field := reader.readline()) not in (b"\r\n", b""):
            lines.append(field)
        length = next((int(field[15:]) for field in lines if field.lower().startswith(b"content-length:")), 0)
        method, target, _ = line.decode().split(" ")
        self.asked.append((method, target))
        return method, target, lines, reader.read(length)

    def _serve(self, client, method, target, lines, body):
        address = urlsplit(target if "://" in target else f"//{target}")
        with client, socket.create_connection((address.hostname, address.port)) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=self._pump, args=(client, server), daemon=True)
                back.start()
                self._pump(server, client)
                back.join(10)
            else:
                kept = [field for field in lines if not field.lower().startswith((b"connection:", b"proxy-"))]
                start = f"{method} {address.path}?{address.query} HTTP/1.1\r\nConnection: close\r\n".encode()
                server.sendall(start + b"".join(kept) + b"\r\n" + body)
                self._pump(server, client)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end, how in ((source, socket.SHUT_RD), (sink, socket.SHUT_WR)):
            with contextlib.suppress(OSError):
                end.shutdown(how)


@pytest.fixture
def proxy():
    with ForwardProxy() as server:
        yield server


@each_way
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_environments_proxy_is_used(credentials, api, keys, proxy, way, name, monkeypatch):
    if name == "ALL_PROXY" and way is aask and HAS_AIOHTTP:
        pytest.skip("aiohttp knows no ALL_PROXY")
    monkeypatch.setenv(name, proxy.url)
    live_through_a_rotation(made_with(credentials, api, allow_plain_http=True), keys, way)
    assert [method for method, target in proxy.asked] == ["POST"] * 3
    assert {target.startswith(api.base_url) for method, target in proxy.asked} == {True}


@each_way
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_environments_proxy_never_reads_the_key(credentials, api, keys, proxy, way, name, monkeypatch):
    """Plain http is for this machine alone: by way of a proxy the key would leave it."""
    monkeypatch.setenv(name, proxy.url)
    live_through_a_rotation(made_with(credentials, api), keys, way)
    assert proxy.asked == []


@each_way
@pytest.mark.parametrize("module", [httpx, httpx2])
def test_a_ready_http_client_with_a_proxy_is_refused_before_the_key_is_sent(
    credentials, api, proxy, way, module, monkeypatch
):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    ready = {"httpx_client": module.Client(), "httpx_async_client": module.AsyncClient()}
    with pytest.raises(ConfigurationError, match="NO_PROXY"):
        run(made_with(credentials, api, **ready), way)
    assert [target for _, target in proxy.asked] == []


@pytest.mark.parametrize("header", ["x-goog-api-key", "Authorization"])
@pytest.mark.parametrize("module", [httpx, httpx2])
def test_a_bare_auth_gives_no_key_to_a_proxy_in_the_clear(credentials, api, proxy, module, header, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    url = f"{api.base_url}/v1beta/models"

    async def ask():
        async with module.AsyncClient(auth=credentials.httpx_auth(header)) as http:
            await http.get(url)

    with module.Client(auth=credentials.httpx_auth(header)) as http, pytest.raises(ConfigurationError, match="proxy"):
        http.get(url)
    with pytest.raises(ConfigurationError, match="proxy"):
        asyncio.run(ask())
    assert proxy.asked == []


def test_a_proxy_of_theirs_is_refused_where_it_would_read_the_key(credentials, api, proxy):
    for args in ({"client_args": {"proxy": proxy.url}}, {"async_client_args": {"proxy": proxy.url}}):
        with pytest.raises(ConfigurationError, match="by way of a proxy"):
            made_with(credentials, api, **args)


@each_way
def test_https_goes_through_the_proxys_tunnel(secure, proxy, way, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    keys = Keys(secure)
    with CredentialProvider(keys) as credentials:
        live_through_a_rotation(made_with(credentials, secure), keys, way)
    assert {method for method, target in proxy.asked} == {"CONNECT"}


@each_way
def test_what_no_proxy_names_goes_past_it(credentials, api, keys, proxy, way, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    live_through_a_rotation(made_with(credentials, api), keys, way)
    assert proxy.asked == []


@each_way
def test_a_proxy_of_theirs_is_used(credentials, api, keys, proxy, way):
    args = {"proxy": proxy.url}
    client = made_with(credentials, api, allow_plain_http=True, client_args=args, async_client_args=args)
    live_through_a_rotation(client, keys, way)
    assert [method for method, target in proxy.asked] == ["POST"] * 3


@pytest.mark.parametrize("module", [httpx, httpx2])
def test_a_bare_auth_keeps_its_key_on_a_redirect_by_way_of_a_proxy(credentials, api, keys, proxy, module):
    """There the URL that httpcore speaks of is the proxy's."""
    api.redirect("/old", f"{api.base_url}/v1beta/models")
    with module.Client(
        auth=credentials.httpx_auth(allow_plain_http=True), follow_redirects=True, proxy=proxy.url
    ) as http:
        assert http.get(f"{api.base_url}/old").status_code == 200
    assert [request.key for request in api.requests] == ["key-1", "key-1"]


# Certificates


@each_way
def test_the_environments_authority_is_trusted(secure, way):
    keys = Keys(secure)
    with CredentialProvider(keys) as credentials:
        live_through_a_rotation(made_with(credentials, secure), keys, way)


VERIFYING = {
    # As the SDK has it: `verify` in client_args counts for interactions on both sides; aiohttp's is called `ssl`.
    "client_args": (lambda context: {"client_args": {"verify": context}}, [ask, interact, ainteract]),
    "async_client_args": (lambda context: {"async_client_args": {"verify": context}}, [ask, interact, ainteract]),
    "ssl": (lambda context: {"async_client_args": {"ssl": context}}, [aask] if HAS_AIOHTTP else []),
    "ssl-and-auth": (
        lambda context: {"async_client_args": {"ssl": context, "auth": ("user", "pass")}},
        [aask] if HAS_AIOHTTP else [],
    ),
}


@pytest.mark.parametrize(
    ("options", "way"),
    [pytest.param(make, way, id=f"{n}-{way.__name__}") for n, (make, ways) in VERIFYING.items() for way in ways],
)
def test_an_authority_of_theirs_is_trusted(secure, options, way, monkeypatch):
    context = ssl.create_default_context(cafile=secure.ca_file)
    monkeypatch.delenv("SSL_CERT_FILE")
    keys = Keys(secure)
    with CredentialProvider(keys) as credentials:
        live_through_a_rotation(made_with(credentials, secure, **options(context)), keys, way)


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
    with pytest.raises(ConfigurationError, match="already serves") as caught:
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


# OpenAI's client


@pytest.fixture
def openai():
    return pytest.importorskip("openai")


def openai_url(api):
    return f"{api.base_url}/v1beta/openai/"


CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("stream", [False, True])
def test_openais_client_survives_a_rotation(credentials, api, keys, openai, stream):
    auth = credentials.httpx_auth(header="Authorization", scheme="Bearer ")
    with openai.OpenAI(
        api_key="unused", base_url=openai_url(api), http_client=openai.DefaultHttpxClient(auth=auth), max_retries=0
    ) as client:
        for _ in range(2):
            answer = client.chat.completions.create(**CHAT, stream=stream)
            assert list(answer) if stream else answer.choices[0].message.content
            keys.rotate()
    assert [(request.key, request.status) for request in api.requests] == [
        ("key-1", 200),
        ("key-1", 400),
        ("key-2", 200),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_openais_asynchronous_client_survives_a_rotation(credentials, api, keys, openai, stream):
    auth = credentials.httpx_auth(header="Authorization", scheme="Bearer ")

    async def main():
        async with openai.AsyncOpenAI(
            api_key="unused",
            base_url=openai_url(api),
            http_client=openai.DefaultAsyncHttpxClient(auth=auth),
            max_retries=0,
        ) as client:
            for _ in range(2):
                answer = await client.chat.completions.create(**CHAT, stream=stream)
                assert [chunk async for chunk in answer] if stream else answer.choices[0].message.content
                keys.rotate()

    asyncio.run(main())
    assert [(request.key, request.status) for request in api.requests] == [
        ("key-1", 200),
        ("key-1", 400),
        ("key-2", 200),
    ]


def test_openais_client_takes_the_provider_for_a_key(credentials, api, keys, openai):
    with openai.OpenAI(api_key=credentials, base_url=openai_url(api)) as client:
        assert client.chat.completions.create(**CHAT).choices[0].message.content
    assert [request.key for request in api.requests] == ["key-1"]


# Without aiohttp


@pytest.mark.skipif(not HAS_AIOHTTP, reason="this is the run without aiohttp")
def test_the_same_without_aiohttp():
    """In a process that cannot import it: the asynchronous side is on httpx then."""
    here = Path(__file__).parent
    modules = [str(here / f"test_{name}.py") for name in ("travel", "environments")]
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
