"""`AWSSecretsManager`: a provider that reads a key from AWS Secrets Manager."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from genai_credentials import redaction
from genai_credentials.deadline import seconds_in_all, seconds_left
from genai_credentials.errors import ConfigurationError, CredentialsError, FetchFailed, NoSuchSecret, Unavailable
from genai_credentials.fields import checked_field, decoded, extract_field
from genai_credentials.forks import at_work
from genai_credentials.key import ApiKey, refuse_a_key
from genai_credentials.per_process import PerProcess
from genai_credentials.provider import import_extra, sealed, sealed_put
from genai_credentials.sealing import sealed_call
from genai_credentials.sources.aws_names import CURRENT, PREVIOUS, checked_region, checked_secret
from genai_credentials.sources.aws_session import new_session
from genai_credentials.sources.base import Source, name_of, uri_of
from genai_credentials.sources.retries import insist
from genai_credentials.troubles import AWS, of_aws

if TYPE_CHECKING:
    from genai_credentials.writing.aws import Calls


class AWSSecretsManager(Source):
    """A provider that reads a key from AWS Secrets Manager. boto3 finds the cloud credentials.

    Args:
        secret_id: The name or the ARN of the secret.
        field: The JSON key that holds the API key, or the JSON Pointer (RFC 6901) to it, such as "/google/api_key".
            None means that the secret is the bare key.
        stage: The staging label to read. Each call names it, because a call without a label does not get the same
            answer everywhere. The server of moto then returns the old value (probed).
        version_id: The id of a version. The provider is then pinned to it. None means that `stage` selects the version.
        region: The region of the secret. None means the region in the ARN. If there is no ARN, boto3 finds the region.
            If boto3 finds no region, the variable AWS_REGION is used.
        client: A boto3 `secretsmanager` client, or a function without arguments that makes one. Providers with
            the same function share its client, and a forked child calls it again. None makes a client.

    Raises:
        ConfigurationError: `secret_id` is neither a name nor an ARN, or `stage` is empty.
            `region` is not the name of a region. `client` is neither a client nor a function.
            `field` is neither a name nor a JSON Pointer.
    """

    @sealed_call
    def __init__(
        self,
        secret_id: str,
        field: str | None = None,
        *,
        stage: str = CURRENT,
        version_id: str | None = None,
        region: str | None = None,
        client: Any | Callable[[], Any] | None = None,
    ) -> None:
        super().__init__()
        redaction.install()
        refuse_a_key(secret_id, field, region)
        region_of_arn = checked_secret(secret_id, stage, version_id)
        self.secret_id, self.field, self.stage, self.version_id = secret_id, checked_field(field), stage, version_id
        self._region = checked_region(region)
        self.region = self._region or region_of_arn
        self.name = name_of("aws", secret_id, self.field, **self._options())
        self._client: PerProcess[Any] = PerProcess.of(client, self._make_client, "get_secret_value", self)
        self._arn = ""

    @property
    def uri(self) -> str:
        """The text form of this provider."""
        return uri_of("aws", self.secret_id, self.field, **self._options())

    def _options(self) -> dict[str, str | None]:
        stage = None if self.stage == CURRENT else self.stage
        return {"region": self._region, "stage": stage, "version_id": self.version_id}

    def _again(self) -> Callable[[], Source]:
        which = partial(type(self), self.secret_id, self.field, region=self._region)
        return partial(which, stage=self.stage, version_id=self.version_id)

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key in the pinned version, or in the version with the staging label.

        Args:
            rejected: Ignored. Each fetch reads from the store.

        Raises:
            Unavailable: There are no AWS credentials on this machine.
            InvalidSecret: The secret cannot be a key.
            MissingDependency: boto3 is not installed.
            NoSuchSecret: The secret, the version or the staging label does not exist.
            FetchFailed: Another failure: access denied, marked for deletion, throttled, store down.
        """
        if self.version_id:
            return self._read(VersionId=self.version_id)
        return self._read(VersionStage=self.stage)

    @sealed
    def fetch_newer(self, current: ApiKey | None) -> ApiKey:
        """Return the key that the store has now. The store is read directly, without a cache.

        It raises the errors of `fetch`.

        Args:
            current: The serving key; None if there is none. It makes no difference here.
        """
        return self.fetch()

    @sealed
    def fetch_previous(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key under AWSPREVIOUS, even if it no longer works.

        It raises the errors of `fetch`.

        Args:
            rejected: Ignored.
        """
        if self.version_id or self.stage != CURRENT:
            raise FetchFailed(
                f"{self.name}: is pinned, and no earlier version can be tried.",
                remedy="Leave version_id and stage out.",
            )
        return self._read(VersionStage=PREVIOUS)

    def check_put(self) -> None:
        """Raise an error if no key can be stored with this provider.

        Raises:
            ConfigurationError: The provider is pinned to a version, or to a stage other than AWSCURRENT.
        """
        if self.version_id or self.stage != CURRENT:
            raise ConfigurationError(
                f"{self.name}: is pinned to a version or a stage. No key can be put there.",
                remedy="Leave version_id and stage out.",
            )

    @sealed_put
    def put(self, key: ApiKey | str) -> ApiKey:
        """Store a key as the current version of the secret, which must exist; see `Writable.put`.

        In JSON, all other members are kept. The new version first gets the label AWSPENDING. Then AWSCURRENT is moved
        to it from the version that was read. If AWSCURRENT is no longer on that version, it is not moved. AWS gives the
        former version the label AWSPREVIOUS.

        Args:
            key: The key, or its text.

        Raises:
            InvalidSecret: The text cannot be a key.
            ConfigurationError: The provider is pinned to a version, or to a stage other than AWSCURRENT.
            PutConflict: Another writer moved AWSCURRENT at the same moment.
            PutUnsure: The store gave no answer, and the key may be current.
            PutFailed: The store refused the call, or the new version would lose other content of the secret.
            FetchFailed: The answer of the store was cut short, or boto3 is not installed.
            Unavailable: There are no AWS credentials on this machine.
        """
        # Imported only when a key is written.
        from genai_credentials.writing.aws import StagedVersions
        from genai_credentials.writing.documents import document_for
        from genai_credentials.writing.text import text_of

        self.check_put()
        text = text_of(key, self.name)
        versions = StagedVersions(self.calls(), self.secret_id, self.name)
        return self.key(text, versions.put(document_for(self.field, self.name), text))

    def calls(self) -> Calls:
        """Return an object that calls the store by the names of a boto3 client's methods. Used to stage a version."""
        from genai_credentials.writing.aws import Calls

        return Calls(self._act, _kind, PROBLEMS, self.name)

    def identity(self) -> str:
        """Return the name that AWS uses: the ARN of the secret, and the field.

        It raises the errors of `fetch`.
        """
        if not self._arn:
            self.fetch()
        return f"aws:{self._arn}" + (f"#{self.field}" if self.field else "")

    def close(self) -> None:
        """Drop the connections. The next fetch makes new ones."""
        self._client.close(self)

    def reconnect(self) -> None:
        """Use new connections from the next call on. Called after a call that took too long."""
        self._client.drop()

    def _read(self, **which: str) -> ApiKey:
        try:
            call = partial(self._call, action="get_secret_value", SecretId=self.secret_id, **which)
            answer = self._client.ask(call, _is_read_timeout)
        except CredentialsError:
            raise
        except UnicodeError:
            # The error is not chained, because it holds the body of the answer.
            answer = {}
        except Exception as error:
            raise self._explained(error) from error
        text = extract_field(self._text_of(answer), self.field, self.name)
        self._arn = str(answer.get("ARN") or self.secret_id)
        return self.key(text, answer.get("VersionId"))

    def _act(self, action: str, **request: object) -> Any:
        return self._call(self._client.get(), action, **request)

    def _call(self, client: object, action: str, **request: object) -> Any:
        return insist(partial(getattr(client, action), **request), _passes, seconds_left() * 0.4)

    def _text_of(self, answer: Any) -> str:
        if isinstance(text := answer.get("SecretString"), str):
            return text
        if not (binary := answer.get("SecretBinary")):
            # If a body was cut short, botocore returns an empty answer with status 200 (probed).
            raise FetchFailed(
                f"{self.name}: the answer held no secret.",
                remedy="The answer was cut short, and the fetch is tried again. If the error lasts, check the network.",
            )
        return decoded(bytes(binary), f"{self.name}:")

    def _make_client(self) -> Any:
        session = new_session(self.region)
        if session.get_credentials() is None:
            raise Unavailable(
                f"{self.name}: there are no AWS credentials on this machine.",
                remedy="Run 'aws configure', or give the workload a role.",
            )
        # The default timeouts of boto3 are 60 s to connect and 60 s to read. These two and the retries of `_call` take
        # at most 95 % of `fetch_timeout`. They are computed from the whole time, because later fetches use the same
        # client and the first fetch may have spent most of its time on imports.
        config = import_extra("botocore.config", "aws").Config(
            connect_timeout=max(0.1, seconds_in_all() * 0.2),
            read_timeout=max(0.1, seconds_in_all() * 0.35),
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        with at_work():
            return session.client("secretsmanager", region_name=_region_of(session), config=config)

    def _explained(self, error: Exception) -> CredentialsError:
        trouble = of_aws(error)
        kinds = {"NoCredentialsError": Unavailable, "ResourceNotFoundException": NoSuchSecret}
        kind = kinds.get(trouble.code, FetchFailed)
        return kind(f"{self.name}: {trouble}.", remedy=trouble.remedy)


def _region_of(session: Any) -> str | None:
    """Return the region of a boto3 session, else AWS_REGION: ECS and Lambda set that variable, and boto3 ignores it."""
    return session.region_name or os.environ.get("AWS_REGION") or None


def _kind(error: Exception) -> str:
    """Return the error code of the store, or the name of the class if a library raised the error."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return str(code) or type(error).__name__


def _is_read_timeout(error: Exception) -> bool:
    return isinstance(error, import_extra("botocore.exceptions", "aws").ReadTimeoutError)


def _passes(error: Exception) -> bool:
    """Whether a retry may help: the store throttled the call, the store failed, or the connection broke off."""
    errors = import_extra("botocore.exceptions", "aws")
    if isinstance(error, errors.ClientError):
        response: Any = getattr(error, "response", {})
        code = str(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or THROTTLED.search(code) is not None
    if isinstance(error, (errors.ConnectTimeoutError, errors.ReadTimeoutError)):
        return False
    return isinstance(error, (errors.ConnectionError, errors.HTTPClientError))


THROTTLED = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|RequestTimeout")
PROBLEMS = {code: (trouble.problem, trouble.remedy) for code, trouble in AWS.items()}
"""The meaning of each error code of the store and its remedy, for other callers of the store."""
