"""What every test shares: an environment without credentials, and what our plug-in for pytest has no fixture for."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from genai_credentials import GoogleSecretManager
from genai_credentials.testing import AWSEmulator, FakeClock, SecretManagerEmulator

sys.path.insert(0, str(Path(__file__).parent))

from stores import Store

PREFIXES = ("GOOGLE_", "GEMINI_", "GENAI_", "AWS_", "GCE_", "CLOUDSDK_", "SECRET_MANAGER_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials and no proxy: neither of the developer's, nor of the machine that runs the tests."""
    for name in list(os.environ):
        if name.startswith(PREFIXES) or name.upper() in PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture
def aws() -> Iterator[AWSEmulator]:
    """An empty AWS Secrets Manager."""
    with AWSEmulator() as store:
        yield store


@pytest.fixture(params=["grpc", "rest", "stock client over REST"])
def make_google(
    request: pytest.FixtureRequest, secret_manager: SecretManagerEmulator, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., GoogleSecretManager]:
    """Makes providers that read `secret_manager`, over each wire there is."""
    monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", secret_manager.target)
    if request.param in ("grpc", "rest"):
        return partial(GoogleSecretManager, transport=request.param)
    return partial(GoogleSecretManager, client=secret_manager.rest_client)


@pytest.fixture
def no_google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Google credentials: no home, no gcloud, no metadata server; it is not even looked for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:1")
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without AWS credentials: no home, no metadata server; with a region, so that nothing else is amiss."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


@pytest.fixture
def at_emulator(aws: AWSEmulator, monkeypatch: pytest.MonkeyPatch, no_aws: None) -> AWSEmulator:
    """The store, where the client that the provider makes for itself finds it: as a user of LocalStack sets it up."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    return aws


@pytest.fixture
def clock() -> FakeClock:
    """A clock to turn by hand."""
    return FakeClock()


@pytest.fixture
def store() -> Store:
    """A provider to script."""
    return Store()
