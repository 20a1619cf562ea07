"""What Secret Manager answers to each of its methods, as far as the emulator plays it; no wire, no clock, no faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from genai_credentials.testing.servers import RefusedError

__all__ = ["Secret", "SecretManagerService", "Version"]

_PARENT = re.compile(r"projects/[^/]+(?:/locations/[^/]+)?")
_SECRET = re.compile(rf"({_PARENT.pattern}/secrets/[A-Za-z0-9_-]{{1,255}})(?:/versions/([^/]+))?")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_MAX_PAYLOAD = 65536


@dataclass(slots=True)
class Version:
    """One version of a secret."""

    number: int
    data: bytes = field(repr=False)
    created: datetime
    state: str = "ENABLED"
    destroyed: datetime | None = None


@dataclass(slots=True)
class Secret:
    """A secret, its versions by number, and what the emulator was told to get wrong about it."""

    name: str
    created: datetime
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    versions: dict[int, Version] = field(default_factory=dict)
    latest: int | None = None
    corrupt: bool = False
    omit: bool = False

    def append(self, data: bytes) -> Version:
        """Add a version."""
        number = max(self.versions, default=0) + 1
        self.versions[number] = Version(number, data, datetime.now(UTC))
        return self.versions[number]

    def find(self, version: str) -> Version:
        """The version that a number, an alias or "latest" stands for, whatever its state."""
        if version == "latest":
            number = self.latest or max(self.versions, default=0)
        else:
            number = int(version) if version.isascii() and version.isdigit() else self.aliases.get(version, 0)
        if number not in self.versions:
            raise RefusedError("NOT_FOUND", f"Secret Version [{self.name}/versions/{version}] not found.")
        return self.versions[number]

    def change(self, version: Version, state: str) -> None:
        """Enable, disable or destroy a version."""
        if version.state == "DESTROYED":
            raise self.wrong_state(version)
        version.state = state
        if state == "DESTROYED":
            version.data, version.destroyed = b"", datetime.now(UTC)

    def alias(self, aliases: Mapping[str, int]) -> None:
        """Replace all the aliases."""
        for name, number in aliases.items():
            if not _ALIAS.fullmatch(name) or name == "latest":
                raise RefusedError("INVALID_ARGUMENT", f"{name!r} is not a valid version alias.")
            if number not in self.versions:
                raise RefusedError("INVALID_ARGUMENT", f"Alias {name!r}: version {number} does not exist.")
        self.aliases = dict(aliases)

    def wrong_state(self, version: Version) -> RefusedError:
        """The refusal of what the version's state doesn't allow."""
        name = f"{self.name}/versions/{version.number}"
        return RefusedError("FAILED_PRECONDITION", f"Secret Version [{name}] is in {version.state} state.")


class SecretManagerService:
    """The secrets and the methods; not safe for threads by itself.

    Args:
        project_number: put in place of the project's id in every name; None leaves names as they were asked with.
    """

    def __init__(self, project_number: str | None) -> None:
        self._project_number = project_number
        self._secrets: dict[str, Secret] = {}

    def methods(self) -> dict[type[Any], Callable[[Any], Any]]:
        """What answers each type of request; to be asked for once the Google client is known to be installed."""
        from google.cloud import secretmanager_v1 as sm

        return {
            sm.CreateSecretRequest: self._create_secret,
            sm.GetSecretRequest: lambda request: _secret_proto(self.secret(request.name)),
            sm.UpdateSecretRequest: self._update_secret,
            sm.DeleteSecretRequest: self._delete_secret,
            sm.ListSecretsRequest: self._list_secrets,
            sm.AddSecretVersionRequest: self._add_version,
            sm.GetSecretVersionRequest: lambda request: _version_proto(*self._version(request.name)),
            sm.AccessSecretVersionRequest: self._access,
            sm.ListSecretVersionsRequest: self._list_versions,
            sm.EnableSecretVersionRequest: lambda request: self._change(request.name, "ENABLED"),
            sm.DisableSecretVersionRequest: lambda request: self._change(request.name, "DISABLED"),
            sm.DestroySecretVersionRequest: lambda request: self._change(request.name, "DESTROYED"),
        }

    def secret(self, name: str) -> Secret:
        """The secret that a name, of it or of one of its versions, belongs to."""
        secret, _ = self._parse(name)
        if secret not in self._secrets:
            raise RefusedError("NOT_FOUND", f"Secret [{secret}] not found or has no versions.")
        return self._secrets[secret]

    def create(self, name: str) -> Secret:
        """The secret of this name, made if there is none."""
        name, _ = self._parse(name)
        return self._secrets.setdefault(name, Secret(name, datetime.now(UTC)))

    def delete(self, name: str) -> None:
        """Delete a secret with all its versions."""
        del self._secrets[self.secret(name).name]

    def _parse(self, name: str) -> tuple[str, str | None]:
        match = _SECRET.fullmatch(name)
        if match is None:
            message = f"{name!r} is not a name like projects/P/secrets/S or projects/P/locations/L/secrets/S."
            raise RefusedError("INVALID_ARGUMENT", message)
        return self._numbered(match[1]), match[2]

    def _numbered(self, name: str) -> str:
        if self._project_number is None:
            return name
        return re.sub(r"^projects/[^/]+", f"projects/{self._project_number}", name)

    def _version(self, name: str) -> tuple[Secret, Version]:
        secret = self.secret(name)
        _, version = self._parse(name)
        if version is None:
            raise RefusedError("INVALID_ARGUMENT", f"{name!r} names no version.")
        return secret, secret.find(version)

    def _change(self, name: str, state: str) -> Any:
        secret, version = self._version(name)
        secret.change(version, state)
        return _version_proto(secret, version)

    def _create_secret(self, request: Any) -> Any:
        name, version = self._parse(f"{request.parent}/secrets/{request.secret_id}")
        if version is not None or not _PARENT.fullmatch(request.parent):
            raise RefusedError("INVALID_ARGUMENT", f"{request.parent!r} is not a name like projects/P.")
        if name in self._secrets:
            raise RefusedError("ALREADY_EXISTS", f"Secret [{name}] already exists.")
        secret = self.create(name)
        secret.labels, secret.annotations = dict(request.secret.labels), dict(request.secret.annotations)
        return _secret_proto(secret)

    def _update_secret(self, request: Any) -> Any:
        secret = self.secret(request.secret.name)
        for path in request.update_mask.paths or [""]:
            if path == "version_aliases":
                secret.alias(request.secret.version_aliases)
            elif path == "labels":
                secret.labels = dict(request.secret.labels)
            elif path == "annotations":
                secret.annotations = dict(request.secret.annotations)
            else:
                raise RefusedError("INVALID_ARGUMENT", f"update_mask: the emulator cannot change {path!r}.")
        return _secret_proto(secret)

    def _delete_secret(self, request: Any) -> Any:
        from google.protobuf import empty_pb2

        self.delete(request.name)
        return empty_pb2.Empty()

    def _list_secrets(self, request: Any) -> Any:
        from google.cloud import secretmanager_v1 as sm

        prefix = self._numbered(request.parent) + "/secrets/"
        secrets = [secret for name, secret in self._secrets.items() if name.startswith(prefix)]
        page, token = _page(request, secrets)
        protos = [_secret_proto(secret) for secret in page]
        return sm.ListSecretsResponse(secrets=protos, next_page_token=token, total_size=len(secrets))

    def _list_versions(self, request: Any) -> Any:
        from google.cloud import secretmanager_v1 as sm

        secret = self.secret(request.parent)
        page, token = _page(request, sorted(secret.versions.values(), key=lambda version: -version.number))
        protos = [_version_proto(secret, version) for version in page]
        return sm.ListSecretVersionsResponse(versions=protos, next_page_token=token, total_size=len(secret.versions))

    def _add_version(self, request: Any) -> Any:
        secret, payload = self.secret(request.parent), request.payload
        if not 0 < len(payload.data) <= _MAX_PAYLOAD:
            raise RefusedError("INVALID_ARGUMENT", f"The payload must have 1 to {_MAX_PAYLOAD} bytes.")
        if "data_crc32c" in payload and payload.data_crc32c != _crc32c(payload.data):
            raise RefusedError("INVALID_ARGUMENT", "The payload does not match its data_crc32c.")
        return _version_proto(secret, secret.append(payload.data))

    def _access(self, request: Any) -> Any:
        from google.cloud import secretmanager_v1 as sm

        secret, version = self._version(request.name)
        if version.state != "ENABLED":
            raise secret.wrong_state(version)
        payload = sm.SecretPayload(data=version.data)
        if not secret.omit:
            payload.data_crc32c = _crc32c(version.data) ^ secret.corrupt
        return sm.AccessSecretVersionResponse(name=f"{secret.name}/versions/{version.number}", payload=payload)


def _crc32c(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))


def _page(request: Any, items: list[Any]) -> tuple[list[Any], str]:
    if request.filter:
        raise RefusedError("UNIMPLEMENTED", "The emulator does not filter lists.")
    start = int(request.page_token or 0)
    end = start + (request.page_size or len(items))
    return items[start:end], str(end) if end < len(items) else ""


def _secret_proto(secret: Secret) -> Any:
    from google.cloud import secretmanager_v1 as sm

    return sm.Secret(
        name=secret.name,
        create_time=secret.created,
        labels=secret.labels,
        annotations=secret.annotations,
        version_aliases=secret.aliases,
    )


def _version_proto(secret: Secret, version: Version) -> Any:
    from google.cloud import secretmanager_v1 as sm

    return sm.SecretVersion(
        name=f"{secret.name}/versions/{version.number}",
        create_time=version.created,
        destroy_time=version.destroyed,
        state=sm.SecretVersion.State.__members__[version.state],
    )
