"""What AWS Secrets Manager answers to each of its actions, as far as the emulator plays it; no wire, no faults."""

from __future__ import annotations

import base64
import random
import string
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from genai_credentials.testing.servers import RefusedError

__all__ = ["SECRET_FIELDS", "AWSService", "Secret", "Version"]

SECRET_FIELDS = ("SecretString", "SecretBinary")
Json = dict[str, Any]
_ACCOUNT = "123456789012"


@dataclass(slots=True)
class Version:
    """One version; `value` has its SecretString or SecretBinary as they go over the wire."""

    id: str
    value: Json = field(repr=False)
    created: float = field(default_factory=time.time)


@dataclass(slots=True)
class Secret:
    """A secret, its versions by id, and which of them each label is on."""

    name: str
    arn: str
    versions: dict[str, Version] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    deleted: bool = False

    def put(self, version: Version, stages: Iterable[str]) -> None:
        """Keep a version and move labels to it."""
        self.versions[version.id] = version
        for stage in stages:
            self.move(stage, version.id)

    def move(self, stage: str, version: str) -> None:
        """Move a label; AWSCURRENT leaves AWSPREVIOUS behind."""
        current = self.stages.get(stage)
        if stage == "AWSCURRENT" and current is not None and current != version:
            self.stages["AWSPREVIOUS"] = current
        self.stages[stage] = version

    def stages_of(self, version: str) -> list[str]:
        """The labels of a version."""
        return [stage for stage, held_by in self.stages.items() if held_by == version]

    def answers_to(self, secret_id: str) -> bool:
        """Whether this is the secret's name, ARN or partial ARN."""
        # Without the hyphen and the six random characters it is what AWS calls a partial ARN.
        return secret_id in (self.name, self.arn, self.arn[:-7])


class AWSService:
    """The secrets of one region and the actions; not safe for threads by itself."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._secrets: dict[str, Secret] = {}

    def actions(self) -> dict[str, Callable[[Json], Json]]:
        """What answers each action, by its name on the wire."""
        return {
            "GetSecretValue": self._get_secret_value,
            "PutSecretValue": self._put_secret_value,
            "CreateSecret": self._create_secret,
            "UpdateSecretVersionStage": self._update_stage,
            "DescribeSecret": self._describe,
            "ListSecretVersionIds": self._list_versions,
        }

    def secret(self, name: str) -> Secret:
        """The secret of this name, marked for deletion or not."""
        return self._secrets[name]

    def add(self, name: str, value: str | bytes, stages: Iterable[str]) -> str:
        """Add a version, creating or restoring the secret if needed, and return the version's id."""
        secret = self._secrets.get(name) or self._created(name)
        secret.deleted = False
        content = (
            {"SecretString": value} if isinstance(value, str) else {"SecretBinary": base64.b64encode(value).decode()}
        )
        version = Version(str(uuid.uuid4()), content)
        secret.put(version, stages)
        return version.id

    def _created(self, name: str) -> Secret:
        suffix = "".join(random.choices(string.ascii_letters + string.digits, k=6))
        arn = f"arn:aws:secretsmanager:{self._region}:{_ACCOUNT}:secret:{name}-{suffix}"
        return self._secrets.setdefault(name, Secret(name, arn))

    def _found(self, params: Json) -> Secret:
        for secret in self._secrets.values():
            if secret.answers_to(params["SecretId"]):
                if secret.deleted:
                    message = "You can't perform this operation on the secret because it was marked for deletion."
                    raise RefusedError("InvalidRequestException", message)
                return secret
        raise RefusedError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")

    def _version(self, secret: Secret, params: Json) -> Version:
        version, stage = params.get("VersionId"), params.get("VersionStage")
        if version is None:
            stage = stage or "AWSCURRENT"
            version, wanted = secret.stages.get(stage), f"staging label: {stage}"
        else:
            wanted = f"VersionId: {version}"
        if version not in secret.versions:
            message = f"Secrets Manager can't find the specified secret value for {wanted}"
            raise RefusedError("ResourceNotFoundException", message)
        if stage is not None and secret.stages.get(stage) != version:
            message = "You provided a VersionStage that is not associated to the provided VersionId."
            raise RefusedError("InvalidRequestException", message)
        return secret.versions[version]

    def _get_secret_value(self, params: Json) -> Json:
        secret = self._found(params)
        version = self._version(secret, params)
        return {
            **_described(secret, version.id),
            **version.value,
            "VersionStages": secret.stages_of(version.id),
            "CreatedDate": version.created,
        }

    def _put_secret_value(self, params: Json) -> Json:
        secret = self._found(params)
        version = Version(params["ClientRequestToken"], _value(params))
        known = secret.versions.get(version.id)
        if known is not None and known.value != version.value:
            message = f"Version {version.id} already exists with another value."
            raise RefusedError("ResourceExistsException", message)
        if known is None:
            secret.put(version, params.get("VersionStages") or ["AWSCURRENT"])
        return {**_described(secret, version.id), "VersionStages": secret.stages_of(version.id)}

    def _create_secret(self, params: Json) -> Json:
        name, value = params["Name"], _value(params)
        if name in self._secrets:
            raise RefusedError("ResourceExistsException", f"The secret {name} already exists.")
        secret = self._created(name)
        if not value:
            return _described(secret)
        secret.put(Version(params["ClientRequestToken"], value), ["AWSCURRENT"])
        return _described(secret, params["ClientRequestToken"])

    def _update_stage(self, params: Json) -> Json:
        secret, stage = self._found(params), params["VersionStage"]
        moved_to, moved_from = params.get("MoveToVersionId"), params.get("RemoveFromVersionId")
        if secret.stages.get(stage) not in (None, moved_to, moved_from):
            raise RefusedError("InvalidParameterException", f"{stage} is attached to another version: name it.")
        if moved_to is None:
            secret.stages.pop(stage, None)
        else:
            self._version(secret, {"VersionId": moved_to})
            secret.move(stage, moved_to)
        return _described(secret)

    def _describe(self, params: Json) -> Json:
        secret = self._found(params)
        stages = {version: secret.stages_of(version) for version in secret.versions}
        return {**_described(secret), "VersionIdsToStages": {version: held for version, held in stages.items() if held}}

    def _list_versions(self, params: Json) -> Json:
        secret = self._found(params)
        versions = [
            {"VersionId": version.id, "VersionStages": stages, "CreatedDate": version.created}
            for version in secret.versions.values()
            if (stages := secret.stages_of(version.id)) or params.get("IncludeDeprecated")
        ]
        return {**_described(secret), "Versions": versions}


def _value(params: Json) -> Json:
    return {key: params[key] for key in SECRET_FIELDS if key in params}


def _described(secret: Secret, version: str | None = None) -> Json:
    described = {"ARN": secret.arn, "Name": secret.name}
    return described if version is None else {**described, "VersionId": version}
