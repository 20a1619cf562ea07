"""Many providers in one process: the client of a function that they share, and the data files of boto3."""

import gc
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from genai_credentials import AWSSecretsManager, CredentialProvider, GoogleSecretManager, Tenants
from genai_credentials.testing import AWSEmulator, SecretManagerEmulator

SECRET = "projects/acme/secrets/gemini"


@dataclass(frozen=True)
class Factory:
    """Makes clients, and counts them."""

    make: Callable[[], Any]
    made: list[int] = field(default_factory=list, hash=False)

    def __call__(self) -> Any:
        self.made.append(os.getpid())
        return self.make()


@dataclass
class Unhashable:
    """Compares by value, and so has no hash."""

    make: Callable[[], Any]
    made: int = 0

    def __call__(self) -> Any:
        self.made += 1
        return self.make()


@pytest.fixture
def factory(secret_manager: SecretManagerEmulator) -> Factory:
    """Makes clients of an emulator with one secret."""
    secret_manager.add(SECRET, "key-1")
    return Factory(secret_manager.client)


def test_providers_with_the_same_function_share_its_client(factory: Factory) -> None:
    providers = [GoogleSecretManager(SECRET, client=factory) for _ in range(20)]
    start = threading.Barrier(20)

    def fetch(provider: GoogleSecretManager) -> str:
        start.wait()
        return provider.fetch().get_secret_value()

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(fetch, providers)) == {"key-1"}
    assert factory.made == [os.getpid()]


def test_providers_that_are_made_at_the_same_time_share_the_client_too(factory: Factory) -> None:
    start = threading.Barrier(20)

    def make(number: int) -> GoogleSecretManager:
        start.wait()
        return GoogleSecretManager(SECRET, client=factory)

    with ThreadPoolExecutor(20) as pool:
        for provider in list(pool.map(make, range(20))):
            provider.fetch()
    assert len(factory.made) == 1


def test_the_client_is_dropped_with_its_last_user(factory: Factory) -> None:
    one, other = (GoogleSecretManager(SECRET, client=factory) for _ in range(2))
    one.fetch()
    one.close()
    one.close()
    other.fetch()
    assert len(factory.made) == 1
    other.close()
    one.fetch()
    assert len(factory.made) == 2


def test_a_provider_that_is_gone_keeps_no_client(factory: Factory) -> None:
    GoogleSecretManager(SECRET, client=factory).fetch()
    gc.collect()
    GoogleSecretManager(SECRET, client=factory).fetch()
    assert len(factory.made) == 2


def test_a_function_without_a_hash_makes_a_client_for_each_provider(secret_manager: SecretManagerEmulator) -> None:
    secret_manager.add(SECRET, "key-1")
    function = Unhashable(secret_manager.client)
    for provider in [GoogleSecretManager(SECRET, client=function) for _ in range(2)]:
        assert provider.fetch().get_secret_value() == "key-1"
    assert function.made == 2


def test_tenants_that_come_and_go_share_one_client(factory: Factory) -> None:
    def provider_of(tenant: str) -> CredentialProvider:
        return CredentialProvider(GoogleSecretManager(SECRET, client=factory))

    with Tenants(provider_of, max_size=5) as tenants:
        for number in range(20):
            assert tenants[f"tenant-{number}"].get().get_secret_value() == "key-1"
    assert len(factory.made) == 1


def test_clients_of_aws_read_the_data_files_of_botocore_once(at_emulator: AWSEmulator) -> None:
    at_emulator.add("gemini", "key-1")
    providers = [AWSSecretsManager("gemini", region="us-east-1") for _ in range(3)]
    providers[0].fetch()
    opened: list[str] = []
    listening = True

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "open" and f"{os.sep}botocore{os.sep}data{os.sep}" in str(arguments[0]):
            opened.append(str(arguments[0]))

    # An audit hook cannot be removed.
    sys.addaudithook(note)
    try:
        assert [provider.fetch().get_secret_value() for provider in providers] == ["key-1"] * 3
    finally:
        listening = False
    assert opened == []
