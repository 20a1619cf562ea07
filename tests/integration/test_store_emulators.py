"""The store servers, asked by the stock clients over real sockets."""

import http.client
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import boto3.session
import google_crc32c
import grpc
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from google.api_core import exceptions as google_errors
from google.cloud import secretmanager_v1 as sm

from genai_credentials.testing.stores.aws import AWSEmulator, MotoServer
from genai_credentials.testing.stores.secret_manager import SecretManagerEmulator

SECRET = "projects/acme/secrets/gemini"
REGIONAL = "projects/acme/locations/europe-west1/secrets/gemini"
ENVIRONMENT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, and a proxy that would swallow whatever isn't kept away from it."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")


@pytest.fixture
def gsm() -> Iterator[SecretManagerEmulator]:
    with SecretManagerEmulator() as emulator:
        yield emulator


@pytest.fixture
def aws() -> Iterator[AWSEmulator]:
    with AWSEmulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with MotoServer() as server:
        yield server


def access(client: sm.SecretManagerServiceClient, version: str = "latest", secret: str = SECRET, **options: Any) -> str:
    return client.access_secret_version(name=f"{secret}/versions/{version}", **options).payload.data.decode()


def in_thread(call: Callable[[], Any]) -> "Future[Any]":
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def refusal(call: Callable[[], Any]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


class TestSecretManager:
    def test_versions_are_numbered_and_latest_is_the_newest(self, gsm: SecretManagerEmulator) -> None:
        assert (gsm.add(SECRET, "one"), gsm.add(SECRET, b"two")) == ("1", "2")
        client = gsm.client()
        answer = client.access_secret_version(name=f"{SECRET}/versions/latest")
        assert (answer.name, answer.payload.data) == (f"{SECRET}/versions/2", b"two")
        assert answer.payload.data_crc32c == google_crc32c.value(b"two")
        assert access(client, "1") == "one"
        assert gsm.calls[1] == ("AccessSecretVersion", f"{SECRET}/versions/1")
        assert (gsm.accesses, gsm.connections) == (2, 1)

    def test_a_regional_secret_is_another_secret(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "global")
        gsm.add(REGIONAL, "regional")
        answer = gsm.client().access_secret_version(name=f"{REGIONAL}/versions/latest")
        assert (answer.name, answer.payload.data) == (f"{REGIONAL}/versions/1", b"regional")

    def test_the_whole_life_of_a_secret_through_the_client(self, gsm: SecretManagerEmulator) -> None:
        client = gsm.client()
        secret = sm.Secret(replication=sm.Replication(automatic=sm.Replication.Automatic()), labels={"a": "b"})
        created = client.create_secret(parent="projects/acme", secret_id="gemini", secret=secret)
        assert (created.name, created.labels["a"]) == (SECRET, "b")
        for data in (b"one", b"two", b"three"):
            payload = sm.SecretPayload(data=data, data_crc32c=google_crc32c.value(data))
            version = client.add_secret_version(parent=SECRET, payload=payload)
        assert (version.name, version.state.name) == (f"{SECRET}/versions/3", "ENABLED")
        updated = client.update_secret(
            secret=sm.Secret(name=SECRET, version_aliases={"prod": 2}, labels={"c": "d"}, annotations={"e": "f"}),
            update_mask={"paths": ["version_aliases", "labels", "annotations"]},
        )
        assert (dict(updated.version_aliases), dict(updated.labels)) == ({"prod": 2}, {"c": "d"})
        assert access(client, "prod") == "two"
        assert client.disable_secret_version(name=f"{SECRET}/versions/2").state.name == "DISABLED"
        assert client.enable_secret_version(name=f"{SECRET}/versions/2").state.name == "ENABLED"
        assert client.destroy_secret_version(name=f"{SECRET}/versions/2").destroy_time is not None
        assert client.get_secret_version(name=f"{SECRET}/versions/prod").state.name == "DESTROYED"
        client.delete_secret(name=SECRET)
        with pytest.raises(google_errors.NotFound):
            client.get_secret(name=SECRET)
        assert [name for method, name in gsm.calls if method in ("CreateSecret", "UpdateSecret")] == [SECRET, SECRET]

    def test_lists_come_in_pages_newest_version_first(self, gsm: SecretManagerEmulator) -> None:
        for value in "abc":
            gsm.add(SECRET, value)
        gsm.add(f"{SECRET}-2", "x")
        gsm.add(REGIONAL, "x")
        client = gsm.client()
        versions = client.list_secret_versions(request={"parent": SECRET, "page_size": 2})
        assert [version.name[-1] for version in versions] == ["3", "2", "1"]
        assert [secret.name for secret in client.list_secrets(parent="projects/acme")] == [f"{SECRET}-2", SECRET]

    @pytest.mark.parametrize("version", ["2", "0", "nope", "latest", "²"])
    def test_an_unknown_version_is_not_found(self, gsm: SecretManagerEmulator, version: str) -> None:
        gsm.add(SECRET, "one")
        secret = "projects/acme/secrets/other" if version == "latest" else SECRET
        with pytest.raises(google_errors.NotFound):
            access(gsm.client(), version, secret)

    @pytest.mark.parametrize("version", ["1", "latest"])
    @pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
    def test_a_version_out_of_use_is_a_failed_precondition(
        self, gsm: SecretManagerEmulator, state: str, version: str
    ) -> None:
        gsm.add(SECRET, "AIza-payload")
        (gsm.disable if state == "DISABLED" else gsm.destroy)(SECRET, 1)
        with pytest.raises(google_errors.FailedPrecondition, match=f"{SECRET}/versions/1.*{state}") as caught:
            access(gsm.client(), version)
        assert "AIza-payload" not in str(caught.value)

    def test_enabling_brings_a_disabled_version_back_but_not_a_destroyed_one(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        gsm.disable(SECRET, "latest")
        gsm.enable(SECRET, "1")
        assert access(gsm.client()) == "one"
        gsm.destroy(SECRET, "1")
        with pytest.raises(ValueError, match="DESTROYED"):
            gsm.enable(SECRET, "1")

    @pytest.mark.parametrize(
        "call",
        [
            lambda client: client.access_secret_version(name="secrets/gemini/versions/1"),
            lambda client: client.access_secret_version(name=SECRET),
            lambda client: client.create_secret(parent="acme", secret_id="x", secret=sm.Secret()),
            lambda client: client.create_secret(parent="projects/acme", secret_id="x/versions/1", secret=sm.Secret()),
            lambda client: client.add_secret_version(parent=SECRET, payload=sm.SecretPayload()),
            lambda client: client.add_secret_version(parent=SECRET, payload=sm.SecretPayload(data=b"x" * 65537)),
            lambda client: client.add_secret_version(parent=SECRET, payload=sm.SecretPayload(data=b"x", data_crc32c=1)),
            lambda client: client.update_secret(secret=sm.Secret(name=SECRET), update_mask={"paths": []}),
            lambda client: client.update_secret(secret=sm.Secret(name=SECRET), update_mask={"paths": ["replication"]}),
            *(
                lambda client, aliases=aliases: client.update_secret(
                    secret=sm.Secret(name=SECRET, version_aliases=aliases), update_mask={"paths": ["version_aliases"]}
                )
                for aliases in ({"latest": 1}, {"1x": 1}, {"prod": 9})
            ),
        ],
    )
    def test_a_malformed_request_is_an_invalid_argument(self, gsm: SecretManagerEmulator, call: Any) -> None:
        gsm.add(SECRET, "one")
        with pytest.raises(google_errors.InvalidArgument):
            call(gsm.client())

    def test_a_secret_is_created_once(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        with pytest.raises(google_errors.AlreadyExists):
            gsm.client().create_secret(parent="projects/acme", secret_id="gemini", secret=sm.Secret())

    def test_aliases_and_deletion_from_this_side(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        gsm.add(SECRET, "two")
        gsm.alias(SECRET, "prod", 1)
        gsm.alias(SECRET, "next", "latest")
        client = gsm.client()
        assert (access(client, "prod"), access(client, "next")) == ("one", "two")
        gsm.delete(SECRET)
        with pytest.raises(google_errors.NotFound):
            access(client, "prod")

    def test_misuse_from_this_side_is_an_error_of_python(self, gsm: SecretManagerEmulator) -> None:
        with pytest.raises(ValueError, match="projects/P/secrets/S"):
            gsm.add("gemini", "one")
        with pytest.raises(LookupError, match="not found"):
            gsm.disable(SECRET, 1)
        for code in ("OK", "NOPE"):
            with pytest.raises(ValueError, match=code):
                gsm.fail_next(code)

    def test_latest_lags_while_numbers_do_not(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        gsm.add(SECRET, "two")
        gsm.lag_latest(SECRET, "1")
        client = gsm.client()
        assert (access(client), access(client, "2")) == ("one", "two")
        gsm.lag_latest(SECRET, None)
        assert access(client) == "two"

    def test_checksums_can_be_wrong_or_left_out(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        client, good = gsm.client(), google_crc32c.value(b"one")

        def payload() -> sm.SecretPayload:
            return client.access_secret_version(name=f"{SECRET}/versions/1").payload

        gsm.corrupt_checksum(SECRET)
        assert payload().data_crc32c not in (good, 0)
        gsm.corrupt_checksum(SECRET, False)
        gsm.omit_checksum(SECRET)
        assert "data_crc32c" not in payload()
        gsm.omit_checksum(SECRET, on=False)
        assert payload().data_crc32c == good

    def test_names_may_carry_the_number_of_the_project(self) -> None:
        with SecretManagerEmulator(project_number="4711") as gsm:
            gsm.add(SECRET, "one")
            client = gsm.client()
            answer = client.access_secret_version(name=f"{SECRET}/versions/latest")
            assert answer.name == "projects/4711/secrets/gemini/versions/1"
            assert client.access_secret_version(name=answer.name).payload.data == b"one"
            assert len(list(client.list_secrets(parent="projects/acme"))) == 1

    def test_faults_are_used_up_in_order_and_by_method(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        client = gsm.client()
        gsm.fail_next("PERMISSION_DENIED", message="not you")
        gsm.fail_next(grpc.StatusCode.INTERNAL, times=2)
        gsm.fail_next("UNAUTHENTICATED", method="GetSecret")
        with pytest.raises(google_errors.PermissionDenied, match="not you"):
            access(client)
        for _ in range(2):
            with pytest.raises(google_errors.InternalServerError, match="injected INTERNAL"):
                access(client)
        assert access(client) == "one"
        with pytest.raises(google_errors.Unauthenticated):
            client.get_secret(name=SECRET)
        assert client.get_secret(name=SECRET).name == SECRET

    def test_a_lasting_fault_ends_when_healed(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        client = gsm.client()
        gsm.fail_always("PERMISSION_DENIED")
        for _ in range(3):
            with pytest.raises(google_errors.PermissionDenied):
                access(client)
        assert client.get_secret(name=SECRET).name == SECRET
        gsm.fail_always("INTERNAL", method=None)
        with pytest.raises(google_errors.InternalServerError):
            client.get_secret(name=SECRET)
        gsm.fail_next("UNAUTHENTICATED")
        gsm.fail_always(None)
        assert access(client) == "one"

    def test_the_stock_client_retries_what_is_unavailable(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        gsm.fail_next("UNAVAILABLE")
        assert access(gsm.client()) == "one"
        assert gsm.accesses == 2

    def test_a_held_answer_is_the_one_that_held_when_it_was_asked(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        with gsm.hang():
            answer = in_thread(lambda: access(gsm.client()))
            assert gsm.wait_for_calls(1) == 1
            gsm.add(SECRET, "two")
            assert not answer.done()
        assert answer.result(10) == "one"
        assert access(gsm.client()) == "two"

    def test_64_calls_are_held_at_once(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        gsm.hold()
        client = gsm.client()
        with ThreadPoolExecutor(64) as pool:
            answers = [pool.submit(access, client) for _ in range(64)]
            gsm.wait_for_calls(64)
            assert not any(answer.done() for answer in answers)
            gsm.release()
            assert {answer.result(10) for answer in answers} == {"one"}

    def test_a_delay_counts_against_the_deadline_of_the_client(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        gsm.delay(30.0)
        client = gsm.client()
        with pytest.raises(google_errors.DeadlineExceeded):
            access(client, timeout=0.1, retry=None)
        gsm.delay(0.02)
        began = time.monotonic()
        assert access(client) == "one"
        assert time.monotonic() - began >= 0.02
        assert client.get_secret(name=SECRET).name == SECRET

    @pytest.mark.parametrize("stall", [lambda gsm: gsm.hold(), lambda gsm: gsm.delay(60.0)])
    def test_close_is_quick_while_calls_hang(self, gsm: SecretManagerEmulator, stall: Any) -> None:
        gsm.add(SECRET, "one")
        stall(gsm)
        answers = [in_thread(lambda: access(gsm.client(), retry=None)) for _ in range(8)]
        gsm.wait_for_calls(8)
        began = time.monotonic()
        gsm.close()
        took = time.monotonic() - began
        for answer in answers:
            with pytest.raises(google_errors.ServiceUnavailable):
                answer.result(10)
        assert took < 0.2

    def test_a_closed_store_comes_back_on_its_port_with_its_secrets(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        target = gsm.target
        gsm.close()
        gsm.close()
        with pytest.raises(google_errors.ServiceUnavailable):
            access(gsm.client(), retry=None)
        assert gsm.start() is gsm.start()
        assert gsm.target == target
        assert access(gsm.client()) == "one"

    def test_every_client_has_a_connection_of_its_own(self, gsm: SecretManagerEmulator) -> None:
        gsm.add(SECRET, "one")
        clients = [gsm.client() for _ in range(3)]
        for client in clients + clients:
            assert access(client) == "one"
        assert len(gsm.peers) == gsm.connections == 3

    def test_without_the_extra_the_error_names_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "grpc", None)
        emulator = SecretManagerEmulator()
        with pytest.raises(ImportError, match=r"pip install 'genai-credentials\[google\]'"):
            emulator.start()
        with pytest.raises(RuntimeError, match=r"start\(\)"):
            _ = emulator.target
        emulator.close()


class TestAWS:
    def test_a_read_answers_with_what_is_current(self, aws: AWSEmulator) -> None:
        first, second = aws.add("prod/gemini", "one"), aws.add("prod/gemini", "two")
        client = aws.client()
        answer = client.get_secret_value(SecretId="prod/gemini", VersionStage="AWSCURRENT")
        assert (answer["SecretString"], answer["VersionId"], answer["VersionStages"]) == ("two", second, ["AWSCURRENT"])
        assert (answer["Name"], answer["ARN"]) == ("prod/gemini", aws.arn("prod/gemini"))
        previous = client.get_secret_value(SecretId="prod/gemini", VersionStage="AWSPREVIOUS")
        assert (previous["SecretString"], previous["VersionId"]) == ("one", first)
        assert client.get_secret_value(SecretId="prod/gemini", VersionId=first)["SecretString"] == "one"
        assert aws.calls[0] == ("GetSecretValue", {"SecretId": "prod/gemini", "VersionStage": "AWSCURRENT"})

    def test_names_arns_and_partial_arns_are_accepted(self, aws: AWSEmulator) -> None:
        aws.add("prod/gemini", "one")
        arn = aws.arn("prod/gemini")
        client = aws.client()
        for secret_id in ("prod/gemini", arn, arn[:-7]):
            assert client.get_secret_value(SecretId=secret_id)["SecretString"] == "one"
        assert refusal(lambda: client.get_secret_value(SecretId=arn[:-6]))[0] == "ResourceNotFoundException"

    def test_bytes_become_a_binary_secret(self, aws: AWSEmulator) -> None:
        aws.add("binary", b"\x00key")
        answer = aws.client().get_secret_value(SecretId="binary")
        assert answer["SecretBinary"] == b"\x00key"
        assert "SecretString" not in answer

    def test_the_connection_is_kept_alive(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        client = aws.client()
        for _ in range(5):
            client.get_secret_value(SecretId="k")
        assert (aws.reads, aws.connections, len(aws.peers)) == (5, 1, 1)
        aws.client().get_secret_value(SecretId="k")
        assert aws.connections == 2

    def test_the_region_a_call_was_signed_for_is_seen(self) -> None:
        with AWSEmulator(region="eu-west-1") as aws:
            aws.add("k", "one")
            aws.client("eu-west-1").get_secret_value(SecretId="k")
            assert aws.regions == {"eu-west-1"}
            assert aws.arn("k").startswith("arn:aws:secretsmanager:eu-west-1:")

    def test_what_cannot_be_read_says_why(self, aws: AWSEmulator) -> None:
        version = aws.add("k", "AIza-payload")
        client = aws.client()
        for options, code, part in (
            ({"SecretId": "other"}, "ResourceNotFoundException", "specified secret."),
            ({"SecretId": "k", "VersionStage": "BLUE"}, "ResourceNotFoundException", "staging label: BLUE"),
            ({"SecretId": "k", "VersionId": str(uuid.UUID(int=0))}, "ResourceNotFoundException", "VersionId: 0000"),
            ({"SecretId": "k", "VersionId": version, "VersionStage": "B"}, "InvalidRequestException", "not associated"),
        ):
            got = refusal(lambda options=options: client.get_secret_value(**options))
            assert got[:2] == (code, 400)
            assert part in got[2]
            assert "AIza-payload" not in got[2]

    def test_a_deleted_secret_is_back_when_added_to(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        aws.delete("k")
        code, _, message = refusal(lambda: aws.client().get_secret_value(SecretId="k"))
        assert (code, "marked for deletion" in message) == ("InvalidRequestException", True)
        aws.add("k", "two")
        assert aws.client().get_secret_value(SecretId="k")["SecretString"] == "two"

    def test_a_rotation_by_stages_through_the_client(self, aws: AWSEmulator) -> None:
        client = aws.client()
        old = client.create_secret(Name="k", SecretString="one")["VersionId"]
        new = client.put_secret_value(SecretId="k", SecretString="two", VersionStages=["AWSPENDING"])["VersionId"]
        assert client.get_secret_value(SecretId="k")["SecretString"] == "one"
        move = {"SecretId": "k", "VersionStage": "AWSCURRENT", "MoveToVersionId": new}
        assert refusal(lambda: client.update_secret_version_stage(**move))[0] == "InvalidParameterException"
        client.update_secret_version_stage(**move, RemoveFromVersionId=old)
        client.update_secret_version_stage(SecretId="k", VersionStage="AWSPENDING", RemoveFromVersionId=new)
        assert client.get_secret_value(SecretId="k")["SecretString"] == "two"
        stages = client.describe_secret(SecretId="k")["VersionIdsToStages"]
        assert stages == {old: ["AWSPREVIOUS"], new: ["AWSCURRENT"]}

    def test_versions_without_a_stage_are_listed_on_request(self, aws: AWSEmulator) -> None:
        versions = [aws.add("k", value) for value in ("one", "two", "three")]
        client = aws.client()
        listed = client.list_secret_version_ids(SecretId="k")["Versions"]
        assert [version["VersionId"] for version in listed] == versions[1:]
        assert len(client.list_secret_version_ids(SecretId="k", IncludeDeprecated=True)["Versions"]) == 3
        assert set(client.describe_secret(SecretId="k")["VersionIdsToStages"]) == set(versions[1:])

    def test_a_token_stands_for_one_value(self, aws: AWSEmulator) -> None:
        aws.add("k", "one", stages=())
        client, token = aws.client(), str(uuid.uuid4())
        put = {"SecretId": "k", "ClientRequestToken": token}
        assert client.put_secret_value(**put, SecretString="two")["VersionStages"] == ["AWSCURRENT"]
        assert client.put_secret_value(**put, SecretString="two")["VersionId"] == token
        code, _, _ = refusal(lambda: client.put_secret_value(**put, SecretString="three"))
        assert code == "ResourceExistsException"

    def test_a_secret_is_created_once_and_may_start_empty(self, aws: AWSEmulator) -> None:
        client = aws.client()
        assert "VersionId" not in client.create_secret(Name="k")
        assert refusal(lambda: client.create_secret(Name="k", SecretString="x"))[0] == "ResourceExistsException"
        assert refusal(lambda: client.get_secret_value(SecretId="k"))[0] == "ResourceNotFoundException"

    def test_values_written_are_not_in_the_record(self, aws: AWSEmulator) -> None:
        client = aws.client()
        client.create_secret(Name="k", SecretString="AIza-payload")
        client.put_secret_value(SecretId="k", SecretBinary=b"AIza-payload")
        assert "AIza" not in repr(aws.calls)
        assert aws.calls[0][1]["SecretString"] == "<hidden>"

    def test_actions_it_does_not_play_are_refused(self, aws: AWSEmulator) -> None:
        assert refusal(lambda: aws.client().get_random_password())[0] == "UnknownOperationException"

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("AccessDeniedException", 400),
            ("DecryptionFailure", 400),
            ("ExpiredTokenException", 400),
            ("UnrecognizedClientException", 400),
            ("ResourceNotFoundException", 400),
        ],
    )
    def test_a_fault_is_answered_once(self, aws: AWSEmulator, code: str, status: int) -> None:
        aws.add("k", "one")
        client = aws.client()
        aws.fail_next(code, message="injected for the test")
        assert refusal(lambda: client.get_secret_value(SecretId="k")) == (code, status, "injected for the test")
        assert client.get_secret_value(SecretId="k")["SecretString"] == "one"

    @pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalServiceError", 500)])
    def test_boto3_retries_throttling_and_server_errors(self, aws: AWSEmulator, code: str, status: int) -> None:
        aws.add("k", "one")
        aws.fail_next(code, status)
        assert aws.client().get_secret_value(SecretId="k")["SecretString"] == "one"
        assert (aws.reads, aws.connections) == (2, 1)

    def test_a_lasting_fault_ends_when_healed(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        client = aws.client()
        aws.fail_always("AccessDeniedException")
        for _ in range(2):
            assert refusal(lambda: client.get_secret_value(SecretId="k"))[0] == "AccessDeniedException"
        assert client.describe_secret(SecretId="k")["Name"] == "k"
        aws.fail_always("AccessDeniedException", action=None)
        code, _, message = refusal(lambda: client.describe_secret(SecretId="k"))
        assert (code, message) == ("AccessDeniedException", "DescribeSecret: injected AccessDeniedException")
        aws.fail_always(None)
        assert client.get_secret_value(SecretId="k")["SecretString"] == "one"

    def test_a_reset_is_retried_until_there_are_too_many(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        client = aws.client()
        aws.reset_next()
        assert client.get_secret_value(SecretId="k")["SecretString"] == "one"
        aws.reset_next(times=3)
        with pytest.raises(ConnectionClosedError):
            client.get_secret_value(SecretId="k")
        assert aws.connections == 4

    def test_a_truncated_body_passes_for_a_success_without_a_secret(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        client = aws.client()
        aws.truncate_next()
        answer = client.get_secret_value(SecretId="k")
        assert answer.keys() == {"ResponseMetadata"}
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert client.get_secret_value(SecretId="k")["SecretString"] == "one"

    def test_a_held_answer_is_the_one_that_held_when_it_was_asked(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        client = aws.client()
        with aws.hang():
            answer = in_thread(lambda: client.get_secret_value(SecretId="k")["SecretString"])
            aws.wait_for_calls(1)
            aws.add("k", "two")
            assert not answer.done()
        assert answer.result(10) == "one"

    def test_a_delay_outlasts_a_short_read_timeout(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        aws.delay(30.0)
        session = boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
        config = Config(read_timeout=0.1, retries={"total_max_attempts": 1}, proxies={})
        client = session.client("secretsmanager", endpoint_url=aws.endpoint_url, config=config)
        with pytest.raises(ReadTimeoutError):
            client.get_secret_value(SecretId="k")

    def test_close_is_quick_while_calls_hang_and_connections_idle(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        aws.client().get_secret_value(SecretId="k")
        aws.hold()
        answers = [in_thread(lambda: aws.client().get_secret_value(SecretId="k")) for _ in range(4)]
        aws.wait_for_calls(5)
        began = time.monotonic()
        aws.close()
        took = time.monotonic() - began
        for answer in answers:
            assert isinstance(answer.exception(20), EndpointConnectionError | ConnectionClosedError)
        assert took < 0.2

    def test_a_closed_store_comes_back_on_its_port_with_its_secrets(self, aws: AWSEmulator) -> None:
        aws.add("k", "one")
        client, url = aws.client(), aws.endpoint_url
        client.get_secret_value(SecretId="k")
        aws.close()
        aws.close()
        aws.start()
        assert aws.endpoint_url == url
        assert client.get_secret_value(SecretId="k")["SecretString"] == "one"

    def test_a_call_that_never_comes_is_reported(self, aws: AWSEmulator) -> None:
        with pytest.raises(TimeoutError, match="0 of 1 calls"):
            aws.wait_for_calls(1, timeout=0.01)

    def test_what_is_no_call_is_refused_without_harm(
        self, aws: AWSEmulator, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def post(body: bytes) -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection("127.0.0.1", int(aws.endpoint_url.rpartition(":")[2]), timeout=10)
            try:
                connection.request("POST", "/", body, {"X-Amz-Target": "secretsmanager.GetSecretValue"})
                response = connection.getresponse()
                response.read()
                return response
            finally:
                connection.close()

        assert post(b"{}").status == 400
        with pytest.raises(http.client.RemoteDisconnected):
            post(b"{not json")
        aws.close()
        assert "JSONDecodeError" in capsys.readouterr().err

    def test_a_port_in_use_is_an_error_and_leaves_nothing_running(self, aws: AWSEmulator) -> None:
        port = int(aws.endpoint_url.rpartition(":")[2])
        second = AWSEmulator(port=port)
        with pytest.raises(OSError, match="in use"):
            second.start()
        aws.close()
        with second:
            assert second.endpoint_url == aws.endpoint_url

    def test_without_boto3_the_error_names_the_extra(self, aws: AWSEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "boto3", None)
        with pytest.raises(ImportError, match=r"pip install 'genai-credentials\[aws\]'"):
            aws.client()


class TestMoto:
    def test_it_creates_then_puts(self, moto: MotoServer) -> None:
        first, second = moto.add("k", "one"), moto.add("k", b"two")
        client = moto.client()
        answer = client.get_secret_value(SecretId="k", VersionStage="AWSCURRENT")
        assert (answer["SecretBinary"], answer["VersionId"]) == (b"two", second)
        assert client.get_secret_value(SecretId="k", VersionId=first)["SecretString"] == "one"

    def test_regions_are_apart_and_reset_forgets(self, moto: MotoServer) -> None:
        moto.add("there", "one", region="eu-west-1")
        client = moto.client("eu-west-1")
        assert client.get_secret_value(SecretId="there")["SecretString"] == "one"
        assert refusal(lambda: moto.client().get_secret_value(SecretId="there"))[0] == "ResourceNotFoundException"
        moto.reset()
        assert refusal(lambda: client.get_secret_value(SecretId="there"))[0] == "ResourceNotFoundException"

    def test_it_leaves_the_logging_of_the_process_alone(self, moto: MotoServer) -> None:
        moto.add("quiet", "one")
        logger = logging.getLogger("werkzeug")
        assert (logger.level, logger.handlers) == (logging.NOTSET, [])

    def test_closing_is_quick_and_forgets(self) -> None:
        server = MotoServer()
        with pytest.raises(RuntimeError, match=r"start\(\)"):
            _ = server.endpoint_url
        with server:
            assert server.start() is server
            server.add("k", "one")
            began = time.monotonic()
        assert time.monotonic() - began < 0.2
        server.close()
        with server:
            assert refusal(lambda: server.client().get_secret_value(SecretId="k"))[0] == "ResourceNotFoundException"

    def test_without_moto_the_error_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "moto.moto_server.werkzeug_app", None)
        with pytest.raises(ImportError, match=r"pip install 'genai-credentials\[demo\]'"):
            MotoServer().start()


def run(script: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_importing_them_loads_no_cloud_package() -> None:
    done = run(
        "import sys, genai_credentials.testing.stores.secret_manager, genai_credentials.testing.stores.aws\n"
        "heavy = 'grpc', 'google.cloud', 'google.protobuf', 'boto3', 'botocore', 'moto', 'werkzeug'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_store_left_open_with_a_call_hanging_holds_up_no_exit() -> None:
    done = run(
        "import threading\n"
        "from genai_credentials.testing.stores.aws import AWSEmulator\n"
        "from genai_credentials.testing.stores.secret_manager import SecretManagerEmulator\n"
        "gsm, aws = SecretManagerEmulator().start(), AWSEmulator().start()\n"
        f"gsm.add('{SECRET}', 'one'); aws.add('k', 'one'); gsm.hold(); aws.hold()\n"
        "asks = [lambda c=gsm.client(): c.access_secret_version(name='" + SECRET + "/versions/latest'),\n"
        "        lambda c=aws.client(): c.get_secret_value(SecretId='k')]\n"
        "for ask in asks: threading.Thread(target=ask, daemon=True).start()\n"
        "gsm.wait_for_calls(1); aws.wait_for_calls(1); print('done')\n"
    )
    assert (done.stdout.strip(), done.returncode) == ("done", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["SecretManagerEmulator", "AWSEmulator"])
def test_forked_children_reach_it_on_their_own_connections_and_cannot_close_it(kind: str) -> None:
    ask = (
        f"access_secret_version(name='{SECRET}/versions/latest').payload.data.decode()"
        if kind == "SecretManagerEmulator"
        else f"get_secret_value(SecretId='{SECRET}')['SecretString']"
    )
    done = run(
        # From 3.12 on, forking with threads about is warned of, rightly; that it works all the same is the point here.
        "import os, warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
        f"from genai_credentials.testing import {kind} as Emulator\n"
        "with Emulator() as store:\n"
        f"    store.add('{SECRET}', 'one')\n"
        f"    ask = lambda: store.client().{ask}\n"
        "    assert ask() == 'one'\n"
        "    children = []\n"
        "    for _ in range(3):\n"
        "        pid = os.fork()\n"
        "        if not pid:\n"
        "            code = 1\n"
        "            try:\n"
        "                code = 0 if ask() == 'one' else 2\n"
        "                store.close()\n"
        "            finally:\n"
        "                os._exit(code)\n"
        "        children.append(pid)\n"
        "    codes = [os.waitpid(pid, 0)[1] for pid in children]\n"
        "    assert ask() == 'one'\n"
        "    print(codes, len(store.peers), store.connections)\n"
    )
    assert done.stdout.strip() == "[0, 0, 0] 5 5", done.stderr
