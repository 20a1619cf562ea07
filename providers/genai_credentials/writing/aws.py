"""A put to AWS Secrets Manager. A version is staged, then AWSCURRENT is moved to it from the version that was read.

Moving this label is the only compare-and-swap of the store. The call names the version that has the label. AWS refuses
the call if another version has it.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from genai_credentials.errors import CredentialsError, FetchFailed, PutConflict, PutFailed, PutUnsure, Unavailable
from genai_credentials.writing.documents import Content, Document

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"

PAUSES = (0.1, 0.3, 0.9)
"""Seconds to wait before each new try to move a label to a version just stored, which the store may not find yet."""

_TOKENS = uuid.UUID("5f0b6c0e-6f0a-4c55-9d5b-0d0f3a1f6b55")


_MAY_NOT = (
    "this identity may not read or write the secret",
    "Allow it secretsmanager:DescribeSecret, GetSecretValue, PutSecretValue and UpdateSecretVersionStage on the "
    "secret, and kms:GenerateDataKey and kms:Decrypt on its KMS key.",
)
_MAYBE = "Put the key again. It may already be current, and the same key is not stored twice."
_PROBLEMS = {
    "AccessDeniedException": _MAY_NOT,
    "AccessDenied": _MAY_NOT,
    "403": _MAY_NOT,
    "EncryptionFailure": (
        "the secret cannot be encrypted",
        "Allow this identity kms:GenerateDataKey and kms:Decrypt on the secret's KMS key, and check that key's state.",
    ),
    "ResourceNotFoundException": (
        "there is no such secret",
        "Create it first: aws secretsmanager create-secret --name NAME.",
    ),
    "LimitExceededException": (
        "the secret has reached its limit of versions",
        "Remove labels from old versions, and put the key again later.",
    ),
    "ThrottlingException": ("the store throttles this account", "Try again in a minute."),
    "NoCredentialsError": (
        "there are no AWS credentials on this machine",
        "Run 'aws configure' or 'aws sso login', or give the workload a role.",
    ),
}
"""The error code of the store -> the problem and the remedy, for errors that mean something else when reading."""


class Refused(PutFailed):
    """The store refused a call.

    Args:
        message: What happened and where.
        remedy: What to do next; empty if there is nothing to add.
        code: The error code of the store.
    """

    def __init__(self, message: str, *, remedy: str = "", code: str = "") -> None:
        self.code = code
        super().__init__(message, remedy=remedy)


class Calls:
    """Calls of the store for a put. An error of the store is raised as a `Refused` with a remedy.

    Args:
        act: Calls a method of a boto3 client by its name.
        kind_of: Returns the error code of the store, or the name of the class of another error.
        problems: The problem and the remedy of each code, used if this module has none for the code.
        where: The name of the provider, for the errors.
    """

    def __init__(
        self,
        act: Callable[..., Any],
        kind_of: Callable[[Exception], str],
        problems: Mapping[str, tuple[str, str]],
        where: str,
    ) -> None:
        self._act, self._kind_of, self._problems, self._where = act, kind_of, problems, where

    def __call__(self, action: str, **request: Any) -> Any:
        """Return the answer to an action.

        Args:
            action: The name of the boto3 client's method.
            request: The keywords of that method.

        Raises:
            Refused: The store refused the call.
            Unavailable: There are no AWS credentials on this machine.
        """
        try:
            return self._act(action, **request)
        except CredentialsError:
            raise
        except Exception as error:
            kind = self._kind_of(error)
        # The first error is not chained, because its frames hold the key.
        unknown = f"the call failed with {kind}", "Search for this error, then put the key again."
        problem, remedy = _PROBLEMS.get(kind, self._problems.get(kind, unknown))
        if kind == "NoCredentialsError":
            raise Unavailable(f"{self._where}: {problem}.", remedy=remedy)
        raise Refused(f"{self._where}: {problem}.", remedy=remedy, code=kind)


class Current(NamedTuple):
    """The version under AWSCURRENT.

    Args:
        arn: The ARN of the secret.
        version: The id of the version; None if the secret has no version.
        content: The bytes of the version.
        binary: Whether the version is a SecretBinary.
    """

    arn: str
    version: str | None
    content: bytes
    binary: bool


class StagedVersions:
    """The versions of one secret, with the operations of a put.

    Args:
        call: Calls an action by the name of a boto3 client's method; raises `Refused`.
        secret_id: The name or the ARN of the secret.
        where: The name of the provider, for the errors.
    """

    def __init__(self, call: Callable[..., Any], secret_id: str, where: str) -> None:
        self._call, self._secret_id, self._where = call, secret_id, where

    def put(self, document: Document, key: str) -> str:
        """Make a version with this key the current one, unless the current version has the key. Returns the id.

        Raises:
            PutConflict: Another writer moved AWSCURRENT at the same moment. That version stays current.
            PutUnsure: The store gave no answer, and the key may be current.
            PutFailed: The new version would lose other content of the secret, or the store refused a call.
        """
        current = self.current()
        before = Content(current.content, document, self._where)
        if current.version and before.holds(key):
            return current.version
        staged = self.stage(current, before.with_key(key))
        try:
            # AWS itself gives AWSCURRENT to the first version of a secret.
            if current.version or self.current().version != staged:
                self.promote(current, staged)
            return staged
        except Refused as refusal:
            problem: PutFailed = refusal
        finally:
            self.unstage(current, staged)
        try:
            now = self.current()
        except CredentialsError:
            raise PutUnsure(problem.message, remedy=_MAYBE) from None
        if now.version and Content(now.content, document, self._where).holds(key):
            return now.version
        raise problem if now.version == current.version else self._conflict(now)

    def current(self) -> Current:
        """Return the version under AWSCURRENT.

        Raises:
            PutFailed: The version cannot be read.
            FetchFailed: The answer was cut short, or the store has not caught up yet.
        """
        try:
            answer = self._call("get_secret_value", SecretId=self._secret_id, VersionStage=CURRENT)
        except Refused as refusal:
            if refusal.code != "ResourceNotFoundException":
                raise
            return self._empty()
        if isinstance(text := answer.get("SecretString"), str):
            return Current(answer["ARN"], answer["VersionId"], text.encode(), binary=False)
        if not (content := answer.get("SecretBinary")):
            # If a body was cut short, botocore returns an empty answer with status 200 (probed).
            raise FetchFailed(
                f"{self._where}: the answer held no secret.", remedy="Try again: the answer was cut short."
            )
        return Current(answer["ARN"], answer["VersionId"], bytes(content), binary=True)

    def _empty(self) -> Current:
        """Return the state of a secret that was created without a value."""
        answer = self._call("describe_secret", SecretId=self._secret_id)
        if any(CURRENT in stages for stages in answer.get("VersionIdsToStages", {}).values()):
            raise FetchFailed(f"{self._where}: the current version was not found.", remedy="Try again in a moment.")
        return Current(answer["ARN"], None, b"", binary=False)

    def stage(self, current: Current, content: bytes, token: str | None = None) -> str:
        """Store a version under AWSPENDING and return its id. A repeated call returns the same id.

        Args:
            current: The version under AWSCURRENT.
            content: The bytes to store.
            token: The id for the version, as AWS gives it to a rotation function. None derives an id from `current` and
                `content`.
        """
        kind = "SecretBinary" if current.binary else "SecretString"
        value = content if current.binary else content.decode()
        # The id depends on the current version and on the content. A repeated put thus continues a put that was cut
        # short. A key that returns later gets a new version.
        seed = f"{current.arn} {current.version} {kind} {hashlib.sha256(content).hexdigest()}"
        request = {
            "ClientRequestToken": token or str(uuid.uuid5(_TOKENS, seed)),
            "VersionStages": [PENDING],
            kind: value,
        }
        return str(self._call("put_secret_value", SecretId=current.arn, **request)["VersionId"])

    def promote(self, current: Current, staged: str) -> None:
        """Move AWSCURRENT from the version that was read to the staged version.

        Raises:
            Refused: Another version has AWSCURRENT now, or the store failed.
        """
        source = {"RemoveFromVersionId": current.version} if current.version else {}
        request = {"SecretId": current.arn, "VersionStage": CURRENT, "MoveToVersionId": staged, **source}
        for pause in PAUSES:
            try:
                self._call("update_secret_version_stage", **request)
                return
            except Refused as refusal:
                if refusal.code != "ResourceNotFoundException":
                    raise
            time.sleep(pause)
        self._call("update_secret_version_stage", **request)

    def unstage(self, current: Current, staged: str) -> None:
        """Remove AWSPENDING from the staged version, because AWS takes it as the sign of a rotation under way."""
        # AWS refuses the call if another put has given the label to its version.
        with suppress(Refused):
            self._call(
                "update_secret_version_stage", SecretId=current.arn, VersionStage=PENDING, RemoveFromVersionId=staged
            )

    def _conflict(self, now: Current) -> PutConflict:
        version = f"version {now.version}" if now.version else "a version without AWSCURRENT"
        return PutConflict(
            f"{self._where}: another writer made {version} current at the same moment. That version was kept.",
            remedy="Read the key in that version. If your key is to serve instead, put it again.",
        )
