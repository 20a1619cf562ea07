"""The actions of AWS Secrets Manager on a whole secret: describe, delete, restore, tag, and set its policy."""

from __future__ import annotations

import time
from collections.abc import Callable

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_secret import Json, Secret
from genai_credentials.testing.stores.aws_secrets import Secrets

__all__ = ["Details"]

_DAY = 86_400.0


class Details:
    """The functions that answer these actions.

    Args:
        secrets: The secrets of the region.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def actions(self) -> dict[str, Callable[[Json], Json]]:
        """Return the function for each action, by the name of the action on the wire."""
        return {
            "DescribeSecret": lambda params: self._secrets.described(params).described("VersionIdsToStages"),
            "DeleteSecret": self._delete,
            "RestoreSecret": self._restore,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "PutResourcePolicy": self._put_policy,
            "GetResourcePolicy": self._get_policy,
            "DeleteResourcePolicy": self._delete_policy,
        }

    def _delete(self, params: Json) -> Json:
        days, forced = params.get("RecoveryWindowInDays"), params.get("ForceDeleteWithoutRecovery", False)
        if days is not None and not 7 <= days <= 30:
            message = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
            raise RefusedError("InvalidParameterException", message)
        if days is not None and forced:
            message = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
            raise RefusedError("InvalidParameterException", message)
        if forced:
            return self._delete_now(params)
        secret = self._secrets.found(params)
        secret.deletion = time.time() + (days or 30) * _DAY
        return {**secret.named(), "DeletionDate": secret.deletion}

    def _delete_now(self, params: Json) -> Json:
        # A forced deletion of a missing secret is no error, according to the documentation of the service.
        try:
            secret = self._secrets.described(params)
        except RefusedError:
            name = params["SecretId"]
            secret = Secret(name, self._secrets.arn_of(name))
        self._secrets.pop(secret.name, None)
        return {**secret.named(), "DeletionDate": time.time()}

    def _restore(self, params: Json) -> Json:
        secret = self._secrets.described(params)
        secret.deletion = None
        return secret.named()

    def _tag(self, params: Json) -> Json:
        secret = self._secrets.found(params)
        tags = {tag["Key"]: tag for tag in [*secret.details.get("Tags", ()), *params["Tags"]]}
        secret.details["Tags"] = list(tags.values())
        return {}

    def _untag(self, params: Json) -> Json:
        secret = self._secrets.found(params)
        kept = [tag for tag in secret.details.get("Tags", ()) if tag["Key"] not in params["TagKeys"]]
        secret.details["Tags"] = kept
        return {}

    def _put_policy(self, params: Json) -> Json:
        secret = self._secrets.found(params)
        secret.policy = params["ResourcePolicy"]
        return secret.named()

    def _get_policy(self, params: Json) -> Json:
        secret = self._secrets.described(params)
        return secret.named() if secret.policy is None else {**secret.named(), "ResourcePolicy": secret.policy}

    def _delete_policy(self, params: Json) -> Json:
        secret = self._secrets.found(params)
        secret.policy = None
        return secret.named()
