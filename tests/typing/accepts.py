"""What a user may write, all of it: every checker takes this whole file without a word.

It is read by mypy and pyright, against the package as it is installed, and never run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, assert_type

import httpx
import httpx2
import openai
from google import genai
from google.genai import types

from genai_credentials import (
    ApiKey,
    AWSAgent,
    AWSSecretsManager,
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    Dotenv,
    Env,
    Event,
    FetchFailed,
    File,
    GoogleSecretManager,
    InvalidSecret,
    MissingDependency,
    NoCredentials,
    NoSuchSecret,
    NoTenant,
    Provider,
    ProviderChain,
    PutConflict,
    PutFailed,
    PutUnsure,
    Tenants,
    Unavailable,
    UnknownTenant,
    Writable,
)
from genai_credentials.telemetry import OpenTelemetry
from genai_credentials.testing import (
    REFUSALS,
    AWSAgentEmulator,
    AWSEmulator,
    FakeApiKeys,
    FakeClock,
    FakeGemini,
    MotoServer,
    ProviderConformance,
    PubSubEmulator,
    Refusal,
    RotatingCredentials,
    SecretManagerEmulator,
    WritableConformance,
)
from genai_credentials.uris import ProviderURI, parse

logger = logging.getLogger(__name__)

SECRET = "projects/acme/secrets/gemini-api-key"


# Providers


class Vault:
    """A provider of the user's own: nothing to inherit."""

    name = "vault"

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        if rejected is not None and rejected.provider == self.name:
            raise FetchFailed("vault: nothing newer.", remedy="Store another key.")
        return ApiKey("AIzaExample", provider=self.name, version="7", fetched_at=None)


class Named:
    """One whose name is a property, and which closes what it opened."""

    @property
    def name(self) -> str:
        return "named"

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        raise Unavailable("named: not set up here.")

    def close(self) -> None: ...


def from_a_vault() -> str:
    return "AIzaExample"


def providers(boto3_client: object) -> list[Provider]:
    return [
        Vault(),
        Named(),
        Env(),
        Env("TEAM_KEY", "GEMINI_API_KEY", environ={"TEAM_KEY": "AIzaExample"}),
        Dotenv(),
        Dotenv(Path(".env"), "TEAM_KEY"),
        File("/run/secrets/gemini"),
        File(Path("/run/secrets/gemini.json"), field="api_key"),
        GoogleSecretManager(SECRET),
        GoogleSecretManager(f"{SECRET}/versions/7", "api_key", client=None),
        AWSSecretsManager("prod/gemini", "api_key", stage="AWSCURRENT", version_id=None, region="eu-west-1"),
        AWSSecretsManager("prod/gemini", field="api_key", client=lambda: boto3_client),
        GoogleSecretManager(SECRET, "/google/api_key", transport="rest"),
        AWSAgent("prod/gemini"),
        AWSAgent("prod/gemini", "api_key", stage="AWSCURRENT", version_id=None, port=2773),
        parse("env:"),
    ]


def plug_in(uri: ProviderURI) -> Provider:
    assert_type(uri.path, str)
    assert_type(uri.query, Mapping[str, str])
    assert_type(uri.field, str | None)
    if not uri.path:
        uri.fail("a path after vault:")
    return Vault()


# The provider of credentials


def build() -> None:
    chain = ProviderChain(Env(), Vault(), from_a_vault)
    CredentialProvider(Env())
    CredentialProvider(chain, Named())
    CredentialProvider(from_a_vault)
    CredentialProvider(lambda: "AIzaExample")
    CredentialProvider(lambda: ApiKey("AIzaExample", provider="lambda"))
    CredentialProvider(*providers(object()), ttl=60, max_stale=0, min_refresh_interval=1, fetch_timeout=2.5)
    assert_type(CredentialProvider.from_uris("env:", f"google:{SECRET}", ttl=60.0), CredentialProvider)
    assert_type(CredentialProvider.from_environment(), CredentialProvider)
    assert_type(CredentialProvider.from_environment({"GENAI_CREDENTIALS": "env:"}, ttl=60.0), CredentialProvider)


class Own(CredentialProvider):
    """A subclass: what its class methods make is of it."""


def of_a_subclass() -> Own:
    with Own.from_uris("env:") as own:
        assert_type(own, Own)
    return Own.from_environment()


def keys(credentials: CredentialProvider) -> str:
    key = credentials.get()
    assert_type(key, ApiKey)
    assert_type(key.fingerprint, str)
    assert_type(key.provider, str)
    assert_type(key.version, str | None)
    assert_type(key.fetched_at, datetime)
    assert_type(credentials.refresh(), ApiKey)
    assert_type(credentials.reject(key), ApiKey | None)
    credentials.accept(key)
    by_call: Callable[[], str] = credentials
    return key.get_secret_value() + by_call() + f"{key}" + str({key: key == key})


async def keys_asynchronously(credentials: CredentialProvider) -> None:
    key = await credentials.aget()
    assert_type(key, ApiKey)
    assert_type(await credentials.arefresh(), ApiKey)
    assert_type(await credentials.areject(key), ApiKey | None)


def as_a_context_manager() -> str:
    with CredentialProvider(Env()) as credentials:
        assert_type(credentials, CredentialProvider)
        return credentials()


async def as_an_asynchronous_context_manager() -> ApiKey:
    async with CredentialProvider(Env()) as credentials:
        assert_type(credentials, CredentialProvider)
        return await credentials.aget()


class Holder:
    """What keeps one for its own life."""

    def __init__(self, credentials: CredentialProvider) -> None:
        self.credentials = credentials

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.credentials.close()


def status(credentials: CredentialProvider) -> float:
    now = credentials.status()
    assert_type(now.state, str)
    assert_type(now.fingerprint, str | None)
    assert_type(now.provider, str | None)
    assert_type(now.version, str | None)
    assert_type(now.next_refresh, float | None)
    for link in now.links:
        logger.info("%s %s %s %s %d", link.provider, link.outcome, link.reason, link.remedy, link.calls)
    assert_type(now.counters["fetches"], int)
    return now.age or 0.0


# Events


def seen(event: Event) -> None:
    assert_type(event.provider, str | None)
    assert_type(event.version, str | None)
    assert_type(event.fingerprint, str | None)
    assert_type(event.seconds, float | None)
    assert_type(event.reason, str)
    assert_type(event.previous, str | None)
    rotated: Literal["rotated"] = "rotated"
    if event.name == rotated:
        logger.info("%s follows %s", event.fingerprint, event.previous)


class Listener:
    """A listener with a state; what it returns is of no concern."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> int:
        self.events.append(event)
        return len(self.events)


def listening() -> None:
    events: list[Event] = []
    CredentialProvider(Env(), on_event=seen)
    CredentialProvider(Env(), on_event=Listener())
    CredentialProvider(Env(), on_event=events.append)
    CredentialProvider(Env(), on_event=lambda event: print(event.name))
    CredentialProvider(Env(), on_event=OpenTelemetry())
    CredentialProvider(Env(), on_event=None)


# Clients


def clients(credentials: CredentialProvider) -> str | None:
    client = credentials.client()
    assert_type(client, genai.Client)
    credentials.client(verify=True, http_options={"base_url": "https://gateway.example", "timeout": 30_000})
    credentials.client(http_options=types.HttpOptions(base_url="http://gateway.internal"), allow_plain_http=True)
    options = credentials.http_options(base_url="https://gateway.example", headers={"x-team": "a"})
    assert_type(options, types.HttpOptions)
    genai.Client(api_key="unused", http_options=credentials.http_options())
    return client.models.generate_content(model="gemini-2.5-flash", contents="hi").text


async def asynchronous_client(credentials: CredentialProvider) -> str | None:
    async with credentials.client().aio as client:
        return (await client.models.generate_content(model="gemini-2.5-flash", contents="hi")).text


def other_clients(credentials: CredentialProvider) -> None:
    httpx.Client(auth=credentials.httpx_auth())
    httpx.AsyncClient(auth=credentials.httpx_auth(header="x-api-key", allow_plain_http=True))
    httpx2.Client(auth=credentials.httpx_auth())
    httpx2.AsyncClient(auth=credentials.httpx_auth())
    httpx.get("https://generativelanguage.googleapis.com/v1beta/models", auth=credentials.httpx_auth())
    bearer = credentials.httpx_auth(header="Authorization", scheme="Bearer ")
    openai.OpenAI(api_key="unused", http_client=openai.DefaultHttpxClient(auth=bearer))
    openai.AsyncOpenAI(api_key="unused", http_client=openai.DefaultAsyncHttpxClient(auth=bearer))
    openai.OpenAI(api_key=credentials, base_url="https://gateway.example")
    assert_type(credentials.async_httpx_client(), httpx.AsyncClient)
    per_loop = credentials.async_httpx_client(openai.DefaultAsyncHttpxClient, header="Authorization", scheme="Bearer ")
    openai.AsyncOpenAI(api_key="unused", http_client=per_loop)
    assert_type(credentials.async_httpx_client(httpx2.AsyncClient, limits=httpx2.Limits()), httpx2.AsyncClient)


# Errors


def errors(credentials: CredentialProvider) -> str:
    try:
        credentials.get()
    except NoCredentials as error:
        for attempt in error.attempts:
            logger.info("%s %s %s", attempt.provider, attempt.outcome, attempt.error and attempt.error.remedy)
        return error.remedy
    except (Unavailable, InvalidSecret, MissingDependency) as error:
        assert_type(error.message, str)
        return error.remedy
    except FetchFailed as error:
        return str(error)
    except ConfigurationError as error:
        as_a_value_error: ValueError = error
        return str(as_a_value_error)
    except CredentialsError as error:
        return error.remedy
    return ""


# Tests


def store(key: ApiKey | str) -> ApiKey | None:
    """Each of the four is writable, and so is a class of one's own."""
    stores: list[Writable] = [
        Dotenv(),
        File("key"),
        GoogleSecretManager(SECRET),
        AWSSecretsManager("prod/gemini"),
        Safe(),
    ]
    try:
        assert_type(stores[0].put(key), ApiKey)
        return stores[1].put("AIza-text")
    except PutConflict as error:
        assert_type(error.stored, str | None)
    except (PutUnsure, PutFailed) as error:
        logger.warning("%s %s", error.message, error.remedy)
    return None


class Safe:
    """A provider that keys can be put into; its name is an attribute, as in most."""

    name = "safe"

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        return ApiKey("AIza-in-the-safe", provider=self.name)

    def put(self, key: ApiKey | str) -> ApiKey:
        return key if isinstance(key, ApiKey) else ApiKey(key, provider=self.name)


class TestSafe(WritableConformance):
    def make_provider(self) -> Writable:
        return Safe()

    def make_pinned(self) -> Writable | None:
        return None

    def new_key(self) -> str:
        return "AIza-another"


class TestVault(ProviderConformance):
    """The suite for a provider of the user's own."""

    def make_provider(self) -> Vault:
        return Vault()

    def expected_key(self) -> str:
        return "AIzaExample"


def test_survives_a_rotation(rotating_credentials: RotatingCredentials, fake_gemini: FakeGemini) -> None:
    client = rotating_credentials.client(http_options={"timeout": 1000})
    assert_type(client, genai.Client)
    assert_type(rotating_credentials.credentials, CredentialProvider)
    assert_type(rotating_credentials.environment, dict[str, str])
    rotating_credentials.rotate()
    rotating_credentials.rotate("leaked")
    assert rotating_credentials.accepted + rotating_credentials.refused + rotating_credentials.rotations
    assert_type(rotating_credentials.api, FakeGemini)
    assert fake_gemini.keys == {rotating_credentials.key}


def test_with_stores(secret_manager: SecretManagerEmulator, tmp_path: Path) -> None:
    secret_manager.add(SECRET, "AIza-first")
    GoogleSecretManager(SECRET, client=secret_manager.client)
    GoogleSecretManager(SECRET, client=secret_manager.client())
    GoogleSecretManager(SECRET, client=secret_manager.rest_client)
    with AWSEmulator() as aws, MotoServer() as moto, AWSAgentEmulator() as agent, PubSubEmulator() as broker:
        AWSSecretsManager("prod/gemini", client=aws.client)
        AWSSecretsManager("prod/gemini", client=moto.client())
        AWSAgent("prod/gemini", port=agent.port)
        broker.announce("projects/1/secrets/s", version=2)
        assert_type(AWSAgent("prod/gemini").fetch_newer(None), ApiKey)
    with FakeGemini("AIza-first", tls=True) as api, RotatingCredentials(api, tmp_path) as rotating:
        assert_type(rotating, RotatingCredentials)
        assert_type(FakeApiKeys(api, live_after=1.0, flaps_for=2.0), FakeApiKeys)
    clock = FakeClock()
    provider = CredentialProvider(Env(), clock=clock)
    provider.notify()
    provider.notify("7", within=0)
    provider.notify(7, within=0.5)
    assert_type(provider.notify_event({"eventType": "SECRET_UPDATE"}, within=10), bool)
    assert_type(provider.notify_event(b"{}"), bool)
    assert_type(REFUSALS["leaked"], Refusal)


def keywords() -> None:
    credentials = CredentialProvider.from_uris("env:", ttl=60.0, patience=0.0)
    credentials.client(verify=False, enterprise=None, http_options={"base_url": "https://example.com", "timeout": 1000})
    credentials.http_options(base_url="https://example.com", headers={"x-team": "search"})
    CredentialProvider.from_environment({"GENAI_CREDENTIALS": "env:"}, fetch_timeout=2.0)


def tenants() -> None:
    with Tenants(lambda tenant: CredentialProvider(File(f"/run/keys/{tenant}")), max_size=10) as several:
        assert_type(several["acme"], CredentialProvider)
        try:
            several["acme"].get()
        except (NoTenant, UnknownTenant, NoSuchSecret) as error:
            assert_type(error.remedy, str)
