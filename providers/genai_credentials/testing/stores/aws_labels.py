"""The actions of AWS Secrets Manager that move labels: UpdateSecretVersionStage, and the start of a rotation."""

from __future__ import annotations

import time
from collections.abc import Callable

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_secret import CURRENT, PENDING, Json, Version
from genai_credentials.testing.stores.aws_secrets import Secrets

__all__ = ["Labels"]

_DAY = 86_400.0


class Labels:
    """The functions that answer these actions.

    Args:
        secrets: The secrets of the region.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def actions(self) -> dict[str, Callable[[Json], Json]]:
        """Return the function for each action, by the name of the action on the wire."""
        return {
            "UpdateSecretVersionStage": self._update_stage,
            "RotateSecret": self._rotate,
            "CancelRotateSecret": self._cancel_rotation,
        }

    def _update_stage(self, params: Json) -> Json:
        secret, stage = self._secrets.found(params), params["VersionStage"]
        moved_to, removed_from = params.get("MoveToVersionId"), params.get("RemoveFromVersionId")
        holder = secret.stages.get(stage)
        if moved_to is None and removed_from is None:
            message = "You must provide either RemoveFromVersionId or MoveToVersionId."
            raise RefusedError("InvalidParameterException", message)
        if moved_to is not None and moved_to not in secret.versions:
            message = f"Secrets Manager can't find the specified secret version: {moved_to}"
            raise RefusedError("ResourceNotFoundException", message)
        if removed_from != holder and not (removed_from is None and holder == moved_to):
            raise _not_the_holder(stage, holder, removed_from)
        if moved_to is None:
            secret.remove(stage)
        elif moved_to != holder:
            secret.make_room_for([stage])
            secret.move(stage, moved_to)
        return secret.named()

    def _rotate(self, params: Json) -> Json:
        secret, token, days = self._secrets.found(params), params["ClientRequestToken"], _days(params)
        function = params.get("RotationLambdaARN") or secret.details.get("RotationLambdaARN")
        if not function:
            message = "No Lambda rotation function ARN is associated with this secret."
            raise RefusedError("InvalidRequestException", message)
        secret.find(None, CURRENT)
        if secret.stages.get(PENDING) not in (None, secret.stages[CURRENT]):
            message = "A previous rotation isn't complete. That rotation will be reattempted."
            raise RefusedError("InvalidRequestException", message)
        secret.details.update({"RotationEnabled": True, "RotationLambdaARN": function})
        if days is not None:
            secret.details["RotationRules"] = params["RotationRules"]
            secret.details["NextRotationDate"] = time.time() + days * _DAY
        secret.put(Version(token, {}), [PENDING])
        return secret.named(token)

    def _cancel_rotation(self, params: Json) -> Json:
        secret = self._secrets.found(params)
        if "RotationLambdaARN" not in secret.details:
            message = "The secret has no Lambda rotation function, so there is no rotation to cancel."
            raise RefusedError("InvalidRequestException", message)
        secret.details["RotationEnabled"] = False
        secret.details.pop("NextRotationDate", None)
        return secret.named(secret.stages.get(PENDING))


def _not_the_holder(stage: str, holder: str | None, removed_from: str | None) -> RefusedError:
    if removed_from is None:
        message = (
            f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version "
            f"{holder}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    else:
        message = (
            f"When you move staging label {stage}, if you specify RemoveFromVersionId, it must be set to the version "
            f"that currently has the staging label {stage}."
        )
    return RefusedError("InvalidParameterException", message)


def _days(params: Json) -> int | None:
    days: int | None = params.get("RotationRules", {}).get("AutomaticallyAfterDays")
    if days is not None and not 1 <= days <= 1000:
        message = "RotationRules.AutomaticallyAfterDays must be within 1-1000."
        raise RefusedError("InvalidParameterException", message)
    return days
