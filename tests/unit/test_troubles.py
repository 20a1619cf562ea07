"""Tests of the table of store errors, with errors that the stores' own libraries raise: code and remedy of each."""

from typing import Any

import pytest
from botocore import exceptions as boto
from google.api_core import exceptions as core
from google.auth import exceptions as auth

from genai_credentials import FetchFailed, NoCredentials, ProviderChain, Unavailable
from genai_credentials.chain import foreign
from genai_credentials.errors import Attempt
from genai_credentials.sources.google_kinds import PASSING, RefusedOverRest, kind_of
from genai_credentials.troubles import AWS, GOOGLE, Trouble, described, of_aws, of_google

KEY = "AIzaSyExample-NeverToBeSeen_0123456789"
ROLE = "arn:aws:sts::123456789012:assumed-role/app/i-0"


def client_error(code: str, message: str = "") -> boto.ClientError:
    return boto.ClientError({"Error": {"Code": code, "Message": message}}, "GetSecretValue")


AWS_ROWS = [
    (client_error("AccessDeniedException"), "may not read", "secretsmanager:GetSecretValue"),
    (
        client_error("AccessDeniedException", f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: x"),
        "it lacks kms:Decrypt",
        "Allow this identity kms:Decrypt",
    ),
    (client_error("AccessDeniedException", "Access to KMS is not allowed"), "it lacks kms:Decrypt", "kms:Decrypt"),
    (client_error("InvalidSignatureException", "Signature expired: 20260304T035506Z is now earlier"), "clock", "clock"),
    (client_error("InvalidSignatureException", "The request signature we calculated"), "signature", "access key"),
    (client_error("ExpiredTokenException"), "have expired", "aws sso login"),
    (client_error("ExpiredToken"), "have expired", "aws sso login"),
    (client_error("UnrecognizedClientException"), "were refused", "access key"),
    (boto.UnauthorizedSSOTokenError(), "SSO", "aws sso login"),
    (
        boto.TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"),
        "SSO",
        "aws sso login",
    ),
    (boto.SSOTokenLoadError(error_msg="Token for x does not exist"), "SSO", "aws sso login"),
    (boto.LoginRefreshRequired(), "has expired", "aws login"),
    (boto.NoCredentialsError(), "no AWS credentials", "aws configure"),
    (boto.NoRegionError(), "no region", "AWS_REGION"),
    (boto.ProfileNotFound(profile="prod"), "profile", "AWS_PROFILE"),
    (boto.EndpointConnectionError(endpoint_url="https://x"), "cannot be reached", "region"),
]


@pytest.mark.parametrize(
    ("error", "said", "remedy"), AWS_ROWS, ids=lambda value: getattr(value, "msg", type(value).__name__)
)
def test_an_error_of_aws_is_explained_and_named_by_its_code(error: Any, said: str, remedy: str) -> None:
    trouble = of_aws(error)
    assert said in trouble.problem
    assert remedy in trouble.remedy
    response = getattr(error, "response", None)
    assert str(trouble).endswith(f": {response['Error']['Code'] if response else type(error).__name__}")


PLUGIN = "Getting metadata from plugin failed with error"
GOOGLE_ROWS = [
    (core.PermissionDenied("Permission 'secretmanager.versions.access' denied"), "PERMISSION_DENIED", "secretAccessor"),
    (core.Forbidden("Permission denied on resource"), "PERMISSION_DENIED", "secretAccessor"),
    (core.PermissionDenied("Secret Manager API has not been used in project 1 before"), "SERVICE_DISABLED", "Enable"),
    (core.NotFound("Secret [projects/1/secrets/x] not found"), "NOT_FOUND", "name"),
    (core.FailedPrecondition("is in DISABLED state."), "FAILED_PRECONDITION", "Enable it"),
    (core.BadRequest("Secret Version [x/versions/4] is in DISABLED state."), "FAILED_PRECONDITION", "Enable it"),
    (core.BadRequest("Resource ID is not in a valid format"), "INVALID_ARGUMENT", "name"),
    (core.Unauthorized("x"), "UNAUTHENTICATED", "Log in"),
    (core.TooManyRequests("x"), "RESOURCE_EXHAUSTED", "quota"),
    (core.RetryError("Timeout of 4 s", cause=core.ResourceExhausted("x")), "RESOURCE_EXHAUSTED", "quota"),
    (auth.RefreshError("invalid_grant: Token has been expired or revoked."), "RefreshError", "gcloud auth"),
    (auth.ReauthFailError("no"), "RefreshError", "gcloud auth"),
    (core.ServiceUnavailable(f"{PLUGIN}: Reauthentication is needed."), "RefreshError", "gcloud auth"),
    (core.ServiceUnavailable(f"{PLUGIN}: ('invalid_grant: Bad Request', {{}})"), "RefreshError", "gcloud auth"),
    (core.ServiceUnavailable(f"{PLUGIN}: Pool(): Max retries exceeded"), "TransportError", "tried again"),
    (RefusedOverRest("PermissionDenied", "the API has not been used in project 1"), "SERVICE_DISABLED", "Enable"),
    (RefusedOverRest("FailedPrecondition", "is in DISABLED state"), "FAILED_PRECONDITION", "Enable it"),
    (RefusedOverRest("HTTP status 418", "I am a teapot"), "", "gcloud secrets"),
    (RefusedOverRest("UnreadableAnswer", ""), "", "proxy"),
    (core.ServiceUnavailable("The service is currently unavailable."), "UNAVAILABLE", "tried again"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "code", "remedy"), GOOGLE_ROWS, ids=str)
def test_an_error_of_googles_is_explained_and_named_by_its_code(error: Exception, code: str, remedy: str) -> None:
    trouble = of_google(error)
    assert trouble.code == code
    assert remedy in trouble.remedy


def test_a_login_that_expired_is_no_outage_and_a_token_server_that_fails_is_one() -> None:
    failed = [str(error)[-40:] for error, code, _ in GOOGLE_ROWS if kind_of(error) == "RefreshError"]
    assert len(failed) == 4
    assert "RefreshError" not in PASSING
    assert kind_of(auth.RefreshError("503", retryable=True)) in PASSING
    assert kind_of(auth.TransportError("timed out")) in PASSING


@pytest.mark.parametrize("trouble", [*AWS.values(), *GOOGLE.values()], ids=str)
def test_every_trouble_has_a_remedy_that_tells_what_to_do(trouble: Trouble) -> None:
    assert trouble.problem
    assert trouble.remedy.endswith(".")
    assert "__cause__" not in trouble.remedy


def raised_by(raises: Any) -> FetchFailed:
    try:
        raises()
    except Exception as error:
        return foreign("callable:x", error)
    raise AssertionError


def test_an_error_of_a_cloud_library_is_told_with_its_text_redacted() -> None:
    def call() -> None:
        raise client_error("SomethingNewException", f"token {KEY} is odd")

    error = raised_by(call)
    assert "SomethingNewException" in error.message
    assert "test_troubles.py" in error.message
    assert KEY not in str(error)
    assert error.remedy


def test_any_other_error_is_told_by_its_class_and_place_alone() -> None:
    class VaultSealed(Exception):
        pass

    def call() -> None:
        raise VaultSealed(f"the secret was {KEY}, and the shelf green")

    error = raised_by(call)
    assert "VaultSealed (test_troubles.py:" in error.message
    assert "in call)" in error.message
    assert not any(part in str(error) for part in (KEY, "shelf"))
    assert error.remedy
    assert "__cause__" not in error.remedy


def test_an_error_without_a_traceback_is_told_by_its_class() -> None:
    assert described(KeyError(KEY)) == "KeyError"


def test_a_chain_without_a_key_has_a_remedy_even_if_no_provider_knows_one() -> None:
    def sealed() -> str:
        raise FetchFailed("vault: sealed.")

    with pytest.raises(NoCredentials) as caught:
        ProviderChain(sealed).fetch()
    assert "genai-credentials status" in caught.value.remedy
    assert NoCredentials(attempts=[Attempt("x", "absent", Unavailable("x."))]).remedy
