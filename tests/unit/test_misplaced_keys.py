"""A key that was pasted where a name, a path, a URL or a number belongs: refused, and not repeated."""

from collections.abc import Callable

import pytest

from genai_credentials import (
    AWSSecretsManager,
    CredentialProvider,
    CredentialsError,
    Dotenv,
    Env,
    File,
    GoogleSecretManager,
)
from genai_credentials.uris import parse

KEY = "AIzaSyA-0123456789abcdefghijklmnopqrstu"
SECRET = "projects/p/secrets/s"
WRAPPINGS = ["{}", " {}", "{}\n", '"{}"', "'{}'", "./{}", "{}?x=1"]
PLACES: dict[str, Callable[[str], object]] = {
    "Env": Env,
    "File": File,
    "File's field": lambda text: File("/run/key", text),
    "Dotenv": Dotenv,
    "Google": GoogleSecretManager,
    "Google's secret": lambda text: GoogleSecretManager(f"projects/p/secrets/{text}"),
    "Google's field": lambda text: GoogleSecretManager(SECRET, text),
    "AWS": AWSSecretsManager,
    "AWS's field": lambda text: AWSSecretsManager("prod/gemini", text),
    "env:": lambda text: parse(f"env:{text}"),
    "file:": lambda text: parse(f"file:{text}"),
    "google:": lambda text: parse(f"google:{text}"),
    "aws:": lambda text: parse(f"aws:{text}"),
    "aws: percent": lambda text: parse(f"aws:{text}%"),
    "aws: query": lambda text: parse(f"aws:{text}&region"),
    "a scheme": parse,
    "ttl": lambda text: CredentialProvider(Env(), ttl=text),  # type: ignore[arg-type]
    "base_url": lambda text: ours().http_options(base_url=text),
    "a URL's password": lambda text: ours().http_options(base_url=f"htps://user:{text}@gateway"),
    "a header": lambda text: ours().httpx_auth(f"{text}_"),
    "a header's scheme": lambda text: ours().httpx_auth("authorization", f"{text}\n"),
}


def ours() -> CredentialProvider:
    return CredentialProvider(lambda: "AIzaAnotherOne")


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("place", PLACES)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(place: str, wrapping: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        PLACES[place](wrapping.format(KEY))
    assert KEY[4:] not in f"{caught.value} {caught.value!r} {caught.value.args} {caught.value.remedy}"


def test_the_place_that_an_error_points_at_stays_where_it_was() -> None:
    with pytest.raises(CredentialsError) as caught:
        parse(f"aws:{KEY}?x=1")
    _, uri, caret = caught.value.message.splitlines()
    assert uri == f"  aws:{'*' * len(KEY)}?x=1"
    assert uri[caret.index("^")] == "x"


@pytest.mark.parametrize("name", ["sk-gemini-production", "prod/sk-gemini-api-key", "AIza-key", "auth_tokens/gemini"])
def test_a_name_that_resembles_one_is_repeated(name: str) -> None:
    assert name in str(CredentialsError(f"{name} is missing.", remedy=f"Store {name}."))
