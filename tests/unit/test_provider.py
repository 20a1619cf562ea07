"""Tests of the objects that are accepted as a provider, and of the code that all providers share."""

import functools
import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from genai_credentials import (
    ApiKey,
    AWSSecretsManager,
    ConfigurationError,
    CredentialProvider,
    Dotenv,
    Env,
    FetchFailed,
    File,
    GoogleSecretManager,
    InvalidSecret,
    MissingDependency,
    Provider,
)
from genai_credentials import deadline as room
from genai_credentials.adapter import CallableProvider, as_provider, checked
from genai_credentials.provider import import_extra

TEXT = "AIza-provider-secret"


class Vault:
    name = "vault"

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        return ApiKey(TEXT, provider=self.name)


class Function:
    def __call__(self) -> str:
        return TEXT


class AsyncFunction:
    async def __call__(self) -> str:
        return TEXT


class AsyncVault(Vault):
    async def fetch(self, rejected: ApiKey | None = None) -> ApiKey:  # type: ignore[override]
        return ApiKey(TEXT, provider=self.name)


async def coroutine_function() -> str:
    return TEXT


def read_key() -> str:
    return TEXT


class TestAsProvider:
    @pytest.mark.parametrize("provider", [Vault(), Env()], ids=["an own one", "a built-in one"])
    def test_a_provider_is_itself(self, provider: Provider) -> None:
        assert isinstance(provider, Provider)
        assert as_provider(provider) is provider

    @pytest.mark.parametrize(
        ("function", "name"),
        [
            (read_key, "callable:read_key"),
            (lambda: TEXT, "callable:TestAsProvider.<lambda>"),
            (functools.partial(read_key), "callable:partial"),
            (Function(), "callable:Function"),
            (lambda *paths, **options: TEXT, "callable:TestAsProvider.<lambda>"),
        ],
    )
    def test_a_callable_becomes_one(self, function: Any, name: str) -> None:
        provider = as_provider(function)
        assert isinstance(provider, CallableProvider)
        assert provider.name == name
        key = provider.fetch(rejected=ApiKey("AIza-old", provider="x"))
        assert (key.get_secret_value(), key.provider) == (TEXT, name)

    @pytest.mark.parametrize(
        ("thing", "reason", "remedy"),
        [
            (Vault, "Vault is a class", r"Vault\(\)"),
            (Function, "Function is a class", r"Function\(\)"),
            (coroutine_function, "async function", "plain function"),
            (functools.partial(coroutine_function), "async function", "plain function"),
            (AsyncFunction(), "async function", "plain function"),
            (AsyncVault(), "fetch.* is async", "plain method"),
            (lambda path: TEXT, "needs arguments", "without arguments"),
            (functools.partial(lambda path, name: TEXT, "key"), "needs arguments", "without arguments"),
            (SimpleNamespace(name="n", fetch=read_key), "n: fetch.* cannot be called", "rejected=None"),
            (SimpleNamespace(name="n", fetch=lambda a, b: TEXT), "n: fetch.* cannot be called", "rejected=None"),
            (SimpleNamespace(fetch=read_key), "no name", "name: str"),
            (SimpleNamespace(fetch=read_key, name=None), "no name", "name: str"),
            (TEXT, "str is not a provider", "Env"),
            (None, "NoneType is not a provider", "Env"),
            (SimpleNamespace(name="n", fetch="x"), "SimpleNamespace is not a provider", "Env"),
        ],
    )
    def test_anything_else_is_refused_with_a_remedy(self, thing: object, reason: str, remedy: str) -> None:
        with pytest.raises(ConfigurationError, match=reason) as caught:
            as_provider(thing)
        assert pytest.raises(ValueError, match=remedy).matches(ValueError(caught.value.remedy))
        assert TEXT not in str(caught.value)


class TestCallableProvider:
    def test_an_api_key_is_passed_on_as_it_is(self) -> None:
        key = ApiKey(TEXT, provider="mine", version="3")
        assert CallableProvider(lambda: key).fetch() is key

    def test_is_called_for_each_fetch(self) -> None:
        texts = iter(["AIza-1", "AIza-2"])
        provider = CallableProvider(lambda: next(texts))
        assert [provider.fetch().get_secret_value() for _ in range(2)] == ["AIza-1", "AIza-2"]

    @pytest.mark.parametrize("result", [None, b"AIza", "", f"{TEXT} {TEXT}"])
    def test_what_is_no_key_is_refused(self, result: Any) -> None:
        with pytest.raises(InvalidSecret, match=r"^callable:") as caught:
            CallableProvider(lambda: result).fetch()
        assert TEXT not in str(caught.value)

    def test_its_own_error_is_its_own(self) -> None:
        def fail() -> str:
            raise OSError("down")

        with pytest.raises(OSError, match="down"):
            CallableProvider(fail).fetch()

    def test_shows_its_name(self) -> None:
        assert repr(CallableProvider(read_key)) == "<CallableProvider callable:read_key>"

    def test_a_cleaned_key_is_warned_of_once_for_each_key(self, caplog: pytest.LogCaptureFixture) -> None:
        texts = iter([f'"{TEXT}" ', f"'{TEXT}'", "AIza-clean", "'AIza-next'"])
        provider = CallableProvider(lambda: next(texts))
        keys = [provider.fetch() for _ in range(4)]
        lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert [keys[0].fingerprint in lines[0], keys[3].fingerprint in lines[1], len(lines)] == [True, True, 2]
        assert "surrounding white space and quotes around it" in lines[0]
        assert TEXT not in caplog.text


SECRET = "projects/acme/secrets/gemini"
URIS = [
    (lambda: Env(), "env:"),
    (lambda: Env("A", "B"), "env:A,B"),
    (lambda: Dotenv("a b/.env"), "dotenv:a%20b/.env"),
    (lambda: Dotenv(".env", "A", "B"), "dotenv:.env#A,B"),
    (lambda: File("/run/key"), "file:/run/key"),
    (lambda: File("/run/#1?", field="api key"), "file:/run/%231%3F#api%20key"),
    (lambda: GoogleSecretManager(f"{SECRET}/versions/2"), f"google:{SECRET}/versions/2"),
    (lambda: AWSSecretsManager("prod/gemini", "k", region="eu-west-1"), "aws:prod/gemini?region=eu-west-1#k"),
    (lambda: AWSSecretsManager("prod/gemini", stage="A B", version_id="7"), "aws:prod/gemini?stage=A%20B&version_id=7"),
]


class TestIdentity:
    @pytest.mark.parametrize(("make", "uri"), URIS)
    def test_two_with_the_same_uri_are_equal(self, make: Any, uri: str) -> None:
        assert make().uri == uri
        assert (make(), hash(make())) == (make(), hash(make()))
        assert make() != Env("ANOTHER")
        assert make() != uri

    def test_a_callable_equals_itself_alone(self) -> None:
        one = CallableProvider(read_key)
        assert one.uri is None
        assert one != CallableProvider(read_key)
        assert one in {one}


class TestChecked:
    def test_a_key_passes(self) -> None:
        key = ApiKey(TEXT, provider="other")
        assert checked(key, Vault()) is key

    def test_bare_text_is_forgiven(self) -> None:
        key = checked(f" {TEXT}", Vault())
        assert (key.get_secret_value(), key.provider) == (TEXT, "vault")

    @pytest.mark.parametrize("result", [None, 7, TEXT.encode(), coroutine_function])
    def test_anything_else_fails(self, result: object) -> None:
        with pytest.raises(FetchFailed, match=r"^vault: fetch\(\) returned") as caught:
            checked(result, Vault())
        assert "ApiKey" in caught.value.remedy
        assert TEXT not in str(caught.value)


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(MissingDependency, match="no_such_module") as caught:
        import_extra("no_such_module", "google")
    assert caught.value.remedy == "pip install 'genai-credentials[google]'"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("google", "Google Secret Manager support is not installed"),
        ("aws", "AWS Secrets Manager support is not installed"),
        ("dotenv", ".env file support is not installed"),
        ("otel", "OpenTelemetry support is not installed"),
    ],
)
def test_a_missing_package_says_what_is_not_supported_without_it(extra: str, words: str) -> None:
    with pytest.raises(MissingDependency, match=words):
        import_extra("no_such_module", extra)


@pytest.mark.parametrize("several", [[Env(), Env("B")], (Env(),), {Env()}, {"a": Env()}])
def test_providers_in_one_argument_are_told_apart(several: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{type(several).__name__} is not a provider") as caught:
        CredentialProvider(several)  # type: ignore[arg-type]
    assert "one by one" in caught.value.remedy


def test_an_installed_package_is_loaded() -> None:
    assert import_extra("json", "google").loads("1") == 1


def test_a_deadline_counts_in_its_own_thread_only() -> None:
    seen: list[float] = []

    def fetch() -> None:
        for timeout in (3.0, 0.0):
            room.set_deadline(timeout)
            seen.append(room.seconds_left())

    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join()
    assert 2.0 < seen[0] <= 3.0
    assert seen[1] == 0.05
    assert room.seconds_left() == room.DEFAULT_FETCH_TIMEOUT


@pytest.mark.parametrize("client", ["projects/p", 3, object(), {"region": "eu-west-1"}])
def test_an_object_that_is_no_client_and_no_function_is_refused(client: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"client is {type(client).__name__}") as caught:
        GoogleSecretManager("projects/p/secrets/s", client=client)
    assert "access_secret_version" in caught.value.remedy
    with pytest.raises(ConfigurationError, match=f"client is {type(client).__name__}") as caught:
        AWSSecretsManager("prod/gemini", client=client)
    assert "get_secret_value" in caught.value.remedy


@pytest.mark.parametrize("region", ["nowhere on earth", "EU-WEST-1", "-", "eu_west_1", "a" * 64, 3, b"eu-west-1", TEXT])
def test_a_text_that_names_no_region_is_refused(region: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AWSSecretsManager("prod/gemini", region=region)
    assert TEXT not in str(caught.value)


@pytest.mark.parametrize("argument", ["stage", "version_id"])
@pytest.mark.parametrize("value", [5, True, ["AWSCURRENT"], b"AWSCURRENT"])
def test_a_stage_or_a_version_that_is_no_text_is_refused(argument: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{argument} is"):
        AWSSecretsManager("prod/gemini", **{argument: value})


@pytest.mark.parametrize("listener", ["print", 3, {"fetched": print}])
def test_a_listener_that_cannot_be_called_is_refused(listener: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"on_event is {type(listener).__name__}"):
        CredentialProvider(read_key, on_event=listener)


@pytest.mark.parametrize("header", [3, None, b"x-key", "x-schlüssel", "", "x key", "x-key\n", TEXT])
def test_a_header_that_cannot_stand_in_a_request_is_refused(header: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CredentialProvider(read_key).httpx_auth(header)
    assert TEXT not in str(caught.value)


@pytest.mark.parametrize("scheme", [3, None, b"Bearer ", "Schlüssel ", "Bearer\n", "Bearer\t", "Bearer"])
def test_a_scheme_that_cannot_stand_in_a_request_is_refused(scheme: Any) -> None:
    with pytest.raises(ConfigurationError):
        CredentialProvider(read_key).httpx_auth("authorization", scheme)


@pytest.mark.parametrize("header", ["x-goog-api-key", "Authorization", "x_key", "x.key", "X-API-Key"])
def test_any_name_of_a_header_is_taken(header: str) -> None:
    CredentialProvider(read_key).httpx_auth(header, "Token ")
