"""A connection to a store that stalls without an error: the call hangs, and the next one opens a new connection."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager, Provider
from genai_credentials.testing import AWSEmulator, SecretManagerEmulator
from stalling import StallingRelay

SECRET = "projects/acme/secrets/gemini"


Stalling = tuple[StallingRelay, Provider, Callable[[str], object]]


@pytest.fixture(params=["grpc", "rest", "aws"])
def stalling(
    request: pytest.FixtureRequest,
    secret_manager: SecretManagerEmulator,
    at_emulator: AWSEmulator,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stalling]:
    """A relay to a store, a provider that reads the store through it, and a way to store a key."""
    if request.param == "aws":
        with StallingRelay(urlsplit(at_emulator.endpoint_url).netloc) as relay:
            monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{relay.target}")
            yield relay, AWSSecretsManager("gemini", region="us-east-1"), lambda text: at_emulator.add("gemini", text)
    else:
        with StallingRelay(secret_manager.target) as relay:
            monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", relay.target)
            provider = GoogleSecretManager(SECRET, transport=request.param)
            yield relay, provider, lambda text: secret_manager.add(SECRET, text)


def test_a_call_on_a_connection_that_stalled_is_made_again_on_a_new_one(stalling: Stalling) -> None:
    relay, provider, add = stalling
    add("key-1")
    with CredentialProvider(provider, fetch_timeout=4) as credentials:
        assert credentials() == "key-1"
        add("key-2")
        relay.stall()
        assert credentials.refresh().get_secret_value() == "key-2"
        assert credentials.status().counters["fetches"] == 2
