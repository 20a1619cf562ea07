"""Where the key goes: to the client's own origin, and nowhere a redirect, a base URL or a typing error may lead."""

import asyncio
import gc
import importlib
import io
import logging

import pytest
import trustme
from google import genai

from genai_credentials import ConfigurationError, CredentialProvider
from genai_credentials.auth import KeyAuth
from genai_credentials.testing import REFUSALS, FakeGemini

MODEL = "gemini-2.5-flash"
KEY = "AIzaSecretOfOurs"
PATHS = {"base_url_only": "v1beta"}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Interactions usage is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp:UserWarning"),
]


@pytest.fixture(scope="module")
def small_ca(tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def trusting_one_authority(monkeypatch, small_ca):
    """Every client here loads its certificates anew: one instead of all takes 4 ms instead of 80."""
    monkeypatch.setenv("SSL_CERT_FILE", small_ca)


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    gc.collect()


@pytest.fixture
def home():
    with FakeGemini(KEY) as api:
        yield api


@pytest.fixture
def abroad():
    """Another origin. It knows the key too, so that it would be served with it, and says so."""
    with FakeGemini(KEY) as api:
        yield api


@pytest.fixture
def fetches():
    return []


@pytest.fixture
def credentials(fetches):
    def fetch():
        fetches.append(KEY)
        return KEY

    with CredentialProvider(fetch) as provider:
        yield provider


def leaks(*apis):
    """Each place where a key of ours, or what stands for it, reached a server that must not see it."""
    return [
        (request.path, name)
        for api in apis
        for request in api.requests
        for name, value in [("url", f"{request.path}?{request.query}"), *request.headers]
        if KEY in value or "genai-credentials" in value
    ]


def left_alone(credentials):
    return credentials.status().counters["rejections"] == 0


# The ways a request leaves a client: for each a path that only this request has.


def generate(client):
    client.models.generate_content(model=MODEL, contents="hi")


def stream(client):
    list(client.models.generate_content_stream(model=MODEL, contents="hi"))


def upload(client):
    client.files.upload(file=io.BytesIO(b"text"), config={"mime_type": "text/plain"})


def download(client):
    client.files.download(file="files/abc")


def interact(client):
    client.interactions.create(model=MODEL, input="hi")


def interact_in_a_stream(client):
    list(client.interactions.create(model=MODEL, input="hi", stream=True))


def asynchronous(function):
    def run(client):
        async def main():
            async with client.aio as aio:
                await function(aio)

        asyncio.run(main())

    run.__name__ = function.__name__
    return run


@asynchronous
async def agenerate(aio):
    await aio.models.generate_content(model=MODEL, contents="hi")


@asynchronous
async def astream(aio):
    async for _ in await aio.models.generate_content_stream(model=MODEL, contents="hi"):
        pass


@asynchronous
async def aupload(aio):
    await aio.files.upload(file=io.BytesIO(b"text"), config={"mime_type": "text/plain"})


@asynchronous
async def adownload(aio):
    await aio.files.download(file="files/abc")


@asynchronous
async def ainteract(aio):
    await aio.interactions.create(model=MODEL, input="hi")


@asynchronous
async def ainteract_in_a_stream(aio):
    async for _ in await aio.interactions.create(model=MODEL, input="hi", stream=True):
        pass


SYNC = [generate, stream, upload, download, interact, interact_in_a_stream]
ASYNC = [agenerate, astream, aupload, adownload, ainteract, ainteract_in_a_stream]
PATH = {"generate": "Content", "stream": "Content", "upload": "/files", "download": "/files/abc", "interact": "/inter"}


def path_of(way):
    return PATH[way.__name__.removeprefix("a").removesuffix("_in_a_stream")]


# The ways such a client is made.


def as_client(credentials, base_url, **options):
    return credentials.client(http_options={"base_url": base_url, "api_version": "v1beta"}, **options)


def as_http_options(credentials, base_url, **options):
    http_options = credentials.http_options(base_url=base_url, api_version="v1beta", **options)
    return genai.Client(api_key="unused", vertexai=False, http_options=http_options)


def on_httpx(credentials, base_url):
    """The async side on httpx though aiohttp is there, as a transport of the user's own demands it."""
    module = importlib.import_module("httpx")
    args = {"transport": module.AsyncHTTPTransport(), "follow_redirects": True}
    return credentials.client(
        http_options={"base_url": base_url, "api_version": "v1beta", "async_client_args": args},
    )


JOURNEYS = [
    *[pytest.param(make, way, id=f"{make.__name__}-{way.__name__}") for make in (as_client, as_http_options)
      for way in (*SYNC, *ASYNC)],
    *[pytest.param(on_httpx, way, id=f"{on_httpx.__name__}-{way.__name__}") for way in ASYNC],
]


@pytest.mark.parametrize(("make", "way"), JOURNEYS)
@pytest.mark.parametrize("status", [307, 302])
def test_a_redirect_to_another_origin_goes_without_the_key(credentials, fetches, home, abroad, make, way, status):
    home.redirect(path_of(way), abroad.base_url, status)
    abroad.answer_next(401, REFUSALS["rix_api_error"].body, times=9)
    with make(credentials, home.base_url) as client:
        with pytest.raises(Exception, match="401|Invalid Token"):
            way(client)
        assert len(abroad.requests) == 1
        assert leaks(abroad) == []
        # The refusal came from abroad: it says nothing about the key, which is served on.
        assert left_alone(credentials)
        client.models.get(model=MODEL)
    assert len(fetches) == 1


@pytest.mark.parametrize(("make", "way"), JOURNEYS)
def test_a_redirect_within_the_origin_keeps_the_key_and_survives_a_rotation(home, make, way):
    """Each path is served under a prefix too: there the same request ends up after its redirect."""
    keys = ["AIzaOld"]
    home.accept("AIzaOld")
    _redirect_to_a_prefix(home, path_of(way))
    with CredentialProvider(lambda: keys[0]) as credentials, make(credentials, home.base_url) as client:
        client.models.get(model="other")
        home.revoke("AIzaOld")
        home.accept("AIzaNew")
        keys[0] = "AIzaNew"
        way(client)
    sent = [(request.path.startswith("/gate/"), request.key) for request in home.requests if "other" not in request.path]
    assert (True, "AIzaOld") in sent
    assert (True, "AIzaNew") in sent
    assert credentials.status().counters["replays"] == 1


def _redirect_to_a_prefix(api, part):
    """Redirect what contains `part` to the same path under /gate, once."""

    def decide(request):
        if part in request.path and not request.path.startswith("/gate/") and "upload_id" not in request.query:
            target = f"{api.base_url}/gate{request.path}" + (f"?{request.query}" if request.query else "")
            api.answer_next(307, b"", headers={"Location": target})

    api.on_request = decide
