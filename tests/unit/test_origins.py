"""Tests of the origins to which a key may be sent."""

import pytest

from genai_credentials import ConfigurationError
from genai_credentials.client.origins import Parts, origin, origin_of


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:80"])
def test_plain_http_to_this_machine_is_allowed(url):
    assert origin_of(url, allow_plain_http=False)[0] == "http"


@pytest.mark.parametrize(
    "url",
    ["http://gateway.example", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://10.0.0.1"],
)
def test_plain_http_to_another_machine_is_refused_unless_accepted(url):
    with pytest.raises(ConfigurationError, match="plain http") as caught:
        origin_of(url, allow_plain_http=False)
    assert "allow_plain_http" in caught.value.remedy
    assert origin_of(url, allow_plain_http=True)[2] == 80


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gateway",
        "ftp://x",
        "https://",
        "https://host:notaport",
        "https://[::1",
        "https://[x]",
        "https://a b",
        5,
        None,
    ]
    + [f"https://a{odd}b" for odd in "\n\t\r\x00\x7f"],
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(ConfigurationError, match=r"not an http\(s\) URL"):
        origin_of(url, allow_plain_http=False)


def test_ports_are_made_explicit_and_mtls_names_are_the_same_service():
    assert origin(Parts("https", "aiplatform.mtls.googleapis.com", None)) == ("https", "aiplatform.googleapis.com", 443)
    assert origin_of("https://HOST/path", allow_plain_http=False) == ("https", "host", 443)
