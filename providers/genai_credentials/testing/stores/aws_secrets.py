"""The secrets of one region of AWS Secrets Manager: made, found by name or ARN, forgotten."""

from __future__ import annotations

import random
import string

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_secret import Json, Secret

__all__ = ["Secrets"]

_ACCOUNT = "123456789012"
_SUFFIX = string.ascii_letters + string.digits


class Secrets(dict[str, Secret]):
    """The secrets by name.

    Args:
        region: The region in their ARNs.
    """

    def __init__(self, region: str) -> None:
        super().__init__()
        self._region = region

    def arn_of(self, name: str) -> str:
        """A new ARN for a secret of this name, with six random characters."""
        suffix = "".join(random.choices(_SUFFIX, k=6))
        return f"arn:aws:secretsmanager:{self._region}:{_ACCOUNT}:secret:{name}-{suffix}"

    def create(self, name: str) -> Secret:
        """A new secret."""
        self[name] = Secret(name, self.arn_of(name))
        return self[name]

    def described(self, params: Json) -> Secret:
        """The secret that a request names, also if it is marked for deletion; raises `RefusedError` without one."""
        found = next((secret for secret in self.values() if secret.answers_to(params["SecretId"])), None)
        if found is None:
            raise RefusedError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return found

    def found(self, params: Json) -> Secret:
        """The secret that a request names; raises `RefusedError` without one, and if it is marked for deletion."""
        secret = self.described(params)
        if secret.deletion is not None:
            message = "You can't perform this operation on the secret because it was marked for deletion."
            raise RefusedError("InvalidRequestException", message)
        return secret
