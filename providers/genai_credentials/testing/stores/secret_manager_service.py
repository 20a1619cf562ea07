"""The methods of Secret Manager, as far as the emulator has them. No network, no planned errors.

There is no IAM: every caller may do everything, and no method reads or writes a policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from genai_credentials.sources.checksum import crc32c
from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.secret_manager_lists import page_of
from genai_credentials.testing.stores.secret_manager_model import Secret, Version, check_etag, new_etag

__all__ = ["SecretManagerService"]

_PARENT = re.compile(r"projects/[^/]+(?:/locations/[^/]+)?")
_SECRET = re.compile(rf"({_PARENT.pattern}/secrets/[A-Za-z0-9_-]{{1,255}})(?:/versions/([^/]+))?")
_MAX_PAYLOAD = 65536
_EXPIRY = frozenset({"expire_time", "ttl"})
_CHANGEABLE = _EXPIRY | {
    "annotations",
    "customer_managed_encryption",
    "labels",
    "rotation",
    "topics",
    "version_aliases",
    "version_destroy_ttl",
}


class SecretManagerService:
    """The secrets and the methods. Not thread-safe by itself.

    Args:
        project_number: The number that replaces the id of the project in every name. None keeps the names of the
            requests.
    """

    def __init__(self, project_number: str | None) -> None:
        self._project_number = project_number
        self._secrets: dict[str, Secret] = {}

    def methods(self) -> dict[type[Any], Callable[[Any], Any]]:
        """Return the function for each type of request. Requires that the Google client is installed."""
        from google.cloud import secretmanager_v1 as sm

        return {
            sm.CreateSecretRequest: self._create_secret,
            sm.GetSecretRequest: lambda request: sm.Secret(self.secret(request.name).proto),
            sm.UpdateSecretRequest: self._update_secret,
            sm.DeleteSecretRequest: self._delete_secret,
            sm.ListSecretsRequest: self._list_secrets,
            sm.AddSecretVersionRequest: self._add_version,
            sm.GetSecretVersionRequest: lambda request: _version_proto(*self._version(request.name)),
            sm.AccessSecretVersionRequest: self._access,
            sm.ListSecretVersionsRequest: self._list_versions,
            sm.EnableSecretVersionRequest: lambda request: self._change(request, "ENABLED"),
            sm.DisableSecretVersionRequest: lambda request: self._change(request, "DISABLED"),
            sm.DestroySecretVersionRequest: lambda request: self._change(request, "DESTROYED"),
        }

    def secret(self, name: str) -> Secret:
        """Return the secret with this name, or the secret of the version with this name."""
        name, _ = self._parse(name)
        secret = self._secrets.get(name)
        if secret is not None and secret.is_expired():
            del self._secrets[name]
            secret = None
        if secret is None:
            raise RefusedError("NOT_FOUND", f"Secret [{name}] not found or has no versions.")
        return secret

    def create(self, name: str) -> Secret:
        """Return the secret of this name. It is created if needed."""
        name, _ = self._parse(name)
        if name not in self._secrets:
            from google.cloud import secretmanager_v1 as sm

            everywhere = sm.Replication(automatic=sm.Replication.Automatic())
            proto = sm.Secret(replication=None if "/locations/" in name else everywhere)
            self._secrets[name] = _new_secret(name, proto)
        return self._secrets[name]

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

    def _change(self, request: Any, state: str) -> Any:
        secret, version = self._version(request.name)
        secret.change(version, state, request.etag)
        return _version_proto(secret, version)

    def _create_secret(self, request: Any) -> Any:
        name, version = self._parse(f"{request.parent}/secrets/{request.secret_id}")
        if version is not None or not _PARENT.fullmatch(request.parent):
            raise RefusedError("INVALID_ARGUMENT", f"{request.parent!r} is not a name like projects/P.")
        if name in self._secrets and not self._secrets[name].is_expired():
            raise RefusedError("ALREADY_EXISTS", f"Secret [{name}] already exists.")
        if "/locations/" not in name and "replication" not in request.secret:
            raise RefusedError("INVALID_ARGUMENT", "A secret that is not regional needs a replication policy.")
        self._secrets[name] = _new_secret(name, request.secret)
        return type(request.secret)(self._secrets[name].proto)

    def _update_secret(self, request: Any) -> Any:
        secret = self.secret(request.secret.name)
        check_etag(request.secret.etag, secret.proto.etag)
        changed = {path.partition(".")[0] for path in request.update_mask.paths} - {"etag"}
        if not changed or not changed <= _CHANGEABLE:
            unknown = ", ".join(sorted(changed - _CHANGEABLE)) or "nothing"
            raise RefusedError("INVALID_ARGUMENT", f"update_mask: it names {unknown}, which cannot be changed.")
        if "version_aliases" in changed:
            secret.alias(request.secret.version_aliases)
        _merge(secret.proto, request.secret, changed - {"version_aliases"})
        return type(request.secret)(secret.proto)

    def _delete_secret(self, request: Any) -> Any:
        from google.protobuf import empty_pb2

        check_etag(request.etag, self.secret(request.name).proto.etag)
        self.delete(request.name)
        return empty_pb2.Empty()

    def _list_secrets(self, request: Any) -> Any:
        from google.cloud import secretmanager_v1 as sm

        prefix = self._numbered(request.parent) + "/secrets/"
        secrets = [secret for name, secret in self._secrets.items() if name.startswith(prefix)]
        found = [secret.proto for secret in reversed(secrets) if not secret.is_expired()]
        page, token, size = page_of(request, sm.Secret, found)
        return sm.ListSecretsResponse(secrets=page, next_page_token=token, total_size=size)

    def _list_versions(self, request: Any) -> Any:
        from google.cloud import secretmanager_v1 as sm

        secret = self.secret(request.parent)
        newest_first = sorted(secret.versions, reverse=True)
        found = [_version_proto(secret, secret.find(str(number))) for number in newest_first]
        page, token, size = page_of(request, sm.SecretVersion, found)
        return sm.ListSecretVersionsResponse(versions=page, next_page_token=token, total_size=size)

    def _add_version(self, request: Any) -> Any:
        secret, payload = self.secret(request.parent), request.payload
        if not 0 < len(payload.data) <= _MAX_PAYLOAD:
            raise RefusedError("INVALID_ARGUMENT", f"The payload must have 1 to {_MAX_PAYLOAD} bytes.")
        checked = "data_crc32c" in payload
        if checked and payload.data_crc32c != crc32c(payload.data):
            raise RefusedError("INVALID_ARGUMENT", "The payload does not match its data_crc32c.")
        return _version_proto(secret, secret.append(payload.data, checked))

    def _access(self, request: Any) -> Any:
        from google.cloud import secretmanager_v1 as sm

        secret, version = self._version(request.name)
        if version.state != "ENABLED":
            raise secret.wrong_state(version)
        payload = sm.SecretPayload(data=version.data)
        if not secret.omit:
            payload.data_crc32c = crc32c(version.data) ^ secret.corrupt
        return sm.AccessSecretVersionResponse(name=f"{secret.name}/versions/{version.number}", payload=payload)


def _new_secret(name: str, proto: Any) -> Secret:
    proto.name, proto.create_time, proto.etag = name, datetime.now(UTC), new_etag()
    secret = Secret(_with_expiry(proto))
    secret.alias(proto.version_aliases)
    return secret


def _merge(proto: Any, sent: Any, changed: set[str]) -> None:
    if changed & _EXPIRY:
        proto.expire_time = None
    for name in changed:
        setattr(proto, name, getattr(sent, name) if name in sent else None)
    _with_expiry(proto).etag = new_etag()


def _with_expiry(proto: Any) -> Any:
    """Replace a time to live by the time at which the secret expires. The service never returns a time to live."""
    if "ttl" in proto:
        proto.expire_time = datetime.now(UTC) + proto.ttl
    if "expire_time" in proto and proto.expire_time <= datetime.now(UTC):
        raise RefusedError("INVALID_ARGUMENT", "expire_time must be in the future, and ttl over 0.")
    return proto


def _version_proto(secret: Secret, version: Version) -> Any:
    from google.cloud import secretmanager_v1 as sm

    replicas = secret.proto.replication.user_managed.replicas
    status = sm.ReplicationStatus
    if replicas:
        kind = status.UserManagedStatus
        everywhere = status(user_managed=kind(replicas=[kind.ReplicaStatus(location=one.location) for one in replicas]))
    else:
        everywhere = status(automatic=status.AutomaticStatus())
    return sm.SecretVersion(
        name=f"{secret.name}/versions/{version.number}",
        create_time=version.created,
        destroy_time=version.destroyed,
        scheduled_destroy_time=version.to_be_destroyed,
        state=sm.SecretVersion.State.__members__[version.state],
        replication_status=None if "/locations/" in secret.name else everywhere,
        client_specified_payload_checksum=version.checked,
        etag=version.etag,
    )
