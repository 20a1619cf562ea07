"""A secret of AWS Secrets Manager: its versions, and the rules for the labels of the versions."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from genai_credentials.testing.servers import RefusedError

__all__ = ["CURRENT", "MOST_LABELS", "PENDING", "PREVIOUS", "Json", "Secret", "Version"]

Json = dict[str, Any]
CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
MOST_LABELS = 20
_DAY = 86_400.0


def _now() -> float:
    return time.time()


@dataclass(slots=True)
class Version:
    """A version of a secret.

    `value` holds its SecretString or SecretBinary in the form of the wire. It is empty for a version without a value.
    """

    id: str
    value: Json = field(repr=False)
    created: float = field(default_factory=_now)


@dataclass(slots=True)
class Secret:
    """A secret: its versions by id, the version of each label, and the further members that DescribeSecret returns.

    `details` holds the members that callers set (Description, KmsKeyId, Tags, rotation), under the names of the wire.
    """

    name: str
    arn: str
    versions: dict[str, Version] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    details: Json = field(default_factory=dict)
    created: float = field(default_factory=_now)
    changed: float = field(default_factory=_now)
    accessed: float | None = None
    deletion: float | None = None
    policy: str | None = None

    def put(self, version: Version, stages: Iterable[str]) -> None:
        """Add a version and move labels to it."""
        wanted = list(stages)
        self.make_room_for(wanted)
        self.versions[version.id] = version
        self.changed = _now()
        for stage in wanted:
            self.move(stage, version.id)

    def make_room_for(self, stages: Iterable[str]) -> None:
        """Check the number of labels. Raises `RefusedError` if there would be more than 20."""
        if len({*self.stages, *stages}) > MOST_LABELS:
            raise RefusedError("LimitExceededException", f"A secret has at most {MOST_LABELS} staging labels.")

    def move(self, stage: str, version: str) -> None:
        """Move a label. If AWSCURRENT moves, AWSPREVIOUS moves to its former version."""
        current = self.stages.pop(stage, None)
        if stage == CURRENT and current not in (None, version):
            self.move(PREVIOUS, str(current))
        self.stages[stage] = version
        self.changed = _now()

    def remove(self, stage: str) -> None:
        """Remove a label. Raises `RefusedError` for AWSCURRENT, which can only be moved."""
        if stage == CURRENT:
            message = f"You can only move staging label {stage} to a different secret version. It can't be removed."
            raise RefusedError("InvalidParameterException", message)
        del self.stages[stage]
        self.changed = _now()

    def stages_of(self, version: str) -> list[str]:
        """Return the labels of a version."""
        return [stage for stage, held_by in self.stages.items() if held_by == version]

    def labelled(self) -> dict[str, list[str]]:
        """Return the labels of each version that has a label."""
        return {version: stages for version in self.versions if (stages := self.stages_of(version))}

    def find(self, version: str | None, stage: str | None) -> Version:
        """Return the version with this id, with this label, or with both.

        Without id and label: the one under AWSCURRENT.

        Raises:
            RefusedError: There is no such version, or it has no value yet.
        """
        wanted = f"VersionId: {version}" if version else f"staging label: {stage or CURRENT}"
        found = self.versions.get(version or self.stages.get(stage or CURRENT, ""))
        if found is None or not found.value:
            message = f"Secrets Manager can't find the specified secret value for {wanted}"
            raise RefusedError("ResourceNotFoundException", message)
        if stage is not None and self.stages.get(stage) != found.id:
            message = "You provided a VersionStage that is not associated to the provided VersionId."
            raise RefusedError("InvalidRequestException", message)
        return found

    def answers_to(self, secret_id: str) -> bool:
        """Whether this is the name, the ARN or the partial ARN of the secret."""
        # AWS calls an ARN without the hyphen and the six random characters a partial ARN.
        return secret_id in (self.name, self.arn, self.arn[:-7])

    def named(self, version: str | None = None) -> Json:
        """Return the members at the start of every answer."""
        named = {"ARN": self.arn, "Name": self.name}
        return named if version is None else {**named, "VersionId": version}

    def described(self, versions: str) -> Json:
        """Return the description of the secret. `versions` is the name of the member with its versions and labels."""
        dates = {
            "LastAccessedDate": None if self.accessed is None else self.accessed // _DAY * _DAY,
            "DeletedDate": self.deletion,
        }
        return {
            **self.named(),
            **self.details,
            "CreatedDate": self.created,
            "LastChangedDate": self.changed,
            **{name: date for name, date in dates.items() if date is not None},
            **({versions: labelled} if (labelled := self.labelled()) else {}),
        }
