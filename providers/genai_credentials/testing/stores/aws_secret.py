"""A secret of AWS Secrets Manager: its versions, and the rules of the labels on them."""

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
    """One version; `value` has its SecretString or SecretBinary as they go over the wire, nothing while it is empty."""

    id: str
    value: Json = field(repr=False)
    created: float = field(default_factory=_now)


@dataclass(slots=True)
class Secret:
    """A secret, its versions by id, which of them each label is on, and what DescribeSecret tells beside that.

    `details` has what callers set (Description, KmsKeyId, Tags, what a rotation needs) under the names on the wire.
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
        """Keep a version and move labels to it."""
        wanted = list(stages)
        self.make_room_for(wanted)
        self.versions[version.id] = version
        self.changed = _now()
        for stage in wanted:
            self.move(stage, version.id)

    def make_room_for(self, stages: Iterable[str]) -> None:
        """Raise `RefusedError` if there would be too many labels."""
        if len({*self.stages, *stages}) > MOST_LABELS:
            raise RefusedError("LimitExceededException", f"A secret has at most {MOST_LABELS} staging labels.")

    def move(self, stage: str, version: str) -> None:
        """Move a label; AWSCURRENT leaves AWSPREVIOUS behind."""
        current = self.stages.pop(stage, None)
        if stage == CURRENT and current not in (None, version):
            self.move(PREVIOUS, str(current))
        self.stages[stage] = version
        self.changed = _now()

    def remove(self, stage: str) -> None:
        """Take a label off; AWSCURRENT can only be moved."""
        if stage == CURRENT:
            message = f"You can only move staging label {stage} to a different secret version. It can't be removed."
            raise RefusedError("InvalidParameterException", message)
        del self.stages[stage]
        self.changed = _now()

    def stages_of(self, version: str) -> list[str]:
        """The labels of a version."""
        return [stage for stage, held_by in self.stages.items() if held_by == version]

    def labelled(self) -> dict[str, list[str]]:
        """The labels of each version that has any."""
        return {version: stages for version in self.versions if (stages := self.stages_of(version))}

    def find(self, version: str | None, stage: str | None) -> Version:
        """The version that an id, a label or both stand for; AWSCURRENT without either. An empty one is not found."""
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
        """Whether this is the secret's name, ARN or partial ARN."""
        # Without the hyphen and the six random characters it is what AWS calls a partial ARN.
        return secret_id in (self.name, self.arn, self.arn[:-7])

    def named(self, version: str | None = None) -> Json:
        """What every answer begins with."""
        named = {"ARN": self.arn, "Name": self.name}
        return named if version is None else {**named, "VersionId": version}

    def described(self, versions: str) -> Json:
        """What is told of it; `versions` is the name that its versions and labels go by."""
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
