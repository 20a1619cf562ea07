"""Tests of a store's errors over real connections: expired cloud logins, and a disabled version."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.auth.credentials import Credentials
from google.auth.exceptions import RefreshError
from google.auth.transport.grpc import AuthMetadataPlugin
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from genai_credentials import AWSSecretsManager, FetchFailed, GoogleSecretManager
from genai_credentials.testing import AWSEmulator, SecretManagerEmulator

SECRET = "projects/acme/secrets/gemini"


class Expired(Credentials):
    """A login of google-auth that cannot be renewed."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0

    def refresh(self, request: Any) -> None:
        self.tries += 1
        raise RefreshError("Reauthentication is needed. Please run `gcloud auth application-default login`.")


@pytest.fixture
def login() -> Expired:
    return Expired()


@pytest.fixture
def client(login: Expired, secret_manager: SecretManagerEmulator) -> Iterator[Any]:
    """The stock client with a login. gRPC asks the login for a token at each call."""
    local = grpc.local_channel_credentials(grpc.LocalConnectionType.LOCAL_TCP)
    calls = grpc.metadata_call_credentials(AuthMetadataPlugin(login, None))
    target, credentials = secret_manager.target, grpc.composite_channel_credentials(local, calls)
    with grpc.secure_channel(target, credentials, [("grpc.enable_http_proxy", 0)]) as channel:
        transport = SecretManagerServiceGrpcTransport(channel=channel)
        yield secretmanager_v1.SecretManagerServiceClient(transport=transport)


def test_a_google_login_that_expired_is_called_so_and_not_tried_again(login: Expired, client: Any) -> None:
    """gRPC turns this error into a 503. It was once retried for four seconds and reported as an outage."""
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=r"the Google login of this machine has expired.*RefreshError") as caught:
        GoogleSecretManager(SECRET, client=client).fetch()
    assert login.tries == 1
    assert time.monotonic() - began < 2
    assert "gcloud auth application-default login" in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "said"),
    [("PERMISSION_DENIED", "may not read the secret"), ("UNAUTHENTICATED", "were refused"), ("NOT_FOUND", "no such")],
)
def test_googles_code_stands_beside_our_words(secret_manager: SecretManagerEmulator, code: str, said: str) -> None:
    secret_manager.add(SECRET, "AIza-1")
    secret_manager.fail_next(code)
    with pytest.raises(FetchFailed, match=rf"{said}.*: {code}\."):
        GoogleSecretManager(SECRET, client=secret_manager.client).fetch()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"])
def test_awss_code_stands_beside_our_words(aws: AWSEmulator, code: str) -> None:
    aws.add("prod/gemini", "AIza-1")
    aws.fail_always(code)
    client = aws.client()
    with pytest.raises(FetchFailed, match=f": {code}\\."):
        AWSSecretsManager("prod/gemini", client=client).fetch()
    client.close()
