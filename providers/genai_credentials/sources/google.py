"""`GoogleSecretManager`: a key from Google Secret Manager."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genai_credentials import redaction
from genai_credentials.deadline import seconds_left
from genai_credentials.errors import ConfigurationError, CredentialsError, FetchFailed, InvalidSecret, Unavailable
from genai_credentials.forks import PerProcess
from genai_credentials.key import ApiKey, extract_field
from genai_credentials.provider import import_extra, sealed
from genai_credentials.sources.base import Source, refuse_a_key, uri_of

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

MOST_PROBES = 8
"""How many versions past a refused one are asked for by number."""

METADATA_TIMEOUT = 1.0
"""Seconds to wait for a metadata server: a laptop has none, and its absence must not cost the whole fetch."""

_RESOURCE = re.compile(
    r"(?P<secret>projects/[^/\s]+(?:/locations/(?P<location>[a-z0-9-]+))?/secrets/[A-Za-z0-9_-]{1,255})"
    r"(?:/versions/(?P<version>[A-Za-z0-9_-]{1,63}))?"
)


class GoogleSecretManager(Source):
    """A key from Google Secret Manager, with application default credentials.

    Without a version it follows `latest`. That alias is eventually consistent, by Google's documentation, and only a
    version by number is strongly consistent. So after a rejection of version N the versions N+1, N+2… are asked for by
    number first, and a `latest` that later answers with a lower version than was seen does not undo a rotation.

    Args:
        resource: `projects/P/secrets/S`, or regional `projects/P/locations/L/secrets/S`; with `/versions/V` it is
            pinned to that number or alias, and stays so after a rejection.
        field: The JSON key that holds the API key; None means that the secret is the bare key.
        client: A `SecretManagerServiceClient`, or a zero-argument factory of one, which is called again in a forked
            child; None makes one, at the regional endpoint for a regional secret.

    Raises:
        ConfigurationError: The resource name has another form.
    """

    def __init__(
        self,
        resource: str,
        field: str | None = None,
        *,
        client: SecretManagerServiceClient | Callable[[], SecretManagerServiceClient] | None = None,
    ) -> None:
        super().__init__()
        redaction.install()
        refuse_a_key(resource, field)
        match = _RESOURCE.fullmatch(resource) if isinstance(resource, str) else None
        if match is None:
            raise ConfigurationError(
                f"{resource!r} is no name of a secret.",
                remedy="Write projects/PROJECT/secrets/SECRET, and if need be /locations/… and /versions/….",
            )
        self.secret, self.location, self.pinned = match["secret"], match["location"], match["version"]
        if self.pinned == "latest":
            self.pinned = None
        self.resource = resource
        self.field = field or None
        self.name = f"google:{resource}" + (f"#{field}" if field else "")
        self._client: PerProcess[SecretManagerServiceClient] = PerProcess.of(client, self._make_client)
        self._highest = 0

    @property
    def uri(self) -> str:
        """The text form of this provider."""
        return uri_of("google", self.resource, self.field)

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """The key in the pinned version, or in the newest one that can be reached.

        Raises:
            Unavailable: There are no Google credentials on this machine.
            InvalidSecret: The secret cannot be a key.
            MissingDependency: google-cloud-secret-manager or google-crc32c is not installed.
            FetchFailed: Anything else: denied, no such secret, disabled, down, wrong checksum.
        """
        if self.pinned:
            return self._access(self.pinned)
        newer, trouble = self._newer_than(_number(rejected)) if self._is_ours(rejected) else (None, None)
        key = newer or self._not_lower(self._access("latest"))
        if trouble is not None and key == rejected:
            raise trouble
        self._highest = max(self._highest, _number(key))
        return key

    @sealed
    def fetch_previous(self, rejected: ApiKey | None = None) -> ApiKey:
        """The key in the version before the refused one, whatever that is worth. Raises like `fetch`."""
        if not self._is_ours(rejected) or _number(rejected) < 2 or self.pinned:
            raise FetchFailed(f"{self.name}: has no earlier version.")
        return self._access(str(_number(rejected) - 1))

    def close(self) -> None:
        """Drop the connection; the next fetch makes another."""
        self._client.drop()

    def _is_ours(self, key: ApiKey | None) -> bool:
        return key is not None and key.provider == self.name and _number(key) > 0

    def _newer_than(self, number: int) -> tuple[ApiKey | None, FetchFailed | None]:
        """The newest version past a number, and what else was in the way; neither hides the other."""
        newest: ApiKey | None = None
        trouble: FetchFailed | None = None
        for version in range(number + 1, number + 1 + MOST_PROBES):
            try:
                newest = self._access(str(version))
            except _NotEnabled:
                continue
            except InvalidSecret as error:
                trouble = error
            except _NotFound:
                break
            except FetchFailed as error:
                trouble = error
                break
        return newest, trouble

    def _not_lower(self, latest: ApiKey) -> ApiKey:
        if _number(latest) >= self._highest:
            return latest
        try:
            return self._access(str(self._highest))
        except (_NotFound, _NotEnabled):
            # Rolled back on purpose: what was seen is gone.
            self._highest = _number(latest)
            return latest

    def _access(self, version: str) -> ApiKey:
        # The libraries first: a missing one is MissingDependency, whatever else is wrong.
        api_core, retry = (
            import_extra("google.api_core.exceptions", "google"),
            import_extra("google.api_core.retry", "google"),
        )
        budget = seconds_left() * 0.9
        transient = retry.if_exception_type(
            api_core.ServiceUnavailable, api_core.ResourceExhausted, api_core.InternalServerError
        )
        again = retry.Retry(predicate=transient, initial=0.1, maximum=1.0, timeout=budget / 2)
        try:
            client = self._client.get()
            answer = client.access_secret_version(name=f"{self.secret}/versions/{version}", retry=again, timeout=budget)
        except CredentialsError:
            raise
        except Exception as error:
            raise self._explained(error, version) from error
        return self._key_of(answer)

    def _key_of(self, answer: Any) -> ApiKey:
        data, version = answer.payload.data, answer.name.rsplit("/", 1)[-1]
        # The stock client doesn't compare them (probed: a corrupted checksum came back silently).
        checksum = answer.payload.data_crc32c
        # 0 is a checksum like any other, where it was sent.
        was_sent = checksum or "data_crc32c" in answer.payload
        if was_sent and import_extra("google_crc32c", "google").value(data) != checksum:
            raise FetchFailed(
                f"{self.name}: version {version} arrived damaged (its CRC32C checksum is wrong).",
                remedy="It is fetched again; if it stays so, add the secret's version again.",
            )
        return self.key(extract_field(self._decode(data, version), self.field, self.name), version)

    def _decode(self, data: bytes, version: str) -> str:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            # Not chained: the error carries the secret.
            problem = InvalidSecret(
                f"{self.name}: version {version} is binary, not UTF-8 text.", remedy="Store the key as plain text."
            )
        raise problem

    def _make_client(self) -> SecretManagerServiceClient:
        secretmanager = import_extra("google.cloud.secretmanager_v1", "google")
        options = {"api_endpoint": f"secretmanager.{self.location}.rep.googleapis.com"} if self.location else None
        client: SecretManagerServiceClient = secretmanager.SecretManagerServiceClient(
            credentials=self._credentials(), client_options=options
        )
        return client

    def _credentials(self) -> Any:
        auth, errors = import_extra("google.auth", "google"), import_extra("google.auth.exceptions", "google")
        session = import_extra("google.auth.transport.requests", "google").Request()

        def quick(*args: Any, timeout: float | None = None, **options: Any) -> Any:
            return session(*args, timeout=min(timeout or METADATA_TIMEOUT, METADATA_TIMEOUT), **options)

        try:
            return auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"], request=quick)[0]
        except Exception as error:
            # Not only DefaultCredentialsError: a file with a JSON list in it raises AttributeError (probed).
            none = isinstance(error, errors.DefaultCredentialsError) and "credentials were not found" in str(error)
            if none and not os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
                raise Unavailable(
                    f"{self.name}: there are no Google credentials on this machine.",
                    remedy="Run 'gcloud auth application-default login', or give the workload a service account.",
                ) from None
            raise FetchFailed(
                f"{self.name}: the Google credentials of this machine cannot be loaded.",
                remedy="Check GOOGLE_APPLICATION_CREDENTIALS and the file it names.",
            ) from error

    def _explained(self, error: Exception, version: str) -> FetchFailed:
        # When the retries give up, what they gave up on is what there is to say: a throttled store is not down.
        kind = type(getattr(error, "cause", None) or error).__name__
        problem, remedy = _PROBLEMS.get(
            kind, (f"the call failed with {kind}", "That error is the __cause__ of this one.")
        )
        raised = {"NotFound": _NotFound, "FailedPrecondition": _NotEnabled}.get(kind, FetchFailed)
        return raised(f"{self.name}: {problem} (version {version}).", remedy=remedy)


class _NotFound(FetchFailed):
    """No such secret or version."""


class _NotEnabled(FetchFailed):
    """The version is disabled or destroyed."""


_LATER = "It is tried again; check the store's status and this machine's network if it lasts."
_PROBLEMS = {
    "NotFound": ("no such secret or version", "Check the project, the name and the version."),
    "PermissionDenied": (
        "this identity may not read the secret",
        "Grant it roles/secretmanager.secretAccessor on the secret.",
    ),
    "Forbidden": ("this identity may not read the secret", "Grant it roles/secretmanager.secretAccessor."),
    "Unauthenticated": ("the Google credentials were refused", "Log in again, or renew the service account's key."),
    "RefreshError": ("the Google credentials could not be renewed", "Log in again, or check the service account."),
    "FailedPrecondition": ("the version is disabled or destroyed", "Enable it, or add a new version."),
    "InvalidArgument": ("the store does not understand the name", "Check the resource's name."),
    "DeadlineExceeded": ("no answer in time", _LATER),
    "ServiceUnavailable": ("the store is unavailable", _LATER),
    "RetryError": ("the store stayed unavailable", _LATER),
    "ResourceExhausted": ("the store throttles this project", "Raise the ttl, or the project's quota."),
    "InternalServerError": ("the store failed", _LATER),
    "TransportError": ("the way to Google's token server failed", _LATER),
}


def _number(key: ApiKey | None) -> int:
    return int(key.version) if key is not None and key.version and key.version.isdecimal() else 0
