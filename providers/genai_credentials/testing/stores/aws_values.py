"""The actions of AWS Secrets Manager that read and write values: create, put, update, read."""

from __future__ import annotations

import time
from collections.abc import Callable

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_requests import value_of
from genai_credentials.testing.stores.aws_secret import CURRENT, Json, Secret, Version
from genai_credentials.testing.stores.aws_secrets import Secrets

__all__ = ["Values", "read"]

_DETAILS = ("Description", "KmsKeyId", "Tags")


class Values:
    """The functions that answer these actions.

    Args:
        secrets: The secrets of the region.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def actions(self) -> dict[str, Callable[[Json], Json]]:
        """Return the function for each action, by the name of the action on the wire."""
        return {
            "CreateSecret": self._create,
            "PutSecretValue": self._put,
            "UpdateSecret": self._update,
            "GetSecretValue": lambda params: read(self._secrets, params),
        }

    def _create(self, params: Json) -> Json:
        name, value = params["Name"], value_of(params)
        if name in self._secrets:
            return self._created_already(self._secrets[name], value, params)
        secret = self._secrets.create(name)
        secret.details.update({key: params[key] for key in _DETAILS if params.get(key)})
        if not value:
            return secret.named()
        secret.put(Version(params["ClientRequestToken"], value), [CURRENT])
        return secret.named(params["ClientRequestToken"])

    def _created_already(self, secret: Secret, value: Json, params: Json) -> Json:
        if secret.deletion is not None:
            message = "You can't create this secret because a secret with this name is already scheduled for deletion."
            raise RefusedError("InvalidRequestException", message)
        if (token := params.get("ClientRequestToken")) in secret.versions:
            return secret.named(_same(secret, token, value).id)
        message = f"The operation failed because the secret {secret.name} already exists."
        raise RefusedError("ResourceExistsException", message)

    def _put(self, params: Json) -> Json:
        if not (value := value_of(params)):
            raise RefusedError("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
        secret, token = self._secrets.found(params), params["ClientRequestToken"]
        # A rotation starts with a version without a value. The first put sets its value.
        if token in secret.versions and secret.versions[token].value:
            version = _same(secret, token, value)
        else:
            version = Version(token, value)
            secret.put(version, _labels_for(secret, params))
        return {**secret.named(version.id), "VersionStages": secret.stages_of(version.id)}

    def _update(self, params: Json) -> Json:
        secret, value = self._secrets.found(params), value_of(params)
        secret.details.update({key: params[key] for key in _DETAILS if params.get(key)})
        secret.changed = time.time()
        if not value:
            return secret.named()
        token = params["ClientRequestToken"]
        if token in secret.versions:
            return secret.named(_same(secret, token, value).id)
        secret.put(Version(token, value), [CURRENT])
        return secret.named(token)


def read(secrets: Secrets, params: Json) -> Json:
    """Return the answer of GetSecretValue."""
    secret = secrets.found(params)
    version = secret.find(params.get("VersionId"), params.get("VersionStage"))
    secret.accessed = time.time()
    return {
        **secret.named(version.id),
        **version.value,
        "VersionStages": secret.stages_of(version.id),
        "CreatedDate": version.created,
    }


def _labels_for(secret: Secret, params: Json) -> list[str]:
    stages = list(params.get("VersionStages") or [CURRENT])
    first = not any(version.value for version in secret.versions.values())
    return [*stages, CURRENT] if first and CURRENT not in stages else stages


def _same(secret: Secret, token: str, value: Json) -> Version:
    """Return the version with this token.

    Raises `RefusedError` if it has another value: a value is never overwritten.
    """
    version = secret.versions[token]
    if version.value != value:
        message = f"You can't use ClientRequestToken {token} because that value is already in use for a version of"
        raise RefusedError("ResourceExistsException", f"{message} secret {secret.arn}.")
    return version
