"""The AWS emulator as AWS does it, asked by stock boto3: labels, tokens, deletion, sizes, lists, a rotation's labels.

Where AWS says more than its service model does, the behaviour is that of public reports of its own answers.
"""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from genai_credentials.testing import AWSEmulator

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:rotate"


@pytest.fixture
def client(aws: AWSEmulator) -> Any:
    client = aws.client()
    yield client
    client.close()


def token() -> str:
    return str(uuid.uuid4())


def refusal(call: Callable[..., object], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def labels(client: Any, name: str = "k") -> dict[str, list[str]]:
    return client.describe_secret(SecretId=name).get("VersionIdsToStages", {})


def current(client: Any, name: str = "k") -> str:
    return client.get_secret_value(SecretId=name, VersionStage=CURRENT)["SecretString"]


# Tokens and values


def test_a_secret_created_again_with_its_token_and_value_is_no_news(client: Any) -> None:
    made = {"Name": "k", "ClientRequestToken": token(), "SecretString": "one"}
    first, again = client.create_secret(**made), client.create_secret(**made)
    assert (first["VersionId"], first["ARN"]) == (again["VersionId"], again["ARN"])
    assert len(labels(client)) == 1
    code, message = refusal(client.create_secret, **{**made, "SecretString": "two"})
    assert code == "ResourceExistsException"
    assert made["ClientRequestToken"] in message
    assert refusal(client.create_secret, Name="k", SecretString="one")[0] == "ResourceExistsException"
    assert refusal(client.create_secret, Name="k", SecretBinary=b"one")[0] == "ResourceExistsException"
    assert current(client) == "one"


@pytest.mark.parametrize("method", ["put_secret_value", "update_secret"])
def test_a_value_written_again_with_its_token_is_no_news_and_another_is_refused(client: Any, method: str) -> None:
    write = getattr(client, method)
    client.create_secret(Name="k", SecretString="zero")
    first = {"SecretId": "k", "ClientRequestToken": token(), "SecretString": "one"}
    assert write(**first)["VersionId"] == first["ClientRequestToken"]
    write(SecretId="k", SecretString="two")
    assert write(**first)["VersionId"] == first["ClientRequestToken"]
    assert current(client) == "two"
    code, message = refusal(write, **{**first, "SecretString": "three"})
    assert code == "ResourceExistsException"
    assert "three" not in message


def test_the_first_value_becomes_the_current_one_whatever_its_labels(client: Any) -> None:
    client.create_secret(Name="k")
    put = client.put_secret_value(SecretId="k", SecretString="one", VersionStages=[PENDING])
    assert put["VersionStages"] == [PENDING, CURRENT]
    second = client.put_secret_value(SecretId="k", SecretString="two", VersionStages=[PENDING])
    assert second["VersionStages"] == [PENDING]
    assert current(client) == "one"


@pytest.mark.parametrize(
    ("value", "code"),
    [({}, "InvalidRequestException"), ({"SecretString": "a", "SecretBinary": b"b"}, "InvalidParameterException")],
)
def test_a_put_needs_one_value(client: Any, value: dict[str, Any], code: str) -> None:
    client.create_secret(Name="k", SecretString="one")
    assert refusal(client.put_secret_value, SecretId="k", **value)[0] == code
    assert current(client) == "one"


def test_sizes_are_those_of_the_service(client: Any) -> None:
    client.create_secret(Name="k", SecretString="x" * 65_536)
    client.put_secret_value(SecretId="k", SecretBinary=b"x" * 65_536)
    client.put_secret_value(SecretId="k", SecretString="x", ClientRequestToken="t" * 64)
    long = [
        {"SecretString": "x" * 65_537},
        {"SecretString": "\u00e9" * 32_769},
        {"SecretBinary": b"x" * 65_537},
        {"SecretString": "x", "VersionStages": [str(number) for number in range(21)]},
    ]
    for params in long:
        code, message = refusal(client.put_secret_value, SecretId="k", **params)
        assert (code, "Member must have length less than or equal to" in message) == ("ValidationException", True)


@pytest.mark.parametrize("length", [31, 65])
def test_a_token_has_32_to_64_characters(aws: AWSEmulator, length: int) -> None:
    aws.add("k", "one")
    # boto3 itself knows the least length.
    config = Config(parameter_validation=False, proxies={})
    session = boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    unchecked = session.client("secretsmanager", endpoint_url=aws.endpoint_url, config=config)
    put = {"SecretId": "k", "SecretString": "two", "ClientRequestToken": "t" * length}
    assert refusal(unchecked.put_secret_value, **put)[0] == "InvalidParameterException"
    unchecked.close()


def test_a_secret_has_at_most_20_labels(client: Any) -> None:
    first = client.create_secret(Name="k", SecretString="one")["VersionId"]
    names = [f"L{number}" for number in range(19)]
    second = client.put_secret_value(SecretId="k", SecretString="two", VersionStages=names)["VersionId"]
    move = {"SecretId": "k", "VersionStage": "ONE-MORE", "MoveToVersionId": second}
    assert refusal(client.update_secret_version_stage, **move)[0] == "LimitExceededException"
    put = {"SecretId": "k", "SecretString": "three", "VersionStages": ["ONE-MORE"]}
    assert refusal(client.put_secret_value, **put)[0] == "LimitExceededException"
    client.update_secret_version_stage(SecretId="k", VersionStage="L0", RemoveFromVersionId=second)
    client.update_secret_version_stage(**move)
    assert labels(client) == {first: [CURRENT], second: [*names[1:], "ONE-MORE"]}


# Labels


def test_moving_a_label_names_the_version_that_has_it_and_no_other(client: Any) -> None:
    one = client.create_secret(Name="k", SecretString="one")["VersionId"]
    two = client.put_secret_value(SecretId="k", SecretString="two", VersionStages=[PENDING])["VersionId"]
    move = {"SecretId": "k", "VersionStage": CURRENT, "MoveToVersionId": two}
    code, message = refusal(client.update_secret_version_stage, **move)
    assert (code, one in message) == ("InvalidParameterException", True)
    for wrong in (two, token()):
        code, message = refusal(client.update_secret_version_stage, **move, RemoveFromVersionId=wrong)
        assert (code, "currently has the staging label" in message) == ("InvalidParameterException", True)
    assert labels(client) == {one: [CURRENT], two: [PENDING]}
    client.update_secret_version_stage(**move, RemoveFromVersionId=one)
    assert {version: sorted(on) for version, on in labels(client).items()} == {one: [PREVIOUS], two: [CURRENT, PENDING]}
    # Once more it isn't where it is said to be, and without saying so it is there already.
    assert refusal(client.update_secret_version_stage, **move, RemoveFromVersionId=one)[0] == code
    client.update_secret_version_stage(**move)
    client.update_secret_version_stage(**move, RemoveFromVersionId=two)
    assert sorted(labels(client)[two]) == [CURRENT, PENDING]


def test_the_current_label_can_be_moved_and_not_removed(client: Any) -> None:
    one = client.create_secret(Name="k", SecretString="one")["VersionId"]
    remove = {"SecretId": "k", "VersionStage": CURRENT, "RemoveFromVersionId": one}
    code, message = refusal(client.update_secret_version_stage, **remove)
    assert (code, "can only move" in message) == ("InvalidParameterException", True)
    assert current(client) == "one"


def test_another_label_is_removed_from_the_version_that_has_it_and_from_no_other(client: Any) -> None:
    one = client.create_secret(Name="k", SecretString="one")["VersionId"]
    two = client.put_secret_value(SecretId="k", SecretString="two", VersionStages=["B"])["VersionId"]
    update, named = client.update_secret_version_stage, {"SecretId": "k", "VersionStage": "B"}
    assert refusal(update, **named, RemoveFromVersionId=one)[0] == "InvalidParameterException"
    assert refusal(update, **named)[0] == "InvalidParameterException"
    assert refusal(update, **named, MoveToVersionId=token(), RemoveFromVersionId=two)[0] == "ResourceNotFoundException"
    update(**named, RemoveFromVersionId=two)
    assert labels(client) == {one: [CURRENT]}
    assert refusal(update, **named, RemoveFromVersionId=two)[0] == "InvalidParameterException"
    update(**named, MoveToVersionId=one)
    assert labels(client) == {one: [CURRENT, "B"]}


# Deletion


def test_a_secret_marked_for_deletion_is_described_and_not_read(client: Any) -> None:
    version = client.create_secret(Name="k", SecretString="one")["VersionId"]
    deleted = client.delete_secret(SecretId="k", RecoveryWindowInDays=7)["DeletionDate"]
    assert timedelta(days=6) < deleted - datetime.now(UTC) < timedelta(days=8)
    described = client.describe_secret(SecretId="k")
    assert (described["DeletedDate"], described["VersionIdsToStages"]) == (deleted, {version: [CURRENT]})
    assert [one["VersionId"] for one in client.list_secret_version_ids(SecretId="k")["Versions"]] == [version]
    for call, params in (
        (client.get_secret_value, {"SecretId": "k"}),
        (client.put_secret_value, {"SecretId": "k", "SecretString": "two"}),
        (client.update_secret, {"SecretId": "k", "Description": "d"}),
        (client.update_secret_version_stage, {"SecretId": "k", "VersionStage": "B", "MoveToVersionId": version}),
        (client.rotate_secret, {"SecretId": "k", "RotationLambdaARN": FUNCTION}),
        (client.delete_secret, {"SecretId": "k"}),
        (client.create_secret, {"Name": "k", "SecretString": "one"}),
    ):
        code, message = refusal(call, **params)
        assert code == "InvalidRequestException"
        assert "deletion" in message
    client.restore_secret(SecretId="k")
    assert "DeletedDate" not in client.describe_secret(SecretId="k")
    assert current(client) == "one"
    client.restore_secret(SecretId="k")


def test_a_secret_deleted_by_force_is_gone_and_deleting_it_again_is_no_news(client: Any) -> None:
    arn = client.create_secret(Name="k", SecretString="one")["ARN"]
    for _ in range(2):
        assert client.delete_secret(SecretId="k", ForceDeleteWithoutRecovery=True)["Name"] == "k"
    for call in (client.get_secret_value, client.describe_secret, client.restore_secret, client.delete_secret):
        assert refusal(call, SecretId=arn)[0] == "ResourceNotFoundException"
    assert client.create_secret(Name="k", SecretString="two")["ARN"] != arn


@pytest.mark.parametrize(("days", "forced"), [(6, False), (31, False), (7, True)])
def test_a_recovery_window_is_7_to_30_days_or_none(client: Any, days: int, forced: bool) -> None:
    client.create_secret(Name="k", SecretString="one")
    params = {"SecretId": "k", "RecoveryWindowInDays": days, "ForceDeleteWithoutRecovery": forced}
    assert refusal(client.delete_secret, **params)[0] == "InvalidParameterException"
    assert current(client) == "one"


# Lists and details


def test_secrets_are_listed_by_filters_and_page_by_page(client: Any) -> None:
    for number in range(5):
        client.create_secret(Name=f"prod/{number}", SecretString="one", Tags=[{"Key": "n", "Value": str(number)}])
    client.create_secret(Name="DevGemini", Description="The key of Gemini")
    client.delete_secret(SecretId="prod/4")

    def names(**params: Any) -> list[str]:
        return [one["Name"] for one in client.list_secrets(**params)["SecretList"]]

    assert names(Filters=[{"Key": "name", "Values": ["prod/"]}]) == [f"prod/{number}" for number in range(4)]
    assert names(Filters=[{"Key": "name", "Values": ["prod/"]}], IncludePlannedDeletion=True)[-1] == "prod/4"
    assert names(Filters=[{"Key": "tag-value", "Values": ["2"]}]) == ["prod/2"]
    assert names(Filters=[{"Key": "name", "Values": ["!prod"]}, {"Key": "all", "Values": ["key gem"]}]) == ["DevGemini"]
    assert names(SortBy="name", SortOrder="desc")[0] == "prod/3"
    pages = list(client.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["SecretList"]) for page in pages] == [2, 2, 1]
    assert refusal(client.list_secrets, NextToken="nonsense")[0] == "InvalidNextTokenException"
    assert refusal(client.list_secrets, Filters=[{"Key": "all"}])[0] == "InvalidParameterException"


def test_versions_are_listed_page_by_page_and_empty_ones_not(client: Any) -> None:
    client.create_secret(Name="k", SecretString="0")
    for number in range(1, 5):
        client.put_secret_value(SecretId="k", SecretString=str(number))
    client.rotate_secret(SecretId="k", RotationLambdaARN=FUNCTION)
    assert len(client.list_secret_version_ids(SecretId="k")["Versions"]) == 2
    ask = {"SecretId": "k", "IncludeDeprecated": True, "MaxResults": 3}
    first = client.list_secret_version_ids(**ask)
    second = client.list_secret_version_ids(**ask, NextToken=first["NextToken"])
    assert (len(first["Versions"]), len(second["Versions"]), "NextToken" in second) == (3, 2, False)


def test_updates_change_what_they_name_and_the_date(client: Any) -> None:
    version = client.create_secret(Name="k", SecretString="one", Description="a", KmsKeyId="alias/a")["VersionId"]
    before = client.describe_secret(SecretId="k")
    assert "LastAccessedDate" not in before
    time.sleep(0.01)
    assert "VersionId" not in client.update_secret(SecretId="k", Description="b")
    after = client.describe_secret(SecretId="k")
    assert (after["Description"], after["KmsKeyId"], after["CreatedDate"]) == ("b", "alias/a", before["CreatedDate"])
    assert after["LastChangedDate"] > before["LastChangedDate"]
    updated = client.update_secret(SecretId="k", SecretString="two")["VersionId"]
    assert labels(client) == {version: [PREVIOUS], updated: [CURRENT]}
    assert current(client) == "two"
    assert client.describe_secret(SecretId="k")["LastAccessedDate"].hour == 0


def test_values_are_read_in_a_batch_and_each_refusal_is_told(client: Any) -> None:
    client.create_secret(Name="a", SecretString="one")
    answer = client.batch_get_secret_value(SecretIdList=["a", "none"])
    assert [one["SecretString"] for one in answer["SecretValues"]] == ["one"]
    assert [(one["SecretId"], one["ErrorCode"]) for one in answer["Errors"]] == [("none", "ResourceNotFoundException")]


# A rotation's labels


def test_a_rotation_begins_with_an_empty_pending_version_which_a_put_fills(client: Any) -> None:
    one = client.create_secret(Name="k", SecretString="one")["VersionId"]
    assert refusal(client.rotate_secret, SecretId="k")[0] == "InvalidRequestException"
    rotation = {"SecretId": "k", "RotationLambdaARN": FUNCTION, "RotationRules": {"AutomaticallyAfterDays": 30}}
    two = client.rotate_secret(**rotation)["VersionId"]
    described = client.describe_secret(SecretId="k")
    assert (described["RotationEnabled"], described["RotationLambdaARN"]) == (True, FUNCTION)
    assert described["VersionIdsToStages"] == {one: [CURRENT], two: [PENDING]}
    pending = {"SecretId": "k", "VersionId": two, "VersionStage": PENDING}
    assert refusal(client.get_secret_value, **pending)[0] == "ResourceNotFoundException"
    put = {"SecretId": "k", "ClientRequestToken": two, "SecretString": "two", "VersionStages": [PENDING]}
    for _ in range(2):
        assert client.put_secret_value(**put)["VersionStages"] == [PENDING]
    assert client.get_secret_value(**pending)["SecretString"] == "two"
    code, message = refusal(client.rotate_secret, SecretId="k")
    assert (code, "isn't complete" in message) == ("InvalidRequestException", True)
    move = {"SecretId": "k", "VersionStage": CURRENT, "MoveToVersionId": two, "RemoveFromVersionId": one}
    client.update_secret_version_stage(**move)
    # AWSPENDING on the current version is no rotation under way.
    client.rotate_secret(SecretId="k")
    client.cancel_rotate_secret(SecretId="k")
    assert client.describe_secret(SecretId="k")["RotationEnabled"] is False


def test_a_secret_without_a_value_cannot_be_rotated(client: Any) -> None:
    client.create_secret(Name="k")
    code, message = refusal(client.rotate_secret, SecretId="k", RotationLambdaARN=FUNCTION)
    assert (code, CURRENT in message) == ("ResourceNotFoundException", True)
    assert refusal(client.cancel_rotate_secret, SecretId="k")[0] == "InvalidRequestException"
