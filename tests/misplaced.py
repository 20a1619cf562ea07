"""The places where people paste a key by mistake, for tests of the errors, log records and reports that follow."""

from collections.abc import Callable

from genai_credentials import (
    AWSSecretsManager,
    CredentialProvider,
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
