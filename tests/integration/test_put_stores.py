"""Puts into Google Secret Manager and AWS Secrets Manager, through the stock clients."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import google_crc32c
import grpc
import pytest
from google.api_core import exceptions as google_errors
from google.cloud import secretmanager_v1 as sm
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from genai_credentials import (
    ApiKey,
    AWSSecretsManager,
    CredentialsError,
    FetchFailed,
    GoogleSecretManager,
    PutConflict,
    PutFailed,
    Unavailable,
)
from genai_credentials.testing import AWSEmulator, MotoServer, SecretManagerEmulator
from genai_credentials.testing.conformance import everything_in

SECRET, NAME = "projects/acme/secrets/gemini", "prod/gemini"
OLD, NEW, THEIRS = (f"AIza{who}-NeverToBeSeen_0123456789" for who in ("Old", "New", "Theirs"))
CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


def failure(provider: Any, kind: type[CredentialsError], key: str = NEW) -> Any:
    """The error of a put: it names the provider and a remedy, and holds no key anywhere."""
    with pytest.raises(kind) as caught:
        provider.put(key)
    assert caught.value.message.startswith(f"{provider.name}: ")
    assert caught.value.remedy
    shown = everything_in(caught.value)
    assert not [text for text in (OLD, NEW, THEIRS) if text in shown]
    return caught.value


def child(code: str, **environ: str) -> "subprocess.Popen[str]":
    """A program in a process of its own, with the new key as its argument."""
    line = [sys.executable, "-c", f"import os, sys\nfrom genai_credentials import *\n{code}", NEW]
    return subprocess.Popen(line, text=True, env={**os.environ, **environ})


class Meanwhile:
    """A stock client that does something just before, or just after, one of its calls."""

    def __init__(self, client: Any, method: str, before: Any = None, after: Any = None) -> None:
        self._client, self._method, self._before, self._after = client, method, before, after

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if name != self._method:
            return value

        def call(*args: Any, **options: Any) -> Any:
            before, self._before = self._before, None
            if before is not None:
                before()
            answer = value(*args, **options)
            after, self._after = self._after, None
            if after is not None:
                after()
            return answer

        return call


class TestGoogle:
    @pytest.fixture
    def store(self, secret_manager: SecretManagerEmulator) -> SecretManagerEmulator:
        secret_manager.add(SECRET, OLD)
        return secret_manager

    @pytest.fixture
    def provider(self, store: SecretManagerEmulator) -> GoogleSecretManager:
        return GoogleSecretManager(SECRET, client=store.client())

    def added(self, store: SecretManagerEmulator) -> int:
        return sum(method == "AddSecretVersion" for method, _ in store.calls)

    def data(self, store: SecretManagerEmulator, version: str = "latest") -> bytes:
        return store.client().access_secret_version(name=f"{SECRET}/versions/{version}").payload.data

    def test_a_version_is_added_with_its_checksum(self, store: SecretManagerEmulator) -> None:
        class Watch(grpc.UnaryUnaryClientInterceptor):
            def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
                seen.append(request)
                return continuation(details, request)

        seen: list[Any] = []
        channel = grpc.intercept_channel(grpc.insecure_channel(store.target, (("grpc.enable_http_proxy", 0),)), Watch())
        client = sm.SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
        stored = GoogleSecretManager(SECRET, client=client).put(NEW)
        assert (stored.version, self.data(store)) == ("2", NEW.encode())
        assert seen[-1].payload.data_crc32c == google_crc32c.value(NEW.encode())

    @pytest.mark.parametrize("resource", [SECRET, f"{SECRET}/versions/latest"])
    def test_the_key_that_is_served_is_not_stored_again(self, store: SecretManagerEmulator, resource: str) -> None:
        provider = GoogleSecretManager(resource, client=store.client)
        assert provider.put(f" '{OLD}'\n").version == "1"
        assert self.added(store) == 0
        assert [provider.put(key).version for key in (NEW, NEW, OLD)] == ["2", "2", "3"]
        assert self.added(store) == 2

    def test_all_else_in_the_secret_stays_to_the_byte(self, store: SecretManagerEmulator) -> None:
        document = '\ufeff{"password": "p\u00e4ss",\r\n "api_key" : "%s"}\r\n'
        store.add(SECRET, document % OLD)
        provider = GoogleSecretManager(SECRET, "api_key", client=store.client)
        assert provider.put(NEW) == provider.fetch()
        assert self.data(store).decode() == document % NEW

    def test_a_bare_key_takes_the_place_of_no_document(self, store: SecretManagerEmulator, provider: Any) -> None:
        store.add(SECRET, json.dumps({"api_key": OLD}))
        assert "a JSON document is there" in failure(provider, PutFailed).message
        assert self.added(store) == 0

    def test_a_secret_that_holds_no_key_is_mended(self, store: SecretManagerEmulator, provider: Any) -> None:
        for broken in (f"{OLD}\n{OLD}", "YOUR_API_KEY"):
            store.add(SECRET, broken)
            provider.put(NEW)
            assert provider.fetch().get_secret_value() == NEW

    def test_the_newest_is_found_by_number_where_latest_lags(self, store: SecretManagerEmulator, provider: Any) -> None:
        store.add(SECRET, NEW)
        store.lag_latest(SECRET, 1)
        assert provider.put(NEW).version == "2"
        assert self.added(store) == 0
        assert provider.put(OLD).version == "3"
        assert provider.fetch().version == "3"

    def test_what_is_disabled_is_stepped_over(self, store: SecretManagerEmulator, provider: Any) -> None:
        store.add(SECRET, NEW)
        store.disable(SECRET, 2)
        assert provider.put(NEW).version == "3"
        for version in (1, 2, 3):
            store.destroy(SECRET, version)
        assert provider.put(NEW).version == "4"

    def test_a_document_is_taken_from_the_newest_version_that_can_be_read(self, store: SecretManagerEmulator) -> None:
        provider = GoogleSecretManager(SECRET, "api_key", client=store.client)
        for number in (1, 2):
            store.add(SECRET, json.dumps({"n": number, "api_key": OLD}))
        store.disable(SECRET, 3)
        assert provider.put(NEW).version == "4"
        assert json.loads(self.data(store)) == {"n": 1, "api_key": NEW}
        for version in (1, 2, 4):
            store.disable(SECRET, version)
        assert "no version of the secret can be read" in failure(provider, PutFailed, OLD).message

    def test_a_secret_without_a_version_gets_its_first(self, secret_manager: SecretManagerEmulator) -> None:
        empty = sm.Secret(replication=sm.Replication(automatic=sm.Replication.Automatic()))
        secret_manager.client().create_secret(parent="projects/acme", secret_id="gemini", secret=empty)
        assert GoogleSecretManager(SECRET, "k", client=secret_manager.client).put(NEW).version == "1"
        assert json.loads(self.data(secret_manager)) == {"k": NEW}

    def test_whoever_adds_the_second_version_is_told_and_both_are_kept(self, store: SecretManagerEmulator) -> None:
        between = Meanwhile(store.client(), "add_secret_version", before=lambda: store.add(SECRET, THEIRS))
        error = failure(GoogleSecretManager(SECRET, client=between), PutConflict)
        assert "another writer stored version 2" in error.message
        assert error.stored == "3"
        assert (self.data(store, "2"), self.data(store)) == (THEIRS.encode(), NEW.encode())

    def test_two_that_store_the_same_key_are_both_right(self, store: SecretManagerEmulator) -> None:
        between = Meanwhile(store.client(), "add_secret_version", before=lambda: store.add(SECRET, NEW))
        assert GoogleSecretManager(SECRET, client=between).put(NEW).version == "3"

    def test_an_addition_whose_answer_was_lost_is_not_made_twice(self, store: SecretManagerEmulator) -> None:
        def lost() -> None:
            raise google_errors.ServiceUnavailable("lost")

        provider = GoogleSecretManager(SECRET, client=Meanwhile(store.client(), "add_secret_version", after=lost))
        assert provider.put(NEW).version == "2"
        assert self.added(store) == 1

    @pytest.mark.parametrize("code", ["UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED"])
    def test_an_addition_that_failed_in_passing_is_tried_again(
        self, store: SecretManagerEmulator, provider: Any, code: str
    ) -> None:
        store.fail_next(code, method="AddSecretVersion")
        assert provider.put(NEW).version == "2"
        store.fail_always("UNAVAILABLE", method="AddSecretVersion")
        error = failure(provider, PutFailed, OLD)
        assert "may already be stored" in error.remedy
        assert self.data(store) == NEW.encode()

    @pytest.mark.parametrize(
        ("method", "code", "kind", "said"),
        [
            ("AddSecretVersion", "PERMISSION_DENIED", PutFailed, "roles/secretmanager.secretVersionAdder"),
            ("AddSecretVersion", "FAILED_PRECONDITION", PutFailed, "accepts no new version"),
            ("AddSecretVersion", "ABORTED", PutFailed, "failed with Aborted"),
            ("AccessSecretVersion", "PERMISSION_DENIED", FetchFailed, "secretAccessor"),
            ("AccessSecretVersion", "UNAVAILABLE", FetchFailed, "unavailable"),
        ],
    )
    def test_a_refusal_says_what_to_do_and_adds_nothing(
        self, store: SecretManagerEmulator, provider: Any, method: str, code: str, kind: Any, said: str
    ) -> None:
        store.fail_always(code, method=method)
        assert said in str(failure(provider, kind))
        store.fail_always(None)
        assert self.data(store) == OLD.encode()

    def test_a_secret_that_is_not_there_is_named_with_the_command_that_makes_it(self, store: Any) -> None:
        provider = GoogleSecretManager("projects/acme/secrets/other", client=store.client)
        assert "gcloud secrets create" in failure(provider, PutFailed).remedy

    def test_without_credentials_it_is_unavailable(self, no_google: None) -> None:
        failure(GoogleSecretManager(SECRET), Unavailable)

    def test_over_rest_it_is_the_same(self, store: SecretManagerEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", store.target)
        store.add(SECRET, json.dumps({"google": {"api_key": OLD}, "a": 1}))
        provider = GoogleSecretManager(SECRET, "/google/api_key", transport="rest")
        store.fail_next("UNAVAILABLE", method="AddSecretVersion")
        assert provider.put(NEW).version == "3"
        assert json.loads(self.data(store)) == {"google": {"api_key": NEW}, "a": 1}
        for code, said in (("PERMISSION_DENIED", "secretVersionAdder"), ("NOT_FOUND", "gcloud secrets create")):
            store.fail_next(code, method="AddSecretVersion")
            assert said in failure(provider, PutFailed, OLD).remedy
        assert provider.put(OLD) == provider.fetch()

    def test_writers_at_once_keep_every_version(self, store: SecretManagerEmulator) -> None:
        barrier = threading.Barrier(4)

        def put(number: int) -> str | None:
            barrier.wait(10)
            try:
                return GoogleSecretManager(SECRET, client=store.client).put(f"{NEW}-{number}").version
            except PutConflict as conflict:
                return conflict.stored

        with ThreadPoolExecutor(4) as pool:
            numbers = sorted(str(version) for version in pool.map(put, range(4)))
        assert numbers == ["2", "3", "4", "5"]
        assert {self.data(store, number).decode() for number in numbers} == {f"{NEW}-{number}" for number in range(4)}

    def test_no_log_holds_a_key(self, store: Any, provider: Any, caplog: pytest.LogCaptureFixture) -> None:
        names = [name for name in logging.root.manager.loggerDict if name.startswith(("google", "grpc"))]
        for name in ["", "google", *names]:
            caplog.set_level(logging.DEBUG, name)
            logging.getLogger(name).addHandler(caplog.handler)
        provider.put(NEW)
        store.fail_next("PERMISSION_DENIED", method="AddSecretVersion")
        failure(provider, PutFailed, OLD)
        for name in ["google", *names]:
            logging.getLogger(name).removeHandler(caplog.handler)
        shown = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
        assert caplog.records
        assert not [text for text in (OLD, NEW) if text in shown]


class TestAWS:
    @pytest.fixture
    def client(self, aws: AWSEmulator) -> Iterator[Any]:
        client = aws.client()
        yield client
        client.close()

    @pytest.fixture
    def first(self, aws: AWSEmulator) -> str:
        return aws.add(NAME, OLD)

    @pytest.fixture
    def provider(self, client: Any, first: str) -> AWSSecretsManager:
        return AWSSecretsManager(NAME, client=client)

    def labels(self, client: Any) -> dict[str, list[str]]:
        return client.describe_secret(SecretId=NAME).get("VersionIdsToStages", {})

    def current(self, client: Any) -> dict[str, Any]:
        return client.get_secret_value(SecretId=NAME, VersionStage=CURRENT)

    def on(self, client: Any, call: str, action: Callable[[], object]) -> None:
        """Do something once, just before a call leaves."""
        done: list[bool] = []

        def before(**_: Any) -> None:
            if not done:
                done.append(True)
                action()

        client.meta.events.register(f"before-call.secretsmanager.{call}", before)

    def test_a_version_is_staged_and_made_current(
        self, aws: AWSEmulator, client: Any, first: str, provider: Any
    ) -> None:
        key = provider.put(NEW)
        assert self.labels(client) == {first: [PREVIOUS], key.version: [CURRENT]}
        assert self.current(client)["SecretString"] == NEW
        sent = {action: params for action, params in aws.calls if action != "UpdateSecretVersionStage"}
        moves = [params for action, params in aws.calls if action == "UpdateSecretVersionStage"]
        assert sent["PutSecretValue"]["VersionStages"] == [PENDING]
        assert sent["PutSecretValue"]["ClientRequestToken"] == key.version
        assert moves[0]["VersionStage"] == CURRENT
        assert (moves[0]["RemoveFromVersionId"], moves[0]["MoveToVersionId"]) == (first, key.version)

    def test_the_key_that_is_served_is_not_stored_again(self, aws: AWSEmulator, first: str, provider: Any) -> None:
        assert provider.put(f" '{OLD}'\n").version == first
        assert [action for action, _ in aws.calls] == ["GetSecretValue"]
        new = provider.put(NEW).version
        assert provider.put(NEW).version == new
        # One that comes back is a version anew.
        assert provider.put(OLD).version not in (first, new)
        assert provider.put(NEW).version not in (first, new)

    @pytest.mark.parametrize("binary", [False, True])
    def test_all_else_in_the_secret_stays_to_the_byte(self, aws: AWSEmulator, client: Any, binary: bool) -> None:
        document = '{"password": "p\u00e4ss",\r\n "api_key" : "%s"}\r\n'
        aws.add(NAME, (document % OLD).encode() if binary else document % OLD)
        provider = AWSSecretsManager(NAME, "api_key", client=client)
        assert provider.put(NEW) == provider.fetch()
        found = self.current(client)
        assert (found["SecretBinary"] if binary else found["SecretString"].encode()) == (document % NEW).encode()

    def test_a_bare_key_takes_the_place_of_no_document(self, aws: AWSEmulator, provider: Any) -> None:
        aws.add(NAME, json.dumps({"api_key": OLD}))
        assert "a JSON document is there" in failure(provider, PutFailed).message
        assert [action for action, _ in aws.calls] == ["GetSecretValue"]

    def test_a_secret_without_a_value_gets_its_first(self, client: Any) -> None:
        client.create_secret(Name=NAME)
        version = AWSSecretsManager(NAME, "k", client=client).put(NEW).version
        assert self.labels(client) == {version: [CURRENT]}
        assert json.loads(self.current(client)["SecretString"]) == {"k": NEW}

    def test_whoever_moves_the_label_second_is_told_and_changes_nothing(
        self, aws: AWSEmulator, client: Any, first: str, provider: Any
    ) -> None:
        theirs: list[str] = []
        self.on(client, "UpdateSecretVersionStage", lambda: theirs.append(aws.add(NAME, THEIRS)))
        error = failure(provider, PutConflict)
        assert f"another writer made version {theirs[0]} current" in error.message
        assert error.stored is None
        assert self.labels(client) == {first: [PREVIOUS], theirs[0]: [CURRENT]}
        assert self.current(client)["SecretString"] == THEIRS

    def test_two_that_store_the_same_key_are_both_right(self, aws: AWSEmulator, client: Any, provider: Any) -> None:
        theirs: list[str] = []
        self.on(client, "UpdateSecretVersionStage", lambda: theirs.append(aws.add(NAME, NEW)))
        assert provider.put(NEW).version == theirs[0]

    def test_two_that_give_an_empty_secret_its_first_value_do_not_undo_each_other(
        self, aws: AWSEmulator, client: Any
    ) -> None:
        client.create_secret(Name=NAME)
        theirs: list[str] = []
        self.on(client, "PutSecretValue", lambda: theirs.append(aws.add(NAME, THEIRS)))
        failure(AWSSecretsManager(NAME, client=client), PutConflict)
        assert self.labels(client) == {theirs[0]: [CURRENT]}

    def test_a_put_that_was_killed_before_the_label_moved_is_taken_up(
        self, aws: AWSEmulator, client: Any, first: str, provider: Any
    ) -> None:
        code = f"""
import boto3, signal
client = boto3.client('secretsmanager', 'us-east-1', aws_access_key_id='x', aws_secret_access_key='x')
client.meta.events.register('before-call.secretsmanager.UpdateSecretVersionStage', lambda **_: os.kill(os.getpid(), 9))
AWSSecretsManager({NAME!r}, client=client).put(sys.argv[1])
"""
        killed = child(code, AWS_ENDPOINT_URL_SECRETS_MANAGER=aws.endpoint_url, NO_PROXY="127.0.0.1")
        assert killed.wait(60) == -signal.SIGKILL
        (staged,) = set(self.labels(client)) - {first}
        assert self.labels(client) == {first: [CURRENT], staged: [PENDING]}
        assert provider.fetch().get_secret_value() == OLD
        assert provider.put(NEW).version == staged
        assert self.labels(client) == {first: [PREVIOUS], staged: [CURRENT]}

    def test_what_another_left_pending_is_no_obstacle(
        self, aws: AWSEmulator, client: Any, first: str, provider: Any
    ) -> None:
        aws.add(NAME, THEIRS, stages=[PENDING])
        version = provider.put(NEW).version
        assert self.labels(client) == {first: [PREVIOUS], version: [CURRENT]}

    def test_a_version_that_is_not_known_yet_is_looked_for_again(
        self, aws: AWSEmulator, client: Any, provider: Any
    ) -> None:
        aws.fail_next("ResourceNotFoundException", times=2, action="UpdateSecretVersionStage")
        assert provider.put(NEW) == provider.fetch()

    @pytest.mark.parametrize("action", ["GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"])
    def test_throttling_passes(self, aws: AWSEmulator, provider: Any, action: str) -> None:
        aws.fail_next("ThrottlingException", action=action)
        assert provider.put(NEW) == provider.fetch()

    @pytest.mark.parametrize(
        ("action", "code", "said"),
        [
            ("GetSecretValue", "AccessDeniedException", "PutSecretValue"),
            ("PutSecretValue", "AccessDeniedException", "UpdateSecretVersionStage"),
            ("UpdateSecretVersionStage", "AccessDeniedException", "kms:Decrypt"),
            ("PutSecretValue", "EncryptionFailure", "kms:GenerateDataKey"),
            ("PutSecretValue", "LimitExceededException", "limit of versions"),
            ("PutSecretValue", "ExpiredTokenException", "have expired"),
            ("PutSecretValue", "OddException", "failed with OddException"),
        ],
    )
    def test_a_refusal_says_what_to_do_and_changes_nothing(
        self, aws: AWSEmulator, client: Any, first: str, provider: Any, action: str, code: str, said: str
    ) -> None:
        aws.fail_always(code, action=action)
        assert said in str(failure(provider, PutFailed))
        aws.fail_always(None)
        assert (self.current(client)["VersionId"], self.current(client)["SecretString"]) == (first, OLD)
        assert provider.put(NEW) == provider.fetch()

    def test_a_secret_that_is_not_there_or_marked_for_deletion_is_told_of(self, aws: AWSEmulator, client: Any) -> None:
        provider = AWSSecretsManager(NAME, client=client)
        assert "create-secret" in failure(provider, PutFailed).remedy
        aws.add(NAME, OLD)
        aws.delete(NAME)
        assert "marked for deletion" in failure(provider, PutFailed).message

    def test_an_answer_that_was_cut_short_writes_nothing(self, aws: AWSEmulator, provider: Any) -> None:
        aws.truncate_next()
        assert "held no secret" in failure(provider, FetchFailed).message
        assert [action for action, _ in aws.calls] == ["GetSecretValue"]

    def test_without_credentials_it_is_unavailable(self, no_aws: None) -> None:
        failure(AWSSecretsManager(NAME), Unavailable)

    def test_another_implementation_of_the_service_takes_it(self) -> None:
        with MotoServer() as moto:
            moto.add(NAME, json.dumps({"a": 1, "k": OLD}))
            client = moto.client()
            provider = AWSSecretsManager(NAME, "k", client=client)
            for key in (NEW, OLD, NEW):
                assert provider.put(key) == provider.fetch() == ApiKey(key, provider="any")
            assert json.loads(self.current(client)["SecretString"]) == {"a": 1, "k": NEW}
            client.close()

    def test_processes_at_once_end_with_one_of_their_keys_and_lose_no_sibling(
        self, aws: AWSEmulator, client: Any
    ) -> None:
        aws.add(NAME, json.dumps({"a": 1, "first": None, "second": None}))
        code = f"""
import boto3
client = boto3.client('secretsmanager', 'us-east-1', aws_access_key_id='x', aws_secret_access_key='x')
done = 0
while done < 8:
    try:
        AWSSecretsManager({NAME!r}, os.environ['FIELD'], client=client).put(f'{{sys.argv[1]}}-{{done}}')
        done += 1
    except PutConflict:
        pass
"""
        environ = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.endpoint_url, "NO_PROXY": "127.0.0.1"}
        writers = [child(code, FIELD=field, **environ) for field in ("first", "second")]
        assert [writer.wait(60) for writer in writers] == [0, 0]
        assert json.loads(self.current(client)["SecretString"]) == {"a": 1, "first": f"{NEW}-7", "second": f"{NEW}-7"}
        assert not any(PENDING in labels for labels in self.labels(client).values())

    def test_no_log_holds_a_key(self, aws: AWSEmulator, provider: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, "botocore")
        provider.put(NEW)
        aws.fail_next("AccessDeniedException", action="PutSecretValue")
        failure(provider, PutFailed, THEIRS)
        shown = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
        assert "PutSecretValue" in caplog.text
        assert not [text for text in (OLD, NEW, THEIRS) if text in shown]
