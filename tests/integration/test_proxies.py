"""Proxies and certificates, of the environment and of the user."""

import asyncio
import ssl

import httpx
import httpx2
import pytest
from sdk_paths import Keys
from ways import (
    HAS_AIOHTTP,
    SDK,
    aask,
    ainteract,
    ask,
    each_way,
    interact,
    live_through_a_rotation,
    made_with,
    marks,
    run,
)

from genai_credentials import ConfigurationError, CredentialProvider

pytestmark = marks


# Proxies


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
    if module is httpx2 and SDK < (3,):
        pytest.skip("this google-genai takes no client of httpx2")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    ready = {"httpx_client": module.Client(), "httpx_async_client": module.AsyncClient()}
    with pytest.raises(Exception, match=r"NO_PROXY|Connection error") as caught:
        run(made_with(credentials, api, **ready), way)
    # Interactions wrap it, in older versions of the SDK.
    assert ConfigurationError in {type(caught.value), type(caught.value.__cause__)}
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
        with pytest.raises(ConfigurationError, match="through a proxy"):
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
