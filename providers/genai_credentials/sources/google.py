"""`GoogleSecretManager`: a provider that reads a key from Google Secret Manager."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from genai_credentials import redaction
from genai_credentials.deadline import seconds_left
from genai_credentials.errors import ConfigurationError, CredentialsError, FetchFailed, MissingDependency
from genai_credentials.fields import checked_field, decoded, extract_field
from genai_credentials.key import ApiKey, refuse_a_key
from genai_credentials.per_process import PerProcess
from genai_credentials.provider import sealed, sealed_put
from genai_credentials.sealing import sealed_call
from genai_credentials.sources.base import Source, name_of, uri_of
from genai_credentials.sources.checksum import crc32c
from genai_credentials.sources.google_clients import Accessed, RestClient, add_with, read_with, stock_client
from genai_credentials.sources.google_kinds import PASSING, kind_of, without_frames
from genai_credentials.sources.google_login import default_credentials
from genai_credentials.sources.retries import insist
from genai_credentials.sources.versions import NotEnabled, NotFound, Versions, number_of
from genai_credentials.troubles import NOT_ENABLED, NOT_FOUND, of_google

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

MOST_PROBES = 8
"""How many versions above a version, and how many below it, a fetch asks for by number."""

Transport = Literal["grpc", "rest"]

_RESOURCE = re.compile(
    r"(?P<secret>projects/[^/\s]+(?:/locations/(?P<location>[a-z0-9-]+))?/secrets/[A-Za-z0-9_-]{1,255})"
    r"(?:/versions/(?P<version>[A-Za-z0-9_-]{1,63}))?"
)
# The message of the store: "Secret Version [projects/…/versions/2] is in DISABLED state."
_NUMBER = re.compile(r"/versions/(\d+)\b")


class GoogleSecretManager(Source):
    """A provider that reads a key from Google Secret Manager, with application default credentials.

    Without a version, the provider follows `latest`. That alias is eventually consistent, and only a version by number
    is strongly consistent. Therefore, after a refusal of version N, a fetch first asks for N+1, N+2 and so on by
    number. If `latest` later returns a lower version than before, the higher version is served. If `latest` points to a
    version that is disabled or destroyed, the newest readable version is served.

    Source: https://docs.cloud.google.com/secret-manager/regional-secrets/reference/consistency.

    Args:
        resource: `projects/P/secrets/S`, or `projects/P/locations/L/secrets/S` for a regional secret. With
            `/versions/V`, the provider is pinned to that number or alias, also after a refusal.
        field: The JSON key that holds the API key, or the JSON Pointer (RFC 6901) to it, such as "/google/api_key".
            None means that the secret is the bare key.
        client: A `SecretManagerServiceClient`, or a function without arguments that makes one. Providers with
            the same function share its client, and a forked child calls it again. None makes a client, at the regional
            endpoint for a regional secret. With None, the variable `SECRET_MANAGER_EMULATOR_HOST` can name an emulator
            on this machine.
        transport: How to read the secret if no client is passed. "grpc" is the stock client. "rest" is plain REST over
            a session of google-auth, which is installed with google-genai. None means the stock client if it is
            installed, else REST.

    Raises:
        ConfigurationError: The resource name has another form, or the field is neither a name nor a JSON Pointer.
            `client` is neither a client nor a function. The transport does not exist, or `transport="rest"` and a
            client were passed together.
    """

    @sealed_call
    def __init__(
        self,
        resource: str,
        field: str | None = None,
        *,
        client: SecretManagerServiceClient | Callable[[], SecretManagerServiceClient] | None = None,
        transport: Transport | None = None,
    ) -> None:
        super().__init__()
        redaction.install()
        refuse_a_key(resource, field)
        _check_transport(transport, client)
        match = _RESOURCE.fullmatch(resource) if isinstance(resource, str) else None
        if match is None:
            raise ConfigurationError(
                f"{resource!r} is not the name of a secret.",
                remedy="Write projects/PROJECT/secrets/SECRET, or for a regional secret "
                "projects/PROJECT/locations/LOCATION/secrets/SECRET. To pin a version, add /versions/VERSION.",
            )
        self.secret, self.location, version = match["secret"], match["location"], match["version"]
        self.pinned = None if version == "latest" else version
        self.resource, self.field = resource, checked_field(field)
        self.transport: Transport | None = transport
        self.name = name_of("google", resource, self.field)
        self._client: PerProcess[Any] = PerProcess.of(client, self._make_client, "access_secret_version", self)
        self._versions = Versions(self._access, self.name, MOST_PROBES)
        self._called = ""

    @property
    def uri(self) -> str:
        """The text form of this provider."""
        return uri_of("google", self.resource, self.field, transport=self.transport)

    def _again(self) -> Callable[[], Source]:
        return partial(type(self), self.resource, self.field, transport=self.transport)

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key in the pinned version, or in the newest version that can be read.

        Args:
            rejected: The key that the API has just refused; None when no key was refused. If this provider returned
                that key, the fetch asks for higher versions by number.

        Raises:
            Unavailable: There are no Google credentials on this machine.
            InvalidSecret: The secret cannot be a key.
            MissingDependency: The package for `transport` is not installed.
            NoSuchSecret: The secret or the version does not exist.
            FetchFailed: Another failure: access denied, version disabled, store down, wrong checksum.
        """
        if self.pinned:
            return self._access(self.pinned)
        return self._versions.newest(rejected if self._is_ours(rejected) else None)

    @sealed
    def fetch_newer(self, current: ApiKey | None) -> ApiKey:
        """Return the key in a newer version than the current one, even if `latest` still lags.

        It raises the errors of `fetch`.

        If no version is newer, the current version is read again. If the current version cannot be read any more, for
        example because it was disabled, an older one is read.

        Args:
            current: The serving key. None, or the key of another provider, makes this call a plain `fetch`.
        """
        if self.pinned or current is None or not self._is_ours(current):
            return self.fetch()
        return self._versions.newer(current)

    @sealed
    def fetch_previous(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key in the version before the refused one, even if it no longer works.

        It raises the errors of `fetch`.

        Args:
            rejected: The key that the API has just refused. None, or the key of another provider, raises FetchFailed.
        """
        if not self._is_ours(rejected) or number_of(rejected) < 2 or self.pinned:
            raise FetchFailed(f"{self.name}: has no earlier version.", remedy="Add a version, and pin no version here.")
        return self._access(str(number_of(rejected) - 1))

    def check_put(self) -> None:
        """Raise an error if no key can be stored with this provider.

        Raises:
            ConfigurationError: The provider is pinned to a version.
        """
        if self.pinned:
            raise ConfigurationError(
                f"{self.name}: is pinned to a version. No key can be put there.",
                remedy=f"Leave the version out: {self.secret}.",
            )

    @sealed_put
    def put(self, key: ApiKey | str) -> ApiKey:
        """Add a version with the key to the secret, which must exist; see `Writable.put`.

        In JSON, all other members are kept. Secret Manager has no compare-and-swap. If two writers add a version at the
        same moment, both versions are kept and the higher number serves. The writer of the higher number gets a
        PutConflict, and its `stored` is that number.

        Args:
            key: The key, or its text.

        Raises:
            InvalidSecret: The text cannot be a key.
            ConfigurationError: The provider is pinned to a version.
            PutConflict: Another writer added a version at the same moment.
            PutUnsure: The store gave no answer, and the version may have been added.
            PutFailed: The version could not be added, or the new version would lose other content of the secret.
            FetchFailed: The secret cannot be read.
            Unavailable: There are no Google credentials on this machine.
        """
        # Imported only when a key is written.
        from genai_credentials.writing.documents import document_for
        from genai_credentials.writing.google import Addition, NewVersion
        from genai_credentials.writing.text import text_of

        self.check_put()
        text = text_of(key, self.name)
        add = Addition(lambda *what: add_with(self._client.get(), self.secret, *what), kind_of, self.name)
        number = NewVersion(self._look, add, self.name).put(document_for(self.field, self.name), text)
        return self._versions.served(self.key(text, str(number)))

    def identity(self) -> str:
        """Return the name that Secret Manager uses: the secret with the number of the project, and the field.

        It raises the errors of `fetch`.
        """
        if not self._called:
            self.fetch()
        return f"google:{self._called}" + (f"#{self.field}" if self.field else "")

    def close(self) -> None:
        """Drop the connection. The next fetch makes a new one."""
        self._client.close(self)

    def reconnect(self) -> None:
        """Use a new connection from the next call on. Called after a call that took too long."""
        self._client.drop()

    def _is_ours(self, key: ApiKey | None) -> bool:
        return key is not None and key.provider == self.name and number_of(key) > 0

    def _access(self, version: str) -> ApiKey:
        answer = self._checked(version)
        number = answer.name.rsplit("/", 1)[-1]
        text = decoded(answer.data, f"{self.name}: version {number}")
        return self.key(extract_field(text, self.field, self.name), number)

    def _look(self, version: str) -> tuple[int, bytes | None] | None:
        """Return the number and the bytes of a version.

        The bytes are None if the version is disabled or destroyed. The result is None if the version does not exist.
        """
        try:
            answer = self._checked(version)
        except NotFound:
            return None
        except NotEnabled as error:
            return int(version) if version.isdecimal() else error.number, None
        return int(answer.name.rsplit("/", 1)[-1]), answer.data

    def _checked(self, version: str) -> Accessed:
        name = f"{self.secret}/versions/{version}"
        try:
            answer = self._client.ask(
                lambda client: self._read(client, name), lambda error: kind_of(error) == "DeadlineExceeded"
            )
        except CredentialsError:
            raise
        except Exception as error:
            raise self._explained(error, version) from without_frames(error)
        # The stock client does not compare the checksum (probed: it returned a payload with a wrong one).
        if answer.crc32c is not None and crc32c(answer.data) != answer.crc32c:
            number = answer.name.rsplit("/", 1)[-1]
            raise FetchFailed(
                f"{self.name}: version {number} arrived damaged (its CRC32C checksum is wrong).",
                remedy="The fetch is tried again. If the error lasts, store the key as a new version.",
            )
        self._called = answer.name.partition("/versions/")[0]
        return answer

    def _read(self, client: object, name: str) -> Accessed:
        # Half of the time is for a new connection, if this one may have stalled.
        share = 0.45 if self._client.may_have_stalled else 0.9
        return insist(
            lambda: read_with(client, name, seconds_left() * share),
            passes=lambda error: kind_of(error) in PASSING,
            seconds=seconds_left() * 0.45,
        )

    def _make_client(self) -> SecretManagerServiceClient | RestClient:
        if self.transport != "rest":
            try:
                return stock_client(self.location, self._log_in)
            except MissingDependency:
                if self.transport == "grpc":
                    raise
        return RestClient(self.location, self._log_in)

    def _log_in(self) -> Any:
        return default_credentials(self.name)

    def _explained(self, error: Exception, version: str) -> FetchFailed:
        trouble = of_google(error)
        raised = {NOT_FOUND: NotFound, NOT_ENABLED: NotEnabled}.get(trouble, FetchFailed)
        where = trouble._replace(problem=f"{trouble.problem} (version {version})")
        explained = raised(f"{self.name}: {where}.", remedy=trouble.remedy)
        if isinstance(explained, NotEnabled) and (named := _NUMBER.search(str(error))):
            explained.number = int(named[1])
        return explained


def _check_transport(transport: object, client: object) -> None:
    if transport not in (None, "grpc", "rest"):
        raise ConfigurationError(
            f"transport={transport!r} is not a transport.", remedy='Pass "grpc" or "rest", or leave transport out.'
        )
    if transport == "rest" and client is not None:
        raise ConfigurationError(
            'transport="rest" and a client were passed together.', remedy="Leave one of the two out."
        )
