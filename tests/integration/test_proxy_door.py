"""Who the proxy lets in: a request that it refuses never reaches the API."""

import os

import pytest
from running_proxy import RunningProxy, body_of, status_of

from genai_credentials.testing import FakeGemini

KEY = "AIzaExampleKey0001"
MODELS = "/v1beta/models"
ASK = "/v1beta/models/gemini-2.5-flash:generateContent"


@pytest.fixture(scope="module")
def api():
    with FakeGemini(KEY) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(api, tmp_path_factory):
    with RunningProxy(tmp_path_factory.mktemp("proxy"), "--upstream", api.base_url, GEMINI_API_KEY=KEY) as running:
        yield running


@pytest.fixture
def unheard(api):
    """Nothing is sent upstream."""
    before = len(api.requests)
    yield
    assert len(api.requests) == before


def head(proxy, line, *headers, host=None):
    lines = [line, f"Host: {host or f'127.0.0.1:{proxy.port}'}", f"x-goog-api-key: {proxy.token}", *headers, "", ""]
    return "\r\n".join(lines).encode()


# The token


@pytest.mark.parametrize(
    "place", ["x-goog-api-key: {}", "Authorization: Bearer {}", "authorization: bearer {}", "query"]
)
def test_the_token_is_taken_in_each_of_three_places_and_goes_no_further(place, proxy, api):
    line = f"GET {MODELS}?a=1&key={proxy.token}&b=%20" if place == "query" else f"GET {MODELS}?a=1&b=%20"
    headers = "" if place == "query" else f"\n{place.format(proxy.token)}"
    assert status_of(proxy.request(line + headers, token=False)) == 200
    request = api.requests[-1]
    assert (request.key, request.query) == (KEY, "a=1&b=%20")
    assert proxy.token not in str(request)
    assert request.header("authorization") is None


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize(
    "shown",
    [
        "",
        "\nx-goog-api-key: wrong",
        "\nx-goog-api-key: ",
        "\nAuthorization: Bearer wrong",
        "\nx-goog-api-key: {}\nAuthorization: Bearer wrong",
        "\nx-goog-api-key: {}\nAuthorization: Basic d3Jvbmc6",
        "\nx-goog-api-key: {}\nX-GOOG-API-KEY: wrong",
        "?key=wrong\nx-goog-api-key: {}",
        "?%6bey=wrong\nx-goog-api-key: {}",
        "?key=&a=b\nx-goog-api-key: {}",
        "?key={}&key=wrong",
        f"\nx-goog-api-key: {KEY}",
    ],
)
def test_without_the_token_or_with_a_wrong_one_beside_it_the_answer_is_401(shown, proxy):
    answer = proxy.request(f"POST {ASK}{shown.replace('{}', proxy.token)}\nContent-Length: 2", b"{}", token=False)
    assert status_of(answer) == 401
    assert b'"domain": "genai-credentials"' in body_of(answer)
    assert proxy.token.encode() not in answer


@pytest.mark.usefixtures("unheard")
def test_the_401_comes_before_the_body_is_read(proxy):
    lines = f"POST {ASK} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
    assert proxy.raw(lines.encode()).startswith(b"HTTP/1.1 401 ")


def test_health_needs_the_token_and_shows_the_fingerprint(proxy):
    assert status_of(proxy.request("GET /healthz", token=False)) == 401
    answer = proxy.request("GET /healthz")
    assert status_of(answer) == 200
    assert b'"fingerprint": "af9812cb"' in answer
    assert KEY.encode() not in answer


def test_without_a_key_the_answer_is_503(api, tmp_path):
    environ = dict.fromkeys(("GEMINI_API_KEY", "GOOGLE_API_KEY"), "")
    before = len(api.requests)
    with RunningProxy(tmp_path, "--upstream", api.base_url, **environ) as proxy:
        for path in ("/healthz", MODELS):
            answer = proxy.request(f"GET {path}")
            assert status_of(answer) == 503
            assert b"GOOGLE_API_KEY" in body_of(answer)
    assert len(api.requests) == before


# The host, and web pages


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8787"])
def test_loopback_in_each_spelling_may_be_named_with_any_port(host, proxy):
    assert status_of(proxy.request(f"GET {MODELS}", host=host)) == 200


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "a@127.0.0.1", "127.0.0.2", "[::2]", "0"],
)
def test_another_host_is_refused(host, proxy):
    assert status_of(proxy.request(f"GET {MODELS}", host=host)) == 403


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize("origin", ["http://127.0.0.1", "https://evil.example", "null", "file://"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_web_page_is_refused(origin, method, proxy):
    extra = "\nAccess-Control-Request-Method: POST" if method == "OPTIONS" else ""
    answer = proxy.request(f"{method} {MODELS}\nOrigin: {origin}{extra}")
    assert status_of(answer) == 403
    assert b"Access-Control" not in answer


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="there is no IPv6 here")
def test_it_listens_on_both_loopbacks(proxy):
    assert status_of(proxy.raw(head(proxy, f"GET {MODELS} HTTP/1.1", "Connection: close"), host="::1")) == 200


# Where one request ends


SMUGGLED = f"0\r\n\r\nGET {MODELS} HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (["Content-Length: 5", "Transfer-Encoding: chunked"], SMUGGLED),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], SMUGGLED),
        (["Content-Length: 5", "Content-Length: 5"], "hello"),
        (["Content-Length: 5", "Content-Length: 50"], "hello"),
        (["Content-Length: 5, 5"], "hello"),
        (["Content-Length: +5"], "hello"),
        (["Content-Length: 0x5"], "hello"),
        (["Content-Length: -5"], "hello"),
        (["Transfer-Encoding: xchunked"], SMUGGLED),
        (["Transfer-Encoding: gzip, chunked"], SMUGGLED),
        (["Transfer-Encoding: chunked, identity"], SMUGGLED),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], SMUGGLED),
        (["Transfer-Encoding : chunked"], SMUGGLED),
        (["Transfer-Encoding: \x0bchunked"], SMUGGLED),
        (["Transfer-Encoding:\r\n chunked"], SMUGGLED),
        (["Transfer-Encoding: chunked"], "xyz\r\nhello\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "-1\r\nhello\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "0x5\r\nhello\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "5\r\nhelloXX0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], "5\nhello\n0\n\n"),
        (["Host: 127.0.0.1"], ""),
        (["Host: evil.example"], ""),
        (["X: a\rb"], ""),
        (["X: a\0b"], ""),
        (["X: a\r\n b"], ""),
        (["X y: a"], ""),
    ],
)
def test_a_request_that_two_readers_could_take_apart_in_two_ways_is_refused(framing, body, proxy):
    assert status_of(proxy.raw(head(proxy, f"POST {ASK} HTTP/1.1", *framing) + body.encode())) == 400


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize(
    "line",
    [
        f"GET http://evil.example{MODELS} HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        f"GET {MODELS}#x HTTP/1.1",
        f"GET {MODELS} HTTP/2.0",
        "GET / / HTTP/1.1",
        f"POST {MODELS} HTTP/1.0\r\nTransfer-Encoding: chunked",
    ],
)
def test_what_is_no_request_for_a_path_is_refused(line, proxy):
    assert status_of(proxy.raw(head(proxy, line))) == 400


@pytest.mark.usefixtures("unheard")
def test_what_is_no_http_is_refused_and_not_logged(proxy):
    assert status_of(proxy.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret-bytes")) in (0, 400)
    assert "Traceback" not in proxy.log
    assert "secret-bytes" not in proxy.log


def test_the_log_shows_neither_queries_nor_headers_nor_the_token(proxy):
    proxy.request(f"GET {MODELS}?private=1&key={proxy.token}\nX-Private: secret-header", token=False)
    proxy.request("GET /healthz")
    assert f"GET {MODELS} 200 " in proxy.log
    for hidden in ("private", "secret-header", proxy.token, KEY):
        assert hidden not in proxy.log
