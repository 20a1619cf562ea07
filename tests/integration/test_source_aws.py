"""`AWSSecretsManager` through stock boto3, against two implementations of the service on loopback."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genai_credentials import (
    AWSSecretsManager,
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    FetchFailed,
    InvalidSecret,
    Unavailable,
)
from genai_credentials.deadline import _deadline
from genai_credentials.testing import AWSEmulator, MotoServer
from genai_credentials.testing.conformance import everything_in
from stores import within

NAME = "prod/gemini"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/gemini-AbCdEf"
KEY = "AIza-aws-secret-key"


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with MotoServer() as server:
        yield server


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[AWSEmulator, Any]]:
    """A store and a client of it for many tests: making a client is what takes the time."""
    with AWSEmulator() as store:
        client = store.client()
        yield store, client
        client.close()


@pytest.fixture
def shared(standing: tuple[AWSEmulator, Any]) -> Iterator[AWSEmulator]:
    yield standing[0]
    standing[0].fail_always(None)


@pytest.fixture
def shared_client(standing: tuple[AWSEmulator, Any]) -> Any:
    return standing[1]


@pytest.fixture
def make(at_emulator: AWSEmulator) -> Iterator[Callable[..., AWSSecretsManager]]:
    """Makes providers with a client of their own, which is closed at the end."""
    made: list[AWSSecretsManager] = []

    def make_one(secret_id: str = NAME, *args: Any, **options: Any) -> AWSSecretsManager:
        made.append(AWSSecretsManager(secret_id, *args, **options))
        return made[-1]

    yield make_one
    for provider in made:
        if provider._client._value is not None:
            provider._client._value.close()


Make = Callable[..., AWSSecretsManager]


def failure(provider: AWSSecretsManager, kind: type[CredentialsError]) -> Any:
    """The error of a fetch, which must name the provider and a remedy, and hold no key anywhere."""
    with pytest.raises(kind) as caught:
        provider.fetch()
    assert caught.value.message.startswith(f"{provider.name}: ")
    assert caught.value.remedy
    assert KEY not in everything_in(caught.value)
    assert caught.value.__cause__ is not caught.value
    return caught.value


class TestServing:
    def test_names_the_stage_each_time(self, at_emulator: AWSEmulator, make: Make) -> None:
        provider = make()
        for text in ("AIza-1", "AIza-2"):
            version = at_emulator.add(NAME, text)
            key = provider.fetch()
            assert (key.get_secret_value(), key.version, key.provider) == (text, version, f"aws:{NAME}")
        assert at_emulator.calls == [("GetSecretValue", {"SecretId": NAME, "VersionStage": "AWSCURRENT"})] * 2
        assert at_emulator.connections == 1

    def test_another_stage(self, at_emulator: AWSEmulator, make: Make) -> None:
        at_emulator.add(NAME, "AIza-live")
        at_emulator.add(NAME, "AIza-pending", stages=["AWSPENDING"])
        assert make(stage="AWSPENDING").fetch().get_secret_value() == "AIza-pending"

    def test_a_version_id_pins(self, at_emulator: AWSEmulator, make: Make) -> None:
        first = at_emulator.add(NAME, "AIza-1")
        at_emulator.add(NAME, "AIza-2")
        pinned = make(version_id=first)
        key = pinned.fetch()
        assert pinned.fetch(key) == key
        assert (key.get_secret_value(), key.version) == ("AIza-1", first)
        assert at_emulator.calls[0][1] == {"SecretId": NAME, "VersionId": first}

    @pytest.mark.parametrize("content", [KEY, KEY.encode(), f" {KEY}\n", f"\ufeff{KEY}".encode(), f'"{KEY}"'])
    def test_text_or_binary_with_what_a_copied_secret_carries(
        self, at_emulator: AWSEmulator, make: Make, content: str | bytes
    ) -> None:
        at_emulator.add(NAME, content)
        assert make().fetch().get_secret_value() == KEY

    @pytest.mark.parametrize("encode", [str, str.encode])
    def test_a_field_of_a_json_object(self, at_emulator: AWSEmulator, make: Make, encode: Callable[[str], Any]) -> None:
        at_emulator.add(NAME, encode(json.dumps({"user": "me", "api_key": KEY})))
        provider = make(NAME, "api_key")
        assert (provider.name, provider.fetch().get_secret_value()) == (f"aws:{NAME}#api_key", KEY)

    @pytest.mark.parametrize(
        ("secret_id", "region", "signed_for"),
        [
            (NAME, None, "eu-west-1"),
            (ARN.replace("eu-west-1", "ap-south-1"), None, "ap-south-1"),
            (NAME, "us-west-2", "us-west-2"),
            (ARN, "us-west-2", "us-west-2"),
        ],
    )
    def test_the_region_is_the_arguments_then_the_arns_then_boto3s(
        self, at_emulator: AWSEmulator, make: Make, secret_id: str, region: str | None, signed_for: str
    ) -> None:
        failure(make(secret_id, region=region), FetchFailed)
        assert at_emulator.regions == {signed_for}

    def test_a_secret_by_its_arn(self, at_emulator: AWSEmulator, make: Make) -> None:
        at_emulator.add(NAME, KEY)
        assert make(at_emulator.arn(NAME)).fetch().get_secret_value() == KEY

    def test_the_version_before(self, at_emulator: AWSEmulator, make: Make) -> None:
        for text in ("AIza-1", "AIza-2"):
            at_emulator.add(NAME, text)
        provider = make()
        assert provider.fetch_previous(provider.fetch()).get_secret_value() == "AIza-1"

    @pytest.mark.parametrize("options", [{"version_id": "x"}, {"stage": "AWSPENDING"}])
    def test_a_pinned_one_has_no_version_before(self, at_emulator: AWSEmulator, options: dict[str, str]) -> None:
        with pytest.raises(FetchFailed, match="pinned"):
            AWSSecretsManager(NAME, **options).fetch_previous()
        assert at_emulator.reads == 0


class TestMoto:
    """Another implementation of the service, which is right about stages if the stage is named."""

    def test_follows_a_rotation(self, moto: MotoServer) -> None:
        moto.add(NAME, "AIza-1")
        client = moto.client()
        provider = AWSSecretsManager(NAME, client=client)
        first = provider.fetch()
        version = moto.add(NAME, "AIza-2")
        second = provider.fetch(first)
        assert (second.get_secret_value(), second.version) == ("AIza-2", version)
        assert provider.fetch_previous(second) == first
        client.close()

    @pytest.mark.parametrize(
        ("content", "field", "said"),
        [
            (KEY.encode() + b"\xff", None, "is binary"),
            (json.dumps({"user": KEY}), "api_key", "its fields are: user"),
            (f"{KEY}\n{KEY}", None, "white space inside"),
        ],
    )
    def test_a_secret_that_is_no_key(self, moto: MotoServer, content: Any, field: str | None, said: str) -> None:
        moto.add("bad", content)
        client = moto.client()
        assert said in str(failure(AWSSecretsManager("bad", field, client=client), InvalidSecret))
        client.close()

    def test_no_such_secret(self, moto: MotoServer) -> None:
        client = moto.client()
        assert "no such secret" in str(failure(AWSSecretsManager("none", client=client), FetchFailed))
        client.close()


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (f"{KEY}\n{KEY}", "white space inside"),
            (f"{KEY} {KEY}", "white space inside"),
            (f"Bearer {KEY}", "Bearer"),
            ("YOUR_API_KEY", "placeholder"),
            ("", "is empty"),
            (" \n", "is empty"),
            (KEY.encode() + b"\xff\xfe\x00", "is binary"),
            (KEY + "x" * (65_536 - len(KEY)), "65536 characters"),
            (json.dumps({"api_key": KEY}), "JSON object"),
        ],
    )
    def test_a_secret_that_is_no_key(
        self, shared: AWSEmulator, shared_client: Any, content: str | bytes, said: str
    ) -> None:
        shared.add(NAME, content)
        assert said in str(failure(AWSSecretsManager(NAME, client=shared_client), InvalidSecret))

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (KEY, "JSON object"),
            (json.dumps({"user": KEY, "apikey": KEY}), "apikey, user"),
            (json.dumps({"api_key": [KEY]}), "list"),
            (f'{{"api_key": "{KEY}"', "JSON object"),
        ],
    )
    def test_a_field_that_is_not_there(self, shared: AWSEmulator, shared_client: Any, content: str, said: str) -> None:
        shared.add(NAME, content)
        assert said in str(failure(AWSSecretsManager(NAME, "api_key", client=shared_client), InvalidSecret))

    @pytest.mark.parametrize(
        ("options", "said"),
        [({}, "no such secret"), ({"stage": "AWSPENDING"}, "version or stage"), ({"version_id": "0" * 32}, "no such")],
    )
    def test_no_such_secret_stage_or_version(
        self, shared: AWSEmulator, shared_client: Any, options: dict[str, str], said: str
    ) -> None:
        shared.add(NAME, KEY)
        name = NAME if options else "prod/none"
        assert said in str(failure(AWSSecretsManager(name, client=shared_client, **options), FetchFailed))

    def test_marked_for_deletion(self, shared: AWSEmulator, shared_client: Any) -> None:
        shared.add(NAME, KEY)
        shared.delete(NAME)
        assert "marked for deletion" in str(failure(AWSSecretsManager(NAME, client=shared_client), FetchFailed))

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("AccessDeniedException", "secretsmanager:GetSecretValue"),
            ("403", "secretsmanager:GetSecretValue"),
            ("DecryptionFailure", "kms:Decrypt"),
            ("ExpiredTokenException", "have expired"),
            ("UnrecognizedClientException", "were refused"),
            ("InvalidSignatureException", "were refused"),
            ("InvalidParameterException", "the request is invalid"),
            ("SomethingNewException", "SomethingNewException"),
        ],
    )
    def test_a_refusal_is_not_tried_again(self, shared: AWSEmulator, shared_client: Any, code: str, said: str) -> None:
        shared.add(NAME, KEY)
        shared.fail_always(code)
        before = shared.reads
        assert said in str(failure(AWSSecretsManager(NAME, client=shared_client), FetchFailed))
        assert shared.reads == before + 1

    @pytest.mark.parametrize("secret_id", ["", "a b", "a\n", "x" * 513, "arn:aws:s3:::bucket/x", "a?b", "a#b", None, 7])
    def test_an_id_of_another_form_is_refused_at_construction(self, secret_id: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            AWSSecretsManager(secret_id)
        assert "arn:aws:secretsmanager:" in caught.value.remedy

    def test_an_empty_stage_is_refused_at_construction(self) -> None:
        with pytest.raises(ConfigurationError, match="stage is empty"):
            AWSSecretsManager(NAME, stage="")


class TestTrouble:
    @pytest.mark.parametrize(
        ("code", "status"), [("ThrottlingException", 400), ("InternalServiceError", 500), ("ServiceUnavailable", 503)]
    )
    def test_one_failure_is_tried_again(self, at_emulator: AWSEmulator, make: Make, code: str, status: int) -> None:
        at_emulator.add(NAME, KEY)
        at_emulator.fail_next(code, status)
        assert make().fetch().get_secret_value() == KEY
        assert at_emulator.reads == 2

    def test_a_connection_that_breaks_off_is_tried_again(self, at_emulator: AWSEmulator, make: Make) -> None:
        at_emulator.add(NAME, KEY)
        at_emulator.reset_next()
        assert make().fetch().get_secret_value() == KEY

    def test_an_answer_that_is_cut_short_is_no_key(self, at_emulator: AWSEmulator, make: Make) -> None:
        at_emulator.add(NAME, KEY)
        at_emulator.truncate_next()
        provider = make()
        assert "held no secret" in str(failure(provider, FetchFailed))
        assert provider.fetch().get_secret_value() == KEY

    def test_an_answer_cut_inside_a_character_is_not_chained(self) -> None:
        """Decoding it fails with an error that carries the whole body."""

        def read(**_: str) -> Any:
            return f"{KEY}\u00e9".encode()[:-1].decode()

        failure(AWSSecretsManager(NAME, client=SimpleNamespace(get_secret_value=read)), FetchFailed)

    @pytest.mark.parametrize(
        ("code", "status", "said"),
        [("ThrottlingException", 400, "throttles"), ("InternalServiceError", 500, "the store failed")],
    )
    def test_a_failure_that_lasts_ends_in_time(
        self, at_emulator: AWSEmulator, make: Make, code: str, status: int, said: str
    ) -> None:
        at_emulator.add(NAME, KEY)
        provider = make()
        within(1.0, provider.fetch)
        at_emulator.fail_always(code, status)
        assert within(1.0, lambda: said in str(failure(provider, FetchFailed))) < 1.0
        assert at_emulator.reads > 2

    def test_a_store_that_hangs_ends_in_time(self, at_emulator: AWSEmulator, make: Make) -> None:
        at_emulator.add(NAME, KEY)
        provider = make()
        within(1.0, provider.fetch)
        with at_emulator.hang():
            assert within(1.0, lambda: failure(provider, FetchFailed)) < 1.0

    def test_a_store_that_is_gone_ends_in_time(self, at_emulator: AWSEmulator, make: Make) -> None:
        at_emulator.add(NAME, KEY)
        provider = make()
        within(1.0, provider.fetch)
        at_emulator.close()
        assert within(1.0, lambda: failure(provider, FetchFailed)) < 1.0


class TestClient:
    def test_its_time_is_a_part_of_the_whole_not_of_what_the_first_fetch_has_left(
        self, at_emulator: AWSEmulator, make: Make
    ) -> None:
        at_emulator.add(NAME, KEY)
        provider = make()

        def late() -> None:
            _deadline.set((time.monotonic() + 0.2, 5.0))
            provider.fetch()

        copy_context().run(late)
        config = provider._client.get().meta.config
        assert (config.connect_timeout, config.read_timeout) == (1.0, 1.75)

    def test_one_that_was_passed_ready_serves_on_after_a_close(self, shared: AWSEmulator, shared_client: Any) -> None:
        shared.add("of-two", KEY)
        provider = AWSSecretsManager("of-two", client=shared_client)
        one, other = CredentialProvider(provider), CredentialProvider(provider)
        one.get()
        one.close()
        assert other.refresh().get_secret_value() == KEY

    def test_a_close_does_not_wait_for_a_factory_that_hangs(self) -> None:
        entered, gate = threading.Event(), threading.Event()

        def factory() -> Any:
            entered.set()
            gate.wait()
            raise OSError

        provider = AWSSecretsManager(NAME, client=factory)
        with ThreadPoolExecutor(2) as threads:
            fetching = threads.submit(provider.fetch)
            assert entered.wait(10)
            threads.submit(provider.close).result(10)
            assert not fetching.done()
            gate.set()
            with pytest.raises(FetchFailed):
                fetching.result(10)

    def test_a_factory_is_called_once_and_after_close_again(self, aws: AWSEmulator) -> None:
        aws.add(NAME, KEY)
        made: list[Any] = []

        def factory() -> Any:
            made.append(aws.client())
            return made[-1]

        provider = AWSSecretsManager(NAME, client=factory)
        assert made == []
        assert provider.fetch() == provider.fetch()
        provider.close()
        provider.fetch()
        assert (len(made), aws.connections) == (2, 2)
        for client in made:
            client.close()

    def test_a_factory_that_fails_is_broken(self) -> None:
        def factory() -> Any:
            raise ValueError(KEY)

        with pytest.raises(FetchFailed, match="ValueError") as caught:
            AWSSecretsManager(NAME, client=factory).fetch()
        assert KEY not in str(caught.value)


@pytest.mark.usefixtures("no_aws")
class TestCloudCredentials:
    def test_none_at_all_is_absent(self) -> None:
        assert "aws configure" in failure(AWSSecretsManager(NAME), Unavailable).remedy

    def test_none_at_all_is_absent_for_a_ready_client(self, aws: AWSEmulator) -> None:
        import boto3.session

        client = boto3.session.Session().client("secretsmanager", endpoint_url=aws.endpoint_url)
        assert "aws configure" in failure(AWSSecretsManager(NAME, client=client), Unavailable).remedy
        client.close()

    @pytest.mark.parametrize(
        ("environ", "said"),
        [
            ({"AWS_PROFILE": "unheard-of"}, "profile does not exist"),
            ({"AWS_ACCESS_KEY_ID": "half"}, "incomplete"),
            ({"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": ""}, "no region is set"),
            (
                {"AWS_WEB_IDENTITY_TOKEN_FILE": "/none", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"},
                "FileNotFound",
            ),
        ],
    )
    def test_broken_ones_are_not_absent(
        self, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], said: str
    ) -> None:
        for name, value in environ.items():
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
        assert said in str(failure(AWSSecretsManager(NAME), FetchFailed))

    @pytest.mark.parametrize(
        ("environ", "region"),
        [
            ({"AWS_REGION": "eu-north-1"}, "eu-north-1"),
            ({"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        ],
    )
    def test_the_region_is_boto3s_own_or_that_of_aws_region(
        self, aws: AWSEmulator, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], region: str
    ) -> None:
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        login = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": aws.endpoint_url}
        for name, value in {**environ, **login}.items():
            monkeypatch.setenv(name, value)
        aws.add(NAME, KEY)
        assert AWSSecretsManager(NAME).fetch().get_secret_value() == KEY
        assert aws.regions == {region}

    @pytest.mark.parametrize("text", ["[default]\naws_access_key_id = half\n", "no [ section", "\xff"])
    def test_a_broken_file_is_not_absent(self, tmp_path: Path, text: str) -> None:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws" / "credentials").write_text(text, encoding="latin-1")
        failure(AWSSecretsManager(NAME), FetchFailed)


@pytest.mark.parametrize("package", ["boto3", "botocore", "boto3.session", "botocore.config"])
def test_a_missing_package_is_broken_and_names_the_extra(package: str) -> None:
    code = f"""
import os, sys
sys.modules[{package!r}] = None
os.environ.update(AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s", AWS_DEFAULT_REGION="eu-west-1")
from genai_credentials import AWSSecretsManager, MissingDependency
try:
    AWSSecretsManager("prod/gemini").fetch()
except MissingDependency as error:
    print(error.remedy, end="")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "pip install 'genai-credentials[aws]'"
