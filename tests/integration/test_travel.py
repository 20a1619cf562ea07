"""Where the key goes: to the client's own origin, and nowhere a redirect, a base URL or a typing error may lead."""

import asyncio
import contextlib
import io
import ssl

import httpx
import httpx2
import pytest
import yarl
from google import genai
from google.genai import errors
from sdk_paths import MODEL

from genai_credentials import ConfigurationError, CredentialProvider
from genai_credentials.client.backends import http_modules
from genai_credentials.client.origins import home_of as _home_of
from genai_credentials.client.origins import origin
from genai_credentials.testing import REFUSALS, FakeGemini

KEY = "AIzaSecretOfOurs"
GATEWAY = "http://gateway.example"

pytestmark = [
    pytest.mark.usefixtures("no_certificates", "nothing_left_open"),
    pytest.mark.filterwarnings("ignore:Interactions usage is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp:UserWarning"),
]


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


# The ways a request leaves a client.


def generate(client, **options):
    client.models.generate_content(model=MODEL, contents="hi", config=options)


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
    def run(client, **options):
        async def main():
            async with client.aio as aio:
                await function(aio, **options)

        asyncio.run(main())

    run.__name__ = function.__name__
    return run


@asynchronous
async def agenerate(aio, **options):
    await aio.models.generate_content(model=MODEL, contents="hi", config=options)


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
    args = {"transport": httpx.AsyncHTTPTransport()}
    return credentials.client(http_options={"base_url": base_url, "api_version": "v1beta", "async_client_args": args})


JOURNEYS = [(as_client, SYNC + ASYNC), (as_http_options, SYNC + ASYNC), (on_httpx, ASYNC)]
JOURNEYS = [pytest.param(make, way, id=f"{make.__name__}-{way.__name__}") for make, ways in JOURNEYS for way in ways]


@pytest.mark.parametrize(("make", "way"), JOURNEYS)
@pytest.mark.parametrize("status", [307, 302])
def test_a_redirect_to_another_origin_goes_without_the_key(credentials, fetches, home, abroad, make, way, status):
    home.redirect(path_of(way), abroad.base_url, status)
    abroad.answer_next(401, REFUSALS["rix_api_error"].body, times=9)
    with make(credentials, home.base_url) as client:
        with pytest.raises(Exception, match=r"401|Invalid Token"):
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
        assert credentials.status().counters["replays"] == 1
    assert {"AIzaOld", "AIzaNew"} <= {request.key for request in home.requests if request.path.startswith("/gate/")}


def _redirect_to_a_prefix(api, part):
    """Redirect what contains `part` to the same path under /gate, once."""

    def decide(request):
        if part in request.path and not request.path.startswith("/gate/") and "upload_id" not in request.query:
            target = f"{api.base_url}/gate{request.path}" + (f"?{request.query}" if request.query else "")
            api.answer_next(307, b"", headers={"Location": target})

    api.on_request = decide


@pytest.mark.parametrize("make", [as_client, as_http_options, on_httpx])
@pytest.mark.parametrize("asynchronously", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("whole_url", [True, False])
def test_every_kind_of_redirect_within_the_origin_keeps_the_key(
    credentials, home, make, asynchronously, status, whole_url
):
    home.redirect("models/old", f"{home.base_url if whole_url else ''}/v1beta/models/new", status)
    with make(credentials, home.base_url) as client:
        if asynchronously:
            asynchronous(lambda aio: aio.models.get(model="old"))(client)
        else:
            client.models.get(model="old")
    assert [(request.path[-3:], request.key) for request in home.requests] == [("old", KEY), ("new", KEY)]


# Not on aiohttp: there each hop is a request of its own, and the one that comes home has the key again.
@pytest.mark.parametrize("way", [generate, interact, ainteract])
def test_the_way_back_from_another_origin_does_not_judge_the_key(credentials, fetches, home, abroad, way):
    """The last hop comes home without the key, and is refused for that: no reason to replace it."""
    home.redirect(path_of(way), f"{abroad.base_url}/away")
    abroad.redirect("/away", f"{home.base_url}/v1beta/back")
    home.on_request = lambda request: request.key or home.answer_next(401, REFUSALS["rix_api_error"].body)
    with as_client(credentials, home.base_url) as client, pytest.raises(Exception, match=r"401|Invalid Token"):
        way(client)
    assert [request.path for request in home.requests][1:] == ["/v1beta/back"]
    assert leaks(abroad) == []
    assert left_alone(credentials)
    assert len(fetches) == 1


@pytest.mark.parametrize("way", [generate, agenerate])
def test_an_answer_from_another_origin_does_not_vouch_for_the_key(credentials, home, abroad, way):
    """A key that only a foreign 200 spoke for has never worked, and an overlap must not go back to it."""
    home.redirect("models/", abroad.base_url)
    abroad.answer_next(200, {"candidates": []})
    with as_client(credentials, home.base_url) as client:
        way(client)
    assert not credentials.engine.keystate.known.ever_worked()


@pytest.mark.parametrize("way", [generate, interact, agenerate, ainteract])
def test_encryption_ends_where_the_key_stays_behind(credentials, abroad, way, monkeypatch):
    """From https to http at the same host: another origin, and readable on the way."""
    with FakeGemini(KEY, tls=True) as home:
        monkeypatch.setenv("SSL_CERT_FILE", home.ca_file)
        home.redirect(path_of(way), abroad.base_url)
        with as_client(credentials, home.base_url) as client, pytest.raises(Exception, match=r"403|unregistered"):
            way(client)
        assert [request.key for request in home.requests] == [KEY]
    assert leaks(abroad) == []
    assert len(abroad.requests) == 1


@pytest.mark.parametrize("make", [as_client, as_http_options, on_httpx])
@pytest.mark.parametrize("way", [generate, agenerate])
def test_a_base_url_of_one_request_gets_no_key_and_one_warning(credentials, home, abroad, make, way, caplog):
    config = {"http_options": {"base_url": abroad.base_url}}
    for _ in range(3):
        with make(credentials, home.base_url) as client, pytest.raises(errors.ClientError, match="unregistered"):
            way(client, **config)
    assert leaks(abroad) == []
    assert left_alone(credentials)
    said = [record.getMessage() for record in caplog.records if record.name == "genai_credentials"]
    assert len(said) == 1
    assert "carries no key" in said[0]


def test_the_key_is_never_in_a_url(credentials, home):
    for make in (as_client, as_http_options, on_httpx):
        for way in SYNC + ASYNC:
            with make(credentials, home.base_url) as client:
                way(client)
    assert {request.status for request in home.requests} == {200}
    assert [place for place, name in leaks(home) if name == "url"] == []
    assert {name for place, name in leaks(home)} == {"x-goog-api-key"}


# Plain http


@pytest.mark.parametrize("face", ["client", "http_options"])
@pytest.mark.parametrize("through_environment", [False, True])
@pytest.mark.parametrize("url", [GATEWAY, "http://10.0.0.7:8080", "http://127.gateway.example", "http://[2001:db8::1]"])
def test_plain_http_to_another_machine_is_refused_at_construction(
    credentials, monkeypatch, face, through_environment, url
):
    options = {} if through_environment else {"base_url": url}
    if through_environment:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)
    build = getattr(credentials, face)
    make = (
        build
        if face == "http_options"
        else lambda allow_plain_http=False, **options: build(
            http_options=options, allow_plain_http=allow_plain_http
        ).close()
    )
    with pytest.raises(ConfigurationError, match="plain http"):
        make(**options)
    make(allow_plain_http=True, **options)


@pytest.mark.parametrize("module", [httpx, httpx2], ids=lambda module: module.__name__)
def test_plain_http_is_refused_by_a_bare_auth_at_the_first_request(credentials, module):
    seen = []
    transport = module.MockTransport(lambda request: seen.append(request) or module.Response(200))
    with module.Client(auth=credentials.httpx_auth(), transport=transport) as http:
        with pytest.raises(ConfigurationError, match="plain http"):
            http.get(GATEWAY)
        assert seen == []
        http.get(GATEWAY, auth=credentials.httpx_auth(allow_plain_http=True))
    assert [request.headers["x-goog-api-key"] for request in seen] == [KEY]


# Keys and headers of the user's own


@pytest.mark.parametrize("make", [as_client, as_http_options, on_httpx])
@pytest.mark.parametrize("way", [generate, agenerate])
@pytest.mark.parametrize("name", ["x-goog-api-key", "X-Goog-Api-Key", "X-GOOG-API-KEY"])
def test_a_key_of_ones_own_for_one_request_is_left_alone(credentials, fetches, home, abroad, make, way, name):
    home.accept("mine")
    abroad.accept("mine")
    for base_url in (None, abroad.base_url):
        with make(credentials, home.base_url) as client:
            way(client, http_options={"headers": {name: "mine"}, "base_url": base_url})
    assert [request.key for request in home.requests + abroad.requests] == ["mine", "mine"]
    assert leaks(home, abroad) == []
    assert fetches == []


@pytest.mark.parametrize("way", [generate, agenerate])
def test_a_refused_key_of_ones_own_is_no_rejection_of_ours(credentials, home, way):
    with as_client(credentials, home.base_url) as client, pytest.raises(errors.ClientError, match="not valid"):
        way(client, http_options={"headers": {"X-Goog-Api-Key": "mine"}})
    assert [request.key for request in home.requests] == ["mine"]
    assert left_alone(credentials)


@pytest.mark.parametrize("name", ["x-goog-api-key", "X-Goog-Api-Key", "X-GOOG-API-KEY"])
def test_a_key_of_ones_own_for_the_whole_client_is_refused(credentials, name):
    for make in (credentials.client, lambda http_options: credentials.http_options(**http_options)):
        with pytest.raises(ConfigurationError, match=name):
            make(http_options={"headers": {name: "mine"}})


@pytest.mark.parametrize("way", SYNC + ASYNC)
def test_an_authorization_for_the_gateway_is_kept_and_stays_there(credentials, home, abroad, way):
    basic = "Basic Z2F0ZXdheTpwYXNz"
    http_options = {"base_url": home.base_url, "api_version": "v1beta", "headers": {"Authorization": basic}}
    with credentials.client(http_options=http_options) as client:
        way(client)
        first = home.requests[0]
        assert (first.header("authorization"), first.key) == (basic, KEY)
    home.redirect(path_of(way), abroad.base_url)
    with credentials.client(http_options=http_options) as client, contextlib.suppress(Exception):
        way(client)
    assert leaks(abroad) == []
    assert [request.header("authorization") for request in abroad.requests] == [None]


@pytest.mark.parametrize(("make", "way"), [journey for journey in JOURNEYS if "load" not in journey.values[1].__name__])
def test_a_user_and_a_password_in_the_base_url_reach_the_gateway(credentials, home, make, way):
    with make(credentials, home.base_url.replace("://", "://user:p%40ss@")) as client:
        way(client)
    assert {request.header("authorization") for request in home.requests} == {"Basic dXNlcjpwQHNz"}
    assert {request.key for request in home.requests} == {KEY}


@pytest.mark.parametrize("url", ["https://xn--bcher-kva.example", "https://BÜCHER.example", "https://[2001:DB8:0::1]"])
def test_a_host_that_each_http_client_spells_its_own_way_gets_the_key(credentials, url):
    seen = []

    def answer(request):
        seen.append(request.headers["x-goog-api-key"])
        return module.Response(200, json={"candidates": []})

    module = http_modules()[0]
    transport = {"transport": module.MockTransport(answer)}
    options = {"base_url": url, "client_args": transport, "async_client_args": transport}
    with credentials.client(http_options=options) as client:
        generate(client)
        agenerate(client)
    assert seen == [KEY] * 2
    assert origin(yarl.URL(url)) in _home_of(url, allow_plain_http=False)


# The Auth alone, in clients that aren't ours


def fetched(module, asynchronously, auth, url, **options):
    """A POST with a bare client that follows redirects."""
    if not asynchronously:
        with module.Client(auth=auth, follow_redirects=True, **options) as http:
            return http.post(url, json={"contents": []})

    async def main():
        async with module.AsyncClient(auth=auth, follow_redirects=True, **options) as http:
            return await http.post(url, json={"contents": []})

    return asyncio.run(main())


HEADERS = [("x-goog-api-key", ""), ("Authorization", "Bearer ")]
CHAT = "/v1beta/openai/chat/completions"
bare = pytest.mark.parametrize(
    ("module", "asynchronously", "header", "scheme"),
    [
        pytest.param(module, asynchronously, *header, id=f"{module.__name__}-{'a' * asynchronously}sync-{header[0]}")
        for module in (httpx, httpx2)
        for asynchronously in (False, True)
        for header in HEADERS
    ],
)


@bare
@pytest.mark.parametrize("answer", [401, 200])
def test_a_bare_auth_stays_home(credentials, fetches, home, abroad, module, asynchronously, header, scheme, answer):
    auth = credentials.httpx_auth(header, scheme)
    home.redirect("/first", f"{home.base_url}/second")
    home.redirect("/second", abroad.base_url)
    abroad.answer_next(answer, {})
    assert fetched(module, asynchronously, auth, f"{home.base_url}/first").status_code == answer
    # Two hops at home have the key, and the third has nothing.
    assert [request.header(header.lower()) for request in home.requests] == [scheme + KEY] * 2
    assert leaks(abroad) == []
    assert len(abroad.requests) == 1
    assert left_alone(credentials)
    assert len(fetches) == 1


@bare
@pytest.mark.parametrize("status", [307, 308])
def test_a_bare_auth_keeps_the_key_on_a_redirect_at_home(home, module, asynchronously, header, scheme, status):
    home.redirect("/old", f"{home.base_url}{CHAT}", status)
    keys = iter(["AIzaRefused", KEY])
    with CredentialProvider(lambda: next(keys)) as credentials:
        auth = credentials.httpx_auth(header, scheme)
        assert fetched(module, asynchronously, auth, f"{home.base_url}/old").status_code == 200
        assert credentials.status().counters["replays"] == 1
    assert [request.header(header.lower()) for request in home.requests] == [
        *[scheme + "AIzaRefused"] * 2,
        *[scheme + KEY] * 2,
    ]


@bare
def test_a_bare_auth_keeps_its_key_when_encryption_ends(
    credentials, abroad, module, asynchronously, header, scheme, monkeypatch
):
    with FakeGemini(KEY, tls=True) as home:
        monkeypatch.setenv("SSL_CERT_FILE", home.ca_file)
        context = ssl.create_default_context(cafile=home.ca_file)
        home.redirect(CHAT, abroad.base_url)
        auth = credentials.httpx_auth(header, scheme)
        fetched(module, asynchronously, auth, home.base_url + CHAT, verify=context)
        assert [request.header(header.lower()) for request in home.requests] == [scheme + KEY]
    assert leaks(abroad) == []
    assert len(abroad.requests) == 1


@bare
def test_the_way_back_does_not_judge_the_key_of_a_bare_auth(
    credentials, home, abroad, module, asynchronously, header, scheme
):
    home.redirect("/out", f"{abroad.base_url}/away")
    abroad.redirect("/away", f"{home.base_url}/back")
    home.on_request = lambda request: KEY in str(request.headers) or home.answer_next(401, {})
    fetched(module, asynchronously, credentials.httpx_auth(header, scheme), f"{home.base_url}/out")
    assert [request.path for request in home.requests] == ["/out", "/back"]
    assert leaks(abroad) == []
    assert left_alone(credentials)
