"""What the copies of the policy once did differently, on every wire; and what each wire once did wrong."""

import asyncio
import gc
import inspect
import logging

import httpx
import httpx2
import pytest
from google import genai
from sdk_paths import MODEL

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager, NoCredentials
from genai_credentials.client import sdk
from genai_credentials.key import PLACEHOLDER
from genai_credentials.testing import FakeGemini

pytestmark = [
    pytest.mark.filterwarnings("ignore:Interactions usage is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp:UserWarning"),
]
MODULES = [httpx, httpx2]


def redirecting(module, seen):
    """A handler that leads each request of `home` to `abroad`, and notes what each hop carried."""

    def handle(request):
        seen.append((request.url.host, request.headers.get("x-key") or request.headers.get("authorization")))
        if request.url.host == "home.example":
            return module.Response(307, headers={"Location": "https://abroad.example/"})
        return module.Response(200, json={})

    return handle


async def redirecting_app(scope, receive, send):
    """The same as an application."""
    headers = dict(scope["headers"])
    scope["app"].append((headers[b"host"].decode(), headers.get(b"x-key", b"").decode() or None))
    location = [(b"location", b"https://abroad.example/")] if headers[b"host"] == b"home.example" else []
    await send({"type": "http.response.start", "status": 307 if location else 200, "headers": location})
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.mark.parametrize("module", MODULES)
def test_a_header_of_ones_own_stays_home_on_a_transport_that_tells_of_no_hops(module):
    seen, auth = [], CredentialProvider(lambda: "key-1").httpx_auth("X-Key")
    transport = module.MockTransport(redirecting(module, seen))
    with module.Client(auth=auth, transport=transport, follow_redirects=True) as client:
        assert client.get("https://home.example/").status_code == 200
    assert seen == [("home.example", "key-1"), ("abroad.example", None)]


@pytest.mark.parametrize("module", MODULES)
def test_the_same_on_an_application_that_is_called_directly(module):
    seen, auth = [], CredentialProvider(lambda: "key-1").httpx_auth("X-Key")

    async def app(scope, receive, send):
        await redirecting_app({**scope, "app": seen}, receive, send)

    async def main():
        transport = module.ASGITransport(app)
        async with module.AsyncClient(auth=auth, transport=transport, follow_redirects=True) as client:
            assert (await client.get("https://home.example/")).status_code == 200

    asyncio.run(main())
    assert seen == [("home.example", "key-1"), ("abroad.example", None)]


@pytest.mark.parametrize("module", MODULES)
def test_the_rest_of_the_headers_is_there_on_each_hop(module):
    seen = []

    def handle(request):
        seen.append((request.headers.get("x-team"), request.headers.get_list("x-many")))
        return (
            module.Response(307, headers={"Location": "https://abroad.example/"})
            if len(seen) == 1
            else (module.Response(200))
        )

    auth = CredentialProvider(lambda: "key-1").httpx_auth("X-Key")
    with module.Client(auth=auth, transport=module.MockTransport(handle), follow_redirects=True) as client:
        client.get("https://home.example/", headers=[("x-team", "search"), ("x-many", "a"), ("x-many", "b")])
    assert seen == [("search", ["a", "b"])] * 2


@pytest.mark.parametrize("ask", ["sync", "interactions", "aio", "aio-interactions"])
def test_two_placeholders_in_two_spellings_are_one(credentials, api, keys, ask):
    """httpx took the key off such a request, and aiohttp signed it."""
    http_options = {"base_url": api.base_url, "headers": {}}
    extra = {"X-Goog-Api-Key": PLACEHOLDER}
    with credentials.client(http_options=http_options) as client:

        async def main():
            async with client.aio as aio:
                if ask == "aio":
                    config = {"http_options": {"headers": extra}}
                    return await aio.models.generate_content(model=MODEL, contents="hi", config=config)
                return await aio.interactions.create(model=MODEL, input="hi", extra_headers=extra)

        if ask == "sync":
            client.models.generate_content(model=MODEL, contents="hi", config={"http_options": {"headers": extra}})
        elif ask == "interactions":
            client.interactions.create(model=MODEL, input="hi", extra_headers=extra)
        else:
            asyncio.run(main())
    assert [(request.key, request.status) for request in api.requests] == [(keys.current, 200)]


def test_an_sdk_without_its_source_is_used_all_the_same(credentials, api, keys, monkeypatch):
    """As a PyInstaller bundle, or a wheel of .pyc files, ships it."""

    def missing(*_):
        raise OSError("could not get source code")

    for name in ("getsource", "getsourcelines", "findsource"):
        monkeypatch.setattr(inspect, name, missing)
    with credentials.client(http_options={"base_url": api.base_url}) as client:
        assert client.models.generate_content(model=MODEL, contents="hi").text
    credentials.http_options(base_url=api.base_url)
    assert isinstance(sdk.music_writes_the_key_into_the_url(), bool)


@pytest.mark.parametrize("text", ["There is no current event loop in thread 'x'.", "can't start new thread", "threads"])
def test_an_error_of_a_provider_that_speaks_of_threads_is_the_providers_own(text):
    def fails():
        raise RuntimeError(text)

    with pytest.raises(NoCredentials, match="raised RuntimeError"):
        CredentialProvider(fails).get()


class Challenged(httpx.Auth, httpx2.Auth):
    """An Auth of theirs that notes whether each of its flows was closed."""

    def __init__(self):
        self.open = 0

    def sync_auth_flow(self, request):
        self.open += 1
        try:
            yield request
        finally:
            self.open -= 1

    async def async_auth_flow(self, request):
        self.open += 1
        try:
            yield request
        finally:
            self.open -= 1


@pytest.mark.parametrize("module", MODULES)
def test_an_auth_of_theirs_is_closed_in_order_also_when_the_request_fails(credentials, module):
    if module is httpx2 and int(genai.__version__.split(".")[0]) < 3:
        pytest.skip("this google-genai takes no client of httpx2")
    theirs, finalised = Challenged(), []

    def fails(request):
        raise module.ConnectError("down", request=request)

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: finalised.append(context))
        http = module.AsyncClient(transport=module.MockTransport(fails), auth=theirs)
        sync = module.Client(transport=module.MockTransport(fails), auth=theirs)
        options = {"base_url": "http://127.0.0.1:9", "httpx_async_client": http, "httpx_client": sync}
        client = credentials.client(http_options=options)
        with pytest.raises(module.ConnectError):
            client.models.generate_content(model=MODEL, contents="hi")
        with pytest.raises(module.ConnectError):
            await client.aio.models.generate_content(model=MODEL, contents="hi")
        await http.aclose()
        return theirs.open

    assert asyncio.run(main()) == 0
    gc.collect()
    assert finalised == []


def test_sources_with_clients_of_their_own_are_not_the_same():
    one, other = (lambda: None), (lambda: None)
    for kind, name in ((AWSSecretsManager, "prod/gemini"), (GoogleSecretManager, "projects/p/secrets/s")):
        assert kind(name) == kind(name)
        assert kind(name, client=one) == kind(name, client=one)
        assert kind(name, client=one) != kind(name, client=other)
        assert kind(name, client=one) != kind(name)


@pytest.mark.parametrize("key", ["k", "EMPTY", "none", "x" * 7])
def test_a_key_that_is_no_secret_leaves_our_own_lines_whole(key, caplog):
    with caplog.at_level(logging.DEBUG, "genai_credentials"):
        CredentialProvider(lambda: key).get()
    assert caplog.records
    assert "redacted" not in caplog.text
    assert "Fetched the key" in caplog.text


def test_trio_goes_through_a_rotation_too():
    trio = pytest.importorskip("trio")
    with FakeGemini("key-1") as api:
        key = ["key-1"]
        auth = CredentialProvider(lambda: key[0]).httpx_auth()
        url = f"{api.base_url}/v1beta/models"

        async def main():
            async with httpx.AsyncClient(auth=auth) as client:
                first = await client.get(url)
                key[0] = "key-2"
                api.accept("key-2")
                api.revoke("key-1")
                return first.status_code, (await client.get(url)).status_code

        assert trio.run(main) == (200, 200)
        assert [request.key for request in api.requests] == ["key-1", "key-1", "key-2"]
