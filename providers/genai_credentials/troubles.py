"""A table of the errors of stores: the code of each error, its meaning, and what to do.

The sources and the command `explain` share this table. The codes come from AWS Secrets Manager, botocore,
google-api-core and google-auth.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any, NamedTuple

from genai_credentials.errors import KEY_SHAPES
from genai_credentials.sources.google_kinds import RefusedOverRest, kind_of


class Trouble(NamedTuple):
    """One error of a store.

    Args:
        problem: What happened, as the second part of a sentence that begins with the name of the provider.
        remedy: What to do next.
        code: The code of the store, as a word to search for. For an error that isn't in the tables: the place in the
            code and the text of the error.
    """

    problem: str
    remedy: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.problem}: {self.code}" if self.code else self.problem


LATER = "The fetch is tried again. If the error lasts, check the status of the store and this machine's network."
AWS_LOGIN = "Run 'aws configure' or 'aws sso login', or check the role of the workload."
GOOGLE_LOGIN = "Run 'gcloud auth application-default login', or give the workload a service account."

_DENIED = Trouble(
    "this identity may not read the secret",
    "Allow the identity secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its KMS key.",
)
_REFUSED = Trouble(
    "the AWS credentials were refused",
    "Check that the access key exists, is enabled, and belongs to this account and partition. " + AWS_LOGIN,
)
_SIGNATURE = Trouble(
    "the AWS credentials were refused: the signature is wrong",
    "Check that the secret access key belongs to the access key. Check the clock of this machine.",
)
_CLOCK = Trouble(
    "the AWS credentials were refused, because this machine's clock is wrong",
    "Set the clock with chrony or timedatectl. After a sleep of the machine, restart the VM or the container.",
)
_EXPIRED = Trouble(
    "the AWS credentials have expired",
    "Log in again with 'aws sso login', or renew the session token. For a workload, use a role.",
)
_SSO = Trouble(
    "the AWS login of this machine (SSO) has expired", "Run 'aws sso login'. For another profile, add --profile."
)
_LOGIN = Trouble("the AWS login of this machine has expired", "Run 'aws login'. For another profile, add --profile.")
_UNREACHABLE = Trouble("the store cannot be reached", f"Check the name of the region. {LATER}")
_SILENT = Trouble("no answer from the store", LATER)
_FAILED = Trouble("the store failed", LATER)
_THROTTLED = Trouble("the store throttles this account", "Raise the ttl, or the account's quota.")

AWS: dict[str, Trouble] = {
    "AccessDeniedException": _DENIED,
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "DecryptionFailure": Trouble(
        "the secret cannot be decrypted",
        "Allow this identity kms:Decrypt on the secret's KMS key, and check that the KMS key is enabled.",
    ),
    "ResourceNotFoundException": Trouble(
        "there is no such secret, version or stage", "Check the name, the region and the account."
    ),
    "InvalidRequestException": Trouble(
        "the secret is marked for deletion", "Restore the secret, or name another secret."
    ),
    "InvalidParameterException": Trouble("the request is invalid", "Check the name, stage and version."),
    "ExpiredTokenException": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "UnrecognizedClientException": _REFUSED,
    "InvalidClientTokenId": _REFUSED,
    "OptInRequired": Trouble(
        "this AWS account may not use the service or the region", "Enable the service and the region in the account."
    ),
    "InvalidSignatureException": _SIGNATURE,
    "SignatureDoesNotMatch": _SIGNATURE,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "NoCredentialsError": Trouble("there are no AWS credentials on this machine", AWS_LOGIN),
    "PartialCredentialsError": Trouble("the AWS credentials are incomplete", AWS_LOGIN),
    "CredentialRetrievalError": Trouble("the AWS credentials could not be fetched", AWS_LOGIN),
    "UnauthorizedSSOTokenError": _SSO,
    "SSOTokenLoadError": _SSO,
    "SSOError": _SSO,
    "TokenRetrievalError": _SSO,
    "LoginRefreshRequired": _LOGIN,
    "LoginTokenLoadError": _LOGIN,
    "ProfileNotFound": Trouble(
        "the AWS profile does not exist", "Check AWS_PROFILE and the configuration file."
    ),
    "NoRegionError": Trouble("no region is set", "Pass region=…, or set AWS_REGION."),
    "InvalidRegionError": Trouble("the name of the region is wrong", "Check region=… and AWS_REGION."),
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "InternalServiceError": _FAILED,
    "ServiceUnavailable": _FAILED,
    "EndpointConnectionError": _UNREACHABLE,
    "ProxyConnectionError": Trouble("the proxy cannot be reached", "Check HTTPS_PROXY and NO_PROXY."),
    "SSLError": Trouble(
        "the store's certificate is not trusted here", "Set AWS_CA_BUNDLE to the certificate of its authority."
    ),
    "ConnectTimeoutError": _SILENT,
    "ReadTimeoutError": _SILENT,
    "ConnectionClosedError": _SILENT,
}  # fmt: skip

_GOOGLE_DENIED = Trouble(
    "this identity may not read the secret",
    "Grant the identity roles/secretmanager.secretAccessor on the secret, and check the name of the project.",
    "PERMISSION_DENIED",
)
_GOOGLE_REFUSED = Trouble(
    "the Google credentials were refused", "Log in again, or renew the service account's key.", "UNAUTHENTICATED"
)
_GOOGLE_EXPIRED = Trouble(
    "the Google login of this machine has expired or was revoked",
    f"{GOOGLE_LOGIN} If you use a service account's key, check that the key exists and is enabled.",
    "RefreshError",
)
_DISABLED_API = Trouble(
    "the Secret Manager API is disabled in the project",
    "Enable secretmanager.googleapis.com in the project.",
    "SERVICE_DISABLED",
)
NOT_ENABLED = Trouble("the version is disabled or destroyed", "Enable it, or add a new version.", "FAILED_PRECONDITION")
NOT_FOUND = Trouble("there is no such secret or version", "Check the project, the name and the version.", "NOT_FOUND")
_UNCLEAR_NAME = Trouble("the name of the secret is invalid", "Check the resource's name.", "INVALID_ARGUMENT")
_TOO_MANY = Trouble("the store throttles this project", "Raise the ttl, or the project's quota.", "RESOURCE_EXHAUSTED")

GOOGLE: dict[str, Trouble] = {
    "NotFound": NOT_FOUND,
    "PermissionDenied": _GOOGLE_DENIED,
    "Forbidden": _GOOGLE_DENIED,
    "Unauthenticated": _GOOGLE_REFUSED,
    "Unauthorized": _GOOGLE_REFUSED,
    "RefreshError": _GOOGLE_EXPIRED,
    "ReauthFailError": _GOOGLE_EXPIRED,
    "FailedPrecondition": NOT_ENABLED,
    "InvalidArgument": _UNCLEAR_NAME,
    "BadRequest": _UNCLEAR_NAME,
    "DeadlineExceeded": Trouble("no answer from the store in time", LATER, "DEADLINE_EXCEEDED"),
    "GatewayTimeout": Trouble("no answer from the store in time", LATER, "DEADLINE_EXCEEDED"),
    "ServiceUnavailable": Trouble("the store is unavailable", LATER, "UNAVAILABLE"),
    "RetryError": Trouble("the store stayed unavailable", LATER),
    "ResourceExhausted": _TOO_MANY,
    "TooManyRequests": _TOO_MANY,
    "InternalServerError": Trouble("the store failed", LATER, "INTERNAL"),
    "SERVICE_DISABLED": _DISABLED_API,
    "DefaultCredentialsError": Trouble("there are no Google credentials on this machine", GOOGLE_LOGIN),
    "UnreadableAnswer": Trouble(
        "the answer does not come from Secret Manager", "Check the proxy between this machine and the store."
    ),
    "TransportError": Trouble("Google's token server cannot be reached", LATER, "TransportError"),
}  # fmt: skip

_ACTION = re.compile(r"not authorized to perform:? ?([a-z0-9-]{2,40}:\w{3,60})")
_NO_KMS = re.compile(r"Access to KMS is not allowed|(?i:kms)\b.{0,80}(?:denied|not authorized)")
_LATE = re.compile(r"Signature (?:expired|not yet current)|skewed|clock")
_NOT_IN_USE = re.compile(r"is in (?:DISABLED|DESTROYED) state|FAILED_PRECONDITION")
_SWITCHED_OFF = re.compile(r"SERVICE_DISABLED|API has not been used in project|it is disabled")
PATCHED_LATE = Trouble(
    "gevent patched ssl after the import of ssl, so every TLS connection ends in an endless recursion",
    "Call gevent.monkey.patch_all() before any other import.",
)
_KNOWN_MODULES = ("botocore", "boto3", "google.auth", "google.api_core")


def of_aws(error: BaseException) -> Trouble:
    """Return the meaning of an error of boto3.

    Args:
        error: The error that a call raised.
    """
    response = getattr(error, "response", None)
    said = response.get("Error", {}) if isinstance(response, dict) else {}
    code, message = str(said.get("Code", "")) or type(error).__name__, str(said.get("Message", ""))
    trouble = AWS.get(code)
    if trouble is None:
        return _unknown(error, "Search for this error, or run 'aws secretsmanager get-secret-value' for details.")
    if trouble is _SIGNATURE and _LATE.search(message):
        trouble = _CLOCK
    if trouble is _DENIED:
        trouble = _lacking(message)
    return trouble._replace(code=code)


def _lacking(message: str) -> Trouble:
    """The meaning of a denial. If AWS names the missing action, the result names it too."""
    found = _ACTION.search(message)
    action = found[1] if found else "kms:Decrypt" if _NO_KMS.search(message) else ""
    if not action:
        return _DENIED
    return Trouble(
        f"{_DENIED.problem}: it lacks {action}",
        f"Allow this identity {action}, in its policy or in the policy of the KMS key.",
    )


def of_google(error: Exception) -> Trouble:
    """Return the meaning of an error of google-auth or of Secret Manager, over gRPC or REST.

    Args:
        error: The error that a call raised.
    """
    kind, text = kind_of(error), str(getattr(error, "cause", None) or error)
    if kind in ("BadRequest", "InvalidArgument") and _NOT_IN_USE.search(text):
        return NOT_ENABLED
    if kind in ("PermissionDenied", "Forbidden") and _SWITCHED_OFF.search(text):
        return _DISABLED_API
    if trouble := GOOGLE.get(kind):
        return trouble
    remedy = "Search for this error, or run 'gcloud secrets versions access' for details."
    if isinstance(error, RefusedOverRest) or type(error).__module__.startswith("google.api_core."):
        return Trouble(f"the call failed with {kind}", remedy)
    return _unknown(error, remedy)


def is_patched_late(error: BaseException) -> bool:
    """Return whether gevent patched ssl after its import. The properties of ssl then call themselves without end."""
    return isinstance(error, RecursionError) and "gevent.monkey" in sys.modules and "(ssl.py:" in place(error)


def _unknown(error: BaseException, remedy: str) -> Trouble:
    if is_patched_late(error):
        return PATCHED_LATE
    kind, rest = type(error).__name__, described(error).removeprefix(type(error).__name__).strip(" ")
    return Trouble(f"the call failed with {kind}", remedy, rest)


def described(error: BaseException) -> str:
    """Return the class and the place of an error that isn't ours, and its text if that contains no secret.

    Only the texts of the cloud libraries are known to contain no secret; they are redacted and kept. The text of any
    other error may contain the key.
    """
    kind = type(error)
    known = kind.__module__.startswith(_KNOWN_MODULES)
    text = KEY_SHAPES.sub("…", " ".join(str(error).split()))[:200] if known else ""
    return f"{kind.__name__} {place(error)}{f': {text}' if text else ''}".rstrip()


def place(error: BaseException) -> str:
    """Return the place where an error was raised: file, line and function; empty if it has no traceback."""
    at: Any = error.__traceback__
    if at is None:
        return ""
    while at.tb_next is not None:
        at = at.tb_next
    code = at.tb_frame.f_code
    return f"({os.path.basename(code.co_filename)}:{at.tb_lineno}, in {code.co_name})"
